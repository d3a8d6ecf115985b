"""The deletion guard."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.guard import GUARD_PERIOD, Deletion, Verdict, deletion_key, weigh
from shared.core.mapping import Role
from tests.core.strategies import LAWS, NOON, mapping_of


def keys(count: int, start: int = 0) -> list[str]:
    return [f"m{number}" for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("wanted", "recent", "mapped", "held"),
    [
        (0, 0, 0, False),
        (5, 0, 100, False),
        (6, 0, 50, True),
        (10, 0, 100, False),
        (11, 0, 100, True),
        (2, 0, 2, False),  # fewer than three are never half of anything
        (3, 0, 6, True),
        (3, 0, 7, False),
        (1, 5, 45, True),  # the sixth within ten minutes
        (1, 2, 4, True),  # the third of six
        (1, 9, 91, False),
        (1, 10, 90, True),
    ],
)
def test_when_deletions_are_held(wanted: int, recent: int, mapped: int, held: bool) -> None:
    lately = [Deletion(key=key, at=NOON - timedelta(minutes=9)) for key in keys(recent, start=1000)]
    verdict = weigh(keys(wanted), recent=lately, now=NOON, mapped=mapped)
    assert bool(verdict.held) is held
    assert bool(verdict.reason) is held
    assert verdict.allowed + verdict.held == tuple(keys(wanted))


def test_only_ten_minutes_count() -> None:
    long_ago = [Deletion(key=key, at=NOON - GUARD_PERIOD) for key in keys(50, start=1000)]
    assert weigh(keys(5), recent=long_ago, now=NOON, mapped=100).held == ()


def test_a_series_counts_once() -> None:
    occurrences = [mapping_of(mapping_id=key, series_id="s1") for key in keys(40)]
    wanted = [deletion_key(mapping) for mapping in occurrences]
    assert weigh(wanted, recent=(), now=NOON, mapped=100) == Verdict(allowed=("series:s1",), held=())
    assert deletion_key(mapping_of()) == deletion_key(mapping_of(mapping_id="m2", role=Role.TRAVEL)) == "event:w1"
    assert deletion_key(mapping_of(wedsync_id=None)) == "m1"
    again = [Deletion(key="series:s1", at=NOON)]
    assert weigh(wanted, recent=again, now=NOON, mapped=2).held == ()


def test_a_side_that_is_suddenly_empty_holds_everything() -> None:
    verdict = weigh(keys(1), recent=(), now=NOON, mapped=100, source_empty=True)
    assert verdict.held == ("m0",)
    assert "none" in verdict.reason
    assert weigh([], recent=(), now=NOON, mapped=100, source_empty=True) == Verdict(allowed=(), held=())


@LAWS
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400))
def test_more_deletions_never_pass_where_fewer_are_held(few: int, more: int, others: int) -> None:
    mapped = few + more + others
    smaller = weigh(keys(few), recent=(), now=NOON, mapped=mapped)
    larger = weigh(keys(few + more), recent=(), now=NOON, mapped=mapped)
    assert not smaller.held or larger.held
    if few + more > max(5, mapped * 0.1):
        assert larger.held
