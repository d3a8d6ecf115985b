"""Runs that do not end in one message: the time is up, or a far end wants to be left alone; nothing is read twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.history import SyncRun
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.store.rows import Table
from shared.usecases.run_record import CONTINUED
from tests.support.world import World
from tests.usecases.counting import BATCH, CALENDAR_DELTA, CREATE, counted
from tests.usecases.season import Season


def hurried(world: World, **budget: float) -> None:
    """Give each message of a run so little time."""
    world.app = replace(world.app, sync_run=replace(world.app.sync_run, budget=timedelta(**budget)))


async def slow(world: World, seconds: float = 0.1) -> None:
    """Let every request to Graph take its time, as it does."""
    await world.outlook.knobs(latencySeconds=seconds)


async def filled(world: World, count: int) -> None:
    """So many new events on both sides, of which nobody was told."""
    await world.connect()
    for number in range(count):
        await world.wedsync.add(f"Tasting {number}")
        await world.outlook.add(f"Dentist {number}")
    await world.quiet()
    world.post.clear()


async def started(world: World, kind: RunKind = RunKind.FULL) -> SyncRun:
    request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL)
    return await world.app.request_sync.by_user(world.planner.user_id, request)


async def row_of(world: World, run: SyncRun) -> SyncRun:
    return await world.app.request_sync.status(world.planner.user_id, run.run_id)


async def stages(world: World, run: SyncRun) -> list[SyncRun]:
    """Carry out messages until none is left; return the run's row after each of its own."""
    rows = []
    while (message := world.queue.next()) is not None:
        await world._next_job(world.clock.now() + timedelta(hours=2))
        if "run-jobs" in message.queue:
            rows.append(await row_of(world, run))
    return rows


async def test_what_there_was_no_time_for_goes_on_without_being_read_again(world: World) -> None:
    await filled(world, 90)
    await slow(world)
    hurried(world, seconds=1)

    async with counted(world) as counts:
        rows = await stages(world, await started(world))

    assert len(rows) >= 2
    assert [row.stage for row in rows] == [CONTINUED] * len(rows)
    assert [row.state for row in rows] == [RunState.IN_PROGRESS] * (len(rows) - 1) + [RunState.COMPLETED]
    assert counts.graph == {CALENDAR_DELTA: 1, BATCH: 5}
    assert counts.items == {CREATE: 90}
    assert rows[-1].tally.created == 180
    assert rows[-1].tally.graph_requests == 6
    handled = [row.tally.handled for row in rows]
    assert handled == sorted(set(handled))
    assert [row.tally.total for row in rows] == [180] * len(rows)
    await world.assert_equal()
    assert Table.RUN_ITEMS not in world.tables.contents()


async def test_a_reading_goes_on_where_it_was_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.ports.outlook, "_page_size", 10)
    await filled(world, 45)
    await slow(world)
    hurried(world, seconds=0.25)

    async with counted(world) as counts:
        rows = await stages(world, await started(world))

    assert counts.graph[CALENDAR_DELTA] == 5
    assert rows[0].tally.total == 0, "still reading"
    assert (rows[-1].state, rows[-1].tally.created) == (RunState.COMPLETED, 90)
    await world.assert_equal()


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
@pytest.mark.parametrize("seconds", [0.25, 0.6])
async def test_a_season_in_haste(world: World, kind: RunKind, seconds: float) -> None:
    season = Season(world=world, heard=False)
    await season.stock()
    await world.connect()
    await season.edit()
    await season.delete()
    await world.quiet()
    world.post.clear()
    await slow(world)
    hurried(world, seconds=seconds)

    await world.sync(kind)

    await season.assert_edited()
    assert Table.RUN_ITEMS not in world.tables.contents()
    hurried(world, minutes=5)
    await season.assert_at_rest()


async def test_edits_and_deletions_between_two_messages_win(world: World) -> None:
    await filled(world, 60)
    await slow(world)
    hurried(world, seconds=0.3)
    await started(world)
    await world._next_job(world.clock.now() + timedelta(minutes=1))
    copied = [mapping for mapping in await world.mappings() if mapping.wedsync_id and mapping.outlook_id]
    assert 0 < len(copied) < 120
    await world.wedsync.remove(str(copied[0].wedsync_id))
    await world.outlook.remove(str(copied[1].outlook_id))
    await world.wedsync.change(str(copied[2].wedsync_id), title="Cake tasting")
    unmapped = {event["id"] for event in await world.wedsync.events()} - {each.wedsync_id for each in copied}
    await world.wedsync.remove(min(unmapped))
    await world.settle()
    await world.sync(RunKind.INCREMENTAL)

    gone = {copied[0].wedsync_id, min(unmapped)}
    assert gone.isdisjoint({event["id"] for event in await world.wedsync.events()})
    assert [event["title"] for event in await world.wedsync.events()].count("Cake tasting") == 1
    asked = {conflict.mapping_id for conflict in await world.open_conflicts()}
    assert asked <= {copied[1].mapping_id}


@pytest.mark.parametrize("step", range(30, 150, 12))
async def test_a_crash_between_two_messages_loses_nothing(world: World, step: int) -> None:
    await filled(world, 30)
    await slow(world)
    hurried(world, seconds=0.3)
    await started(world)
    assert await world.crashes(world.settle, at=step)
    hurried(world, seconds=0.3)

    await world.settle()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()

    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 60
    await world.assert_equal()
    assert {run.state for run in await world.runs()} <= {RunState.COMPLETED, RunState.FAILED}
    assert Table.RUN_ITEMS not in world.tables.contents()


async def test_a_long_wait_is_not_waited_for_in_place(world: World) -> None:
    await filled(world, 45)
    await world.outlook.fault(
        action="status", method="POST", status=429, retry_after=40, code="TooManyRequests", count=3
    )
    run = await started(world)
    began = world.clock.now()

    message = world.queue.next()
    assert message is not None
    await world.carry_out(message)

    assert world.clock.now() - began < timedelta(seconds=6)
    run = await row_of(world, run)
    assert (run.state, run.stage) == (RunState.IN_PROGRESS, CONTINUED)
    again = world.queue.next()
    assert again is not None
    assert again.due - message.due >= 30
    await world.settle()
    run = await row_of(world, run)
    assert (run.state, run.tally.created, run.tally.errors) == (RunState.COMPLETED, 90, 0)
    await world.assert_equal()


async def test_a_far_end_that_wants_to_be_left_is_asked_no_more(world: World) -> None:
    """What is sent side by side when the first is told to wait is all that it hears."""
    await world.connect()
    for number in range(120):
        await world.outlook.add(f"Dentist {number}")
    await world.quiet()
    world.post.clear()
    await world.wedsync.fault(action="status", method="POST", status=429, retry_after=40)
    await started(world)
    message = world.queue.next()
    assert message is not None
    async with counted(world) as counts:
        await world.carry_out(message)
    assert counts.wedsync["POST /v1/users/{id}/events"] < 60

    await world.wedsync.clear_faults()
    await world.settle()
    await world.assert_equal()


async def test_a_far_end_that_never_answers_ends_the_run_after_all(world: World) -> None:
    await filled(world, 3)
    await world.wedsync.fault(action="status", method="POST", status=503)
    run = await world.sync()
    assert (run.state, run.tally.created, run.tally.errors) == (RunState.COMPLETED, 3, 3)
    assert {failure.retryable for failure in run.failures} == {True}
    await world.wedsync.clear_faults()
    await world.sync(RunKind.INCREMENTAL)
    await world.assert_equal()


async def test_a_push_is_as_quick_as_graph_allows(world: World) -> None:
    """Graph runs four items of a batch at a time; nothing else is waited for."""
    await world.connect()
    for number in range(200):
        await world.wedsync.add(f"Tasting {number}")
    await world.quiet()
    world.post.clear()
    await slow(world)
    run = await world.sync()
    assert run.started_at
    assert run.completed_at
    floor = timedelta(seconds=200 * 0.1 / 4)
    assert run.completed_at - run.started_at <= 1.3 * floor
    assert run.request.purpose is RunPurpose.SYNC


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_while_the_rest_is_kept_leaves_nothing_behind(world: World, moment: str) -> None:
    await filled(world, 70)
    await slow(world)
    hurried(world, seconds=0.3)
    run = await started(world)

    async def die(name: str) -> None:
        if name.startswith(f"{moment} upsert OutlookRunItems"):
            world.steps.watch = None
            world.steps.deadly_from = 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(world.settle, at=1_000_000)
    hurried(world, seconds=5)
    await world.settle()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()

    ended = await row_of(world, run)
    assert ended.state is RunState.COMPLETED
    assert ended.tally.handled == ended.tally.total
    await world.assert_equal()
    assert Table.RUN_ITEMS not in world.tables.contents()
