"""Rules become patterns that mean the same days: compared with recurring_ical_events over random rules."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from local.ics import convert
from tests.local.ics.calendars import OWNER, calendar, vevent
from tests.local.ics.expansion import shown

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw: st.DrawFn) -> str:
    parts = [f"FREQ={draw(st.sampled_from(('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY')))}"]
    frequency = parts[0]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=True))
    if frequency == "FREQ=WEEKLY" and draw(st.booleans()):
        parts.append(f"BYDAY={','.join(days)};WKST={draw(st.sampled_from(('MO', 'SU')))}")
    if frequency in ("FREQ=MONTHLY", "FREQ=YEARLY"):
        if frequency == "FREQ=YEARLY":
            parts.append(f"BYMONTH={draw(st.integers(1, 12))}")
        parts += draw(
            st.sampled_from(
                (
                    [],
                    [f"BYMONTHDAY={draw(st.sampled_from((-1, 1, 15, 28, 29, 30, 31)))}"],
                    [f"BYDAY={draw(st.sampled_from((-1, 1, 2, 3, 4, 5)))}{days[0]}"],
                    [f"BYDAY={','.join(days)};BYSETPOS={draw(st.sampled_from((-1, 1, 2, 3, 4)))}"],
                    ["BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"],
                )
            )
        )
    end = draw(st.sampled_from(("", "COUNT", "UNTIL")))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    if end == "UNTIL":
        parts.append(f"UNTIL={date(2024, 6, 1) + timedelta(days=draw(st.integers(0, 2000))):%Y%m%d}T235959Z")
    return ";".join(parts)


def expected(text: str) -> list[tuple[str, str]]:
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(FIRST, LAST)
    return sorted((event.start.astimezone(UTC).isoformat(), event.end.astimezone(UTC).isoformat()) for event in found)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=rules(),
    day=st.dates(min_value=date(2024, 1, 1), max_value=date(2024, 12, 31)),
    zone=st.sampled_from(("Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")),
)
def test_the_series_shows_what_the_rule_says(rule: str, day: date, zone: str) -> None:
    text = calendar(
        vevent(f"DTSTART;TZID={zone}:{day:%Y%m%d}T093000\nDTEND;TZID={zone}:{day:%Y%m%d}T101500\nRRULE:{rule}")
    )
    outcome = convert(text, OWNER)
    assume(not outcome.notes or all("DTSTART is no occurrence" not in note.reason for note in outcome.notes))
    if outcome.refusals:
        assert "COUNT" not in rule, "a short finite rule is always taken"
        assert outcome.refusals[0].reason == "Graph has no pattern for its recurrence rule, which has no near end"
        return
    assert shown(outcome.events, FIRST, LAST) == expected(text)


PATTERNS = {
    "FREQ=DAILY": {"type": "daily", "interval": 1},
    "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR": {
        "type": "weekly",
        "interval": 1,
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "firstDayOfWeek": "monday",
    },
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU": {
        "type": "weekly",
        "interval": 2,
        "daysOfWeek": ["tuesday", "sunday"],
        "firstDayOfWeek": "sunday",
    },
    "FREQ=MONTHLY": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 30},
    "FREQ=MONTHLY;BYDAY=-1TU": {
        "type": "relativeMonthly",
        "interval": 1,
        "daysOfWeek": ["tuesday"],
        "firstDayOfWeek": "monday",
        "index": "last",
    },
    "FREQ=YEARLY": {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 30, "month": 6},
    "FREQ=YEARLY;BYMONTH=6;BYDAY=-1TU": {
        "type": "relativeYearly",
        "interval": 1,
        "daysOfWeek": ["tuesday"],
        "firstDayOfWeek": "monday",
        "index": "last",
        "month": 6,
    },
}


@pytest.mark.parametrize("rule", [rule for rule in PATTERNS if rule != "FREQ=MONTHLY"])
def test_patterns_are_those_that_outlook_would_write(rule: str) -> None:
    [event] = convert(calendar(vevent(f"DTSTART;TZID=Europe/London:20260630T090000\nRRULE:{rule}")), OWNER).events
    assert event["recurrence"] == {
        "pattern": PATTERNS[rule],
        "range": {"type": "noEnd", "startDate": "2026-06-30", "recurrenceTimeZone": "Europe/London"},
    }


def test_the_30th_without_end_is_refused_because_outlook_would_add_february() -> None:
    outcome = convert(calendar(vevent("DTSTART:20260630T090000Z\nRRULE:FREQ=MONTHLY")), OWNER)
    assert [refusal.position for refusal in outcome.refusals] == [1]
    assert outcome.events == []


def test_the_30th_with_an_end_is_a_series_with_the_february_occurrence_deleted() -> None:
    [event] = convert(calendar(vevent("DTSTART:20261130T090000Z\nRRULE:FREQ=MONTHLY;COUNT=6")), OWNER).events
    assert event["recurrence"]["pattern"] == {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 30}
    assert event["recurrence"]["range"]["endDate"] == "2027-05-30"
    assert event["_cancelled"] == ["2027-02-28"]


def test_the_last_day_of_the_month_is_a_relative_pattern_or_the_31st() -> None:
    [event] = convert(calendar(vevent("DTSTART:20260131T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1")), OWNER).events
    assert event["recurrence"]["pattern"] == {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}


def test_until_in_utc_is_read_in_the_series_zone() -> None:
    text = calendar(vevent("DTSTART;TZID=America/New_York:20260302T200000\nRRULE:FREQ=DAILY;UNTIL=20260305T010000Z"))
    [event] = convert(text, OWNER).events
    assert event["recurrence"]["range"]["endDate"] == "2026-03-04"


def test_a_count_is_kept_as_one() -> None:
    [event] = convert(calendar(vevent("DTSTART:20260302T080000Z\nRRULE:FREQ=WEEKLY;COUNT=8")), OWNER).events
    assert event["recurrence"]["range"] == {
        "type": "numbered",
        "startDate": "2026-03-02",
        "recurrenceTimeZone": "UTC",
        "numberOfOccurrences": 8,
    }


def test_a_short_rule_without_pattern_becomes_single_events() -> None:
    outcome = convert(
        calendar(vevent("DTSTART;TZID=Europe/Rome:20260105T090000\nRRULE:FREQ=DAILY;BYHOUR=9,15;COUNT=6")), OWNER
    )
    assert len(outcome.events) == 6
    assert "taken as 6 single events" in outcome.notes[0].reason
    assert all("recurrence" not in event for event in outcome.events)


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=MONTHLY;BYMONTHDAY=1,15"])
def test_an_endless_rule_without_pattern_is_refused(rule: str) -> None:
    outcome = convert(calendar(vevent(f"DTSTART:20260511T090000Z\nRRULE:{rule}")), OWNER)
    assert outcome.events == []
    assert len(outcome.refusals) == 1


def test_wall_time_stays_over_a_clock_change() -> None:
    text = calendar(vevent("DTSTART;TZID=Europe/London:20260326T090000\nRRULE:FREQ=DAILY;COUNT=5"))
    starts = [datetime.fromisoformat(start) for start, _ in shown(convert(text, OWNER).events, FIRST, LAST)]
    assert [start.astimezone(ZoneInfo("Europe/London")).hour for start in starts] == [9] * 5
