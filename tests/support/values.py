"""Whole values for tests, of which each test names only what it is about; and strategies for all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from shared.core.confirmation import Confirmation, HeldDeletion, Question
from shared.core.event import AllDay, Attendee, CalendarEvent, EventType, Field, Place, Side, Timed
from shared.core.history import (
    ChangeKind,
    Conflict,
    EventFailure,
    Suggestion,
    SyncChange,
    SyncRun,
    Tally,
)
from shared.core.integration import (
    Direction,
    GuestUpdates,
    ImportOutlookEvents,
    Integration,
    LastSyncStatus,
    OnOutlookDelete,
    Preferences,
)
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping, Intent, Role
from shared.core.states import (
    ConfirmationState,
    ConflictState,
    IntegrationState,
    MappingState,
    RunState,
    SubscriptionState,
)
from shared.core.subscription import Subscription

NOON = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)


class StandingClock:
    """A clock that tests move by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present

    def advance(self, **by: float) -> None:
        self.present += timedelta(**by)


def new_id() -> str:
    return str(uuid4())


def content(**changes: Any) -> CalendarEvent:
    event = CalendarEvent(title="Tasting", time=Timed(start=NOON, end=NOON + timedelta(hours=1), zone="Europe/London"))
    return replace(event, **changes)


def mapping(**changes: Any) -> EventMapping:
    made = EventMapping(
        mapping_id=new_id(),
        integration_id=new_id(),
        epoch=1,
        born=Side.WEDSYNC,
        state=MappingState.INTENT,
        calendar_id="calendar",
        wedsync_id=f"w-{new_id()}",
        base_w=content(),
        intent=Intent(toward=Side.OUTLOOK, payload='{"subject":"Tasting"}', stored_at=NOON),
    )
    return replace(made, **changes)


def integration(**changes: Any) -> Integration:
    made = Integration(
        integration_id=new_id(),
        user_id=f"user/{new_id()}",
        state=IntegrationState.CONNECTED,
        tenant_id=new_id(),
        account_id=new_id(),
        created_at=NOON,
    )
    return replace(made, **changes)


def conflict(**changes: Any) -> Conflict:
    made = Conflict(
        conflict_id=new_id(),
        integration_id=new_id(),
        mapping_id=new_id(),
        field=Field.TITLE,
        state=ConflictState.OPEN,
        opened_at=NOON,
        wedsync=content(title="Tasting at noon"),
        outlook=content(title="Tasting, late"),
        base=content(),
    )
    return replace(made, **changes)


def run(**changes: Any) -> SyncRun:
    made = SyncRun(
        run_id=new_id(),
        integration_id=new_id(),
        request=RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL),
        state=RunState.QUEUED,
        queued_at=NOON,
    )
    return replace(made, **changes)


def change(**changes: Any) -> SyncChange:
    made = SyncChange(
        change_id=new_id(),
        integration_id=new_id(),
        run_id=new_id(),
        mapping_id=new_id(),
        side=Side.OUTLOOK,
        kind=ChangeKind.UPDATED,
        at=NOON,
        fields=(Field.TITLE,),
        before=content(),
        after=content(title="Cake tasting"),
    )
    return replace(made, **changes)


def subscription(**changes: Any) -> Subscription:
    made = Subscription(
        subscription_id=new_id(),
        integration_id=new_id(),
        calendar_id="calendar",
        state=SubscriptionState.ACTIVE,
        client_state_hash="0" * 64,
        expires_at=NOON + timedelta(days=7),
        created_at=NOON,
    )
    return replace(made, **changes)


# --- Strategies ----------------------------------------------------------------------------------------------------

instants = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(max_size=40)
days = st.dates(min_value=date(1970, 1, 1), max_value=date(2199, 1, 1))
zones = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"])
contents = st.builds(
    CalendarEvent,
    title=texts,
    time=st.builds(Timed, start=instants, end=instants, zone=zones)
    | st.builds(AllDay, start=days, end=days, zone=zones),
    description=st.text(max_size=3000),
    location=st.builds(Place, name=texts, address=texts),
    private=st.booleans(),
    attendees=st.lists(st.builds(Attendee, email=texts, name=texts), max_size=3).map(tuple),
)
maybe_contents = st.none() | contents
fields = st.lists(st.sampled_from(Field), max_size=4).map(tuple)
mappings = st.builds(
    EventMapping,
    mapping_id=texts,
    integration_id=texts,
    epoch=st.integers(0, 2**40),
    born=st.sampled_from(Side),
    state=st.sampled_from(MappingState),
    calendar_id=texts,
    role=st.sampled_from(Role),
    wedsync_id=st.none() | texts,
    outlook_id=st.none() | texts,
    event_type=st.sampled_from(EventType),
    generation=st.integers(0, 100),
    prefix=texts,
    base_w=maybe_contents,
    base_o=maybe_contents,
    w_version=st.integers(0, 2**62),
    o_etag=texts,
    o_changed_at=st.none() | instants,
    series_id=st.none() | texts,
    occurrence_date=st.none() | days,
    is_organizer=st.booleans(),
    masked=st.booleans(),
    held=st.frozensets(st.sampled_from(Field)),
    drifted=st.frozensets(st.sampled_from(Field)),
    intent=st.none() | st.builds(Intent, toward=st.sampled_from(Side), payload=texts, stored_at=instants),
    sync_hash=texts,
    last_synced_at=st.none() | instants,
    created_at=st.none() | instants,
    failures=st.integers(0, 9),
    quarantine=texts,
    notes=st.lists(texts, max_size=3).map(tuple),
    moved_from=st.none() | texts,
    moved_etag=texts,
)
integrations = st.builds(
    Integration,
    integration_id=texts,
    user_id=texts,
    state=st.sampled_from(IntegrationState),
    tenant_id=texts,
    account_id=texts,
    email=texts,
    direction=st.sampled_from(Direction),
    preferences=st.builds(
        Preferences,
        event_prefix=texts,
        notification_minutes=st.lists(st.integers(0, 9999), max_size=4).map(tuple),
        on_outlook_delete=st.sampled_from(OnOutlookDelete),
        import_outlook_events=st.sampled_from(ImportOutlookEvents),
        guest_updates=st.sampled_from(GuestUpdates),
    ),
    delta_link=st.text(max_size=5000),
    wedsync_cursor=texts,
    last_sync_at=st.none() | instants,
    last_sync_status=st.sampled_from(LastSyncStatus),
    created_at=st.none() | instants,
    webhooks=st.booleans(),
    chosen_calendar_id=texts,
    separate_calendar_id=texts,
    moving_to=texts,
    earlier_calendar_id=texts,
    moved_at=st.none() | instants,
    settings_version=st.integers(0, 2**40),
    settled_version=st.integers(0, 2**40),
    settings_run=texts,
    quiet_until=st.none() | instants,
)
conflicts = st.builds(
    Conflict,
    conflict_id=texts,
    integration_id=texts,
    mapping_id=texts,
    field=st.none() | st.sampled_from(Field),
    state=st.sampled_from(ConflictState),
    opened_at=instants,
    wedsync=maybe_contents,
    outlook=maybe_contents,
    base=maybe_contents,
    wedsync_at=st.none() | instants,
    absent=st.none() | st.sampled_from(Side),
    suggestion=st.sampled_from(Suggestion),
    reason=texts,
)
runs = st.builds(
    SyncRun,
    run_id=texts,
    integration_id=texts,
    request=st.builds(
        RunRequest,
        kind=st.sampled_from(RunKind),
        triggered_by=st.sampled_from(TriggeredBy),
        direction=st.sampled_from(Direction),
        specific_events=st.lists(texts, max_size=3).map(tuple),
    ),
    state=st.sampled_from(RunState),
    queued_at=instants,
    heartbeat_at=st.none() | instants,
    tally=st.builds(Tally, total=st.integers(0, 2**40), created=st.integers(0, 99)),
    failures=st.lists(
        st.builds(EventFailure, event_id=texts, event_type=texts, code=texts, message=texts, retryable=st.booleans()),
        max_size=3,
    ).map(tuple),
    stage=texts,
)
changes = st.builds(
    SyncChange,
    change_id=texts,
    integration_id=texts,
    run_id=texts,
    mapping_id=texts,
    side=st.sampled_from(Side),
    kind=st.sampled_from(ChangeKind),
    at=instants,
    fields=fields,
    before=maybe_contents,
    after=maybe_contents,
    rule=texts,
)


def question(*sides: Side) -> Question:
    """An open question about deletions of these sides, a minute after noon; the first has a title."""
    held = tuple(
        HeldDeletion(
            mapping_id=f"m{number}", side=side, key="k", event_id=f"e{number}", held_at=NOON + timedelta(minutes=1)
        )
        for number, side in enumerate(sides)
    )
    asked = Confirmation(
        confirmation_id="c",
        integration_id="i",
        state=ConfirmationState.OPEN,
        opened_at=NOON,
        expires_at=NOON + timedelta(hours=1),
        reason="many",
        held=held,
    )
    return Question(confirmation=asked, titles={"m0": "Tasting"})
