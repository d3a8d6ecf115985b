"""What becomes of each kind of VEVENT, on calendars written here."""

from typing import Any

import pytest

from local.ics import Conversion, Unreadable, convert
from tests.local.ics.calendars import OWNER, calendar, vevent

LONDON = "DTSTART;TZID=Europe/London:20260601T090000\nDTEND;TZID=Europe/London:20260601T100000"
WEEKLY = f"{LONDON}\nRRULE:FREQ=WEEKLY;COUNT=5"


def one(text: str, head: str = "") -> dict[str, Any]:
    [event] = convert(calendar(vevent(text), head=head), OWNER).events
    return event


def edit(original: str, text: str) -> str:
    return vevent(f"RECURRENCE-ID;TZID=Europe/London:{original}\n{text}")


def at(clock: str, zone: str = "Europe/London") -> dict[str, str]:
    return {"dateTime": clock, "timeZone": zone}


def reasons(outcome: Conversion) -> list[str]:
    return [remark.reason for remark in outcome.refusals]


def test_a_timed_event() -> None:
    event = one(f"{LONDON}\nSUMMARY:Menu\\, cake & <b>\nDESCRIPTION:one\\ntwo\nLOCATION:Café Añejo")
    assert event["subject"] == "Menu, cake & <b>"
    assert event["body"] == {"contentType": "text", "content": "one\ntwo"}
    assert event["location"] == {"displayName": "Café Añejo"}
    assert (event["start"], event["end"]) == (at("2026-06-01T09:00:00"), at("2026-06-01T10:00:00"))
    assert event["isAllDay"] is False


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        ("DTEND;VALUE=DATE:20260603", "2026-06-03"),
        ("DURATION:P3D", "2026-06-04"),
        ("", "2026-06-02"),
        ("DTEND;VALUE=DATE:20260601", "2026-06-02"),
    ],
)
def test_all_day_events_end_at_a_later_midnight_of_the_mailbox(end: str, wanted: str) -> None:
    event = one(f"DTSTART;VALUE=DATE:20260601\n{end}")
    assert event["isAllDay"] is True
    assert event["start"] == at("2026-06-01T00:00:00", "GMT Standard Time")
    assert event["end"] == at(f"{wanted}T00:00:00", "GMT Standard Time")


def test_without_an_end_a_timed_event_has_no_length() -> None:
    event = one("DTSTART:20260601T090000Z")
    assert event["start"] == event["end"] == at("2026-06-01T09:00:00", "UTC")


def test_a_duration_in_hours_is_exact_over_a_clock_change() -> None:
    event = one("DTSTART;TZID=Europe/London:20260328T230000\nDURATION:PT4H")
    assert event["end"] == at("2026-03-29T04:00:00")


def test_a_duration_in_days_keeps_the_clock() -> None:
    assert one("DTSTART;TZID=Europe/London:20260328T230000\nDURATION:P1D")["end"] == at("2026-03-29T23:00:00")


def test_start_and_end_may_be_in_two_zones() -> None:
    event = one("DTSTART;TZID=Europe/London:20260601T110000\nDTEND;TZID=America/New_York:20260601T140000")
    assert (event["start"]["timeZone"], event["end"]["timeZone"]) == ("Europe/London", "America/New_York")


def test_windows_zone_names_are_kept() -> None:
    assert one("DTSTART;TZID=Eastern Standard Time:20260601T090000")["start"]["timeZone"] == "Eastern Standard Time"


@pytest.mark.parametrize(
    "tzid",
    ["/mozilla.org/20070129_1/Europe/Paris", "/Europe/Paris", "posix/Europe/Paris", "/x.example/Tzfile/Europe/Paris"],
)
def test_zones_named_with_a_prefix(tzid: str) -> None:
    assert one(f"DTSTART;TZID={tzid}:20260601T090000")["start"] == at("2026-06-01T09:00:00", "Europe/Paris")


CUSTOM = """
BEGIN:VTIMEZONE
TZID:Mine
{location}
BEGIN:STANDARD
DTSTART:19701101T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700308T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
END:VTIMEZONE
"""


def test_a_custom_zone_is_found_by_its_location() -> None:
    text = CUSTOM.format(location="X-LIC-LOCATION:America/Toronto")
    event = one("DTSTART;TZID=Mine:20260601T090000", head=text)
    assert event["start"] == at("2026-06-01T09:00:00", "America/Toronto")


def test_a_custom_zone_is_found_by_its_offsets() -> None:
    event = one("DTSTART;TZID=Mine:20260601T090000", head=CUSTOM.format(location=""))
    assert event["start"] == at("2026-06-01T09:00:00", "Eastern Standard Time")


ODD = """
BEGIN:VTIMEZONE
TZID:Odd
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0123
TZOFFSETTO:+0123
END:STANDARD
END:VTIMEZONE
"""


def test_offsets_that_no_zone_has_are_given_in_utc() -> None:
    outcome = convert(calendar(vevent("DTSTART;TZID=Odd:20260601T090000"), head=ODD), OWNER)
    assert outcome.events[0]["start"] == at("2026-06-01T07:37:00", "UTC")
    assert "given in UTC" in outcome.notes[0].reason


def test_a_series_with_such_offsets_is_refused() -> None:
    text = "DTSTART;TZID=Odd:20260601T090000\nRRULE:FREQ=DAILY;COUNT=3"
    outcome = convert(calendar(vevent(text), head=ODD), OWNER)
    assert reasons(outcome) == ["it recurs in a time zone that Outlook does not have"]


def test_a_zone_that_exchange_refuses_is_not_sent() -> None:
    assert one("DTSTART;TZID=Africa/Casablanca:20260601T090000")["start"]["timeZone"] != "Africa/Casablanca"


def test_floating_time_is_the_mailboxs_and_says_so() -> None:
    outcome = convert(calendar(vevent("DTSTART:20260601T090000")), OWNER)
    assert outcome.events[0]["start"] == at("2026-06-01T09:00:00", "GMT Standard Time")
    assert [note.reason for note in outcome.notes] == ["floating time, read in the mailbox's zone"]


def test_x_wr_timezone_is_where_floating_times_are() -> None:
    event = one("DTSTART:20260601T090000", head="X-WR-TIMEZONE:Europe/Rome")
    assert event["start"] == at("2026-06-01T09:00:00", "Europe/Rome")


def test_exdates_delete_occurrences_also_when_written_in_utc() -> None:
    event = one(f"{WEEKLY}\nEXDATE:20260608T080000Z\nEXDATE;TZID=Europe/London:20260615T090000,20260622T090000")
    assert event["_cancelled"] == ["2026-06-08", "2026-06-15", "2026-06-22"]


def test_an_exdate_that_names_nothing_is_noted() -> None:
    outcome = convert(calendar(vevent(f"{WEEKLY}\nEXDATE:20260609T080000Z")), OWNER)
    assert [note.reason for note in outcome.notes] == ["an EXDATE names no occurrence and is left out"]


def test_an_edited_occurrence_is_an_exception() -> None:
    moved = "DTSTART;TZID=Europe/London:20260609T140000\nDTEND;TZID=Europe/London:20260609T150000\nSUMMARY:Moved"
    [event] = convert(calendar(vevent(WEEKLY), edit("20260608T090000", moved)), OWNER).events
    [exception] = event["_exceptions"]
    assert exception["originalDate"] == "2026-06-08"
    assert exception["subject"] == "Moved"
    assert exception["start"] == at("2026-06-09T14:00:00")


def test_a_cancelled_occurrence_is_deleted() -> None:
    cancelled = f"{LONDON.replace('0601', '0608')}\nSTATUS:CANCELLED"
    [event] = convert(calendar(vevent(WEEKLY), edit("20260608T090000", cancelled)), OWNER).events
    assert event["_cancelled"] == ["2026-06-08"]
    assert event["_exceptions"] == []


def test_an_occurrence_moved_across_its_neighbour_becomes_a_single_event() -> None:
    far = LONDON.replace("0601", "0618")
    series, single = convert(calendar(vevent(WEEKLY), edit("20260608T090000", far)), OWNER).events
    assert series["_cancelled"] == ["2026-06-08"]
    assert single["start"] == at("2026-06-18T09:00:00")


def test_the_later_revision_of_an_edit_counts() -> None:
    old = f"{LONDON.replace('0601', '0608')}\nSUMMARY:old\nSEQUENCE:1"
    new = f"{LONDON.replace('0601', '0608')}\nSUMMARY:new\nSEQUENCE:2"
    outcome = convert(calendar(vevent(WEEKLY), edit("20260608T090000", new), edit("20260608T090000", old)), OWNER)
    assert [item["subject"] for item in outcome.events[0]["_exceptions"]] == ["new"]
    assert [note.position for note in outcome.notes] == [3]


def test_an_edit_without_its_series_is_a_single_event() -> None:
    outcome = convert(calendar(edit("20260608T090000", LONDON)), OWNER)
    assert len(outcome.events) == len(outcome.notes) == 1


def test_this_and_future_is_refused() -> None:
    text = vevent(f"RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/London:20260608T090000\n{LONDON}")
    assert "THISANDFUTURE" in reasons(convert(calendar(vevent(WEEKLY), text), OWNER))[0]


def test_rdates_are_single_events_and_periods_have_their_own_length() -> None:
    text = f"{WEEKLY}\nRDATE;TZID=Europe/London:20260603T090000\nRDATE;VALUE=PERIOD:20260604T080000Z/PT3H"
    series, first, second = convert(calendar(vevent(text)), OWNER).events
    assert "recurrence" in series
    assert (first["start"], first["end"]) == (at("2026-06-03T09:00:00"), at("2026-06-03T10:00:00"))
    assert (second["start"], second["end"]) == (at("2026-06-04T09:00:00"), at("2026-06-04T12:00:00"))


def test_a_cancelled_event_shows_as_outlook_shows_it() -> None:
    event = one(f"{LONDON}\nSUMMARY:Tasting\nSTATUS:CANCELLED")
    assert (event["subject"], event["showAs"], event["isCancelled"]) == ("Canceled: Tasting", "free", True)


@pytest.mark.parametrize(
    ("line", "member", "value"),
    [
        ("CLASS:PRIVATE", "sensitivity", "private"),
        ("CLASS:CONFIDENTIAL", "sensitivity", "confidential"),
        ("CLASS:PUBLIC", "sensitivity", "normal"),
        ("TRANSP:TRANSPARENT", "showAs", "free"),
        ("STATUS:TENTATIVE", "showAs", "tentative"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "showAs", "oof"),
        ("PRIORITY:1", "importance", "high"),
        ("PRIORITY:9", "importance", "low"),
        ("X-MICROSOFT-CDO-IMPORTANCE:2", "importance", "high"),
        ("CATEGORIES:A,B\nCATEGORIES:A", "categories", ["A", "B"]),
        (
            "X-ALT-DESC;FMTTYPE=text/html:<p>rich</p>\nDESCRIPTION:plain",
            "body",
            {"contentType": "html", "content": "<p>rich</p>"},
        ),
        (
            "LOCATION:Pier\nGEO:40.5;-73.9",
            "location",
            {"displayName": "Pier", "coordinates": {"latitude": 40.5, "longitude": -73.9}},
        ),
    ],
)
def test_members(line: str, member: str, value: Any) -> None:
    assert one(f"{LONDON}\n{line}")[member] == value


@pytest.mark.parametrize(
    ("trigger", "minutes"),
    [
        ("TRIGGER:-PT30M", 30),
        ("TRIGGER:-P1D", 1440),
        ("TRIGGER:PT5M", 0),
        ("TRIGGER;RELATED=END:-PT90M", 30),
        ("TRIGGER;VALUE=DATE-TIME:20260601T074500Z", 15),
    ],
)
def test_an_alarm_is_a_reminder_before_the_start(trigger: str, minutes: int) -> None:
    event = one(f"{LONDON}\nBEGIN:VALARM\nACTION:DISPLAY\n{trigger}\nEND:VALARM")
    assert (event["isReminderOn"], event["reminderMinutesBeforeStart"]) == (True, minutes)


def test_no_alarm_no_reminder() -> None:
    assert one(LONDON)["isReminderOn"] is False


PEOPLE = """
ATTENDEE;CN=Ana;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:ana@guests.example
ATTENDEE;CUTYPE=ROOM:MAILTO:room@venue.example
ATTENDEE;CN=Rose;PARTSTAT=TENTATIVE:mailto:rose@havenweddings.example
"""


def test_the_owners_own_meeting_lists_the_others() -> None:
    event = one(f"{LONDON}\nORGANIZER:mailto:Rose@havenweddings.example{PEOPLE}")
    assert "_organizer" not in event
    assert [(guest["emailAddress"]["address"], guest["type"]) for guest in event["attendees"]] == [
        ("ana@guests.example", "optional"),
        ("room@venue.example", "resource"),
    ]
    assert event["attendees"][0]["emailAddress"]["name"] == "Ana"
    assert event["attendees"][0]["status"]["response"] == "accepted"


def test_an_invitation_names_its_organizer_and_the_owners_answer() -> None:
    event = one(f"{LONDON}\nORGANIZER;CN=Petra:mailto:petra@venue.example{PEOPLE}")
    assert event["_organizer"] == {"name": "Petra", "address": "petra@venue.example"}
    assert len(event["attendees"]) == 3
    assert event["responseStatus"]["response"] == "tentativelyAccepted"


def test_what_has_no_place_in_outlook_is_counted() -> None:
    outcome = convert(calendar(vevent(f"{LONDON}\nURL:https://a.example\nATTENDEE:urn:x:1{PEOPLE}")), OWNER)
    assert outcome.unused == {"URL": 1, "ATTENDEE (without e-mail address)": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SUMMARY:no start", "there is no DTSTART"),
        ("DTSTART:tomorrow", "DTSTART cannot be read"),
        ("DTSTART:20260601T090000Z\nDTEND:20260601T080000Z", "it ends before it starts"),
        ("DTSTART:20260601T090000Z\nRRULE:FREQ=SOMETIMES", "its recurrence rule cannot be read"),
        (
            "DTSTART:20260601T090000Z\nRRULE:FREQ=DAILY;UNTL=20260701",
            "its recurrence rule has a part that iCalendar does not know",
        ),
        (
            "DTSTART:20260601T090000Z\nRRULE:RSCALE=CHINESE;FREQ=YEARLY",
            "its recurrence rule counts in a calendar other than the Gregorian",
        ),
    ],
)
def test_refusals_name_position_uid_and_reason(text: str, reason: str) -> None:
    outcome = convert(calendar(vevent(LONDON, uid="good"), vevent(text, uid="bad")), OWNER)
    assert len(outcome.events) == 1
    assert [(item.position, item.uid, item.reason) for item in outcome.refusals] == [(2, "bad", reason)]


def test_more_attendees_than_graph_takes_are_refused() -> None:
    guests = "\n".join(f"ATTENDEE:mailto:guest{number}@guests.example" for number in range(501))
    assert reasons(convert(calendar(vevent(f"{LONDON}\n{guests}")), OWNER)) == ["it has more than 500 attendees"]


def test_events_without_uid_stay_apart() -> None:
    bare = f"BEGIN:VEVENT\n{LONDON}\nEND:VEVENT"
    assert len(convert(calendar(bare, bare), OWNER).events) == 2


def test_text_that_is_no_calendar_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        convert("this is not a calendar", OWNER)


def test_no_remark_holds_content() -> None:
    secret = "SUMMARY:canary-a\nDESCRIPTION:canary-b\nLOCATION:canary-c"
    outcome = convert(
        calendar(
            vevent(f"DTSTART:20260601T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15\n{secret}"),
            vevent(f"DTSTART:20260601T090000\nDTEND:20260501T090000\n{secret}", uid="two"),
            vevent(f"DTSTART:20260601T090000\nRRULE:FREQ=DAILY;BYHOUR=1,2;COUNT=4\n{secret}", uid="three"),
        ),
        OWNER,
    )
    assert len(outcome.refusals) == 2
    assert all("canary" not in remark.reason for remark in (*outcome.refusals, *outcome.notes))
