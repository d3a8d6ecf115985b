"""A calendar of our own in the user's mailbox: found by id, marker or name, and never made twice."""

from datetime import timedelta

import pytest

from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState
from shared.errors import Unprocessable
from shared.usecases.separate_calendar import NAMES
from tests.support.settings import assert_moved, calendar_named, change, changed, inside
from tests.support.world import World

OURS = NAMES[0]


async def named_so(world: World) -> list[str]:
    return [each["name"] for each in await world.outlook.calendars() if each["name"].startswith(OURS)]


async def make_calendar(world: World, name: str) -> str:
    box = f"/mailboxes/{world.planner.account.upn}"
    made = await world.outlook.control("POST", f"{box}/calendars", {"name": name})
    return str(made["id"])


async def test_copies_move_to_a_calendar_of_their_own_and_back(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.outlook.add("Dentist")
    await world.connect()
    answer = await changed(world, create_separate_calendar=True)

    assert (answer.full_resync, answer.copies.moved) == (True, 1)
    integration = await assert_moved(world, OURS)
    assert integration.separate_calendar_id == integration.calendar_id
    assert await inside(world, "Calendar") == ["Dentist"]
    await world.wedsync.add("Fitting")
    await world.settle()
    assert await inside(world, OURS) == ["WedSync: Fitting", "WedSync: Tasting"]

    await changed(world, create_separate_calendar=False)
    assert await inside(world, OURS) == []
    assert await inside(world, "Calendar") == ["Dentist", "WedSync: Fitting", "WedSync: Tasting"]
    await world.assert_equal()

    await changed(world, create_separate_calendar=True)
    await assert_moved(world, OURS)
    assert await named_so(world) == [OURS]


async def test_it_moves_back_to_the_calendar_that_was_chosen(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, calendar_id=await calendar_named(world, "Private"))
    await changed(world, create_separate_calendar=True)
    await changed(world, create_separate_calendar=False)
    await assert_moved(world, "Private")


async def test_it_is_found_by_its_marker_when_its_id_was_forgotten(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, create_separate_calendar=True)
    await changed(world, create_separate_calendar=False)
    await world.change_integration(separate_calendar_id="")
    await changed(world, create_separate_calendar=True)
    await assert_moved(world, OURS)
    assert await named_so(world) == [OURS]


async def test_one_of_the_name_is_taken(world: World) -> None:
    made = await make_calendar(world, "wedsync")
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, create_separate_calendar=True)
    assert (await world.integration()).calendar_id == made
    assert len([each for each in await world.outlook.calendars() if each["name"].casefold() == "wedsync"]) == 1


async def test_after_a_new_connection_the_same_calendar_is_used(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, create_separate_calendar=True)
    first = (await world.integration()).calendar_id
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert await inside(world, OURS) == []
    await world.connect()
    assert (await world.integration()).separate_calendar_id == ""
    await changed(world, create_separate_calendar=True)
    assert (await world.integration()).calendar_id == first
    assert await named_so(world) == [OURS]


async def test_an_id_that_graph_changes_after_it_was_made_is_found_again(world: World) -> None:
    await world.outlook.knobs(calendarIdChangeSeconds=60)
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, create_separate_calendar=True)
    await changed(world, create_separate_calendar=False)
    await world.advance(minutes=5)
    await changed(world, create_separate_calendar=True)
    await assert_moved(world, OURS)
    assert await named_so(world) == [OURS]


async def test_a_create_without_an_answer_makes_no_second_one(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await world.outlook.fault(action="hang_after_commit", method="POST", path="/me/calendars$", count=1)
    await changed(world, create_separate_calendar=True)
    await world.settle()
    await assert_moved(world, OURS)
    assert await named_so(world) == [OURS]


async def wanting_one(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await change(world, create_separate_calendar=True)


async def test_a_process_that_dies_around_the_making_makes_no_second_one() -> None:
    async with World() as world:
        await wanting_one(world)
        begun = len(world.steps.names)
        await world.settle()
        made = world.steps.names.index("after graph POST /v1.0/me/calendars", begun) - begun
    assert made > 5
    for at in range(made - 5, made + 12):
        async with World() as world:
            await wanting_one(world)
            assert await world.crashes(world.settle, at=at)
            await world.settle()
            await world.timers()
            await assert_moved(world, OURS)
            assert await named_so(world) == [OURS], at


async def test_another_calendar_is_not_chosen_while_there_is_a_separate_one(world: World) -> None:
    await world.connect()
    await changed(world, create_separate_calendar=True)
    private = await calendar_named(world, "Private")
    with pytest.raises(Unprocessable):
        await change(world, calendar_id=private)
    both = SettingsChange(calendar_id=private, preferences={"create_separate_calendar": False})
    await world.app.change_settings.run(world.planner.user_id, both)
    await world.settle()
    await assert_moved(world, "Private")


async def test_a_separate_calendar_that_was_deleted_stops_the_sync_and_harms_nothing(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await changed(world, create_separate_calendar=True)
    box = f"/mailboxes/{world.planner.account.upn}"
    await world.outlook.control("DELETE", f"{box}/calendars/{await calendar_named(world, OURS)}")
    await world.advance(minutes=16)
    await world.timers()
    await world.settle(within=timedelta(minutes=30))
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT
    assert [event["deleted"] for event in await world.wedsync.events()] == [False]
