"""Mappings after writes: the answer is the new base."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import Delete, Policy, Rule, Update
from shared.core.canon import changed_fields, sync_hash
from shared.core.decide import decide
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, Place, Side
from shared.core.mapping import Intent
from shared.core.settle import created, settled, settled_alone, without_event
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Present
from shared.errors import IllegalMove
from tests.core.strategies import EVENT, HOUR, LAWS, NOON, PREFIX, events, mapping_of, outlook_state, wedsync_state

LATER = NOON + 5 * HOUR


@LAWS
@given(events(st.just(())), events(st.just(())), events(st.just(())))
def test_bases_advance_for_what_was_carried_or_agreed_and_nothing_else(
    base: CalendarEvent, w: CalendarEvent, o: CalendarEvent
) -> None:
    mapping = mapping_of(base)
    seen_w, seen_o = Present(wedsync_state(w)), Present(outlook_state(o))
    decision = decide(mapping, wedsync=seen_w, outlook=seen_o, policy=Policy(), conflicts=())
    after = decision.mapping
    for action in decision.actions:
        if not isinstance(action, Update):
            continue
        if action.side is Side.WEDSYNC:
            after = settled(after, action, wedsync_state(action.content, version=5), at=LATER)
        else:
            stamp = NOON + 2 * HOUR
            after = settled(after, action, outlook_state(action.content, changed_at=stamp, etag="e5"), at=LATER)
        assert after.last_synced_at == LATER
        assert after.sync_hash == sync_hash(after.base_w or EVENT)
    assert after.base_w is not None
    assert mapping.base_w is not None
    stuck = after.held | after.drifted
    moved = changed_fields(mapping.base_w, after.base_w)
    assert not moved & stuck
    assert decide(after, wedsync=UNSEEN, outlook=UNSEEN, policy=Policy(), conflicts=()).rule is not Rule.CARRY


def test_the_answer_of_outlook_settles_what_the_service_made_of_it() -> None:
    """Exchange may touch more than was written; what it returned is not an edit of its user's."""
    moved = replace(EVENT, title="Fitting")
    decision = decide(
        mapping_of(), wedsync=Present(wedsync_state(moved)), outlook=UNSEEN, policy=Policy(), conflicts=()
    )
    (update,) = decision.actions
    assert isinstance(update, Update)
    answer = outlook_state(replace(moved, location=Place(name="Mill")), etag="e5")
    after = settled(decision.mapping, update, answer)
    assert after.base_o == replace(moved, location=Place(name="Mill"))
    assert after.base_w == moved
    assert (after.o_etag, after.w_version, after.last_synced_at) == ("e5", 4, None)
    echo = decide(after, wedsync=UNSEEN, outlook=Present(answer), policy=Policy(), conflicts=())
    assert echo.rule is Rule.ECHO


def test_a_first_base_is_the_answer_itself() -> None:
    update = Update(
        side=Side.WEDSYNC,
        rule=Rule.CARRY,
        fields=frozenset({Field.TITLE}),
        content=EVENT,
        title="Tasting",
        source=EVENT,
        settles=frozenset({Field.TITLE}),
    )
    after = settled(mapping_of(base_w=None, base_o=None), update, wedsync_state())
    assert after.base_w == after.base_o == EVENT


INTENT = Intent(toward=Side.OUTLOOK, payload="{}", stored_at=NOON)


def test_a_create_in_outlook_takes_its_answer_for_the_base() -> None:
    intent = mapping_of(state=MappingState.INTENT, outlook_id=None, base_o=None, o_changed_at=None, intent=INTENT)
    cut = replace(EVENT, description="Three")
    after = created(intent, outlook_state(cut, event_id="o9"), at=LATER)
    assert (after.state, after.outlook_id, after.intent) == (MappingState.LINKED, "o9", None)
    assert (after.base_o, after.o_etag, after.last_synced_at) == (cut, "etag-4", LATER)


def test_an_event_that_was_found_later_may_have_been_edited() -> None:
    intent = mapping_of(state=MappingState.INTENT, outlook_id=None, base_o=None, intent=INTENT)
    found = outlook_state(replace(EVENT, title="Gown"))
    after = created(intent, found, at=LATER, found=True)
    decision = decide(after, wedsync=UNSEEN, outlook=Present(found), policy=Policy(), conflicts=())
    (update,) = decision.actions
    assert isinstance(update, Update)
    assert (update.side, update.fields) == (Side.WEDSYNC, frozenset({Field.TITLE}))


@pytest.mark.parametrize("found", [False, True])
def test_a_create_in_wedsync(found: bool) -> None:
    intent = mapping_of(
        state=MappingState.INTENT, born=Side.OUTLOOK, prefix="", wedsync_id=None, base_w=None, base_o=EVENT
    )
    after = created(intent, wedsync_state(replace(EVENT, title="Gown"), event_id="w9"), found=found)
    assert (after.wedsync_id, after.w_version, after.state) == ("w9", 4, MappingState.LINKED)
    assert after.base_w is not None
    assert after.base_w.title == ("Tasting" if found else "Gown")


def test_an_intent_without_its_source_is_no_intent() -> None:
    with pytest.raises(ValueError, match="base of its source"):
        created(mapping_of(state=MappingState.INTENT, base_w=None), outlook_state())


def test_after_a_delete() -> None:
    mapping = mapping_of(held=frozenset({Field.TITLE}))
    ended = without_event(mapping, Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED), at=LATER)
    assert (ended.state, ended.held, ended.last_synced_at) == (MappingState.ENDED, frozenset(), LATER)
    waiting = without_event(mapping, Delete(side=Side.OUTLOOK, rule=Rule.TYPE_OFF, asked=True))
    assert (waiting.state, waiting.notes) == (MappingState.UNLINKED, ("type_off",))
    with pytest.raises(IllegalMove):
        without_event(ended, Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED))


def test_an_answer_is_the_newest_whatever_its_clock_says() -> None:
    early = outlook_state(replace(EVENT, title="B"), changed_at=NOON - timedelta(days=1), etag="e5")
    changed = Present(wedsync_state(replace(EVENT, title="B")))
    decision = decide(mapping_of(), wedsync=changed, outlook=UNSEEN, policy=Policy(), conflicts=())
    (update,) = decision.actions
    assert isinstance(update, Update)
    after = settled(decision.mapping, update, early)
    assert (after.o_etag, after.o_changed_at) == ("e5", early.changed_at)
    assert set(MERGED_FIELDS) <= update.settles
    assert update.prefix == PREFIX


def test_after_a_write_whose_successor_failed_only_the_bases_of_its_fields_move() -> None:
    """Else our own write would look like an edit, or what is still to be carried as if it had been."""
    ours, theirs = replace(EVENT, description="Four cakes"), replace(EVENT, title="Gown")
    seen = Present(wedsync_state(ours)), Present(outlook_state(theirs))
    decision = decide(mapping_of(), wedsync=seen[0], outlook=seen[1], policy=Policy(), conflicts=())
    update, unsent = decision.actions
    assert isinstance(update, Update)
    assert isinstance(unsent, Update)
    after = settled_alone(mapping_of(), update, wedsync_state(replace(ours, title="Gown"), version=5))
    assert after.base_w == after.base_o == theirs
    assert (after.w_version, after.o_etag, after.o_changed_at) == (3, "etag-3", NOON)


def test_a_part_of_an_update_settles_its_field_and_what_the_whole_leaves_alone() -> None:
    whole = Update(
        side=Side.OUTLOOK,
        rule=Rule.CARRY,
        fields=frozenset({Field.TITLE, Field.LOCATION}),
        content=EVENT,
        title=EVENT.title,
        source=EVENT,
        settles=frozenset({Field.TITLE, Field.LOCATION, Field.DESCRIPTION}),
    )
    part = whole.only(Field.TITLE)
    assert part.fields == frozenset({Field.TITLE})
    assert part.settles == frozenset({Field.TITLE, Field.DESCRIPTION})
    assert replace(part, fields=whole.fields, settles=whole.settles) == whole
