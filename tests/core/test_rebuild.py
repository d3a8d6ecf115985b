"""Whose an Outlook event is, told by nothing but the two calendars."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.actions import Policy
from shared.core.canon import with_prefix
from shared.core.event import EventType, OutlookKind, OutlookState, Side, WedSyncState
from shared.core.integration import Preferences
from shared.core.mapping import (
    MOST_GENERATIONS,
    Role,
    generation_of,
    mapping_id_of,
    mapping_id_of_import,
    transaction_id,
)
from shared.core.rebuild import Traced, agreed, made_by_program, rebuilt, tracing
from shared.core.states import MappingState
from tests.core.strategies import EVENT, NOON, PREFIX, outlook_state, wedsync_state
from tests.support.values import integration

HOME = "i1"


def made(event_id: str = "w1", *, epoch: int = 1, role: Role = Role.EVENT, generation: int = 1) -> str:
    """Return the ``transactionId`` that a create had."""
    mapping_id = mapping_id_of(HOME, epoch=epoch, wedsync_id=event_id, role=role)
    return transaction_id(mapping_id, generation)


def copy(event_id: str = "w1", *, name: str = "o1", **how: object) -> OutlookState:
    return outlook_state(event_id=name, transaction_id=made(event_id, **how))  # type: ignore[arg-type]


def finished(steps: Generator[None, None, tuple[Traced, ...]]) -> tuple[Traced, ...]:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: tuple[Traced, ...] = end.value
            return found


def traced(events: list[WedSyncState], copies: list[OutlookState], epoch: int = 1) -> tuple[Traced, ...]:
    return finished(tracing(events, copies, integration_id=HOME, epoch=epoch))


@given(
    st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from(Role),
    st.integers(1, 3),
    st.integers(1, MOST_GENERATIONS),
)
def test_every_copy_is_traced_to_its_event(names: set[str], role: Role, epoch: int, generation: int) -> None:
    events = [wedsync_state(event_id=name) for name in sorted(names)]
    how = {"role": role, "epoch": epoch, "generation": generation}
    copies = [copy(name, name=f"o-{name}", **how) for name in sorted(names)]
    found = traced(events, copies, epoch=3)
    assert {(each.event.event_id, each.copy.event_id) for each in found} == {(name, f"o-{name}") for name in names}
    for each in found:
        assert (each.role, each.epoch, each.generation) == (role, epoch, generation)
        assert generation_of(each.mapping_id, each.copy.transaction_id) == generation


@pytest.mark.parametrize(
    "other",
    [
        replace(copy(), transaction_id=None),
        replace(copy(), transaction_id="localevent:1"),
        replace(copy(), transaction_id="somebody-else's"),
        replace(copy(), cancelled=True),
        replace(copy(), series_id="s", occurrence_date=date(2026, 8, 4), kind=OutlookKind.OCCURRENCE),
        copy("w2"),
        copy(epoch=2),
        copy(generation=MOST_GENERATIONS + 1),
    ],
)
def test_what_is_not_ours(other: OutlookState) -> None:
    assert traced([wedsync_state()], [other]) == ()


@pytest.mark.parametrize(
    "event",
    [
        wedsync_state(deleted=True),
        wedsync_state(external_id="outlook:t:o:i"),
        wedsync_state(source=Side.OUTLOOK),
    ],
)
def test_events_that_never_have_a_copy(event: WedSyncState) -> None:
    assert traced([event], [copy()]) == ()


@given(st.integers(1, 3), st.integers(2, MOST_GENERATIONS))
def test_a_copy_of_an_event_that_came_from_outlook_is_traced_by_its_external_id(epoch: int, generation: int) -> None:
    event = wedsync_state(external_id="outlook:t:o:i", source=Side.OUTLOOK)
    mapping_id = mapping_id_of_import(HOME, epoch=epoch, external_id="outlook:t:o:i")
    again = outlook_state(transaction_id=transaction_id(mapping_id, generation))
    (found,) = traced([wedsync_state(event_id="w2"), event], [again], epoch=3)
    assert (found.event, found.mapping_id, found.generation) == (event, mapping_id, generation)
    home = replace(integration(), integration_id=HOME, epoch=3)
    mapping = rebuilt(found, home, at=NOON)
    assert (mapping.born, mapping.prefix, mapping.notes) == (Side.OUTLOOK, "", ())


def test_of_several_copies_the_last_that_was_made_counts() -> None:
    older, newer = copy(name="first"), copy(name="second", generation=2)
    before = copy(name="before", generation=5)
    after = copy(name="after", epoch=2, generation=1)
    (found,) = traced([wedsync_state()], [older, newer])
    assert found.copy == newer
    (found,) = traced([wedsync_state()], [before, after], epoch=2)
    assert found.copy == after


def plainly(events: list[WedSyncState], copies: list[OutlookState], epoch: int) -> set[tuple[str, str, Role, int, int]]:
    """The same as it is thought: each id that a create may have had, and the last of what there is."""
    there = {copy.transaction_id: copy for copy in copies if made_by_program(copy) and not copy.cancelled}

    def makers(event: WedSyncState, made_in: int) -> Iterator[tuple[str, Role]]:
        if event.external_id:
            yield mapping_id_of_import(HOME, epoch=made_in, external_id=event.external_id), Role.EVENT
        elif event.source is Side.WEDSYNC:
            for role in Role:
                yield mapping_id_of(HOME, epoch=made_in, wedsync_id=event.event_id, role=role), role

    last: dict[tuple[str, Role], tuple[int, int, str]] = {}
    for event in (each for each in events if not each.deleted):
        for made_in in range(max(epoch - 19, 1), epoch + 1):
            for mapping_id, role in makers(event, made_in):
                for generation in range(1, MOST_GENERATIONS + 1):
                    if found := there.get(transaction_id(mapping_id, generation)):
                        newest = (made_in, generation, found.event_id)
                        last[event.event_id, role] = max(last.get((event.event_id, role), newest), newest)
    return {
        (event_id, copy_id, role, made_in, generation)
        for (event_id, role), (made_in, generation, copy_id) in last.items()
    }


@st.composite
def calendars(draw: st.DrawFn) -> tuple[list[WedSyncState], list[OutlookState], int]:
    """Some events of either side, and copies: of these, of others, of strangers with ids of all sorts."""
    epoch = draw(st.integers(1, 24))
    events, copies = [], []
    for number in range(draw(st.integers(0, 4))):
        born = draw(st.sampled_from(Side))
        named = f"outlook:t:o:{number}" if born is Side.OUTLOOK and draw(st.booleans()) else None
        events.append(
            wedsync_state(event_id=f"w{number}", source=born, external_id=named, deleted=draw(st.integers(0, 5)) == 0)
        )
    for number in range(draw(st.integers(0, 8))):
        made_in, generation = (
            draw(st.integers(1, epoch)),
            draw(st.integers(1, 3) | st.integers(1, MOST_GENERATIONS + 1)),
        )
        whose, how = (
            draw(st.integers(0, 5)),
            draw(st.sampled_from(["own", "own", "import", "v5", "v4", "upper", "none"])),
        )
        mapping_id = mapping_id_of(HOME, epoch=made_in, wedsync_id=f"w{whose}", role=draw(st.sampled_from(Role)))
        given = {
            "own": transaction_id(mapping_id, generation),
            "import": transaction_id(
                mapping_id_of_import(HOME, epoch=made_in, external_id=f"outlook:t:o:{whose}"), generation
            ),
            "v5": str(uuid5(NAMESPACE_URL, f"{number}")),
            "v4": str(UUID(int=draw(st.integers(0, 2**128 - 1)), version=4)),
            "upper": transaction_id(mapping_id, generation).upper(),
            "none": None,
        }[how]
        cancelled = draw(st.integers(0, 5)) == 0
        copies.append(outlook_state(event_id=f"o{number}", transaction_id=given, cancelled=cancelled))
    return events, copies, epoch


@given(calendars())
@settings(max_examples=60)
def test_what_is_found_quickly_is_what_is_found_plainly(
    drawn: tuple[list[WedSyncState], list[OutlookState], int],
) -> None:
    events, copies, epoch = drawn
    found = {
        (each.event.event_id, each.copy.event_id, each.role, each.epoch, each.generation)
        for each in traced(events, copies, epoch)
    }
    assert found == plainly(events, copies, epoch)


def steps_for(given: str, *, epoch: int = 3) -> int:
    events = [wedsync_state(event_id=f"w{number}") for number in range(20)]
    return sum(1 for _ in tracing(events, [outlook_state(transaction_id=given)], integration_id=HOME, epoch=epoch))


def test_what_no_create_of_ours_can_have_made_costs_nothing() -> None:
    assert steps_for("f47ac10b-58cc-4372-a567-0e02b2c3d479") == steps_for("booking-17") == 0
    assert steps_for("localevent:f47ac10b-58cc-4372-a567-0e02b2c3d479") == 0


def test_what_was_found_ends_the_search() -> None:
    assert steps_for(made("w7", epoch=3)) == 1
    assert steps_for(made("w7", epoch=1, generation=2)) == 6


def test_the_search_for_what_nobody_made_has_as_many_steps_as_creates_are_possible() -> None:
    assert steps_for(str(uuid5(NAMESPACE_URL, "of another program"))) == 3 * MOST_GENERATIONS


def test_a_program_s_event() -> None:
    assert made_by_program(outlook_state(transaction_id="x"))
    assert not made_by_program(outlook_state(transaction_id=None))
    assert not made_by_program(outlook_state(transaction_id="localevent:x"))
    assert not made_by_program(outlook_state(transaction_id="x", series_id="s"))


def one(role: Role = Role.EVENT, subject: str | None = None) -> Traced:
    event = wedsync_state(travel_minutes=30, event_type=EventType.VENUE_VISIT)
    state = copy(role=role, generation=3)
    if subject is not None:
        state = replace(state, content=replace(state.content, title=subject))
    (found,) = traced([event], [state])
    return found


def test_the_mapping_made_anew_has_no_bases() -> None:
    home = replace(integration(), integration_id=HOME, epoch=4)
    mapping = rebuilt(one(), home, at=NOON)
    assert (mapping.mapping_id, mapping.generation, mapping.epoch) == (one().mapping_id, 3, 4)
    assert (mapping.state, mapping.born, mapping.role) == (MappingState.LINKED, Side.WEDSYNC, Role.EVENT)
    assert (mapping.base_w, mapping.base_o) == (None, None)
    assert (mapping.wedsync_id, mapping.outlook_id, mapping.event_type) == ("w1", "o1", EventType.VENUE_VISIT)
    assert (mapping.w_version, mapping.o_etag) == (4, "etag-4")
    assert mapping.transaction_id == one().copy.transaction_id


@pytest.mark.parametrize(
    ("preferred", "subject", "prefix", "notes"),
    [
        (PREFIX, with_prefix(EVENT.title, PREFIX), PREFIX, ()),
        (PREFIX, with_prefix("Renamed", PREFIX), PREFIX, ()),
        (PREFIX, f"Cake {EVENT.title}", "", ("prefix_removed",)),
        ("Planner: ", with_prefix(EVENT.title, Preferences().event_prefix), Preferences().event_prefix, ()),
        (PREFIX, EVENT.title, "", ("prefix_removed",)),
        (PREFIX, "Renamed", "", ("prefix_removed",)),
        ("", EVENT.title, "", ()),
        ("", f"Cake {EVENT.title}", "", ()),
    ],
)
def test_the_prefix_that_a_copy_bears(preferred: str, subject: str, prefix: str, notes: tuple[str, ...]) -> None:
    home = replace(integration(), preferences=Preferences(event_prefix=preferred))
    mapping = rebuilt(one(subject=subject), home, at=NOON)
    assert (mapping.prefix, mapping.notes) == (prefix, notes)


@pytest.mark.parametrize(("on", "prefix"), [(True, "Old - "), (False, "")])
def test_the_prefix_that_a_block_bears(on: bool, prefix: str) -> None:
    home = replace(integration(), preferences=Preferences(event_prefix=PREFIX, sync_travel_time=on))
    mapping = rebuilt(one(Role.TRAVEL, subject=f"Old - Travel: {EVENT.title}"), home, at=NOON)
    assert (mapping.role, mapping.prefix) == (Role.TRAVEL, prefix)


def test_what_agrees_is_known_at_once_and_what_differs_is_left_open() -> None:
    home = replace(integration(), preferences=Preferences(event_prefix=PREFIX))
    found = one(subject=with_prefix(EVENT.title, PREFIX))
    mapping = rebuilt(found, home, at=NOON)
    policy = Policy(preferences=home.preferences)
    same = agreed(mapping, wedsync=found.event, outlook=found.copy, policy=policy)
    assert (same.base_w, same.base_o) == (EVENT, EVENT)
    other = replace(found.copy, content=replace(found.copy.content, description="Edited"))
    assert agreed(mapping, wedsync=found.event, outlook=other, policy=policy) == mapping
