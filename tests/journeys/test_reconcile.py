"""A week goes by: the mappings are lost, notices are lost, the window slides, and the reconciliation sets it right."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from local.stand import Stand
from tests.journeys.compare import PREFIX, is_ours, squeezed, window
from tests.journeys.evidence import queued
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

HOP = timedelta(hours=22)
FAR = 1460 + 2
"""Days ahead that lie outside of the first window, and inside of the one a week later."""

MAPPINGS = "OutlookEventMappings"


async def lose_mappings(stand: Stand) -> int:
    """Empty the table, as no part of the service does."""
    async with TableServiceClient.from_connection_string(stand.connection_string) as service:
        client = service.get_table_client(MAPPINGS)
        rows = [row async for row in client.list_entities(select=["PartitionKey", "RowKey"])]
        for row in rows:
            await client.delete_entity(row["PartitionKey"], row["RowKey"])
        return len(rows)


async def reconciled(stand: Stand, planner: Planner) -> dict[str, Any] | None:
    """Let a part of a week go by; return the reconciliation once it has ended."""
    ran = timer_runs(stand)
    stand.advance(HOP)

    async def quiet() -> bool:
        assert timer_runs(stand) > ran, "the timer has run"
        assert await queued(stand) == 0
        assert "in_progress" not in [run["syncStatus"] for run in await history(planner)]
        return True

    await eventually(quiet, "what the timers started is done")
    runs = [run for run in await history(planner) if "eventsRepaired" in run and run["triggeredBy"] == "scheduled"]
    return runs[0] if runs else None


def timer_runs(stand: Stand) -> int:
    return len(re.findall(r"Executed 'Functions\.reconcile' \(Succeeded", stand.log()))


async def history(planner: Planner) -> list[dict[str, Any]]:
    return list((await planner.status())["recentSyncHistory"])


async def titles(planner: Planner, title: str) -> tuple[int, int]:
    """Return how often an event is in WedSync and in Outlook."""
    events = [event for event in await planner.wedsync_events() if squeezed(event["title"]) == title]
    items = [item for item in await planner.outlook_items() if squeezed(item["subject"]) in (title, PREFIX + title)]
    return len(events), len(items)


async def test_a_week_sets_right_what_was_lost(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "the season is on both sides")
    day = (datetime.now(UTC) + timedelta(days=FAR)).date().isoformat()
    span = {"start": f"{day}T10:00:00", "end": f"{day}T11:00:00"}
    await rose.add_in_wedsync(type="client_meeting", title="Far ahead", timeZone="UTC", allDay=False, **span)
    moments = {name: {"dateTime": moment, "timeZone": "UTC"} for name, moment in span.items()}
    await rose.add_in_outlook(subject="Far ahead there", isAllDay=False, **moments)
    await rose.deliveries_done()
    await eventually(lambda: nothing_queued(stand), "the queues are empty")
    assert (await titles(rose, "Far ahead"), await titles(rose, "Far ahead there")) == ((1, 0), (0, 1))
    copies = {item["id"] for item in await rose.outlook_items() if is_ours(item)}
    assert await lose_mappings(stand) > 3 * len(copies)

    slid = datetime.now(UTC) + timedelta(days=3)
    for _ in range(12):
        run = await reconciled(stand, rose)
        if run and (read_at := datetime.fromisoformat(run["startedAt"])) > slid:
            break
    else:
        pytest.fail("its turn comes once in a week")
    assert run["syncStatus"] == "completed"
    assert window(read_at)[0] <= stand.now() - timedelta(days=170), "the stand's clock is the service's"

    # Whatever was known was made again from the two calendars: nothing twice, and no question asked.
    await eventually(lambda: both_equal(rose, read_at=read_at), "both sides are equal, nothing twice")
    assert copies <= {item["id"] for item in await rose.outlook_items() if is_ours(item)}
    assert await rose.conflicts() == []
    assert await rose.outbox() == []
    stats = (await rose.status())["syncStats"]
    assert (stats["conflictedEvents"], stats["pendingEvents"]) == (0, 0)
    assert (await titles(rose, "Far ahead"), await titles(rose, "Far ahead there")) == ((1, 1), (1, 1))


async def nothing_queued(stand: Stand) -> bool:
    return await queued(stand) == 0
