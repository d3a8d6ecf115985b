"""The laws of the merge."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.canon import changed_fields, same
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, Place, Side, Timed
from shared.core.merge import Flow, HeldValues, Merge, advance, merge, taken_over
from tests.core.strategies import EVENT, FLOWS, GUEST, HOUR, LAWS, MANY, NOON, PREFIX, events

TWO_WAY = Flow()
FIELDS = st.frozensets(st.sampled_from(Field))


def judged(
    base: CalendarEvent,
    wedsync: CalendarEvent,
    outlook: CalendarEvent,
    *,
    held: dict[Field, HeldValues] | None = None,
    drifted: frozenset[Field] = frozenset(),
    flow: Flow = TWO_WAY,
) -> Merge:
    return merge(
        base_w=base, base_o=base, wedsync=wedsync, outlook=outlook, held=held or {}, drifted=drifted, flow=flow
    )


@LAWS
@given(events(), events(), FLOWS)
def test_identity_nothing_changed_nothing_carried(w: CalendarEvent, o: CalendarEvent, flow: Flow) -> None:
    assert merge(base_w=w, base_o=o, wedsync=w, outlook=o, held={}, flow=flow, prefix=PREFIX) == Merge()


@LAWS
@given(events(), events())
def test_one_side_s_change_is_carried(base: CalendarEvent, now: CalendarEvent) -> None:
    changed = changed_fields(base, now)
    people = changed & {Field.ATTENDEES}
    assert judged(base, now, base) == Merge(to_outlook=changed - people, clashes=people)
    drift = changed & {Field.PRIVATE}
    assert judged(base, base, now) == Merge(to_wedsync=changed - people - drift, clashes=people, drifted=drift)


@LAWS
@given(events(), events(), events())
def test_swapping_the_sides_swaps_the_verdict(base: CalendarEvent, w: CalendarEvent, o: CalendarEvent) -> None:
    one, two = judged(base, w, o), judged(base, o, w)
    merged = frozenset(MERGED_FIELDS) | {Field.ATTENDEES}
    assert one.to_wedsync & merged == two.to_outlook & merged
    assert one.to_outlook & merged == two.to_wedsync & merged
    assert one.agreed == two.agreed
    assert one.clashes & merged == two.clashes & merged


@MANY
@given(events(), events(), events(), events(), FIELDS, FLOWS)
def test_no_edit_is_lost_and_no_field_has_two_verdicts(
    base_w: CalendarEvent,
    base_o: CalendarEvent,
    w: CalendarEvent,
    o: CalendarEvent,
    drifted: frozenset[Field],
    flow: Flow,
) -> None:
    result = merge(
        base_w=base_w, base_o=base_o, wedsync=w, outlook=o, held={}, drifted=drifted, flow=flow, prefix=PREFIX
    )
    sets = [result.to_wedsync, result.to_outlook, result.agreed, result.clashes, result.drifted]
    judged_fields = frozenset().union(*sets)
    assert sum(map(len, sets)) == len(judged_fields)
    moved = changed_fields(base_w, w) | changed_fields(base_o, o)
    assert moved - judged_fields <= {Field.ATTENDEES}, "every edit is carried, agreed, shown or noted"
    assert judged_fields - moved <= drifted
    for which in result.to_outlook:
        assert Side.OUTLOOK in flow.ways(which)
        assert not same(which, base_w, w)
        assert flow.toward != frozenset(Side) or same(which, base_o, o) or which is Field.PRIVATE
    for which in result.to_wedsync:
        assert Side.WEDSYNC in flow.ways(which)
        assert not same(which, base_o, o)


@MANY
@given(events(), events(), events(), FLOWS)
def test_converges_in_one_round(base: CalendarEvent, w: CalendarEvent, o: CalendarEvent, flow: Flow) -> None:
    first = judged(base, w, o, flow=flow)
    w2 = advance(w, o, first.to_wedsync)
    o2 = advance(o, w, first.to_outlook)
    settled = first.to_wedsync | first.to_outlook | first.agreed | {Field.ATTENDEES}
    base_w, base_o = advance(base, w2, settled), advance(base, o2, settled)
    held = {which: HeldValues(wedsync=w, outlook=o) for which in first.clashes}
    second = merge(base_w=base_w, base_o=base_o, wedsync=w2, outlook=o2, held=held, drifted=first.drifted, flow=flow)
    assert second == Merge(still_held=first.clashes, drifted=first.drifted)
    differing = changed_fields(w2, o2) - {Field.ATTENDEES}
    assert differing <= first.clashes | first.drifted


@LAWS
@given(events(), events(), FIELDS)
def test_bases_move_in_the_named_fields_only(base: CalendarEvent, now: CalendarEvent, fields: frozenset[Field]) -> None:
    moved = advance(base, now, fields)
    assert changed_fields(base, moved) == changed_fields(base, now) & fields
    assert changed_fields(now, moved) == changed_fields(base, now) - fields


# --- Held fields --------------------------------------------------------------------------------------------------

A, B, C = (replace(EVENT, title=title) for title in "ABC")
CLASH = {Field.TITLE: HeldValues(wedsync=B, outlook=C)}


@pytest.mark.parametrize(
    ("w", "o", "verdict"),
    [
        (B, C, Merge(still_held=frozenset({Field.TITLE}))),
        (C, C, Merge(agreed=frozenset({Field.TITLE}), superseded=frozenset({Field.TITLE}))),
        (A, C, Merge(to_wedsync=frozenset({Field.TITLE}), superseded=frozenset({Field.TITLE}))),
        (B, A, Merge(to_outlook=frozenset({Field.TITLE}), superseded=frozenset({Field.TITLE}))),
        (A, A, Merge(superseded=frozenset({Field.TITLE}))),
        (replace(EVENT, title="D"), C, Merge(clashes=frozenset({Field.TITLE}), superseded=frozenset({Field.TITLE}))),
    ],
)
def test_a_held_field_waits_until_a_side_moves(w: CalendarEvent, o: CalendarEvent, verdict: Merge) -> None:
    assert judged(A, w, o, held=CLASH) == verdict


def test_other_fields_go_on_beside_a_held_one() -> None:
    w = replace(B, description="new")
    assert judged(A, w, C, held=CLASH) == Merge(
        still_held=frozenset({Field.TITLE}), to_outlook=frozenset({Field.DESCRIPTION})
    )


def test_a_conflict_without_recorded_values_holds_nothing() -> None:
    held = {Field.TITLE: HeldValues(wedsync=None, outlook=C)}
    assert judged(A, B, C, held=held).superseded == {Field.TITLE}


# --- Directions, masks, people ------------------------------------------------------------------------------------

TO_OUTLOOK = Flow(toward=frozenset({Side.OUTLOOK}))
FROM_OUTLOOK = Flow(toward=frozenset({Side.WEDSYNC}))
TITLE = frozenset({Field.TITLE})


@pytest.mark.parametrize(
    ("flow", "w", "o", "verdict"),
    [
        (TO_OUTLOOK, A, B, Merge(drifted=TITLE)),
        (TO_OUTLOOK, C, B, Merge(to_outlook=TITLE)),
        (FROM_OUTLOOK, B, A, Merge(drifted=TITLE)),
        (FROM_OUTLOOK, B, C, Merge(to_wedsync=TITLE)),
        (FROM_OUTLOOK, C, C, Merge(agreed=TITLE)),
        (Flow(masked=True), B, A, Merge(drifted=TITLE)),
        (Flow(masked=True), B, C, Merge(to_wedsync=TITLE)),
    ],
)
def test_the_active_side_wins_and_the_passive_one_drifts(
    flow: Flow, w: CalendarEvent, o: CalendarEvent, verdict: Merge
) -> None:
    assert judged(A, w, o, flow=flow) == verdict


def test_a_drifted_field_clashes_once_both_ways_are_open() -> None:
    assert judged(A, A, B, drifted=TITLE) == Merge(clashes=TITLE)
    assert judged(A, A, A, drifted=TITLE) == Merge(agreed=TITLE)
    assert judged(A, A, B, drifted=TITLE, flow=TO_OUTLOOK) == Merge(drifted=TITLE)


def test_a_masked_event_is_moved_both_ways_and_no_more() -> None:
    later = replace(A, time=Timed(start=NOON + HOUR, end=NOON + 2 * HOUR), private=True)
    masked = Flow(masked=True)
    assert judged(A, later, A, flow=masked) == Merge(
        to_outlook=frozenset({Field.TIME}), drifted=frozenset({Field.PRIVATE})
    )
    assert judged(A, A, later, flow=masked).to_wedsync == {Field.TIME}


def test_people_are_reported_when_they_change_and_never_carried() -> None:
    people, fields = replace(A, attendees=(GUEST,)), frozenset({Field.ATTENDEES})
    assert judged(A, A, people) == judged(A, people, A) == Merge(clashes=fields)
    assert judged(A, people, people) == Merge(agreed=fields)
    assert judged(A, A, people, flow=TO_OUTLOOK) == judged(A, A, people, flow=Flow(masked=True)) == Merge()
    seen = merge(base_w=A, base_o=people, wedsync=A, outlook=people, held={})
    assert seen == Merge(), "reported once"
    held = {Field.ATTENDEES: HeldValues(wedsync=A, outlook=A)}
    again = merge(base_w=A, base_o=people, wedsync=A, outlook=people, held=held)
    assert again == Merge(clashes=fields, superseded=fields)


def test_what_outlook_cannot_hold_is_no_difference() -> None:
    long, cut = replace(EVENT, title="x" * 300), replace(EVENT, title="x" * (255 - len(PREFIX)))
    same_title = merge(base_w=EVENT, base_o=EVENT, wedsync=long, outlook=cut, held={}, prefix=PREFIX)
    assert same_title == Merge(agreed=TITLE)


def test_taking_over_a_time_keeps_a_zone_that_is_the_same_to_outlook() -> None:
    later = Timed(start=NOON + HOUR, end=NOON + 2 * HOUR, zone="GMT Standard Time")
    fields = frozenset({Field.TIME})
    kept = taken_over(wedsync=EVENT, outlook=replace(EVENT, time=later), fields=fields)
    assert kept.time == replace(later, zone="Europe/London")
    other = taken_over(wedsync=EVENT, outlook=replace(EVENT, time=replace(later, zone="Asia/Tokyo")), fields=fields)
    assert other.time.zone == "Asia/Tokyo"
    placed = taken_over(wedsync=EVENT, outlook=replace(EVENT, location=Place(name="Mill")), fields={Field.LOCATION})
    assert placed == replace(EVENT, location=Place(name="Mill"))
