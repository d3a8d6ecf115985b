"""Values of the core in the shapes of the API.

Missing strings are empty, missing numbers 0, optional members absent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from shared.core.actions import Rule
from shared.core.confirmation import Question
from shared.core.conflicts import conflict_type
from shared.core.event import AllDay, CalendarEvent, Field
from shared.core.history import Conflict, SyncRun
from shared.core.integration import CalendarInfo, Integration, Preferences
from shared.core.jobs import RunPurpose, TriggeredBy
from shared.core.pair import NOTE_TYPE_OFF, is_deletion_held
from shared.core.rules import ResolutionRule
from shared.core.states import ConflictState, IntegrationState, RunState
from shared.triggers import health_shapes, shapes
from shared.usecases.check_health import Health
from shared.usecases.clear_outlook import Removal
from shared.usecases.list_events import EventFilter, EventPage, MappedEvent, day_of
from shared.usecases.report_status import SyncStatus

_NAMED = 200
"""How many held deletions are shown by name."""
_MOST_LEFT = 100
"""How many copies that a disconnect leaves are shown by name."""


def when(moment: datetime | None) -> str:
    """Return RFC 3339 in UTC, or an empty string."""
    return moment.isoformat().replace("+00:00", "Z") if moment else ""


def preferences(value: Preferences) -> shapes.PreferencesShape:
    """Present the preferences."""
    return shapes.PreferencesShape(
        sync_client_meetings=value.sync_client_meetings,
        sync_wedding_events=value.sync_wedding_events,
        sync_deadlines=value.sync_deadlines,
        sync_travel_time=value.sync_travel_time,
        event_prefix=value.event_prefix,
        create_separate_calendar=value.create_separate_calendar,
        notification_minutes=list(value.notification_minutes),
        on_outlook_delete=value.on_outlook_delete.value,
        import_outlook_events=value.import_outlook_events.value,
        guest_updates=value.guest_updates.value,
    )


def integration(
    value: Integration, rules: Sequence[ResolutionRule] = (), *, reconnect_url: str = ""
) -> shapes.IntegrationShape:
    """Present the connection and the user's rules for conflicts; ``reconnect_url`` where the user is needed."""
    needed = value.state is IntegrationState.NEEDS_RECONNECT
    return shapes.IntegrationShape(
        id=value.integration_id,
        microsoft_user_id=value.account_id,
        tenant_id=value.tenant_id,
        calendar_id=value.calendar_id or None,
        calendar_name=value.calendar_name or None,
        sync_enabled=value.state is IntegrationState.CONNECTED,
        sync_direction=value.direction.value,
        sync_preferences=preferences(value.preferences),
        last_sync_at=when(value.last_sync_at) or None,
        last_sync_status=value.last_sync_status.value,
        status=value.state.value,
        reason=value.reason or None,
        reason_code=value.reason_code or None,
        reconnect_url=(reconnect_url or None) if needed else None,
        admin_consent_url=value.reason_link or None,
        email=value.email or None,
        resolution_rules=[resolution_rule(rule) for rule in rules] or None,
        webhook_enabled=value.webhooks,
        moving=value.moves or None,
    )


def resolution_rule(value: ResolutionRule) -> shapes.ResolutionRuleShape:
    """Present a rule."""
    return shapes.ResolutionRuleShape(
        rule_id=value.rule_id,
        field=value.field.value,
        event_type=value.event_type.value,
        use=value.use.value,
        created_at=when(value.created_at),
    )


def calendars(values: tuple[CalendarInfo, ...]) -> list[shapes.CalendarShape]:
    """Present the calendars."""
    return [
        shapes.CalendarShape(
            id=value.calendar_id,
            name=value.name,
            color=value.color,
            is_default_calendar=value.is_default,
            can_edit=value.can_edit,
            owner=shapes.OwnerShape(name=value.owner_name, address=value.owner_address),
        )
        for value in values
    ]


def _errors(run: SyncRun) -> list[shapes.SyncErrorShape] | None:
    found = [
        shapes.SyncErrorShape(
            event_id=failure.event_id,
            event_type=failure.event_type,
            error_code=failure.code,
            error_message=failure.message,
            retryable=failure.retryable,
        )
        for failure in run.failures
    ]
    return found or None


def run_status(run: SyncRun) -> Any:
    """A queued run shows as in progress: the specification knows no other word for it."""
    return RunState.IN_PROGRESS.value if run.state is RunState.QUEUED else run.state.value


def _started_by(by: TriggeredBy) -> Any:
    """An operator's run was asked for by no user: the specification's word for that is ``auto``."""
    return TriggeredBy.AUTO.value if by is TriggeredBy.OPERATOR else by.value


_PLAIN = (RunPurpose.SYNC, RunPurpose.SPECIFIC, RunPurpose.EVENT)


def history_item(run: SyncRun) -> shapes.HistoryItem:
    """Present a run in the history."""
    started = run.started_at or run.queued_at
    spent = (run.completed_at - started) // timedelta(milliseconds=1) if run.completed_at else 0
    purpose = run.request.purpose
    reconciled = purpose is RunPurpose.RECONCILE
    return shapes.HistoryItem(
        id=run.run_id,
        sync_type=run.request.kind.value,
        sync_direction=run.request.direction.value,
        events_processed=run.tally.handled,
        events_created=run.tally.created,
        events_updated=run.tally.updated,
        events_deleted=run.tally.deleted,
        conflicts_detected=run.tally.conflicts,
        events_repaired=run.tally.repaired if reconciled else run.tally.repaired or None,
        sync_status=run_status(run),
        sync_duration_ms=max(
            0, spent
        ),  # it may have been begun and ended by two machines, each with a clock of its own
        started_at=when(started),
        completed_at=when(run.completed_at) or None,
        triggered_by=_started_by(run.request.triggered_by),
        purpose=None if purpose in _PLAIN else purpose.value,
        undoes=run.request.subject if purpose is RunPurpose.UNDO else None,
        errors=_errors(run),
    )


def confirmation(question: Question | None) -> shapes.ConfirmationShape | None:
    """Present the question about held deletions."""
    if question is None:
        return None
    value = question.confirmation
    return shapes.ConfirmationShape(
        confirmation_id=value.confirmation_id,
        side=cast(Any, value.sides[0].value if len(value.sides) == 1 else "both"),
        count=len(value.held),
        events=[
            shapes.HeldEventShape(
                event_id=each.event_id,
                title=question.titles.get(each.mapping_id, ""),
                side=cast(Any, each.side.value),
                held_at=when(each.held_at),
            )
            for each in value.held[:_NAMED]
        ],
        reason=value.reason,
        opened_at=when(value.opened_at),
        expires_at=when(value.expires_at),
    )


def remaining_seconds(run: SyncRun, now: datetime) -> int | None:
    """Return how long the run will go on at the pace that it has had; None while nothing can be said."""
    left = run.tally.total - run.tally.handled
    if run.state is not RunState.IN_PROGRESS or run.started_at is None or run.tally.handled <= 0 or left <= 0:
        return None
    return max(1, round((now - run.started_at).total_seconds() / run.tally.handled * left))


def sync_job(run: SyncRun, held: Question | None = None, *, now: datetime | None = None) -> shapes.SyncJobResponse:
    """Present one run by itself; ``held`` is the open question, where the run held something."""
    tally = run.tally
    return shapes.SyncJobResponse(
        sync_id=run.run_id,
        status=run_status(run),
        progress=shapes.ProgressShape(
            total_events=tally.total,
            processed_events=tally.handled,
            created_events=tally.created,
            updated_events=tally.updated,
            deleted_events=tally.deleted,
            error_events=tally.errors,
        ),
        errors=_errors(run),
        started_at=when(run.started_at or run.queued_at),
        completed_at=when(run.completed_at) or None,
        estimated_time_remaining=remaining_seconds(run, now) if now else None,
        confirmation=confirmation(held),
    )


_CHANNEL_REFUSED = "Outlook refuses to tell of changes in this mailbox; the scheduled sync finds them instead."


def sync_status(value: SyncStatus, *, reconnect_url: str = "") -> shapes.StatusResponse:
    """Present the status of the connection; ``reconnect_url`` is shown while its user has to connect again."""
    channel = value.subscription
    return shapes.StatusResponse(
        integration=integration(value.integration, value.rules, reconnect_url=reconnect_url),
        sync_stats=shapes.StatsShape(
            total_events=value.counts.total,
            synced_events=value.counts.synced,
            pending_events=value.counts.pending,
            conflicted_events=value.counts.conflicted,
            error_events=value.counts.failed,
            last_full_sync=when(value.integration.last_full_sync_at),
            next_scheduled_sync=when(value.next_sync_at),
        ),
        recent_sync_history=[history_item(run) for run in value.recent],
        webhook_status=shapes.WebhookStatus(
            is_active=value.channel_works,
            subscription_id=channel.subscription_id if channel else None,
            expires_at=when(channel.expires_at) if channel else None,
            renewal_needed=value.renewal_needed,
            reason=_CHANNEL_REFUSED if value.integration.channel_refusals and value.integration.webhooks else None,
        ),
        confirmation=confirmation(value.question),
    )


def field_value(event: CalendarEvent | None, field: Field | None) -> Any:
    """Return one field as JSON; the title for a conflict about the event as such; None for an absent side."""
    if event is None:
        return None
    match field:
        case Field.TIME:
            return _time(event)
        case Field.LOCATION:
            return {"name": event.location.name, "address": event.location.address}
        case Field.DESCRIPTION:
            return event.description
        case Field.ATTENDEES:
            return [{"email": person.email, "name": person.name} for person in event.attendees]
        case Field.PRIVATE:
            return event.private
        case _:
            return event.title


def _time(event: CalendarEvent) -> dict[str, Any]:
    time = event.time
    if isinstance(time, AllDay):
        return {"start": time.start.isoformat(), "end": time.end.isoformat(), "timeZone": time.zone, "allDay": True}
    zone = ZoneInfo(time.zone)
    start, end = (moment.astimezone(zone).replace(tzinfo=None).isoformat() for moment in (time.start, time.end))
    return {"start": start, "end": end, "timeZone": time.zone, "allDay": False}


def conflict(value: Conflict) -> shapes.ConflictShape:
    """Present a conflict."""
    return shapes.ConflictShape(
        field=value.field.value if value.field else "event",
        wed_sync_value=field_value(value.wedsync, value.field),
        outlook_value=field_value(value.outlook, value.field),
        conflict_type=cast(Any, conflict_type(value.field)),
        suggested_resolution=value.suggestion.value,
        conflict_id=value.conflict_id,
        base=field_value(value.base, value.field),
        reason=value.reason,
        opened_at=when(value.opened_at),
        wed_sync_changed_at=when(value.wedsync_at) or None,
        outlook_changed_at=when(value.outlook_at) or None,
        kind=None if value.field else "deleted",
        state="resolved" if value.state is ConflictState.RESOLVED else "open",
        choice=value.choice or None,
    )


def mapped_event(event: MappedEvent, *, syncing: bool) -> shapes.MappedEventShape:
    """Present one mapping; ``syncing``: its connection carries changes now."""
    mapping = event.mapping
    left, right = mapping.base_w, mapping.base_o or mapping.base_w
    return shapes.MappedEventShape(
        wed_sync_event_id=mapping.wedsync_id or mapping.mapping_id,
        wed_sync_event_type=mapping.event_type.value,
        wed_sync_event_title=left.title if left else "",
        wed_sync_event_date=str(day_of(left) or ""),
        outlook_event_id=mapping.outlook_id or "",
        outlook_event_title=f"{mapping.prefix}{right.title}" if right and mapping.outlook_id else "",
        outlook_event_date=str(day_of(right) or "") if mapping.outlook_id else "",
        sync_status=cast(Any, event.status),
        last_synced=when(mapping.last_synced_at),
        sync_conflicts=[conflict(item) for item in event.conflicts] or None,
        can_resync=syncing and not event.elsewhere,
        reason=mapping.quarantine or _waits_for(event),
    )


def _waits_for(event: MappedEvent) -> str | None:
    if event.status != "pending":
        return "earlier_calendar" if event.elsewhere else None
    if is_deletion_held(event.mapping):
        return Rule.DELETION_HELD.value
    # What its type keeps out comes back with its type; only an opt-out can be brought back by itself.
    return Rule.TYPE_OFF.value if NOTE_TYPE_OFF in event.mapping.notes else event.mapping.state.value


def event_page(page: EventPage, wanted: EventFilter) -> shapes.EventsResponse:
    """Present a page of mappings."""
    dates = shapes.DateRange(start=str(wanted.start or ""), end=str(wanted.end or ""))
    return shapes.EventsResponse(
        events=[mapped_event(event, syncing=page.syncing) for event in page.events],
        pagination=shapes.PaginationShape(page=page.page, total_pages=page.total_pages, total_events=page.total_events),
        filters=shapes.FiltersShape(
            event_types=list(wanted.event_types),
            sync_statuses=list(wanted.statuses),
            date_range=dates if wanted.start or wanted.end else None,
        ),
    )


def removal(value: Removal) -> shapes.RemovalResponse:
    """Present what a disconnect has removed so far, and, once it has ended, what it left in Outlook."""
    left = [shapes.LeftEventShape(event_id=each.event_id, title=each.title) for each in value.left[:_MOST_LEFT]]
    return shapes.RemovalResponse(
        success=True,
        events_deleted=value.events_deleted,
        mappings_deleted=value.mappings_deleted,
        webhook_unsubscribed=value.webhook_unsubscribed,
        status="completed" if value.finished else "in_progress",
        sync_id=value.sync_id,
        events_left=value.events_left,
        left_events=left if value.finished else None,
    )


def health(value: Health, *, version: str) -> health_shapes.HealthResponse:
    """Present who answers and how quickly; kinds of faults, never their texts."""
    return health_shapes.HealthResponse(
        status="ok" if value.well else "unavailable",
        version=version,
        checked_at=when(value.checked_at),
        dependencies=[
            health_shapes.DependencyShape(
                name=each.name,
                status="ok" if each.well else "failed",
                latency_ms=each.milliseconds,
                fault=each.fault or None,
            )
            for each in value.dependencies
        ],
    )
