"""Creating events: S14-S16 of the fact sheet, over HTTPS."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from local.simkit.people import MARCO, ROSE, Account
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, event, token
from tests.local.graph.sources import ALLODIA, CORSO, CSDL, EVENT, RYKOMA, api, issue, resource

FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
UNSET = "0001-01-01T00:00:00Z"
NOWHERE = {"displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {}}


def plain_event(account: Any) -> dict[str, Any]:
    """What the captures show of a new event beside ids, times of writing and body (fact sheet, section 2.1)."""
    return {
        "transactionId": None,
        "originalStartTimeZone": "Europe/Amsterdam",
        "originalEndTimeZone": "Europe/Amsterdam",
        "subject": "Cake tasting",
        "bodyPreview": "Bring list",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "type": "singleInstance",
        "seriesMasterId": None,
        "occurrenceId": None,
        "showAs": "busy",
        "sensitivity": "normal",
        "importance": "normal",
        "categories": [],
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "responseRequested": True,
        "allowNewTimeProposals": True,
        "hideAttendees": False,
        "isDraft": False,
        "responseStatus": {"response": "organizer", "time": UNSET},
        "start": {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-08-04T15:00:00.0000000", "timeZone": "UTC"},
        "location": NOWHERE,
        "locations": [],
        "recurrence": None,
        "attendees": [],
        "organizer": {"emailAddress": {"name": account.name, "address": account.upn}},
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "onlineMeetingUrl": None,
        "onlineMeeting": None,
        "hasAttachments": False,
    }


MADE_BY_THE_SERVER = {
    "@odata.etag", "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "uid", "webLink", "body",
}  # fmt: skip
OF_A_SINGLE_ENTITY = {"@odata.context", "calendar@odata.associationLink", "calendar@odata.navigationLink"}


@behaviour("S14", Grade.CAPTURED, ALLODIA, EVENT, CSDL)
@pytest.mark.parametrize("who", [MARCO, ROSE], ids=["personal", "work"])
async def test_s14_the_full_event_and_no_other_member(graph: Far, who: Account) -> None:
    zone = "Europe/Amsterdam"
    body = event(
        body={"contentType": "text", "content": "Bring list"},
        start=at("2026-08-04T16:00:00", zone),
        end=at("2026-08-04T17:00:00", zone),
    )
    made = (await graph.call("POST", "/me/events", body, who=who, status=201)).json()
    expected = plain_event(who)
    assert {name: made[name] for name in expected} == expected
    assert set(made) == set(expected) | MADE_BY_THE_SERVER | OF_A_SINGLE_ENTITY
    assert made["iCalUId"] == made["uid"]
    assert made["uid"].startswith("040000008200E00074C5B7")
    assert FRACTION.fullmatch(made["createdDateTime"])
    assert FRACTION.fullmatch(made["lastModifiedDateTime"])
    assert made["body"]["contentType"] == "html"
    listed = (await graph.call("GET", "/me/events", who=who, status=200)).json()["value"][0]
    assert set(listed) == set(expected) | MADE_BY_THE_SERVER
    assert listed == {name: made[name] for name in listed}


@behaviour("S14", Grade.REPORTED, ALLODIA, issue(4294, "microsoftgraph/microsoft-graph-docs"))
@pytest.mark.parametrize(
    ("who", "host"), [(MARCO, "outlook.live.com"), (ROSE, "outlook.office365.com")], ids=["personal", "work"]
)
async def test_s14_the_link_to_outlook_on_the_web(graph: Far, who: Account, host: str) -> None:
    made = (await graph.call("POST", "/me/events", event(), who=who, status=201)).json()
    item = quote(made["id"], safe="")
    assert made["webLink"] == f"https://{host}/owa/?itemid={item}&exvsurl=1&path=/calendar/item"


@behaviour("S14", Grade.CAPTURED, ALLODIA)
async def test_s14_single_reads_say_context_and_link_to_the_calendar(graph: Far, rose: Any) -> None:
    made = await graph.create()
    read = (await graph.call("GET", f"/me/events/{made['id']}", status=200)).json()
    who = quote(rose.upn, safe="")
    assert read["@odata.context"].endswith(f"/v1.0/$metadata#users('{who}')/events/$entity")
    assert read["calendar@odata.navigationLink"] + "/$ref" == read["calendar@odata.associationLink"]
    calendar = (await graph.call("GET", read["calendar@odata.navigationLink"], status=200)).json()
    assert calendar["isDefaultCalendar"] is True


@behaviour("S14", Grade.CAPTURED, ALLODIA, EVENT)
async def test_s14_read_only_members_are_taken_and_kept_as_they_were(graph: Far, rose: Any) -> None:
    wished: dict[str, Any] = {
        "id": "AAMkmine",
        "iCalUId": "mine",
        "uid": "mine",
        "isOrganizer": False,
        "changeKey": "mine",
    }
    others: dict[str, Any] = {
        "type": "seriesMaster",
        "isCancelled": True,
        "organizer": {"emailAddress": {"address": "x@example.com"}},
    }
    made = await graph.create(**wished, **others, createdDateTime="2001-01-01T00:00:00Z", webLink="https://x.example")
    patched = (await graph.call("PATCH", f"/me/events/{made['id']}", {**wished, **others}, status=200)).json()
    for read in (made, patched):
        assert all(read[name] != value for name, value in wished.items())
        assert (read["type"], read["isCancelled"], read["isOrganizer"]) == ("singleInstance", False, True)
        assert read["organizer"]["emailAddress"]["address"] == rose.upn
        assert not read["createdDateTime"].startswith("2001")
    assert patched["uid"] == made["uid"]


@behaviour("S14", Grade.REPORTED, issue(4478, "microsoftgraph/microsoft-graph-docs"), issue(7213))
@pytest.mark.parametrize(
    ("member", "name", "kind"),
    [
        ({"nonsense": 1}, "nonsense", "Event"),
        ({"calendarId": "x"}, "calendarId", "Event"),
        ({"attendees": [{"emailAddress": {"address": "a@b.example", "mail": "x"}}]}, "mail", "EmailAddress"),
        ({"attendees": [{"name": "A", "emailAddress": {"address": "a@b.example"}}]}, "name", "Attendee"),
        ({"start": {"dateTime": "2026-08-04T14:00:00", "zone": "UTC"}}, "zone", "DateTimeTimeZone"),
        ({"body": {"type": "text", "content": "x"}}, "type", "ItemBody"),
        ({"location": {"name": "Room A"}}, "name", "Location"),
    ],
)
async def test_s14_unknown_members_are_refused(graph: Far, member: dict[str, Any], name: str, kind: str) -> None:
    made = await graph.create()
    for method, path in (("POST", "/me/events"), ("PATCH", f"/me/events/{made['id']}")):
        body = event(**member) if method == "POST" else member
        error = (await graph.call(method, path, body, status=400)).json()["error"]
        assert error["message"] == (
            f"The property '{name}' does not exist on type 'Microsoft.OutlookServices.{kind}'. Make sure to only use "
            "property names that are defined by the type or mark the type as open type."
        )
    listed = (await graph.call("GET", "/me/events")).json()["value"]
    assert [item["changeKey"] for item in listed] == [made["changeKey"]]


@behaviour("S14", Grade.DOCUMENTED, CSDL, EVENT, resource("datetimetimezone"))
@pytest.mark.parametrize(
    "member",
    [
        {"showAs": "asleep"},
        {"sensitivity": "secret"},
        {"importance": 1},
        {"isAllDay": "no"},
        {"subject": 5},
        {"reminderMinutesBeforeStart": "15"},
        {"categories": "red"},
        {"start": "2026-08-04T14:00:00"},
        {"start": {"dateTime": "yesterday", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-08-04T14:00:00+02:00", "timeZone": "UTC"}},
        {"start": None},
        {"end": None},
        {"attendees": {"emailAddress": {"address": "a@b.example"}}},
        {"attendees": [{"emailAddress": {"address": "nobody"}}]},
        {"attendees": [{"emailAddress": {"address": "a@b.example"}, "type": "organizer"}]},
        {"body": {"contentType": "markdown", "content": ""}},
        {"location": "Room A"},
        {"onlineMeetingProvider": "zoom"},
        {"id": 5},
        {"isOrganizer": "yes"},
        {"organizer": "Rose"},
    ],
)
async def test_s14_values_of_another_type_are_refused(graph: Far, member: dict[str, Any]) -> None:
    answer = await graph.call("POST", "/me/events", event(**member), status=400)
    assert answer.json()["error"]["code"]
    assert (await graph.call("GET", "/me/events")).json()["value"] == []


@behaviour("S14", Grade.DOCUMENTED, EVENT)
async def test_s14_more_than_500_attendees_are_refused(graph: Far) -> None:
    guests = [{"emailAddress": {"address": f"guest{number}@example.com"}} for number in range(501)]
    await graph.call("POST", "/me/events", event(attendees=guests), status=400)
    made = await graph.create(attendees=guests[:500])
    assert len(made["attendees"]) == 500
    assert made["attendees"][0] == {
        "type": "required",
        "status": {"response": "none", "time": UNSET},
        "emailAddress": {"name": "guest0@example.com", "address": "guest0@example.com"},
    }


@behaviour("S14", Grade.ASSUMED, issue(20518))
async def test_s14_a_request_over_4_mb_is_refused(graph: Far) -> None:
    long = {"contentType": "text", "content": "x" * (4 * 1024 * 1024)}
    await graph.call("POST", "/me/events", event(body=long), status=413)
    await graph.create(body={"contentType": "text", "content": "x" * (3 * 1024 * 1024)})


@behaviour("S14", Grade.DOCUMENTED, api("user-post-events"))
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b'{"subject": "x"', {"Content-Type": "application/json"}),
        (b"[]", {"Content-Type": "application/json"}),
        (b"subject=x", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"", {"Content-Type": "application/json"}),
    ],
)
async def test_s14_bodies_that_are_no_json_object_are_refused(
    graph: Far, content: bytes, headers: dict[str, str]
) -> None:
    bearer = {"Authorization": f"Bearer {token()}"}
    answer = await graph.http.post("/v1.0/me/events", content=content, headers=bearer | headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"]


@behaviour("S14", Grade.CAPTURED, ALLODIA, resource("location"))
async def test_s14_location_and_locations_are_linked(graph: Far) -> None:
    made = await graph.create(location={"displayName": "Room A"})
    place = {"displayName": "Room A", "locationType": "default", "uniqueId": "Room A", "uniqueIdType": "private"}
    assert made["location"] == place
    assert made["locations"] == [place]
    empty = (await graph.call("PATCH", f"/me/events/{made['id']}", {"location": {"displayName": ""}})).json()
    assert empty["location"] == NOWHERE
    assert empty["locations"] == []


@behaviour("S15", Grade.CAPTURED, ALLODIA, EVENT)
async def test_s15_defaults_on_create(graph: Far, rose: Any) -> None:
    made = await graph.create(subject=None)
    expected = plain_event(rose) | {"subject": "", "bodyPreview": ""}
    for name in ("originalStartTimeZone", "originalEndTimeZone"):
        expected[name] = "UTC"
    assert {name: made[name] for name in expected} == expected


@behaviour("S15", Grade.CAPTURED, ALLODIA)
async def test_s15_an_all_day_event_is_reminded_of_like_any_other(graph: Far) -> None:
    made = await graph.create(isAllDay=True, start=at("2026-08-04T00:00:00"), end=at("2026-08-05T00:00:00"))
    assert (made["isReminderOn"], made["reminderMinutesBeforeStart"]) == (True, 15)


@behaviour("S15", Grade.ASSUMED, ALLODIA, EVENT, knobs=("allDayShowAs",))
async def test_s15_an_all_day_event_is_busy_or_free(graph: Far) -> None:
    day: dict[str, Any] = {"isAllDay": True, "start": at("2026-08-04T00:00:00"), "end": at("2026-08-05T00:00:00")}
    assert (await graph.create(**day))["showAs"] == "busy"
    await graph.knobs(allDayShowAs="free")
    assert (await graph.create(**day))["showAs"] == "free"
    assert (await graph.create(**day, showAs="oof"))["showAs"] == "oof"
    assert (await graph.create())["showAs"] == "busy"


@behaviour("S16", Grade.REPORTED, RYKOMA, EVENT)
async def test_s16_same_transaction_and_content_makes_no_second_event(graph: Far) -> None:
    first = await graph.create(transactionId="t-1")
    again = await graph.create(transactionId="t-1")
    assert again["id"] == first["id"]
    assert again["changeKey"] == first["changeKey"]
    assert again["transactionId"] == "t-1"
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 1
    await graph.create(transactionId="t-2")
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 2


@behaviour("S16", Grade.REPORTED, CORSO, knobs=("duplicateTransactionStatus", "duplicateTransactionNamesEvent"))
async def test_s16_same_transaction_other_content_is_refused(graph: Far) -> None:
    first = await graph.create(transactionId="t-1")
    other = event(transactionId="t-1", subject="Other")
    error = (await graph.call("POST", "/me/events", other, status=400)).json()["error"]
    assert error["code"] == "ErrorDuplicateTransactionId"
    assert error["message"] == (
        "Your request can't be completed. The TransactionId specified in the request has already been used to create "
        "a different event."
    )
    assert "@event.existingEventId" not in error
    await graph.knobs(duplicateTransactionStatus=409)
    error = (await graph.call("POST", "/me/events", other, status=409)).json()["error"]
    assert error["code"] == "ErrorDuplicateTransactionId"
    await graph.knobs(duplicateTransactionNamesEvent=True)
    error = (await graph.call("POST", "/me/events", other, status=409)).json()["error"]
    assert error["@event.existingEventId"] == first["id"]
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 1


@behaviour("S16", Grade.DOCUMENTED, EVENT)
async def test_s16_a_transaction_cannot_be_given_later(graph: Far) -> None:
    made = await graph.create()
    await graph.call("PATCH", f"/me/events/{made['id']}", {"transactionId": "t-9"}, status=400)
    assert (await graph.call("GET", f"/me/events/{made['id']}", status=200)).json()["transactionId"] is None


@behaviour("S16", Grade.ASSUMED, CORSO)
async def test_s16_a_transaction_is_remembered_across_calendars_of_one_mailbox(graph: Far, marco: Any) -> None:
    await graph.create(transactionId="t-1")
    private = (await graph.call("GET", "/me/calendars", status=200)).json()["value"][1]["id"]
    copied = event(transactionId="t-1", subject="Copy")
    await graph.call("POST", f"/me/calendars/{private}/events", copied, status=400)
    await graph.call("POST", "/me/events", copied, who=marco, status=201)
