"""Each connection has its turn once a week, and not all of them at once."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.core.stagger import DAY, WEEK, next_turn, share_of

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.text(min_size=1), MOMENTS)
def test_the_next_turn_is_at_most_a_week_ahead_and_they_are_a_week_apart(name: str, after: datetime) -> None:
    turn = next_turn(name, after)
    assert timedelta(0) < turn - after <= WEEK
    assert next_turn(name, turn) == turn + WEEK
    assert next_turn(name, turn - timedelta(microseconds=1)) == turn


@given(st.text(min_size=1), MOMENTS)
def test_a_turn_can_be_daily(name: str, after: datetime) -> None:
    turn = next_turn(name, after, every=DAY)
    assert timedelta(0) < turn - after <= DAY
    assert next_turn(name, turn, every=DAY) == turn + DAY


def test_a_share_of_no_time_is_none() -> None:
    assert share_of("x", timedelta(seconds=59)) == timedelta(0)


def test_ten_thousand_are_spread_over_the_hours_of_the_week() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    hours = Counter((next_turn(f"integration-{number}", now) - now) // timedelta(hours=1) for number in range(10_000))
    assert len(hours) >= 168
    assert max(hours.values()) < 2 * 10_000 / 168
