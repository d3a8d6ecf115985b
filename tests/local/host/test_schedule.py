"""NCRONTAB and constant schedules: functions.md 2.3."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.host.schedule import Schedule
from local.host.settings import time_zone
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources

START = datetime(2026, 11, 21, 10, 7, 30, tzinfo=UTC)  # a Saturday


@behaviour("H56", Grade.DOCUMENTED, sources.TIMERS, sources.NCRONTAB)
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", "2026-11-21 10:10:00"),
        ("30 7 10 * * *", "2026-11-22 10:07:30"),  # the start itself does not count
        ("*/5 * * * *", "2026-11-21 10:10:00"),  # five fields: no seconds
        ("0 0 4 * * 1", "2026-11-23 04:00:00"),
        ("0 0 4 * * MON-FRI", "2026-11-23 04:00:00"),
        ("0 0 4 * * friday-mon", "2026-11-23 04:00:00"),  # turned round: Monday to Friday
        ("0 0 4 13 * 5", "2027-08-13 04:00:00"),  # both the day and the day of the week
        ("0 0 0 1 jan *", "2027-01-01 00:00:00"),
        ("0 20/15 * * * *", "2026-11-21 10:20:00"),
        ("0 0 8-10/2,23 * * *", "2026-11-21 23:00:00"),
        ("00:00:45", "2026-11-21 10:08:15"),
        ("1.00:00:00", "2026-11-22 10:07:30"),
    ],
)
def test_h56_next_occurrence(expression: str, expected: str) -> None:
    assert Schedule(expression).next_after(START) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@behaviour("H58", Grade.DOCUMENTED, sources.TIMERS, sources.NCRONTAB)
@pytest.mark.parametrize(
    "expression",
    [
        "0 0 4 * * 7",
        "0 0 4 ? * *",
        "@hourly",
        "0 0 24 * * *",
        "0 60 * * * *",
        "0 0 0 0 * *",
        "0 0 0 * xyz *",
        "0 */x * * * *",
        "0 1, * * * *",
        "* * * *",
        "* * * * * * *",
        "00:00:00",
        "24:00",
        "1.24:00:00",
        "1.00:00:00:00",
        "00:60:00",
        "00:00.5",
        "",
    ],
)
def test_h58_what_ncrontab_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"not a valid|is neither NCRONTAB nor|must be positive"):
        Schedule(expression)


@behaviour("H57", Grade.DOCUMENTED, sources.NCRONTAB)
def test_h57_day_and_day_of_week_must_both_match() -> None:
    # The 13th of the next months that is a Friday; other crons would take any 13th and any Friday.
    assert Schedule("0 0 4 13 * 5").next_after(START) == datetime(2027, 8, 13, 4, tzinfo=UTC)


@behaviour("H59", Grade.DOCUMENTED, sources.TIMERS)
def test_h59_a_time_span_is_a_constant_interval() -> None:
    schedule = Schedule("1.02:00:00")
    first = schedule.next_after(START)
    assert (first - START, schedule.next_after(first) - first) == (timedelta(hours=26), timedelta(hours=26))


@behaviour("H59", Grade.DOCUMENTED, sources.TIME_SPANS)
@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("01:00:00", timedelta(hours=1)),
        ("25:00:00:00", timedelta(days=25)),
        ("24:00:00", timedelta(days=24)),
        ("30:12:05", timedelta(days=30, hours=12, minutes=5)),
        ("1.00:00:00", timedelta(days=1)),
        ("00:01", timedelta(minutes=1)),
        ("00:00:00.5", timedelta(seconds=0.5)),
    ],
)
def test_h59_three_numbers_of_which_the_first_is_no_hour_begin_with_days(expression: str, interval: timedelta) -> None:
    assert Schedule(expression).next_after(START) == START + interval


@behaviour("H68", Grade.ASSUMED, sources.TIMER_PAGE, sources.TIME_ZONE)
def test_h68_a_schedule_in_another_zone_keeps_its_wall_clock() -> None:
    schedule = Schedule("0 30 2 * * *", ZoneInfo("Europe/London"))
    winter, summer = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 7, 10, tzinfo=UTC)
    assert schedule.next_after(winter) == datetime(2026, 1, 10, 2, 30, tzinfo=UTC)
    assert schedule.next_after(summer) == datetime(2026, 7, 10, 1, 30, tzinfo=UTC)
    # On 29 March 2026 the clocks skip from 1:00 to 2:00, on 25 October they repeat the hour from 1:00.
    early = Schedule("0 30 1 * * *", ZoneInfo("Europe/London"))
    assert early.next_after(datetime(2026, 3, 29, 0, 0, tzinfo=UTC)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    once = early.next_after(datetime(2026, 10, 24, 23, 0, tzinfo=UTC))
    assert once == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert early.next_after(once) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@behaviour("H68", Grade.ASSUMED, sources.TIMER_PAGE, sources.TIME_ZONE)
def test_h68_the_zone_is_a_setting_and_utc_without_one() -> None:
    assert str(time_zone({"WEBSITE_TIME_ZONE": "Europe/London"})) == "Europe/London"
    assert time_zone({}) is UTC
    assert time_zone({"WEBSITE_TIME_ZONE": "GMT Standard Time"}) is UTC


@behaviour("H60", Grade.DOCUMENTED, sources.TIMERS)
def test_h60_a_schedule_of_seconds_is_told_from_one_of_minutes() -> None:
    assert Schedule("*/30 * * * * *").fires_within_a_minute()
    assert not Schedule("0 * * * * *").fires_within_a_minute()
