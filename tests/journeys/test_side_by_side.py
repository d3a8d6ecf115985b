"""Two users, two mailboxes, one service: each sees their own, whatever the other does at the same time."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import is_ours
from tests.journeys.evidence import readable, tables_of
from tests.journeys.loads import equal, load, nothing_waits, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually
from tests.journeys.routes import ENDPOINTS
from tests.journeys.steps import edit_both_ways, only_foreign_left, open_a_conflict, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

EACH = 60


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand(work_folder=tmp_path, season=False) as running:
        yield running


@pytest.fixture
async def marco(stand: Stand) -> AsyncIterator[Planner]:
    planner = Planner(stand, PLANNERS[1])
    yield planner
    await planner.close()


async def test_two_users_side_by_side_never_see_each_other(stand: Stand, rose: Planner, marco: Planner) -> None:
    await asyncio.gather(*(_begin(planner) for planner in (rose, marco)))
    roses, marcos = await asyncio.gather(edit_both_ways(rose), edit_both_ways(marco))
    await open_a_conflict(rose, stand, roses)
    assert await marco.conflicts() == []
    await _apart(rose, marco)
    await _closed_to_each_other(rose, marco, roses, marcos)

    choice = {"resolutions": {"title": {"useValue": "wedsync"}}}
    answer = await rose.call("POST", f"calendar/outlook/events/{roses}/resolve", json=choice)
    assert answer.status_code == 200, answer.text
    await eventually(lambda: equal(rose), "Rose's calendars are equal")
    assert (await wedsync_event(rose, roses))["title"] == "Tasting (WedSync)"
    await eventually(lambda: nothing_waits(stand), "nothing is left, and nothing is poisoned")
    await _rows_apart(stand, rose, marco)

    await _one_leaves(rose, marco)
    assert await rose.outbox() == []


def _name(planner: Planner) -> str:
    return planner.person.name.split()[0]


async def _begin(planner: Planner) -> None:
    name = _name(planner)
    await load(planner, wedsync=wedsync_events(EACH, f"{name} books"), outlook=outlook_events(EACH, f"{name} notes"))
    await planner.connect()
    assert (await planner.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: equal(planner), "both sides are equal")


async def _apart(*planners: Planner) -> None:
    """No calendar and no answer of one holds a word of the other."""
    for planner, other in (planners, planners[::-1]):
        listed = await planner.call("GET", "calendar/outlook/events?pageSize=500")
        seen = [
            *await planner.wedsync_events(),
            *await planner.outlook_items(),
            *listed.raise_for_status().json()["events"],
            await planner.status(),
        ]
        text = json.dumps(seen)
        assert f"{_name(planner)} books" in text
        assert f"{_name(other)} books" not in text
        assert f"{_name(other)} notes" not in text
        assert other.person.account.upn not in text
        assert other.person.user_id not in text


async def _closed_to_each_other(rose: Planner, marco: Planner, roses: str, marcos: str) -> None:
    """What belongs to the other is not there: runs, events, and what could be done to them."""
    with_ids = [endpoint for endpoint in ENDPOINTS.values() if "Id}" in endpoint.route]
    assert {endpoint.route.rpartition("/")[2] for endpoint in with_ids} >= {"{syncId}", "undo", "explain", "restore"}
    for planner, other, event_id in ((rose, marco, marcos), (marco, rose, roses)):
        run_id = (await other.status())["recentSyncHistory"][0]["id"]
        for endpoint in with_ids:
            path = endpoint.route.replace("{syncId}", run_id).replace("{eventId}", event_id)
            answer = await planner.call(endpoint.method, path, json=endpoint.body)
            assert answer.status_code == 404, f"{endpoint.method} {endpoint.route}: {answer.text}"
            assert answer.json()["code"] in ("event_not_found", "meeting_not_found", "sync_not_found")


async def _rows_apart(stand: Stand, rose: Planner, marco: Planner) -> None:
    """No row in one connection's partition names the other's events or account."""
    ids = {planner: (await planner.status())["integration"]["id"] for planner in (rose, marco)}
    rows = [row for found in (await tables_of(stand)).values() for row in found]
    for planner, other in ((rose, marco), (marco, rose)):
        mine = "\n".join(readable(row) for row in rows if ids[planner] in (row["PartitionKey"], row["RowKey"]))
        assert f"{_name(planner)} books" in mine
        for word in (f"{_name(other)} books", f"{_name(other)} notes", ids[other], other.person.user_id):
            assert word not in mine, word


async def _one_leaves(rose: Planner, marco: Planner) -> None:
    """Rose disconnects while Marco edits: her copies go, his stay, and his edit arrives."""
    foreign = {item["id"]: item for item in await rose.outlook_items() if not is_ours(item)}
    his = len(await marco.outlook_items())
    event = next(each for each in await marco.wedsync_events() if each["title"] == "Marco books 7")
    answer, _ = await asyncio.gather(
        rose.call("DELETE", "calendar/outlook/integration"), marco.change_in_wedsync(event["id"], title="Marco moves 7")
    )
    assert answer.status_code == 200, answer.text
    await eventually(lambda: only_foreign_left(rose, foreign), "only Rose's own events remain")
    await eventually(lambda: equal(marco), "Marco's edit is there")
    assert len(await marco.outlook_items()) == his
    assert (await rose.call("GET", "calendar/outlook/sync")).status_code == 404
    assert (await marco.status())["webhookStatus"]["isActive"]
