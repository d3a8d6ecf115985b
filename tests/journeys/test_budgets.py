"""How many requests Graph gets for what is done: counted in its own log, never timed.

Every request is counted, also those that failed; the items of a ``$batch`` are counted apart from the HTTP requests
that carried them.
"""

import asyncio
import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stand import Stand
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal, choose_event, copy_of, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

PAGE = 200
"""Events on a page of a first reading, as the product asks for with ``Prefer: odata.maxpagesize``."""

BATCH = 20
"""Requests in a ``$batch``, at most: https://learn.microsoft.com/graph/json-batching"""

QUIET_SECONDS = 1.0
"""So long nothing may be under way before a count is taken, so that no late request goes uncounted."""

CALENDAR_DELTA = "GET /v1.0/me/calendars/{id}/calendarView/delta"
EVENT = "/v1.0/me/events/{id}"


def shape(request: dict[str, Any]) -> str:
    """Return method and path without ids and query; a link of Graph's own has the id in brackets."""
    path = re.sub(r"/(calendars|events)(/[^/]+|\('[^']+'\))", r"/\1/{id}", request["path"].split("?")[0])
    return f"{request['method']} {path}"


async def http_requests(planner: Planner) -> Counter[str]:
    """Return what Graph was asked since the last look, once everything has been delivered and nothing more comes."""

    async def quiet() -> bool:
        await planner.deliveries_done()
        before = len(await planner.graph_requests())
        await asyncio.sleep(QUIET_SECONDS)
        await planner.deliveries_done()
        return len(await planner.graph_requests()) == before

    await eventually(quiet, "nothing is under way")
    log = await planner.graph_requests(clear=True)
    return Counter(shape(request) for request in log if request["part_of"] is None)


async def forget_requests(planner: Planner) -> None:
    """Empty the log when nothing is under way."""
    await http_requests(planner)


async def test_the_first_run_reads_in_pages_and_writes_in_batches(stand: Stand, rose: Planner) -> None:
    own = len(await rose.wedsync_events())
    start, end = datetime.now(UTC) - timedelta(days=180), datetime.now(UTC) + timedelta(days=1460)
    listed = len(await rose.outlook_view(start.isoformat(), end.isoformat()))

    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await both_equal(rose)

    log = await rose.graph_requests()
    asked = await http_requests(rose)
    events = [r for r in log if r["part_of"] is not None and shape(r) == "POST /v1.0/me/calendars/{id}/events"]
    assert asked.pop(CALENDAR_DELTA) <= math.ceil(listed / PAGE) + 1
    assert asked.pop("POST /v1.0/$batch") <= math.ceil(own / BATCH)
    assert len(events) == own, "one item of a batch for each new event"
    # On a machine that is slow to store, a notice of our own create overtakes the mapping: it is looked at once.
    assert asked.pop("GET /v1.0/me/events/{id}", 0) <= own
    # Connecting itself: which calendars there are, and the subscription to the chosen one. Nothing else.
    assert asked.keys() <= {"GET /v1.0/me/calendars", "POST /v1.0/subscriptions", "GET /v1.0/subscriptions"}
    assert max(asked.values()) == 1


async def test_each_edit_costs_one_request(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    await rose.first_run_ended()
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await forget_requests(rose)

    await edit_in_wedsync(rose, event["id"])
    assert await http_requests(rose) == {f"PATCH {EVENT}": 1}, "written on condition, with nothing read before or after"

    await edit_in_outlook(rose, event["id"], copy["id"])
    assert await http_requests(rose) == {f"GET {EVENT}": 1}, "read once, with nothing written back"

    assert (await rose.sync("incremental"))["status"] == "completed"
    await forget_requests(rose)  # what was done is in the calendar's delta once more
    assert (await rose.sync("incremental"))["status"] == "completed"
    assert await http_requests(rose) == {CALENDAR_DELTA: 1}, "nothing has changed: one page without events"

    await rose.delete_in_wedsync(event["id"])

    async def gone() -> bool:
        return copy["id"] not in {item["id"] for item in await rose.outlook_items()}

    await eventually(gone, "the copy is gone")
    assert await http_requests(rose) == {f"DELETE {EVENT}": 1}, "deleted on condition; the notice needs no look"
    assert await rose.outbox() == []


async def edit_in_wedsync(planner: Planner, event_id: str) -> None:
    """Change title and time in WedSync, and wait for Outlook."""
    day = datetime.now(UTC).date() + timedelta(days=33)
    await planner.change_in_wedsync(
        event_id, title="Tasting, moved in WedSync", start=f"{day}T09:00:00", end=f"{day}T10:00:00"
    )
    await eventually(lambda: copy_of(planner, "Tasting, moved in WedSync"), "the WedSync edit is in Outlook")


async def edit_in_outlook(planner: Planner, event_id: str, item_id: str) -> None:
    """Change title and time in Outlook, and wait for WedSync."""
    day = datetime.now(UTC).date() + timedelta(days=34)
    await planner.change_in_outlook(
        item_id,
        subject="WedSync: Tasting, moved in Outlook",
        start={"dateTime": f"{day}T15:00:00", "timeZone": "Europe/London"},
        end={"dateTime": f"{day}T16:00:00", "timeZone": "Europe/London"},
    )

    async def moved() -> bool:
        now = await wedsync_event(planner, event_id)
        assert (now["title"], now["start"][:16]) == ("Tasting, moved in Outlook", f"{day}T15:00")
        return True

    await eventually(moved, "the Outlook edit is in WedSync")
