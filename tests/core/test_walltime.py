"""Local times and instants, around the hours that occur twice or never."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import AllDay, Timed
from shared.core.walltime import first_day, has_midnight, instant_of, local_of, midnight, rules_of, wall_clock

ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour of DST
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",  # DST began at midnight until 2018
    "Africa/Casablanca",
    "Europe/Dublin",  # negative DST
)
zones = st.sampled_from(ZONES)
instants = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
# Around the changes of 2026, where chance seldom leads.
near_changes = st.builds(
    lambda moment, minutes: moment + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]),
    st.integers(-180, 180),
)


def naive(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001


@given(instants | near_changes, zones)
def test_a_local_time_leads_back_to_its_instant(instant: datetime, zone: str) -> None:
    local = local_of(instant, zone)
    if local is not None:
        assert instant_of(local, zone) == instant
        assert local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC) == instant


@given(instants | near_changes, zones)
def test_only_times_that_occur_twice_have_no_local_form(instant: datetime, zone: str) -> None:
    shown = instant.astimezone(ZoneInfo(zone))
    twice = shown.utcoffset() != shown.replace(fold=1 - shown.fold).utcoffset()
    assert (local_of(instant, zone) is None) == twice


def test_of_two_hours_the_first_is_meant_and_neither_is_written() -> None:
    assert instant_of(naive(2026, 10, 25, 1, 30), "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local_of(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/London") is None
    assert local_of(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/London") is None


def test_an_hour_that_never_comes_counts_from_before_the_gap() -> None:
    assert instant_of(naive(2026, 3, 29, 1, 30), "Europe/London") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(instants | near_changes, st.timedeltas(timedelta(0), timedelta(days=3)), zones)
def test_a_wall_clock_names_the_same_instants(start: datetime, length: timedelta, zone: str) -> None:
    time = Timed(start=start, end=start + length, zone=zone)
    local_start, local_end, shown = wall_clock(time)
    assert shown in (zone, "UTC")
    assert (instant_of(local_start, shown), instant_of(local_end, shown)) == (time.start, time.end)
    assert local_start <= local_end


def test_a_day_without_midnight_is_written_in_utc() -> None:
    assert not has_midnight(date(2018, 11, 4), "America/Sao_Paulo")
    time = AllDay(start=date(2018, 11, 4), end=date(2018, 11, 5), zone="America/Sao_Paulo")
    assert wall_clock(time) == (midnight(time.start), midnight(time.end), "UTC")
    assert wall_clock(AllDay(start=date(2026, 6, 1), end=date(2026, 6, 2), zone="Asia/Tokyo"))[2] == "Asia/Tokyo"


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_time_stay_in_range(year: int) -> None:
    edge = naive(1, 1, 1) if year == 1 else naive(9999, 12, 31, 23)
    for zone in ("Asia/Tokyo", "America/New_York"):
        assert abs(instant_of(edge, zone).replace(tzinfo=None) - edge) < timedelta(days=1)
        assert wall_clock(Timed(start=edge.replace(tzinfo=UTC), end=edge.replace(tzinfo=UTC), zone=zone))
        assert wall_clock(AllDay(start=edge.date(), end=edge.date(), zone=zone))[0] == midnight(edge.date())


def test_an_event_begins_on_the_day_of_its_own_zone() -> None:
    evening = datetime(2026, 8, 6, 1, tzinfo=UTC)
    for zone, day in (("America/New_York", 5), ("UTC", 6), ("Pacific/Kiritimati", 6)):
        assert first_day(Timed(start=evening, end=evening, zone=zone)) == date(2026, 8, day)
    assert first_day(AllDay(start=date(2026, 8, 5), end=date(2026, 8, 6), zone="Asia/Tokyo")) == date(2026, 8, 5)
    for edge, zone in ((naive(1, 1, 1), "America/New_York"), (naive(9999, 12, 31, 23), "Asia/Tokyo")):
        never = edge.replace(tzinfo=UTC)
        assert first_day(Timed(start=never, end=never, zone=zone)) == edge.date()


def test_a_zone_without_rules_is_utc() -> None:
    assert str(rules_of("No/Where")) == "UTC"
    assert str(rules_of("../etc")) == "UTC"
    assert str(rules_of("Europe")) == "UTC"
