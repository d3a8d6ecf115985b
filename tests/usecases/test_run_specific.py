"""Runs over named events: both sides of just these are looked at."""

from shared.core.history import SyncRun
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.triggers import present
from tests.support.world import World
from tests.usecases.counting import BATCH, counted
from tests.usecases.test_run_goes_on import row_of


async def run_over(world: World, *event_ids: str) -> SyncRun:
    request = RunRequest(
        kind=RunKind.SINGLE,
        triggered_by=TriggeredBy.MANUAL,
        specific_events=event_ids,
        purpose=RunPurpose.SPECIFIC,
    )
    run = await world.app.request_sync.by_user(world.planner.user_id, request)
    await world.settle()
    return await row_of(world, run)


async def test_only_the_named_events_are_settled(world: World) -> None:
    one, two = [await world.wedsync.add(title) for title in ("One", "Two")]
    item = await world.outlook.add("Dentist")
    await world.connect()
    for event in (one, two):
        await world.wedsync.change(event["id"], title=f"{event['title']} more")
    await world.outlook.change(item["id"], subject="Dentist again")
    new = await world.wedsync.add("New")
    await world.quiet()
    world.post.clear()
    imported = next(each for each in await world.mappings() if each.outlook_id == item["id"])
    before = await world.integration()

    async with counted(world) as counts:
        run = await run_over(world, one["id"], str(imported.wedsync_id), new["id"], one["id"])

    assert (run.state, run.tally.created, run.tally.updated, run.tally.errors) == (RunState.COMPLETED, 1, 2, 0)
    assert (run.tally.total, run.tally.handled) == (3, 3)
    assert counts.graph[BATCH] == 1
    assert present.history_item(run).sync_type == "single_event"
    subjects = {each["subject"] for each in await world.outlook.events()}
    assert subjects == {"WedSync: One more", "WedSync: Two", "WedSync: New", "Dentist again"}
    after = await world.integration()
    assert (after.delta_link, after.wedsync_cursor) == (before.delta_link, before.wedsync_cursor)
    await world.sync(RunKind.INCREMENTAL)
    await world.assert_equal()


async def test_deletions_are_found_on_both_sides(world: World) -> None:
    here, there = [await world.wedsync.add(title) for title in ("Here", "There")]
    item = await world.outlook.add("Dentist")
    await world.connect()
    await world.wedsync.remove(here["id"])
    await world.outlook.remove(str((await world.mapping_of(there["id"])).outlook_id))
    await world.outlook.remove(item["id"])
    imported = next(each for each in await world.mappings() if each.outlook_id == item["id"])
    await world.quiet()
    world.post.clear()

    run = await run_over(world, here["id"], there["id"], str(imported.wedsync_id))

    assert (run.tally.deleted + run.tally.held, run.tally.conflicts) == (2, 1)
    assert run.tally.errors == 0


async def test_an_unknown_id_is_an_error_of_its_own(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.quiet()
    world.post.clear()

    run = await run_over(world, "no-such-event", event["id"])

    assert (run.state, run.tally.updated, run.tally.errors, run.tally.total) == (RunState.COMPLETED, 1, 1, 2)
    (failure,) = run.failures
    assert (failure.event_id, failure.code, failure.retryable) == ("no-such-event", "EventNotFound", False)
    await world.assert_equal()


async def test_what_cannot_be_reached_is_tried_again(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.quiet()
    world.post.clear()
    await world.outlook.fault(action="status", method="PATCH", status=429, retry_after=20, count=3)
    run = await run_over(world, event["id"])
    assert (run.state, run.tally.updated, run.tally.handled, run.tally.errors) == (RunState.COMPLETED, 1, 1, 0)
    await world.assert_equal()
