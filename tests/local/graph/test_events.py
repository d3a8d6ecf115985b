"""Writing and reading events: S14-S28 and S36 of the fact sheet, over HTTP."""

import asyncio
import base64
import re
import ssl
from typing import Any

import pytest

from tests.local.graph.conftest import MARKER, Far, at, event, series, token

FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z?")


async def test_s14_post_answers_201_with_the_full_event(graph: Far) -> None:
    made = await graph.create(body={"contentType": "text", "content": "Bring list"})
    assert made["id"].startswith("AAMk")
    assert made["iCalUId"] == made["uid"]
    assert made["iCalUId"].startswith("040000008200E00074C5B7101A82E008")
    assert made["@odata.etag"] == f'W/"{made["changeKey"]}"'
    assert made["start"] == {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"}
    assert FRACTION.fullmatch(made["createdDateTime"])
    assert FRACTION.fullmatch(made["lastModifiedDateTime"])
    assert made["@odata.context"].endswith("/events/$entity")
    assert made["transactionId"] is None
    assert (await graph.call("GET", f"/me/events/{made['id']}")).json()["subject"] == "Cake tasting"


async def test_s14_clients_choose_neither_id_nor_icaluid(graph: Far) -> None:
    made = await graph.create(id="AAMkmine", iCalUId="mine", isOrganizer=False)
    assert made["id"] != "AAMkmine"
    assert made["iCalUId"] != "mine"
    assert made["isOrganizer"] is True


async def test_s15_defaults_on_create(graph: Far, rose: Any) -> None:
    made = await graph.create(subject=None)
    expected = {
        "subject": "",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "showAs": "busy",
        "sensitivity": "normal",
        "importance": "normal",
        "responseRequested": True,
        "isAllDay": False,
        "type": "singleInstance",
        "attendees": [],
        "categories": [],
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "organizer": {"emailAddress": {"name": rose.name, "address": rose.upn}},
    }
    assert {name: made[name] for name in expected} == expected


async def test_s16_same_transaction_and_content_makes_no_second_event(graph: Far) -> None:
    first = await graph.create(transactionId="t-1")
    again = await graph.create(transactionId="t-1")
    assert again["id"] == first["id"]
    assert again["transactionId"] == "t-1"
    listed = (await graph.call("GET", "/me/events")).json()["value"]
    assert len(listed) == 1


async def test_s16_same_transaction_other_content_is_refused(graph: Far) -> None:
    first = await graph.create(transactionId="t-1")
    answer = await graph.call("POST", "/me/events", event(transactionId="t-1", subject="Other"), status=400)
    assert answer.json()["error"]["code"] == "ErrorDuplicateTransactionId"
    assert "@event.existingEventId" not in answer.json()["error"]
    await graph.knobs(duplicateTransactionStatus=409, duplicateTransactionNamesEvent=True)
    answer = await graph.call("POST", "/me/events", event(transactionId="t-1", subject="Other"), status=409)
    assert answer.json()["error"]["@event.existingEventId"] == first["id"]


async def test_s17_text_comes_back_as_exchange_html(graph: Far) -> None:
    made = await graph.create(body={"contentType": "text", "content": "Bring\nlist <now>"})
    content = made["body"]["content"]
    assert made["body"]["contentType"] == "html"
    assert "<!-- converted from text -->" in content
    assert 'class="PlainText"' in content
    assert "Bring<br>\r\nlist &lt;now&gt;" in content
    assert made["bodyPreview"] == "Bring\r\nlist <now>"


async def test_s17_html_is_rewritten_and_scripts_go(graph: Far) -> None:
    written = "<html><body><p onclick='x()'>Hi<script>x()</script></p></body></html>"
    made = await graph.create(body={"contentType": "html", "content": written})
    assert made["body"]["content"].startswith("<html><head>\r\n<meta ")
    assert "<p>Hi</p>" in made["body"]["content"]


async def test_s17_empty_body_comes_back_as_a_shell(graph: Far) -> None:
    made = await graph.create(body={"contentType": "text", "content": ""})
    assert "&nbsp;" in made["body"]["content"]
    assert made["bodyPreview"] == ""


async def test_s18_body_as_text_on_request(graph: Far) -> None:
    made = await graph.create(body={"contentType": "html", "content": "<p>One</p><p>Two</p>"})
    asked = {"Prefer": 'outlook.body-content-type="text", outlook.timezone="UTC"'}
    answer = await graph.call("GET", f"/me/events/{made['id']}", headers=asked)
    assert answer.json()["body"] == {"contentType": "text", "content": "One\r\n\r\nTwo\r\n"}
    assert 'outlook.body-content-type="text"' in answer.headers["Preference-Applied"]


async def test_s19_subject_is_cut_at_255(graph: Far) -> None:
    made = await graph.create(subject="x" * 300)
    assert made["subject"] == "x" * 255


async def test_s20_times_are_read_in_the_preferred_zone(graph: Far) -> None:
    made = await graph.create()
    for zone in ("Europe/Amsterdam", "W. Europe Standard Time"):
        asked = {"Prefer": f'outlook.timezone="{zone}"'}
        answer = await graph.call("GET", f"/me/events/{made['id']}", headers=asked)
        assert answer.json()["start"] == {"dateTime": "2026-08-04T16:00:00.0000000", "timeZone": zone}
        assert answer.headers["Preference-Applied"] == f'outlook.timezone="{zone}"'


@pytest.mark.parametrize("zone", ["Mars/Olympus", "tzone://Microsoft/Custom"])
async def test_s20_unknown_zone_is_refused(graph: Far, zone: str) -> None:
    read = await graph.call("GET", "/me/events", headers={"Prefer": f'outlook.timezone="{zone}"'}, status=400)
    assert read.json()["error"]["code"] == "TimeZoneNotSupportedException"
    written = await graph.call("POST", "/me/events", event(start=at("2026-08-04T14:00:00", zone)), status=400)
    assert written.json()["error"]["code"] == "TimeZoneNotSupportedException"


async def test_s21_zones_are_kept_as_written(graph: Far) -> None:
    for zone in ("America/New_York", "Eastern Standard Time"):
        made = await graph.create(start=at("2026-11-01T09:00:00", zone), end=at("2026-11-01T10:00:00", zone))
        assert made["originalStartTimeZone"] == zone
        assert made["start"]["dateTime"] == "2026-11-01T14:00:00.0000000"


async def test_s21_refused_real_zone(graph: Far) -> None:
    body = event(
        start=at("2026-08-04T14:00:00", "Africa/Casablanca"), end=at("2026-08-04T15:00:00", "Africa/Casablanca")
    )
    answer = await graph.call("POST", "/me/events", body, status=400)
    assert answer.json()["error"]["code"] == "ErrorPropertyValidationFailure"


async def test_s21_z_beside_a_zone_is_read_as_local_digits(graph: Far) -> None:
    zone = "Europe/Amsterdam"
    made = await graph.create(start=at("2026-08-04T14:00:00Z", zone), end=at("2026-08-04T15:00:00Z", zone))
    assert made["start"]["dateTime"] == "2026-08-04T12:00:00.0000000"


async def test_s22_all_day_must_be_midnight(graph: Far) -> None:
    answer = await graph.call("POST", "/me/events", event(isAllDay=True), status=400)
    error = answer.json()["error"]
    assert error["code"] == "ErrorInvalidRequest"
    assert error["message"] == "The Event.Start property for an all-day event needs to be set to midnight."
    body = event(isAllDay=True, start=at("2026-08-04T00:00:00"))
    assert "Event.End" in (await graph.call("POST", "/me/events", body, status=400)).json()["error"]["message"]


async def test_s22_patching_clock_times_into_an_all_day_event_is_refused(graph: Far) -> None:
    zone = "Europe/Amsterdam"
    made = await graph.create(isAllDay=True, start=at("2026-08-04T00:00:00", zone), end=at("2026-08-05T00:00:00", zone))
    assert made["isAllDay"] is True
    assert made["start"]["dateTime"] == "2026-08-03T22:00:00.0000000"
    path = f"/me/events/{made['id']}"
    await graph.call("PATCH", path, {"start": at("2026-08-04T09:00:00"), "end": at("2026-08-04T10:00:00")}, status=400)
    timed = {"isAllDay": False, "start": at("2026-08-04T09:00:00"), "end": at("2026-08-04T10:00:00")}
    await graph.call("PATCH", path, timed, status=200)
    await graph.call("PATCH", path, {"isAllDay": True}, status=400)


async def test_s22_inverted_is_refused_and_zero_length_taken(graph: Far) -> None:
    await graph.call("POST", "/me/events", event(end=at("2026-08-04T13:59:00")), status=400)
    await graph.create(end=at("2026-08-04T14:00:00"))


async def test_s23_every_write_changes_the_key_and_the_time(graph: Far) -> None:
    made = await graph.create()
    seen = [(made["changeKey"], made["lastModifiedDateTime"])]
    for number in range(3):
        now = (await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": str(number)})).json()
        seen.append((now["changeKey"], now["lastModifiedDateTime"]))
    assert len({key for key, _ in seen}) == 4
    assert [time for _, time in seen] == sorted({time for _, time in seen})


async def test_s24_notification_etag_is_eight_bytes_longer(graph: Far) -> None:
    weekly = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    span = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 2}
    made = (await graph.call("POST", "/me/events", series(weekly, span), status=201)).json()
    items, _ = await graph.delta(
        "/me/calendarView/delta?startDateTime=2026-08-01T00:00:00Z&endDateTime=2026-09-01T00:00:00Z"
    )
    minimal = next(item for item in items if item["type"] == "occurrence")
    long = base64.b64decode(minimal["@odata.etag"][3:-1])
    assert long[:8].hex() == "0f00000016000000"
    assert long[8:] == base64.b64decode(made["changeKey"])


async def test_s25_if_match_stale_answers_412(graph: Far) -> None:
    made = await graph.create()
    path, old = f"/me/events/{made['id']}", {"If-Match": made["@odata.etag"]}
    now = (await graph.call("PATCH", path, {"subject": "A"}, headers=old, status=200)).json()
    for method, body in (("PATCH", {"subject": "B"}), ("DELETE", None)):
        answer = await graph.call(method, path, body, headers=old, status=412)
        assert answer.json()["error"]["code"] == "ErrorIrresolvableConflict"
    assert (await graph.call("GET", path)).json()["subject"] == "A"
    await graph.call("DELETE", path, headers={"If-Match": now["@odata.etag"]}, status=204)


async def test_s25_spurious_412_on_order(graph: Far) -> None:
    made = await graph.create()
    await graph.knobs(spurious412=1)
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "A"}, status=412)
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "A"}, status=200)


async def test_s26_second_delete_400_then_404_after_purge(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    await graph.call("DELETE", path, status=204)
    assert (await graph.call("DELETE", path, status=400)).json()["error"]["code"] == "ErrorInvalidRequest"
    assert (await graph.call("GET", path, status=404)).json()["error"]["code"] == "ErrorItemNotFound"
    await graph.control("POST", "/mailboxes/rose@havenweddings.example/purge")
    assert (await graph.call("DELETE", path, status=404)).json()["error"]["code"] == "ErrorItemNotFound"


async def test_s26_permanent_delete_needs_a_length(graph: Far, trust: ssl.SSLContext) -> None:
    made = await graph.create()
    path = f"/v1.0/me/events/{made['id']}/permanentDelete"
    host = graph.http.base_url
    reader, writer = await asyncio.open_connection("localhost", host.port, ssl=trust)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    assert b" 411 " in (await reader.readline())
    writer.close()
    await graph.call("POST", path.removeprefix("/v1.0"), status=204)
    await graph.call("DELETE", f"/me/events/{made['id']}", status=404)


async def test_s27_regular_id_changes_on_move_immutable_does_not(graph: Far) -> None:
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    made = await graph.create()
    kept = (await graph.call("GET", f"/me/events/{made['id']}", headers=prefer)).json()["id"]
    assert kept != made["id"]
    calendars = (await graph.call("GET", "/me/calendars")).json()["value"]
    private = next(item for item in calendars if not item["isDefaultCalendar"])
    box = "/mailboxes/rose@havenweddings.example"
    moved = await graph.control("POST", f"{box}/events/{kept}/move", {"calendarId": private["id"]})
    assert moved["id"] == kept
    await graph.call("GET", f"/me/events/{made['id']}", status=404)
    regular = (await graph.call("GET", f"/me/events/{kept}", status=200)).json()["id"]
    assert regular not in (made["id"], kept)
    where = (await graph.call("GET", f"/me/events/{kept}/calendar")).json()
    assert where["name"] == "Private"


async def test_s28_ids_are_long_hostile_and_differ_only_in_case(graph: Far) -> None:
    made = [(await graph.create(subject=str(n)))["id"] for n in range(4)]
    assert len(set(made)) == 4
    assert len({item.lower() for item in made}) < 4
    assert all(len(item) > 150 and "/" not in item and "+" not in item for item in made)
    assert any("-" in item and "_" in item and item.endswith("=") for item in made)
    for number, item in enumerate(made):
        assert (await graph.call("GET", f"/me/events/{item}")).json()["subject"] == str(number)


async def test_s28_malformed_and_foreign_ids(graph: Far, marco: Any) -> None:
    answer = await graph.call("GET", "/me/events/nonsense", status=400)
    assert answer.json()["error"]["code"] == "ErrorInvalidIdMalformed"
    assert answer.json()["error"]["message"] == "Id is malformed."
    made = await graph.create()
    await graph.call("GET", f"/me/events/{made['id']}", who=marco, status=404)
    broken = made["id"][:20] + "/" + made["id"][21:]
    answer = await graph.call("GET", f"/me/events/{broken}", status=400)
    assert answer.json()["error"]["code"] == "RequestBroker--ParseUri"


async def test_s36_extended_property_is_written_expanded_and_found(graph: Far) -> None:
    made = await graph.create(singleValueExtendedProperties=[{"id": MARKER, "value": "it's 7"}])
    await graph.create(singleValueExtendedProperties=[{"id": MARKER, "value": "8"}])
    assert "singleValueExtendedProperties" not in made
    path = f"/me/events/{made['id']}"
    assert "singleValueExtendedProperties" not in (await graph.call("GET", path)).json()
    expand = f"$expand=singleValueExtendedProperties($filter=id eq '{MARKER}')"
    read = (await graph.call("GET", f"{path}?$select=subject&{expand}")).json()
    assert read["singleValueExtendedProperties"] == [{"id": MARKER, "value": "it's 7"}]
    assert set(read) >= {"@odata.etag", "id", "subject"}
    assert "body" not in read
    where = f"$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq 'it''s 7')"
    listed = (await graph.call("GET", f"/me/events?{where}&{expand}", status=200)).json()["value"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert listed[0]["singleValueExtendedProperties"][0]["value"] == "it's 7"


async def test_s36_open_extension(graph: Far) -> None:
    inline = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": "com.wedsync.ref", "wedsyncId": "7"}
    made = await graph.create(extensions=[inline])
    assert "extensions" not in made
    path = f"/me/events/{made['id']}"
    read = (await graph.call("GET", f"{path}?$expand=extensions($filter=id eq 'com.wedsync.ref')")).json()
    assert read["extensions"][0]["wedsyncId"] == "7"
    await graph.call("PATCH", f"{path}/extensions/com.wedsync.ref", {"wedsyncId": "8"}, status=200)
    assert (await graph.call("GET", f"{path}/extensions/com.wedsync.ref")).json()["wedsyncId"] == "8"
    await graph.call("DELETE", f"{path}/extensions/com.wedsync.ref", status=204)


@pytest.mark.parametrize(
    "member",
    [
        {"nonsense": 1},
        {"showAs": "asleep"},
        {"isAllDay": "false"},
        {"subject": 5},
        {"reminderMinutesBeforeStart": "15"},
        {"categories": "red"},
        {"start": {"dateTime": "2026-08-04", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-08-04T14:00:00", "zone": "UTC"}},
        {"attendees": [{"emailAddress": {"address": "nobody"}}]},
        {"body": {"contentType": "markdown", "content": ""}},
        {"location": "Room A"},
        {"singleValueExtendedProperties": [{"id": "WedSyncId", "value": "1"}]},
    ],
)
async def test_bodies_that_graph_refuses(graph: Far, member: dict[str, Any]) -> None:
    answer = await graph.call("POST", "/me/events", event(**member), status=400)
    assert answer.json()["error"]["code"]
    assert (await graph.call("GET", "/me/events")).json()["value"] == []


async def test_refused_queries_and_paths(graph: Far) -> None:
    for path in (
        "/me/events?$select=nonsense",
        "/me/events?$filter=transactionId eq 't'",
        "/me/events?$expand=nonsense",
        "/me/events?$top=5000",
        "/me/nonsense",
        "/me/events/delta",
        "/nonsense",
    ):
        answer = await graph.call("GET", path)
        assert answer.status_code == 400, path


async def test_location_and_locations_are_linked(graph: Far) -> None:
    made = await graph.create(location={"displayName": "Room A"})
    place = {"displayName": "Room A", "locationType": "default", "uniqueId": "Room A", "uniqueIdType": "private"}
    assert made["location"] == place
    assert made["locations"] == [place]
    empty = (await graph.call("PATCH", f"/me/events/{made['id']}", {"location": {"displayName": ""}})).json()
    assert empty["location"]["displayName"] == ""
    assert empty["locations"] == []
