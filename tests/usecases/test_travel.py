"""Travel-time blocks: they come and go with their event and with the wish for them, and never flow back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.history import ChangeKind
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping, Role
from shared.core.states import MappingState
from tests.support.pair import Pair
from tests.support.settings import change, inside, move
from tests.support.world import World
from tests.usecases.counting import CREATE, EVENT, counted

TRAVEL = Preferences(sync_travel_time=True)
OFF = Preferences(sync_travel_time=False)


@pytest.fixture
async def led(world: World) -> Pair:
    """An event of WedSync, half an hour away; travel time is shown."""
    event = await world.wedsync.add("Tasting", travelMinutes=30)
    await world.connect()
    await world.change_integration(preferences=TRAVEL)
    await world.sync()
    return Pair(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))


async def blocks(world: World) -> list[dict[str, Any]]:
    return [item for item in await world.outlook.events() if "Travel" in item["subject"]]


async def block(world: World) -> dict[str, Any]:
    (found,) = await blocks(world)
    return found


async def block_mapping(world: World) -> EventMapping:
    (found,) = [each for each in await world.mappings() if each.role is Role.TRAVEL]
    return found


def span(item: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(item[name]["dateTime"][:19]) for name in ("start", "end"))
    return start, end


async def quietly(world: World, kind: RunKind = RunKind.INCREMENTAL) -> None:
    """Let a run find it all: no notice arrives."""
    await world.quiet()
    world.post.clear()
    await world.sync(kind)


@pytest.fixture(params=["event job", "run"])
def lane(request: pytest.FixtureRequest, world: World) -> Any:
    """Either lane carries what happened."""

    async def notices() -> None:
        await world.settle()

    async def run() -> None:
        await quietly(world)

    return notices if request.param == "event job" else run


# --- Coming -------------------------------------------------------------------------------------------------------


async def test_a_new_event_gets_its_block(world: World, led: Pair, lane: Any) -> None:
    await world.wedsync.add("Far away", travelMinutes=95, start="2026-09-01T10:00:00", end="2026-09-01T11:00:00")
    await lane()

    item = next(item for item in await blocks(world) if "Far away" in item["subject"])
    start, end = span(item)
    assert (item["subject"], end - start) == ("WedSync: Travel: Far away", timedelta(minutes=95))
    assert end == datetime.fromisoformat("2026-09-01T08:00:00"), "when the event begins, in Rome"
    assert (item["showAs"], item["isReminderOn"]) == ("busy", False)
    await world.assert_equal()


async def test_many_come_in_batches(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=TRAVEL)
    for number in range(25):
        await world.wedsync.add(f"Tasting {number}", travelMinutes=10 + number)
    await world.quiet()
    world.post.clear()
    async with counted(world) as counts:
        await world.sync()
    assert counts.items == {CREATE: 50}
    assert len(await blocks(world)) == 25
    await world.assert_equal()


async def test_an_event_that_gains_travel_time_gets_a_block(world: World, led: Pair, lane: Any) -> None:
    event = await world.wedsync.add("Rehearsal", type="rehearsal")
    await lane()
    assert len(await blocks(world)) == 1
    await world.wedsync.change(event["id"], travelMinutes=20)
    await lane()
    assert len(await blocks(world)) == 2
    await world.assert_equal()


@pytest.mark.parametrize(
    "members",
    [
        {"travelMinutes": None},
        {"travelMinutes": 0},
        {"travelMinutes": 30, "allDay": True, "start": "2026-08-05T00:00:00", "end": "2026-08-06T00:00:00"},
    ],
)
async def test_events_that_have_none(world: World, led: Pair, lane: Any, members: dict[str, Any]) -> None:
    await world.wedsync.add("Without", **members)
    await lane()
    assert "Without" not in (await block(world))["subject"]
    await world.assert_equal()


async def test_events_from_outlook_have_none(world: World, led: Pair, lane: Any) -> None:
    await world.outlook.add("Dentist")
    await lane()
    imported = next(event for event in await world.wedsync.events() if event["title"] == "Dentist")
    await world.wedsync.change(imported["id"], travelMinutes=45)
    await lane()
    assert (await block(world))["subject"] == "WedSync: Travel: Tasting"


async def test_a_private_event_does_not_tell_its_title(world: World, led: Pair, lane: Any) -> None:
    await led.here(private=True)
    await lane()
    item = await block(world)
    assert (item["subject"], item["sensitivity"]) == ("WedSync: Travel", "private")
    await world.assert_equal()


# --- Moving, ending -----------------------------------------------------------------------------------------------


async def test_the_block_moves_with_its_event(world: World, led: Pair, lane: Any) -> None:
    before = (await block(world))["id"]
    await led.here(start="2026-08-06T09:00:00", end="2026-08-06T10:00:00", title="Tasting, moved")
    await lane()
    item = await block(world)
    assert item["id"] == before
    assert span(item)[1] == datetime.fromisoformat("2026-08-06T07:00:00")
    await world.assert_equal()


async def test_it_follows_an_event_that_was_moved_in_outlook(world: World, led: Pair) -> None:
    day = {"dateTime": "2026-08-07T10:00:00", "timeZone": "UTC"}
    await led.there(start=day, end=day | {"dateTime": "2026-08-07T11:00:00"})
    await world.settle()
    assert span(await block(world))[1] == datetime.fromisoformat("2026-08-07T10:00:00")
    await world.assert_equal()


async def test_it_follows_an_event_that_a_run_was_asked_for(world: World, led: Pair) -> None:
    other = await world.wedsync.add(
        "Far away", travelMinutes=95, start="2026-09-01T10:00:00", end="2026-09-01T11:00:00"
    )
    await led.here(travelMinutes=75)
    await world.quiet()
    world.post.clear()
    request = RunRequest(
        kind=RunKind.SINGLE,
        triggered_by=TriggeredBy.MANUAL,
        purpose=RunPurpose.SPECIFIC,
        specific_events=(led.wedsync_id, other["id"]),
    )
    await world.app.request_sync.by_user(world.planner.user_id, request)
    await world.settle()
    await world.assert_equal()
    assert len(await blocks(world)) == 2


async def test_it_changes_length(world: World, led: Pair, lane: Any) -> None:
    await led.here(travelMinutes=75)
    await lane()
    start, end = span(await block(world))
    assert end - start == timedelta(minutes=75)
    await world.assert_equal()


async def test_it_ends_with_the_travel_time_and_comes_back(world: World, led: Pair, lane: Any) -> None:
    await led.here(travelMinutes=None)
    await lane()
    assert await blocks(world) == []
    await led.here(travelMinutes=40)
    await lane()
    assert len(await blocks(world)) == 1
    await world.assert_equal()


async def test_it_ends_when_the_event_becomes_all_day(world: World, led: Pair, lane: Any) -> None:
    await led.here(allDay=True, start="2026-08-05T00:00:00", end="2026-08-06T00:00:00")
    await lane()
    assert await blocks(world) == []
    await world.assert_equal()


async def test_it_ends_with_its_event(world: World, led: Pair, lane: Any) -> None:
    await world.wedsync.remove(led.wedsync_id)
    await lane()
    assert await world.outlook.events() == []
    assert await world.mappings() == []


async def test_it_waits_while_the_deletion_of_its_event_is_in_question(world: World, led: Pair) -> None:
    await led.there(subject="WedSync: Tasting at the mill")
    await world.wedsync.remove(led.wedsync_id)
    world.post.reverse()
    await world.settle()
    assert len(await world.open_conflicts()) == 1
    assert len(await blocks(world)) == 1


async def test_it_ends_when_the_event_is_taken_out_of_outlook(world: World, led: Pair, lane: Any) -> None:
    await world.change_integration(
        preferences=Preferences(sync_travel_time=True, on_outlook_delete=OnOutlookDelete.UNLINK)
    )
    await world.outlook.remove(led.outlook_id)
    await lane()
    assert await world.outlook.events() == []
    assert len(await world.wedsync.events()) == 1


async def test_what_the_two_lanes_do_not_know_of_each_other_a_crash_leaves_behind(world: World, led: Pair) -> None:
    """The event is settled, and the process dies before its block is: the notice that comes again finds it."""
    await led.here(start="2026-08-06T09:00:00", end="2026-08-06T10:00:00")
    await world.kill_after(f"graph PATCH /v1.0/me/events/{led.outlook_id}")
    await world.settle()
    assert span(await block(world))[1] == datetime.fromisoformat("2026-08-06T07:00:00")
    await world.assert_equal()


@pytest.mark.parametrize("step", range(0, 60, 2))
async def test_a_crash_anywhere_makes_no_second_block(world: World, led: Pair, step: int) -> None:
    await world.wedsync.add("Far away", travelMinutes=95, start="2026-09-01T10:00:00", end="2026-09-01T11:00:00")
    await led.here(travelMinutes=50)
    await world.crashes(world.settle, at=step)
    await world.settle()
    await world.sync(RunKind.FULL)
    await world.assert_equal()
    assert len(await blocks(world)) == 2


@pytest.mark.parametrize("step", range(0, 100, 4))
async def test_a_crash_anywhere_in_a_run_makes_no_second_block(world: World, step: int) -> None:
    await world.wedsync.add("Tasting", travelMinutes=30)
    await world.wedsync.add("Far away", travelMinutes=95, start="2026-09-01T10:00:00", end="2026-09-01T11:00:00")
    await world.connect()
    await world.change_integration(preferences=TRAVEL)
    await world.crashes(world.sync, at=step)
    await world.advance(minutes=1)
    await world.sync()
    await world.assert_equal()
    assert len(await blocks(world)) == 2


# --- What its owner does to it ------------------------------------------------------------------------------------


async def test_a_removed_block_stays_out_and_its_event_stays(world: World, led: Pair, lane: Any) -> None:
    await world.outlook.remove((await block(world))["id"])
    await lane()
    await led.here(travelMinutes=45, title="Cake tasting")
    await lane()
    await world.sync()

    assert [item["subject"] for item in await world.outlook.events()] == ["WedSync: Cake tasting"]
    assert (await block_mapping(world)).state is MappingState.UNLINKED
    assert await world.open_conflicts() == ()


async def test_a_removed_block_stays_out_when_travel_time_is_switched_off_and_on(world: World, led: Pair) -> None:
    await world.outlook.remove((await block(world))["id"])
    await world.settle()
    for preferences in (OFF, TRAVEL):
        await world.change_integration(preferences=preferences)
        await world.sync()
    assert await blocks(world) == []


async def test_a_block_that_was_moved_to_another_calendar_is_let_go(world: World, led: Pair, lane: Any) -> None:
    await world.outlook.move((await block(world))["id"])
    await lane()
    assert (await block_mapping(world)).state is MappingState.UNLINKED


async def test_an_edit_of_the_block_is_not_carried_and_is_overwritten(world: World, led: Pair, lane: Any) -> None:
    item = await block(world)
    day = {"dateTime": "2026-08-05T12:00:00", "timeZone": "UTC"}
    await world.outlook.change(item["id"], subject="On the road", start=day, location={"displayName": "A1"})
    await lane()
    await world.sync()
    assert (await world.outlook.read(item["id"]))["subject"] == "On the road"
    (event,) = await world.wedsync.events()
    assert (event["title"], event["travelMinutes"]) == ("Tasting", 30)

    await led.here(title="Cake tasting")
    await lane()
    item = await block(world)
    assert item["subject"].endswith("Travel: Cake tasting")
    assert span(item)[1] - span(item)[0] == timedelta(minutes=30)
    assert item["location"]["displayName"] == ""


async def test_guests_on_the_block_are_never_mailed(world: World, led: Pair, lane: Any) -> None:
    item = await block(world)
    await world.outlook.change(item["id"], attendees=[{"emailAddress": {"address": "driver@example.org"}}])
    await lane()
    mails = len(await world.outlook.sent())
    await led.here(start="2026-08-06T09:00:00", end="2026-08-06T10:00:00")
    await lane()
    await world.wedsync.remove(led.wedsync_id)
    await lane()
    assert len(await world.outlook.sent()) == mails, "only what their owner sent"
    assert [left["id"] for left in await world.outlook.events()] == [item["id"]]


# --- The wish for it ----------------------------------------------------------------------------------------------


async def test_switched_off_and_on(world: World, led: Pair) -> None:
    for number in range(8):
        await world.wedsync.add(f"Visit {number}", travelMinutes=15)
    await world.settle()
    assert len(await blocks(world)) == 9
    await world.change_integration(preferences=OFF)
    await world.sync()
    assert await blocks(world) == [], "asked for, so the guard does not count them"
    await world.assert_equal()
    await world.change_integration(preferences=TRAVEL)
    await world.sync()
    assert len(await blocks(world)) == 9
    await world.assert_equal()


async def test_another_prefix(world: World, led: Pair) -> None:
    await world.change_integration(preferences=Preferences(sync_travel_time=True, event_prefix="WS "))
    await world.sync()
    assert (await block(world))["subject"] == "WS Travel: Tasting"


async def test_its_type_switched_off(world: World, led: Pair) -> None:
    await world.change_integration(preferences=Preferences(sync_travel_time=True, sync_client_meetings=False))
    await world.sync()
    assert await world.outlook.events() == []
    await world.change_integration(preferences=TRAVEL)
    await world.sync()
    await world.assert_equal()
    assert len(await blocks(world)) == 1


async def test_it_moves_to_another_calendar_with_its_event(world: World, led: Pair) -> None:
    await move(world)
    assert await inside(world, "Private") == ["WedSync: Tasting", "WedSync: Travel: Tasting"]
    assert await inside(world, "Calendar") == []
    await led.here(travelMinutes=75)
    await world.settle()
    start, end = span(await block(world))
    assert end - start == timedelta(minutes=75)
    assert await inside(world, "Private") == ["WedSync: Tasting", "WedSync: Travel: Tasting"]


async def test_the_settings_switch_it_on_and_off(world: World) -> None:
    await world.wedsync.add("Tasting", travelMinutes=30)
    await world.connect()
    await change(world, sync_travel_time=True)
    await world.settle()
    assert len(await blocks(world)) == 1
    await change(world, sync_travel_time=False)
    await world.settle()
    assert await blocks(world) == []
    await world.assert_equal()


async def test_a_disconnect_removes_it(world: World, led: Pair) -> None:
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert await world.outlook.events() == []


async def test_nothing_is_written_to_outlook_in_the_other_direction(world: World, led: Pair, lane: Any) -> None:
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    await led.here(travelMinutes=80)
    await world.wedsync.add("Far away", travelMinutes=95)
    await lane()
    start, end = span(await block(world))
    assert end - start == timedelta(minutes=30)


# --- What it costs ------------------------------------------------------------------------------------------------


async def test_a_block_costs_one_request(world: World, led: Pair) -> None:
    async with counted(world) as counts:
        await led.here(start="2026-08-06T09:00:00", end="2026-08-06T10:00:00")
        await world.settle()
    assert counts.graph == {f"PATCH {EVENT}": 2}
    async with counted(world) as counts:
        await led.here(description="Bring two samples")
        await world.settle()
    assert counts.graph == {f"PATCH {EVENT}": 1}
    async with counted(world) as counts:
        await world.wedsync.add("Far away", travelMinutes=95)
        await world.settle()
    assert counts.graph == {CREATE: 2}
    async with counted(world) as counts:
        await world.wedsync.remove(led.wedsync_id)
        await world.settle()
    assert counts.graph == {f"DELETE {EVENT}": 2}


async def test_a_block_is_no_event_in_lists_and_counts(world: World, led: Pair) -> None:
    status = await world.app.report_status.run(world.planner.user_id)
    assert status.counts.total == 1
    changes = await world.ports.changes.of_mapping(world.integration_id, (await block_mapping(world)).mapping_id)
    assert [change.kind for change in changes] == [ChangeKind.CREATED]
