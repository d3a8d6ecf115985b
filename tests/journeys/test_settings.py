"""Settings over HTTP: preferences, a pause, direction, another calendar and a separate one, with both calendars."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.planner import Planner, eventually
from tests.journeys.scene import problem

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
SETTINGS = "calendar/outlook/settings"


@pytest.fixture
async def rose(tmp_path: Path) -> AsyncIterator[Planner]:
    async with Stand(work_folder=tmp_path, season=False) as running:
        planner = Planner(running, PLANNERS[0])
        yield planner
        await planner.close()


async def change(planner: Planner, **members: Any) -> dict[str, Any]:
    """Change settings; wait for the run that carries the change out, if there is one."""
    answer = await planner.call("PUT", SETTINGS, json=members)
    assert answer.status_code == 200, answer.text
    found = dict(answer.json())
    if "syncId" in found:
        run = await planner.run_ended(found["syncId"])
        assert run["status"] == "completed", run
    return found


async def subjects(planner: Planner, calendar: str) -> list[str]:
    listed = (await planner.call("GET", "calendar/outlook/calendars")).raise_for_status().json()["calendars"]
    wanted = next(each["id"] for each in listed if each["name"] == calendar)
    return sorted(item["subject"] for item in await planner.outlook_items() if item["calendarId"] == wanted)


async def add(planner: Planner, title: str, kind: str = "client_meeting") -> dict[str, Any]:
    return await planner.add_in_wedsync(
        type=kind,
        title=title,
        start="2027-03-01T14:00:00",
        end="2027-03-01T15:00:00",
        timeZone="Europe/London",
        allDay=False,
        private=False,
    )


async def test_settings_allow_granular_control(rose: Planner) -> None:
    """The specification's success criterion 7."""
    problem(await rose.call("PUT", SETTINGS, json={}), 404, "not_connected")
    await add(rose, "Tasting")
    await add(rose, "Vows", "wedding_ceremony")
    await rose.connect()
    await rose.first_run_ended()
    assert await subjects(rose, "Calendar") == ["WedSync: Tasting", "WedSync: Vows"]

    answer = await change(rose, syncPreferences={"syncClientMeetings": False, "eventPrefix": "Us: "})
    assert (answer["requiresFullResync"], answer["copiesRemoved"], answer["copiesLeft"]) == (True, 1, [])
    assert answer["integration"]["syncPreferences"]["eventPrefix"] == "Us: "
    assert "syncDirection" not in answer["integration"]["syncPreferences"]
    assert await subjects(rose, "Calendar") == ["Us: Vows"]
    assert len(await rose.wedsync_events()) == 2

    answer = await change(rose, syncPreferences={"syncClientMeetings": True, "notificationMinutes": [30, 60]})
    assert [warning["code"] for warning in answer["warnings"]] == ["reminders_not_representable"]
    assert await subjects(rose, "Calendar") == ["Us: Tasting", "Us: Vows"]

    answer = await change(rose, syncPreferences={"syncDirection": "to_outlook"})
    assert (answer["integration"]["syncDirection"], answer["requiresFullResync"]) == ("to_outlook", False)
    await rose.add_in_outlook(
        subject="Dentist",
        start={"dateTime": "2027-03-02T10:00:00", "timeZone": "UTC"},
        end={"dateTime": "2027-03-02T11:00:00", "timeZone": "UTC"},
    )
    await rose.deliveries_done()
    answer = await change(rose, syncDirection="bidirectional")
    assert answer["requiresFullResync"]
    assert sorted(event["title"] for event in await rose.wedsync_events()) == ["Dentist", "Tasting", "Vows"]
    assert await rose.outbox() == []


async def test_a_pause_and_other_calendars(rose: Planner) -> None:
    await add(rose, "Tasting")
    await rose.connect()
    await rose.first_run_ended()
    answer = await change(rose, syncEnabled=False, webhookEnabled=False)
    assert (answer["syncScheduleChanged"], answer["webhookSubscriptionUpdated"]) == (True, True)
    assert answer["integration"]["syncEnabled"] is False
    problem(await rose.call("POST", "calendar/outlook/sync", json={}), 409, "paused")
    await add(rose, "While paused")
    await rose.deliveries_done()
    answer = await change(rose, syncEnabled=True, webhookEnabled=True)
    assert "syncId" in answer
    assert await subjects(rose, "Calendar") == ["WedSync: Tasting", "WedSync: While paused"]

    async def subscribed() -> bool:
        return bool((await rose.status())["webhookStatus"]["isActive"])

    await eventually(subscribed, "notifications come again")

    problem(await rose.call("PUT", SETTINGS, json={"calendarId": "AAMkNone="}), 422, "calendar_not_found")
    answer = await change(rose, syncPreferences={"createSeparateCalendar": True})
    assert (answer["copiesMoved"], answer["integration"]["moving"]) == (2, True)
    assert await subjects(rose, "WedSync") == ["WedSync: Tasting", "WedSync: While paused"]
    assert await subjects(rose, "Calendar") == []
    status = await rose.status()
    assert status["integration"]["calendarName"] == "WedSync"
    assert "moving" not in status["integration"]
    await eventually(subscribed, "notifications come from the new calendar")

    copy = next(item for item in await rose.outlook_items() if item["subject"] == "WedSync: Tasting")
    await rose.change_in_outlook(copy["id"], subject="WedSync: Cake tasting")

    async def carried() -> bool:
        return "Cake tasting" in {event["title"] for event in await rose.wedsync_events()}

    await eventually(carried, "an edit in the new calendar is in WedSync")
    await change(rose, syncPreferences={"createSeparateCalendar": False})
    assert await subjects(rose, "Calendar") == ["WedSync: Cake tasting", "WedSync: While paused"]
    assert await subjects(rose, "WedSync") == []
    assert len(await rose.wedsync_events()) == 2
    assert await rose.outbox() == []
