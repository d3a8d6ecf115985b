"""Two hosts on one storage account: a run and event jobs in one mailbox, which lets four requests in at a time."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.azurite import free_port
from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import PREFIX, is_ours
from tests.journeys.loads import equal, load, nothing_waits, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

HOSTS = ("host", "host-2")
PAIRS = 24
NEW = 120
BUSY = {"latencySeconds": 0.2, "retryAfterSeconds": 3}
"""Each request holds its slot of the mailbox for so long: a ``$batch`` of 20 takes a second, and all four slots. Who is
refused is told to wait for longer than an event job waits in its place."""


async def test_event_jobs_go_beside_a_run_and_hand_back_when_the_mailbox_is_full(tmp_path: Path) -> None:
    async with Stand(work_folder=tmp_path, season=False) as stand:
        first = free_port(consecutive=2)
        await stand.start_host("host-2", port=first, https_port=first + 1)
        rose = Planner(stand, PLANNERS[0])
        try:
            await _two_hosts(stand, rose)
        finally:
            await rose.close()


async def _two_hosts(stand: Stand, rose: Planner) -> None:
    await load(rose, wedsync=wedsync_events(PAIRS, "Old"), outlook=outlook_events(PAIRS, "Theirs"))
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: equal(rose), "what was there is on both sides")
    await eventually(lambda: nothing_waits(stand), "all is quiet")
    await rose.graph_requests(clear=True)

    await load(rose, wedsync=wedsync_events(NEW, "New"), outlook=[])
    knobs = await rose.http.post(f"{stand.urls.graph}/_control/knobs", json=BUSY)
    assert knobs.json()["concurrentRequests"] == 4
    started = (await rose.call("POST", "calendar/outlook/sync", json={"syncType": "full_sync"})).json()
    await eventually(lambda: _copies(rose, "New", 20), "the run is under way")
    await _edit_everything(rose)
    await eventually(lambda: _some_edits_arrived(rose), "edits arrive")
    during = (await rose.call("GET", f"calendar/outlook/sync/{started['syncId']}")).json()
    assert during["status"] == "in_progress", "event jobs go beside the run: edits are there before it ends"

    ended = await rose.run_ended(started["syncId"])
    assert ended["status"] == "completed", ended
    assert ended["progress"]["errorEvents"] == 0
    await eventually(lambda: _all_edits_arrived(rose), "all edits are there")
    await eventually(lambda: equal(rose), "both sides are equal")
    await eventually(lambda: nothing_waits(stand), "nothing is left, and nothing is poisoned")

    log = await rose.graph_requests()
    refused = [request for request in log if request["status"] == 429]
    assert refused, "nobody was ever too many in the mailbox"
    assert await rose.outbox() == []
    assert await rose.conflicts() == []
    run_handed, jobs_handed = (
        sum(counts) for counts in zip(*(_handed_back(stand, name) for name in HOSTS), strict=True)
    )
    jobs = {name: _jobs_run(stand, name) for name in HOSTS}
    assert min(jobs.values()) > 0, "both hosts had a part in it"
    assert jobs_handed > 0, f"no event job was handed back for being too many; the run {run_handed} times"


def _handed_back(stand: Stand, name: str) -> tuple[int, int]:
    """Return how often the run and event jobs were handed back because the mailbox was full."""
    kinds = Counter(re.findall(r'job_handed_back[^\n]*"kind": "Throttled"[^\n]*"job": "(\w+)"', stand.log(name)))
    return kinds["RunJob"], kinds["EventJob"]


def _jobs_run(stand: Stand, name: str) -> int:
    return len(re.findall(r"Executing 'Functions\.\w*event_jobs", stand.log(name)))


async def _copies(rose: Planner, name: str, least: int) -> bool:
    found = [item for item in await rose.outlook_items() if item["subject"].startswith(f"{PREFIX}{name} ")]
    return len(found) >= least


async def _edit_everything(rose: Planner) -> None:
    """Each pair is edited on the side where it was born."""
    day = datetime.now(UTC).date() + timedelta(days=10)
    for event in await rose.wedsync_events():
        if event["title"].startswith("Old ") and not event["externalId"]:
            await rose.change_in_wedsync(event["id"], title=f"Edited {event['title']}")
    for item in await rose.outlook_items():
        if not is_ours(item):
            times: dict[str, Any] = {
                "start": {"dateTime": f"{day}T09:00:00", "timeZone": "UTC"},
                "end": {"dateTime": f"{day}T09:30:00", "timeZone": "UTC"},
            }
            await rose.change_in_outlook(item["id"], subject=f"Edited {item['subject']}", **times)


async def _edits(rose: Planner) -> int:
    """Return how many edits have reached the other side."""
    there = [item for item in await rose.outlook_items() if item["subject"].startswith(f"{PREFIX}Edited Old")]
    here = [event for event in await rose.wedsync_events() if event["title"].startswith("Edited Theirs")]
    return len(there) + len(here)


async def _some_edits_arrived(rose: Planner) -> bool:
    return await _edits(rose) > 0


async def _all_edits_arrived(rose: Planner) -> bool:
    assert await _edits(rose) == 2 * PAIRS
    return True
