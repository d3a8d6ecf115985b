"""Event JSON to values and back."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.graph import bodies
from shared.core.canon import canonical, key, with_prefix
from shared.core.event import AllDay, Attendee, CalendarEvent, Field, OutlookKind, Place, Timed
from shared.graph.protocol import MARKER_ID
from shared.graph.wire import (
    compose_event,
    fill_occurrence,
    is_minimal,
    is_removed,
    patch_members,
    read_attendees,
    read_calendar,
    read_event,
    read_place,
)
from shared.ports import OutlookDraft, OutlookPatch

START = datetime(2026, 8, 4, 14, tzinfo=UTC)
FULL: dict[str, Any] = {
    "@odata.etag": 'W/"c0JyZA=="',
    "id": "AAkALg",
    "changeKey": "c0JyZA==",
    "lastModifiedDateTime": "2026-07-18T07:46:27.5509919Z",
    "transactionId": "t-1",
    "originalStartTimeZone": "W. Europe Standard Time",
    "originalEndTimeZone": "W. Europe Standard Time",
    "subject": " Cake  tasting ",
    "body": {"contentType": "text", "content": "Bring list\r\n\r\nand cake \r\n"},
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": True,
    "type": "singleInstance",
    "seriesMasterId": None,
    "occurrenceId": None,
    "sensitivity": "normal",
    "categories": ["venue_visit", 5],
    "start": {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-08-04T15:00:00.0000000", "timeZone": "UTC"},
    "location": {
        "displayName": "Villa",
        "address": {"street": "Via Roma 1", "city": "Firenze", "postalCode": "50100", "countryOrRegion": "Italia"},
    },
    "attendees": [
        {"emailAddress": {"name": "Guest", "address": "Guest@Example.com"}},
        {"emailAddress": {"name": "T", "address": "T@example.test"}},
        {"emailAddress": {"name": "", "address": ""}},
        {"emailAddress": {"name": "Nameless list"}},
        "junk",
    ],
    "organizer": {"emailAddress": {"name": "T", "address": "t@example.test"}},
    "isOnlineMeeting": False,
    "singleValueExtendedProperties": [
        {"id": "String {0} Name Other", "value": "x"},
        {"id": MARKER_ID.replace("b3f5a0c2", "B3F5A0C2"), "value": "m-1"},
    ],
}


def test_a_full_event_is_read() -> None:
    state = read_event(FULL)
    assert state.content == CalendarEvent(
        title="Cake tasting",
        time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/Berlin"),
        description="Bring list\n\nand cake",
        location=Place(name="Villa", address="Via Roma 1, Firenze, 50100, Italia"),
        attendees=(Attendee(email="", name="Nameless list"), Attendee(email="guest@example.com", name="Guest")),
    )
    assert (state.event_id, state.etag, state.transaction_id) == ("AAkALg", 'W/"c0JyZA=="', "t-1")
    assert state.changed_at == datetime(2026, 7, 18, 7, 46, 27, 550991, tzinfo=UTC)
    assert (state.marker, state.categories) == ("m-1", ("venue_visit",))
    assert (state.kind, state.series_id, state.occurrence_date) == (OutlookKind.SINGLE, None, None)
    assert (state.is_organizer, state.cancelled, state.online_meeting) == (True, False, False)
    assert state.is_meeting


def test_flags_are_read() -> None:
    state = read_event(FULL | {"isOrganizer": False, "isCancelled": True, "isOnlineMeeting": True})
    assert (state.is_organizer, state.cancelled, state.online_meeting) == (False, True, True)


@pytest.mark.parametrize(
    ("sensitivity", "private"), [("normal", False), ("personal", False), ("private", True), ("Confidential", True)]
)
def test_sensitivity_is_private_or_not(sensitivity: str, private: bool) -> None:
    assert read_event(FULL | {"sensitivity": sensitivity}).content.private is private


def test_almost_nothing_is_still_an_event() -> None:
    state = read_event({"id": "a"})
    assert state.content == CalendarEvent(
        title="", time=Timed(start=datetime(1, 1, 1, tzinfo=UTC), end=datetime(1, 1, 1, tzinfo=UTC))
    )
    assert (state.etag, state.transaction_id, state.marker, state.categories) == ("", None, None, ())
    assert read_event({"id": "a", "changeKey": "k"}).etag == 'W/"k"'
    assert read_event({"id": "a", "seriesMasterId": "m", "type": "other"}).kind is OutlookKind.OCCURRENCE
    assert read_place({}) == Place()
    assert read_attendees({}) == ()


@pytest.mark.parametrize(
    ("members", "day"),
    [
        ({"type": "exception", "occurrenceId": "OID.AAkA=.x.2026-08-17"}, date(2026, 8, 17)),
        ({"type": "occurrence", "occurrenceId": "OID.m.2026-13-99"}, date(2026, 8, 4)),
        ({"type": "exception", "occurrenceId": None, "originalStart": "2026-08-03T22:30:00Z"}, date(2026, 8, 4)),
        ({"type": "exception"}, None),
        ({"type": "occurrence"}, date(2026, 8, 4)),
        ({"type": "seriesMaster", "occurrenceId": "OID.m.2026-08-17"}, None),
        ({"type": "occurrence", "isAllDay": True, "originalStartTimeZone": "Tokyo Standard Time"}, date(2026, 8, 5)),
    ],
)
def test_an_occurrence_knows_its_original_date(members: dict[str, Any], day: date | None) -> None:
    assert read_event(FULL | {"seriesMasterId": "m"} | members).occurrence_date == day


def test_a_minimal_occurrence_is_filled_from_its_master() -> None:
    master = FULL | {
        "type": "seriesMaster",
        "recurrence": {"range": {"recurrenceTimeZone": "Tokyo Standard Time"}},
    }
    minimal = {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": 'W/"DwAAAAQAAABzQnJk"',
        "id": "o-1",
        "seriesMasterId": "AAkALg",
        "type": "occurrence",
        "start": {"dateTime": "2026-08-11T15:30:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-08-11T17:00:00.0000000", "timeZone": "UTC"},
    }
    assert is_minimal(minimal)
    assert not is_minimal(master)
    assert is_removed({"id": "a", "@removed": {"reason": "deleted"}})
    state = fill_occurrence(minimal, master)
    assert (state.content.title, state.content.location.name) == ("Cake tasting", "Villa")
    assert state.content.time == Timed(
        start=START + timedelta(days=7, minutes=90), end=START + timedelta(days=7, hours=3), zone="Europe/Berlin"
    )
    assert (state.event_id, state.series_id, state.kind) == ("o-1", "AAkALg", OutlookKind.OCCURRENCE)
    assert state.occurrence_date == date(2026, 8, 12)  # it is past midnight in Tokyo, where the series recurs
    assert (state.etag, state.transaction_id, state.marker) == ('W/"c0JyZA=="', None, None)
    assert fill_occurrence(minimal, {}).content.title == ""


def test_a_calendar_is_read() -> None:
    info = read_calendar(
        {"id": "c", "name": "Kalender", "color": "auto", "hexColor": "", "isDefaultCalendar": True, "canEdit": False}
    )
    assert (info.calendar_id, info.name, info.color, info.is_default, info.can_edit) == (
        "c",
        "Kalender",
        "auto",
        True,
        False,
    )
    assert read_calendar({"hexColor": "#ff0000", "color": "auto"}).color == "#ff0000"


def draft(**changes: Any) -> OutlookDraft:
    content = CalendarEvent(title="Visit", time=Timed(start=START, end=START, zone="Europe/Rome"))
    return replace(
        OutlookDraft(mapping_id="m-1", transaction_id="t-1", content=content, title="WedSync: Visit"), **changes
    )


def test_a_bare_create_says_what_defaults_would_decide() -> None:
    assert json.loads(compose_event(draft())) == {
        "subject": "WedSync: Visit",
        "start": {"dateTime": "2026-08-04T16:00:00", "timeZone": "Europe/Rome"},
        "end": {"dateTime": "2026-08-04T16:00:00", "timeZone": "Europe/Rome"},
        "isAllDay": False,
        "sensitivity": "normal",
        "showAs": "busy",
        "isReminderOn": False,
        "transactionId": "t-1",
        "singleValueExtendedProperties": [{"id": MARKER_ID, "value": "m-1"}],
    }


def test_a_full_create_never_names_people() -> None:
    content = CalendarEvent(
        title="Visit",
        time=AllDay(start=date(2026, 8, 4), end=date(2026, 8, 5), zone="Europe/Rome"),
        description="x",
        location=Place(address="Via Roma"),
        private=True,
        attendees=(Attendee(email="guest@example.com"),),
    )
    body = json.loads(
        compose_event(draft(content=content, reminder_minutes=0, show_as="free", categories=("venue_visit",)))
    )
    assert body["start"] == {"dateTime": "2026-08-04T00:00:00", "timeZone": "Europe/Rome"}
    assert (body["isAllDay"], body["sensitivity"], body["showAs"]) == (True, "private", "free")
    assert (body["isReminderOn"], body["reminderMinutesBeforeStart"]) == (True, 0)
    assert body["body"] == {"contentType": "text", "content": "x"}
    assert body["location"] == {"displayName": "", "address": {"street": "Via Roma"}}
    assert body["categories"] == ["venue_visit"]
    assert "attendees" not in body
    refused = json.loads(compose_event(draft(), refused_zones={"Europe/Rome"}))
    assert refused["start"] == {"dateTime": "2026-08-04T14:00:00", "timeZone": "UTC"}


@pytest.mark.parametrize(
    ("field", "members"),
    [
        (Field.TITLE, {"subject"}),
        (Field.TIME, {"start", "end", "isAllDay"}),
        (Field.LOCATION, {"location"}),
        (Field.DESCRIPTION, {"body"}),
        (Field.PRIVATE, {"sensitivity"}),
    ],
)
def test_a_patch_names_the_changed_members_alone(field: Field, members: set[str]) -> None:
    patch = OutlookPatch(fields=frozenset({field}), content=draft().content, title="x")
    assert patch_members(patch).keys() == members


def test_a_patch_never_names_people() -> None:
    patch = OutlookPatch(fields=frozenset({Field.ATTENDEES}), content=draft().content, title="x")
    with pytest.raises(ValueError, match="never written"):
        patch_members(patch)


# --- canon(graph(canon(x))) == canon(x) ----------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
moments = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
contents = st.builds(
    CalendarEvent,
    title=texts,
    description=texts,
    time=st.builds(
        lambda start, minutes, zone: Timed(start=start, end=start + timedelta(minutes=minutes), zone=zone),
        moments,
        st.integers(0, 10_000),
        st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"]),
    ),
    location=st.builds(Place, name=texts, address=texts),
    private=st.booleans(),
).map(canonical)


def exchange(payload: str) -> dict[str, Any]:
    """What Exchange makes of a written event: bodies rewritten and read as text again, times in UTC."""
    item: dict[str, Any] = json.loads(payload)
    for name in ("start", "end"):
        state = read_event({"start": item[name], "end": item[name]})
        shown = f"{state.content.time.start:%Y-%m-%dT%H:%M:%S}.0000000"
        item[f"original{name.capitalize()}TimeZone"] = item[name]["timeZone"]
        item[name] = {"dateTime": f"{shown:0>27}", "timeZone": "UTC"}
    kept = bodies.store("text", item.get("body", {}).get("content", ""))
    return item | {"id": "a", "body": {"contentType": "text", "content": bodies.to_text(kept)}}


@given(contents)
def test_what_exchange_returns_is_what_was_meant(content: CalendarEvent) -> None:
    title = with_prefix(content.title, "")
    payload = compose_event(draft(content=content, title=title))
    back = read_event(exchange(payload)).content
    meant = replace(content, title=title)
    for field in Field:
        assert key(field, back) == key(field, canonical(meant)), field
    again = read_event(exchange(compose_event(draft(content=back, title=back.title)))).content
    assert replace(again, time=back.time) == back
