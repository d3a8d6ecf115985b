"""Two workers while the prefix is being changed: what one has just written is no wish of the user's to the other."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance
from tests.support.pair import Pair
from tests.support.settings import change, changed
from tests.support.world import World
from tests.usecases.test_run_goes_on import started


async def by_a_job(world: World, ours: Pair) -> None:
    glance = Glance(event_id=ours.outlook_id)
    await world.app.settle_events.run(
        EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=(glance,))
    )


async def by_a_run(world: World, ours: Pair) -> None:
    del ours
    await started(world)
    (message,) = world.queue.kept
    world.queue.kept.clear()
    await world.run_job(message.text)


@pytest.mark.parametrize(("before", "after"), [("WedSync: ", ""), ("WedSync: ", "Wedding - ")])
@pytest.mark.parametrize("look", [by_a_job, by_a_run])
async def test_a_prefix_that_is_changed_while_somebody_looks_was_not_taken_off_by_its_owner(
    world: World, ours: Pair, look: Callable[[World, Pair], Awaitable[None]], before: str, after: str
) -> None:
    await changed(world, event_prefix=before)
    wedsync = EventJob(
        integration_id=world.integration_id, side=Side.WEDSYNC, events=(Glance(event_id=ours.wedsync_id),)
    )
    written, looked = asyncio.Event(), asyncio.Event()
    others: list[asyncio.Task[None]] = []

    async def another_worker(name: str) -> None:
        """Has written another title under another prefix, and not noted it, when the first comes to look."""
        if name.startswith("before graph GET") and not others:
            await ours.here(title="Cake tasting")
            await change(world, event_prefix=after)
            others.append(asyncio.create_task(world.app.settle_events.run(wedsync)))
            await written.wait()
        elif name.startswith("after graph PATCH") and not written.is_set():
            written.set()
            await looked.wait()

    world.steps.watch = another_worker
    await look(world, ours)
    looked.set()
    await asyncio.gather(*others)
    world.steps.watch = None
    assert written.is_set()
    await world.settle()
    assert await ours.titles() == ("Cake tasting", f"{after}Cake tasting")
    await changed(world, event_prefix="Ours: ")
    assert await ours.titles() == ("Cake tasting", "Ours: Cake tasting")
    assert await world.open_conflicts() == ()
