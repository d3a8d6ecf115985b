"""Notices of what a run has just made: they come before the run has noted it, and take nothing out of its hands."""

import asyncio
from datetime import timedelta

import pytest

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance
from shared.core.states import RunState
from shared.store.messages import parse
from shared.store.rows import Table
from tests.support.world import World
from tests.usecases.test_run_goes_on import row_of, started

BATCH = "graph POST /v1.0/$batch"


async def noticed(world: World) -> list[str]:
    """Deliver all notices and look at what they name, as another worker does; return what was asked of far ends."""
    await world.quiet()
    for letter in [*world.post]:
        world.post.remove(letter)
        await world.deliver(letter)
    world.steps.names.clear()
    now = asyncio.get_running_loop().time()
    for message in [each for each in world.queue.kept if isinstance(parse(each.text), EventJob) and each.due <= now]:
        await world.carry_out(message)
    return [name for name in world.steps.names if name.startswith(("before graph ", "before wedsync "))]


@pytest.mark.parametrize("side", list(Side))
async def test_what_a_run_has_just_made_is_left_to_the_run(world: World, side: Side) -> None:
    await world.connect()
    for number in range(30):
        await (
            world.wedsync.add(f"Tasting {number}") if side is Side.WEDSYNC else world.outlook.add(f"Tasting {number}")
        )
    await world.quiet()
    world.post.clear()
    run = await started(world)
    (message,) = world.queue.kept
    world.queue.kept.clear()
    looks: list[list[str]] = []
    made = False

    async def another_worker(name: str) -> None:
        """Comes when the first events are made, and before that is stored."""
        nonlocal made
        made = made or name.startswith((f"after {BATCH}", "after wedsync POST"))
        if made and name == f"before transact {Table.MAPPINGS}":
            world.steps.watch = None
            looks.append(await noticed(world))

    world.steps.watch = another_worker
    await world.run_job(message.text)

    ended = await row_of(world, run)
    assert (ended.state, ended.tally.created, ended.tally.errors) == (RunState.COMPLETED, 30, 0)
    assert looks == [[]]
    world.steps.names.clear()
    await world.settle()
    assert [name for name in world.steps.names if name.startswith(("before graph ", "before wedsync "))] == []
    await world.assert_equal()


async def test_an_event_that_is_new_meanwhile_comes_two_seconds_later(world: World) -> None:
    await world.connect()
    await world.wedsync.add("Tasting")
    await world.quiet()
    world.post.clear()
    await started(world)
    (message,) = world.queue.kept
    world.queue.kept.clear()

    async def owner(name: str) -> None:
        if name == f"after {BATCH}":
            world.steps.watch = None
            await world.outlook.add("Dentist")
            assert await noticed(world) == []

    world.steps.watch = owner
    await world.run_job(message.text)
    assert [event["title"] for event in await world.wedsync.events()] == ["Tasting"]
    await world.advance(seconds=2)
    await world.settle()
    assert sorted(event["title"] for event in await world.wedsync.events()) == ["Dentist", "Tasting"]
    await world.assert_equal()


async def test_what_an_import_makes_in_wedsync_is_not_even_looked_up_while_the_run_is_at_work(world: World) -> None:
    await world.connect()
    for number in range(5):
        await world.outlook.add(f"Dentist {number}")
    await world.quiet()
    world.post.clear()
    run = await started(world)
    (message,) = world.queue.kept
    world.queue.kept.clear()
    waiting: list[EventJob] = []

    async def wedsync_tells(name: str) -> None:
        if name == f"before transact {Table.MAPPINGS}" and len(await world.wedsync.events()) == 5:
            world.steps.watch = None
            await noticed(world)
            waiting.extend(job for each in world.queue.kept if isinstance(job := parse(each.text), EventJob))

    world.steps.watch = wedsync_tells
    await world.run_job(message.text)
    assert (await row_of(world, run)).tally.created == 5
    assert [job.attempt for job in waiting] == [1] * 5
    await world.settle()
    await world.assert_equal()


@pytest.mark.parametrize("first", ["throttled", "new"])
async def test_whoever_asks_for_the_longest_peace_gets_it(world: World, first: str) -> None:
    item = await world.outlook.add("Dentist")
    await world.connect()
    await world.outlook.change(item["id"], subject="Dentist, later")
    new = await world.outlook.add("Hairdresser")
    await world.quiet()
    world.post.clear()
    until = world.clock.now() + timedelta(seconds=30)
    assert await world.ports.leases.acquire(world.integration_id, owner="a run", until=until) is not None
    await world.outlook.fault(action="status", method="GET", status=429, code="TooManyRequests", retry_after=60)
    named = [Glance(event_id=str(each["id"])) for each in (item, new)]
    events = tuple(named if first == "throttled" else reversed(named))
    before = asyncio.get_running_loop().time()
    await world.app.settle_events.run(EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=events))
    (message,) = world.queue.kept
    assert message.due - before >= 60
    await world.outlook.clear_faults()
    await world.settle()
    await world.assert_equal()
