"""The table's row and column of what is gone, by birth, preference, direction and guests."""

from dataclasses import replace

import pytest

from shared.core.actions import (
    Action,
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
    Supersede,
    Unlink,
    Update,
)
from shared.core.conflicts import conflict_of
from shared.core.decide import decide
from shared.core.event import CalendarEvent, EventType, Field, Side
from shared.core.history import Conflict
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.mapping import EventMapping
from shared.core.pair import NOTE_TYPE_OFF, note_held
from shared.core.settle import without_event
from shared.core.states import ConflictState, MappingState
from shared.core.views import UNSEEN, Gone, Present, View
from tests.core.strategies import EVENT, GUEST, HOUR, NOON, mapping_of, outlook_state, wedsync_state

GONE, MAYBE, MOVED = Gone(proved=True), Gone(proved=False), Gone(proved=True, left_calendar=True)
ASK, UNLINK, DELETE = (
    Policy(preferences=Preferences(on_outlook_delete=choice))
    for choice in (OnOutlookDelete.ASK, OnOutlookDelete.UNLINK, OnOutlookDelete.DELETE)
)
TO_OUTLOOK, FROM_OUTLOOK = Policy(direction=Direction.TO_OUTLOOK), Policy(direction=Direction.FROM_OUTLOOK)
OURS, THEIRS = mapping_of(), mapping_of(born=Side.OUTLOOK, prefix="")
EDITED = replace(EVENT, title="Fitting")
WITH_GUEST = replace(EVENT, attendees=(GUEST,))
MEETING = mapping_of(WITH_GUEST)

OUTLOOK_GONE = Side.OUTLOOK
WEDSYNC_GONE = Side.WEDSYNC


def decided(
    mapping: EventMapping,
    wedsync: View | CalendarEvent,
    outlook: View | CalendarEvent,
    policy: Policy = ASK,
    conflicts: tuple[Conflict, ...] = (),
) -> Decision:
    w = Present(wedsync_state(wedsync)) if isinstance(wedsync, CalendarEvent) else wedsync
    o = Present(outlook_state(outlook, prefix=mapping.prefix)) if isinstance(outlook, CalendarEvent) else outlook
    return decide(mapping, wedsync=w, outlook=o, policy=policy, conflicts=conflicts)


def opened(decision: Decision) -> tuple[Conflict, ...]:
    found = [action for action in decision.actions if isinstance(action, OpenConflict)]
    return tuple(conflict_of(action, decision.mapping, now=NOON) for action in found)


def only(decision: Decision) -> Action:
    assert len(decision.actions) == 1, decision.actions
    return decision.actions[0]


@pytest.mark.parametrize(
    ("mapping", "w", "o", "policy", "action"),
    [
        # gone in Outlook, as it was in WedSync (read or not)
        (OURS, UNSEEN, GONE, UNLINK, Unlink(side=OUTLOOK_GONE, rule=Rule.OUTLOOK_DELETE_UNLINK)),
        (OURS, EVENT, GONE, UNLINK, Unlink(side=OUTLOOK_GONE, rule=Rule.OUTLOOK_DELETE_UNLINK)),
        (OURS, EVENT, MOVED, UNLINK, Unlink(side=OUTLOOK_GONE, rule=Rule.OUTLOOK_DELETE_UNLINK)),
        (OURS, UNSEEN, GONE, DELETE, Delete(side=Side.WEDSYNC, rule=Rule.OUTLOOK_DELETE_DELETE, version=3)),
        (OURS, EVENT, MOVED, DELETE, Delete(side=Side.WEDSYNC, rule=Rule.OUTLOOK_DELETE_DELETE, version=4, hides=True)),
        (THEIRS, UNSEEN, GONE, ASK, Delete(side=Side.WEDSYNC, rule=Rule.OUTLOOK_BORN_GONE, version=3)),
        # gone in WedSync, as it was in Outlook
        (OURS, GONE, UNSEEN, ASK, Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED, etag="etag-3")),
        (OURS, GONE, EVENT, ASK, Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED, etag="etag-4")),
        (THEIRS, GONE, EVENT, ASK, Hide(rule=Rule.HIDDEN)),
        # gone on both
        (OURS, GONE, GONE, ASK, End(rule=Rule.BOTH_GONE)),
        (THEIRS, GONE, MOVED, ASK, Hide(rule=Rule.LEFT_AND_DELETED)),
        (OURS, GONE, MOVED, DELETE, Hide(rule=Rule.LEFT_AND_DELETED)),
        # not proved
        (OURS, UNSEEN, MAYBE, DELETE, Skip(rule=Rule.UNPROVED_ABSENCE)),
        (OURS, MAYBE, EDITED, ASK, Skip(rule=Rule.UNPROVED_ABSENCE)),
        (THEIRS, GONE, MAYBE, ASK, Skip(rule=Rule.UNPROVED_ABSENCE)),
        # not this way
        (OURS, GONE, EVENT, FROM_OUTLOOK, Drift(side=WEDSYNC_GONE, rule=Rule.DRIFT_DELETED)),
        (THEIRS, EVENT, GONE, TO_OUTLOOK, Drift(side=OUTLOOK_GONE, rule=Rule.DRIFT_DELETED)),
        (THEIRS, GONE, EVENT, FROM_OUTLOOK, Hide(rule=Rule.HIDDEN)),
        (OURS, GONE, UNSEEN, Policy(run_direction=Direction.FROM_OUTLOOK), Skip(rule=Rule.RUN_DIRECTION)),
    ],
)
def test_each_deletion_rule(
    mapping: EventMapping, w: View | CalendarEvent, o: View | CalendarEvent, policy: Policy, action: Action
) -> None:
    assert only(decided(mapping, w, o, policy)) == action


@pytest.mark.parametrize(
    ("mapping", "w", "o", "policy", "rule", "absent"),
    [
        (OURS, EVENT, GONE, ASK, Rule.OUTLOOK_DELETE_ASK, OUTLOOK_GONE),
        (OURS, UNSEEN, MOVED, ASK, Rule.OUTLOOK_DELETE_ASK, OUTLOOK_GONE),
        (OURS, EDITED, GONE, DELETE, Rule.EDITED_AND_DELETED, OUTLOOK_GONE),
        (THEIRS, EDITED, GONE, ASK, Rule.EDITED_AND_DELETED, OUTLOOK_GONE),
        (THEIRS, EVENT, MOVED, DELETE, Rule.LEFT_CALENDAR, OUTLOOK_GONE),
        (OURS, GONE, EDITED, ASK, Rule.EDITED_AND_DELETED, WEDSYNC_GONE),
        (THEIRS, GONE, EDITED, ASK, Rule.EDITED_AND_DELETED, WEDSYNC_GONE),
        (MEETING, GONE, WITH_GUEST, ASK, Rule.GUESTS_DELETE, WEDSYNC_GONE),
        (MEETING, GONE, UNSEEN, ASK, Rule.GUESTS_DELETE, WEDSYNC_GONE),
        (replace(OURS, base_w=None), EVENT, GONE, DELETE, Rule.EDITED_AND_DELETED, OUTLOOK_GONE),
        (replace(OURS, drifted=frozenset({Field.TITLE})), GONE, UNSEEN, ASK, Rule.EDITED_AND_DELETED, WEDSYNC_GONE),
    ],
)
def test_each_deletion_that_a_person_decides(
    mapping: EventMapping, w: View | CalendarEvent, o: View | CalendarEvent, policy: Policy, rule: Rule, absent: Side
) -> None:
    first = decided(mapping, w, o, policy)
    opening = only(first)
    assert isinstance(opening, OpenConflict)
    assert (opening.rule, opening.which, opening.absent) == (rule, None, absent)
    assert (opening.wedsync is None, opening.outlook is None) == (absent is Side.WEDSYNC, absent is Side.OUTLOOK)
    again = decided(first.mapping, w, o, policy, opened(first))
    assert only(again) == Skip(rule=Rule.HELD)


def test_a_cancelled_meeting_and_a_tombstone_are_gone() -> None:
    cancelled = Present(outlook_state(EVENT, prefix="", cancelled=True))
    assert only(decided(THEIRS, UNSEEN, cancelled)).rule is Rule.OUTLOOK_BORN_GONE
    tombstone = Present(wedsync_state(deleted=True))
    assert only(decided(OURS, tombstone, UNSEEN)).rule is Rule.WEDSYNC_DELETED


def test_states_after_what_needs_no_write() -> None:
    assert decided(OURS, UNSEEN, GONE, UNLINK).mapping.state is MappingState.UNLINKED
    assert decided(THEIRS, GONE, UNSEEN).mapping.state is MappingState.HIDDEN
    assert decided(OURS, GONE, GONE).mapping.state is MappingState.ENDED
    assert decided(OURS, GONE, UNSEEN).mapping.state is MappingState.LINKED
    assert decided(OURS, UNSEEN, MAYBE).mapping == OURS


def test_a_copy_that_is_gone_while_its_type_is_off_returns_with_the_type() -> None:
    off = Policy(preferences=Preferences(sync_deadlines=False))
    mapping = mapping_of(event_type=EventType.DEADLINE)
    decision = decided(mapping, UNSEEN, GONE, off)
    assert only(decision) == Unlink(side=Side.OUTLOOK, rule=Rule.TYPE_OFF)
    assert (decision.mapping.state, decision.mapping.notes) == (MappingState.UNLINKED, (NOTE_TYPE_OFF,))


def test_an_unread_absent_side_stays_absent_while_its_conflict_is_open() -> None:
    first = decided(OURS, EVENT, GONE)
    conflicts = opened(first)
    assert only(decided(first.mapping, EVENT, UNSEEN, conflicts=conflicts)) == Skip(rule=Rule.HELD)
    edited = decided(first.mapping, EDITED, UNSEEN, conflicts=conflicts)
    opening, closing = edited.actions
    assert opening.rule is Rule.EDITED_AND_DELETED
    assert closing == Supersede(conflict_ids=(conflicts[0].conflict_id,))


def test_of_an_event_that_was_missing_and_is_gone_on_the_other_side_too_it_is_asked_whether_it_is_elsewhere() -> None:
    first = decided(OURS, EVENT, GONE)
    conflicts = opened(first)
    hold = Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True)
    assert only(decided(first.mapping, GONE, UNSEEN, conflicts=conflicts)) == hold
    both = decided(first.mapping, GONE, GONE, conflicts=conflicts)
    assert [type(action) for action in both.actions] == [End, Supersede]
    away = decided(first.mapping, GONE, MOVED, conflicts=conflicts)
    assert [type(action) for action in away.actions] == [Hide, Supersede]
    assert away.mapping.state is MappingState.HIDDEN


def test_a_wedsync_event_deleted_because_its_copy_left_leaves_the_copy_hidden() -> None:
    decision = decided(OURS, EVENT, MOVED, DELETE)
    delete = only(decision)
    assert isinstance(delete, Delete)
    assert without_event(decision.mapping, delete).state is MappingState.HIDDEN
    assert without_event(decision.mapping, replace(delete, hides=False)).state is MappingState.ENDED


@pytest.mark.parametrize(
    ("w", "o", "noted", "stays"),
    [
        (UNSEEN, GONE, Side.WEDSYNC, True),  # wanted still
        (UNSEEN, EVENT, Side.WEDSYNC, False),  # it is back
        (EVENT, UNSEEN, Side.WEDSYNC, True),  # the side that has it was looked at alone
        (EDITED, GONE, Side.WEDSYNC, False),  # a conflict now
        (GONE, GONE, Side.WEDSYNC, False),
        (GONE, UNSEEN, Side.OUTLOOK, True),
        (EVENT, UNSEEN, Side.OUTLOOK, False),
    ],
)
def test_the_note_of_a_held_deletion_goes_with_the_wish(
    w: View | CalendarEvent, o: View | CalendarEvent, noted: Side, stays: bool
) -> None:
    mapping = replace(THEIRS if noted is Side.WEDSYNC else OURS, notes=(note_held(noted),))
    assert (decided(mapping, w, o).mapping.notes == (note_held(noted),)) is stays


def test_an_event_that_comes_back_supersedes_its_deletion() -> None:
    first = decided(OURS, EDITED, GONE)
    conflicts = opened(first)
    back = decided(first.mapping, UNSEEN, EVENT, conflicts=conflicts)
    carry, closing = back.actions
    assert isinstance(carry, Update)
    assert (carry.side, carry.fields) == (Side.OUTLOOK, frozenset({Field.TITLE})), (
        "the edit was recorded, though not read again"
    )
    assert closing == Supersede(conflict_ids=(conflicts[0].conflict_id,))


def test_field_conflicts_give_way_to_the_deletion() -> None:
    gown = replace(EVENT, title="Gown")
    clash = decided(OURS, EDITED, gown)
    conflicts = opened(clash)
    for w, o in ((UNSEEN, GONE), (GONE, UNSEEN)):
        decision = decided(clash.mapping, w, o, DELETE, conflicts)
        opening, closing = decision.actions
        assert opening.rule is Rule.EDITED_AND_DELETED, "the held edit counts although nobody read it again"
        assert closing == Supersede(conflict_ids=(conflicts[0].conflict_id,))
        assert decision.mapping.held == frozenset()


def test_a_preference_changed_later_does_not_answer_an_open_question() -> None:
    first = decided(OURS, EVENT, GONE, ASK)
    assert only(decided(first.mapping, EVENT, GONE, DELETE, opened(first))) == Skip(rule=Rule.HELD)


def test_a_deletion_that_waited_for_guests_goes_on_when_they_have_left() -> None:
    bare = mapping_of(base_o=EVENT)
    waiting = opened(decided(MEETING, GONE, WITH_GUEST))
    recorded = (replace(waiting[0], outlook=EVENT),)
    decision = decided(bare, GONE, EVENT, conflicts=recorded)
    assert [type(action) for action in decision.actions] == [Delete, Supersede]
    chosen = (replace(recorded[0], state=ConflictState.RESOLVED),)
    assert only(decided(bare, GONE, EVENT, conflicts=chosen)) == Skip(rule=Rule.HELD)


def test_a_deletion_that_may_not_be_carried_is_noted_and_asked_about_later() -> None:
    first = decided(OURS, GONE, EVENT, FROM_OUTLOOK)
    assert first.mapping.state is MappingState.LINKED
    again = decided(first.mapping, UNSEEN, EVENT, FROM_OUTLOOK)
    assert only(again) == Skip(rule=Rule.DRIFT_DELETED)
    widened = decided(first.mapping, UNSEEN, EVENT)
    assert only(widened).rule is Rule.DRIFT_WIDENED
    back = decided(first.mapping, EVENT, EVENT)
    assert only(back) == Skip(rule=Rule.ECHO)
    assert back.mapping.notes == ()


def test_the_opening_tells_when_each_side_changed() -> None:
    opening = only(decided(OURS, EDITED, GONE))
    assert isinstance(opening, OpenConflict)
    assert (opening.wedsync_at, opening.outlook_at) == (NOON + HOUR, None)


def test_an_event_that_moved_from_one_absence_to_the_other() -> None:
    conflicts = opened(decided(OURS, EVENT, GONE))
    decision = decided(OURS, GONE, EVENT, conflicts=conflicts)
    assert [type(action) for action in decision.actions] == [Delete, Supersede]


def test_of_two_open_deletions_the_one_with_the_present_content_counts() -> None:
    (conflict,) = opened(decided(OURS, EVENT, GONE))
    other = replace(conflict, conflict_id="other", wedsync=EDITED, opened_at=NOON + HOUR)
    decision = decided(OURS, EVENT, GONE, conflicts=(conflict, other))
    assert decision.actions == (Skip(rule=Rule.HELD), Supersede(conflict_ids=("other",)))


@pytest.mark.parametrize(
    ("mapping", "policy", "conflicts"),
    [(OURS, ASK, False), (THEIRS, ASK, False), (OURS, FROM_OUTLOOK, False), (OURS, ASK, True)],
)
def test_the_guests_are_those_of_the_version_that_a_later_delete_is_conditional_on(
    mapping: EventMapping, policy: Policy, conflicts: bool
) -> None:
    seen = opened(decided(mapping, GONE, WITH_GUEST, policy)) if conflicts else ()
    after = decided(mapping, GONE, WITH_GUEST, policy, seen).mapping
    assert after.o_etag == "etag-4"
    assert after.base_o is not None
    assert after.base_o.attendees == (GUEST,)
