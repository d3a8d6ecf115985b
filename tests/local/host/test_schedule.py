"""NCRONTAB and constant schedules: functions.md 2.3."""

from datetime import UTC, datetime

import pytest

from local.host.schedule import Schedule

START = datetime(2026, 11, 21, 10, 7, 30, tzinfo=UTC)  # a Saturday


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
def test_next_occurrence(expression: str, expected: str) -> None:
    assert Schedule(expression).next_after(START) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


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
        "24:00:00",
        "",
    ],
)
def test_what_ncrontab_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"not a valid|is neither NCRONTAB nor|must be positive"):
        Schedule(expression)


def test_a_schedule_of_seconds_is_told_from_one_of_minutes() -> None:
    assert Schedule("*/30 * * * * *").fires_within_a_minute()
    assert not Schedule("0 * * * * *").fires_within_a_minute()
