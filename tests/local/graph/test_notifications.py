"""Notifications: the payload, disorder on order, lifecycle events (S49, S51, S52), over HTTPS."""

import asyncio
import base64
from typing import Any

import pytest

from local.simkit.people import MARCO, ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Endpoint, Far, series
from tests.local.graph.sources import CLOSEIO, concept, issue
from tests.local.graph.subscribing import BOX, PLAIN, advance, notices, subscribe

WEBHOOKS, LIFECYCLE = (
    concept("change-notifications-delivery-webhooks"),
    concept("change-notifications-lifecycle-events"),
)
SDK_3103 = issue(3103, "microsoftgraph/msgraph-sdk-dotnet")
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
EVENTS = ["reauthorizationRequired", "subscriptionRemoved", "missed"]


@behaviour("S49", Grade.DOCUMENTED, WEBHOOKS, concept("outlook-immutable-id"))
@pytest.mark.parametrize("headers", [{}, IMMUTABLE])
async def test_s49_payload(graph: Far, endpoint: Endpoint, rose: Any, headers: dict[str, str]) -> None:
    made = await subscribe(graph, endpoint, headers=headers)
    created = await graph.create()
    item = (await endpoint.until(1))[0]
    kept = (await graph.call("GET", f"/me/events/{created['id']}", headers=headers)).json()
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


@behaviour("S49", Grade.REPORTED, issue(3055), knobs=("emptyTenantId",))
async def test_s49_a_personal_account_may_come_without_a_tenant(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint, who=MARCO)
    await graph.call("POST", "/me/events", PLAIN, who=MARCO, status=201)
    known = (await endpoint.until(1))[0]
    assert known["tenantId"] == "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert len(known["resource"].split("/")[1]) == 16
    await graph.knobs(emptyTenantId=True)
    await graph.call("POST", "/me/events", PLAIN, who=MARCO, status=201)
    assert (await endpoint.until(2))[1]["tenantId"] == ""
    await subscribe(graph, endpoint)
    await graph.create()
    assert (await endpoint.until(3))[2]["tenantId"] == ROSE.tid


@behaviour("S49", Grade.DOCUMENTED, WEBHOOKS)
async def test_s49_one_post_carries_several_items_and_tenants(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(notifyMilliseconds=500)
    made = [await subscribe(graph, endpoint), await subscribe(graph, endpoint, who=MARCO)]
    await asyncio.gather(graph.create(), graph.create(), graph.call("POST", "/me/events", PLAIN, who=MARCO))
    await endpoint.until(3)
    assert len(endpoint.posts) == 1
    assert {(item["subscriptionId"], item["tenantId"]) for item in endpoint.items} == {
        (made[0]["id"], ROSE.tid),
        (made[1]["id"], MARCO.tid),
    }


@behaviour("S49", Grade.REPORTED, CLOSEIO, issue(6595), concept("outlook-change-notifications-overview"))
async def test_s49_update_delete_and_move_by_calendar(graph: Far, endpoint: Endpoint) -> None:
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


@behaviour("S51", Grade.REPORTED, issue(3073), issue(3381), knobs=("fault: lose",))
async def test_s51_lost(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "lose", "path": "Events/", "every": 2})
    made = [(await graph.create())["id"] for _ in range(3)]
    await endpoint.until(2)
    assert {item["resourceData"]["id"] for item in endpoint.items} == {made[0], made[2]}


@behaviour("S51", Grade.REPORTED, issue(3073), issue(3381), knobs=("fault: double",))
async def test_s51_doubled(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "double", "path": "Events/", "count": 1})
    await graph.create()
    first, second = await endpoint.until(2)
    assert first == second
    assert len(endpoint.posts) == 2


@behaviour("S51", Grade.REPORTED, issue(3073), issue(3381), knobs=("fault: delay",))
async def test_s51_delayed_by_the_stands_clock(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "delay", "path": "Events/", "count": 1, "seconds": 900})
    late, early = await graph.create(), await graph.create()
    assert [item["resourceData"]["id"] for item in await endpoint.until(1)] == [early["id"]]
    assert (await notices(graph, sent=1))["pending"] == 1
    await advance(graph, seconds=901)
    assert (await endpoint.until(2))[1]["resourceData"]["id"] == late["id"]


@behaviour("S51", Grade.REPORTED, issue(3073), issue(8498), knobs=("fault: reorder",))
async def test_s51_reordered(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.control("POST", "/faults", {"action": "reorder", "path": "Events/", "count": 1})
    made = await graph.create()
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"})
    await endpoint.until(2)
    assert [item["changeType"] for item in endpoint.items] == ["updated", "created"]


@behaviour("S51", Grade.REPORTED, issue(3073), issue(3381), knobs=("notifyExtraUpdates",))
async def test_s51_one_create_may_be_told_as_several_changes(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint)
    await graph.knobs(notifyExtraUpdates=2)
    await graph.create()
    items = await endpoint.until(3)
    assert [item["changeType"] for item in items] == ["created", "updated", "updated"]
    assert len({item["resourceData"]["@odata.etag"] for item in items}) == 1


@behaviour("S52", Grade.DOCUMENTED, LIFECYCLE)
@pytest.mark.parametrize("event", EVENTS)
async def test_s52_lifecycle_events_as_documented(graph: Far, endpoint: Endpoint, event: str) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": event, "subscriptionId": made["id"]})
    item = dict((await endpoint.until(1))[0])
    assert item.pop("subscriptionExpirationDateTime")[:16] == made["expirationDateTime"][:16]
    assert item == {
        "subscriptionId": made["id"],
        "tenantId": ROSE.tid,
        "clientState": "secret",
        "lifecycleEvent": event,
    }
    assert (await notices(graph, sent=1))["sent"][0]["url"] == f"{endpoint.url}/lifecycle"


@behaviour("S52", Grade.REPORTED, SDK_3103)
@pytest.mark.parametrize("event", EVENTS)
async def test_s52_lifecycle_events_as_seen_in_2026(graph: Far, endpoint: Endpoint, event: str) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": event, "variant": True})
    item = (await endpoint.until(1))[0]
    assert (item["lifecycleEvent"], item["clientState"], item["subscriptionId"]) == (event, "secret", made["id"])
    assert (item["organizationId"], item["resource"]) == (ROSE.tid, f"Subscriptions/{made['id']}")
    assert item["encryptedContent"] is None
    assert "resourceData" in item
    assert "tenantId" not in item


@behaviour("S52", Grade.DOCUMENTED, LIFECYCLE)
async def test_s52_a_removed_subscription_is_gone(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    await graph.control("POST", "/lifecycle", {"event": "subscriptionRemoved", "subscriptionId": made["id"]})
    await endpoint.until(1)
    await graph.call("GET", f"/subscriptions/{made['id']}", status=404)
    await graph.create()
    await subscribe(graph, endpoint)
    assert len((await notices(graph, sent=1))["sent"]) == 1


@behaviour("S52", Grade.DOCUMENTED, LIFECYCLE)
async def test_s52_without_a_lifecycle_url_nobody_is_told(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint, lifecycleNotificationUrl=None)
    assert await graph.control("POST", "/lifecycle", {"event": "missed"}) == {"told": 0}


@behaviour("S52", Grade.ASSUMED, issue(10449), knobs=("lifecycleForPersonal",))
@pytest.mark.parametrize("event", EVENTS)
async def test_s52_personal_accounts_are_told_by_knob_only(graph: Far, endpoint: Endpoint, event: str) -> None:
    made = await subscribe(graph, endpoint, who=MARCO)
    order = {"event": "missed", "subscriptionId": made["id"]}
    assert await graph.control("POST", "/lifecycle", order) == {"told": 0}
    await graph.knobs(lifecycleForPersonal=True)
    assert await graph.control("POST", "/lifecycle", order | {"event": event}) == {"told": 1}
    assert (await endpoint.until(1))[0]["lifecycleEvent"] == event


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
