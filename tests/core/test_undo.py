"""Undo as a rule: what a run did to a pair, folded, and what of it may go back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import Rule
from shared.core.canon import changed_fields
from shared.core.event import CalendarEvent, Field, Place, Side
from shared.core.history import ChangeKind, Suggestion, SyncChange
from shared.core.merge import advance
from shared.core.states import ConflictState
from shared.core.undo import (
    Effect,
    Reversal,
    Rewrite,
    agree,
    effects,
    missing,
    reopened,
    reverse,
    undo_run_id,
    undoing_id,
    untouched,
    write_back,
)
from tests.core.strategies import EVENT, GUEST, LAWS, NOON, PREFIX, events, mapping_of

CAKES = replace(EVENT, title="Cake tasting")
WINES = replace(EVENT, title="Wine tasting")
BARN = replace(EVENT, location=Place(name="Barn"))
TITLE = frozenset({Field.TITLE})


def change(kind: ChangeKind = ChangeKind.UPDATED, **members: object) -> SyncChange:
    made = SyncChange(
        change_id="c",
        integration_id="i",
        run_id="r",
        mapping_id="m",
        side=Side.OUTLOOK,
        kind=kind,
        at=NOON,
        fields=(Field.TITLE,) if kind is ChangeKind.UPDATED else (),
        before=EVENT,
        after=CAKES,
        rule=Rule.CARRY,
    )
    return replace(made, **members)  # type: ignore[arg-type]


def only(*changes: SyncChange) -> Effect:
    (effect,) = effects(changes)
    return effect


# --- Folding ------------------------------------------------------------------------------------------------------


def test_one_rewrite() -> None:
    (rewrite,) = only(change()).rewrites
    assert rewrite == Rewrite(side=Side.OUTLOOK, fields=TITLE, before=EVENT, after=CAKES)


def test_a_field_rewritten_twice_goes_back_to_the_first_value() -> None:
    again = change(before=CAKES, after=WINES, at=NOON + timedelta(seconds=1))
    place = change(fields=(Field.LOCATION,), before=WINES, after=replace(WINES, location=Place(name="Barn")))
    (rewrite,) = only(change(), again, place).rewrites
    assert rewrite.fields == {Field.TITLE, Field.LOCATION}
    assert (rewrite.before.title, rewrite.after.title) == ("Tasting", "Wine tasting")
    assert (rewrite.before.location.name, rewrite.after.location.name) == ("", "Barn")


def test_both_sides_are_told_apart_and_so_are_pairs() -> None:
    other_side = change(side=Side.WEDSYNC, fields=(Field.LOCATION,), after=BARN)
    assert [each.side for each in only(change(), other_side).rewrites] == [Side.OUTLOOK, Side.WEDSYNC]
    assert [each.mapping_id for each in effects([change(), change(mapping_id="n")])] == ["m", "n"]


def test_what_was_made_and_then_rewritten_is_told_as_it_was_last() -> None:
    made = change(ChangeKind.CREATED, before=None, after=EVENT)
    effect = only(made, change())
    assert effect.rewrites == ()
    assert effect.created is not None
    assert effect.created.after == CAKES
    elsewhere = only(made, change(side=Side.WEDSYNC))
    assert [each.side for each in elsewhere.rewrites] == [Side.WEDSYNC]


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (ChangeKind.CREATED, "created"),
        (ChangeKind.DELETED, "deleted"),
        (ChangeKind.UNLINKED, "parted"),
        (ChangeKind.LINKED, "joined"),
    ],
)
def test_the_last_of_what_was_done_to_the_event_as_such_counts(kind: ChangeKind, place: str) -> None:
    last = change(kind)
    effect = only(change(ChangeKind.CREATED, change_id="first"), change(), last)
    assert getattr(effect, place) == last
    alone = {name for name in ("created", "deleted", "parted", "joined") if getattr(effect, name) is not None}
    assert alone == {place}


@pytest.mark.parametrize("kind", [ChangeKind.CONFLICT, ChangeKind.SKIPPED, ChangeKind.REPAIRED])
def test_what_wrote_nothing_has_no_effect(kind: ChangeKind) -> None:
    assert effects([change(kind)]) == ()
    assert effects([change(ChangeKind.UNLINKED, rule=Rule.BOTH_GONE)]) == ()
    assert effects([change(before=None)]) == ()
    assert effects([change(after=None)]) == ()


def test_a_new_prefix_alone_is_told_apart() -> None:
    renamed = change(rule=Rule.PREFIX_CHANGED)
    assert only(renamed).rewrites[0].renamed
    assert not only(renamed, change()).rewrites[0].renamed
    assert not only(change(), renamed).rewrites[0].renamed


def test_a_mapping_that_was_made_later_is_not_the_runs() -> None:
    effect = only(change(), change(at=NOON + timedelta(seconds=5), before=CAKES, after=WINES))
    assert effect.knows(mapping_of())
    assert effect.knows(mapping_of(created_at=NOON + timedelta(seconds=5)))
    assert not effect.knows(mapping_of(created_at=NOON + timedelta(seconds=6)))


# --- Judging ------------------------------------------------------------------------------------------------------


REWRITE = Rewrite(side=Side.OUTLOOK, fields=TITLE, before=EVENT, after=CAKES)


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        (CAKES, CAKES, Reversal(write=TITLE)),
        (CAKES, EVENT, Reversal(write=TITLE)),
        (EVENT, CAKES, Reversal(back=TITLE)),
        (EVENT, EVENT, Reversal(back=TITLE)),
        (WINES, CAKES, Reversal(stay=TITLE)),
        (CAKES, WINES, Reversal(stay=TITLE)),
        (WINES, WINES, Reversal(stay=TITLE)),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_only_what_nobody_changed_since_goes_back(
    side: Side, here: CalendarEvent, there: CalendarEvent, verdict: Reversal
) -> None:
    assert reverse(replace(REWRITE, side=side), here=here, there=there, prefix=PREFIX) == verdict


def test_a_value_that_the_run_gave_to_both_sides_goes_back_on_both() -> None:
    twin = replace(REWRITE, side=Side.WEDSYNC, before=WINES)
    assert reverse(REWRITE, here=CAKES, there=WINES, prefix=PREFIX) == Reversal(stay=TITLE)
    assert reverse(REWRITE, here=CAKES, there=WINES, prefix=PREFIX, twin=twin) == Reversal(write=TITLE)
    elsewhere = replace(twin, fields=frozenset({Field.LOCATION}))
    assert reverse(REWRITE, here=CAKES, there=WINES, prefix=PREFIX, twin=elsewhere) == Reversal(stay=TITLE)


def test_a_field_that_was_written_and_did_not_change_is_left_out() -> None:
    rewrite = replace(REWRITE, fields=TITLE | {Field.LOCATION})
    assert reverse(rewrite, here=CAKES, there=CAKES, prefix="").undone == TITLE


def test_a_title_that_outlook_cuts_is_the_same_title() -> None:
    long = replace(EVENT, title="x" * 300)
    cut = replace(EVENT, title="x" * (255 - len(PREFIX)))
    assert agree(Field.TITLE, Side.OUTLOOK, cut, long, PREFIX)
    assert agree(Field.TITLE, Side.WEDSYNC, long, cut, PREFIX)
    assert not agree(Field.TITLE, Side.OUTLOOK, long, cut, PREFIX)
    rewrite = replace(REWRITE, after=cut)
    assert reverse(rewrite, here=cut, there=long, prefix=PREFIX) == Reversal(write=TITLE)


@given(
    before=events(), after=events(), other=events(), side=st.sampled_from(Side), fields=st.sets(st.sampled_from(Field))
)
@LAWS
def test_writing_back_undoes_exactly_what_the_run_did(
    before: CalendarEvent, after: CalendarEvent, other: CalendarEvent, side: Side, fields: set[Field]
) -> None:
    """Untouched since, each field that differed has its former value again, and no other field moves."""
    here = advance(other, after, fields)
    rewrite = Rewrite(side=side, fields=frozenset(fields), before=before, after=after)
    found = reverse(rewrite, here=here, there=here, prefix="")
    assert found.write == frozenset(fields) & changed_fields(before, after)
    assert not found.stay
    mapping = mapping_of(base_w=here, base_o=here)
    update = write_back(rewrite, found.undone, mapping, here=here, there=here)
    assert changed_fields(here, update.content) == found.write
    assert not changed_fields(before, update.content) & found.write
    again = reverse(rewrite, here=update.content, there=here, prefix="")
    assert not again.write - (frozenset(fields) - found.undone)
    assert again.undone == found.undone


def test_the_subject_carries_the_prefix_in_outlook_only() -> None:
    mapping = mapping_of(prefix=PREFIX)
    outlook = write_back(REWRITE, TITLE, mapping, here=CAKES, there=CAKES)
    assert (outlook.title, outlook.rule, outlook.prefix) == (f"{PREFIX}Tasting", Rule.UNDONE, PREFIX)
    wedsync = write_back(replace(REWRITE, side=Side.WEDSYNC), TITLE, mapping, here=CAKES, there=CAKES)
    assert wedsync.title == "Tasting"
    assert (outlook.replaces, outlook.source, outlook.settles) == (CAKES, CAKES, TITLE)


def test_who_was_invited_since_is_no_change_of_the_event() -> None:
    assert untouched(replace(EVENT, attendees=(GUEST,)), EVENT)
    assert not untouched(CAKES, EVENT)
    assert not untouched(EVENT, None)


# --- Questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "suggested"), [(Side.WEDSYNC, Suggestion.USE_WEDSYNC), (Side.OUTLOOK, Suggestion.USE_OUTLOOK)]
)
def test_what_was_there_before_is_suggested(side: Side, suggested: Suggestion) -> None:
    rewrite = replace(REWRITE, side=side)
    found = reopened(mapping_of(), rewrite, Field.TITLE, here=EVENT, there=CAKES, run_id="u", now=NOON)
    values = {Side.WEDSYNC: found.wedsync, Side.OUTLOOK: found.outlook}
    assert (values[side], values[side.other]) == (EVENT, CAKES)
    assert (found.field, found.state, found.suggestion) == (Field.TITLE, ConflictState.OPEN, suggested)
    assert (found.rule, found.absent, found.base) == (Rule.UNDONE, None, CAKES)


@pytest.mark.parametrize("absent", list(Side))
def test_an_event_that_is_back_on_one_side_is_asked_about(absent: Side) -> None:
    found = missing(mapping_of(), absent, EVENT, run_id="u", now=NOON)
    values = {Side.WEDSYNC: found.wedsync, Side.OUTLOOK: found.outlook}
    assert (values[absent], values[absent.other]) == (None, EVENT)
    assert (found.field, found.absent, found.rule) == (None, absent, Rule.UNDONE)


def test_ids_follow_from_the_run_the_pair_and_what_is_done() -> None:
    assert undoing_id("u", "m", "a") == undoing_id("u", "m", "a")
    ids = {undoing_id("u", "m", "a"), undoing_id("v", "m", "a"), undoing_id("u", "n", "a"), undoing_id("u", "m", "b")}
    assert len(ids | {undo_run_id("u", 0), undo_run_id("u", 1), undo_run_id("v", 0)}) == 7
