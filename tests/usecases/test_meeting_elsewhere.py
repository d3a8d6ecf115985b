"""Meetings that were asked for while another calendar was synced: found where they are, and no reason to stop."""

import pytest

from shared.core.settings_change import SettingsChange
from shared.errors import StateConflict, SyncFault
from tests.support.world import World
from tests.usecases.test_meetings import INVITED, assert_one_pair, mails, make

CREATE = {"method": "POST", "path": "/calendars/[^/]+/events$", "count": None}


async def synced_calendar(world: World, name: str) -> str:
    """Have a calendar of its own synced, while meetings that are looked after wait; return its id."""
    waiting = [message for message in world.queue.kept if '"meeting"' in message.text]
    for message in waiting:
        world.queue.kept.remove(message)
    made = await world.outlook.control("POST", f"{world.outlook._box}/calendars", {"name": name})
    await world.quiet()
    world.post.clear()
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(calendar_id=made["id"]))
    await world.settle()
    assert (await world.integration()).calendar_id == made["id"]
    world.queue.kept += waiting
    return str(made["id"])


async def asked_for(world: World, *, made: bool) -> str:
    """Ask for a meeting and get no answer, whether it was made or not, then sync another calendar; return the first."""
    await world.connect()
    first = await synced_calendar(world, "First")
    order = {"action": "fail_after_commit"} if made else {"action": "status", "status": 503}
    await world.outlook.fault(**order, **CREATE)
    with pytest.raises(SyncFault):
        await make(world)
    await world.outlook.clear_faults()
    await synced_calendar(world, "Second")
    return first


@pytest.mark.parametrize("made", [True, False])
async def test_a_calendar_that_is_gone_and_not_synced_any_more_stops_nothing(world: World, made: bool) -> None:
    first = await asked_for(world, made=made)
    await world.outlook.control("DELETE", f"{world.outlook._box}/calendars/{first}")
    await world.settle()
    assert (await world.integration()).syncing
    with pytest.raises(StateConflict) as refusal:
        await make(world)
    assert refusal.value.code == "meeting_gone"
    assert (await world.integration()).syncing
    assert world.errors == []


async def test_the_synced_calendar_that_is_gone_stops_the_connection(world: World) -> None:
    await world.connect()
    first = await synced_calendar(world, "First")
    await world.outlook.fault(action="status", status=503, **CREATE)
    with pytest.raises(SyncFault):
        await make(world)
    await world.outlook.clear_faults()
    await world.outlook.control("DELETE", f"{world.outlook._box}/calendars/{first}")
    await world.settle()
    assert not (await world.integration()).syncing


@pytest.mark.parametrize("called", [True, False], ids=["called again", "looked after"])
async def test_a_meeting_in_the_earlier_calendar_is_known_to_be_there(world: World, called: bool) -> None:
    """It has not left the calendar that is synced now: it was never in it."""
    first = await asked_for(world, made=True)
    if called:
        await make(world)
    await world.settle()
    await world.sync()
    await assert_one_pair(world)
    (mapping,) = await world.mappings()
    assert mapping.calendar_id == first
    assert await world.open_conflicts() == ()
    assert await mails(world) == INVITED


@pytest.mark.parametrize("far_end", ["wedsync", "outlook"])
async def test_what_is_refused_of_a_meeting_is_no_failed_job(world: World, far_end: str) -> None:
    """Its guests are invited; what WedSync does not take is seen by the next run, and shown."""
    await world.connect()
    await world.outlook.fault(action="fail_after_commit", **CREATE)
    with pytest.raises(SyncFault):
        await make(world)
    await world.outlook.clear_faults()
    world.post.clear()
    refused = {"action": "status", "status": 422, "count": None}
    await world.wedsync.fault(**refused, method="POST", path="/events$")
    if far_end == "outlook":
        await world.outlook.fault(**refused, method="GET", path="/calendars/[^/]+/events$")
    await world.settle()
    assert (world.errors, world.poisoned) == ([], [])
    await world.wedsync.clear_faults()
    await world.outlook.clear_faults()
    await world.sync()
    await assert_one_pair(world)
    assert await mails(world) == INVITED
