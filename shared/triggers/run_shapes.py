"""The JSON of the preview of a run."""

from typing import Literal

from shared.triggers.shapes import Shape


class ForeseenShape(Shape):
    """One thing that a run would do to one event, and why."""

    event_id: str
    title: str | None = None
    side: str
    action: str
    fields: list[str]
    rule: str
    reason: str


class PreviewResponse(Shape):
    """What a run would do. No sync mails anybody.

    ``copiesMoved`` go to another calendar before all else. ``unreached`` are events that could not be looked at now.
    """

    creates: int
    updates: int
    deletes: int
    conflicts: int
    held: int
    copies_moved: int
    unreached: int
    mails: Literal[0]
    events: list[ForeseenShape]
    truncated: bool
