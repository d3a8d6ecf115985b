"""The decision table: each cell by name, then what must never happen, for anything that can be known."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import (
    EXPLAINED,
    TOWARD,
    Action,
    Agree,
    Create,
    Decision,
    Delete,
    Drift,
    Hold,
    OpenConflict,
    Policy,
    Rule,
    Skip,
    Supersede,
    Update,
)
from shared.core.canon import fitted, same
from shared.core.conflicts import conflict_of
from shared.core.decide import decide
from shared.core.event import (
    MERGED_FIELDS,
    AllDay,
    CalendarEvent,
    EventType,
    Field,
    OutlookState,
    Place,
    Side,
    Timed,
    WedSyncState,
)
from shared.core.history import Conflict
from shared.core.integration import Direction, ImportOutlookEvents, Preferences
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_PREFIX_REMOVED, NOTE_TYPE_OFF
from shared.core.settle import settled, settled_alone, without_event
from shared.core.states import ConflictState, MappingState
from shared.core.views import UNSEEN, Gone, Present, View, outlook_content
from tests.core.strategies import (
    EVENT,
    GUEST,
    HOUR,
    MANY,
    NOON,
    POLICIES,
    PREFIX,
    mapping_of,
    mappings,
    outlook_state,
    views,
    wedsync_state,
)

TWO_WAY = Policy()
TO_OUTLOOK = Policy(direction=Direction.TO_OUTLOOK)
FROM_OUTLOOK = Policy(direction=Direction.FROM_OUTLOOK)
TITLE, TEXT = frozenset({Field.TITLE}), frozenset({Field.DESCRIPTION})
LATER = replace(EVENT, time=Timed(start=NOON + HOUR, end=NOON + 2 * HOUR, zone="Europe/London"))
FITTING, GOWN = replace(EVENT, title="Fitting"), replace(EVENT, title="Gown")
WITH_GUEST = replace(EVENT, attendees=(GUEST,))


def decided(
    mapping: EventMapping | None = None,
    wedsync: View | CalendarEvent = UNSEEN,
    outlook: View | CalendarEvent = UNSEEN,
    *,
    policy: Policy = TWO_WAY,
    conflicts: tuple[Conflict, ...] = (),
) -> Decision:
    mapping = mapping or mapping_of()
    w = Present(wedsync_state(wedsync)) if isinstance(wedsync, CalendarEvent) else wedsync
    o = Present(outlook_state(outlook, prefix=mapping.prefix)) if isinstance(outlook, CalendarEvent) else outlook
    return decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=conflicts)


def opened(decision: Decision) -> tuple[Conflict, ...]:
    found = [action for action in decision.actions if isinstance(action, OpenConflict)]
    return tuple(conflict_of(action, decision.mapping, now=NOON) for action in found)


def only(decision: Decision) -> Action:
    assert len(decision.actions) == 1, decision.actions
    return decision.actions[0]


def update(decision: Decision, side: Side) -> Update:
    return next(act for act in decision.actions if isinstance(act, Update) and act.side is side)


# --- Both there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("w", "o", "rule"),
    [
        (EVENT, EVENT, Rule.ECHO),
        (EVENT, UNSEEN, Rule.ECHO),
        (UNSEEN, EVENT, Rule.ECHO),
        (UNSEEN, UNSEEN, Rule.NOTHING_SEEN),
    ],
)
def test_same_and_same_is_nothing(w: View | CalendarEvent, o: View | CalendarEvent, rule: Rule) -> None:
    assert only(decided(None, w, o)) == Skip(rule=rule)


def test_an_echo_refreshes_versions_and_ends() -> None:
    decision = decided(None, EVENT, EVENT)
    expected = mapping_of(w_version=4, o_etag="etag-4", o_changed_at=NOON + HOUR)
    assert decision.mapping == expected


def test_wedsync_changed_outlook_same_updates_outlook_without_reading_it() -> None:
    action = only(decided(None, FITTING))
    assert isinstance(action, Update)
    assert (action.side, action.rule, action.fields) == (Side.OUTLOOK, Rule.CARRY, TITLE)
    assert (action.title, action.etag, action.content.title) == ("WedSync: Fitting", "etag-3", "Fitting")


def test_outlook_changed_wedsync_same_updates_wedsync() -> None:
    action = only(decided(None, UNSEEN, LATER))
    assert isinstance(action, Update)
    assert (action.side, action.fields, action.version) == (Side.WEDSYNC, frozenset({Field.TIME}), 3)
    assert action.content == LATER
    assert action.title == "Tasting"


def test_both_changed_different_fields_carries_both_ways_wedsync_first() -> None:
    decision = decided(None, replace(EVENT, description="Four cakes"), LATER)
    first, second = decision.actions
    assert isinstance(first, Update)
    assert isinstance(second, Update)
    assert (first.side, first.fields) == (Side.WEDSYNC, frozenset({Field.TIME}))
    assert (second.side, second.fields, second.etag) == (Side.OUTLOOK, TEXT, "etag-4")
    assert Field.TIME not in second.settles
    assert TEXT.isdisjoint(first.settles)


def test_both_changed_to_the_same_value_agree() -> None:
    decision = decided(None, FITTING, FITTING)
    assert only(decision) == Agree(fields=TITLE)
    assert decision.mapping.base_w == decision.mapping.base_o == FITTING


def test_overlap_opens_a_conflict_in_that_field_alone() -> None:
    decision = decided(None, FITTING, replace(GOWN, description="Four cakes"))
    opening, carry = decision.actions
    assert isinstance(opening, OpenConflict)
    assert (opening.rule, opening.which) == (Rule.CLASH, Field.TITLE)
    assert opening.wedsync is not None
    assert opening.outlook is not None
    assert (opening.wedsync.title, opening.outlook.title) == ("Fitting", "Gown")
    assert isinstance(carry, Update)
    assert carry.fields == TEXT
    assert decision.mapping.held == TITLE
    assert decision.mapping.base_w == mapping_of().base_w


def test_a_held_field_waits_while_the_rest_goes_on() -> None:
    first = decided(None, FITTING, GOWN)
    conflicts = opened(first)
    assert only(decided(first.mapping, FITTING, GOWN, conflicts=conflicts)) == Skip(rule=Rule.HELD)
    later = replace(wedsync_state(replace(FITTING, description="Four cakes")), version=5)
    unread = decided(first.mapping, Present(later), UNSEEN, conflicts=conflicts)
    assert only(unread) == update(unread, Side.OUTLOOK)
    assert update(unread, Side.OUTLOOK).fields == TEXT
    assert update(unread, Side.OUTLOOK).settles.isdisjoint(TITLE)
    assert unread.mapping.held == TITLE


def test_a_new_value_supersedes_the_conflict() -> None:
    first = decided(None, FITTING, GOWN)
    conflicts = opened(first)
    agreed = decided(first.mapping, GOWN, GOWN, conflicts=conflicts)
    assert agreed.actions == (Agree(fields=TITLE), Supersede(conflict_ids=(conflicts[0].conflict_id,)))
    assert agreed.mapping.held == frozenset()
    again = decided(first.mapping, replace(EVENT, title="Cake"), GOWN, conflicts=conflicts)
    assert [type(action) for action in again.actions] == [OpenConflict, Supersede]
    assert again.mapping.held == TITLE


def test_of_two_conflicts_about_one_field_the_newer_counts() -> None:
    first = decided(None, FITTING, GOWN)
    (conflict,) = opened(first)
    older = replace(conflict, conflict_id="older", opened_at=NOON - HOUR, wedsync=EVENT)
    decision = decided(first.mapping, FITTING, GOWN, conflicts=(conflict, older))
    assert decision.actions == (Supersede(conflict_ids=("older",)),)
    assert decision.mapping.held == TITLE


def test_of_two_conflicts_about_one_field_the_one_with_the_present_values_counts() -> None:
    """Its id follows from its values: opened again, it would be closed in the same breath."""
    (conflict,) = opened(decided(None, FITTING, GOWN))
    newer = replace(conflict, conflict_id="newer", opened_at=NOON + HOUR, outlook=replace(EVENT, title="Cake"))
    decision = decided(None, FITTING, GOWN, conflicts=(newer, conflict))
    assert decision.actions == (Supersede(conflict_ids=("newer",)),)
    assert decision.mapping.held == TITLE


def test_closed_conflicts_hold_nothing() -> None:
    first = decided(None, FITTING, GOWN)
    closed = replace(opened(first)[0], state=ConflictState.APPLIED)
    assert isinstance(decided(first.mapping, FITTING, GOWN, conflicts=(closed,)).actions[0], OpenConflict)


def test_no_conflict_is_over_before_both_sides_are_read() -> None:
    """Else the held edit would look withdrawn, or as agreed to, and be written over by the next change."""
    first = decided(None, FITTING, GOWN)
    for title in ("Cake", "Gown", "Tasting"):
        moved = Present(replace(wedsync_state(replace(EVENT, title=title)), version=5))
        decision = decided(first.mapping, moved, UNSEEN, conflicts=opened(first))
        assert only(decision) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK)
        assert decision.mapping == first.mapping


# --- Replays ------------------------------------------------------------------------------------------------------


def test_replays_are_dropped() -> None:
    old_w = Present(wedsync_state(FITTING, version=2))
    old_o = Present(outlook_state(GOWN, changed_at=NOON - HOUR))
    for w, o in ((old_w, UNSEEN), (UNSEEN, old_o), (old_w, old_o)):
        decision = decided(None, w, o)
        assert only(decision) == Skip(rule=Rule.REPLAY)
        assert decision.mapping == mapping_of()
    tombstone = Present(wedsync_state(version=2, deleted=True))
    assert only(decided(None, tombstone)) == Skip(rule=Rule.REPLAY)
    mixed = decided(None, old_w, GOWN)
    assert update(mixed, Side.WEDSYNC).fields == TITLE


def test_a_first_state_of_outlook_is_no_replay() -> None:
    assert decided(mapping_of(o_changed_at=None), UNSEEN, FITTING).rule is Rule.CARRY


# --- Directions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "passive", "w", "o"),
    [(TO_OUTLOOK, Side.OUTLOOK, UNSEEN, GOWN), (FROM_OUTLOOK, Side.WEDSYNC, FITTING, UNSEEN)],
)
def test_a_change_on_the_passive_side_is_drift(
    policy: Policy, passive: Side, w: View | CalendarEvent, o: View | CalendarEvent
) -> None:
    first = decided(None, w, o, policy=policy)
    assert only(first) == Drift(side=passive, fields=TITLE)
    assert first.mapping.drifted == TITLE
    assert only(decided(first.mapping, w, o, policy=policy)) == Skip(rule=Rule.ECHO), "noted once"
    both = decided(first.mapping, FITTING, GOWN, policy=policy)
    assert update(both, passive).fields == TITLE, "the active side's next change wins"
    widened = decided(first.mapping, w if w != UNSEEN else EVENT, o if o != UNSEEN else EVENT)
    assert widened.rule is Rule.DRIFT_WIDENED
    assert widened.mapping.drifted == TITLE


def test_a_drift_is_not_over_because_nobody_looked() -> None:
    drifted = decided(None, UNSEEN, GOWN, policy=TO_OUTLOOK).mapping
    unread = decided(drifted, replace(EVENT, description="Four cakes"), UNSEEN, policy=TO_OUTLOOK)
    assert unread.mapping.drifted == TITLE
    assert update(unread, Side.OUTLOOK).settles.isdisjoint(TITLE)
    assert only(decided(drifted, EVENT, UNSEEN)) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK)
    over = decided(drifted, EVENT, EVENT)
    assert only(over) == Agree(fields=TITLE)
    assert over.mapping.drifted == frozenset()


def test_a_narrowed_run_leaves_the_rest_for_the_next() -> None:
    policy = Policy(run_direction=Direction.TO_OUTLOOK)
    decision = decided(None, EVENT, GOWN, policy=policy)
    assert only(decision) == Skip(rule=Rule.RUN_DIRECTION)
    assert (decision.mapping.o_etag, decision.mapping.w_version) == ("etag-3", 4)
    both = decided(None, replace(EVENT, description="Four cakes"), GOWN, policy=policy)
    assert only(both) == update(both, Side.OUTLOOK)
    assert both.mapping.drifted == frozenset()
    assert decided(None, FITTING, GOWN, policy=policy).rule is Rule.CLASH


def test_others_meetings_come_from_outlook_only() -> None:
    theirs = mapping_of(WITH_GUEST, born=Side.OUTLOOK, prefix="", is_organizer=False)
    renamed = replace(WITH_GUEST, title="Fitting")
    assert only(decided(theirs, renamed)) == Drift(side=Side.WEDSYNC, fields=TITLE)
    moved = Present(outlook_state(renamed, prefix="", is_organizer=False))
    assert update(decided(theirs, UNSEEN, moved), Side.WEDSYNC).fields == TITLE


# --- Guests -------------------------------------------------------------------------------------------------------


def test_a_change_to_a_meeting_waits_for_a_word() -> None:
    meeting = mapping_of(WITH_GUEST)
    first = decided(meeting, replace(WITH_GUEST, title="Fitting"))
    opening = only(first)
    assert isinstance(opening, OpenConflict)
    assert (opening.rule, opening.which) == (Rule.GUESTS, Field.TITLE)
    w = replace(WITH_GUEST, title="Fitting")
    conflicts = opened(first)
    assert only(decided(first.mapping, w, WITH_GUEST, conflicts=conflicts)) == Skip(rule=Rule.HELD)
    assert update(decided(meeting, w, replace(WITH_GUEST, description="new")), Side.WEDSYNC).fields == TEXT
    left = decided(replace(first.mapping, base_o=EVENT, base_w=EVENT), FITTING, EVENT, conflicts=conflicts)
    assert [type(action) for action in left.actions] == [Update, Supersede]
    chosen = (replace(conflicts[0], state=ConflictState.RESOLVED),)
    waiting = decided(replace(first.mapping, base_o=EVENT, base_w=EVENT), FITTING, EVENT, conflicts=chosen)
    assert only(waiting) == Skip(rule=Rule.HELD)


def test_people_are_reported_once_and_known_ever_after() -> None:
    first = decided(None, EVENT, WITH_GUEST)
    opening = only(first)
    assert isinstance(opening, OpenConflict)
    assert (opening.rule, opening.which) == (Rule.ATTENDEES, Field.ATTENDEES)
    conflicts = opened(first)
    assert only(decided(first.mapping, EVENT, WITH_GUEST, conflicts=conflicts)) == Skip(rule=Rule.HELD)
    unread = decided(first.mapping, FITTING, UNSEEN, conflicts=conflicts)
    assert unread.actions[0].rule is Rule.GUESTS, "nobody is mailed because nobody looked"
    assert only(decided(first.mapping, EVENT, WITH_GUEST)) == Skip(rule=Rule.ECHO)


def test_a_masked_meeting_is_still_a_meeting() -> None:
    private = replace(WITH_GUEST, private=True)
    base_o = outlook_content(mapping_of(masked=True, prefix=""), outlook_state(private, prefix=""))
    busy = replace(LATER, title="Busy", description="", private=True)
    pair = mapping_of(born=Side.OUTLOOK, prefix="", masked=True, base_w=replace(busy, time=EVENT.time), base_o=base_o)
    assert decided(pair, busy).rule is Rule.GUESTS


# --- Private and masked -------------------------------------------------------------------------------------------

IMPORTED = mapping_of(born=Side.OUTLOOK, prefix="")


def test_privacy_goes_to_outlook_only_and_masks_nothing_of_ours() -> None:
    private = replace(EVENT, private=True)
    assert update(decided(IMPORTED, private), Side.OUTLOOK).fields == {Field.PRIVATE}
    marked = replace(IMPORTED, base_w=private, base_o=private)
    echo = decided(marked, private, private)
    assert only(echo) == Skip(rule=Rule.ECHO)
    assert not echo.mapping.masked
    assert only(decided(None, EVENT, private)) == Drift(side=Side.OUTLOOK, fields=frozenset({Field.PRIVATE}))


def test_an_event_made_private_in_outlook_is_masked_and_unmasked() -> None:
    masked = decided(IMPORTED, EVENT, replace(EVENT, private=True))
    carry = update(masked, Side.WEDSYNC)
    assert carry.fields == {Field.TITLE, Field.DESCRIPTION}
    assert (carry.content.title, carry.content.description) == ("Busy", "")
    assert masked.mapping.masked
    busy = replace(EVENT, title="Busy", description="")
    after = settled(masked.mapping, carry, wedsync_state(busy, version=5))
    shown = decided(after, UNSEEN, EVENT)
    assert not shown.mapping.masked
    assert update(shown, Side.WEDSYNC).content.title == "Tasting"


def test_busy_only_masks_and_lets_wedsync_move_the_time() -> None:
    policy = Policy(preferences=Preferences(import_outlook_events=ImportOutlookEvents.BUSY))
    busy = replace(EVENT, title="Busy", description="", private=True)
    pair = replace(IMPORTED, masked=True, base_w=busy, base_o=replace(busy, private=False))
    assert only(decided(pair, busy, EVENT, policy=policy)) == Skip(rule=Rule.ECHO)
    moved = decided(pair, replace(busy, time=LATER.time, title="Secret"), EVENT, policy=policy)
    carry, drift = moved.actions
    assert isinstance(carry, Update)
    assert carry.fields == {Field.TIME}
    assert drift == Drift(side=Side.WEDSYNC, fields=TITLE)
    full = decided(pair, busy, EVENT)
    assert update(full, Side.WEDSYNC).content.title == "Tasting"


# --- Prefix -------------------------------------------------------------------------------------------------------

RENAMED = Policy(preferences=Preferences(event_prefix="W "))


def test_a_changed_prefix_is_an_update() -> None:
    decision = decided(None, EVENT, EVENT, policy=RENAMED)
    carry = update(decision, Side.OUTLOOK)
    assert (carry.rule, carry.title, carry.prefix) == (Rule.PREFIX_CHANGED, "W Tasting", "W ")
    answer = outlook_state(EVENT, prefix="W ", etag="etag-5")
    after = settled(decision.mapping, carry, answer)
    assert after.prefix == "W "
    assert only(decided(after, EVENT, Present(answer), policy=RENAMED)) == Skip(rule=Rule.ECHO)
    with_title = update(decided(None, FITTING, EVENT, policy=RENAMED), Side.OUTLOOK)
    assert (with_title.rule, with_title.title) == (Rule.CARRY, "W Fitting")


@pytest.mark.parametrize(
    ("mapping", "policy"),
    [
        (mapping_of(WITH_GUEST), RENAMED),
        (IMPORTED, RENAMED),
        (mapping_of(prefix="", notes=(NOTE_PREFIX_REMOVED,)), TWO_WAY),
        (mapping_of(drifted=TITLE), replace(RENAMED, direction=Direction.TO_OUTLOOK)),
        (mapping_of(), replace(RENAMED, direction=Direction.FROM_OUTLOOK)),
    ],
)
def test_where_no_prefix_is_written(mapping: EventMapping, policy: Policy) -> None:
    assert not [act for act in decided(mapping, policy=policy).actions if isinstance(act, Update)]


def test_a_prefix_that_the_user_removed_is_not_put_back() -> None:
    bare = Present(outlook_state(EVENT, prefix=""))
    decision = decided(None, EVENT, bare)
    assert only(decision) == Skip(rule=Rule.ECHO)
    assert (decision.mapping.prefix, decision.mapping.notes) == ("", (NOTE_PREFIX_REMOVED,))
    assert update(decided(decision.mapping, FITTING), Side.OUTLOOK).title == "Fitting"


@pytest.mark.parametrize(("before", "after"), [("WedSync: ", "W "), ("WedSync: ", ""), ("", "W ")])
@pytest.mark.parametrize(("wedsync", "shown"), [(UNSEEN, EVENT), (FITTING, FITTING)])
def test_a_prefix_that_was_written_and_not_noted_is_known_by_the_title_behind_it(
    before: str, after: str, wedsync: View | CalendarEvent, shown: CalendarEvent
) -> None:
    policy = Policy(preferences=Preferences(event_prefix=after))
    written = Present(outlook_state(shown, prefix=after))
    decision = decided(mapping_of(prefix=before), wedsync, written, policy=policy)
    assert (decision.mapping.prefix, decision.mapping.notes) == (after, ())
    assert not [act for act in decision.actions if isinstance(act, Update)]


# --- No base ------------------------------------------------------------------------------------------------------


def test_a_field_that_no_question_holds_any_more_is_judged_by_both_sides() -> None:
    torn = mapping_of(held=TITLE)
    assert only(decided(torn, outlook=FITTING)) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.WEDSYNC)
    assert [conflict.field for conflict in opened(decided(torn, GOWN, FITTING))] == [Field.TITLE]


def test_without_a_base_both_sides_are_read_and_differences_are_conflicts() -> None:
    fresh = mapping_of(base_w=None, base_o=None)
    assert only(decided(fresh, EVENT)) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK)
    assert only(decided(fresh)) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.WEDSYNC)
    equal = decided(fresh, EVENT, EVENT)
    assert only(equal) == Skip(rule=Rule.ECHO)
    assert equal.mapping.base_w == equal.mapping.base_o == EVENT
    differing = decided(fresh, FITTING, GOWN)
    opening = only(differing)
    assert isinstance(opening, OpenConflict)
    assert (opening.rule, opening.which, opening.base_w) == (Rule.NO_COMMON_BASE, Field.TITLE, None)
    conflicts = opened(differing)
    assert only(decided(differing.mapping, FITTING, GOWN, conflicts=conflicts)) == Skip(rule=Rule.HELD)
    agreed = decided(differing.mapping, GOWN, GOWN, conflicts=conflicts)
    assert agreed.rule is Rule.AGREED
    assert agreed.mapping.drifted == frozenset()


# --- Types --------------------------------------------------------------------------------------------------------

NO_MEETINGS = Policy(preferences=Preferences(sync_client_meetings=False))


def test_a_type_switched_off_takes_the_copy_out_of_outlook() -> None:
    decision = decided(None, FITTING, EVENT, policy=NO_MEETINGS)
    assert only(decision) == Delete(side=Side.OUTLOOK, rule=Rule.TYPE_OFF, etag="etag-4", asked=True, before=EVENT)
    drifted = decided(None, outlook=FITTING, policy=replace(NO_MEETINGS, direction=Direction.TO_OUTLOOK))
    assert [act.before for act in drifted.actions if isinstance(act, Delete)] == [FITTING], "it can be read back"
    wedding = Present(wedsync_state(event_type=EventType.WEDDING_CEREMONY))
    assert decided(None, wedding, policy=NO_MEETINGS).rule is Rule.ECHO
    assert decided(IMPORTED, EVENT, EVENT, policy=NO_MEETINGS).rule is Rule.ECHO


def test_a_type_switched_off_first_brings_outlook_s_change_home() -> None:
    assert update(decided(None, EVENT, GOWN, policy=NO_MEETINGS), Side.WEDSYNC).fields == TITLE
    clash = decided(None, FITTING, GOWN, policy=NO_MEETINGS)
    assert clash.rule is Rule.CLASH
    held = decided(clash.mapping, FITTING, GOWN, policy=NO_MEETINGS, conflicts=opened(clash))
    assert only(held) == Skip(rule=Rule.TYPE_OFF_HELD)


@pytest.mark.parametrize(
    ("mapping", "changes", "rule"),
    [
        (mapping_of(WITH_GUEST), {}, Rule.TYPE_OFF_GUESTS),
        (mapping_of(), {"direction": Direction.FROM_OUTLOOK}, Rule.DIRECTION),
        (mapping_of(), {"run_direction": Direction.FROM_OUTLOOK}, Rule.RUN_DIRECTION),
    ],
)
def test_where_a_copy_stays_although_its_type_is_off(
    mapping: EventMapping, changes: dict[str, Any], rule: Rule
) -> None:
    policy = replace(NO_MEETINGS, **changes)
    decision = decided(mapping, policy=policy)
    assert only(decision) == Skip(rule=rule)
    assert decision.mapping == mapping


def test_a_type_switched_on_again_brings_the_copy_back() -> None:
    delete = only(decided(policy=NO_MEETINGS))
    assert isinstance(delete, Delete)
    waiting = without_event(mapping_of(), delete)
    assert waiting.state is MappingState.UNLINKED
    assert only(decided(waiting, EVENT, policy=NO_MEETINGS)) == Skip(rule=Rule.TYPE_OFF)
    assert only(decided(waiting, UNSEEN)) == Hold(rule=Rule.UNKNOWN_SIDE, side=Side.WEDSYNC)
    create = only(decided(waiting, FITTING))
    assert isinstance(create, Create)
    assert (create.rule, create.side, create.title) == (Rule.TYPE_ON, Side.OUTLOOK, "WedSync: Fitting")


# --- States -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "w", "o", "expected"),
    [
        (MappingState.INTENT, FITTING, GOWN, Hold(rule=Rule.OPEN_INTENT)),
        (MappingState.ENDED, FITTING, GOWN, Skip(rule=Rule.ENDED)),
        (MappingState.UNLINKED, FITTING, UNSEEN, Skip(rule=Rule.OPTED_OUT)),
        (MappingState.UNLINKED, EVENT, GOWN, Skip(rule=Rule.OPTED_OUT)),
        (MappingState.UNLINKED, Gone(proved=True), GOWN, Skip(rule=Rule.OPTED_OUT)),
        (MappingState.UNLINKED, Gone(proved=False), UNSEEN, Skip(rule=Rule.OPTED_OUT)),
        (MappingState.HIDDEN, UNSEEN, GOWN, Skip(rule=Rule.HIDDEN)),
        (MappingState.HIDDEN, UNSEEN, Gone(proved=False), Skip(rule=Rule.HIDDEN)),
        (MappingState.HIDDEN, UNSEEN, Gone(proved=True, left_calendar=True), Skip(rule=Rule.HIDDEN)),
    ],
)
def test_states_that_stay_as_they_are(
    state: MappingState, w: View | CalendarEvent, o: View | CalendarEvent, expected: Action
) -> None:
    mapping = mapping_of(state=state)
    decision = decided(mapping, w, o)
    assert only(decision) == expected
    assert decision.mapping == mapping


@pytest.mark.parametrize(
    ("state", "w", "o"),
    [
        (MappingState.UNLINKED, Gone(proved=True), Gone(proved=True)),
        (MappingState.HIDDEN, UNSEEN, Gone(proved=True)),
    ],
)
def test_what_was_left_of_a_pair_ends_with_it(state: MappingState, w: View, o: View) -> None:
    decision = decided(mapping_of(state=state), w, o)
    assert decision.rule is Rule.BOTH_GONE
    assert decision.mapping.state is MappingState.ENDED


@pytest.mark.parametrize(
    ("state", "w", "o"),
    [
        (MappingState.UNLINKED, Gone(proved=True), Gone(proved=True, left_calendar=True)),
        (MappingState.UNLINKED, Gone(proved=True), Gone(proved=False)),
        (MappingState.UNLINKED, UNSEEN, Gone(proved=True)),
        (MappingState.HIDDEN, Gone(proved=True), Gone(proved=True, left_calendar=True)),
        (MappingState.HIDDEN, Gone(proved=True), UNSEEN),
    ],
)
def test_a_mapping_stays_while_its_event_may_be_on_either_side(state: MappingState, w: View, o: View) -> None:
    assert decided(mapping_of(state=state), w, o).mapping.state is state


def test_whether_an_unlinked_copy_is_still_there_is_asked_before_its_mapping_goes() -> None:
    hold = Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True)
    assert only(decided(mapping_of(state=MappingState.UNLINKED), Gone(proved=True), UNSEEN)) == hold


def test_an_unlinked_event_whose_type_is_off_and_which_is_gone() -> None:
    mapping = mapping_of(state=MappingState.UNLINKED, notes=(NOTE_TYPE_OFF,))
    assert only(decided(mapping, Gone(proved=False))) == Skip(rule=Rule.TYPE_OFF)


# --- Whatever is known --------------------------------------------------------------------------------------------


@st.composite
def situations(draw: st.DrawFn) -> tuple[EventMapping, View, View, Policy]:
    mapping = draw(mappings())
    return mapping, draw(views(mapping, Side.WEDSYNC)), draw(views(mapping, Side.OUTLOOK)), draw(POLICIES)


def proved(view: View, mapping: EventMapping) -> bool:
    if isinstance(view, Gone):
        return view.proved
    if not isinstance(view, Present):
        return "gone:outlook" in mapping.notes
    state = view.state
    return state.deleted if isinstance(state, WedSyncState) else state.cancelled


@MANY
@given(situations())
def test_no_delete_without_proof_and_no_write_that_mails(situation: tuple[EventMapping, View, View, Policy]) -> None:
    mapping, w, o, policy = situation
    decision = decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=())
    seen = o.state.content.attendees if isinstance(o, Present) else mapping.base_o.attendees if mapping.base_o else ()
    stale = isinstance(o, Present) and isinstance(o.state, OutlookState) and o.state.changed_at < NOON
    guests = (mapping.base_o.attendees if mapping.base_o else ()) if stale else seen
    for action in decision.actions:
        if isinstance(action, Delete) and not action.asked:
            assert proved(w if action.side is Side.OUTLOOK else o, mapping)
        if isinstance(action, Update | Delete) and action.side is Side.OUTLOOK:
            assert not guests
        if isinstance(action, Create | Update | Delete):
            assert action.side in TOWARD[policy.direction] & TOWARD[policy.run_direction]
        if isinstance(action, Update) and action.side is Side.OUTLOOK:
            assert Field.ATTENDEES not in action.fields
        if isinstance(action, Update) and action.side is Side.WEDSYNC:
            assert action.fields <= set(MERGED_FIELDS)
    assert EXPLAINED[decision.rule]


@MANY
@given(situations())
def test_deciding_is_pure_and_unproved_absence_changes_nothing(
    situation: tuple[EventMapping, View, View, Policy],
) -> None:
    mapping, w, o, policy = situation
    decision = decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=())
    assert decision == decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=())
    unproved = any(isinstance(view, Gone) and not view.proved for view in (w, o))
    if unproved and mapping.state is MappingState.LINKED:
        assert only(decision) == Skip(rule=Rule.UNPROVED_ABSENCE)


@MANY
@given(mappings(), POLICIES)
def test_echoes_and_replays_cause_no_action(mapping: EventMapping, policy: Policy) -> None:
    policy = replace(policy, preferences=replace(policy.preferences, event_prefix=mapping.prefix))
    base_w, base_o = mapping.base_w or EVENT, fitted(mapping.base_o or EVENT, mapping.prefix)
    mapping = replace(mapping, role=Role.EVENT, base_w=base_w, base_o=base_o, masked=False, notes=())
    policy = replace(policy, preferences=replace(policy.preferences, import_outlook_events=ImportOutlookEvents.FULL))
    echo_w = Present(wedsync_state(base_w))
    echo_o = Present(outlook_state(base_o, prefix=mapping.prefix, is_organizer=mapping.is_organizer))
    old_w, old_o = Present(wedsync_state(FITTING, version=1)), Present(outlook_state(GOWN, changed_at=NOON - HOUR))
    for w, o in ((echo_w, echo_o), (echo_w, UNSEEN), (UNSEEN, echo_o), (old_w, old_o), (old_w, echo_o)):
        decision = decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=())
        writes = [act for act in decision.actions if not isinstance(act, Skip | Hold)]
        assert writes == [act for act in writes if act.rule is Rule.TYPE_OFF]


class Stale(Exception):
    """A write was conditional on a version that is not the present one."""


class Calendars:
    """Two calendars that do what they are told, on condition of their versions, and a mapping between them."""

    def __init__(self, mapping: EventMapping, content: CalendarEvent) -> None:
        self.mapping = mapping
        self.w = wedsync_state(content, version=mapping.w_version)
        self.o = outlook_state(content, prefix=mapping.prefix, etag=mapping.o_etag, changed_at=NOON)
        self.conflicts: dict[str, Conflict] = {}
        self.mails = self.clock = 0

    def edit(self, side: Side, which: Field, value: str) -> None:
        if side is Side.WEDSYNC:
            self.w = replace(self.w, content=edited(self.w.content, which, value), version=self.w.version + 1)
        else:
            self._write_outlook(
                edited(self.o.content, which, self.mapping.prefix + value if which is Field.TITLE else value)
            )

    def look(self, sides: frozenset[Side], *, fails: Side | None = None) -> tuple[Action, ...]:
        """Decide and act as a job does: what is stale is read and decided again; a failure saves nothing."""
        try:
            actions = self._act(sides, fails)
            return self._act(frozenset(Side), fails) if isinstance(actions[0], Hold) else actions
        except Stale:
            return self._act(frozenset(Side), fails)

    def _act(self, sides: frozenset[Side], fails: Side | None) -> tuple[Action, ...]:
        decision = decide(
            self.mapping,
            wedsync=Present(self.w) if Side.WEDSYNC in sides else UNSEEN,
            outlook=Present(self.o) if Side.OUTLOOK in sides else UNSEEN,
            policy=TWO_WAY,
            conflicts=tuple(self.conflicts.values()),
        )
        mapping = decision.mapping
        for action in decision.actions:
            if isinstance(action, Update):
                if action.side is fails:
                    return decision.actions
                answer = self._write(action)
                self.mapping = settled_alone(self.mapping, action, answer)
                mapping = settled(mapping, action, answer)
            elif isinstance(action, OpenConflict):
                conflict = conflict_of(action, mapping, now=NOON)
                self.conflicts[conflict.conflict_id] = conflict
            elif isinstance(action, Supersede):
                for conflict_id in action.conflict_ids:
                    del self.conflicts[conflict_id]
        self.mapping = mapping
        return decision.actions

    def _write(self, action: Update) -> WedSyncState | OutlookState:
        changes: dict[str, Any] = {PARTS[which]: getattr(action.content, PARTS[which]) for which in action.fields}
        if action.side is Side.WEDSYNC:
            if action.version != self.w.version:
                raise Stale
            self.w = replace(self.w, content=replace(self.w.content, **changes), version=self.w.version + 1)
            return self.w
        if action.etag != self.o.etag:
            raise Stale
        self.mails += len(self.o.content.attendees)
        if Field.TITLE in action.fields:
            changes["title"] = action.title
        self._write_outlook(replace(self.o.content, **changes))
        return self.o

    def shown(self) -> tuple[CalendarEvent, CalendarEvent]:
        return self.w.content, outlook_content(self.mapping, self.o)

    def _write_outlook(self, content: CalendarEvent) -> None:
        self.clock += 1
        self.o = replace(self.o, content=content, etag=f"e{self.clock}", changed_at=NOON + self.clock * HOUR)


PARTS = {which: which.value for which in Field} | {Field.TIME: "time"}
DAYS = {
    value: AllDay(start=date(2026, 6, day), end=date(2026, 6, day + 1))
    for day, value in enumerate(["A", "B", "x" * 246], start=1)
}


def edited(content: CalendarEvent, which: Field, value: str) -> CalendarEvent:
    values: dict[Field, Any] = {
        Field.TIME: DAYS[value] if which is Field.TIME else None,
        Field.LOCATION: Place(name=value),
    }
    return replace(content, **{PARTS[which]: values.get(which, value)})


LOOKS = st.sampled_from([frozenset[Side](), frozenset({Side.WEDSYNC}), frozenset({Side.OUTLOOK}), frozenset(Side)])
EDITS = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.sampled_from(MERGED_FIELDS),
        st.sampled_from(["A", "B", "x" * 246]),
        LOOKS,
        st.sampled_from([None, None, *Side]),
    ),
    max_size=10,
)


@MANY
@given(EDITS, st.booleans())
def test_any_edits_converge_and_none_is_lost(
    edits: list[tuple[Side, Field, str, frozenset[Side], Side | None]], meeting: bool
) -> None:
    """Jobs see one side or both, lose writes, and find versions moved: what remains differs by open conflicts only."""
    base = WITH_GUEST if meeting else EVENT
    world = Calendars(mapping_of(base), base)
    agreed = dict.fromkeys(MERGED_FIELDS, (base, base))
    for side, field, value, sides, fails in [*edits, (Side.OUTLOOK, Field.TITLE, "B", frozenset(Side), None)]:
        world.edit(side, field, value)
        before = world.shown()
        world.look(sides, fails=fails)
        after = world.shown()
        bases = world.mapping.base_w or EVENT, world.mapping.base_o or EVENT
        for which in MERGED_FIELDS:
            for was, now, last in zip(before, after, agreed[which], strict=True):
                assert same(which, was, last) or same(which, was, now), "an edit was written over"
            known = all(same(which, seen, now) for seen, now in zip(bases, after, strict=True))
            if known and agree(which, *after):
                agreed[which] = after
    assert {type(action) for action in world.look(frozenset(Side))} <= {Skip}
    held = {conflict.field for conflict in world.conflicts.values()}
    assert held == world.mapping.held
    assert held == {which for which in MERGED_FIELDS if not agree(which, *world.shown())}
    assert world.mails == 0


def agree(which: Field, wedsync: CalendarEvent, outlook: CalendarEvent) -> bool:
    return same(which, wedsync, outlook) or same(which, fitted(wedsync, PREFIX), outlook)
