"""Runs over HTTP: named events, a preview, a cancelled run, and how long a run will take."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from shared.core.actions import EXPLAINED, Rule
from tests.journeys.planner import Planner, eventually
from tests.journeys.scene import problem

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
SYNC = "calendar/outlook/sync"
NEW = 240


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


async def nobody_is_told(planner: Planner) -> None:
    """Lose every notice, so that only runs come upon changes."""
    for url in (planner.urls.graph, planner.urls.wedsync):
        (await planner.http.post(f"{url}/_control/faults", json={"action": "lose"})).raise_for_status()


async def test_a_run_is_foreseen_and_made_for_named_events(rose: Planner) -> None:
    await rose.connect()
    await rose.first_run_ended()
    await nobody_is_told(rose)
    tasting = await add(rose, "Tasting")
    await rose.deliveries_done()

    foreseen = await rose.call("POST", f"{SYNC}/preview", json={"syncType": "incremental"})
    nothing = ("updates", "deletes", "conflicts", "held", "copiesMoved", "unreached", "mails")
    counts = {"creates": 1} | dict.fromkeys(nothing, 0)
    element = {
        "eventId": tasting["id"],
        "title": "Tasting",
        "side": "outlook",
        "action": "create",
        "fields": [],
        "rule": "wedsync_new",
        "reason": EXPLAINED[Rule.WEDSYNC_NEW],
    }
    assert foreseen.json() == {**counts, "events": [element], "truncated": False}

    answer = await rose.call("POST", SYNC, json={"specificEvents": [tasting["id"], "nobody-knows-it"]})
    assert answer.status_code == 202, answer.text
    assert answer.json()["eventsToProcess"] == 2
    run = await rose.run_ended(answer.json()["syncId"])
    assert (run["status"], run["progress"]["totalEvents"], run["progress"]["errorEvents"]) == ("completed", 2, 1)
    assert [error["eventId"] for error in run["errors"]] == ["nobody-knows-it"]
    assert "estimatedTimeRemaining" not in run
    problem(await rose.call("DELETE", f"{SYNC}/{run['syncId']}"), 409, "sync_finished")
    problem(await rose.call("DELETE", f"{SYNC}/nothing"), 404, "sync_not_found")

    await rose.change_in_wedsync(tasting["id"], title="Cake tasting", start="2027-03-01T13:00:00")
    foreseen = await rose.call("POST", f"{SYNC}/preview", json={"specificEvents": [tasting["id"]]})
    assert foreseen.json() == {
        **counts,
        "creates": 0,
        "updates": 1,
        "events": [
            {
                **element,
                "title": "Tasting",
                "action": "update",
                "fields": ["dateTime", "title"],
                "rule": "carry",
                "reason": EXPLAINED[Rule.CARRY],
            }
        ],
        "truncated": False,
    }
    assert (await rose.sync("incremental"))["status"] == "completed"


async def test_a_run_at_work_tells_how_long_it_will_take_and_can_be_cancelled(rose: Planner) -> None:
    """WedSync takes a second for each event, eight at a time: the run has half a minute to do."""
    await rose.connect()
    await rose.first_run_ended()
    await nobody_is_told(rose)
    for number in range(NEW):
        await rose.add_in_outlook(
            subject=f"Appointment {number}",
            start={"dateTime": "2027-04-01T10:00:00", "timeZone": "UTC"},
            end={"dateTime": "2027-04-01T11:00:00", "timeZone": "UTC"},
        )
    order = {"action": "latency", "method": "POST", "path": "/events", "seconds": 1}
    (await rose.http.post(f"{rose.urls.wedsync}/_control/faults", json=order)).raise_for_status()
    began = (await rose.call("POST", SYNC, json={"syncType": "full_sync"})).json()["syncId"]

    async def at_work() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await rose.call("GET", f"{SYNC}/{began}")).json()
        return seen if seen["status"] != "in_progress" or seen["progress"]["processedEvents"] else None

    seen = await eventually(at_work, "the run is at work")
    assert (seen["status"], seen["progress"]["totalEvents"]) == ("in_progress", NEW)
    assert 0 < seen["progress"]["processedEvents"] < NEW
    assert isinstance(seen["estimatedTimeRemaining"], int)
    assert seen["estimatedTimeRemaining"] >= 1

    answer = await rose.call("DELETE", f"{SYNC}/{began}")
    assert answer.status_code == 200, answer.text
    ended = await rose.run_ended(began)
    assert ended["status"] == "cancelled"
    assert "estimatedTimeRemaining" not in ended
    assert len(await rose.wedsync_events()) < NEW, "it stopped on the way"
    again = await rose.call("DELETE", f"{SYNC}/{began}")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled"), "cancelled twice is cancelled"

    await rose.no_faults()
    assert (await rose.sync("incremental"))["status"] == "completed"
    assert len(await rose.wedsync_events()) == NEW
