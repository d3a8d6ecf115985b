"""The block before an event: what it looks like, and what becomes of it whatever happens on either side."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import (
    Agree,
    Create,
    Decision,
    Delete,
    Drift,
    End,
    Hide,
    Hold,
    OpenConflict,
    Policy,
    Rule,
    Skip,
    Unlink,
    Update,
)
from shared.core.canon import SUBJECT_LIMIT, with_prefix
from shared.core.decide import decide
from shared.core.event import AllDay, Attendee, CalendarEvent, EventType, Field, OutlookKind, Place, Side, Timed
from shared.core.integration import Direction, Preferences, SyncWindow
from shared.core.mapping import EventMapping, Role, mapping_id_of
from shared.core.settle import settled, without_event
from shared.core.states import MappingState
from shared.core.travel import new_block, travel_block
from shared.core.views import UNSEEN, Gone, Present, View
from tests.core.strategies import (
    EVENT,
    HOUR,
    NOON,
    PREFIX,
    events,
    mapping_of,
    outlook_state,
    views,
    wedsync_state,
)

ON = Preferences(event_prefix=PREFIX, sync_travel_time=True)
OFF = replace(ON, sync_travel_time=False)
POLICY = Policy(preferences=ON)
GONE = Gone(proved=True)
MAYBE = Gone(proved=False)
LED = wedsync_state(travel_minutes=30)
WANTED = travel_block(LED, ON) or EVENT
assert WANTED is not EVENT
BLOCK = mapping_of(WANTED, role=Role.TRAVEL, w_version=4)
MOVED = Present(replace(LED, version=5, travel_minutes=45))
SEEN = Present(outlook_state(WANTED, etag="etag-4"))
EDITED = Present(outlook_state(replace(WANTED, title="On the road"), etag="etag-4"))
GUEST = (Attendee(email="driver@example.org"),)
OPTED_OUT = replace(BLOCK, state=MappingState.UNLINKED)
SWITCHED_OFF = replace(OPTED_OUT, notes=("type_off",))


def decided(mapping: EventMapping = BLOCK, w: View = UNSEEN, o: View = UNSEEN, policy: Policy = POLICY) -> Decision:
    return decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=())


def only(decision: Decision) -> object:
    (action,) = decision.actions
    return action


# --- What it looks like -------------------------------------------------------------------------------------------


def test_it_ends_when_its_event_begins() -> None:
    assert isinstance(EVENT.time, Timed)
    span = Timed(start=EVENT.time.start - timedelta(minutes=30), end=EVENT.time.start, zone=EVENT.time.zone)
    assert travel_block(LED, ON) == CalendarEvent(title=f"Travel: {EVENT.title}", time=span)


def test_a_private_one_is_private_and_tells_no_title() -> None:
    block = travel_block(replace(LED, content=replace(EVENT, private=True, location=Place(name="Clinic"))), ON)
    assert block is not None
    assert (block.title, block.private, block.location) == ("Travel", True, Place())


@pytest.mark.parametrize(
    ("changes", "preferences"),
    [
        ({}, OFF),
        ({}, replace(ON, sync_client_meetings=False)),
        ({"travel_minutes": None}, ON),
        ({"travel_minutes": 0}, ON),
        ({"travel_minutes": -5}, ON),
        ({"deleted": True}, ON),
        ({"source": Side.OUTLOOK}, ON),
        ({"external_id": "outlook:t:o:i"}, ON),
        ({"content": replace(EVENT, time=AllDay(start=date(2026, 8, 5), end=date(2026, 8, 6)))}, ON),
        ({"content": replace(EVENT, time=Timed(start=datetime(1, 1, 1, tzinfo=UTC), end=NOON))}, ON),
    ],
)
def test_events_without_a_block(changes: dict[str, object], preferences: Preferences) -> None:
    assert travel_block(replace(LED, **changes), preferences) is None  # type: ignore[arg-type]


def test_it_is_made_where_it_may_be() -> None:
    create = new_block(LED, POLICY)
    assert create is not None
    assert (create.side, create.rule, create.prefix) == (Side.OUTLOOK, Rule.TRAVEL_NEW, PREFIX)
    assert create.title == with_prefix(f"Travel: {EVENT.title}", PREFIX)
    assert new_block(LED, replace(POLICY, direction=Direction.FROM_OUTLOOK)) is None
    assert new_block(LED, replace(POLICY, run_direction=Direction.FROM_OUTLOOK)) is None
    past = SyncWindow(start=NOON - 900 * HOUR, end=NOON - 800 * HOUR)
    assert new_block(LED, replace(POLICY, window=past)) is None
    assert new_block(replace(LED, travel_minutes=None), POLICY) is None


def test_ids_follow_from_the_event_the_role_and_the_connection() -> None:
    names = [("i1", 1, "w1"), ("i1", 2, "w1"), ("i1", 1, "w2"), ("i2", 1, "w1")]
    ids = {mapping_id_of(i, epoch=epoch, wedsync_id=w, role=role) for i, epoch, w in names for role in Role}
    assert len(ids) == len(names) * len(Role)
    assert mapping_id_of("i1", epoch=1, wedsync_id="w1") == mapping_id_of("i1", epoch=1, wedsync_id="w1")


# --- While it is there --------------------------------------------------------------------------------------------


def test_nothing_new_is_nothing() -> None:
    assert only(decided(w=Present(LED), o=SEEN)) == Skip(rule=Rule.ECHO)
    assert only(decided()) == Skip(rule=Rule.ECHO)


def test_it_is_written_anew_where_the_event_has_changed() -> None:
    action = only(decided(w=MOVED))
    assert isinstance(action, Update)
    assert (action.side, action.rule, set(action.fields)) == (Side.OUTLOOK, Rule.CARRY, {Field.TIME})
    assert action.etag == "etag-3"


def test_its_owner_s_edit_is_noted_and_goes_with_the_next_change() -> None:
    noted = decided(o=EDITED)
    assert only(noted) == Drift(side=Side.OUTLOOK, fields=frozenset({Field.TITLE}))
    assert only(decided(noted.mapping, o=EDITED)) == Skip(rule=Rule.ECHO)
    action = only(decided(noted.mapping, w=MOVED))
    assert isinstance(action, Update)
    assert action.fields == {Field.TITLE, Field.TIME}
    answer = outlook_state(action.content, prefix=action.prefix, etag="etag-5")
    after = settled(decided(noted.mapping, w=MOVED).mapping, action, answer)
    assert (after.drifted, after.base_w, after.w_version) == (frozenset(), action.content, 5)


def test_what_its_owner_made_of_it_may_be_what_is_wanted() -> None:
    wanted = travel_block(replace(LED, travel_minutes=45), ON)
    assert wanted is not None
    decision = decided(w=MOVED, o=Present(outlook_state(wanted, etag="etag-4")))
    assert isinstance(only(decision), Agree)
    assert decision.mapping.base_w == wanted


def test_a_long_title_is_no_difference() -> None:
    led = replace(LED, content=replace(EVENT, title="x" * 2 * SUBJECT_LIMIT))
    wanted = travel_block(led, ON)
    assert wanted is not None
    block = mapping_of(wanted, role=Role.TRAVEL, w_version=4)
    seen = Present(outlook_state(wanted, etag="etag-4"))
    assert only(decided(block, Present(led), seen)) == Skip(rule=Rule.ECHO)


def test_another_prefix_is_written_and_a_removed_one_is_not_put_back() -> None:
    other = replace(POLICY, preferences=replace(ON, event_prefix="W "))
    action = only(decided(policy=other))
    assert isinstance(action, Update)
    assert (action.rule, set(action.fields), action.prefix) == (Rule.PREFIX_CHANGED, {Field.TITLE}, "W ")
    bare = Present(outlook_state(WANTED, prefix="", etag="etag-4"))
    without = decided(o=bare)
    assert only(without) == Skip(rule=Rule.ECHO)
    assert only(decided(without.mapping, policy=other)) == Skip(rule=Rule.ECHO)


def test_without_a_base_it_is_read_first() -> None:
    assert only(decided(replace(BLOCK, base_o=None), Present(LED))) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK)
    lost = replace(BLOCK, base_w=None, base_o=None)
    assert only(decided(lost, UNSEEN, SEEN)) == Skip(rule=Rule.NOTHING_SEEN), "its event will say what is wanted"
    assert isinstance(only(decided(lost, Present(LED), SEEN)), Agree)


@pytest.mark.parametrize(
    ("w", "o", "rule"),
    [
        (Present(replace(LED, version=1)), UNSEEN, Rule.REPLAY),
        (MAYBE, UNSEEN, Rule.UNPROVED_ABSENCE),
        (MOVED, MAYBE, Rule.UNPROVED_ABSENCE),
    ],
)
def test_what_proves_nothing_changes_nothing(w: View, o: View, rule: Rule) -> None:
    assert only(decided(w=w, o=o)) == Skip(rule=rule)


@pytest.mark.parametrize("w", [MOVED, Present(replace(LED, version=5, travel_minutes=None)), GONE])
def test_nothing_is_written_against_the_direction_or_to_guests(w: View) -> None:
    one_way = decided(w=w, policy=replace(POLICY, direction=Direction.FROM_OUTLOOK))
    narrowed = decided(w=w, policy=replace(POLICY, run_direction=Direction.FROM_OUTLOOK))
    assert (only(one_way), only(narrowed)) == (Skip(rule=Rule.DIRECTION), Skip(rule=Rule.RUN_DIRECTION))
    assert one_way.mapping.w_version == narrowed.mapping.w_version == BLOCK.w_version, "it is not accounted for"
    let_go = decided(w=w, o=Present(outlook_state(replace(WANTED, attendees=GUEST), etag="etag-4")))
    assert only(let_go) == Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_GUESTS)
    assert let_go.mapping.state is MappingState.UNLINKED


# --- When it ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("w", "policy"),
    [
        (Present(replace(LED, version=5, travel_minutes=None)), POLICY),
        (UNSEEN, replace(POLICY, preferences=OFF)),
        (UNSEEN, replace(POLICY, preferences=replace(ON, sync_client_meetings=False))),
    ],
)
def test_a_block_that_is_not_wanted_is_removed_and_may_return(w: View, policy: Policy) -> None:
    decision = decided(w=w, policy=policy)
    action = only(decision)
    assert isinstance(action, Delete)
    assert (action.rule, action.asked, action.etag) == (Rule.TRAVEL_OFF, True, "etag-3")
    after = without_event(decision.mapping, action)
    assert (after.state, after.notes) == (MappingState.UNLINKED, ("type_off",))
    assert only(decided(after, policy=replace(POLICY, preferences=OFF))) == Skip(rule=Rule.TRAVEL_OFF)
    back = only(decided(after, MOVED))
    assert isinstance(back, Create)


def test_it_ends_with_its_event() -> None:
    decision = decided(w=GONE)
    action = only(decision)
    assert action == Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED, etag="etag-3", asked=True)
    assert isinstance(action, Delete)
    assert without_event(decision.mapping, action).state is MappingState.ENDED
    assert decided(w=GONE, o=GONE).mapping.state is MappingState.ENDED
    assert only(decided(OPTED_OUT, GONE, GONE)) == End(rule=Rule.BOTH_GONE)


def test_a_mapping_stays_while_its_block_may_come_back() -> None:
    """Moved back from another calendar, the block would pass for a new event."""
    asking = Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True)
    assert only(decided(OPTED_OUT, GONE)) == asking
    elsewhere = Gone(proved=True, left_calendar=True)
    assert only(decided(OPTED_OUT, GONE, elsewhere)) == Skip(rule=Rule.OPTED_OUT)
    hidden = decided(w=GONE, o=elsewhere)
    assert only(hidden) == Hide(rule=Rule.LEFT_AND_DELETED)
    assert hidden.mapping.state is MappingState.HIDDEN


@pytest.mark.parametrize(
    "gone",
    [GONE, Gone(proved=True, left_calendar=True), Present(outlook_state(WANTED, kind=OutlookKind.MASTER))],
)
def test_what_its_owner_removed_stays_out(gone: View) -> None:
    decision = decided(w=Present(LED), o=gone)
    assert only(decision) == Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_REMOVED)
    assert only(decided(decision.mapping, MOVED)) == Skip(rule=Rule.OPTED_OUT)


def test_one_that_we_may_have_removed_ourselves_returns() -> None:
    decision = decided(o=GONE, policy=replace(POLICY, preferences=OFF))
    assert only(decision) == Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_OFF)
    assert isinstance(only(decided(decision.mapping, MOVED)), Create)
    assert only(decided(decision.mapping, MOVED, SEEN)) == Skip(rule=Rule.TRAVEL_OFF), "it is there already"


def test_an_open_intent_comes_first_and_an_ended_one_last() -> None:
    assert only(decided(replace(BLOCK, state=MappingState.INTENT), MOVED)) == Hold(rule=Rule.OPEN_INTENT)
    assert only(decided(replace(BLOCK, state=MappingState.ENDED), MOVED)) == Skip(rule=Rule.ENDED)


# --- Whatever is known --------------------------------------------------------------------------------------------


@given(
    st.data(),
    events(),
    st.sampled_from([None, 0, 30, 600]),
    st.sampled_from([ON, OFF]),
    st.sampled_from(Direction),
    st.sampled_from([BLOCK, OPTED_OUT, SWITCHED_OFF]),
)
def test_nothing_flows_back_and_deciding_again_finds_nothing(
    data: st.DataObject,
    content: CalendarEvent,
    minutes: int | None,
    preferences: Preferences,
    direction: Direction,
    mapping: EventMapping,
) -> None:
    policy = Policy(preferences=preferences, direction=direction)
    w = Present(replace(LED, content=content, travel_minutes=minutes, event_type=EventType.REHEARSAL, version=5))
    o = data.draw(views(mapping, Side.OUTLOOK))
    decision = decided(mapping, w, o, policy)
    action = only(decision)
    assert not isinstance(action, OpenConflict)
    assert getattr(action, "side", Side.OUTLOOK) is Side.OUTLOOK
    if isinstance(action, Update):
        answer = outlook_state(action.content, prefix=action.prefix, etag="etag-5", changed_at=NOON + 2 * HOUR)
        after = settled(decision.mapping, action, answer)
        assert only(decided(after, w, Present(answer), policy)) == Skip(rule=Rule.ECHO)
    elif not isinstance(action, Create | Delete):
        again = only(decided(decision.mapping, w, o, policy))
        assert isinstance(again, Skip)


def test_only_the_block_itself_is_its_pairs_own() -> None:
    assert BLOCK.own_sides == (Side.OUTLOOK,)
    assert replace(BLOCK, role=Role.EVENT).own_sides == (Side.WEDSYNC, Side.OUTLOOK)
