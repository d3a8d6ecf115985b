"""What was taken out of the sync, or is hidden, comes back when its planner says so: once, and nobody is mailed."""

import asyncio
from dataclasses import replace

import pytest

from shared.core.event import Side
from shared.core.history import ChangeKind
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind
from shared.core.states import MappingState
from shared.errors import NotFound, StateConflict
from shared.usecases.choices import Choice
from shared.usecases.restore_event import Restored
from tests.support.pair import Pair
from tests.support.world import World

UNLINK = Preferences(on_outlook_delete=OnOutlookDelete.UNLINK)
GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}


async def restore(world: World, event_id: str) -> Restored:
    await world.advance(seconds=1)
    done = await world.app.restore_event.run(world.planner.user_id, event_id)
    await world.settle()
    return done


async def refused(world: World, event_id: str) -> str:
    with pytest.raises(StateConflict) as refusal:
        await restore(world, event_id)
    return refusal.value.code


async def opted_out(world: World, ours: Pair) -> Pair:
    """The copy was removed in Outlook, and that was taken for an opt-out."""
    await world.change_integration(preferences=UNLINK)
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    assert (await world.mapping_of(ours.wedsync_id)).state is MappingState.UNLINKED
    return ours


async def hidden(world: World, theirs: Pair) -> str:
    """Outlook's event was deleted in WedSync and stays in Outlook; return the mapping's id."""
    await world.wedsync.remove(theirs.wedsync_id)
    await world.settle()
    (mapping,) = await world.mappings()
    assert mapping.state is MappingState.HIDDEN
    return mapping.mapping_id


async def test_a_copy_that_was_opted_out_is_made_again(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    await ours.here(title="Cake tasting")
    await world.settle()
    assert await world.outlook.events() == []

    done = await restore(world, ours.wedsync_id)

    assert (done.event_id, done.restored) == (ours.wedsync_id, True)
    assert [item["subject"] for item in await world.outlook.events()] == ["WedSync: Cake tasting"]
    mapping = await world.mapping_of(ours.wedsync_id)
    assert (mapping.state, mapping.generation) == (MappingState.LINKED, 2)
    await world.assert_equal()
    await world.sync()
    await world.assert_equal()


async def test_it_is_recorded_as_a_run_of_its_own(world: World, ours: Pair) -> None:
    await opted_out(world, ours)

    done = await restore(world, ours.wedsync_id)

    run = await world.app.request_sync.status(world.planner.user_id, done.run_id)
    assert (run.request.kind, run.tally.created, run.tally.handled) == (RunKind.SINGLE, 1, 1)
    (change,) = await world.ports.changes.of_run(world.integration_id, done.run_id)
    assert (change.kind, change.side, change.rule) == (ChangeKind.CREATED, Side.OUTLOOK, "restored")


async def test_an_event_that_is_synced_needs_nothing(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    await restore(world, ours.wedsync_id)
    before = await world.outlook.events()

    done = await restore(world, ours.wedsync_id)

    assert (done.restored, done.run_id) == (False, "")
    assert await world.outlook.events() == before


@pytest.mark.parametrize("by", ["mapping", "outlook", "wedsync"])
async def test_a_hidden_event_is_imported_again(world: World, theirs: Pair, by: str) -> None:
    mapping_id = await hidden(world, theirs)

    done = await restore(world, {"mapping": mapping_id, "outlook": theirs.outlook_id, "wedsync": theirs.wedsync_id}[by])

    (event,) = await world.wedsync.events()
    assert (event["title"], done.event_id) == ("Dentist", event["id"])
    assert len(await world.outlook.events()) == len(await world.mappings()) == 1
    await world.assert_equal()
    await world.sync()
    await world.assert_equal()


async def test_a_meeting_is_imported_again_and_nobody_is_mailed(world: World, theirs: Pair) -> None:
    await theirs.there(attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()

    await restore(world, await hidden(world, theirs))

    assert len(await world.wedsync.events()) == 1
    assert await world.outlook.sent() == []


async def test_a_copy_of_a_type_that_is_off_waits_for_its_type(world: World, ours: Pair) -> None:
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    await world.sync()
    assert await refused(world, ours.wedsync_id) == "type_off"
    assert await world.outlook.events() == []


async def test_nothing_is_written_against_the_direction(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    assert await refused(world, ours.wedsync_id) == "direction"


async def test_what_is_gone_everywhere_cannot_come_back(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    await world.wedsync.remove(ours.wedsync_id)
    assert await refused(world, ours.wedsync_id) == "event_gone"


async def test_an_event_that_is_asked_about_is_brought_back_by_the_answer(world: World, ours: Pair) -> None:
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    assert await refused(world, ours.wedsync_id) == "conflicts_open"


async def test_a_connection_that_ended_brings_nothing_back(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    await world.app.disconnect.by_user(world.planner.user_id)
    with pytest.raises(NotFound):
        await restore(world, ours.wedsync_id)


async def test_unknown_events_and_those_of_others_are_not_found(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    with pytest.raises(NotFound):
        await restore(world, "unknown")
    with pytest.raises(NotFound):
        await world.app.restore_event.run("planner-marco", ours.wedsync_id)


async def test_an_event_of_outlook_that_left_the_calendar_returns_when_it_is_moved_back(
    world: World, theirs: Pair
) -> None:
    await hidden(world, theirs)
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    (mapping,) = await world.mappings()
    assert await refused(world, mapping.mapping_id) == "event_gone"
    assert await world.wedsync.events() == []

    await world.outlook.move(theirs.outlook_id, "Calendar")
    await world.settle()
    await restore(world, mapping.mapping_id)
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist"]
    await world.assert_equal()


async def test_an_event_that_is_kept_in_wedsync_alone_returns_when_outlooks_is_moved_back(
    world: World, theirs: Pair
) -> None:
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    choice = Choice(field="event", use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, theirs.wedsync_id, [choice], set_as_default=False)
    assert await refused(world, theirs.wedsync_id) == "left_calendar"

    await world.outlook.move(theirs.outlook_id, "Calendar")
    await world.settle()
    await restore(world, theirs.wedsync_id)
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.LINKED]
    await theirs.there(subject="Dentist, moved")
    await world.settle()
    await world.assert_equal()


async def test_two_that_are_both_there_are_joined_and_what_differs_is_asked(world: World, ours: Pair) -> None:
    run = await world.sync()
    joined = await world.mapping_of(ours.wedsync_id)
    stored = await world.ports.mappings.get(world.integration_id, joined.mapping_id)
    assert stored is not None
    parted = replace(stored.value, state=MappingState.UNLINKED)
    await world.ports.mappings.save([replace(stored, value=parted)])
    await ours.here(title="Cake tasting")
    await world.settle()
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")

    done = await restore(world, ours.wedsync_id)

    assert done.restored
    assert done.run_id != run.run_id
    (conflict,) = await world.open_conflicts()
    assert conflict.field == "title"
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")
    assert len(await world.outlook.events()) == 1


async def test_restored_twice_at_once_there_is_one_copy(world: World, ours: Pair) -> None:
    await opted_out(world, ours)
    run = world.app.restore_event.run
    await asyncio.gather(*(run(world.planner.user_id, ours.wedsync_id) for _ in range(3)), return_exceptions=True)
    await world.settle()
    await world.sync()
    assert len(await world.outlook.events()) == 1
    await world.assert_equal()


@pytest.mark.parametrize("what", ["opted_out", "hidden"])
async def test_killed_at_each_step_it_is_brought_back_once(what: str) -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            if what == "opted_out":
                event = await world.wedsync.add("Tasting")
                await world.connect()
                mapping = await world.mapping_of(event["id"])
                await opted_out(world, Pair(world, event["id"], str(mapping.outlook_id)))
            else:
                item = await world.outlook.add("Dentist")
                await world.connect()
                await hidden(world, Pair(world, (await world.wedsync.events())[0]["id"], item["id"]))
            (kept,) = await world.mappings()

            async def act(world: World = world, mapping_id: str = kept.mapping_id) -> None:
                await world.app.restore_event.run(world.planner.user_id, mapping_id)

            died = await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await world.app.restore_event.run(world.planner.user_id, kept.mapping_id)
            await world.settle()
            await world.sync()
            assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 1, where
            await world.assert_equal()
