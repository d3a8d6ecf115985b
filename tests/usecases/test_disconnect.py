"""Disconnecting: only what is ours goes, whatever happens on the way, and whatever is interrupted is resumed."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from shared.core.event import Side
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping
from shared.core.states import IntegrationState, RunState
from shared.errors import NotFound, RowChanged
from shared.store.rows import Table
from shared.usecases.clear_outlook import Removal
from tests.support.world import World

ATTENDEE = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
KEPT_FOR_A_WHILE = {Table.CHANGES, Table.HISTORY, Table.AUTH_STATES}
"""docs/security.md: the history has a term of its own, and so have sign-ins that nobody finished."""


async def lived_in(world: World) -> dict[str, str]:
    """Connect, live a little, and return what must stay, byte for byte: the user's own events and a copy of ours."""
    for number in range(4):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.add("Dentist")
    await world.outlook.add("Lunch with friends", attendees=[ATTENDEE])
    await world.connect()
    with_guests, copied, changed, *_ = [item for item in await world.outlook.events() if "Tasting" in item["subject"]]
    await world.outlook.change(with_guests["id"], attendees=[ATTENDEE])
    await world.outlook.copy(copied["id"])
    await world.settle()
    await world.outlook.change(changed["id"], categories=["Seen by nobody"])  # its etag is not the one that we know
    world.post.clear()
    await world.outlook.control("POST", f"/mailboxes/{world.planner.account.upn}/events", SENT_BY_NOBODY)
    await world.quiet()
    world.post.clear()
    await clear_outbox(world)
    ours = {mapping.outlook_id for mapping in await world.mappings() if mapping.born == "wedsync"} - {with_guests["id"]}
    return {key: text for key, text in (await dumped(world)).items() if key not in ours}


SENT_BY_NOBODY: dict[str, Any] = {
    "subject": "Not imported yet",
    "start": {"dateTime": "2026-09-04T14:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-09-04T15:00:00", "timeZone": "UTC"},
}


async def clear_outbox(world: World) -> None:
    """What the owner did by hand has mailed their guests; from here on nobody is mailed."""
    world.graph.outbox.mails.clear()


async def dumped(world: World) -> dict[str, str]:
    return {item["id"]: json.dumps(item, sort_keys=True) for item in await world.outlook.events()}


async def assert_gone(world: World, stays: dict[str, str], where: str) -> None:
    """Only foreign events are left, as they were, and nothing of ours anywhere else."""
    found = await dumped(world)
    assert sorted(found) == sorted(stays), where
    assert found == stays, where
    assert await world.outlook.sent() == [], where
    assert await world.outlook.subscriptions() == [], where
    assert [name for name in world.secrets.values if name.startswith("outlook-token")] == [], where
    assert (await world.integration()).state is IntegrationState.DISCONNECTED, where
    await world.advance(days=8)
    await world.timers()
    await world.settle()
    assert await dumped(world) == stays, where
    rows = world.tables.contents()
    due = [row for row in rows.pop(Table.DUE) if "prune-history" not in row.partition + row.key]  # comes up once more
    assert [row for row in due if not row.partition.startswith("h|")] == [], where  # up to where a timer is: nobody's
    assert {table for table in rows if table not in KEPT_FOR_A_WHILE} <= {Table.INTEGRATIONS, Table.MAPPINGS}, where
    assert [row.key for row in rows[Table.MAPPINGS]] == ["epoch"], where
    kept = await world.integration()
    assert (kept.delta_link, kept.wedsync_cursor) == ("", ""), where
    assert all(run.stage == "disconnect" for run in await world.runs() if run.state is RunState.IN_PROGRESS), where
    assert world.errors == [], where


async def by_queued_job(world: World) -> None:
    await world.settle()


async def by_repeated_delete(world: World) -> None:
    with contextlib.suppress(NotFound):
        await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()


def is_met(mapping: EventMapping) -> bool:
    """Whether it is of a copy of ours with guests on it."""
    return mapping.born is Side.WEDSYNC and bool(mapping.base_o and mapping.base_o.attendees)


async def disconnect(world: World) -> Removal:
    return await world.app.disconnect.by_user(world.planner.user_id)


async def test_what_is_ours_goes_and_what_has_guests_stays(world: World) -> None:
    stays = await lived_in(world)
    (invited,) = [str(each.wedsync_id) for each in await world.mappings() if is_met(each)]

    removal = await disconnect(world)

    assert removal.finished
    assert removal.webhook_unsubscribed
    assert (removal.events_deleted, removal.events_left) == (3, 1)
    assert [left.event_id for left in removal.left] == [invited]
    assert [left.title for left in removal.left] == [(await world.wedsync.read(invited))["title"]]
    assert removal.mappings_deleted == 7
    assert {run.state for run in await world.runs()} == {RunState.COMPLETED}
    await assert_gone(world, stays, "at once")
    assert len([event for event in await world.wedsync.events() if event["externalId"]]) == 3, "imported events stay"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("resume", "first", "stride"), [(by_queued_job, 1, 1), (by_repeated_delete, 2, 3)])
async def test_killed_at_each_step_it_ends_the_same(
    resume: Callable[[World], Awaitable[None]], first: int, stride: int
) -> None:
    async with World() as world:
        await lived_in(world)
        before = len(world.steps.names)
        await disconnect(world)
        total = len(world.steps.names) - before
    for step in range(first, total + 1, stride):
        async with World(seed=step) as world:
            stays = await lived_in(world)

            assert await world.crashes(partial(disconnect, world), at=step)
            where = f"killed {world.steps.killed}"
            await resume(world)
            if (await world.integration()).state is IntegrationState.CONNECTED:
                # The request died before the fence, so nothing was promised: the user asks again.
                assert await world.ports.mappings.epoch(world.integration_id) == 1, where
                await disconnect(world)
                await world.settle()
            await assert_gone(world, stays, where)


async def test_killed_twice_it_ends_the_same() -> None:
    for step in range(5, 60, 7):
        async with World(seed=step) as world:
            stays = await lived_in(world)
            await world.crashes(partial(disconnect, world), at=step)
            await world.crashes(world.settle, at=step)
            await world.settle()
            if (await world.integration()).state is IntegrationState.CONNECTED:
                await disconnect(world)
            await assert_gone(world, stays, f"killed twice at {step}")


async def test_a_dead_grant_does_not_keep_the_user_from_leaving(world: World) -> None:
    stays = await lived_in(world)
    copies = 4
    before = await dumped(world)
    world.entra.revoked.add(world.integration_id)

    removal = await disconnect(world)

    assert removal.finished
    assert (removal.events_deleted, removal.events_left) == (0, copies)
    assert sorted(left.title for left in removal.left) == [f"Tasting {number}" for number in range(copies)]
    assert not removal.webhook_unsubscribed
    assert await dumped(world) == before
    assert set(stays) < set(before)
    assert [name for name in world.secrets.values if name.startswith("outlook-token")] == []
    assert (await world.integration()).state is IntegrationState.DISCONNECTED
    assert await world.mappings() == []


async def test_a_copy_without_a_mapping_is_named_by_its_marker(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    mapping = await world.mapping_of(event["id"])
    await world.outlook.change(str(mapping.outlook_id), attendees=[ATTENDEE])
    world.post.clear()
    await world.ports.mappings.forget_all(world.integration_id)

    removal = await disconnect(world)

    assert removal.finished
    assert [(left.event_id, left.title) for left in removal.left] == [(mapping.mapping_id, "Tasting")]


async def test_a_lost_calendar_does_not_keep_the_user_from_leaving(world: World) -> None:
    await lived_in(world)
    await world.outlook.knobs(mailboxNotEnabled=world.planner.account.upn)

    removal = await disconnect(world)

    assert removal.finished
    assert removal.events_left == 4
    assert (await world.integration()).state is IntegrationState.DISCONNECTED


async def test_throttled_for_long_it_goes_on_as_a_job(world: World) -> None:
    stays = await lived_in(world)
    await world.outlook.fault(action="status", path="batch|events", status=429, retry_after=120, count=3)

    removal = await disconnect(world)
    assert not removal.finished
    assert (await world.integration()).state is IntegrationState.DISCONNECTING
    await world.settle()

    await assert_gone(world, stays, "throttled")


async def test_a_create_that_lands_after_the_fence_is_swept(world: World) -> None:
    """Its intent was stored before; its POST is still on the way while everything else is removed."""
    stays = await lived_in(world)
    await world.wedsync.add("Late")
    await world.deliver(world.post[0])
    job = world.queue.kept.pop()

    removal = await held_up(world, "before graph POST", lambda: world.run_job(job.text), lambda: disconnect(world))

    assert not removal.finished, "a young intent is waited for"
    assert any("Late" in item["subject"] for item in await world.outlook.events())
    await world.settle()
    await assert_gone(world, stays, "late")


async def test_a_create_that_is_decided_after_the_fence_is_refused(world: World) -> None:
    stays = await lived_in(world)
    await world.wedsync.add("Too late")
    await world.deliver(world.post[0])
    job = world.queue.kept.pop()

    removal = await held_up(
        world, "before transact OutlookEventMappings", lambda: world.run_job(job.text), lambda: disconnect(world)
    )

    assert removal.finished
    assert not any("Too late" in item["subject"] for item in await world.outlook.events())
    await world.settle()
    await assert_gone(world, stays, "too late")


async def test_the_fence_refuses_intents_of_the_old_epoch(world: World) -> None:
    await world.connect()
    integration = await world.integration()
    event = await world.wedsync.add("Tasting")
    state = await world.ports.wedsync.event(world.planner.user_id, event["id"])
    await disconnect(world)

    intent = world.intent_of(integration, state)
    (answer,) = await world.ports.mappings.insert([intent])

    assert isinstance(answer, RowChanged)
    assert await world.mappings() == []


async def test_a_run_in_progress_makes_nothing_after_the_fence(world: World) -> None:
    stays = await lived_in(world)
    for number in range(30):
        await world.wedsync.add(f"Late {number}")
    world.post.clear()

    request = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
    await world.app.request_sync.by_user(world.planner.user_id, request)

    await held_up(world, "before transact OutlookEventMappings", world.settle, lambda: disconnect(world))
    await world.settle()

    await assert_gone(world, stays, "during a run")


async def test_whoever_connects_again_finds_what_they_had(world: World) -> None:
    for number in range(3):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.add("Dentist")
    await world.connect()
    await disconnect(world)
    await world.settle()

    await world.connect()

    await world.assert_equal()
    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == 4


async def test_without_a_connection_there_is_nothing_to_disconnect(world: World) -> None:
    with pytest.raises(NotFound):
        await disconnect(world)

    await world.connect()
    await disconnect(world)
    with pytest.raises(NotFound):
        await disconnect(world)


async def held_up(
    world: World, at: str, work: Callable[[], Awaitable[object]], meanwhile: Callable[[], Awaitable[Removal]]
) -> Removal:
    """Start the work, hold it at a step, do something else meanwhile, and let it go on."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def watch(name: str) -> None:
        if name.startswith(at) and not reached.is_set():
            reached.set()
            await go_on.wait()

    world.steps.watch = watch
    task = asyncio.ensure_future(work())
    await reached.wait()
    result = await meanwhile()
    go_on.set()
    await task
    world.steps.watch = None
    return result
