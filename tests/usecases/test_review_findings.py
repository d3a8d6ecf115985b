"""Where one rule meets another: blocks and held deletions, lost mappings and edits, answers and cancelled runs."""

from dataclasses import replace

import pytest

from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind
from shared.core.mapping import EventMapping, Role
from shared.core.states import RunState
from shared.errors import NotFound, StateConflict
from shared.ports import Stored
from shared.usecases.resolve_conflict import EVENT, Choice
from tests.support.pair import Pair
from tests.support.settings import PREFIX, changed, move
from tests.support.world import World
from tests.usecases.test_confirm import answer, asked
from tests.usecases.test_rebuild import lose, reconcile
from tests.usecases.test_run_specific import run_over
from tests.usecases.test_undo import run_of, undo

TRAVEL = Preferences(sync_travel_time=True)


async def block_of(world: World, event_id: str) -> EventMapping:
    return next(m for m in await world.mappings() if m.role is Role.TRAVEL and m.wedsync_id == event_id)


@pytest.fixture
async def led(world: World) -> Pair:
    event = await world.wedsync.add("Tasting", travelMinutes=30)
    await world.connect()
    await world.change_integration(preferences=TRAVEL)
    await world.sync()
    found = next(m for m in await world.mappings() if m.role is Role.EVENT)
    return Pair(world, event["id"], str(found.outlook_id))


@pytest.mark.parametrize("direction", [Direction.TO_OUTLOOK, Direction.FROM_OUTLOOK])
async def test_a_travel_block_cannot_be_forced(world: World, led: Pair, direction: Direction) -> None:
    block = await block_of(world, led.wedsync_id)
    before = await world.wedsync.events(), await world.outlook.events()
    with pytest.raises((NotFound, StateConflict)):
        await world.app.force_sync.run(world.planner.user_id, block.mapping_id, direction, overwrite_conflicts=False)
    await world.settle()
    assert (await world.wedsync.events(), await world.outlook.events()) == before


@pytest.mark.parametrize("how", ["named", "quarantined"])
async def test_a_block_stays_while_the_deletion_of_its_event_is_held(world: World, how: str) -> None:
    ids = [(await world.wedsync.add(f"Fitting {n}", travelMinutes=30))["id"] for n in range(12)]
    await world.connect()
    await world.change_integration(preferences=TRAVEL)
    await world.sync()
    blocks = [m for m in await world.mappings() if m.role is Role.TRAVEL]
    assert len(blocks) == 12
    for each in ids:
        await world.wedsync.remove(each)
    await world.quiet()
    world.post.clear()
    await world.sync(RunKind.INCREMENTAL)
    assert len((await asked(world)).held) == 12
    assert len(await world.outlook.events()) == 24
    if how == "named":
        await run_over(world, blocks[0].mapping_id)
    else:
        stored = await world.ports.mappings.get(world.integration_id, blocks[0].mapping_id)
        assert stored is not None
        await world.ports.mappings.save([Stored(value=replace(stored.value, quarantine="busy"), tag=stored.tag)])
        await world.outlook.change(str(blocks[0].outlook_id), categories=["Green category"])
        await world.settle()
        await world.sync()
    assert len(await world.outlook.events()) == 24
    await answer(world, accept=True)
    await world.sync()
    assert await world.outlook.events() == []


async def test_a_copy_that_is_brought_back_is_without_the_prefix_that_was_removed(world: World, ours: Pair) -> None:
    await ours.there(subject="Tasting")
    await world.settle()
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [Choice(field=EVENT, use="wedsync")])
    await world.settle()
    assert [item["subject"] for item in await world.outlook.events()] == ["Tasting"]


async def test_a_type_switched_off_and_on_brings_no_prefix_back_that_was_removed(world: World, ours: Pair) -> None:
    await ours.there(subject="Tasting")
    await world.settle()
    await changed(world, sync_client_meetings=False)
    assert await world.outlook.events() == []
    await changed(world, sync_client_meetings=True)
    assert [item["subject"] for item in await world.outlook.events()] == ["Tasting"]


async def test_a_rejected_deletion_brings_no_prefix_back_that_was_removed(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    for n in range(12):
        await world.wedsync.add(f"Fitting {n}")
    await world.settle()
    for item in await world.outlook.events():
        await world.outlook.change(item["id"], subject=item["subject"].removeprefix(PREFIX))
    await world.settle()
    for item in await world.outlook.events():
        await world.outlook.remove(item["id"])
    await world.quiet()
    world.post.clear()
    await world.sync(RunKind.INCREMENTAL)
    await answer(world, accept=False)
    assert sorted(item["subject"] for item in await world.outlook.events()) == sorted(f"Fitting {n}" for n in range(12))


async def test_what_was_put_before_a_title_is_no_prefix_when_mappings_are_lost(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(event_prefix=""))
    event = await world.wedsync.add("Tasting")
    await world.settle()
    (item,) = await world.outlook.events()
    assert item["subject"] == "Tasting"
    lose(world, lambda key: True)
    await world.outlook.change(item["id"], subject="Cake Tasting")
    await world.quiet()
    world.post.clear()
    await reconcile(world)
    titles = (await world.wedsync.read(event["id"]))["title"], (await world.outlook.read(item["id"]))["subject"]
    assert titles == ("Tasting", "Cake Tasting")
    assert len(await world.open_conflicts()) == 1


async def test_an_answer_whose_run_was_cancelled_can_be_given_again(world: World) -> None:
    ids = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(12)]
    await world.connect()
    for each in ids:
        await world.wedsync.remove(each)
    await world.quiet()
    world.post.clear()
    await world.sync(RunKind.INCREMENTAL)
    wanted = (await asked(world)).confirmation_id
    run = await world.app.confirm_deletions.run(world.planner.user_id, wanted, accept=True)
    await world.app.cancel_sync.run(world.planner.user_id, run.run_id)
    await world.settle()
    assert len(await world.outlook.events()) == 12
    again = await world.app.confirm_deletions.run(world.planner.user_id, wanted, accept=True)
    await world.settle()
    done = await world.app.request_sync.status(world.planner.user_id, again.run_id)
    assert done.state is RunState.COMPLETED
    assert await world.outlook.events() == []


async def test_a_move_goes_on_when_the_owner_removes_a_new_copy_that_nobody_knew_of(world: World, ours: Pair) -> None:
    """Killed after the new copy was made; its owner removes that one."""
    await move(world, settle=False)
    await world.kill_after("graph POST /v1.0/$batch")
    copies = [item for item in await world.outlook.events() if item["id"] != ours.outlook_id]
    assert len(copies) == 1
    await world.outlook.remove(copies[0]["id"])
    await world.settle()
    await world.sync()
    assert [run.state for run in await world.runs() if run.state is RunState.FAILED] == []
    integration = await world.integration()
    assert not integration.moves
    for mapping in await world.mappings():
        assert mapping.moved_from is None


@pytest.mark.parametrize(
    "edit", [{"type": "venue_visit"}, {"travelMinutes": 20}, {"attendees": [{"email": "a@example.test", "name": "A"}]}]
)
async def test_an_import_that_was_worked_on_is_not_undone(world: World, edit: dict[str, object]) -> None:
    await world.connect()
    run_id = await run_of(world, lambda: world.outlook.add("Dentist"))
    (event,) = await world.wedsync.events()
    await world.advance(seconds=1)
    await world.wedsync.change(event["id"], **edit)
    await world.settle()
    undone = await undo(world, run_id)
    assert [each.reason for each in undone.kept] == ["changed_since"]
    assert (await world.wedsync.read(event["id"]))["title"] == "Dentist"
