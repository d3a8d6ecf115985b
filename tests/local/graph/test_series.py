"""Recurrence: S29 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, event, series
from tests.local.graph.series_bodies import BERLIN, MONDAYS, YEAR, clocks, days, instances, made, weekly
from tests.local.graph.sources import ALLODIA, CLOSEIO, api, concept, issue, resource

PATTERN, RANGE = resource("recurrencepattern"), resource("recurrencerange")
ZEROES = {"month": 0, "dayOfMonth": 0, "daysOfWeek": [], "firstDayOfWeek": "sunday", "index": "first"}
DAILY = {"type": "daily", "interval": 1}
FOREVER = {"type": "noEnd", "startDate": "2026-08-04"}
FIVE_YEARS = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2030-01-01T00:00:00Z&$top=3"
PATTERNS: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "daily", "interval": 3}, ["2026-08-04", "2026-08-07", "2026-08-10"]),
    (
        {"type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "thursday"]},
        ["2026-08-04", "2026-08-06", "2026-08-18"],
    ),
    ({"type": "absoluteMonthly", "interval": 2, "dayOfMonth": 4}, ["2026-08-04", "2026-10-04", "2026-12-04"]),
    ({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"]}, ["2026-08-04", "2026-09-01", "2026-10-06"]),
    (
        {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 4, "month": 8},
        ["2026-08-04", "2027-08-04", "2028-08-04"],
    ),
    (
        {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["tuesday"], "month": 8},
        ["2026-08-04", "2027-08-03", "2028-08-01"],
    ),
]


@behaviour("S29", Grade.DOCUMENTED, PATTERN, RANGE, api("event-list-instances"))
@pytest.mark.parametrize("kind", ["numbered", "endDate", "noEnd"])
@pytest.mark.parametrize(("pattern", "expected"), PATTERNS, ids=[pattern["type"] for pattern, _ in PATTERNS])
async def test_s29_each_pattern_with_each_range(
    graph: Far, pattern: dict[str, Any], expected: list[str], kind: str
) -> None:
    limits: dict[str, dict[str, Any]] = {
        "numbered": {"numberOfOccurrences": 3},
        "endDate": {"endDate": expected[2]},
        "noEnd": {},
    }
    master = await made(graph, series(pattern, {"type": kind, "startDate": "2026-08-04", **limits[kind]}))
    assert master["type"] == "seriesMaster"
    found = await graph.call("GET", f"/me/events/{master['id']}/instances?{FIVE_YEARS}", status=200)
    assert days(found.json()["value"]) == expected
    assert ("@odata.nextLink" in found.json()) == (kind == "noEnd")
    shown = await graph.call("GET", f"/me/calendarView?{FIVE_YEARS}", status=200)
    assert days(shown.json()["value"]) == expected
    assert {item["type"] for item in shown.json()["value"]} == {"occurrence"}


@behaviour("S29", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS], ids=[p["type"] for p, _ in PATTERNS])
async def test_s29_unused_members_come_back_zero_filled(graph: Far, pattern: dict[str, Any]) -> None:
    nothing = {"endDate": "0001-01-01", "numberOfOccurrences": 0, "recurrenceTimeZone": "UTC"}
    for limit in (
        {"type": "numbered", "numberOfOccurrences": 3},
        {"type": "endDate", "endDate": "2029-12-31"},
        {"type": "noEnd"},
    ):
        span = {"startDate": "2026-08-04", **limit}
        master = await made(graph, series(pattern, span))
        assert master["recurrence"] == {"pattern": ZEROES | pattern, "range": nothing | span}
        again = {"recurrence": master["recurrence"]}
        patched = (await graph.call("PATCH", f"/me/events/{master['id']}", again, status=200)).json()
        assert patched["recurrence"] == master["recurrence"]


@behaviour("S29", Grade.DOCUMENTED, PATTERN)
@pytest.mark.parametrize(
    ("first_day", "expected"),
    [
        ("monday", ["2026-08-04", "2026-08-09", "2026-08-18", "2026-08-23"]),
        ("sunday", ["2026-08-04", "2026-08-16", "2026-08-18", "2026-08-30"]),
    ],
)
async def test_s29_the_first_day_of_the_week_counts(graph: Far, first_day: str, expected: list[str]) -> None:
    pattern = {"type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"], "firstDayOfWeek": first_day}
    span = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 4}
    assert days(await instances(graph, (await made(graph, series(pattern, span)))["id"])) == expected


@behaviour("S29", Grade.DOCUMENTED, PATTERN)
@pytest.mark.parametrize(
    ("index", "weekdays", "expected"),
    [
        ("first", ["thursday", "friday"], ["2026-08-06", "2026-09-03", "2026-10-01"]),
        ("last", ["saturday"], ["2026-08-29", "2026-09-26", "2026-10-31"]),
        (
            "last",
            ["monday", "tuesday", "wednesday", "thursday", "friday"],
            ["2026-08-31", "2026-09-30", "2026-10-30"],
        ),
        ("third", ["wednesday"], ["2026-08-19", "2026-09-16", "2026-10-21"]),
    ],
)
async def test_s29_relative_patterns_take_the_indexed_day(
    graph: Far, index: str, weekdays: list[str], expected: list[str]
) -> None:
    pattern = {"type": "relativeMonthly", "interval": 1, "daysOfWeek": weekdays, "index": index}
    span = {"type": "numbered", "startDate": expected[0], "numberOfOccurrences": 3}
    body = series(pattern, span, start=at(f"{expected[0]}T14:00:00"), end=at(f"{expected[0]}T15:00:00"))
    assert days(await instances(graph, (await made(graph, body))["id"])) == expected


@behaviour("S29", Grade.ASSUMED, PATTERN)
async def test_s29_the_31st_falls_on_the_last_day_of_shorter_months(graph: Far) -> None:
    pattern = {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    span = {"type": "numbered", "startDate": "2026-08-31", "numberOfOccurrences": 3}
    body = series(pattern, span, start=at("2026-08-31T14:00:00"), end=at("2026-08-31T15:00:00"))
    found = await instances(graph, (await made(graph, body))["id"])
    assert days(found) == ["2026-08-31", "2026-09-30", "2026-10-31"]


@behaviour("S29", Grade.DOCUMENTED, PATTERN, RANGE)
@pytest.mark.parametrize(
    ("pattern", "span"),
    [
        pytest.param({"type": "hourly"}, {}, id="no such pattern"),
        pytest.param({"interval": 0}, {}, id="interval 0"),
        pytest.param({"interval": None}, {}, id="no interval"),
        pytest.param({"interval": "1"}, {}, id="interval as text"),
        pytest.param({"type": "weekly"}, {}, id="weekly without days"),
        pytest.param({"type": "absoluteMonthly"}, {}, id="monthly without a day"),
        pytest.param({"type": "relativeMonthly"}, {}, id="relative without days"),
        pytest.param({"type": "absoluteYearly", "dayOfMonth": 4}, {}, id="yearly without a month"),
        pytest.param({"type": "absoluteYearly", "dayOfMonth": 31, "month": 2}, {}, id="31 February"),
        pytest.param({"dayOfMonth": 32}, {}, id="day 32, unused"),
        pytest.param({"month": 13}, {}, id="month 13, unused"),
        pytest.param({"daysOfWeek": ["someday"]}, {}, id="no such day, unused"),
        pytest.param({"index": "fifth"}, {}, id="no such index, unused"),
        pytest.param({"firstDayOfWeek": "someday"}, {}, id="no such first day, unused"),
        pytest.param({"count": 3}, {}, id="unknown member"),
        pytest.param({}, {"type": "forever"}, id="no such range"),
        pytest.param({}, {"type": "endDate"}, id="no end"),
        pytest.param({}, {"type": "endDate", "endDate": "2026-08-03"}, id="end before start"),
        pytest.param({}, {"type": "numbered"}, id="no number"),
        pytest.param({}, {"type": "numbered", "numberOfOccurrences": -1}, id="negative number"),
        pytest.param({}, {"numberOfOccurrences": -1}, id="negative number, unused"),
        pytest.param({}, {"endDate": "soon"}, id="no date, unused"),
        pytest.param({}, {"startDate": None}, id="no start"),
        pytest.param({}, {"startDate": "2026-08-05"}, id="start that is not the event's"),
        pytest.param({}, {"until": "2026-08-05"}, id="unknown member of the range"),
    ],
)
async def test_s29_what_does_not_fit_is_refused_also_where_it_is_unused(
    graph: Far, pattern: dict[str, Any], span: dict[str, Any]
) -> None:
    whole = {name: value for name, value in (DAILY | pattern).items() if value is not None}
    limits = {name: value for name, value in (FOREVER | span).items() if value is not None}
    single = await graph.create()
    answer = await graph.call("POST", "/me/events", series(whole, limits), status=400)
    assert answer.json()["error"]["code"]
    recurrence = {"recurrence": {"pattern": whole, "range": limits}}
    await graph.call("PATCH", f"/me/events/{single['id']}", recurrence, status=400)
    assert [item["type"] for item in (await graph.call("GET", "/me/events")).json()["value"]] == ["singleInstance"]


@behaviour("S29", Grade.REPORTED, CLOSEIO, issue(1609))
async def test_s29_the_zone_of_the_recurrence_is_checked(graph: Far) -> None:
    await graph.call("POST", "/me/events", series(DAILY, FOREVER | {"recurrenceTimeZone": "Mars/Olympus"}), status=400)
    refused = series(DAILY, FOREVER | {"recurrenceTimeZone": "Africa/Casablanca"})
    error = (await graph.call("POST", "/me/events", refused, status=400)).json()["error"]
    assert error["code"] == "ErrorPropertyValidationFailure"
    master = await made(graph, series(DAILY, FOREVER | {"recurrenceTimeZone": "W. Europe Standard Time"}))
    assert master["recurrence"]["range"]["recurrenceTimeZone"] == "W. Europe Standard Time"


SPRING = ["2027-03-15T08:00", "2027-03-22T08:00", "2027-03-29T07:00", "2027-04-05T07:00"]
AUTUMN = ["2026-10-12T07:00", "2026-10-19T07:00", "2026-10-26T08:00", "2026-11-02T08:00"]


@behaviour("S29", Grade.CAPTURED, ALLODIA, RANGE)
@pytest.mark.parametrize(
    ("first", "zone", "expected"),
    [
        ("2026-10-12", BERLIN, AUTUMN),
        ("2026-10-12", "W. Europe Standard Time", AUTUMN),
        ("2027-03-15", BERLIN, SPRING),
        (
            "2026-10-19",
            "America/New_York",
            ["2026-10-19T13:00", "2026-10-26T13:00", "2026-11-02T14:00", "2026-11-09T14:00"],
        ),
        (
            "2027-03-01",
            "Eastern Standard Time",
            ["2027-03-01T14:00", "2027-03-08T14:00", "2027-03-15T13:00", "2027-03-22T13:00"],
        ),
    ],
)
async def test_s29_the_local_hour_stays_across_both_changes(
    graph: Far, first: str, zone: str, expected: list[str]
) -> None:
    master = await made(graph, weekly(first=first, zone=zone))
    assert clocks(await instances(graph, master["id"])) == expected
    shown = await graph.call("GET", f"/me/calendarView?{YEAR}", status=200)
    assert clocks(shown.json()["value"]) == expected
    local = await instances(graph, master["id"], headers={"Prefer": f'outlook.timezone="{zone}"'})
    assert {clock[11:] for clock in clocks(local)} == {"09:00"}


@behaviour("S29", Grade.DOCUMENTED, RANGE)
async def test_s29_it_is_the_zone_of_the_recurrence_that_counts(graph: Far) -> None:
    span = {"type": "numbered", "startDate": "2026-10-12", "numberOfOccurrences": 4}
    start, end = at("2026-10-12T07:00:00"), at("2026-10-12T08:00:00")
    inside = series(MONDAYS, span | {"recurrenceTimeZone": BERLIN}, start=start, end=end)
    assert clocks(await instances(graph, (await made(graph, inside))["id"])) == AUTUMN
    outside = series(MONDAYS, span | {"recurrenceTimeZone": "UTC"}, start=start, end=end)
    found = await instances(graph, (await made(graph, outside))["id"])
    assert {clock[11:] for clock in clocks(found)} == {"07:00"}


@behaviour("S29", Grade.DOCUMENTED, issue(1839, "microsoftgraph/microsoft-graph-docs"), api("event-update"))
async def test_s29_a_series_and_a_single_event_become_each_other(graph: Far) -> None:
    master = await made(graph, weekly())
    path = f"/me/events/{master['id']}"
    single = (await graph.call("PATCH", path, {"recurrence": None}, status=200)).json()
    assert (single["type"], single["recurrence"]) == ("singleInstance", None)
    assert single["start"] == master["start"]
    await graph.call("GET", f"{path}/instances?{YEAR}", status=400)
    again = (await graph.call("PATCH", path, {"recurrence": master["recurrence"]}, status=200)).json()
    assert (again["type"], again["recurrence"]) == ("seriesMaster", master["recurrence"])


@behaviour("S29", Grade.DOCUMENTED, concept("outlook-schedule-recurring-events"))
@pytest.mark.parametrize("first", ["2026-10-18", "2027-03-21"])
async def test_s29_an_all_day_series_lies_on_midnights_on_the_days_of_the_change(graph: Far, first: str) -> None:
    sundays = {"type": "weekly", "interval": 1, "daysOfWeek": ["sunday"]}
    following = {"2026-10-18": "2026-10-25", "2027-03-21": "2027-03-28"}[first]
    span = {"type": "numbered", "startDate": first, "numberOfOccurrences": 2}
    start, end = at(f"{first}T00:00:00", BERLIN), at(f"{first[:8]}{int(first[8:]) + 1}T00:00:00", BERLIN)
    master = await made(
        graph, event(recurrence={"pattern": sundays, "range": span}, isAllDay=True, start=start, end=end)
    )
    found = await instances(graph, master["id"], headers={"Prefer": f'outlook.timezone="{BERLIN}"'})
    assert clocks(found) == [f"{first}T00:00", f"{following}T00:00"]
    assert found[1]["end"]["dateTime"] == f"{following[:8]}{int(following[8:]) + 1}T00:00:00.0000000"
