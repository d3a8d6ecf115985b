"""Graph's times, both ways, over zones and changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import AllDay, EventTime, Timed
from shared.core.walltime import local_date
from shared.core.zones import windows_of
from shared.graph.wire_time import (
    moved_to_utc,
    read_instant,
    read_point,
    read_time,
    recurrence_zone,
    write_time,
    written_zone,
    zone_of,
)

ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
zones = st.sampled_from(ZONES)
instants = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_changes = st.builds(
    lambda moment, minutes: moment + timedelta(minutes=minutes),
    st.sampled_from(
        [
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
            datetime(2026, 4, 23, 22, tzinfo=UTC),  # Cairo puts the clock forward at midnight
        ]
    ),
    st.integers(-240, 240),
)
seconds = (instants | near_changes).map(lambda moment: moment.replace(microsecond=0))
days = st.dates(min_value=date(1971, 1, 2), max_value=date(2090, 1, 1)) | st.dates(date(2026, 3, 25), date(2026, 4, 30))


def stored(written: dict[str, Any], *, floating: bool = False, windows: bool = False) -> dict[str, Any]:
    """What Graph returns of written times when it is asked for UTC, by its own zone rules."""

    def utc(name: str) -> dict[str, str]:
        local, zone = datetime.fromisoformat(written[name]["dateTime"]), ZoneInfo(written[name]["timeZone"])
        moment = local if floating and written["isAllDay"] else local.replace(tzinfo=zone).astimezone(UTC)
        return {"dateTime": f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}0", "timeZone": "UTC"}

    zone = written["start"]["timeZone"]
    return {
        "start": utc("start"),
        "end": utc("end"),
        "isAllDay": written["isAllDay"],
        "originalStartTimeZone": windows_of(zone) if windows else zone,
        "originalEndTimeZone": zone,
    }


@given(seconds, st.timedeltas(timedelta(0), timedelta(days=2)), zones)
def test_timed_events_come_back_at_the_same_instants(start: datetime, length: timedelta, zone: str) -> None:
    time = Timed(start=start, end=start + timedelta(seconds=int(length.total_seconds())), zone=zone)
    back = read_time(stored(write_time(time)))
    assert isinstance(back, Timed)
    assert (back.start, back.end) == (time.start, time.end)
    assert back.zone in (zone, "UTC")


@given(days, st.integers(1, 60), zones, st.booleans())
def test_all_day_events_come_back_on_the_same_dates(day: date, length: int, zone: str, floating: bool) -> None:
    time = AllDay(start=day, end=day + timedelta(days=length), zone=zone)
    back = read_time(stored(write_time(time), floating=floating))
    assert isinstance(back, AllDay)
    assert (back.start, back.end) == (time.start, time.end)


@given(days, zones)
def test_an_all_day_event_with_a_windows_zone_keeps_its_date(day: date, zone: str) -> None:
    written = write_time(AllDay(start=day, end=day + timedelta(days=1), zone=zone))
    back = read_time(stored(written, windows=True))
    assert (back.start, back.end) == (day, day + timedelta(days=1))


@given(seconds, zones)
def test_what_is_written_is_midnight_or_a_clear_local_time(start: datetime, zone: str) -> None:
    for time in (Timed(start=start, end=start, zone=zone), AllDay(start=start.date(), end=start.date(), zone=zone)):
        written: Any = write_time(time)
        assert written["start"]["timeZone"] == written["end"]["timeZone"]
        local = datetime.fromisoformat(written["start"]["dateTime"])
        rules = ZoneInfo(written["start"]["timeZone"])
        if isinstance(time, Timed):
            assert {local.replace(tzinfo=rules, fold=fold).astimezone(UTC) for fold in (0, 1)} == {start}
        else:
            assert local.time() == datetime.min.time()
            assert local.replace(tzinfo=rules).astimezone(UTC).astimezone(rules).replace(tzinfo=None) == local


@given(seconds, zones, st.booleans())
def test_a_refused_zone_is_written_in_utc(start: datetime, zone: str, all_day: bool) -> None:
    time: EventTime = Timed(start=start, end=start, zone=zone)
    if all_day:
        time = AllDay(start=start.date(), end=start.date() + timedelta(days=1), zone=zone)
    written: Any = write_time(time, refused={zone})
    assert written["start"]["timeZone"] == written["end"]["timeZone"] == "UTC"
    moved: Any = moved_to_utc({"subject": "x", **write_time(time)})
    if moved is not None:
        assert {name: moved[name] for name in written} == written
        assert moved["subject"] == "x"


def test_a_body_without_times_or_in_utc_cannot_be_moved() -> None:
    assert moved_to_utc({"subject": "x"}) is None
    assert moved_to_utc(write_time(AllDay(start=date(2026, 1, 1), end=date(2026, 1, 2), zone="UTC"))) is None
    assert written_zone({"subject": "x"}) == ""


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        (("W. Europe Standard Time", ""), "Europe/Berlin"),
        (("Europe/Amsterdam", ""), "Europe/Amsterdam"),
        (("tzone://Microsoft/Utc", ""), "UTC"),
        (("tzone://Microsoft/Custom", "Tokyo Standard Time"), "Asia/Tokyo"),
        (("", "GMT Standard Time"), "Europe/London"),
        (("Customized Time Zone", None), "UTC"),
        ((None, None), "UTC"),
        ((7, []), "UTC"),
    ],
)
def test_original_zones_may_be_anything(names: tuple[object, object], zone: str) -> None:
    item = {"originalStartTimeZone": names[0], "originalEndTimeZone": names[1]}
    assert zone_of(item) == zone
    assert recurrence_zone(item) == zone
    assert recurrence_zone({"recurrence": {"range": {"recurrenceTimeZone": "Eastern Standard Time"}}}) == (
        "America/New_York"
    )


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-07-18T07:43:09.8641979Z", datetime(2026, 7, 18, 7, 43, 9, 864197, tzinfo=UTC)),
        ("2026-07-18T09:43:09+02:00", datetime(2026, 7, 18, 7, 43, 9, tzinfo=UTC)),
        ("2026-07-18T07:43:09", datetime(2026, 7, 18, 7, 43, 9, tzinfo=UTC)),
        ("0001-01-01T00:00:00.0000000Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-05:00", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("soon", datetime(1, 1, 1, tzinfo=UTC)),
        (None, datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_instants_may_be_extreme(value: object, moment: datetime) -> None:
    assert read_instant(value) == moment


@pytest.mark.parametrize("clock", ["0001-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9999999"])
@pytest.mark.parametrize("zone", ["tzone://Microsoft/Utc", "Tokyo Standard Time", "America/Los_Angeles", ""])
def test_the_ends_of_time_are_read(clock: str, zone: str) -> None:
    point = {"dateTime": clock, "timeZone": zone}
    year = int(clock[:4])
    assert read_point(point).year in (year, year + 1, year - 1)
    for all_day in (True, False):
        item = {"start": point, "end": point, "isAllDay": all_day, "originalStartTimeZone": zone}
        assert read_time(item).start.year == year
    assert local_date(read_point(point), "Asia/Tokyo").year == year


def test_a_z_beside_a_zone_is_no_offset() -> None:
    point = {"dateTime": "2026-08-04T14:00:00Z", "timeZone": "Asia/Tokyo"}
    assert read_point(point) == datetime(2026, 8, 4, 5, tzinfo=UTC)
    assert read_point({"dateTime": "never"}) == read_point(None) == datetime(1, 1, 1, tzinfo=UTC)


def test_an_all_day_event_whose_zone_is_unknown_lies_on_the_nearest_date() -> None:
    item = {
        "isAllDay": True,
        "start": {"dateTime": "2026-08-03T22:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-08-04T22:00:00.0000000", "timeZone": "UTC"},
        "originalStartTimeZone": "tzone://Microsoft/Custom",
    }
    assert (read_time(item).start, read_time(item).end) == (date(2026, 8, 4), date(2026, 8, 5))
