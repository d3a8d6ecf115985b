"""A thousand notifications for fifty mailboxes in one POST, at the function that Graph calls.

Time is the loop's: each request to storage takes as long as a slow day's, and nothing else takes any.
"""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import azure.functions as func
import pytest

from shared import bootstrap
from shared.core.jobs import EventJob, UpkeepJob
from shared.errors import Unavailable
from shared.usecases.subscribe import client_state_hash
from tests.support import values
from tests.support.functions import functions
from tests.support.world import World

MAILBOXES = 50
EACH = 20
STORAGE_SECONDS = 0.03
"""One request to tables or queues. Storage answers within 10 ms mostly."""

GRAPH_WAITS = 3.0
"""https://learn.microsoft.com/graph/change-notifications-delivery-webhooks"""


@pytest.fixture(autouse=True)
async def served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_app", world.app)
    for number in range(MAILBOXES):
        await world.ports.integrations.insert(values.integration(integration_id=f"i{number}", user_id=f"u{number}"))
        await world.ports.rows.put(
            values.subscription(
                subscription_id=f"s{number}",
                integration_id=f"i{number}",
                client_state_hash=client_state_hash(f"secret {number}"),
                expires_at=world.clock.now() + timedelta(days=6),
            )
        )


def body() -> dict[str, object]:
    """As Graph mixes them: mailboxes take turns."""
    return {
        "value": [
            {
                "subscriptionId": f"s{mailbox}",
                "clientState": f"secret {mailbox}",
                "changeType": "updated",
                "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
                "resource": f"Users/u{mailbox}/Events/e{mailbox}-{event}",
                "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": f"e{mailbox}-{event}"},
            }
            for event in range(EACH)
            for mailbox in range(MAILBOXES)
        ]
    }


async def post() -> func.HttpResponse:
    request = func.HttpRequest(
        "POST",
        "https://x.test/api/calendar/outlook/webhook",
        headers={"content-type": "application/json"},
        body=json.dumps(body()).encode(),
    )
    answer = await functions()["graph_webhook"].call(request)
    assert isinstance(answer, func.HttpResponse)
    return answer


def looked_at(world: World) -> Counter[tuple[str, str]]:
    """How often each event of each integration is on the queue."""
    found: Counter[tuple[str, str]] = Counter()
    for message in world.queue.kept:
        job = world.app.jobs.parse(message.text)
        assert isinstance(job, EventJob)
        found.update((job.integration_id, glance.event_id) for glance in job.events)
    return found


ALL = {(f"i{mailbox}", f"e{mailbox}-{event}") for mailbox in range(MAILBOXES) for event in range(EACH)}


async def slowly(_: str) -> None:
    await asyncio.sleep(STORAGE_SECONDS / 2)  # before and after each request


async def test_they_are_answered_in_time_and_none_is_lost(world: World) -> None:
    world.steps.watch = slowly
    began = world.clock.now()
    assert (await post()).status_code == 202
    assert world.clock.now() - began <= timedelta(seconds=GRAPH_WAITS / 10)
    assert looked_at(world) == dict.fromkeys(ALL, 1)
    assert len(world.queue.kept) == MAILBOXES, "a message for each mailbox"


async def test_each_mailbox_costs_one_read_and_one_message(world: World) -> None:
    world.steps.names.clear()
    await post()
    asked = Counter(name.removeprefix("before ") for name in world.steps.names if name.startswith("before"))
    assert asked == {"get OutlookSubscriptions": MAILBOXES, "put outlook-event-jobs": MAILBOXES}


@pytest.mark.parametrize("every", [1, 2, 7])
async def test_a_queue_that_fails_is_answered_5xx_and_the_redelivery_loses_none(world: World, every: int) -> None:
    """Each so-manieth message is refused at first, and the queue is well again after some of Graph's attempts."""
    puts = 0

    async def refuse(name: str) -> None:
        nonlocal puts
        if name == "before put outlook-event-jobs":
            puts += 1
            if puts % every == 0:
                raise Unavailable("queue", status=503)

    world.steps.watch = refuse
    for _ in range(3):
        refused = await post()
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
    world.steps.watch = None
    assert (await post()).status_code == 202
    found = looked_at(world)
    assert set(found) == ALL
    assert max(found.values()) <= 4, "seen again with each delivery at most: a job only says where to look"


async def test_one_that_is_near_its_end_is_renewed_in_passing(world: World) -> None:
    stored = await world.ports.rows.get("s7")
    assert stored is not None
    await world.ports.rows.put(replace(stored.value, expires_at=world.clock.now() + timedelta(hours=12)))
    await post()
    jobs = [world.app.jobs.parse(message.text) for message in world.queue.kept]
    assert [job.integration_id for job in jobs if isinstance(job, UpkeepJob)] == ["i7"]
