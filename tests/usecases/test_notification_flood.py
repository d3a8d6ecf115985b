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
from shared.core.jobs import LooksJob, UpkeepJob
from shared.errors import Unavailable
from tests.support.flood import (
    EACH,
    MAILBOXES,
    Looks,
    all_events,
    body,
    connect_all,
    integration_id,
    lifecycle_body,
    looks,
    subscription_id,
)
from tests.support.functions import functions
from tests.support.world import World

STORAGE_SECONDS = 0.03
"""One request to tables or queues. Storage answers within 10 ms mostly."""

GRAPH_WAITS = 3.0
"""https://learn.microsoft.com/graph/change-notifications-delivery-webhooks"""


@pytest.fixture(autouse=True)
async def served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_app", world.app)
    await connect_all(world.ports.integrations, world.ports.rows, world.clock.now())


async def post(world: World) -> func.HttpResponse:
    return await posted("graph_webhook", "webhook", body(world.clock.now()))


async def post_missed(world: World) -> func.HttpResponse:
    """What Graph sends once it could not deliver for a while, of all mailboxes at once."""
    return await posted("graph_lifecycle", "lifecycle", lifecycle_body("missed", world.clock.now()))


async def posted(function: str, path: str, sent: dict[str, object]) -> func.HttpResponse:
    request = func.HttpRequest(
        "POST",
        f"https://x.test/api/calendar/outlook/{path}",
        headers={"content-type": "application/json"},
        body=json.dumps(sent).encode(),
    )
    answer = await functions()[function].call(request)
    assert isinstance(answer, func.HttpResponse)
    return answer


def looked_at(world: World) -> Looks:
    """How often each event of each integration is on the queue."""
    return looks(world.app.jobs.parse(message.text) for message in world.queue.kept)


async def slowly(_: str) -> None:
    await asyncio.sleep(STORAGE_SECONDS / 2)  # before and after each request


async def test_they_are_answered_in_time_and_none_is_lost(world: World) -> None:
    world.steps.watch = slowly
    began = world.clock.now()
    assert (await post(world)).status_code == 202
    assert world.clock.now() - began < timedelta(seconds=6 * STORAGE_SECONDS), "four rounds of reads, one of messages"
    assert looked_at(world) == dict.fromkeys(all_events(), 1)
    world.steps.watch = None
    for message in tuple(world.queue.kept):
        await world.run_job(message.text)
        world.queue.kept.remove(message)
    assert looked_at(world) == dict.fromkeys(all_events(), 1)
    assert len(world.queue.kept) == MAILBOXES, "in the end a message for each mailbox"


async def test_what_was_missed_of_many_mailboxes_is_answered_in_time_and_starts_one_run_each(world: World) -> None:
    world.steps.watch = slowly
    for _ in range(2):  # Graph sends again what it takes for undelivered
        began = world.clock.now()
        assert (await post_missed(world)).status_code == 202
        assert world.clock.now() - began <= timedelta(seconds=GRAPH_WAITS / 3)
    world.steps.watch = None
    for mailbox in range(MAILBOXES):
        assert len(await world.ports.runs.recent(integration_id(mailbox), 10)) == 1


async def test_each_mailbox_costs_one_read_and_the_eighth_part_of_a_message(world: World) -> None:
    world.steps.names.clear()
    await post(world)
    asked = Counter(name.removeprefix("before ") for name in world.steps.names if name.startswith("before"))
    assert asked == {"get OutlookSubscriptions": MAILBOXES, "put outlook-event-jobs": -(-MAILBOXES // 8)}


@pytest.mark.parametrize(("mailboxes", "messages"), [(1, 1), (10, 10), (11, 2)])
async def test_a_post_for_a_few_mailboxes_takes_the_shortest_way(world: World, mailboxes: int, messages: int) -> None:
    await posted("graph_webhook", "webhook", body(world.clock.now(), mailboxes=mailboxes))
    assert len(world.queue.kept) == messages
    assert looked_at(world).total() == mailboxes * EACH


async def test_a_message_for_many_mailboxes_that_fails_for_good_starts_a_run_for_each(world: World) -> None:
    await post(world)
    text = world.queue.kept[0].text
    job = world.app.jobs.parse(text)
    assert isinstance(job, LooksJob)
    await world.app.recover_poison.run(text)
    for look in job.jobs:
        assert len(await world.ports.runs.recent(look.integration_id, 10)) == 1


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
        refused = await post(world)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
    world.steps.watch = None
    assert (await post(world)).status_code == 202
    found = looked_at(world)
    assert set(found) == all_events()
    assert max(found.values()) <= 4, "seen again with each delivery at most: a job only says where to look"


async def test_one_that_is_near_its_end_is_renewed_in_passing(world: World) -> None:
    stored = await world.ports.rows.get(subscription_id(7))
    assert stored is not None
    await world.ports.rows.put(replace(stored.value, expires_at=world.clock.now() + timedelta(hours=12)))
    await post(world)
    jobs = [world.app.jobs.parse(message.text) for message in world.queue.kept]
    assert [job.integration_id for job in jobs if isinstance(job, UpkeepJob)] == ["i7"]
