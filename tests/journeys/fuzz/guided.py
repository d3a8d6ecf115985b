"""Calls that no fuzzer can make up: each needs something that was just arranged. They pass the same checks."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import schemathesis
from standardwebhooks import Webhook

from local.stand import WEBHOOK_SECRET
from tests.journeys.connecting import handed_over
from tests.journeys.held import delete_all, many_in_outlook
from tests.journeys.pairs import pair
from tests.journeys.planner import Planner
from tests.journeys.scene import Scene


@dataclass(kw_only=True)
class Guided:
    """Calls by operation id, and which of them were answered as hoped."""

    scene: Scene
    schema: Any
    done: set[str] = field(default_factory=set)

    async def call(
        self, name: str, *, planner: Planner | None = None, headers: Mapping[str, str] | None = None, **parts: Any
    ) -> Any:
        """Call an operation with every check on, and return its answer, which has to be a good one."""
        case = self.schema.find_operation_by_id(name).Case(**parts)
        if "body" in parts:
            case.media_type = "application/json"
        planner = planner or self.scene.rose
        sent = headers or {"Authorization": f"Bearer {await planner.token()}"}
        answer = await asyncio.to_thread(case.call_and_validate, headers=dict(sent))
        if answer.status_code < 300:
            self.done.add(case.operation.label)
        return answer


async def guided(scene: Scene) -> set[str]:
    """Make the calls; return the operations that were answered 2xx, by method and path."""
    url = f"{scene.rose.urls.host}/api/openapi.json"
    calls = Guided(scene=scene, schema=await asyncio.to_thread(schemathesis.openapi.from_url, url))
    await calls.call("finish_connect", planner=scene.marco, body=await handed_over(scene.marco))
    await signed(calls)
    await keyed(calls)
    await cancelled(calls)
    await meeting(calls)
    await chosen(calls)
    await confirmed(calls)
    run = {"syncId": scene.runs["planner-rose"]}
    await calls.call("sync_job", path_parameters=run)
    await calls.call("undo_sync", path_parameters=run)
    return calls.done


async def signed(calls: Guided) -> None:
    event = {"userId": "planner-rose", "eventId": calls.scene.events["planner-rose"], "version": 1}
    body = {"type": "event.updated", "timestamp": "2026-06-20T13:05:00Z", "data": event}
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_guided",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign("msg_guided", now, json.dumps(body)),
    }
    await calls.call("wedsync_webhook", body=body, headers=headers)


async def keyed(calls: Guided) -> None:
    """The same key and body lead to the same run, and another body is refused."""
    headers = {"Authorization": f"Bearer {await calls.scene.rose.token()}", "Idempotency-Key": "guided"}
    answers = [
        await calls.call("sync_start", headers=headers, body={"syncType": kind})
        for kind in ("full_sync", "full_sync", "incremental")
    ]
    first, again, other = [answer.json() for answer in answers]
    assert again["syncId"] == first["syncId"]
    assert (other["status"], other["code"]) == (422, "idempotency_key_reused")


async def cancelled(calls: Guided) -> None:
    """A run may have ended before its cancellation comes; then there is another."""
    for _ in range(10):
        started = (await calls.call("sync_start", body={"syncType": "full_sync"})).json()
        answer = await calls.call("sync_cancel", path_parameters={"syncId": started["syncId"]})
        if answer.status_code == 200:
            return
    raise AssertionError("every run had ended before it could be cancelled")


async def meeting(calls: Guided) -> None:
    content = calls.schema.raw_schema["paths"]["/calendar/outlook/meetings"]["post"]["requestBody"]["content"]
    (example, *_) = content["application/json"]["examples"].values()
    made = (await calls.call("make_meeting", body=example["value"])).json()
    at = {"eventId": made["eventId"]}
    await calls.call("change_meeting", path_parameters=at, body={"title": "Menu tasting, moved", "mailGuests": True})
    await calls.call("cancel_meeting", path_parameters=at, body={"message": "Another day.", "mailGuests": True})


async def chosen(calls: Guided) -> None:
    tasting = await pair(calls.scene.rose, "Guided tasting")
    await tasting.clash("Cake", "Wine")
    at = {"eventId": tasting.wedsync_id}
    await calls.call("list_events", query={"syncStatuses": ["conflict"]})
    await calls.call("resolve_conflict", path_parameters=at, body={"resolutions": {"title": {"useValue": "outlook"}}})
    await tasting.both("Wine")
    await calls.call("force_sync", path_parameters=at, body={"direction": "to_outlook"})
    await calls.call("restore_event", path_parameters=at)
    await calls.call("explain_event", path_parameters=at)


async def confirmed(calls: Guided) -> None:
    question = await delete_all(calls.scene.rose, await many_in_outlook(calls.scene.rose, "Guided"))
    await calls.call("sync_status")
    body = {"confirmationId": question["confirmationId"], "accept": False}
    await calls.call("sync_confirm", body=body)
