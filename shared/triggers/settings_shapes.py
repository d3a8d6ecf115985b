"""The JSON of the settings: ``UpdateOutlookSettingsRequest`` and its answer, with the additions of the design."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from shared.core.prefix import LONGEST_PREFIX, VISIBLE_PREFIX, prefix_fault
from shared.core.settings_change import LONGEST_REMINDER, MOST_REMINDERS
from shared.triggers.shapes import DirectionText, IntegrationShape, Shape


def _checked_prefix(prefix: str) -> str:
    if fault := prefix_fault(prefix):
        raise ValueError(f"The prefix {fault}.")
    return prefix


class PreferencesRequest(Shape):
    """``Partial<OutlookSyncPreferences>``; ``syncDirection`` is taken here too, because the component sends it so."""

    sync_client_meetings: StrictBool | None = None
    sync_wedding_events: StrictBool | None = None
    sync_deadlines: StrictBool | None = None
    sync_travel_time: StrictBool | None = None
    event_prefix: (
        Annotated[
            StrictStr,
            AfterValidator(_checked_prefix),
            WithJsonSchema({"type": "string", "maxLength": LONGEST_PREFIX, "pattern": VISIBLE_PREFIX}),
        ]
        | None
    ) = None
    create_separate_calendar: StrictBool | None = None
    notification_minutes: (
        Annotated[
            list[Annotated[StrictInt, Field(ge=0, le=LONGEST_REMINDER)]],
            Field(max_length=MOST_REMINDERS),
        ]
        | None
    ) = None
    on_outlook_delete: Literal["ask", "unlink", "delete"] | None = None
    import_outlook_events: Literal["full", "busy", "none"] | None = None
    guest_updates: Literal["ask", "send"] | None = None
    sync_direction: DirectionText | None = None


class SettingsRequest(Shape):
    """``UpdateOutlookSettingsRequest``: what is absent stays as it is."""

    calendar_id: Annotated[StrictStr, Field(min_length=1, max_length=1024)] | None = None
    sync_direction: DirectionText | None = None
    sync_preferences: PreferencesRequest | None = None
    sync_enabled: StrictBool | None = None
    webhook_enabled: StrictBool | None = None
    remove_resolution_rules: Annotated[list[StrictStr], Field(max_length=500)] | None = None


class CopyLeftShape(Shape):
    """A copy in Outlook that stays where it is: it has guests, was made a meeting, or waits for an answer."""

    event_id: str
    title: str
    reason: Literal["guests", "meeting", "conflict"]


class SettingsWarning(Shape):
    """Something that was taken and cannot be done in full."""

    code: str
    detail: str


class SettingsResponse(Shape):
    """``UpdateOutlookSettingsResponse``; added is what becomes of the copies, and the run that carries it out."""

    integration: IntegrationShape
    webhook_subscription_updated: bool
    sync_schedule_changed: bool
    requires_full_resync: bool
    copies_removed: int
    copies_moved: int
    copies_left: list[CopyLeftShape]
    warnings: list[SettingsWarning]
    sync_id: str | None = None
