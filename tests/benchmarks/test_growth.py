"""What counts as growth: a rise that is more than noise, after the warm-up."""

import pytest

from benchmarks.growth import trend, trends


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        ([100.0 + minute for minute in range(61)], True),
        ([100.0 + min(minute, 15) * 5 for minute in range(61)], False),  # a warm-up
        ([100.0 + minute % 7 for minute in range(61)], False),  # to and fro
        ([1000.0 + minute * 0.5 for minute in range(61)], False),  # under a twentieth an hour
        ([1.0 + minute * 0.05 for minute in range(61)], False),  # under the least that counts
        ([100.0 - minute for minute in range(61)], False),
        ([300.0 if minute in range(22, 28) else 500.0 for minute in range(61)], False),  # a dip at the beginning
        ([100.0 + minute // 10 * 10 for minute in range(61)], True),  # in steps
    ],
)
def test_a_rise_after_the_warm_up_is_growth(values: list[float], grows: bool) -> None:
    samples = [(minute / 60, value) for minute, value in enumerate(values)]
    assert trend("rss.graph", samples, least=4.0).grows is grows


def test_the_slope_is_per_hour() -> None:
    found = trend("rows", [(minute / 60, 2.0 * minute) for minute in range(31)], least=1.0)
    assert found.slope == pytest.approx(120)
    assert "GROWTH" in found.line()


def test_from_few_samples_nothing_is_concluded() -> None:
    assert not trend("rss.host", [(0.0, 1.0), (0.1, 500.0), (0.2, 900.0)], least=4.0).grows


def test_each_column_has_the_floor_of_its_kind() -> None:
    rows = [{"minute": float(n), "rss.a": 10.0 + n, "queue.b": 1.0 + n} for n in range(30)]
    found = {each.name: each for each in trends(rows, least={"rss": 100.0, "queue": 5.0})}
    assert (found["rss.a"].grows, found["queue.b"].grows) == (False, True)
