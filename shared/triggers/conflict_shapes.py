"""The JSON of resolving a conflict and of force-sync."""

from typing import Any, Literal

from pydantic import Field, StrictBool

from shared.triggers.shapes import Shape


class FieldChoice(Shape):
    """One field's resolution."""

    use_value: Literal["wedsync", "outlook", "custom"]
    custom_value: Any = None
    conflict_id: str | None = None


class ResolveRequest(Shape):
    """``ResolveConflictRequest``."""

    resolutions: dict[str, FieldChoice] = Field(min_length=1, max_length=10)
    set_as_default: StrictBool = False
    mail_guests: StrictBool = False


class ResolveResponse(Shape):
    """What became of each field: ``applied``, or ``queued`` when the far end has to be waited for."""

    success: bool
    results: dict[str, str]


class ForceSyncRequest(Shape):
    """``ForceSyncEventRequest``."""

    direction: Literal["to_outlook", "from_outlook"]
    overwrite_conflicts: StrictBool = False


class ForceSyncResponse(Shape):
    """What was done, and the run under which it is in the history."""

    success: bool
    sync_id: str
    action: Literal["created", "updated", "unchanged"]
    fields: list[str]
