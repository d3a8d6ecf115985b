"""Subscriptions, notifications and mails: S46-S53, S55 and the outbox, over HTTP and HTTPS."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local.graph.conftest import Endpoint, Far, at, series, token

BOX = "/mailboxes/rose@havenweddings.example"
MARCO_BOX = "/mailboxes/marco.sposi@outlook.example"


def wanted(endpoint: Endpoint, minutes: float = 600, **members: Any) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{endpoint.url}/notify",
        "lifecycleNotificationUrl": f"{endpoint.url}/lifecycle",
        "resource": "/me/events",
        "expirationDateTime": expires.isoformat(),
        "clientState": "secret",
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


async def subscribe(graph: Far, endpoint: Endpoint, *, status: int = 201, headers: Any = None, **members: Any) -> Any:
    who = members.pop("who", None)
    extra = {"who": who} if who else {}
    body = wanted(endpoint, **members)
    return (await graph.call("POST", "/subscriptions", body, headers=headers, status=status, **extra)).json()


async def test_s46_both_urls_are_validated(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    assert sorted(endpoint.validations) == ["/lifecycle", "/notify"]
    assert made["clientState"] == "secret"
    assert made["notificationQueryOptions"] is None
    read = (await graph.call("GET", f"/subscriptions/{made['id']}", status=200)).json()
    assert read["expirationDateTime"] == made["expirationDateTime"]


@pytest.mark.parametrize("mode", ["wrong", "html"])
async def test_s46_wrong_answers_are_refused(graph: Far, endpoint: Endpoint, mode: str) -> None:
    endpoint.mode = mode
    made = await subscribe(graph, endpoint, status=400)
    assert made["error"]["code"] == "ValidationError"
    assert (await graph.call("GET", "/subscriptions")).json()["value"] == []


async def test_s46_slow_answers_are_refused(graph: Far, endpoint: Endpoint) -> None:
    endpoint.mode = "slow"
    await graph.knobs(validationSeconds=0.2)
    error = (await subscribe(graph, endpoint, status=400))["error"]
    assert (error["code"], error["message"]) == ("InvalidRequest", "Subscription validation request timed out.")


async def test_s46_only_https(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint, status=400, notificationUrl="http://localhost/notify")


async def test_s47_lifetimes(graph: Far, endpoint: Endpoint) -> None:
    assert (await subscribe(graph, endpoint, minutes=10_100, status=400))["error"]["code"]
    made = await subscribe(graph, endpoint, minutes=10_070)
    await graph.call("DELETE", f"/subscriptions/{made['id']}", status=204)
    short = await subscribe(graph, endpoint, minutes=5)
    left = datetime.fromisoformat(short["expirationDateTime"]) - datetime.now(UTC)
    assert timedelta(minutes=44) < left < timedelta(minutes=46)


async def test_s47_long_ones_are_clipped_by_knob(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(refuseLongSubscriptions=False)
    made = await subscribe(graph, endpoint, minutes=20_000)
    left = datetime.fromisoformat(made["expirationDateTime"]) - datetime.now(UTC)
    assert left <= timedelta(minutes=10_080)


async def test_s48_identical_duplicate_answers_409(graph: Far, endpoint: Endpoint, marco: Any) -> None:
    made = await subscribe(graph, endpoint)
    answer = await subscribe(graph, endpoint, status=409)
    assert f"Subscription Id <{made['id']}> already exists" in answer["error"]["message"]
    await subscribe(graph, endpoint, who=marco)
    await graph.knobs(maxSubscriptions=1)
    await subscribe(graph, endpoint, changeType="updated", status=403)


async def test_s49_payload(graph: Far, endpoint: Endpoint, rose: Any) -> None:
    made = await subscribe(graph, endpoint, headers={"Prefer": 'IdType="ImmutableId"'})
    created = await graph.create()
    item = (await endpoint.until(1))[0]
    kept = (await graph.call("GET", f"/me/events/{created['id']}", headers={"Prefer": 'IdType="ImmutableId"'})).json()
    path = f"Users/{rose.graph_id}/Events/{kept['id']}"
    etag = item["resourceData"].pop("@odata.etag")
    assert base64.b64decode(etag[3:-1])[8:] == base64.b64decode(created["changeKey"])
    assert item == {
        "subscriptionId": made["id"],
        "subscriptionExpirationDateTime": item["subscriptionExpirationDateTime"],
        "changeType": "created",
        "tenantId": rose.tid,
        "clientState": "secret",
        "resource": path,
        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": path, "id": kept["id"]},
    }


async def test_s49_one_post_carries_several_items_and_tenants(graph: Far, endpoint: Endpoint, marco: Any) -> None:
    await graph.knobs(notifyMilliseconds=300)
    await subscribe(graph, endpoint)
    await subscribe(graph, endpoint, who=marco)
    await asyncio.gather(graph.create(), graph.create(), graph.call("POST", "/me/events", _plain(), who=marco))
    await endpoint.until(3)
    assert len(endpoint.posts) == 1
    assert len({item["tenantId"] for item in endpoint.items}) == 2


def _plain() -> dict[str, Any]:
    return {"subject": "x", "start": at("2026-08-04T14:00:00"), "end": at("2026-08-04T15:00:00")}


async def test_s49_update_delete_and_move(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    private = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    await subscribe(graph, endpoint, resource=f"/me/calendars/{private}/events")
    made = await graph.create()
    await endpoint.until(1)
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"})
    await endpoint.until(2)
    moved = await graph.control("POST", f"{BOX}/events/{made['id']}/move", {"calendarId": private})
    await endpoint.until(4)
    await graph.control("DELETE", f"{BOX}/events/{moved['id']}")
    await endpoint.until(5)
    kinds = [item["changeType"] for item in endpoint.items]
    assert kinds == ["created", "updated", "deleted", "created", "deleted"]


async def test_s50_failed_posts_are_tried_again(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(retryBaseSeconds=0.05)
    await subscribe(graph, endpoint)
    endpoint.failures = 2
    await graph.create()
    await endpoint.until(1)
    for _ in range(100):
        sent = await graph.control("GET", "/notifications")
        if sent["pending"] == 0 and len(sent["sent"]) == 3:
            break
        await asyncio.sleep(0.02)
    assert [(item["attempt"], item["status"]) for item in sent["sent"]] == [(1, 503), (2, 503), (3, 202)]


@pytest.mark.parametrize(("action", "count"), [("double", 2), ("delay", 1)])
async def test_s51_doubled_and_delayed(graph: Far, endpoint: Endpoint, action: str, count: int) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": action, "path": "Events/", "seconds": 0.1})
    made = await graph.create()
    await endpoint.until(count)
    assert {made["id"]} == {item["resourceData"]["id"] for item in endpoint.items}


async def test_s51_lost(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "lose", "path": "Events/", "every": 2})
    made = [(await graph.create())["id"] for _ in range(3)]
    await endpoint.until(2)
    assert {item["resourceData"]["id"] for item in endpoint.items} == {made[0], made[2]}


async def test_s51_reordered(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "reorder", "path": "Events/", "count": 1})
    made = await graph.create()
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"})
    await endpoint.until(2)
    assert [item["changeType"] for item in endpoint.items] == ["updated", "created"]


@pytest.mark.parametrize("variant", [False, True])
async def test_s52_lifecycle_in_both_forms(graph: Far, endpoint: Endpoint, variant: bool) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": "missed", "subscriptionId": made["id"], "variant": variant})
    item = (await endpoint.until(1))[0]
    assert (item["lifecycleEvent"], item["clientState"]) == ("missed", "secret")
    assert ("organizationId" in item, "tenantId" in item) == (variant, not variant)


async def test_s52_subscription_removed_is_gone(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": "subscriptionRemoved", "subscriptionId": made["id"]})
    await endpoint.until(1)
    await graph.call("GET", f"/subscriptions/{made['id']}", status=404)


async def test_s53_expired_subscription_is_silent_and_404(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint, minutes=60)
    await graph.control("POST", "/clock", {"advanceSeconds": 3700})
    bearer = token(exp=int(datetime.now(UTC).timestamp()) + 9000)
    renewed = {"expirationDateTime": (datetime.now(UTC) + timedelta(hours=5)).isoformat()}
    path = f"/subscriptions/{made['id']}"
    await graph.call("PATCH", path, renewed, bearer=bearer, status=404)
    await graph.call("POST", f"{path}/reauthorize", bearer=bearer, status=404)
    await graph.call("POST", "/me/events", _plain(), bearer=bearer, status=201)
    assert (await graph.control("GET", "/notifications")) == {"pending": 0, "sent": []}


async def test_s54_paused_until_reauthorized(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True})
    await endpoint.until(1)
    await graph.create()
    await graph.call("POST", f"/subscriptions/{made['id']}/reauthorize", status=204)
    await graph.create(subject="after")
    assert (await endpoint.until(2))[-1]["changeType"] == "created"


async def test_s55_calendars_refuse_created(graph: Far, endpoint: Endpoint) -> None:
    answer = await subscribe(graph, endpoint, resource="/me/calendars", status=400)
    assert answer["error"]["code"] == "ExtensionError"
    await subscribe(graph, endpoint, resource="/me/calendars", changeType="updated,deleted")
    await subscribe(graph, endpoint, resource="/me/calendars/nothing/events", status=400)


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
    loaded = {"events": [{**_plain(), "attendees": guests("a@x.example")}]}
    await graph.control("PUT", f"{BOX}/events", loaded)
    made = await graph.create()
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"})
    await graph.call("DELETE", f"/me/events/{made['id']}")
    assert await mails(graph) == []


async def test_control_edits_as_the_owner_does(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    marker = {"id": "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name WedSyncId", "value": "1"}
    body = {**_plain(), "body": {"contentType": "text", "content": "a\nb"}, "singleValueExtendedProperties": [marker]}
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


async def test_series_edit_notifies_the_master(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    pattern = {"type": "daily", "interval": 1}
    span = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
    master = (await graph.call("POST", "/me/events", series(pattern, span), status=201)).json()
    query = "startDateTime=2026-08-01T00:00:00Z&endDateTime=2026-09-01T00:00:00Z"
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{query}")).json()["value"]
    await endpoint.until(1)
    await graph.call("DELETE", f"/me/events/{found[1]['id']}", status=204)
    items = await endpoint.until(2)
    assert [(item["changeType"], item["resourceData"]["id"]) for item in items] == [
        ("created", master["id"]),
        ("updated", master["id"]),
    ]


async def test_control_brings_answers_and_the_organizers_changes(graph: Far) -> None:
    own = await graph.create(attendees=guests("a@x.example"))
    answered = guests("a@x.example")
    answered[0]["status"] = {"response": "accepted", "time": "2026-08-01T10:00:00Z"}
    await graph.control("PATCH", f"{BOX}/events/{own['id']}", {"attendees": answered})
    read = (await graph.call("GET", f"/me/events/{own['id']}")).json()
    assert read["attendees"][0]["status"]["response"] == "accepted"
    organizer = {"name": "Otto", "address": "otto@x.example"}
    entry = {**_plain(), "attendees": guests("rose@havenweddings.example"), "_organizer": organizer}
    copy = await graph.control("POST", f"{BOX}/events", entry)
    await graph.control("PATCH", f"{BOX}/events/{copy['id']}", {"subject": "Later", "_asOrganizer": True})
    await graph.control("PATCH", f"{BOX}/events/{copy['id']}", {"isCancelled": True})
    read = (await graph.call("GET", f"/me/events/{copy['id']}")).json()
    assert (read["subject"], read["isCancelled"], read["isOrganizer"]) == ("Later", True, False)
    assert await mails(graph) == [("invitation", ["a@x.example"])]


async def test_s61_mailbox_not_enabled(graph: Far, marco: Any) -> None:
    await graph.knobs(mailboxNotEnabled="rose@havenweddings.example")
    answer = await graph.call("GET", "/me/calendars", status=404)
    assert answer.json()["error"]["code"] == "MailboxNotEnabledForRESTAPI"
    await graph.call("GET", "/me/calendars", who=marco, status=200)


async def test_import_adds_with_notifications_and_without_mail(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.create()
    entry = {**_plain(), "attendees": guests("a@x.example")}
    loaded = await graph.control("POST", f"{BOX}/events/import", {"events": [entry, {"subject": "no times"}]})
    assert (loaded["loaded"], [item["index"] for item in loaded["refused"]]) == (1, [1])
    await endpoint.until(2)
    assert len((await graph.control("GET", f"{BOX}/events"))["events"]) == 2
    assert await mails(graph) == []
