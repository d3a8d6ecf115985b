"""Force-sync: one event carried over as it is on one side, whatever the rules say, and never a mail."""

from typing import Any

import pytest

from local.simkit.people import PLANNERS
from shared.core.history import ChangeKind
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind
from shared.core.states import ConflictState, MappingState, RunState
from shared.errors import NotFound, StateConflict
from shared.usecases.force_sync import ConflictsOpen, Forced
from shared.usecases.resolve_conflict import Choice
from tests.support.calendars import OutlookCalendar, at
from tests.support.world import World
from tests.usecases.test_resolve import choose

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
TO, FROM = Direction.TO_OUTLOOK, Direction.FROM_OUTLOOK


async def force(world: World, event_id: str, direction: Direction, *, overwrite: bool = False) -> Forced:
    done = await world.app.force_sync.run(world.planner.user_id, event_id, direction, overwrite_conflicts=overwrite)
    await world.settle()
    return done


async def synced(world: World, **members: Any) -> tuple[str, str]:
    event = await world.wedsync.add("Tasting", **members)
    await world.connect()
    return event["id"], str((await world.mapping_of(event["id"])).outlook_id)


async def clashing(world: World) -> tuple[str, str]:
    event_id, item_id = await synced(world)
    await world.wedsync.change(event_id, title="Cake tasting")
    await world.outlook.change(item_id, subject="WedSync: Wine tasting")
    await world.settle()
    return event_id, item_id


async def test_nothing_differs_and_nothing_is_written(world: World) -> None:
    event_id, _ = await synced(world)
    before = len(await world.runs())
    assert await force(world, event_id, TO) == Forced(action="unchanged")
    assert len(await world.runs()) == before


async def test_drift_is_carried_against_the_direction(world: World) -> None:
    event_id, item_id = await synced(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await world.outlook.change(
        item_id, subject="WedSync: Wine tasting", start=at("2026-08-05T09:00:00"), end=at("2026-08-05T10:00:00")
    )
    await world.settle()
    assert (await world.wedsync.read(event_id))["title"] == "Tasting"

    done = await force(world, event_id, FROM)

    assert (done.action, done.fields) == ("updated", ("dateTime", "title"))
    assert (await world.wedsync.read(event_id))["title"] == "Wine tasting"
    assert (await world.mapping_of(event_id)).drifted == frozenset()
    await world.assert_equal()
    run = await world.app.request_sync.status(world.planner.user_id, done.run_id)
    assert (run.request.kind, run.request.direction, run.state) == (RunKind.SINGLE, FROM, RunState.COMPLETED)
    assert run.tally.updated == 1
    (change,) = await world.ports.changes.of_run(world.integration_id, done.run_id)
    assert (change.kind, change.rule) == (ChangeKind.UPDATED, "forced")
    assert change.before is not None
    assert change.before.title == "Tasting"
    await world.sync()
    await world.assert_equal()


@pytest.mark.parametrize(("direction", "title"), [(TO, "Cake tasting"), (FROM, "Wine tasting")])
async def test_a_held_field_is_refused_unless_it_may_be_overwritten(
    world: World, direction: Direction, title: str
) -> None:
    event_id, item_id = await clashing(world)
    (asked,) = await world.open_conflicts()
    with pytest.raises(ConflictsOpen) as refusal:
        await force(world, event_id, direction)
    assert [each.conflict_id for each in refusal.value.conflicts] == [asked.conflict_id]

    done = await force(world, event_id, direction, overwrite=True)

    assert (done.action, done.fields) == ("updated", ("title",))
    assert (await world.wedsync.read(event_id))["title"] == title
    assert (await world.outlook.read(item_id))["subject"] == f"WedSync: {title}"
    assert await world.open_conflicts() == ()
    kept = await world.ports.conflicts.get(world.integration_id, asked.conflict_id)
    assert kept is not None
    assert (kept.state, kept.choice) == (ConflictState.APPLIED, "wedsync" if direction is TO else "outlook")
    await world.assert_equal()


async def test_a_type_that_is_off_does_not_keep_a_forced_event_out(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_deadlines=False))
    event = await world.wedsync.add("Pay the florist", type="deadline")
    await world.settle()
    assert await world.outlook.events() == []

    done = await force(world, event["id"], TO)
    assert done.action == "created"
    await world.sync()

    assert [each["subject"] for each in await world.outlook.events()] == ["WedSync: Pay the florist"]
    await world.wedsync.change(event["id"], title="Pay the baker")
    await world.settle()
    assert [each["subject"] for each in await world.outlook.events()] == ["WedSync: Pay the baker"]
    run = await world.app.request_sync.status(world.planner.user_id, done.run_id)
    assert run.tally.created == 1


async def test_an_opted_out_event_comes_back(world: World) -> None:
    event_id, item_id = await synced(world)
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK))
    await world.outlook.remove(item_id)
    await world.settle()
    assert (await world.mapping_of(event_id)).state is MappingState.UNLINKED

    assert (await force(world, event_id, TO)).action == "created"

    await world.sync()
    await world.assert_equal()
    assert len(await world.outlook.events()) == 1
    with pytest.raises(NotFound):
        await force(world, "unknown", TO)


async def test_a_hidden_event_comes_back(world: World) -> None:
    await world.connect()
    item = await world.outlook.add("Yoga")
    await world.settle()
    (mapping,) = await world.mappings()
    await world.wedsync.remove(str(mapping.wedsync_id))
    await world.settle()
    assert [each.state for each in await world.mappings()] == [MappingState.HIDDEN]

    assert (await force(world, mapping.mapping_id, FROM)).action == "created"

    await world.sync()
    assert [each["title"] for each in await world.wedsync.events()] == ["Yoga"]
    assert [each["id"] for each in await world.outlook.events()] == [item["id"]]
    await world.assert_equal()


async def test_a_deletion_that_waits_for_an_answer_is_taken_back(world: World) -> None:
    event_id, item_id = await synced(world)
    await world.outlook.remove(item_id)
    await world.settle()
    with pytest.raises(ConflictsOpen):
        await force(world, event_id, TO)
    with pytest.raises(StateConflict) as refusal:
        await force(world, event_id, FROM, overwrite=True)
    assert refusal.value.code == "event_gone"

    assert (await force(world, event_id, TO, overwrite=True)).action == "created"

    assert await world.open_conflicts() == ()
    await world.sync()
    await world.assert_equal()


async def test_guests_are_never_mailed(world: World) -> None:
    event_id, item_id = await synced(world)
    await world.outlook.change(item_id, attendees=[GUEST])
    await world.settle()
    await world.wedsync.change(event_id, title="Cake tasting")
    await world.settle()
    world.graph.outbox.mails.clear()

    with pytest.raises(StateConflict) as refusal:
        await force(world, event_id, TO, overwrite=True)
    assert refusal.value.code == "guests_would_be_mailed"
    assert await world.outlook.sent() == []

    await force(world, event_id, FROM, overwrite=True)
    assert (await world.wedsync.read(event_id))["title"] == "Tasting"
    assert await world.outlook.sent() == []


@pytest.mark.parametrize("event_id", ["unknown", ".", "..", "../sync", "a/b"])
async def test_what_is_no_id_is_not_found(world: World, event_id: str) -> None:
    await synced(world)
    with pytest.raises(NotFound):
        await force(world, event_id, TO)


async def test_somebody_elses_event_is_not_found(world: World) -> None:
    event_id, _ = await synced(world)
    with pytest.raises(NotFound):
        await world.app.force_sync.run("planner-marco", event_id, TO, overwrite_conflicts=False)


async def test_an_invitation_cannot_be_changed(world: World) -> None:
    await world.connect()
    rose, marco = PLANNERS
    address = {"address": rose.account.upn, "name": rose.name}
    host = OutlookCalendar(http=world.outlook.http, owner=marco)
    await host.add("Yoga", attendees=[{"emailAddress": address, "type": "required"}])
    await world.settle()
    (mapping,) = await world.mappings()
    await world.wedsync.change(str(mapping.wedsync_id), title="Pilates")
    await world.settle()
    world.graph.outbox.mails.clear()

    with pytest.raises(StateConflict) as refusal:
        await force(world, str(mapping.wedsync_id), TO)
    assert refusal.value.code == "not_organizer"
    assert (await force(world, str(mapping.wedsync_id), FROM)).action == "updated"
    assert (await world.wedsync.read(str(mapping.wedsync_id)))["title"] == "Yoga"
    await world.assert_equal()


@pytest.mark.parametrize("direction", [TO, FROM])
async def test_killed_at_each_step_it_can_be_asked_for_again(direction: Direction) -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            event_id, item_id = await clashing(world)

            async def act(world: World = world, event_id: str = event_id) -> None:
                await force(world, event_id, direction, overwrite=True)

            died = await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await force(world, event_id, direction, overwrite=True)
            await world.sync()
            title = "Cake tasting" if direction is TO else "Wine tasting"
            assert (await world.outlook.read(item_id))["subject"] == f"WedSync: {title}", where
            assert await world.open_conflicts() == (), where
            await world.assert_equal()


async def test_killed_at_each_step_a_forced_copy_is_made_once() -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            await world.connect()
            await world.change_integration(preferences=Preferences(sync_deadlines=False))
            event = await world.wedsync.add("Pay the florist", type="deadline")
            await world.settle()

            async def act(world: World = world, event_id: str = event["id"]) -> None:
                await force(world, event_id, TO)

            died = await world.crashes(act, at=step)
            await force(world, event["id"], TO)
            await world.sync()
            assert len(await world.outlook.events()) == 1, f"killed {world.steps.killed}"


async def test_what_was_chosen_before_is_overwritten_too(world: World) -> None:
    event_id, item_id = await clashing(world)
    await world.outlook.fault(action="status", method="PATCH", status=503, count=50)
    choice = Choice(field="title", use="wedsync")
    results = await world.app.resolve_conflict.run(world.planner.user_id, event_id, [choice])
    assert results == {"title": "queued"}
    await world.outlook.clear_faults()

    await force(world, event_id, FROM)

    assert (await world.wedsync.read(event_id))["title"] == "Wine tasting"
    assert (await world.outlook.read(item_id))["subject"] == "WedSync: Wine tasting"
    await world.assert_equal()


@pytest.mark.parametrize("forced", [True, False], ids=["by force", "by an answer"])
async def test_a_forced_copy_that_is_made_again_stays_whatever_its_type(world: World, forced: bool) -> None:
    """Its owner removed it, and wants it again: the type that is off takes it no more than before."""
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    event = await world.wedsync.add("Tasting")
    await world.settle()
    await force(world, event["id"], TO)
    (item,) = await world.outlook.events()
    await world.outlook.remove(item["id"])
    await world.settle()
    (row,) = await world.open_conflicts()
    if forced:
        await force(world, event["id"], TO, overwrite=True)
    else:
        await choose(world, event["id"], "wedsync", "event", row.conflict_id)
    await world.sync()
    assert len(await world.outlook.events()) == 1
    assert await world.open_conflicts() == ()
