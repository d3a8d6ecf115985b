"""The lived-in mailbox: what it must hold so that a sync meets everything a real one would."""

from datetime import date, datetime, timedelta
from typing import Literal

import pytest
from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule
from tzlocal.windows_tz import tz_win, win_tz

from local.season import mailbox_events
from local.season.outlook import Json
from local.simkit.people import IVY, MARCO, ROSE

TODAY = date(2026, 6, 1)
DAYS = [date(2026, 1, 1), TODAY, date(2026, 10, 25), date(2028, 2, 29), date(2026, 12, 31)]
WEEKDAYS = {
    "monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR, "saturday": SA, "sunday": SU,
}  # fmt: skip
FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {"daily": DAILY, "weekly": WEEKLY, "Monthly": MONTHLY, "Yearly": YEARLY}


def test_sizes() -> None:
    assert [len(mailbox_events(account, TODAY)) for account in (ROSE, MARCO, IVY)] == [300, 60, 0]


def test_the_same_day_gives_the_same_mailbox() -> None:
    assert mailbox_events(ROSE, TODAY) == mailbox_events(ROSE, TODAY)


def test_all_patterns_and_ranges_occur() -> None:
    series = [event["recurrence"] for event in mailbox_events(ROSE, TODAY) if "recurrence" in event]
    assert len(series) >= 12
    assert {item["pattern"]["type"] for item in series} == {
        "daily",
        "weekly",
        "absoluteMonthly",
        "relativeMonthly",
        "absoluteYearly",
        "relativeYearly",
    }
    assert {item["range"]["type"] for item in series} == {"noEnd", "endDate", "numbered"}


@pytest.mark.parametrize("today", DAYS)
def test_expansion_stays_small_and_edits_meet_occurrences(today: date) -> None:
    total = 0
    for event in mailbox_events(ROSE, today) + mailbox_events(MARCO, today):
        days = expand(event, today)
        total += len(days)
        named = [edit["originalDate"] for edit in event.get("_exceptions", [])] + event.get("_cancelled", [])
        assert len(set(named)) == len(named)
        for day in named:
            assert date.fromisoformat(day) in days
    assert 700 < total < 1200


def test_start_is_the_first_occurrence() -> None:
    for event in mailbox_events(ROSE, TODAY):
        if "recurrence" in event:
            assert event["recurrence"]["range"]["startDate"] == event["start"]["dateTime"][:10]


def test_zones_are_known_windows_and_iana_names() -> None:
    zones = {event["start"]["timeZone"] for event in mailbox_events(ROSE, TODAY)}
    assert zones <= set(win_tz) | set(tz_win)
    assert zones & set(win_tz)
    assert zones & set(tz_win)


def test_all_kinds_of_events_occur() -> None:
    events = mailbox_events(ROSE, TODAY)
    assert {event["showAs"] for event in events if "showAs" in event} >= {"free", "tentative", "busy", "oof"}
    assert any(event.get("sensitivity") == "private" for event in events)
    assert sum("_organizer" in event for event in events) >= 5
    assert sum("_organizer" not in event and bool(event.get("attendees")) for event in events) >= 10
    assert sum(event["isAllDay"] for event in events) >= 20
    assert any(event["start"]["timeZone"] != event["end"]["timeZone"] for event in events)
    assert {event["body"]["contentType"] for event in events if "body" in event} == {"text", "html"}
    first, last = TODAY - timedelta(days=180), TODAY + timedelta(days=1460)
    starts = [datetime.fromisoformat(event["start"]["dateTime"]).date() for event in events]
    assert any(start < first - timedelta(days=1) for start in starts)
    assert any(start > last for start in starts)


def test_all_day_events_run_from_midnight_to_a_later_midnight() -> None:
    for event in mailbox_events(ROSE, TODAY):
        start, end = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
        assert start <= end or event["start"]["timeZone"] != event["end"]["timeZone"]
        if event["isAllDay"]:
            assert start.time() == end.time() == datetime.min.time()
            assert start < end


def expand(event: Json, today: date) -> set[date]:
    """Return the days on which an event starts, −180 … +1460 days around today."""
    start = datetime.fromisoformat(event["start"]["dateTime"])
    first, last = (datetime.combine(today + timedelta(days=days), start.time()) for days in (-180, 1460))
    if "recurrence" not in event:
        return {start.date()} if first <= start <= last else set()
    pattern, limits = event["recurrence"]["pattern"], event["recurrence"]["range"]
    kind = pattern["type"].removeprefix("absolute").removeprefix("relative")
    positions = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
    until = limits.get("endDate")
    rule = rrule(
        FREQUENCIES[kind],
        dtstart=start,
        interval=pattern["interval"],
        byweekday=[WEEKDAYS[day] for day in pattern.get("daysOfWeek", [])] or None,
        bysetpos=positions[pattern["index"]] if "relative" in pattern["type"] else None,
        bymonthday=pattern.get("dayOfMonth"),
        bymonth=pattern.get("month"),
        count=limits.get("numberOfOccurrences"),
        until=datetime.fromisoformat(until) + timedelta(days=1) if until else None,
    )
    return {moment.date() for moment in rule.between(first, last, inc=True)}
