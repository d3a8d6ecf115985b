"""A move when Graph is busy or refuses, when time runs out, and whenever the process dies."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.states import IntegrationState, RunState
from tests.support.pair import Pair
from tests.support.settings import (
    PREFIX,
    assert_moved,
    assert_settled,
    change,
    changed,
    drop_calendar,
    inside,
    move,
)
from tests.support.world import World

# --- When Graph does not do what it is asked ------------------------------------------------------------------------


async def test_a_busy_graph_is_waited_for(world: World) -> None:
    for number in range(25):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await world.outlook.fault(action="status", path="batch", every=2, count=6, status=429, retry_after=40)
    await world.outlook.fault(action="status", method="DELETE", every=7, count=6, status=429, retry_after=20)
    await move(world)
    await assert_moved(world)


async def test_a_write_without_an_answer_is_neither_lost_nor_doubled(world: World) -> None:
    for number in range(3):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await world.outlook.fault(action="hang_after_commit", method="POST", path="batch", every=2, count=2)
    await move(world)
    await assert_moved(world)


async def test_a_copy_that_the_new_calendar_refuses_stays_where_it_is(world: World) -> None:
    for title in ("Tasting", "Fitting"):
        await world.wedsync.add(title)
    await world.connect()
    await world.outlook.fault(
        action="status", method="POST", path="/events", item="1", count=1, status=400, code="ErrorX"
    )
    answer = await move(world)
    here, there = await inside(world, "Calendar"), await inside(world, "Private")
    assert (len(here), len(there)) == (1, 1)
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert "copies_left=1" in run.outcome
    titles = {event["id"]: event["title"] for event in await world.wedsync.events()}
    left = next(each for each in await world.mappings() if f"{PREFIX}{titles[str(each.wedsync_id)]}" in here)
    await world.wedsync.change(str(left.wedsync_id), title="Changed")
    await world.settle()
    assert await inside(world, "Calendar") == [f"{PREFIX}Changed"]
    assert world.errors == []


async def test_a_move_that_has_no_time_left_goes_on_in_a_further_message(world: World) -> None:
    for number in range(65):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await world.outlook.knobs(latencySeconds=1)
    world.app = replace(world.app, sync_run=replace(world.app.sync_run, budget=timedelta(seconds=3)))
    answer = await move(world)
    await world.outlook.knobs(latencySeconds=0)
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert (run.state, run.tally.created, run.tally.deleted) == (RunState.COMPLETED, 65, 65)
    await assert_moved(world)


async def test_a_move_with_a_pause_in_between_is_finished_after_it(world: World) -> None:
    for number in range(45):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await move(world, settle=False)

    async def pause(name: str) -> None:
        if name == "after graph POST /v1.0/$batch":
            world.steps.watch = None
            await change(world, sync_enabled=False)
            await world.advance(seconds=12)

    world.steps.watch = pause
    await world.settle()
    assert (await world.integration()).moves
    await changed(world, sync_enabled=True)
    await assert_moved(world)


async def test_travel_blocks_move_with_their_events(world: World) -> None:
    await world.wedsync.add("Visit", type="venue_visit", travelMinutes=30)
    await world.connect()
    await changed(world, sync_travel_time=True)
    assert len(await inside(world, "Calendar")) == 2
    await move(world)
    assert await inside(world, "Calendar") == []
    assert await inside(world, "Private") == [f"{PREFIX}Travel: Visit", f"{PREFIX}Visit"]
    assert world.errors == []


# --- When the process dies ------------------------------------------------------------------------------------------


async def test_a_move_that_dies_at_any_step_goes_on_where_it_was(world: World) -> None:
    """There and back again, a step later each time."""
    for title in ("Tasting", "Fitting"):
        await world.wedsync.add(title)
    await world.outlook.add("Dentist")
    await world.connect()
    at, died = 0, True
    while died:
        at += 1
        earlier, name = ("Calendar", "Private") if at % 2 else ("Private", "Calendar")
        await move(world, name, settle=False)
        died = await world.crashes(world.settle, at=at)
        await world.settle()
        await world.timers()
        await world.settle()
        ours = [f"{PREFIX}Fitting", f"{PREFIX}Tasting"]
        foreign = ["Dentist"]
        assert await inside(world, name) == sorted(ours + (foreign if name == "Calendar" else [])), at
        assert await inside(world, earlier) == (foreign if earlier == "Calendar" else []), at
        titles = sorted(event["title"] for event in await world.wedsync.events() if not event["deleted"])
        assert titles == ["Dentist", "Fitting", "Tasting"], at
        await assert_settled(world, name)
    assert at > 60


async def test_a_disconnect_in_the_middle_of_a_move_leaves_nothing_in_either_calendar() -> None:
    for at in range(20, 90, 6):
        async with World(seed=at) as world:
            await world.wedsync.add("Tasting")
            await world.outlook.add("Dentist")
            await world.connect()
            await move(world, settle=False)
            await world.crashes(world.settle, at=at)
            await world.app.disconnect.by_user(world.planner.user_id)
            await world.settle()
            assert (await world.integration()).state is IntegrationState.DISCONNECTED
            assert [item["subject"] for item in await world.outlook.events()] == ["Dentist"], at
            assert await world.outlook.sent() == []


# --- When a calendar is deleted meanwhile


@pytest.mark.parametrize("at", range(1, 4))
async def test_a_calendar_that_is_deleted_in_the_middle_takes_no_copy_with_it(world: World, at: int) -> None:
    for number in range(at):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await move(world, settle=False)
    await world.kill_after("graph POST /v1.0/$batch")
    await drop_calendar(world, "Private")
    await world.settle()
    await world.timers()
    await world.settle()
    assert (await world.integration()).state is IntegrationState.CONNECTED
    assert not (await world.integration()).moves
    assert await world.open_conflicts() == ()
    await world.assert_equal()
    for mapping in await world.mappings():
        assert (mapping.moved_from, mapping.intent) == (None, None)


async def test_a_third_calendar_when_the_second_was_deleted_in_the_middle(ours: Pair) -> None:
    world = ours.world
    box = f"/mailboxes/{world.planner.account.upn}"
    await world.outlook.control("POST", f"{box}/calendars", {"name": "Third"})
    await move(world, settle=False)
    await world.kill_after("graph POST /v1.0/$batch")
    await drop_calendar(world, "Private")
    await move(world, "Third")
    await world.settle()
    await world.sync()
    await assert_moved(world, "Third")


async def test_a_create_in_a_calendar_that_is_gone_is_done_in_the_new_one(world: World) -> None:
    await world.connect()
    await move(world)
    event = await world.wedsync.add("Tasting")
    await world.kill_after("transact OutlookEventMappings")
    assert (await world.mapping_of(event["id"])).intent is not None
    await move(world, "Calendar", settle=False)
    await drop_calendar(world, "Private")
    world.queue.kept[:] = [each for each in world.queue.kept if each.queue == "outlook-run-jobs"]
    await world.settle()
    assert await inside(world, "Calendar") == [f"{PREFIX}Tasting"]
    assert (await world.integration()).state is IntegrationState.CONNECTED
