"""The ledger of deletions: what is counted, what is held, what an answer changes."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.confirmation import (
    OPEN_FOR,
    Confirmation,
    DeletionLedger,
    Question,
    Wanted,
    Weighed,
    answered,
    counted,
    finished,
    has_to_count,
    mapped_keys,
    waiting,
    weighed,
    withdrawn,
)
from shared.core.event import Side
from shared.core.guard import GUARD_PERIOD, Deletion
from shared.core.mapping import EventMapping, Role
from shared.core.pair import is_deletion_held, note_held
from shared.core.states import ConfirmationState, MappingState
from shared.errors import IllegalMove
from tests.core.strategies import EVENT, HOUR, LAWS, NOON, mapping_of

EMPTY = DeletionLedger(integration_id="i1")
MANY = counted(EMPTY, [f"other:{n}" for n in range(100)], now=NOON)


def names() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"question {next(numbers)}"


def pair(number: int, **changes: Any) -> EventMapping:
    return mapping_of(mapping_id=f"m{number}", wedsync_id=f"w{number}", **changes)


def wanted(*numbers: int, side: Side = Side.WEDSYNC) -> list[Wanted]:
    return [Wanted(mapping=pair(number), side=side) for number in numbers]


def held_before(*numbers: int) -> list[Wanted]:
    notes = (note_held(Side.WEDSYNC),)
    return [Wanted(mapping=pair(number, notes=notes), side=Side.WEDSYNC) for number in numbers]


def opened(ledger: DeletionLedger) -> Confirmation:
    assert ledger.open is not None
    return ledger.open


def weigh(ledger: DeletionLedger, pairs: list[Wanted], *, later: timedelta = timedelta()) -> Weighed:
    return weighed(ledger, pairs, now=NOON + later, new_id=names())


FLOOD = weigh(MANY, wanted(*range(20))).ledger
"""Twenty deletions of a hundred events, all of them held."""


def test_what_is_allowed_is_counted_once_and_stays_allowed() -> None:
    first = weigh(MANY, wanted(1, 2))
    assert (first.held, first.ledger.of(Side.OUTLOOK), first.ledger.open) == (frozenset(), (), None)
    assert [each.key for each in first.ledger.of(Side.WEDSYNC)] == ["event:w1", "event:w2"]
    assert weigh(first.ledger, wanted(1, 2), later=HOUR / 10).ledger == first.ledger
    again = weigh(first.ledger, wanted(1), later=GUARD_PERIOD).ledger
    assert [each.key for each in again.wedsync] == ["event:w1"], "what is older than the period is forgotten"


def test_a_flood_is_held_whole_and_named() -> None:
    found = weigh(MANY, wanted(*range(20)))
    assert found.held == {f"m{number}" for number in range(20)}
    question = opened(found.ledger)
    assert (question.state, question.sides, question.integration_id) == (
        ConfirmationState.OPEN,
        (Side.WEDSYNC,),
        "i1",
    )
    assert [each.event_id for each in question.held] == [f"w{number}" for number in range(20)]
    assert question.expires_at == question.opened_at + OPEN_FOR
    assert question.reason
    assert found.ledger.of(Side.WEDSYNC) == ()


def test_the_one_that_is_too_many_finds_those_before_it() -> None:
    ledger = MANY
    held = []
    for number in range(20):
        found = weigh(ledger, wanted(number), later=timedelta(seconds=number))
        ledger = found.ledger
        held += sorted(found.held)
    assert held == [f"m{number}" for number in range(10, 20)]
    assert len(opened(ledger).held) == 10
    other = weigh(ledger, wanted(30, side=Side.OUTLOOK))
    assert other.held == frozenset(), "the other side has a count of its own"


def test_a_held_one_stays_held_and_is_not_entered_again() -> None:
    again = weigh(FLOOD, held_before(*range(20)), later=HOUR)
    assert again.ledger == FLOOD
    assert len(again.held) == 20
    assert weigh(FLOOD, wanted(3), later=HOUR).held == {"m3"}, "also where the note was not written"


def test_held_ones_count_in_their_period_and_not_after_it() -> None:
    assert weigh(FLOOD, wanted(40), later=GUARD_PERIOD / 2).held == {"m40"}
    assert weigh(FLOOD, wanted(40), later=GUARD_PERIOD).held == frozenset()


def test_a_question_that_grows_is_another_question() -> None:
    more = weighed(FLOOD, wanted(40), now=NOON + GUARD_PERIOD / 2, new_id=lambda: "another")
    question = opened(more.ledger)
    assert question.confirmation_id == "another"
    assert question.earlier == ("question 1",)
    assert question.opened_at == NOON
    assert question.expires_at == NOON + GUARD_PERIOD / 2 + OPEN_FOR
    assert len(question.held) == 21


def test_both_sides_stand_in_one_question() -> None:
    both = weigh(FLOOD, wanted(*range(50, 70), side=Side.OUTLOOK)).ledger
    assert opened(both).sides == (Side.WEDSYNC, Side.OUTLOOK)
    assert len(opened(both).held) == 40


def test_an_empty_side_holds_what_it_is_the_reason_of_and_nothing_else() -> None:
    pairs = [*wanted(1), *wanted(2, side=Side.OUTLOOK)]
    found = weighed(MANY, pairs, now=NOON, empty_sides={Side.OUTLOOK}, new_id=names())
    assert found.held == {"m1"}
    assert "none" in opened(found.ledger).reason


def test_what_comes_back_leaves_the_question_which_ends_with_the_last() -> None:
    some = withdrawn(FLOOD, {f"m{number}" for number in range(19)})
    assert [each.mapping_id for each in opened(some).held] == ["m19"]
    assert withdrawn(some, {"m19"}).open is None
    assert withdrawn(EMPTY, {"m1"}) == EMPTY


def test_what_was_accepted_is_allowed_without_being_counted() -> None:
    yes = answered(FLOOD, accept=True, now=NOON + HOUR)
    assert (yes.open, yes.answered[0].state) == (None, ConfirmationState.ACCEPTED)
    found = weigh(yes, held_before(*range(20)), later=2 * HOUR)
    assert (found.held, found.ledger) == (frozenset(), yes)
    assert weigh(yes, wanted(5, side=Side.OUTLOOK), later=2 * HOUR).ledger != yes, "the other side was not asked about"


def test_what_was_rejected_waits_for_its_run_and_is_asked_again_when_that_never_comes() -> None:
    no = answered(FLOOD, accept=False, now=NOON)
    soon = weigh(no, held_before(*range(20)), later=HOUR / 2)
    assert (len(soon.held), soon.ledger) == (20, no)
    late = weigh(no, held_before(1), later=HOUR)
    assert late.held == {"m1"}
    assert [each.mapping_id for each in opened(late.ledger).held] == ["m1"]


def test_after_its_run_an_answer_is_forgotten_and_what_was_held_is_asked_again() -> None:
    yes = answered(FLOOD, accept=True, now=NOON)
    done = finished(yes, "question 1")
    assert done.answered == ()
    assert finished(done, "question 1") == done
    again = weigh(done, held_before(7), later=HOUR)
    assert again.held == {"m7"}
    assert "before" in opened(again.ledger).reason


def test_the_latest_answer_counts() -> None:
    no = answered(FLOOD, accept=False, now=NOON)
    again = weighed(no, held_before(1), now=NOON + 2 * HOUR, new_id=lambda: "second").ledger
    yes = answered(again, accept=True, now=NOON + 2 * HOUR)
    assert weigh(yes, held_before(1), later=2 * HOUR).held == frozenset()


def test_an_answer_needs_a_question() -> None:
    with pytest.raises(ValueError, match="no open question"):
        answered(EMPTY, accept=True, now=NOON)
    closed = answered(FLOOD, accept=True, now=NOON).answered[0]
    with pytest.raises(IllegalMove):
        closed.ended(ConfirmationState.REJECTED, at=NOON)


def test_a_question_lapses_and_what_it_held_is_asked_again() -> None:
    assert waiting(FLOOD, now=NOON) == FLOOD.open
    assert waiting(FLOOD, now=NOON + OPEN_FOR) is None
    assert waiting(EMPTY, now=NOON) is None
    found = weighed(FLOOD, held_before(4), now=NOON + OPEN_FOR, new_id=lambda: "second")
    assert found.lapsed is not None
    assert (found.lapsed.confirmation_id, found.lapsed.state) == ("question 1", ConfirmationState.LAPSED)
    assert found.held == {"m4"}
    assert opened(found.ledger).confirmation_id == "second"
    assert weigh(FLOOD, wanted(99), later=OPEN_FOR).ledger.open is None


def test_only_what_may_matter_is_counted() -> None:
    assert not has_to_count(EMPTY, wanted(1, 2), now=NOON), "two are never half of anything, nor more than five"
    assert has_to_count(EMPTY, wanted(1, 2, 3), now=NOON)
    assert not has_to_count(MANY, wanted(1, 2, 3), now=NOON)
    assert has_to_count(MANY, wanted(1, 2, 3), now=NOON + GUARD_PERIOD)
    two = weigh(EMPTY, wanted(1, 2)).ledger
    assert has_to_count(two, wanted(3), now=NOON)
    assert not has_to_count(two, wanted(2), now=NOON), "it has its answer"
    assert not has_to_count(two, wanted(3, side=Side.OUTLOOK), now=NOON)


def test_the_number_of_events_is_that_before_the_deletions() -> None:
    ledger = replace(EMPTY, wedsync=(Deletion(key="event:w1", at=NOON), Deletion(key="old", at=NOON - GUARD_PERIOD)))
    assert counted(ledger, ["event:w2", "event:w3"], now=NOON).mapped == 3
    assert counted(ledger, ["event:w1", "event:w2"], now=NOON).mapped == 2, "allowed, and not carried out yet"


def test_mapped_events_are_linked_ones_series_once_without_travel_blocks() -> None:
    mappings = [
        pair(1),
        pair(1, role=Role.TRAVEL),
        pair(2, state=MappingState.HIDDEN),
        pair(3, series_id="s1"),
        pair(4, series_id="s1"),
    ]
    assert mapped_keys(mappings) == {"event:w1", "series:s1"}


def test_an_event_without_a_wedsync_id_is_named_by_its_mapping() -> None:
    bare = mapping_of(mapping_id="m1", wedsync_id=None, base_w=None, base_o=None)
    found = weighed(MANY, [Wanted(mapping=bare, side=Side.WEDSYNC)], now=NOON, empty_sides=list(Side), new_id=names())
    (entry,) = opened(found.ledger).held
    assert entry.event_id == "m1"
    assert Question.about(opened(found.ledger), [bare]).titles == {}


def test_the_titles_are_those_of_the_mappings() -> None:
    mine, gone = pair(1, base_w=replace(EVENT, title="Fitting")), pair(2, base_w=None)
    question = Question.about(opened(FLOOD), [mine, gone, pair(90)])
    assert question.titles == {"m1": "Fitting", "m2": EVENT.title}


@LAWS
@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=8), max_size=12), st.integers(0, 400))
def test_in_whatever_portions_a_flood_comes_no_more_pass_than_may(portions: list[list[int]], others: int) -> None:
    keys = {f"event:w{number}" for number in range(41)} | {f"other:{number}" for number in range(others)}
    ledger, passed, held = counted(EMPTY, keys, now=NOON), set[int](), set[int]()
    for portion in portions:
        found = weigh(ledger, wanted(*portion))
        waits = {number for number in portion if f"m{number}" in found.held}
        ledger, held = found.ledger, held | waits
        passed |= set(portion) - waits
    assert len(passed) <= max(5, len(keys) * 0.1)
    assert not passed & held, "nothing is both"
    named = {each.mapping_id for each in ledger.open.held} if ledger.open else set()
    assert named == {f"m{number}" for number in held}


def test_whether_a_mapping_waits_for_a_word() -> None:
    assert [is_deletion_held(pair(1, notes=notes)) for notes in ((), ("other",), (note_held(Side.OUTLOOK),))] == [
        False,
        False,
        True,
    ]
