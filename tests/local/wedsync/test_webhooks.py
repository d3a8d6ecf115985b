"""Webhooks as the sync service receives them, verified with the Standard Webhooks library."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.local.wedsync.conftest import WEBHOOK_SECRET, Stand, until
from tests.local.wedsync.samples import sample

CONTROL = "/_control/users/planner-rose/events"
EVENTS = "/v1/users/planner-rose/events"


async def settled(stand: Stand) -> list[dict[str, Any]]:
    """Wait until nothing is under way and return all attempts."""

    async def quiet() -> bool:
        return bool((await stand.control.get("/_control/webhooks")).json()["pending"] == 0)

    await until(quiet)
    sent: list[dict[str, Any]] = (await stand.control.get("/_control/webhooks")).json()["sent"]
    return sent


async def fault(stand: Stand, **order: Any) -> None:
    assert (await stand.control.post("/_control/faults", json=order)).status_code == 200


def received(stand: Stand) -> list[tuple[str, int]]:
    bodies = [json.loads(call.body) for call in stand.functions.webhooks]
    return [(body["type"], body["data"]["version"]) for body in bodies]


async def test_a_users_edits_are_announced_and_signed(stand: Stand) -> None:
    event = (await stand.control.post(CONTROL, json=sample())).json()
    await settled(stand)
    await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "Later"})
    await settled(stand)
    await stand.control.delete(f"{CONTROL}/{event['id']}")
    await settled(stand)
    assert received(stand) == [("event.created", 1), ("event.updated", 2), ("event.deleted", 3)]
    for call in stand.functions.webhooks:
        body = Webhook(WEBHOOK_SECRET).verify(call.body, call.headers)
        assert set(body) == {"type", "timestamp", "data"}
        assert body["data"] == {"userId": "planner-rose", "eventId": event["id"], "version": body["data"]["version"]}
        with pytest.raises(WebhookVerificationError):
            Webhook(WEBHOOK_SECRET).verify(call.body + b" ", call.headers)
    assert len({call.headers["webhook-id"] for call in stand.functions.webhooks}) == 3


async def test_changes_by_the_sync_service_are_announced_as_well(stand: Stand) -> None:
    made = await stand.api.post(EVENTS, json=sample(externalId="x"), headers={"Idempotency-Key": "k"})
    await stand.api.post(EVENTS, json=sample(externalId="x"), headers={"Idempotency-Key": "k"})
    await stand.api.post(EVENTS, json=sample(externalId="x"), headers={"Idempotency-Key": "other"})
    await settled(stand)
    where = made.headers["location"]
    await stand.api.patch(where, json={"title": "Later"}, headers={"If-Match": "1"})
    await settled(stand)
    await stand.api.delete(where, headers={"If-Match": "2"})
    await stand.api.patch(where, json={"title": "Stale"}, headers={"If-Match": "1"})
    await settled(stand)
    assert received(stand) == [("event.created", 1), ("event.updated", 2), ("event.deleted", 3)]


async def test_repeated_until_a_2xx_with_the_same_id(stand: Stand) -> None:
    stand.functions.webhook_statuses = [503, 401, 204]
    await stand.control.post(CONTROL, json=sample())
    sent = await settled(stand)
    assert [(item["status"], item["attempt"], item["outcome"]) for item in sent] == [
        (503, 1, "refused"),
        (401, 2, "refused"),
        (204, 3, "delivered"),
    ]
    assert len({call.headers["webhook-id"] for call in stand.functions.webhooks}) == 1


async def test_given_up_after_the_last_attempt(stand: Stand) -> None:
    stand.functions.webhook_statuses = [500] * 10
    await stand.control.post(CONTROL, json=sample())
    assert [item["attempt"] for item in await settled(stand)] == [1, 2, 3, 4]


async def test_lose(stand: Stand) -> None:
    await fault(stand, action="lose", path="event.updated", count=1)
    event = (await stand.control.post(CONTROL, json=sample())).json()
    await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "Lost"})
    await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "Kept"})
    sent = await settled(stand)
    assert sorted(received(stand)) == [("event.created", 1), ("event.updated", 3)]
    assert [(item["status"], item["type"]) for item in sent if item["outcome"] == "lost"] == [(None, "event.updated")]


async def test_double(stand: Stand) -> None:
    event = (await stand.control.post(CONTROL, json=sample())).json()
    await settled(stand)
    await fault(stand, action="double", path=event["id"])
    await stand.control.delete(f"{CONTROL}/{event['id']}")
    await settled(stand)
    assert received(stand) == [("event.created", 1), ("event.deleted", 2), ("event.deleted", 2)]
    assert len({call.headers["webhook-id"] for call in stand.functions.webhooks}) == 2


async def test_reorder_and_delay(stand: Stand) -> None:
    for action in ("reorder", "delay"):
        await stand.control.delete("/_control/faults")
        stand.functions.reset()
        event = (await stand.control.post(CONTROL, json=sample())).json()
        await settled(stand)
        await fault(stand, action=action, path="event.updated", count=1, seconds=0.5)
        await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "First"})
        await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "Second"})
        await settled(stand)
        assert received(stand) == [("event.created", 1), ("event.updated", 3), ("event.updated", 2)]


async def test_doubled_and_out_of_order(stand: Stand) -> None:
    event = (await stand.control.post(CONTROL, json=sample())).json()
    await settled(stand)
    await fault(stand, action="double")
    await fault(stand, action="reorder", count=1, seconds=0.3)
    await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "First"})
    await stand.control.patch(f"{CONTROL}/{event['id']}", json={"title": "Second"})
    await settled(stand)
    arrived = [version for kind, version in received(stand) if kind == "event.updated"]
    assert sorted(arrived) == [2, 2, 3, 3]
    assert arrived != sorted(arrived)


async def test_a_held_message_goes_out_when_none_follows(stand: Stand) -> None:
    await fault(stand, action="reorder", seconds=0.05)
    await stand.control.post(CONTROL, json=sample())
    await settled(stand)
    assert received(stand) == [("event.created", 1)]


async def test_loading_is_silent_and_reset_forgets(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [sample()]})
    assert await settled(stand) == []
    await stand.control.post(CONTROL, json=sample())
    assert len(await settled(stand)) == 1
    await stand.control.post("/_control/reset")
    assert await settled(stand) == []


async def test_the_signature_follows_the_stands_clock(stand: Stand) -> None:
    await stand.control.post("/_control/clock", json={"advanceSeconds": -3600})
    await stand.control.post(CONTROL, json=sample())
    await settled(stand)
    call = stand.functions.webhooks[0]
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(WEBHOOK_SECRET).verify(call.body, call.headers)
