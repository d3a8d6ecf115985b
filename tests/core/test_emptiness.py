"""When a side counts as suddenly empty."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.emptiness import empty_sides
from shared.core.event import Side
from shared.core.integration import SyncWindow
from shared.core.mapping import EventMapping, Role
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from tests.core.strategies import NOON, mapping_of, outlook_state, wedsync_state

WINDOW = SyncWindow(start=NOON - timedelta(days=1), end=NOON + timedelta(days=1))
LATER = SyncWindow(start=NOON + timedelta(days=30), end=NOON + timedelta(days=60))
TWO = [mapping_of(mapping_id=f"m{n}", wedsync_id=f"w{n}", outlook_id=f"o{n}") for n in (1, 2)]
EMPTY = Pulled(window=WINDOW, complete=True)
HERE, THERE = {"w1": wedsync_state()}, {"o1": outlook_state()}


def test_a_complete_reading_without_any_mapped_event() -> None:
    strangers = replace(EMPTY, wedsync={"w9": wedsync_state()}, outlook={"o9": outlook_state()})
    assert empty_sides(EMPTY, TWO) == empty_sides(strangers, TWO) == frozenset(Side)
    assert empty_sides(replace(EMPTY, wedsync=HERE), TWO) == {Side.OUTLOOK}
    assert empty_sides(replace(EMPTY, outlook=THERE), TWO) == {Side.WEDSYNC}
    assert empty_sides(replace(EMPTY, wedsync={"w1": wedsync_state(deleted=True)}), TWO) == frozenset(Side)


@pytest.mark.parametrize(
    ("pulled", "mappings"),
    [
        (replace(EMPTY, complete=False), TWO),
        (replace(EMPTY, left=frozenset({"m1"})), TWO),  # what is done is not kept
        (replace(EMPTY, window=LATER), TWO),
        (replace(EMPTY, wedsync=HERE, outlook=THERE), TWO),
        (replace(EMPTY, unreadable=frozenset({"w2"}), outlook=THERE), TWO),
        (EMPTY, TWO[:1]),
        (EMPTY, [replace(mapping, state=MappingState.HIDDEN) for mapping in TWO]),
        (EMPTY, [replace(mapping, role=Role.TRAVEL) for mapping in TWO]),
        (EMPTY, [replace(mapping, base_w=None, base_o=None) for mapping in TWO]),
        (EMPTY, []),
    ],
)
def test_what_is_not_empty(pulled: Pulled, mappings: list[EventMapping]) -> None:
    assert empty_sides(pulled, mappings) == frozenset()
