"""Cancelling runs: what waits ends at once, what works ends at its next batch, and the next run does the rest."""

import asyncio
from datetime import timedelta

import pytest

from shared.core.history import SyncRun
from shared.core.integration import LastSyncStatus
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.errors import NotFound, StateConflict
from shared.store.rows import Table
from tests.support.world import World
from tests.usecases.counting import BATCH, counted
from tests.usecases.test_run_goes_on import filled, hurried, row_of, slow, started


async def cancelled(world: World, run: SyncRun) -> SyncRun:
    return await world.app.cancel_sync.run(world.planner.user_id, run.run_id)


async def test_a_run_that_waits_ends_at_once(world: World) -> None:
    await filled(world, 2)
    run = await cancelled(world, await started(world))
    assert (run.state, run.completed_at) == (RunState.CANCELLED, world.clock.now())
    assert await cancelled(world, run) == run, "asked twice"
    async with counted(world) as counts:
        await world.settle()
    assert counts.graph.total() == 0
    assert await row_of(world, run) == run
    await world.sync()
    await world.assert_equal()


async def test_a_run_at_work_ends_at_its_next_batch(world: World) -> None:
    await filled(world, 200)
    await slow(world)
    before = await world.integration()
    run = await started(world)
    message = world.queue.next()
    assert message is not None
    async with counted(world) as counts:
        work = asyncio.create_task(world.carry_out(message))
        await world.advance(seconds=0.8)
        asked = await cancelled(world, run)
        assert (asked.state, asked.cancel_requested) == (RunState.IN_PROGRESS, True)
        await work
    assert 1 <= counts.graph[BATCH] <= 5, "of ten"

    run = await row_of(world, run)
    assert run.state is RunState.CANCELLED
    assert run.completed_at
    made = [mapping for mapping in await world.mappings() if mapping.intent is None]
    assert 0 < run.tally.created == len(made) < 400
    assert [mapping for mapping in await world.mappings() if mapping.intent] == [], "no create is left half done"
    changes = await world.ports.changes.of_run(world.integration_id, run.run_id)
    assert len(changes) == run.tally.created
    after = await world.integration()
    assert (after.delta_link, after.wedsync_cursor) == (before.delta_link, before.wedsync_cursor)
    assert after.last_sync_status is LastSyncStatus.SUCCESS

    await world.sync(RunKind.INCREMENTAL)
    await world.assert_equal()
    assert len(await world.mappings()) == 400


async def test_a_run_between_two_messages_ends_with_what_it_has_kept(world: World) -> None:
    await filled(world, 60)
    await slow(world)
    hurried(world, seconds=0.4)
    run = await started(world)
    await world._next_job(world.clock.now() + timedelta(minutes=1))
    assert Table.RUN_ITEMS in world.tables.contents()
    await cancelled(world, run)
    await world.settle()
    assert (await row_of(world, run)).state is RunState.CANCELLED
    assert Table.RUN_ITEMS not in world.tables.contents()
    hurried(world, minutes=5)
    await world.sync(RunKind.INCREMENTAL)
    await world.assert_equal()


async def test_a_run_whose_process_died_ends_at_once(world: World) -> None:
    await filled(world, 20)
    run = await started(world)
    assert await world.crashes(world.settle, at=40)
    await world.advance(seconds=31)
    assert (await cancelled(world, run)).state is RunState.CANCELLED
    await world.settle()
    assert (await row_of(world, run)).state is RunState.CANCELLED
    await world.sync()
    await world.assert_equal()


async def test_what_cannot_be_cancelled_says_why(world: World) -> None:
    await filled(world, 1)
    run = await world.sync()
    with pytest.raises(StateConflict) as finished:
        await cancelled(world, run)
    assert finished.value.code == "sync_finished"
    with pytest.raises(NotFound) as unknown:
        await world.app.cancel_sync.run(world.planner.user_id, "nothing")
    assert unknown.value.code == "sync_not_found"
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    with pytest.raises(StateConflict) as whole:
        await world.app.cancel_sync.run(world.planner.user_id, removal.sync_id)
    assert whole.value.code == "sync_not_cancellable"


async def test_a_queued_run_that_lost_its_message_is_woken(world: World) -> None:
    await filled(world, 2)
    request = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
    run = await world.app.request_sync.by_user(world.planner.user_id, request)
    world.queue.kept.clear()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()
    assert (await row_of(world, run)).state is RunState.COMPLETED
    await world.assert_equal()
    assert {each.state for each in await world.runs()} == {RunState.COMPLETED}
