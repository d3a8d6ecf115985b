"""What availability and meetings ask of Graph: docs/architecture.md states these numbers."""

from datetime import date, timedelta

import pytest

from local.simkit.people import PLANNERS
from tests.support.world import World
from tests.usecases.counting import CALENDAR, CREATE, EVENT, Counts, counted
from tests.usecases.test_change_meetings import cancel, change, made
from tests.usecases.test_meetings import make, wish

MONDAY = date(2026, 8, 3)
SETTINGS, CALENDARS = "GET /v1.0/me/mailboxSettings", "GET /v1.0/me/calendars"
SCHEDULE, VIEW = "POST /v1.0/me/calendar/getSchedule", "GET /v1.0/me/calendars/{id}/calendarView"


async def ask(world: World, *people: str) -> Counts:
    async with counted(world) as counts:
        await world.app.find_availability.run(world.planner.user_id, MONDAY, timedelta(hours=1), people)
    return counts


@pytest.mark.parametrize("people", [(), ("ivy@havenweddings.example", "ann@example.test")])
async def test_a_work_account_is_asked_once_and_its_other_calendars_once_each(
    world: World, people: tuple[str, ...]
) -> None:
    await world.connect()
    others = len(await world.outlook.calendars()) - 1
    counts = await ask(world, *people)
    assert counts.graph == {SETTINGS: 1, CALENDARS: 1, SCHEDULE: 1, VIEW: others}


async def test_of_a_personal_account_each_calendar_is_read_once() -> None:
    async with World(planner=PLANNERS[1]) as world:
        await world.connect()
        every = len(await world.outlook.calendars())
        counts = await ask(world)
        assert counts.graph == {SETTINGS: 1, CALENDARS: 1, VIEW: every}


async def test_wedsyncs_day_costs_one_page_and_the_events_of_the_day_a_look_each(world: World) -> None:
    for number in range(3):
        times = {"start": f"2026-08-03T1{number}:00:00", "end": f"2026-08-03T1{number}:30:00"}
        await world.wedsync.add(f"Tasting {number}", **times)
    await world.wedsync.add("Another day")
    await world.connect()
    counts = await ask(world)
    assert counts.wedsync.total() == 1
    assert counts.storage.total() <= 1 + 2 * 3


async def test_a_meeting_is_one_request_and_its_echo_none(world: World) -> None:
    await world.connect()
    async with counted(world) as counts:
        await make(world)
    assert counts.graph == {CREATE: 1}
    assert counts.wedsync.total() == 1
    assert counts.storage.total() <= 14
    async with counted(world) as echo:
        await world.settle()
    assert echo.graph.total() <= 1, "the notice says the etag of the short form, or the event is read once"


@pytest.mark.parametrize("reads", [0, 1])
async def test_an_online_meeting_is_asked_for_first_and_its_link_read_if_it_is_late(world: World, reads: int) -> None:
    await world.outlook.knobs(joinUrlReads=reads)
    await world.connect()
    async with counted(world) as counts:
        found = await make(world, wish(online=True))
    assert found.meeting.join_url
    assert counts.graph[CALENDAR] == 1
    assert counts.graph[CREATE] == 1
    assert counts.graph[f"GET {EVENT}"] == counts.graph.total() - 2 <= reads


async def test_the_same_call_again_reads_the_meeting(world: World) -> None:
    await world.connect()
    await make(world)
    async with counted(world) as counts:
        await make(world)
    assert counts.graph == {f"GET {EVENT}": 1}


async def test_a_change_is_a_read_and_a_write_and_a_description_one_read_more(world: World) -> None:
    meeting = await made(world)
    async with counted(world) as counts:
        await change(world, meeting.event_id, title="Wine tasting")
    assert counts.graph == {f"GET {EVENT}": 1, f"PATCH {EVENT}": 1}
    async with counted(world) as counts:
        await change(world, meeting.event_id, description="Bring nothing")
    assert counts.graph == {f"GET {EVENT}": 2, f"PATCH {EVENT}": 1}


async def test_a_cancellation_is_a_read_and_a_write(world: World) -> None:
    meeting = await made(world)
    async with counted(world) as counts:
        await cancel(world, meeting.event_id)
    assert counts.graph == {f"GET {EVENT}": 1, f"POST {EVENT}/cancel": 1}
