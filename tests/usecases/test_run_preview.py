"""What a preview says is what the run then does; the preview itself changes nothing."""

from typing import Any

import pytest

from shared.core.actions import Rule
from shared.core.integration import Direction, ImportOutlookEvents, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.mapping import Role
from shared.errors import NotFound, StateConflict
from shared.store.rows import Table
from shared.usecases.preview_sync import Preview
from tests.support.settings import GUEST, PREFIX, inside, move
from tests.support.world import World
from tests.usecases.season import GUESTS, Season
from tests.usecases.test_run_goes_on import row_of

FULL = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
WRITES = ("insert ", "replace ", "upsert ", "delete ", "transact ", "put ")


async def foreseen(world: World, request: RunRequest) -> Preview:
    """Return the preview; nothing may be written anywhere."""
    await world.quiet()
    world.post.clear()
    tables = world.tables.contents()
    world.steps.names.clear()
    found = await world.app.preview_sync.run(world.planner.user_id, request)
    steps = [name.removeprefix("before ") for name in world.steps.names if name.startswith("before ")]
    assert [step for step in steps if step.startswith(WRITES)] == []
    asked = [step for step in steps if step.startswith(("graph ", "wedsync "))]
    assert {step.split()[1] for step in asked} == {"GET"}
    assert world.tables.contents() == tables
    assert world.queue.kept == []
    return found


async def compared(world: World, request: RunRequest) -> Preview:
    found = await foreseen(world, request)
    run = await world.app.request_sync.by_user(world.planner.user_id, request)
    message = world.queue.next()
    assert message is not None
    await world.carry_out(message)
    tally = (await row_of(world, run)).tally
    did = (tally.created, tally.updated, tally.deleted, tally.conflicts, tally.held, tally.errors)
    assert (found.creates, found.updates, found.deletes, found.conflicts, found.held, found.unreached) == did
    return found


PREFERENCES = {
    "plain": Preferences(),
    "unlink": Preferences(on_outlook_delete=OnOutlookDelete.UNLINK),
    "delete": Preferences(on_outlook_delete=OnOutlookDelete.DELETE),
    "busy": Preferences(import_outlook_events=ImportOutlookEvents.BUSY),
    "types off": Preferences(sync_client_meetings=False),
    "prefix": Preferences(event_prefix="Wedding - "),
    "travel": Preferences(sync_travel_time=True),
}


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("members", list(PREFERENCES.values()), ids=list(PREFERENCES))
async def test_a_season_is_foreseen(world: World, members: Any, direction: Direction, kind: RunKind) -> None:
    season = Season(world=world, heard=False)
    await season.stock()
    await world.connect()
    await season.edit()
    await season.delete()
    await world.change_integration(preferences=members)
    request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL, direction=direction)
    found = await compared(world, request)
    assert found.creates + found.updates + found.deletes + found.conflicts + found.held > 0
    assert {each.action for each in found.events} <= {"create", "update", "delete", "link", "conflict", "held"}


async def test_the_first_run_is_foreseen(world: World) -> None:
    season = Season(world=world, heard=False)
    await season.stock()
    await world.connect(settle=False)
    world.queue.kept.clear()
    found = await compared(world, RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL))
    assert found.creates > 15
    assert found.updates == found.deletes == found.conflicts == 0


async def test_held_deletions_are_foreseen(world: World) -> None:
    items = [await world.outlook.add(f"Dentist {number}") for number in range(20)]
    await world.connect()
    for item in items[:12]:
        await world.outlook.remove(item["id"])
    found = await compared(world, RunRequest(kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.MANUAL))
    assert (found.held, found.deletes) == (12, 0)


async def test_named_events_are_foreseen(world: World) -> None:
    events = [await world.wedsync.add(f"Tasting {number}") for number in range(3)]
    await world.connect()
    for event in events:
        await world.wedsync.change(event["id"], title="Moved")
    request = RunRequest(
        kind=RunKind.SINGLE,
        triggered_by=TriggeredBy.MANUAL,
        specific_events=(events[0]["id"],),
        purpose=RunPurpose.SPECIFIC,
    )
    found = await compared(world, request)
    (only,) = found.events
    assert (only.event_id, only.action, [field.value for field in only.fields]) == (
        events[0]["id"],
        "update",
        ["title"],
    )


async def test_many_events_are_cut_short(world: World) -> None:
    await world.connect()
    for number in range(210):
        await world.wedsync.add(f"Tasting {number}")
    found = await foreseen(world, RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL))
    assert (found.creates, len(found.events), found.truncated) == (210, 200, True)


async def test_copies_that_move_to_another_calendar_first_are_foreseen(world: World) -> None:
    for title in ("Tasting", "Rehearsal"):
        await world.wedsync.add(title)
    met = await world.wedsync.add("Ceremony")
    await world.connect()
    await world.outlook.change(str((await world.mapping_of(met["id"])).outlook_id), attendees=[GUEST])
    await world.settle()
    assert (await foreseen(world, FULL)).moved == 0
    answer = await move(world, settle=False)
    world.queue.kept.clear()  # the message is lost; any run takes it up
    found = await foreseen(world, FULL)
    assert (found.moved, found.creates, found.deletes) == (answer.copies.moved, 0, 0) == (2, 0, 0)
    await world.sync()
    assert sorted(await inside(world, "Private")) == [f"{PREFIX}Rehearsal", f"{PREFIX}Tasting"]
    assert (await foreseen(world, FULL)).moved == 0


async def test_a_connection_that_does_not_sync_has_nothing_to_foresee(world: World) -> None:
    await world.connect()
    world.entra.revoked.add(world.integration_id)
    await world.sync()
    with pytest.raises(StateConflict) as refused:
        await world.app.preview_sync.run(world.planner.user_id, FULL)
    assert refused.value.code == "needs_reconnect"

    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    with pytest.raises(NotFound) as unknown:
        await world.app.preview_sync.run(world.planner.user_id, FULL)
    assert unknown.value.code == "not_connected"


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
async def test_lost_mappings_are_not_foreseen_as_new_events(world: World, kind: RunKind) -> None:
    for number in range(4):
        await world.wedsync.add(f"Tasting {number}", travelMinutes=30 if number == 0 else None)
    await world.outlook.add("Dentist")
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await world.sync()
    await world.wedsync.add("Tasting, the very first")
    before = len(await world.outlook.events())
    assert world.tables.lose(Table.MAPPINGS, lambda key: True)

    found = await compared(world, RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL))

    assert [(each.title, each.action) for each in found.events] == [("Tasting, the very first", "create")]
    assert len(await world.outlook.events()) == before + 1


async def test_what_differs_from_a_copy_whose_mapping_was_lost_is_foreseen(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.wedsync.change(event["id"], title="Cake tasting")
    assert world.tables.lose(Table.MAPPINGS, lambda key: True)
    found = await compared(world, FULL)
    assert (found.creates, found.conflicts) == (0, 1)


async def test_copies_that_an_earlier_connection_left_are_not_foreseen_as_new(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    (copy,) = await world.outlook.events()
    await world.outlook.change(copy["id"], attendees=GUESTS)
    await world.settle()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    await world.connect(settle=False)
    for message in list(world.queue.kept):
        if "run-jobs" not in message.queue:
            await world.carry_out(message)
    world.queue.kept.clear()
    found = await compared(world, FULL)
    assert found.creates == 0
    assert len(await world.outlook.events()) == 1


async def test_travel_blocks_are_foreseen(world: World) -> None:
    events = [await world.wedsync.add(f"Tasting {number}", travelMinutes=30) for number in range(4)]
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await world.wedsync.add("Visit", travelMinutes=20)

    found = await compared(world, FULL)
    assert found.creates == 6, "the visit, and five blocks"
    assert sum(each.rule is Rule.TRAVEL_NEW for each in found.events) == 5
    assert len(await world.outlook.events()) == 10

    await world.wedsync.change(events[0]["id"], start="2026-08-06T16:00:00", end="2026-08-06T17:00:00")
    await world.wedsync.change(events[1]["id"], travelMinutes=None)
    await world.wedsync.remove(events[2]["id"])
    block = next(
        each for each in await world.mappings() if each.role is Role.TRAVEL and each.wedsync_id == events[3]["id"]
    )
    await world.outlook.remove(str(block.outlook_id))
    found = await compared(world, RunRequest(kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.MANUAL))
    assert (found.creates, found.updates, found.deletes) == (0, 2, 3)

    await world.change_integration(preferences=Preferences())
    found = await compared(world, FULL)
    assert (found.creates, found.updates, found.deletes) == (0, 0, 2)


async def test_the_block_of_a_named_event_is_foreseen(world: World) -> None:
    events = [await world.wedsync.add(f"Tasting {number}", travelMinutes=30) for number in range(2)]
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    request = RunRequest(
        kind=RunKind.SINGLE,
        triggered_by=TriggeredBy.MANUAL,
        specific_events=(events[0]["id"],),
        purpose=RunPurpose.SPECIFIC,
    )
    found = await compared(world, request)
    assert [(each.event_id, each.rule) for each in found.events] == [(events[0]["id"], Rule.TRAVEL_NEW)]
