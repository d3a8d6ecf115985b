"""Outlook's own event was removed there and made again by a person's word; then the mappings are lost."""

from collections.abc import Awaitable, Callable

import pytest

from shared.core.confirmation import waiting
from shared.core.integration import Direction
from shared.core.jobs import RunKind
from shared.core.mapping import EventMapping
from shared.core.states import MappingState
from shared.usecases.resolve_conflict import EVENT, Choice
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.test_rebuild import CHOIR, lose, reconcile

Way = Callable[[World, Pair], Awaitable[None]]


async def chosen(world: World, theirs: Pair) -> None:
    await theirs.here(title="Dentist, important")
    await world.quiet()
    await world.outlook.remove(theirs.outlook_id)
    await world.quiet()
    world.post.reverse()
    await world.settle()
    choice = Choice(field=EVENT, use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, theirs.wedsync_id, [choice])


async def rejected(world: World, theirs: Pair) -> None:
    """The deletion is held, because it is of everything that there is, and was not meant."""
    items = [(await world.outlook.add(f"Call {number}"))["id"] for number in range(3)]
    await world.settle()
    for item_id in (*items, theirs.outlook_id):
        await world.outlook.remove(item_id)
    await world.quiet()
    world.post.clear()
    await world.sync(RunKind.INCREMENTAL)
    ledger = await world.ports.confirmations.ledger(world.integration_id)
    question = waiting(ledger.value, now=world.clock.now())
    assert question is not None
    await world.app.confirm_deletions.run(world.planner.user_id, question.confirmation_id, accept=False)


async def forced(world: World, theirs: Pair) -> None:
    await world.outlook.remove(theirs.outlook_id)
    await world.quiet()
    world.post.clear()
    user_id = world.planner.user_id
    await world.app.force_sync.run(user_id, theirs.wedsync_id, Direction.TO_OUTLOOK, overwrite_conflicts=False)


async def restored(world: World, theirs: Pair) -> None:
    """It had been taken out of the sync: its move away was accepted, and then it was removed for good."""
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    choice = Choice(field=EVENT, use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, theirs.wedsync_id, [choice])
    await world.settle()
    await world.outlook.remove(theirs.outlook_id)
    await world.settle()
    await world.app.restore_event.run(world.planner.user_id, theirs.wedsync_id)


async def undone(world: World, theirs: Pair) -> None:
    """Its deletion was carried out by a run on the other side, and the run is undone."""
    await world.outlook.remove(theirs.outlook_id)
    await world.quiet()
    world.post.clear()
    run = await world.sync(RunKind.INCREMENTAL)
    assert await world.wedsync.events() == []
    await world.app.undo_sync.run(world.planner.user_id, run.run_id, carry_on=world.app.sync_run.run)
    await world.settle()
    (event,) = await world.wedsync.events()
    theirs.wedsync_id = event["id"]
    choice = Choice(field=EVENT, use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, theirs.wedsync_id, [choice])


async def ids(world: World) -> tuple[set[str], set[str]]:
    return {e["id"] for e in await world.wedsync.events()}, {i["id"] for i in await world.outlook.events()}


async def pairs(world: World) -> set[tuple[str | None, str | None]]:
    return {(each.wedsync_id, each.outlook_id) for each in await world.mappings()}


async def made_again(world: World, theirs: Pair, way: Way) -> EventMapping:
    await way(world, theirs)
    await world.settle()
    mapping = await world.mapping_of(theirs.wedsync_id)
    assert mapping.state is MappingState.LINKED
    assert mapping.outlook_id not in (None, theirs.outlook_id)
    assert await world.open_conflicts() == ()
    return mapping


@pytest.mark.parametrize("found_by", ["reconciliation", "run", "notice"])
@pytest.mark.parametrize("way", [chosen, rejected, forced, restored, undone])
async def test_it_is_known_again(world: World, theirs: Pair, way: Way, found_by: str) -> None:
    mapping = await made_again(world, theirs, way)
    before, known = await ids(world), await pairs(world)
    lose(world, lambda key: True)

    if found_by == "reconciliation":
        await reconcile(world)
    elif found_by == "run":
        await world.sync()
    else:
        await world.outlook.change(str(mapping.outlook_id), location={"displayName": "Barn"})
    await world.settle()
    await reconcile(world)
    await world.sync()

    assert await ids(world) == before
    assert await pairs(world) == known
    again = await world.mapping_of(theirs.wedsync_id)
    assert (again.mapping_id, again.generation, again.born) == (mapping.mapping_id, mapping.generation, mapping.born)
    await world.wedsync.change(theirs.wedsync_id, title="Dentist at nine")
    await world.settle()
    item = await world.outlook.read(str(mapping.outlook_id))
    assert item["subject"] == "Dentist at nine", "no prefix goes on an event that came from Outlook"


async def test_an_occurrence_that_was_made_again_as_an_event(world: World) -> None:
    times = {"start": at("2026-08-04T19:00:00"), "end": at("2026-08-04T20:00:00")}
    await world.outlook.add("Choir", recurrence=CHOIR, **times)
    await world.connect()
    mapping = (await world.mappings())[0]
    await world.outlook.remove(str(mapping.outlook_id))
    await world.quiet()
    world.post.clear()
    user_id, event_id = world.planner.user_id, str(mapping.wedsync_id)
    await world.app.force_sync.run(user_id, event_id, Direction.TO_OUTLOOK, overwrite_conflicts=False)
    await world.settle()
    before, known = await ids(world), await pairs(world)
    lose(world, lambda key: True)
    await reconcile(world)
    await world.sync()
    assert await ids(world) == before
    assert await pairs(world) == known


async def test_an_import_that_is_made_once_more_has_another_key(world: World, theirs: Pair) -> None:
    """WedSync refuses an ``Idempotency-Key`` that comes again with another body."""
    await theirs.here(title="Dentist at nine")
    await world.settle()
    await world.wedsync.remove(theirs.wedsync_id)
    await world.quiet()
    world.post.clear()
    lose(world, lambda key: key != "epoch")

    await world.sync()

    (event,) = await world.wedsync.events()
    assert event["title"] == "Dentist at nine"
    await world.assert_equal()
