"""Events that no mapping names."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import TOWARD, Action, Create, Hold, Link, Policy, Rule, Skip
from shared.core.event import AllDay, CalendarEvent, EventType, OutlookKind, OutlookState, Side, Timed, WedSyncState
from shared.core.integration import Direction, ImportOutlookEvents, Preferences, SyncWindow
from shared.core.mapping import EventMapping, transaction_id
from shared.core.states import MappingState
from shared.core.unmapped import decide_unmapped, event_type_of, in_window
from tests.core.strategies import EVENT, HOUR, LAWS, NOON, POLICIES, events, mapping_of, outlook_state, wedsync_state

WINDOW = SyncWindow(start=NOON - 30 * HOUR, end=NOON + 30 * HOUR)
INTENT = mapping_of(state=MappingState.INTENT, outlook_id=None)
PRIVATE = replace(EVENT, private=True)


def born(content: CalendarEvent = EVENT, **changes: object) -> OutlookState:
    return outlook_state(content, prefix="", **changes)


LOST = born(marker="lost", transaction_id=transaction_id("lost", 1))


@pytest.mark.parametrize(
    ("state", "policy", "action"),
    [
        (wedsync_state(deleted=True), Policy(), Skip(rule=Rule.ALREADY_GONE)),
        (wedsync_state(external_id="outlook:t:o:1"), Policy(), Skip(rule=Rule.OUTLOOK_BORN_LEFT)),
        (wedsync_state(source=Side.OUTLOOK), Policy(), Skip(rule=Rule.OUTLOOK_BORN_LEFT)),
        (wedsync_state(), Policy(preferences=Preferences(sync_client_meetings=False)), Skip(rule=Rule.TYPE_OFF)),
        (wedsync_state(), Policy(direction=Direction.FROM_OUTLOOK), Skip(rule=Rule.DIRECTION)),
        (wedsync_state(), Policy(run_direction=Direction.FROM_OUTLOOK), Skip(rule=Rule.RUN_DIRECTION)),
        (
            wedsync_state(),
            Policy(window=SyncWindow(start=NOON + HOUR, end=NOON + 2 * HOUR)),
            Skip(rule=Rule.OUTSIDE_WINDOW),
        ),
        (born(kind=OutlookKind.MASTER), Policy(), Skip(rule=Rule.SERIES_MASTER)),
        (born(cancelled=True), Policy(), Skip(rule=Rule.CANCELLED)),
        (born(), Policy(direction=Direction.TO_OUTLOOK), Skip(rule=Rule.DIRECTION)),
        (
            born(),
            Policy(preferences=Preferences(import_outlook_events=ImportOutlookEvents.NONE)),
            Skip(rule=Rule.IMPORT_NONE),
        ),
        (LOST, Policy(), Hold(rule=Rule.UNKNOWN_MARKER, side=Side.OUTLOOK)),
    ],
)
def test_what_is_not_created(state: WedSyncState | OutlookState, policy: Policy, action: Action) -> None:
    assert decide_unmapped(state, policy=policy) == action


def test_a_marker_that_nothing_is_known_of_after_a_search_is_of_no_event() -> None:
    """The copy is Outlook's own from now on; what its owner wants with it, they can do on either side."""
    action = decide_unmapped(LOST, policy=Policy(searched=True))
    assert isinstance(action, Create)
    assert (action.side, action.rule) == (Side.WEDSYNC, Rule.ORPHAN)


@pytest.mark.parametrize("made_by", [None, "foreign", "localevent:1"])
@pytest.mark.parametrize("searched", [True, False])
def test_a_users_copy_of_what_an_earlier_connection_made_is_a_new_event(made_by: str | None, searched: bool) -> None:
    action = decide_unmapped(born(marker="lost", transaction_id=made_by), policy=Policy(searched=searched))
    assert isinstance(action, Create)
    assert (action.side, action.rule) == (Side.WEDSYNC, Rule.OUTLOOK_NEW)


def test_a_new_event_in_wedsync_goes_to_outlook_under_the_prefix() -> None:
    action = decide_unmapped(wedsync_state(PRIVATE), policy=Policy(window=WINDOW))
    assert action == Create(
        side=Side.OUTLOOK,
        rule=Rule.WEDSYNC_NEW,
        content=PRIVATE,
        title="WedSync: Tasting",
        event_type=EventType.CLIENT_MEETING,
        prefix="WedSync: ",
    )


def test_a_new_event_in_outlook_comes_to_wedsync_as_it_is() -> None:
    action = decide_unmapped(born(categories=("Red", "Venue Visit")), policy=Policy(window=WINDOW))
    assert action == Create(
        side=Side.WEDSYNC, rule=Rule.OUTLOOK_NEW, content=EVENT, title="Tasting", event_type=EventType.VENUE_VISIT
    )


@pytest.mark.parametrize(
    ("content", "imports"), [(PRIVATE, ImportOutlookEvents.FULL), (EVENT, ImportOutlookEvents.BUSY)]
)
def test_private_and_busy_events_come_in_masked(content: CalendarEvent, imports: ImportOutlookEvents) -> None:
    action = decide_unmapped(born(content), policy=Policy(preferences=Preferences(import_outlook_events=imports)))
    assert isinstance(action, Create)
    assert action.masked
    assert (action.title, action.content.description, action.content.private) == ("Busy", "", True)


@pytest.mark.parametrize(
    ("state", "candidate", "rule"),
    [
        (born(transaction_id=INTENT.transaction_id), INTENT, Rule.TRANSACTION_MATCH),
        (born(transaction_id=INTENT.transaction_id, cancelled=True), INTENT, Rule.TRANSACTION_MATCH),
        (born(marker="m1"), INTENT, Rule.MARKER_MATCH),
        (born(marker="m1"), mapping_of(), Rule.MARKER_MATCH),
    ],
)
def test_our_own_event_is_linked(state: OutlookState, candidate: EventMapping, rule: Rule) -> None:
    action = decide_unmapped(state, policy=Policy(direction=Direction.TO_OUTLOOK), candidate=candidate)
    assert action == Link(side=Side.OUTLOOK, rule=rule, mapping_id="m1")


@pytest.mark.parametrize(
    ("state", "candidate"),
    [
        (born(marker="m1"), mapping_of(outlook_id="another")),
        (born(transaction_id="foreign"), INTENT),
        (born(marker="m1", transaction_id="foreign"), mapping_of()),
        (born(transaction_id=mapping_of().transaction_id), mapping_of()),
    ],
)
def test_a_copy_is_a_new_event(state: OutlookState, candidate: EventMapping) -> None:
    action = decide_unmapped(state, policy=Policy(), candidate=candidate)
    assert isinstance(action, Create)
    assert action.rule is Rule.OUTLOOK_COPY


@pytest.mark.parametrize(
    ("made", "candidate"),
    [
        (1, mapping_of(generation=2, outlook_id="another")),
        (2, mapping_of(generation=1, outlook_id="another")),
        (1, replace(INTENT, generation=2)),
        (1, mapping_of(generation=2, outlook_id=None)),
        (1, mapping_of(generation=2, outlook_id=None, state=MappingState.UNLINKED)),
    ],
)
def test_a_copy_that_was_replaced_is_left_alone(made: int, candidate: EventMapping) -> None:
    state = born(marker="m1", transaction_id=transaction_id("m1", made))
    assert decide_unmapped(state, policy=Policy(), candidate=candidate) == Skip(rule=Rule.EARLIER_COPY)


def test_our_own_event_whose_pointer_was_lost_is_linked() -> None:
    state = born(marker="m1", transaction_id=transaction_id("m1", 1))
    candidate = mapping_of(generation=2, outlook_id=state.event_id)
    assert decide_unmapped(state, policy=Policy(), candidate=candidate).rule is Rule.MARKER_MATCH


def test_events_joined_by_their_external_id_are_linked() -> None:
    ours = wedsync_state(external_id="outlook:t:o:o1", source=Side.OUTLOOK)
    assert decide_unmapped(ours, policy=Policy(), counterpart=born()) == Link(side=Side.WEDSYNC, rule=Rule.EXTERNAL_ID)
    assert decide_unmapped(born(), policy=Policy(), counterpart=ours) == Link(side=Side.OUTLOOK, rule=Rule.EXTERNAL_ID)


@LAWS
@given(events(), POLICIES, st.booleans(), st.booleans())
def test_creates_go_where_they_may(content: CalendarEvent, policy: Policy, ours: bool, odd: bool) -> None:
    state = wedsync_state(content, deleted=odd) if ours else born(content, cancelled=odd)
    action = decide_unmapped(state, policy=policy)
    assert isinstance(action, Skip) or not odd
    if isinstance(action, Create):
        assert action.side in TOWARD[policy.direction] & TOWARD[policy.run_direction]
        assert action.masked is (not ours and (content.private or policy.preferences.import_outlook_events == "busy"))


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ((), EventType.CLIENT_MEETING),
        (("Blue category",), EventType.CLIENT_MEETING),
        (("WEDDING-CEREMONY",), EventType.WEDDING_CEREMONY),
        (("task_due", "Deadline"), EventType.TASK_DUE),
        ((" Engagement  shoot ",), EventType.ENGAGEMENT_SHOOT),
    ],
)
def test_a_category_names_the_type(categories: tuple[str, ...], expected: EventType) -> None:
    assert event_type_of(born(categories=categories)) is expected


def at(start: datetime, end: datetime) -> CalendarEvent:
    return replace(EVENT, time=Timed(start=start, end=end))


def on(start: date, days: int = 1) -> CalendarEvent:
    return replace(EVENT, time=AllDay(start=start, end=start + timedelta(days=days)))


@pytest.mark.parametrize(
    ("event", "inside"),
    [
        (at(WINDOW.start - HOUR, WINDOW.start), False),
        (at(WINDOW.start - HOUR, WINDOW.start + HOUR), True),
        (at(WINDOW.start, WINDOW.start), True),
        (at(WINDOW.end, WINDOW.end + HOUR), False),
        (at(WINDOW.start - HOUR, WINDOW.end + HOUR), True),
        (on(date(2026, 6, 20)), True),
        (on(date(2026, 6, 10)), False),
        (on(date(2026, 6, 30)), False),
        (on(date(2026, 6, 1), days=60), True),
        (on(date.min), False),
        (replace(EVENT, time=AllDay(start=date.max, end=date.max)), False),
    ],
)
def test_the_window(event: CalendarEvent, inside: bool) -> None:
    assert in_window(event, WINDOW) is inside
    assert in_window(event, None)
    assert WINDOW.start.tzinfo is UTC
