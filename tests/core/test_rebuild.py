"""Whose an Outlook event is, told by nothing but the two calendars."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
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
from shared.core.rebuild import Traced, agreed, made_by_program, rebuilt, trace
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


def traced(events: list[WedSyncState], copies: list[OutlookState], epoch: int = 1) -> tuple[Traced, ...]:
    return trace(events, copies, integration_id=HOME, epoch=epoch)


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
