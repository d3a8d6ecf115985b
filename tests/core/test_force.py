"""Force-sync as a decision: everything one way, and what that leaves of conflicts, drift and notes."""

from dataclasses import replace

import pytest

from shared.core.actions import Apply, Decision, OpenConflict, Policy, Rule, Skip, Update
from shared.core.conflicts import conflict_of
from shared.core.decide import decide
from shared.core.event import CalendarEvent, Field, Place, Side
from shared.core.force import forced, forced_fields, linked_again, standing, unbound
from shared.core.history import Conflict
from shared.core.integration import Direction, Preferences
from shared.core.mapping import EventMapping
from shared.core.pair import NOTE_FORCED, NOTE_PREFIX_REMOVED, NOTE_TYPE_OFF, Pair, note_gone
from shared.core.settle import settled
from shared.core.states import ConflictState, MappingState
from shared.core.views import UNSEEN, Present
from tests.core.strategies import EVENT, GUEST, NOON, mapping_of, outlook_state, wedsync_state

OURS = replace(EVENT, title="Cake", private=True)
THEIRS = replace(EVENT, title="Wine", location=Place(name="Barn"))
NO_MEETINGS = Preferences(sync_client_meetings=False)


def pair(
    wedsync: CalendarEvent = OURS,
    outlook: CalendarEvent = THEIRS,
    *conflicts: Conflict,
    mapping: EventMapping | None = None,
    policy: Policy | None = None,
) -> Pair:
    mapping = mapping or mapping_of()
    return Pair.of(
        mapping,
        wedsync=Present(wedsync_state(wedsync)),
        outlook=Present(outlook_state(outlook, prefix=mapping.prefix)),
        policy=policy or Policy(),
        conflicts=conflicts,
    )


def conflict(which: Field | None = Field.TITLE) -> Conflict:
    opening = OpenConflict(
        rule=Rule.CLASH, which=which, wedsync=OURS, outlook=THEIRS, base_w=EVENT, base_o=EVENT, absent=None
    )
    return conflict_of(opening, mapping_of(), now=NOON)


def after(decision: Decision, toward: Side) -> EventMapping:
    """The mapping once the far end has answered with what it was sent."""
    update = decision.actions[0]
    assert isinstance(update, Update)
    answer = wedsync_state(update.content) if toward is Side.WEDSYNC else outlook_state(update.content)
    return settled(decision.mapping, update, answer)


def test_everything_goes_one_way_and_nothing_is_left_to_do() -> None:
    decision = forced(pair(), Side.OUTLOOK)
    (update,) = decision.actions
    assert isinstance(update, Update)
    assert (update.side, update.rule, update.etag) == (Side.OUTLOOK, Rule.FORCED, "etag-4")
    assert update.fields == {Field.TITLE, Field.LOCATION, Field.PRIVATE}
    assert (update.title, update.replaces) == ("WedSync: Cake", THEIRS)
    mapping = after(decision, Side.OUTLOOK)
    again = decide(
        mapping,
        wedsync=Present(wedsync_state(OURS)),
        outlook=Present(outlook_state(update.content)),
        policy=Policy(),
        conflicts=(),
    )
    assert again.actions == (Skip(rule=Rule.ECHO),)


def test_the_other_way_leaves_privacy_to_wedsync() -> None:
    decision = forced(pair(), Side.WEDSYNC)
    (update,) = decision.actions
    assert isinstance(update, Update)
    assert update.fields == {Field.TITLE, Field.LOCATION}
    assert (update.version, update.content.private, update.replaces) == (4, True, OURS)
    mapping = after(decision, Side.WEDSYNC)
    assert mapping.base_w is not None
    assert mapping.base_w.title == "Wine"


def test_what_is_equal_is_not_written() -> None:
    decision = forced(pair(EVENT, EVENT, mapping=mapping_of(base_w=None, base_o=None)), Side.OUTLOOK)
    assert decision.actions == (Skip(rule=Rule.FORCED),)
    assert (decision.mapping.base_w, decision.mapping.base_o) == (EVENT, EVENT)


def test_conflicts_and_drift_are_over_but_for_people() -> None:
    people = conflict(Field.ATTENDEES)
    title, event = conflict(), conflict(None)
    waiting = mapping_of(held=frozenset({Field.TITLE, Field.ATTENDEES}), drifted=frozenset({Field.LOCATION}))
    decision = forced(pair(OURS, THEIRS, title, people, event, mapping=waiting), Side.WEDSYNC)
    (closing,) = [action for action in decision.actions if isinstance(action, Apply)]
    assert set(closing.conflict_ids) == {title.conflict_id, event.conflict_id}
    assert decision.mapping.held == {Field.ATTENDEES}
    assert decision.mapping.drifted == frozenset()
    assert [standing(row) for row in (title, event, people)] == [True, True, False]
    assert not standing(replace(title, state=ConflictState.RESOLVED))


def test_of_a_masked_event_only_the_time_goes_to_outlook() -> None:
    masked = mapping_of(born=Side.OUTLOOK, prefix="", masked=True)
    found = pair(replace(EVENT, title="Mine"), replace(EVENT, private=True), mapping=masked)
    assert forced_fields(found, Side.OUTLOOK) == frozenset()
    assert Field.TITLE in forced_fields(found, Side.WEDSYNC)


def test_both_sides_have_to_be_known() -> None:
    unknown = Pair.of(
        mapping_of(base_o=None),
        wedsync=Present(wedsync_state(OURS)),
        outlook=UNSEEN,
        policy=Policy(direction=Direction.TO_OUTLOOK),
        conflicts=(),
    )
    with pytest.raises(ValueError, match="both sides"):
        forced(unknown, Side.OUTLOOK)


def test_a_forced_event_is_synced_whatever_its_type() -> None:
    out = mapping_of(
        state=MappingState.UNLINKED,
        notes=(NOTE_PREFIX_REMOVED, NOTE_TYPE_OFF, note_gone(Side.OUTLOOK)),
    )
    assert set(unbound(out, NO_MEETINGS).notes) == {NOTE_PREFIX_REMOVED, NOTE_FORCED}
    assert unbound(out, Preferences()).notes == (NOTE_PREFIX_REMOVED,)
    assert unbound(replace(out, born=Side.OUTLOOK, notes=()), NO_MEETINGS).notes == ()
    back = linked_again(out, NO_MEETINGS)
    assert back.state is MappingState.LINKED
    off = Policy(preferences=NO_MEETINGS)
    assert not pair(mapping=back, policy=off).type_off
    assert pair(mapping=linked_again(out, Preferences()), policy=off).type_off


def test_people_are_seen_and_never_written() -> None:
    decision = forced(pair(OURS, replace(THEIRS, attendees=(GUEST,))), Side.WEDSYNC)
    (update,) = decision.actions
    assert isinstance(update, Update)
    assert Field.ATTENDEES not in update.fields
    assert decision.mapping.base_o is not None
    assert decision.mapping.base_o.attendees == (GUEST,)
