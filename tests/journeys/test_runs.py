"""Runs over HTTP: named events, a preview, a cancelled run, and how long a run will take."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.planner import Planner, eventually
from tests.journeys.scene import problem

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
SYNC = "calendar/outlook/sync"


@pytest.fixture
async def rose(tmp_path: Path) -> AsyncIterator[Planner]:
    async with Stand(work_folder=tmp_path, season=False) as running:
        planner = Planner(running, PLANNERS[0])
        yield planner
        await planner.close()


async def add(planner: Planner, title: str) -> dict[str, Any]:
    return await planner.add_in_wedsync(
        type="client_meeting",
        title=title,
        start="2027-03-01T14:00:00",
        end="2027-03-01T15:00:00",
        timeZone="Europe/London",
        allDay=False,
        private=False,
    )


async def test_a_run_is_foreseen_named_watched_and_cancelled(rose: Planner) -> None:
    await rose.connect()
    await rose.first_run_ended()
    await (await rose.call("PUT", "calendar/outlook/settings", json={"webhookEnabled": False})).aread()
    tasting = await add(rose, "Tasting")
    await rose.deliveries_done()

    foreseen = (await rose.call("POST", f"{SYNC}/preview", json={"syncType": "incremental"})).json()
    assert (foreseen["mails"], foreseen["truncated"]) == (0, False)
    assert {"creates", "updates", "deletes", "conflicts", "held", "events"} <= set(foreseen)

    answer = await rose.call("POST", SYNC, json={"specificEvents": [tasting["id"], "nobody-knows-it"]})
    assert answer.status_code == 202, answer.text
    assert answer.json()["eventsToProcess"] == 2
    run = await rose.run_ended(answer.json()["syncId"])
    assert (run["status"], run["progress"]["totalEvents"], run["progress"]["errorEvents"]) == ("completed", 2, 1)
    assert [error["eventId"] for error in run["errors"]] == ["nobody-knows-it"]
    assert "estimatedTimeRemaining" not in run
    problem(await rose.call("DELETE", f"{SYNC}/{run['syncId']}"), 409, "sync_finished")
    problem(await rose.call("DELETE", f"{SYNC}/nothing"), 404, "sync_not_found")

    for number in range(120):
        await rose.add_in_outlook(
            subject=f"Appointment {number}",
            start={"dateTime": "2027-04-01T10:00:00", "timeZone": "UTC"},
            end={"dateTime": "2027-04-01T11:00:00", "timeZone": "UTC"},
        )
    began = (await rose.call("POST", SYNC, json={"syncType": "full_sync"})).json()["syncId"]

    async def at_work() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await rose.call("GET", f"{SYNC}/{began}")).json()
        return seen if seen["status"] != "in_progress" or seen["progress"]["totalEvents"] else None

    seen = await eventually(at_work, "the run is planned")
    assert seen["progress"]["totalEvents"] >= 120
    answer = await rose.call("DELETE", f"{SYNC}/{began}")
    assert answer.status_code in (200, 409), answer.text
    ended = await rose.run_ended(began)
    assert ended["status"] == ("cancelled" if answer.status_code == 200 else "completed")
    await asyncio.sleep(0)
    assert (await rose.sync("incremental"))["status"] == "completed"
    assert len(await rose.wedsync_events()) == 121
