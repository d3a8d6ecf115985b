"""How much of a series is expanded for a window: as much as the window shows, wherever it lies."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dateutil.rrule
import pytest

from local.graph import recurrence
from tests.local.graph.conftest import Far, series

HOUR = timedelta(hours=1)
PATTERNS: list[dict[str, Any]] = [
    {"type": "daily", "interval": 1},
    {"type": "daily", "interval": 5},
    {"type": "weekly", "interval": 1, "daysOfWeek": ["monday", "friday"]},
    {"type": "weekly", "interval": 3, "daysOfWeek": ["sunday", "thursday"], "firstDayOfWeek": "monday"},
    {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31},
    {"type": "absoluteMonthly", "interval": 5, "dayOfMonth": 16},
    {"type": "relativeMonthly", "interval": 2, "daysOfWeek": ["tuesday", "friday"], "index": "last"},
    {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 29, "month": 2},
    {"type": "relativeYearly", "interval": 2, "daysOfWeek": ["saturday"], "index": "second", "month": 6},
]


@pytest.fixture
def expanded(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Whatever dateutil has computed since."""
    computed: list[datetime] = []

    class Counting(dateutil.rrule.rrule):
        def _iter(self) -> Iterator[datetime]:
            for each in super()._iter():  # type: ignore[misc]  # the stubs leave it out
                computed.append(each)
                yield each

    monkeypatch.setattr(recurrence, "rrule", Counting)
    return computed


def endless(pattern: dict[str, Any], start: datetime = datetime(1990, 3, 16, 9, tzinfo=UTC)) -> recurrence.Recurrence:
    span = {"type": "noEnd", "startDate": start.date().isoformat()}
    return recurrence.parse({"pattern": pattern, "range": span}, start=start, start_zone="Europe/Rome")


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("year", [1990, 2026, 9990, 9999])
def test_a_window_costs_what_it_shows(expanded: list[datetime], pattern: dict[str, Any], year: int) -> None:
    rule = endless(pattern)
    low = datetime(year, 2, 1, tzinfo=UTC)
    shown = list(rule.between(low, low + timedelta(days=200), HOUR))
    assert len(expanded) <= recurrence.STRIDE * 7 + len(shown) + 10
    day = shown[0][0] if shown else date(year, 2, 1)
    rule.start_on(day)
    rule.neighbours(day)
    assert len(expanded) <= 2 * recurrence.STRIDE * 7 + len(shown) + 20


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_shown_is_the_series(pattern: dict[str, Any]) -> None:
    """Computed from its beginning, without any short cut, as dateutil alone does it."""
    rule = endless(pattern)
    whole = list(itertools.takewhile(lambda each: each.year < 2300, rule.rule))
    for low in (datetime(1990, 3, 1), datetime(2004, 2, 29), datetime(2150, 6, 7, 9), datetime(2299, 1, 1)):  # noqa: DTZ001
        high = low + timedelta(days=330)
        found = {day for day, _ in rule.between(low.replace(tzinfo=UTC), high.replace(tzinfo=UTC), HOUR)}
        wanted = {each.date() for each in whole if low <= each <= high}
        assert wanted <= found
        assert found <= {each.date() for each in whole}
        inside = [n for n in range(1, len(whole) - 1) if low <= whole[n] <= high]
        for before, at, after in (whole[n - 1 : n + 2] for n in inside):
            assert rule.neighbours(at.date()) == (before.date(), after.date())
            assert rule.start_on(at.date()) is not None
            assert rule.start_on(at.date() + timedelta(days=1)) is None or after.date() == at.date() + timedelta(days=1)


async def test_an_endless_daily_series_is_shown_in_far_years(graph: Far, expanded: list[datetime]) -> None:
    await graph.create(**series({"type": "daily", "interval": 1}, {"type": "noEnd", "startDate": "2026-08-04"}))
    window = "startDateTime=9990-01-01T00:00:00Z&endDateTime=9990-01-04T00:00:00Z"
    shown = (await graph.call("GET", f"/me/calendarView?{window}", status=200)).json()["value"]
    assert [each["start"]["dateTime"][:10] for each in shown] == ["9990-01-01", "9990-01-02", "9990-01-03"]
    read = (await graph.call("GET", f"/me/events/{shown[1]['id']}", status=200)).json()
    assert read["start"] == shown[1]["start"]
    await graph.delta(f"/me/calendarView/delta?{window}")
    assert len(expanded) < 10 * recurrence.STRIDE
