"""What happens to a connection while a run is at work: the end of the run takes none of it back."""

from collections.abc import Awaitable, Callable

import pytest

from shared.core.history import SyncRun
from shared.core.jobs import RunKind
from shared.core.states import RunState
from shared.usecases.sync_run import LEASE
from tests.support.pair import Pair
from tests.support.settings import change
from tests.support.world import World
from tests.usecases.test_run_goes_on import filled, row_of, slow, started


async def overtaken(world: World, meanwhile: Callable[[], Awaitable[object]]) -> SyncRun:
    """Let a full run begin, and something else happen as soon as it asks Outlook."""
    run = await started(world)
    (message,) = world.queue.kept
    world.queue.kept.clear()
    came: list[str] = []

    async def another(name: str) -> None:
        if name.startswith("before graph GET") and not came:
            came.append(name)
            await meanwhile()

    world.steps.watch = another
    await world.run_job(message.text)
    world.steps.watch = None
    assert came
    return await row_of(world, run)


async def test_a_change_of_settings_is_not_taken_for_carried_out(world: World, ours: Pair) -> None:
    ended = await overtaken(world, lambda: change(world, event_prefix="Later: "))
    assert ended.state is RunState.COMPLETED
    assert await ours.subject() == "WedSync: Tasting"
    assert (await world.integration()).unsettled
    world.queue.kept.clear()  # the message of its own run is lost

    await world.sync(RunKind.INCREMENTAL)
    assert await ours.subject() == "Later: Tasting"
    assert not (await world.integration()).unsettled


@pytest.mark.parametrize("calendar", [False, True])
async def test_what_was_read_before_is_no_place_to_go_on_from(world: World, ours: Pair, calendar: bool) -> None:
    """Another calendar was chosen, or the user has left and come back: the next reading begins anew."""
    before = await world.integration()
    other = {"calendar_id": "another"} if calendar else {"epoch": before.epoch + 1}
    await overtaken(world, lambda: world.change_integration(**other, delta_link="", wedsync_cursor=""))
    after = await world.integration()
    assert (after.delta_link, after.wedsync_cursor) == ("", "")
    assert after.last_full_sync_at == before.last_full_sync_at


async def test_a_run_of_what_has_changed_is_no_full_one(world: World, ours: Pair) -> None:
    before = await world.integration()
    await world.advance(minutes=16)
    await ours.here(title="Cake tasting")
    await world.sync(RunKind.INCREMENTAL)
    after = await world.integration()
    assert (after.last_full_sync_at, after.settled_version) == (before.last_full_sync_at, before.settled_version)
    assert after.last_sync_at is not None
    assert before.last_sync_at is not None
    assert after.last_sync_at > before.last_sync_at


async def test_a_run_that_outlived_its_first_lease_leaves_none_behind(world: World) -> None:
    await filled(world, 25)
    await slow(world, seconds=8)
    began = world.clock.now()
    await started(world)
    (message,) = world.queue.kept
    await world.run_job(message.text)
    assert world.clock.now() - began >= 2 * LEASE
    assert not await world.ports.leases.held(world.integration_id)
