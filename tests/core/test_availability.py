"""Free time: arithmetic of spans, working hours across zones and changes of the clocks, and what takes time."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.availability import (
    SLOT_STEP,
    Span,
    WorkingHours,
    day_of,
    free_periods,
    merged,
    own_calendars,
    slots_in,
    taken_by,
    takes_time,
    time_of,
    travel_to,
    within,
    without,
    working_spans,
)
from shared.core.event import AllDay, CalendarEvent, EventTime, EventType, Side, Timed, WedSyncState
from shared.core.integration import CalendarInfo
from tests.core.strategies import LAWS, MANY

MIDNIGHT = datetime(2026, 6, 22, tzinfo=UTC)
LONDON, NEW_YORK, SYDNEY = "Europe/London", "America/New_York", "Australia/Sydney"
WEEKDAYS = frozenset(range(5))
HOUR = timedelta(hours=1)
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def span(start: float, end: float) -> Span:
    """Return a span by hours of one day."""
    return Span(start=MIDNIGHT + start * HOUR, end=MIDNIGHT + end * HOUR)


def hours(start: int = 9, end: int = 17, zone: str = LONDON, **members: object) -> WorkingHours:
    given_members = {"days": WEEKDAYS, "mailbox_zone": zone} | members
    return WorkingHours(start=time(start), end=time(end), zone=zone, **given_members)  # type: ignore[arg-type]


def clock(zone: str, year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def state(when: EventTime, **members: object) -> WedSyncState:
    made = {
        "event_id": "event",
        "version": 1,
        "updated_at": MIDNIGHT,
        "content": CalendarEvent(title="Tasting", time=when),
        "event_type": EventType.CLIENT_MEETING,
        "source": Side.WEDSYNC,
    }
    return WedSyncState(**(made | members))  # type: ignore[arg-type]


# --- spans ------------------------------------------------------------------------------------------------------------

EDGES = st.integers(0, 96)
SPANS = st.lists(st.builds(lambda a, b: span(a / 4, b / 4), EDGES, EDGES), max_size=8)
MOMENTS = st.integers(0, 4 * 96).map(lambda quarter: MIDNIGHT + quarter * HOUR / 16)


def covers(spans: tuple[Span, ...] | list[Span], moment: datetime) -> bool:
    return any(each.start <= moment < each.end for each in spans)


@given(SPANS, MOMENTS)
@MANY
def test_merged_spans_are_the_same_time_in_order_and_apart(spans: list[Span], moment: datetime) -> None:
    found = merged(spans)
    assert covers(found, moment) == covers(spans, moment)
    assert all(each.start < each.end for each in found)
    assert all(before.end < after.start for before, after in pairwise(found))
    assert merged(found) == found


@given(SPANS, SPANS, MOMENTS)
@MANY
def test_what_is_left_is_what_is_not_taken(spans: list[Span], taken: list[Span], moment: datetime) -> None:
    assert covers(without(spans, taken), moment) == (covers(spans, moment) and not covers(taken, moment))


@given(SPANS, st.builds(lambda a, b: span(a / 4, b / 4), EDGES, EDGES), MOMENTS)
@MANY
def test_within_is_what_both_have(spans: list[Span], limits: Span, moment: datetime) -> None:
    assert covers(within(spans, limits), moment) == (covers(spans, moment) and covers([limits], moment))


# --- days and working hours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        (date(2026, 6, 22), LONDON, 24),
        (date(2026, 3, 29), LONDON, 23),
        (date(2026, 10, 25), LONDON, 25),
        (date(2026, 3, 8), NEW_YORK, 23),
        (date(2026, 4, 5), SYDNEY, 25),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(day: date, zone: str, length: int) -> None:
    assert day_of(day, zone).length == length * HOUR


def test_working_hours_are_those_of_the_clock_on_the_wall() -> None:
    (winter,) = working_spans(hours(), date(2026, 1, 12))
    (summer,) = working_spans(hours(), date(2026, 7, 13))
    assert winter == Span(start=clock(LONDON, 2026, 1, 12, 9), end=clock(LONDON, 2026, 1, 12, 17))
    assert (winter.start.hour, summer.start.hour) == (9, 8)


def test_a_weekend_has_none() -> None:
    assert working_spans(hours(), date(2026, 6, 20)) == ()
    assert working_spans(hours(days=frozenset({5})), date(2026, 6, 20)) != ()


def test_a_change_of_the_clocks_at_work_makes_the_day_shorter_or_longer() -> None:
    night = hours(0, 8, days=frozenset({6}))
    (spring,), (autumn,) = working_spans(night, date(2026, 3, 29)), working_spans(night, date(2026, 10, 25))
    assert (spring.length, autumn.length) == (7 * HOUR, 9 * HOUR)


def test_hours_over_midnight_belong_to_both_days() -> None:
    late = hours(20, 2, days=frozenset({4}))
    (friday,), (saturday,) = working_spans(late, date(2026, 6, 19)), working_spans(late, date(2026, 6, 20))
    assert (friday.start, friday.end) == (clock(LONDON, 2026, 6, 19, 20), clock(LONDON, 2026, 6, 20, 0))
    assert (saturday.start, saturday.end) == (clock(LONDON, 2026, 6, 20, 0), clock(LONDON, 2026, 6, 20, 2))


def test_equal_ends_are_a_whole_day() -> None:
    assert sum((each.length for each in working_spans(hours(0, 0), date(2026, 6, 23))), timedelta()) == 24 * HOUR


def test_hours_kept_in_another_zone_fall_on_the_mailboxes_days() -> None:
    far = hours(9, 17, zone=SYDNEY, mailbox_zone=NEW_YORK)
    found = working_spans(far, date(2026, 6, 22))
    assert within(found, day_of(date(2026, 6, 22), NEW_YORK)) == found
    assert found[-1].end == clock(SYDNEY, 2026, 6, 23, 14)
    assert sum((each.length for each in found), timedelta()) == 8 * HOUR


# --- what takes time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("show_as", ["busy", "oof", "tentative", "unknown", "something new", "Busy"])
def test_what_is_shown_as_taken_takes_time(show_as: str) -> None:
    assert takes_time(show_as)


@pytest.mark.parametrize("show_as", ["free", "workingElsewhere", "Free", "WORKINGELSEWHERE"])
def test_what_is_shown_as_free_takes_none(show_as: str) -> None:
    assert not takes_time(show_as)


NOON = clock(LONDON, 2026, 6, 22, 12)
TIMED = Timed(start=NOON, end=NOON + HOUR, zone=LONDON)


def test_the_way_to_an_event_is_before_it() -> None:
    assert travel_to(state(TIMED, travel_minutes=45)) == Span(start=NOON - timedelta(minutes=45), end=NOON)


@pytest.mark.parametrize("minutes", [None, 0, -5, 2 * 24 * 60 + 1])
def test_no_way_or_one_that_means_nothing_takes_no_time(minutes: int | None) -> None:
    assert travel_to(state(TIMED, travel_minutes=minutes)) is None


def test_nobody_travels_to_what_is_deleted_or_takes_all_day() -> None:
    assert travel_to(state(TIMED, travel_minutes=45, deleted=True)) is None
    days = AllDay(start=date(2026, 6, 22), end=date(2026, 6, 23), zone=LONDON)
    assert travel_to(state(days, travel_minutes=45)) is None


def test_an_all_day_event_takes_its_zones_days() -> None:
    days = AllDay(start=date(2026, 3, 28), end=date(2026, 3, 30), zone=LONDON)
    assert time_of(state(days)).length == 47 * HOUR
    assert time_of(state(TIMED)) == Span(start=NOON, end=NOON + HOUR)


def test_what_outlook_holds_takes_only_the_way_beside_it() -> None:
    way, own = Span(start=NOON - HOUR, end=NOON), Span(start=NOON, end=NOON + HOUR)
    assert taken_by(state(TIMED, travel_minutes=60), in_outlook=True) == (way,)
    assert taken_by(state(TIMED, travel_minutes=60), in_outlook=False) == (way, own)
    assert taken_by(state(TIMED), in_outlook=True) == ()


@pytest.mark.parametrize("kind", list(EventType))
def test_deadlines_and_tasks_take_no_time(kind: EventType) -> None:
    moment = kind in (EventType.DEADLINE, EventType.TASK_DUE)
    assert bool(taken_by(state(TIMED, event_type=kind), in_outlook=False)) is not moment
    way = Span(start=NOON - HOUR, end=NOON)
    assert taken_by(state(TIMED, event_type=kind, travel_minutes=60), in_outlook=False)[0] == way


def test_what_is_deleted_takes_no_time() -> None:
    assert taken_by(state(TIMED, travel_minutes=60, deleted=True), in_outlook=False) == ()


# --- gaps and slots ---------------------------------------------------------------------------------------------------


def free(working: list[Span], taken: list[Span], duration: timedelta = HOUR, now: datetime = EVER) -> tuple[Span, ...]:
    return free_periods(working, taken, duration=duration, now=now)


def test_gaps_that_are_too_short_are_none() -> None:
    assert free([span(9, 17)], [span(10, 11), span(11.5, 16)]) == (span(9, 10), span(16, 17))
    assert free([span(9, 17)], [span(8, 18)]) == ()
    assert free([], []) == ()


def test_what_is_over_is_no_gap() -> None:
    assert free([span(9, 17)], [], now=MIDNIGHT + 12 * HOUR) == (span(12, 17),)
    assert free([span(9, 17)], [], now=MIDNIGHT + 20 * HOUR) == ()
    assert free([span(9, 17)], [], now=MIDNIGHT + 8 * HOUR) == (span(9, 17),)


def starts(periods: list[Span], duration: timedelta = HOUR, zone: str = "UTC") -> list[str]:
    found = slots_in(periods, duration=duration, zone=zone)
    assert all(each.length == duration for each in found)
    return [each.start.astimezone(ZoneInfo(zone)).strftime("%H:%M") for each in found]


def test_slots_begin_with_the_gap_and_at_half_hours() -> None:
    assert starts([span(9, 11)]) == ["09:00", "09:30", "10:00"]
    assert starts([span(9.25, 11)]) == ["09:15", "09:30", "10:00"]
    assert starts([span(9.2, 10.5)]) == ["09:15", "09:30"]
    assert starts([span(9, 9.9)]) == []
    assert starts([span(9, 10), span(12, 13)]) == ["09:00", "12:00"]


def test_half_hours_are_those_on_the_wall() -> None:
    """Kathmandu is 5:45 ahead of UTC."""
    assert starts([span(9, 11)], zone="Asia/Kathmandu") == ["14:45", "15:00", "15:30"]


def test_slots_go_on_while_the_clocks_are_changed() -> None:
    """01:30 occurs twice, and 01:00 never, as the clocks in London have it."""
    autumn = Span(start=clock(LONDON, 2026, 10, 25, 0), end=clock(LONDON, 2026, 10, 25, 3))
    spring = Span(start=clock(LONDON, 2026, 3, 29, 0), end=clock(LONDON, 2026, 3, 29, 3))
    assert starts([autumn], zone=LONDON) == ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    assert starts([spring], zone=LONDON) == ["00:00", "00:30", "02:00"]


ZONES = st.sampled_from([LONDON, NEW_YORK, SYDNEY, "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "UTC"])
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(
    st.builds(
        WorkingHours,
        days=st.frozensets(st.integers(0, 6)),
        start=st.times(),
        end=st.times(),
        zone=ZONES,
        mailbox_zone=ZONES,
    ),
    DAYS,
    st.lists(st.tuples(st.integers(-60, 100), st.integers(1, 40)), max_size=6),
    st.integers(5, 1440),
    st.integers(-30, 30),
)
@LAWS
def test_every_slot_lies_in_working_time_of_the_day_and_in_nothing_that_is_taken(
    working: WorkingHours, day: date, taken: list[tuple[int, int]], minutes: int, passed: int
) -> None:
    limits, duration = day_of(day, working.mailbox_zone), timedelta(minutes=minutes)
    busy = [
        Span(start=limits.start + start * HOUR / 4, end=limits.start + (start + length) * HOUR / 4)
        for start, length in taken
    ]
    now = limits.start + passed * HOUR
    spans = working_spans(working, day)
    assert within(spans, limits) == spans == merged(spans)
    gaps = free_periods(spans, busy, duration=duration, now=now)
    found = slots_in(gaps, duration=duration, zone=working.mailbox_zone)
    for slot in found:
        assert slot.length == duration
        assert without([slot], spans) == ()
        assert slot.start >= now
        assert without([slot], busy) == (slot,)
    long_enough = [gap for gap in gaps if gap.length >= duration + timedelta(minutes=5)]
    assert bool(found) >= bool(long_enough), "a gap with room to spare has a slot"
    assert all(len([slot for slot in found if gap.start <= slot.start]) for gap in long_enough)
    assert timedelta(minutes=30) == SLOT_STEP


# --- whose calendars --------------------------------------------------------------------------------------------------


def calendar(name: str, owner: str, *, default: bool = False) -> CalendarInfo:
    return CalendarInfo(
        calendar_id=name, name=name, color="auto", is_default=default, can_edit=True, owner_address=owner
    )


def test_calendars_that_others_have_shared_are_not_ones_own_time() -> None:
    own = [calendar("Calendar", "rose@x.test", default=True), calendar("Private", "Rose@X.test"), calendar("Old", "")]
    assert own_calendars([*own, calendar("Ivy's", "ivy@x.test")]) == tuple(own)


def test_an_owner_is_the_same_however_their_address_is_written() -> None:
    own = (calendar("Calendar", "Rose@X.test", default=True), calendar("Private", "rose@x.test"))
    assert own_calendars(own) == own


def test_where_nobody_says_whose_they_are_all_count() -> None:
    given_calendars = (calendar("Calendar", "", default=True), calendar("Ivy's", "ivy@x.test"))
    assert own_calendars(given_calendars) == given_calendars
    assert own_calendars(given_calendars[1:]) == given_calendars[1:]
