"""The canonical form: a fixed point, lossless where it can be, and the same on both sides of Exchange."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.core import canon
from shared.core.canon import (
    canonical,
    changed_fields,
    fitted,
    key,
    part_hash,
    same,
    sync_hash,
    with_prefix,
    without_prefix,
)
from shared.core.event import AllDay, Attendee, CalendarEvent, Field, Place, Timed
from tests.core.strategies import ANY_TEXT, EVENT, HOUR, LAWS, NOON, RAW_EVENTS, RAW_TIMES, events

PREFIXES = (
    st.sampled_from(["", "WedSync: ", "WedSync:", "[W]  ", "\xa0W\t", "e", "W" * 250, "W" * 255, "W" * 300]) | ANY_TEXT
)


def exchange(event: CalendarEvent) -> CalendarEvent:
    """Rewrite an event as Exchange does (facts S17, S19): it keeps the words and little else."""
    body = event.description.replace("\n", " \r\n").replace("  ", " \xa0")
    cut = event.title.encode("utf-16-le")[: 2 * 255].decode("utf-16-le", errors="ignore")
    return replace(event, title=cut + " ", description=f"\r\n{body}\xa0 \r\n\r\n")


@LAWS
@given(RAW_EVENTS)
def test_canonical_form_is_a_fixed_point(event: CalendarEvent) -> None:
    once = canonical(event)
    assert canonical(once) == once


@LAWS
@given(RAW_EVENTS, st.sampled_from(["", "WedSync: "]))
def test_what_exchange_makes_of_an_event_is_no_change(event: CalendarEvent, prefix: str) -> None:
    sent = canonical(event)
    written = replace(sent, title=with_prefix(sent.title, prefix))
    back = canonical(exchange(written))
    seen = replace(back, title=without_prefix(back.title, prefix))
    assert changed_fields(fitted(sent, prefix), seen) == frozenset()
    assert canonical(exchange(back)).title == back.title


@LAWS
@given(ANY_TEXT)
def test_text_keeps_its_words_and_loses_what_cannot_travel(text: str) -> None:
    clean = canon.plain(text)
    clean.encode()
    assert not {"\r", "\xa0", "\x00", "\x0b", "\u2028"} & set(clean)
    assert not any(line != line.rstrip() for line in clean.split("\n"))
    assert "\n" not in canon.one_line(text)
    assert canon.one_line(text).split() == clean.split()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  two \r\n lines \r", "two\n lines"),
        ("soft\x0bbreak\u2028and\x85more", "soft\nbreak\nand\nmore"),
        ("cafe\u0301", "café"),
        ("a\x00b\x1f\ud800\ufffec", "abc"),
        ("e\x00\u0301", "é"),
        ("hard\xa0space", "hard space"),
        ("佐藤\u3000花子", "佐藤\u3000花子"),
        ("", ""),
    ],
)
def test_plain_text(raw: str, clean: str) -> None:
    assert canon.plain(raw) == clean


def test_title_is_one_line_and_empty_stays_empty() -> None:
    event = canonical(
        replace(EVENT, title=" Cake \n tasting ", location=Place(name="The\nMill ", address="1\tHigh  St"))
    )
    assert (event.title, event.location) == ("Cake tasting", Place(name="The Mill", address="1 High St"))
    assert canonical(replace(EVENT, title=" \r\n")).title == ""


def test_attendees_are_lower_case_sorted_and_unique() -> None:
    people = (
        Attendee(email=" B@x.org", name="Bea"),
        Attendee(email="a@X.org"),
        Attendee(email="A@x.org", name=" Al "),
        Attendee(email="", name="No Address"),
        Attendee(email="", name="Nobody"),
    )
    assert canonical(replace(EVENT, attendees=people)).attendees == (
        Attendee(email="", name="No Address"),
        Attendee(email="", name="Nobody"),
        Attendee(email="a@x.org", name="Al"),
        Attendee(email="b@x.org", name="Bea"),
    )


@LAWS
@given(RAW_EVENTS)
def test_a_meeting_never_passes_for_something_else(event: CalendarEvent) -> None:
    assert bool(canonical(event).attendees) == bool(event.attendees)


@LAWS
@given(RAW_TIMES)
def test_times_end_after_they_start_in_whole_seconds_of_utc(time: Timed | AllDay) -> None:
    clean = canonical(replace(EVENT, time=time)).time
    assert clean.zone in {"UTC", "Europe/London", "America/New_York"}
    if isinstance(clean, Timed):
        assert clean.end >= clean.start
        assert clean.start.tzinfo is clean.end.tzinfo is UTC
        assert clean.start.microsecond == clean.end.microsecond == 0
    else:
        assert clean.end > clean.start or clean.start == date.max


def test_times_at_the_ends_of_the_calendar() -> None:
    never = datetime.min.replace(tzinfo=timezone(HOUR))
    time = canonical(replace(EVENT, time=Timed(start=never, end=never))).time
    assert time.start == datetime.min.replace(tzinfo=UTC)
    last = canonical(replace(EVENT, time=AllDay(start=date.max, end=date.min))).time
    assert last == AllDay(start=date.max, end=date.max)


def test_naive_times_are_refused() -> None:
    naive = datetime(2026, 6, 20, 12)  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="naive"):
        canonical(replace(EVENT, time=Timed(start=naive, end=naive)))


# --- Keys ---------------------------------------------------------------------------------------------------------


@LAWS
@given(events(), events())
def test_a_hash_is_equal_exactly_where_nothing_changed(a: CalendarEvent, b: CalendarEvent) -> None:
    assert (sync_hash(a) == sync_hash(b)) == (not changed_fields(a, b))
    for which in Field:
        assert (part_hash(a, {which}) == part_hash(b, {which})) == same(which, a, b)
    assert changed_fields(a, b) == changed_fields(b, a) == {which for which in Field if not same(which, a, b)}
    assert changed_fields(a, a) == frozenset()


def test_hash_is_stable() -> None:
    """The hash is stored: a change of its making has to change its version."""
    assert sync_hash(EVENT) == "1:cc63711b00bd4ac6fef8074856813f7b8eefb17ece874f32c720efc79d924ab1"


@LAWS
@given(st.timezones(), st.timezones(), st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_instants_compare_as_instants_whatever_the_zone(one: timezone, two: timezone, utc: datetime) -> None:
    instant = utc.replace(tzinfo=UTC)
    a = canonical(replace(EVENT, time=Timed(start=instant.astimezone(one), end=instant + HOUR, zone=str(one))))
    b = canonical(replace(EVENT, time=Timed(start=instant.astimezone(two), end=instant + HOUR, zone=str(two))))
    assert same(Field.TIME, a, b)
    assert not same(Field.TIME, a, canonical(replace(a, time=Timed(start=instant, end=instant + 2 * HOUR))))


def test_the_two_readings_of_an_hour_that_comes_twice_differ() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 01:30 in London, summer time
    again = first + HOUR  # 01:30 in London once more
    a, b = (replace(EVENT, time=Timed(start=at, end=at + HOUR, zone="Europe/London")) for at in (first, again))
    assert changed_fields(a, b) == {Field.TIME}


def test_all_day_compares_by_dates_and_is_never_timed() -> None:
    day = AllDay(start=date(2026, 6, 20), end=date(2026, 6, 21), zone="Europe/Rome")
    a = replace(EVENT, time=day)
    assert same(Field.TIME, a, replace(EVENT, time=replace(day, zone="UTC")))
    midnight = datetime(2026, 6, 20, tzinfo=UTC)
    assert not same(Field.TIME, a, replace(EVENT, time=Timed(start=midnight, end=midnight + timedelta(days=1))))


def test_keys_ignore_blank_space_between_words_and_names_of_people() -> None:
    a = replace(EVENT, description="one\n\ntwo", attendees=(Attendee(email="a@x.org", name="Al"),))
    b = replace(EVENT, description="one two", attendees=(Attendee(email="a@x.org", name="Albert"),))
    assert changed_fields(a, b) == frozenset()
    assert key(Field.ATTENDEES, a) == ("a@x.org",)
    assert changed_fields(a, replace(a, private=True, location=Place(name="Mill"))) == {Field.PRIVATE, Field.LOCATION}


# --- Subjects -----------------------------------------------------------------------------------------------------


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@LAWS
@given(ANY_TEXT, PREFIXES)
@example("\u0301x", "e")
@example("", "WedSync: ")
@example("x" * 300, "W" * 255)
def test_subjects_fit_and_give_the_title_back(raw: str, prefix: str) -> None:
    title = canon.one_line(raw)
    subject = with_prefix(title, prefix)
    assert units(subject) <= canon.SUBJECT_LIMIT
    assert canon.one_line(subject) == subject
    left = without_prefix(subject, prefix)
    assert title.startswith(left)
    if units(title) + units(canon.one_line(prefix)) + 2 <= canon.SUBJECT_LIMIT:
        assert left == title
    event = replace(EVENT, title=title)
    assert fitted(fitted(event, prefix), prefix) == fitted(event, prefix)


@LAWS
@given(ANY_TEXT, PREFIXES)
def test_a_fitted_title_is_written_as_the_title_itself(raw: str, prefix: str) -> None:
    event = replace(EVENT, title=canon.one_line(raw))
    assert with_prefix(fitted(event, prefix).title, prefix) == with_prefix(event.title, prefix)


@pytest.mark.parametrize("cluster", ["😀", "👍🏽", "👩\u200d👩\u200d👧", "e\u0323\u0302\u0331"])
@pytest.mark.parametrize("room", range(8))
def test_a_cut_never_goes_through_a_character(cluster: str, room: int) -> None:
    whole = canon.one_line(cluster)
    subject = with_prefix("x" * (255 - room) + whole + "tail", "")
    tail = subject.lstrip("x")
    assert tail == "" or tail.startswith(whole)


def test_a_title_of_nothing_but_marks_is_cut_all_the_same() -> None:
    assert units(with_prefix("\u0323" * 300, "")) == canon.SUBJECT_LIMIT


def test_only_our_prefix_is_stripped() -> None:
    assert without_prefix("WedSync: WedSync: Tasting", "WedSync: ") == "WedSync: Tasting"
    assert without_prefix("Tasting", "WedSync: ") == "Tasting"
    assert without_prefix("WedSync:", "WedSync: ") == ""
    assert canon.has_prefix("anything", "")
    assert not canon.has_prefix("Tasting", "WedSync: ")
    assert with_prefix("Tasting", "[W]  ") == "[W] Tasting"


@LAWS
@given(events())
def test_a_mask_leaves_the_time_alone(event: CalendarEvent) -> None:
    assume(event.title != canon.BUSY_TITLE)
    busy = canon.masked(event)
    assert busy == canonical(CalendarEvent(title="Busy", time=event.time, private=True))


def test_masked_noon() -> None:
    assert canon.masked(EVENT).time == Timed(start=NOON, end=NOON + HOUR, zone="Europe/London")
