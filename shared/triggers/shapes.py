"""The JSON of the HTTP API, one model per shape of the specification (WS-217): camelCase, unknown members refused."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StringConstraints,
    model_serializer,
)
from pydantic.alias_generators import to_camel

DirectionText = Literal["to_outlook", "from_outlook", "bidirectional"]


class Shape(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class AuthResponse(Shape):
    """``OutlookAuthResponse``, with the way for the browser added."""

    auth_url: str
    state: str
    start_url: str


class CallbackRequest(Shape):
    """``OutlookCallbackRequest``; ``error`` and its description come instead of a code when consent was declined."""

    code: str = Field("", max_length=8192)
    state: str = Field(min_length=1, max_length=512)
    error: str = Field("", max_length=256)
    error_description: str = Field("", max_length=4096)
    session_state: str = Field("", max_length=512)
    client_info: str = Field("", max_length=4096)


class PreferencesShape(Shape):
    """``OutlookSyncPreferences``, with the additions of the design."""

    sync_client_meetings: bool
    sync_wedding_events: bool
    sync_deadlines: bool
    sync_travel_time: bool
    event_prefix: str
    create_separate_calendar: bool
    notification_minutes: list[int]
    on_outlook_delete: Literal["ask", "unlink", "delete"]
    import_outlook_events: Literal["full", "busy", "none"]
    guest_updates: Literal["ask", "send"]


class ResolutionRuleShape(Shape):
    """A choice that holds for conflicts to come."""

    rule_id: str
    field: str
    event_type: str
    use: Literal["wedsync", "outlook"]
    created_at: str


class IntegrationShape(Shape):
    """``OutlookIntegration``; ``status`` and ``reason`` say whether the user has to do something.

    While ``status`` is ``needs_reconnect``, ``reasonCode`` is the reason for programs, ``reconnectUrl`` the page where
    the user connects again, and ``adminConsentUrl`` where an administrator approves first, if one has to.
    ``moving``: ``calendarId`` is still the earlier one, because the copies are on their way to another calendar.
    """

    id: str
    microsoft_user_id: str
    tenant_id: str
    calendar_id: str | None = None
    calendar_name: str | None = None
    sync_enabled: bool
    sync_direction: DirectionText
    sync_preferences: PreferencesShape
    last_sync_at: str | None = None
    last_sync_status: Literal["pending", "success", "error", "partial"]
    status: str
    reason: str | None = None
    reason_code: str | None = None
    reconnect_url: str | None = None
    admin_consent_url: str | None = None
    email: str | None = None
    resolution_rules: list[ResolutionRuleShape] | None = None
    webhook_enabled: bool
    moving: bool | None = None


class OwnerShape(Shape):
    """A calendar's owner."""

    name: str
    address: str


class CalendarShape(Shape):
    """``OutlookCalendar``."""

    id: str
    name: str
    color: str
    is_default_calendar: bool
    can_edit: bool
    owner: OwnerShape


class CallbackResponse(Shape):
    """``OutlookCallbackResponse``."""

    success: bool
    integration: IntegrationShape
    calendars: list[CalendarShape]


class CalendarsResponse(Shape):
    """The calendars to choose from, and the one chosen."""

    calendars: list[CalendarShape]
    calendar_id: str


class StatsShape(Shape):
    """``syncStats``; ``nextScheduledSync`` is empty while none comes by itself.

    Added: ``errorEvents``, so that ``totalEvents`` is the sum of its parts.
    """

    total_events: int
    synced_events: int
    pending_events: int
    conflicted_events: int
    error_events: int
    last_full_sync: str
    next_scheduled_sync: str


class SyncErrorShape(Shape):
    """``SyncError``."""

    event_id: str
    event_type: str
    error_code: str
    error_message: str
    retryable: bool


class HistoryItem(Shape):
    """``OutlookSyncHistoryItem``.

    Added: ``events_repaired``, what had been missed, and a reconciliation found; ``purpose`` where a run was for
    something else than syncing (``reconcile``, ``undo``, ``move_calendar``, ...), and which run it ``undoes``.
    """

    id: str
    sync_type: Literal["full_sync", "incremental", "single_event", "webhook_triggered"]
    sync_direction: DirectionText
    events_processed: int
    events_created: int
    events_updated: int
    events_deleted: int
    conflicts_detected: int
    events_repaired: int | None = None
    sync_status: Literal["in_progress", "completed", "failed", "cancelled"]
    sync_duration_ms: int
    started_at: str
    completed_at: str | None = None
    triggered_by: Literal["manual", "webhook", "scheduled", "auto"]
    purpose: str | None = None
    undoes: str | None = None
    errors: list[SyncErrorShape] | None = None


class WebhookStatus(Shape):
    """``webhookStatus``. ``reason``: why Outlook does not tell of changes, where it refuses to."""

    is_active: bool
    subscription_id: str | None = None
    expires_at: str | None = None
    renewal_needed: bool
    reason: str | None = None


class HeldEventShape(Shape):
    """An event whose deletion is held; ``side`` is where it would be deleted."""

    event_id: str
    title: str
    side: Literal["wedsync", "outlook"]
    held_at: str


class ConfirmationShape(Shape):
    """The open question about held deletions. ``events`` are the first 200 of ``count``."""

    confirmation_id: str
    side: Literal["wedsync", "outlook", "both"]
    count: int
    events: list[HeldEventShape]
    reason: str
    opened_at: str
    expires_at: str


class ConfirmRequest(Shape):
    """The answer: delete these events, or keep them."""

    confirmation_id: str = Field(min_length=1, max_length=256)
    accept: StrictBool


class StatusResponse(Shape):
    """``OutlookSyncStatusResponse``."""

    integration: IntegrationShape
    sync_stats: StatsShape
    recent_sync_history: list[HistoryItem]
    webhook_status: WebhookStatus
    confirmation: ConfirmationShape | None = None


class SyncRequest(Shape):
    """``OutlookSyncRequest``."""

    sync_type: Literal["full_sync", "incremental"] = "incremental"
    sync_direction: DirectionText | None = None
    specific_events: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] | None = Field(
        None, max_length=500
    )


class SyncResponse(Shape):
    """``OutlookSyncResponse``."""

    sync_id: str
    status: Literal["started", "queued"]
    estimated_duration: int
    events_to_process: int


class ProgressShape(Shape):
    """``progress``."""

    total_events: int
    processed_events: int
    created_events: int
    updated_events: int
    deleted_events: int
    error_events: int


class SyncJobResponse(Shape):
    """``OutlookSyncJobResponse``."""

    sync_id: str
    status: Literal["in_progress", "completed", "failed", "cancelled"]
    progress: ProgressShape
    errors: list[SyncErrorShape] | None = None
    started_at: str
    completed_at: str | None = None
    estimated_time_remaining: int | None = None
    confirmation: ConfirmationShape | None = None


class ConflictShape(Shape):
    """``SyncConflict``, with its id, the base, the times and the reason added. An absent side's value is null.

    ``state`` is ``resolved`` while a ``choice`` was made that is not on both sides yet.
    """

    field: str
    wed_sync_value: Any
    outlook_value: Any
    conflict_type: Literal["date_time", "title", "description", "attendees", "location"]
    suggested_resolution: Literal["use_wedsync", "use_outlook", "manual_review"]
    conflict_id: str
    base: Any = None
    reason: str = ""
    opened_at: str = ""
    wed_sync_changed_at: str | None = None
    outlook_changed_at: str | None = None
    kind: Literal["deleted"] | None = None
    state: Literal["open", "resolved"] = "open"
    choice: str | None = None

    @model_serializer(mode="wrap")
    def _keep_the_absent_side(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Both values are mandatory: null says that the side has no event, and must not be left out."""
        written: dict[str, Any] = handler(self)
        written.setdefault("wedSyncValue", None)
        written.setdefault("outlookValue", None)
        return written


class MappedEventShape(Shape):
    """``OutlookMappedEvent``; ``canResync`` is whether ``force-sync`` may be called for it now."""

    wed_sync_event_id: str
    wed_sync_event_type: str
    wed_sync_event_title: str
    wed_sync_event_date: str
    outlook_event_id: str
    outlook_event_title: str
    outlook_event_date: str
    sync_status: Literal["synced", "pending", "conflict", "error"]
    last_synced: str
    sync_conflicts: list[ConflictShape] | None = None
    can_resync: bool
    reason: str | None = None


class PaginationShape(Shape):
    """``pagination``."""

    page: int
    total_pages: int
    total_events: int


class DateRange(Shape):
    """``dateRange``; an end that was left open is empty."""

    start: str
    end: str


class FiltersShape(Shape):
    """``filters``."""

    event_types: list[str]
    sync_statuses: list[str]
    date_range: DateRange | None = None


class EventsResponse(Shape):
    """``OutlookEventsResponse``."""

    events: list[MappedEventShape]
    pagination: PaginationShape
    filters: FiltersShape


class LeftEventShape(Shape):
    """A copy that a disconnect leaves in Outlook."""

    event_id: str
    title: str


class RemovalResponse(Shape):
    """``RemoveIntegrationResponse``, with what is still to be done and what was left.

    ``leftEvents`` names at most 100 of those that ``eventsLeft`` counts, once all is done.
    """

    success: bool
    events_deleted: int
    mappings_deleted: int
    webhook_unsubscribed: bool
    status: Literal["completed", "in_progress"]
    sync_id: str
    events_left: int
    left_events: list[LeftEventShape] | None = None


class WebhookReceipt(Shape):
    """The answer to WedSync's webhook."""

    accepted: bool
