"""The owner's side of a mailbox: the mails that Exchange would send, and edits through the control API."""

from typing import Any

from tests.local.graph.conftest import Endpoint, Far
from tests.local.graph.subscribing import BOX, MARCO_BOX, PLAIN, subscribe


def guests(*addresses: str) -> list[dict[str, Any]]:
    return [{"emailAddress": {"address": address, "name": ""}, "type": "required"} for address in addresses]


async def mails(graph: Far) -> list[tuple[str, list[str]]]:
    found = (await graph.control("GET", "/outbox"))["mails"]
    return [(mail["kind"], mail["to"]) for mail in found]


async def test_outbox_holds_what_exchange_would_mail(graph: Far) -> None:
    await graph.create()
    meeting = await graph.create(attendees=guests("a@x.example", "b@x.example"))
    path = f"/me/events/{meeting['id']}"
    await graph.call("PATCH", path, {"subject": "New"}, status=200)
    await graph.call("PATCH", path, {"attendees": guests("b@x.example", "c@x.example")}, status=200)
    await graph.call("DELETE", path, status=204)
    assert await mails(graph) == [
        ("invitation", ["a@x.example", "b@x.example"]),
        ("update", ["a@x.example", "b@x.example"]),
        ("cancellation", ["a@x.example"]),
        ("invitation", ["c@x.example"]),
        ("cancellation", ["b@x.example", "c@x.example"]),
    ]


async def test_outbox_stays_empty_for_loaded_mailboxes_and_plain_events(graph: Far) -> None:
    loaded = {"events": [{**PLAIN, "attendees": guests("a@x.example")}]}
    await graph.control("PUT", f"{BOX}/events", loaded)
    made = await graph.create()
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"})
    await graph.call("DELETE", f"/me/events/{made['id']}")
    assert await mails(graph) == []


async def test_control_edits_as_the_owner_does(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    marker = {"id": "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name WedSyncId", "value": "1"}
    body = {**PLAIN, "body": {"contentType": "text", "content": "a\nb"}, "singleValueExtendedProperties": [marker]}
    made = await graph.control("POST", f"{BOX}/events", body)
    assert made["transactionId"].startswith("localevent:")
    assert made["bodyText"] == "a\nb"
    await graph.control("PATCH", f"{BOX}/events/{made['id']}", {"subject": "Owner"})
    copy = await graph.control("POST", f"{BOX}/events/{made['id']}/copy", {})
    assert copy["id"] != made["id"]
    assert copy["singleValueExtendedProperties"] == [marker]
    await endpoint.until(3)
    dump = (await graph.control("GET", f"{BOX}/events"))["events"]
    assert [item["subject"] for item in dump] == ["Owner", "Owner"]
    assert (await graph.control("GET", f"{MARCO_BOX}/events"))["events"] == []


async def test_control_brings_answers_and_the_organizers_changes(graph: Far) -> None:
    own = await graph.create(attendees=guests("a@x.example"))
    answered = guests("a@x.example")
    answered[0]["status"] = {"response": "accepted", "time": "2026-08-01T10:00:00Z"}
    await graph.control("PATCH", f"{BOX}/events/{own['id']}", {"attendees": answered})
    read = (await graph.call("GET", f"/me/events/{own['id']}")).json()
    assert read["attendees"][0]["status"]["response"] == "accepted"
    organizer = {"name": "Otto", "address": "otto@x.example"}
    entry = {**PLAIN, "attendees": guests("rose@havenweddings.example"), "_organizer": organizer}
    copy = await graph.control("POST", f"{BOX}/events", entry)
    await graph.control("PATCH", f"{BOX}/events/{copy['id']}", {"subject": "Later", "_asOrganizer": True})
    await graph.control("PATCH", f"{BOX}/events/{copy['id']}", {"isCancelled": True})
    read = (await graph.call("GET", f"/me/events/{copy['id']}")).json()
    assert (read["subject"], read["isCancelled"], read["isOrganizer"]) == ("Later", True, False)
    assert await mails(graph) == [("invitation", ["a@x.example"])]


async def test_import_adds_with_notifications_and_without_mail(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.create()
    entry = {**PLAIN, "attendees": guests("a@x.example")}
    loaded = await graph.control("POST", f"{BOX}/events/import", {"events": [entry, {"subject": "no times"}]})
    assert (loaded["loaded"], [item["index"] for item in loaded["refused"]]) == (1, [1])
    await endpoint.until(2)
    assert len((await graph.control("GET", f"{BOX}/events"))["events"]) == 2
    assert await mails(graph) == []
