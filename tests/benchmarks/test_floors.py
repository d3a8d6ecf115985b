"""The benchmark's arithmetic: floors, percentiles, where the time of a run went."""

import pytest

from benchmarks.far_ends import spans_of
from benchmarks.floors import Parts, Span, parts, pull_floor, push_floor, spread


def test_a_push_cannot_be_quicker_than_four_creates_at_a_time() -> None:
    assert push_floor(1000, latency=0.1) == pytest.approx(25.0)
    assert push_floor(1000, latency=0.1, in_flight=1) == pytest.approx(100.0)


def test_a_pull_cannot_be_quicker_than_its_pages_and_its_posts() -> None:
    assert pull_floor(1000, page=200, latency=0.1, post=0.008, at_once=8) == pytest.approx(0.5 + 1.0)
    assert pull_floor(201, page=200, latency=0.1, post=0.0, at_once=8) == pytest.approx(0.2), "a page that is not full"


def test_percentiles_are_values_that_were_measured() -> None:
    found = spread([float(number) for number in range(200, 0, -1)])
    assert (found.count, found.p50, found.p95, found.p99, found.longest) == (200, 100.0, 190.0, 198.0, 200.0)


def test_percentiles_of_a_few() -> None:
    assert spread([3.0]).p50 == spread([3.0]).p99 == 3.0
    assert (spread([1.0, 2.0]).p50, spread([1.0, 2.0]).p95) == (1.0, 2.0)
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


@pytest.mark.parametrize(
    ("seconds", "meets"),
    [([1.0, 1.0, 3.0], True), ([1.0, 1.1, 1.2], False), ([0.5, 0.5, 3.1], False)],
)
def test_edits_are_judged_by_both_percentiles(seconds: list[float], meets: bool) -> None:
    assert spread(seconds).meets_target is meets


def test_a_whole_is_divided_by_what_went_on_in_it() -> None:
    found = parts(Span(begin=0.0, end=10.0), [Span(begin=5.0, end=7.0), Span(begin=1.0, end=4.0)])
    assert found == Parts(before=1.0, inside=5.0, between=1.0, after=3.0)
    assert found.whole == 10.0


def test_time_that_overlaps_counts_once() -> None:
    spans = [Span(begin=1.0, end=6.0), Span(begin=2.0, end=3.0), Span(begin=5.0, end=8.0)]
    assert parts(Span(begin=0.0, end=9.0), spans) == Parts(before=1.0, inside=7.0, between=0.0, after=1.0)


def test_a_whole_in_which_nothing_went_on_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing went on"):
        parts(Span(begin=0.0, end=1.0), [])


def test_spans_are_those_of_whole_requests() -> None:
    def request(method: str, path: str, part_of: int | None = None) -> dict[str, object]:
        return {"method": method, "path": path, "part_of": part_of, "at": 10.0, "milliseconds": 500.0}

    log = [request("POST", "/v1.0/$batch"), request("POST", "/v1.0/me/events", 1), request("GET", "/v1.0/$batch")]
    assert spans_of(log, method="POST", path="$batch") == [Span(begin=9.5, end=10.0)]
