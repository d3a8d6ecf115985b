"""Counting calls: never more than the burst and what has come back since; a wait that is enough and not too long."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.core.rate_limit import RateLimit, count
from tests.support.values import NOON

LIMIT = RateLimit(name="runs", burst=3, every=timedelta(seconds=10))
MICROSECOND = timedelta(microseconds=1)

limits = st.builds(
    RateLimit,
    name=st.just("x"),
    burst=st.integers(1, 12),
    every=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(minutes=2)),
)
gaps = st.lists(
    st.one_of(st.just(timedelta()), st.timedeltas(min_value=timedelta(), max_value=timedelta(minutes=5))),
    min_size=1,
    max_size=60,
)


def let_through(limit: RateLimit, times: list[datetime]) -> list[datetime]:
    """Return the times of the calls that went ahead."""
    full_at, went = None, []
    for now in times:
        counted = count(limit, full_at, now)
        full_at = counted.full_at
        if not counted.wait:
            went.append(now)
    return went


def times_of(spans: list[timedelta]) -> list[datetime]:
    times = [NOON]
    for span in spans:
        times.append(times[-1] + span)
    return times


def test_a_burst_then_one_for_each_span() -> None:
    seconds = (0, 0, 0, 0, 9, 10, 10, 30, 30, 30, 100, 100, 100, 100)
    went = let_through(LIMIT, [NOON + timedelta(seconds=second) for second in seconds])
    assert [(moment - NOON).seconds for moment in went] == [0, 0, 0, 10, 30, 30, 100, 100, 100]


def test_a_refusal_says_how_long_and_costs_nothing() -> None:
    full_at = NOON + timedelta(seconds=30)
    refused = count(LIMIT, full_at, NOON + timedelta(seconds=4))
    assert refused.wait == timedelta(seconds=6)
    assert refused.full_at == full_at


def test_a_moment_written_by_a_clock_that_was_ahead_counts_as_the_whole_burst() -> None:
    refused = count(LIMIT, NOON + timedelta(days=30), NOON)
    assert refused.wait == LIMIT.every
    assert not count(LIMIT, refused.full_at, NOON + LIMIT.every).wait


@given(limits, gaps)
def test_within_any_span_no_more_than_the_burst_and_what_comes_back(limit: RateLimit, spans: list[timedelta]) -> None:
    went = let_through(limit, times_of(spans))
    for first in range(len(went)):
        for last in range(first, len(went)):
            assert last - first + 1 <= limit.burst + (went[last] - went[first]) / limit.every + 1e-9


@given(limits, gaps)
def test_the_wait_is_enough_and_not_too_long(limit: RateLimit, spans: list[timedelta]) -> None:
    full_at = None
    for now in times_of(spans):
        counted = count(limit, full_at, now)
        full_at = counted.full_at
        if counted.wait:
            assert timedelta() < counted.wait <= limit.every
            assert not count(limit, full_at, now + counted.wait).wait
            assert count(limit, full_at, now + counted.wait - MICROSECOND).wait


@given(limits, gaps)
def test_whoever_keeps_to_the_rate_is_never_refused(limit: RateLimit, spans: list[timedelta]) -> None:
    slowly = times_of([span + limit.every for span in spans])
    assert let_through(limit, slowly) == slowly


@given(limits, gaps)
def test_who_has_not_called_for_long_is_as_one_who_never_did(limit: RateLimit, spans: list[timedelta]) -> None:
    full_at = None
    for now in times_of(spans):
        full_at = count(limit, full_at, now).full_at
    assert full_at is not None
    assert count(limit, full_at, full_at) == count(limit, None, full_at)
