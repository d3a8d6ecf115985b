"""The JSON of what was done: undoing a run, explaining an event, bringing one back."""

from typing import Literal

from shared.triggers.shapes import ConflictShape, Shape


class KeptShape(Shape):
    """An event that an undo left as it is, and why: ``changed_since``, ``guests``, ``type_off``, ..."""

    event_id: str
    reason: str


class UndoResponse(Shape):
    """What became of an undo; ``sync_id`` is that of the run that undoes, which goes on while ``in_progress``."""

    success: bool
    sync_id: str
    undone: int
    skipped: list[KeptShape]
    status: Literal["completed", "in_progress", "failed", "cancelled"]


class FieldStandingShape(Shape):
    """How a field stands, and by which rule."""

    field: str
    state: Literal["agreed", "to_wedsync", "to_outlook", "held", "drifted"]
    rule: str
    reason: str


class FieldTimeShape(Shape):
    """``dateTime``: local to ``timeZone``; of an all-day event dates, the end exclusive."""

    start: str
    end: str
    time_zone: str
    all_day: bool


class FieldPlaceShape(Shape):
    """``location``."""

    name: str
    address: str


class FieldPersonShape(Shape):
    """One of ``attendees``."""

    email: str
    name: str


class EventFieldsShape(Shape):
    """The fields of an event that a change wrote; the others are absent."""

    title: str | None = None
    description: str | None = None
    date_time: FieldTimeShape | None = None
    location: FieldPlaceShape | None = None
    private: bool | None = None
    attendees: list[FieldPersonShape] | None = None


class ChangeShape(Shape):
    """One change that was made, with what was there before and after on the side that was written."""

    at: str
    side: Literal["wedsync", "outlook"]
    kind: str
    fields: list[str]
    rule: str
    reason: str
    run_id: str | None = None
    correlation: str | None = None
    before: EventFieldsShape | None = None
    after: EventFieldsShape | None = None


class ExplainResponse(Shape):
    """Why an event is as it is. ``state`` is the mapping's, or ``unmapped``."""

    event_id: str
    outlook_event_id: str | None = None
    synced: bool
    state: str
    rule: str
    reason: str
    next_step: str
    fields: list[FieldStandingShape]
    conflicts: list[ConflictShape]
    last_changes: list[ChangeShape]


class RestoreResponse(Shape):
    """Whether the event was brought back (``restored``) or needed nothing; the run is named where there was one."""

    success: bool
    event_id: str
    restored: bool
    sync_id: str | None = None
