"""WedSync's event JSON to values and back."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.wedsync.schema import NewEvent
from local.wedsync.schema import parse as checked
from shared.core.canon import canonical
from shared.core.event import AllDay, Attendee, CalendarEvent, EventType, Field, Place, Side, Timed
from shared.errors import Rejected
from shared.ports import WedSyncDraft
from shared.wedsync.wire import compose_event, patch_members, read_event, read_page, write_time

START = datetime(2026, 6, 20, 13, tzinfo=UTC)
FULL: dict[str, Any] = {
    "id": "evt_1",
    "type": "venue_visit",
    "title": "Visit",
    "description": "Bring the plan",
    "start": "2026-06-20T14:00:00",
    "end": "2026-06-20T15:00:00",
    "timeZone": "Europe/London",
    "allDay": False,
    "location": {"name": "Barn", "address": "Lane 1"},
    "attendees": [{"email": "A@example.com", "name": "A"}],
    "travelMinutes": 30,
    "private": True,
    "url": "https://wedsync.example/e/1",
    "source": "outlook",
    "externalId": "outlook:t:o:i",
    "version": 7,
    "updatedAt": "2026-06-01T10:00:00.123Z",
    "deleted": False,
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
zones = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
instants = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_changes = st.builds(
    lambda moment, minutes: moment + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]),
    st.integers(-180, 180),
)
times = st.builds(
    lambda start, minutes, zone: Timed(start=start, end=start + timedelta(minutes=minutes), zone=zone),
    instants | near_changes,
    st.integers(0, 5000),
    zones,
) | st.builds(
    lambda day, length, zone: AllDay(start=day, end=day + timedelta(days=length), zone=zone),
    st.dates(date(1971, 1, 1), date(2090, 1, 1)),
    st.integers(1, 40),
    zones,
)
contents = st.builds(
    CalendarEvent,
    title=texts,
    description=texts,
    time=times,
    location=st.builds(Place, name=texts, address=texts),
    private=st.booleans(),
    attendees=st.lists(st.builds(Attendee, email=st.emails(), name=texts), max_size=3).map(tuple),
).map(canonical)


def test_a_full_event_is_read() -> None:
    state = read_event(FULL)
    assert state.content == CalendarEvent(
        title="Visit",
        time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/London"),
        description="Bring the plan",
        location=Place(name="Barn", address="Lane 1"),
        private=True,
        attendees=(Attendee(email="a@example.com", name="A"),),
    )
    assert (state.event_id, state.version, state.event_type) == ("evt_1", 7, EventType.VENUE_VISIT)
    assert state.updated_at == datetime(2026, 6, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert (state.source, state.external_id, state.travel_minutes) == (Side.OUTLOOK, "outlook:t:o:i", 30)
    assert (state.url, state.deleted) == ("https://wedsync.example/e/1", False)


def test_optional_members_may_be_missing() -> None:
    few = {name: FULL[name] for name in ("id", "version", "start", "end")}
    state = read_event(few | {"type": "brand_new", "updatedAt": "?", "location": None, "attendees": "x"})
    assert state.event_type is EventType.CLIENT_MEETING
    assert state.content.time.zone == "UTC"
    assert state.updated_at == datetime(1, 1, 1, tzinfo=UTC)
    assert (state.external_id, state.travel_minutes, state.source) == (None, None, Side.WEDSYNC)
    assert read_event(few | {"updatedAt": "2026-06-01T10:00:00"}).updated_at.tzinfo is UTC


@pytest.mark.parametrize(
    "spoilt",
    [
        None,
        {"id": ""},
        {"id": 5},
        {"version": "7"},
        {"version": None},
        {"start": "soon"},
        {"end": None},
    ],
)
def test_an_event_that_cannot_be_told_or_placed_is_refused(spoilt: dict[str, Any] | None) -> None:
    with pytest.raises(Rejected):
        read_event(None if spoilt is None else FULL | spoilt)


def test_a_page_is_read() -> None:
    page = read_page({"events": [FULL, FULL | {"deleted": True}], "nextCursor": "c", "hasMore": True})
    assert [state.deleted for state in page.events] == [False, True]
    assert (page.cursor, page.more) == ("c", True)
    spoilt: list[Any] = [None, {"events": []}, {"events": None, "nextCursor": "c"}]
    for odd in spoilt:
        with pytest.raises(Rejected):
            read_page(odd)


def test_an_event_that_cannot_be_read_spoils_no_other_on_its_page() -> None:
    odd = [FULL | {"id": "evt_0", "start": "soon"}, None, FULL]
    page = read_page({"events": odd, "nextCursor": "c", "hasMore": False})
    assert [state.event_id for state in page.events] == ["evt_1"]
    assert page.unreadable == ("evt_0",)


@given(contents)
def test_what_wedsync_keeps_is_what_was_meant(content: CalendarEvent) -> None:
    draft = WedSyncDraft(content=content, event_type=EventType.REHEARSAL, external_id="outlook:1")
    payload = compose_event(draft)
    kept = checked(NewEvent, payload.encode()).model_dump()  # by WedSync's own rules
    back = read_event(kept | {"id": "e", "version": 1, "updatedAt": "2026-06-01T10:00:00Z"})
    assert replace(back.content, time=content.time) == content
    time = back.content.time
    assert (time.start, time.end) == (content.time.start, content.time.end)
    assert time.zone in (content.time.zone, "UTC")
    assert (back.event_type, back.source, back.external_id) == (EventType.REHEARSAL, Side.OUTLOOK, "outlook:1")


@given(times)
def test_written_times_are_clear(time: Timed | AllDay) -> None:
    written: Any = write_time(time)
    start, end = datetime.fromisoformat(written["start"]), datetime.fromisoformat(written["end"])
    assert start <= end
    if isinstance(time, Timed):
        zone = ZoneInfo(written["timeZone"])
        assert {start.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)} == {
            time.start.replace(microsecond=0)
        } or time.start.microsecond
    else:
        assert (start.date(), end.date(), written["timeZone"]) == (time.start, time.end, time.zone)


@pytest.mark.parametrize(
    ("field", "members"),
    [
        (Field.TITLE, {"title"}),
        (Field.DESCRIPTION, {"description"}),
        (Field.TIME, {"start", "end", "timeZone", "allDay"}),
        (Field.LOCATION, {"location"}),
        (Field.PRIVATE, {"private"}),
        (Field.ATTENDEES, {"attendees"}),
    ],
)
def test_a_patch_names_the_changed_members_alone(field: Field, members: set[str]) -> None:
    assert patch_members(frozenset({field}), read_event(FULL).content).keys() == members


def test_people_without_an_address_stay_in_outlook() -> None:
    content = replace(
        read_event(FULL).content,
        attendees=(Attendee(email="", name="List"), Attendee(email="no address"), Attendee(email="a@b.c", name="A")),
    )
    assert patch_members(frozenset({Field.ATTENDEES}), content) == {"attendees": [{"email": "a@b.c", "name": "A"}]}


def test_text_goes_out_readable() -> None:
    draft = WedSyncDraft(content=read_event(FULL).content, event_type=EventType.TASK_DUE, external_id="x:é")
    assert '"externalId":"x:é"' in compose_event(draft)
    assert json.loads(compose_event(draft))["type"] == "task_due"
