"""Change keys, etags and conditional writes: S23-S25 of the fact sheet, over HTTPS."""

import base64

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import MARKER, Endpoint, Far, event, series
from tests.local.graph.sources import ALLODIA, ANALOG, EVENT, issue

WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
TWICE = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 2}
BOX = "/mailboxes/rose@havenweddings.example"
IN_AUGUST = "startDateTime=2026-08-01T00:00:00Z&endDateTime=2026-09-01T00:00:00Z"
OF_A_SINGLE_ENTITY = {"@odata.context", "calendar@odata.associationLink", "calendar@odata.navigationLink"}


@behaviour("S23", Grade.CAPTURED, ALLODIA, EVENT)
async def test_s23_every_write_changes_the_key_and_the_time(graph: Far) -> None:
    made = await graph.create()
    seen = [(made["changeKey"], made["lastModifiedDateTime"])]
    marked = {"singleValueExtendedProperties": [{"id": MARKER, "value": "1"}]}
    for body in ({"subject": "A"}, {"subject": "A"}, {"isReminderOn": False}, marked):
        now = (await graph.call("PATCH", f"/me/events/{made['id']}", body, status=200)).json()
        seen.append((now["changeKey"], now["lastModifiedDateTime"]))
        assert now["createdDateTime"] == made["createdDateTime"]
    assert len({key for key, _ in seen}) == 5
    assert [time for _, time in seen] == sorted({time for _, time in seen})
    read = (await graph.call("GET", f"/me/events/{made['id']}")).json()
    assert read["changeKey"] == seen[-1][0]


@behaviour("S23", Grade.CAPTURED, ALLODIA)
async def test_s23_a_series_has_one_key(graph: Far) -> None:
    master = (await graph.call("POST", "/me/events", series(WEEKLY, TWICE), status=201)).json()
    path = f"/me/events/{master['id']}"
    first, second = (await graph.call("GET", f"{path}/instances?{IN_AUGUST}")).json()["value"]
    assert {first["changeKey"], second["changeKey"]} == {master["changeKey"]}
    changed = (await graph.call("PATCH", f"/me/events/{second['id']}", {"subject": "B"}, status=200)).json()
    assert changed["changeKey"] != master["changeKey"]
    again = (await graph.call("GET", path)).json()
    others = (await graph.call("GET", f"{path}/instances?{IN_AUGUST}")).json()["value"]
    assert {again["changeKey"], *(item["changeKey"] for item in others)} == {changed["changeKey"]}
    await graph.call("DELETE", f"/me/events/{first['id']}", status=204)
    assert (await graph.call("GET", path)).json()["changeKey"] != changed["changeKey"]


@behaviour("S24", Grade.CAPTURED, ALLODIA)
async def test_s24_full_entities_carry_the_short_etag_also_under_select(graph: Far) -> None:
    made = await graph.create()
    short = f'W/"{made["changeKey"]}"'
    assert made["@odata.etag"] == short
    assert len(base64.b64decode(made["changeKey"])) == 22
    read = (await graph.call("GET", f"/me/events/{made['id']}?$select=subject", status=200)).json()
    assert read["@odata.etag"] == short
    assert set(read) == {"@odata.etag", "id", "subject"} | OF_A_SINGLE_ENTITY
    listed = (await graph.call("GET", "/me/events?$select=subject", status=200)).json()["value"]
    assert listed == [{"@odata.etag": short, "id": made["id"], "subject": "Cake tasting"}]


@behaviour("S24", Grade.CAPTURED, ALLODIA)
async def test_s24_minimal_occurrences_carry_the_long_etag(graph: Far) -> None:
    made = (await graph.call("POST", "/me/events", series(WEEKLY, TWICE), status=201)).json()
    items, _ = await graph.delta(f"/me/calendarView/delta?{IN_AUGUST}")
    master = next(item for item in items if item["type"] == "seriesMaster")
    assert master["@odata.etag"] == f'W/"{made["changeKey"]}"'
    for minimal in (item for item in items if item["type"] == "occurrence"):
        long = base64.b64decode(minimal["@odata.etag"][3:-1])
        assert long[:8].hex() == "0f00000016000000"
        assert long[8:] == base64.b64decode(made["changeKey"])


@behaviour("S24", Grade.CAPTURED, ALLODIA)
async def test_s24_notifications_carry_the_long_etag(graph: Far, endpoint: Endpoint) -> None:
    wish = {
        "changeType": "created",
        "notificationUrl": f"{endpoint.url}/notify",
        "resource": "/me/events",
        "expirationDateTime": "2099-01-01T00:00:00Z",
    }
    await graph.knobs(refuseLongSubscriptions=False)
    await graph.call("POST", "/subscriptions", wish, status=201)
    made = await graph.create()
    told = (await endpoint.until(1))[0]["resourceData"]["@odata.etag"]
    assert told.startswith('W/"DwAAABYAAA')
    assert base64.b64decode(told[3:-1])[8:] == base64.b64decode(made["changeKey"])


@behaviour("S25", Grade.CAPTURED, ALLODIA, ANALOG)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_s25_a_stale_if_match_answers_412(graph: Far, method: str) -> None:
    made = await graph.create()
    path, old = f"/me/events/{made['id']}", {"If-Match": made["@odata.etag"]}
    now = (await graph.call("PATCH", path, {"subject": "A"}, headers=old, status=200)).json()
    body = {"subject": "B"} if method == "PATCH" else None
    error = (await graph.call(method, path, body, headers=old, status=412)).json()["error"]
    assert error["code"] == "ErrorIrresolvableConflict"
    assert "change key" in error["message"]
    assert (await graph.call("GET", path, status=200)).json()["subject"] == "A"
    fresh = {"If-Match": now["@odata.etag"]}
    await graph.call(method, path, body, headers=fresh, status=200 if method == "PATCH" else 204)


@behaviour("S25", Grade.CAPTURED, ALLODIA)
async def test_s25_a_change_of_one_occurrence_makes_the_keys_of_all_stale(graph: Far) -> None:
    master = (await graph.call("POST", "/me/events", series(WEEKLY, TWICE), status=201)).json()
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{IN_AUGUST}")).json()["value"]
    await graph.call("PATCH", f"/me/events/{found[0]['id']}", {"subject": "A"}, status=200)
    for item in (master, found[1]):
        old = {"If-Match": item["@odata.etag"]}
        await graph.call("PATCH", f"/me/events/{item['id']}", {"subject": "B"}, headers=old, status=412)
        await graph.call("DELETE", f"/me/events/{item['id']}", headers=old, status=412)


@behaviour("S25", Grade.CAPTURED, ALLODIA)
async def test_s25_responding_to_a_meeting_ignores_if_match(graph: Far) -> None:
    organizer = {"name": "Ivy", "address": "ivy@havenweddings.example"}
    meeting = await graph.control("POST", f"{BOX}/events", event(_organizer=organizer))
    path = f"/me/events/{meeting['id']}"
    await graph.call("POST", f"{path}/accept", {}, headers={"If-Match": "nonsense"}, status=500)
    await graph.call("POST", f"{path}/accept", {}, headers={"If-Match": 'W/"AAAA"'}, status=202)
    read = (await graph.call("GET", path, status=200)).json()
    assert read["responseStatus"]["response"] == "accepted"


@behaviour("S25", Grade.REPORTED, ANALOG, issue(7934), knobs=("spurious412",))
async def test_s25_412_without_a_cause_on_order(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    await graph.call("PATCH", path, {"subject": "A"}, status=200)
    await graph.knobs(spurious412=1)
    error = (await graph.call("PATCH", path, {"subject": "B"}, status=412)).json()["error"]
    assert error["code"] == "ErrorIrresolvableConflict"
    assert (await graph.call("GET", path)).json()["subject"] == "A"
    await graph.call("PATCH", path, {"subject": "B"}, status=200)


@behaviour("S25", Grade.REPORTED, issue(38, "microsoftgraph/msgraph-sdk-ruby"), knobs=("concurrentItemSave",))
async def test_s25_503_straight_after_a_create_on_order(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    extension = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": "com.wedsync.ref", "a": 1}
    await graph.knobs(concurrentItemSave=2)
    for method, where, body in (("POST", f"{path}/extensions", extension), ("PATCH", path, {"subject": "A"})):
        error = (await graph.call(method, where, body, status=503)).json()["error"]
        assert error["code"] == "ConcurrentItemSave"
    assert (await graph.call("GET", path)).json()["changeKey"] == made["changeKey"]
    await graph.call("POST", f"{path}/extensions", extension, status=201)
    await graph.call("PATCH", path, {"subject": "A"}, status=200)
