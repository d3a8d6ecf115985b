"""The whole way again with 1,000 events: connect, edit both ways, a conflict, deletions, disconnect, connect again."""

import math
from collections import Counter
from pathlib import Path

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import is_ours
from tests.journeys.loads import arrived, at_rest, edit_many, equal, load, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import edit_both_ways, only_foreign_left, open_a_conflict, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

HALF = 500
LEFT = 2 * HALF - 1
"""Two are deleted, and one is made on the way."""

PAGE, BATCH = 200, 20


async def test_a_thousand_events_both_ways_and_back(tmp_path: Path) -> None:
    async with Stand(work_folder=tmp_path, season=False) as stand:
        rose = Planner(stand, PLANNERS[0])
        try:
            await load(rose, wedsync=wedsync_events(HALF, "Booking"), outlook=outlook_events(HALF, "Appointment"))
            await _connect(stand, rose)
            event_id = await edit_both_ways(rose)
            await open_a_conflict(rose, stand, event_id)
            await _choose_outlook(rose, event_id)
            edits = await edit_many(rose)
            await at_rest(stand, rose)
            await arrived(rose, edits)
            await _one_deletion_on_each_side(stand, rose)
            await _leave_and_come_back(stand, rose)
        finally:
            await rose.close()


async def _connect(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    run = await rose.first_run_ended()
    assert run["syncStatus"] == "completed", run
    assert run["eventsCreated"] == 2 * HALF
    log = await rose.graph_requests()
    await at_rest(stand, rose)
    asked = Counter(
        "delta" if "calendarView/delta" in request["path"] else request["path"].split("?")[0]
        for request in log
        if request["part_of"] is None
    )
    assert asked["delta"] <= math.ceil(HALF / PAGE) + 1
    assert asked["/v1.0/$batch"] == math.ceil(HALF / BATCH)
    assert len([request for request in log if request["part_of"] is not None]) == HALF


async def _choose_outlook(rose: Planner, event_id: str) -> None:
    choice = {"resolutions": {"title": {"useValue": "outlook"}}}
    answer = await rose.call("POST", f"calendar/outlook/events/{event_id}/resolve", json=choice)
    assert answer.status_code == 200, answer.text
    await eventually(lambda: equal(rose), "equal after the choice")
    assert (await wedsync_event(rose, event_id))["title"] == "Tasting (Outlook)"


async def _one_deletion_on_each_side(stand: Stand, rose: Planner) -> None:
    event = next(each for each in await rose.wedsync_events() if each["title"] == "Booking 499")
    item = next(each for each in await rose.outlook_items() if each["subject"] == "Appointment 499")
    await rose.delete_in_wedsync(event["id"])
    await rose.delete_in_outlook(item["id"])
    await at_rest(stand, rose)
    assert len(await rose.outlook_items()) == len(await rose.wedsync_events()) == LEFT
    assert await rose.conflicts() == []


async def _leave_and_come_back(stand: Stand, rose: Planner) -> None:
    """Only what is not ours stays, byte for byte; a second connection links what it finds and makes nothing twice."""
    foreign = {item["id"]: item for item in await rose.outlook_items() if not is_ours(item)}
    answer = await rose.call("DELETE", "calendar/outlook/integration")
    assert answer.status_code == 200, answer.text
    await eventually(lambda: only_foreign_left(rose, foreign), "only foreign events remain")
    assert (await rose.call("GET", "calendar/outlook/sync")).status_code == 404
    assert len(await rose.wedsync_events()) == LEFT, "nothing that was imported is taken away"

    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await at_rest(stand, rose)
    assert len(await rose.wedsync_events()) == LEFT
    assert len(await rose.outlook_items()) == LEFT
    assert await rose.outbox() == []
