"""What a sync may cost, counted by those who are asked: docs/architecture.md states these numbers.

Never timed. A request is counted whether it succeeds or fails; the items of a ``$batch`` apart from the request that
carries them.
"""

import math

import pytest

from shared.core.integration import OnOutlookDelete, Preferences
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.states import RunState
from tests.support.calendars import at
from tests.support.figures import (
    MESSAGES_PER_EDIT,
    STORED_PER_ASKED_RUN,
    STORED_PER_EDIT,
    STORED_PER_IMPORT,
    STORED_PER_PUSH,
)
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.counting import BATCH, CALENDAR, CALENDAR_DELTA, CREATE, EVENT, Counts, counted
from tests.usecases.season import CHOIR, ZONE

PAGE = 200
"""Events on a page of a first reading, as the product asks for with ``Prefer: odata.maxpagesize``."""

ITEMS = 20
"""Requests in a ``$batch``, at most: https://learn.microsoft.com/graph/json-batching"""

MANY = 1000


async def one_run(world: World, kind: RunKind = RunKind.FULL) -> Counts:
    """Let a run that nobody was told of anything do it all, and count."""
    await world.quiet()
    world.post.clear()
    async with counted(world) as counts:
        request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL)
        queued = await world.app.request_sync.by_user(world.planner.user_id, request)
        await world.settle(most=10 * MANY)  # with the notices of all that the run itself has written
    run = await world.app.request_sync.status(world.planner.user_id, queued.run_id)
    assert run.state is RunState.COMPLETED
    assert run.tally.errors == 0
    return counts


# --- Runs over 1,000 events -------------------------------------------------------------------------------------


async def test_an_import_of_1000_is_read_in_pages(world: World) -> None:
    await world.connect()
    for number in range(MANY):
        await world.outlook.add(f"Appointment {number}", body={"contentType": "text", "content": f"Notes {number}"})
    counts = await one_run(world)
    await world.assert_equal()

    assert counts.graph.total() <= math.ceil(MANY / PAGE) + 1
    assert counts.graph.keys() == {CALENDAR_DELTA}
    assert counts.items.total() == 0
    assert counts.wedsync == {"POST /v1/users/{id}/events": MANY, "GET /v1/users/{id}/events": 1}
    assert counts.storage.total() <= STORED_PER_IMPORT * MANY


async def test_a_push_of_1000_is_written_in_batches(world: World) -> None:
    await world.connect()
    for number in range(MANY):
        await world.wedsync.add(f"Tasting {number}", description=f"Notes {number}")
    counts = await one_run(world)
    await world.assert_equal()

    assert counts.items == {CREATE: MANY}
    assert counts.graph == {BATCH: math.ceil(MANY / ITEMS), CALENDAR_DELTA: 1}
    assert counts.storage.total() <= STORED_PER_PUSH * MANY

    await one_run(world, RunKind.INCREMENTAL)  # what we wrote is in the calendar's delta once more
    counts = await one_run(world, RunKind.INCREMENTAL)
    assert counts.graph == {CALENDAR_DELTA: 1}, "nothing has changed: one page without events"
    assert counts.storage.total() <= STORED_PER_ASKED_RUN


# --- Single edits -----------------------------------------------------------------------------------------------


async def test_an_edit_in_wedsync(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await ours.here(title="Moved", start="2026-08-05T18:00:00", end="2026-08-05T19:00:00")
        await world.settle()
    assert counts.graph == {f"PATCH {EVENT}": 1}
    assert counts.storage.total() <= STORED_PER_EDIT
    assert counts.storage["put outlook-event-jobs"] == MESSAGES_PER_EDIT
    assert counts.wedsync.total() == 1
    await world.assert_equal()


async def test_an_edit_in_outlook(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await ours.there(subject="WedSync: Moved", start=at("2026-08-05T18:00:00"), end=at("2026-08-05T19:00:00"))
        await world.settle()
    assert counts.graph == {f"GET {EVENT}": 1}
    assert counts.storage.total() <= STORED_PER_EDIT
    assert counts.storage["put outlook-event-jobs"] == MESSAGES_PER_EDIT
    assert counts.wedsync.total() == 1
    await world.assert_equal()


async def test_a_new_event_of_wedsync(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await world.wedsync.add("Venue visit")
        await world.settle()
    assert counts.graph == {CREATE: 1}
    assert counts.storage.total() <= STORED_PER_EDIT
    await world.assert_equal()


async def test_a_new_event_of_outlook(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await world.outlook.add("Dentist")
        await world.settle()
    assert counts.graph == {f"GET {EVENT}": 1}
    assert counts.storage.total() <= STORED_PER_EDIT
    await world.assert_equal()


async def test_a_deletion_in_wedsync(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await world.wedsync.remove(ours.wedsync_id)
        await world.settle()
    assert counts.storage.total() <= STORED_PER_EDIT
    assert counts.graph == {f"DELETE {EVENT}": 1}
    await world.assert_equal()


# --- What is added to that ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", list(OnOutlookDelete))
async def test_the_proof_of_a_deletion(world: World, ours: Pair, wish: OnOutlookDelete) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=wish))
    async with counted(world) as counts:
        await world.outlook.remove(ours.outlook_id)
        await world.settle()
    assert counts.graph == {f"GET {EVENT}": 1, CALENDAR: 1}, "gone by id, and the calendar answers"


async def test_the_proof_that_an_event_has_left_the_calendar(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await world.outlook.move(ours.outlook_id)
        await world.settle()
    assert counts.graph == {f"GET {EVENT}": 1, f"GET {EVENT}/calendar": 1}


async def test_a_write_that_finds_another_version(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await ours.there(location={"displayName": "Barn"})
        await ours.here(title="Moved")
        await world.quiet()
        world.post = [letter for letter in world.post if letter.sender == "wedsync"]  # Outlook's notice is lost
        await world.settle()
    assert counts.graph == {f"PATCH {EVENT}": 2, f"GET {EVENT}": 1}, "refused, read, merged, written"
    await world.assert_equal()


async def test_the_description_of_an_online_meeting(world: World, ours: Pair) -> None:
    await ours.there(isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness")
    await world.settle()
    async with counted(world) as counts:
        await ours.here(description="Bring two samples")
        await world.settle()
    assert counts.graph == {f"GET {EVENT}": 1, f"PATCH {EVENT}": 1}, "the join block is read first"
    item = await world.outlook.read(ours.outlook_id)
    assert "Bring two samples" in item["bodyText"]
    assert item["onlineMeeting"]["joinUrl"] in item["body"]["content"]


async def test_an_edit_in_a_series(world: World) -> None:
    times = {"start": at("2026-08-04T19:00:00", ZONE), "end": at("2026-08-04T21:00:00", ZONE)}
    series = await world.outlook.add("Choir", recurrence=CHOIR, **times)
    await world.connect()
    async with counted(world) as counts:
        await world.outlook.change(series["id"], subject="Choir in the mill")
        await world.settle()
    assert counts.graph.total() <= 1 + 2
    await world.assert_equal()


async def test_an_event_with_a_travel_block(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    event = await world.wedsync.add("Tasting", travelMinutes=30)
    await world.settle()
    assert len(await world.outlook.events()) == 2
    async with counted(world) as counts:
        await world.wedsync.change(event["id"], start="2026-08-05T18:00:00", end="2026-08-05T19:00:00")
        await world.settle()
    assert counts.graph == {f"PATCH {EVENT}": 2}, "the event, and the block before it"
