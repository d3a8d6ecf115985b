"""Thirty days go by in hops: subscriptions are renewed, tokens refreshed, the window slides, and both sides follow."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.stand import Stand
from tests.journeys.compare import PREFIX, squeezed
from tests.journeys.evidence import queued
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal, choose_event, copy_of, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

DAYS = 30
HOP = timedelta(hours=22)
"""Shorter than the day before its end in which a subscription is renewed, longer than any access token lives."""

HOPS = -(-timedelta(days=DAYS) // HOP)
TIMERS = ("renew_subscriptions", "safety_sync", "reconcile")


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What Graph holds for us."""

    id: str
    expires: str


async def subscriptions(planner: Planner) -> list[Subscription]:
    answer = await planner.http.get(f"{planner.urls.graph}/_control/subscriptions")
    found = answer.raise_for_status().json()["subscriptions"]
    return [Subscription(id=item["id"], expires=item["expirationDateTime"]) for item in found]


def runs_of(stand: Stand, function: str) -> int:
    """Return how often a function has ended so far."""
    return len(re.findall(rf"Executed 'Functions\.{function}' \(Succeeded", stand.log()))


async def hop(stand: Stand, planner: Planner, known: list[str]) -> list[str]:
    """Let time go by, wait until every timer has run and what it started is done; return the scheduled runs by then.

    What is cheap to ask is asked first: the status counts every mapping.
    """
    before = {name: runs_of(stand, name) for name in TIMERS}
    stand.advance(HOP)

    async def done() -> list[str]:
        assert all(runs_of(stand, name) > count for name, count in before.items()), "the timers have run"
        assert await queued(stand) == 0, "the queues are empty"
        runs = await history(planner)
        assert "in_progress" not in [run["syncStatus"] for run in runs]
        scheduled = [run["id"] for run in runs if run["triggeredBy"] == "scheduled"]
        assert scheduled != known, "the safety run has been asked for"
        return scheduled

    return list(await eventually(done, f"the work of {HOP} is done"))


async def history(planner: Planner) -> list[dict[str, Any]]:
    return list((await planner.status())["recentSyncHistory"])


async def last_complete_reading(planner: Planner) -> datetime:
    """Return when the last full run that has ended began: its day is the middle of the window."""
    full = [run for run in await history(planner) if (run["syncType"], run["syncStatus"]) == ("full_sync", "completed")]
    return datetime.fromisoformat(max(run["startedAt"] for run in full))


async def requests_to(planner: Planner, url: str, pattern: str) -> list[dict[str, Any]]:
    """Return the requests that a simulator has answered, method and path matching ``pattern``."""
    answer = (await planner.http.get(f"{url}/_control/requests")).raise_for_status().json()["requests"]
    return [item for item in answer if re.match(pattern, f"{item['method']} {item['path']}")]


async def test_thirty_days_go_by(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "the season is on both sides")
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await rose.deliveries_done()
    before, began = await subscriptions(rose), stand.now()
    refreshed = len(await requests_to(rose, stand.urls.entra, r"POST /[^/]+/oauth2/v2.0/token"))

    scheduled: list[str] = []
    for _ in range(HOPS):
        scheduled = await hop(stand, rose, scheduled)
    assert stand.now() - began >= timedelta(days=DAYS)

    # One subscription all along, renewed before each of its ends; a token for each hop; a run that looked after each.
    after = await subscriptions(rose)
    assert [item.id for item in after] == [item.id for item in before]
    renewals = await requests_to(rose, stand.urls.graph, f"PATCH /v1.0/subscriptions/{before[0].id}")
    assert {item["status"] for item in renewals} == {200}
    assert len(renewals) >= 4
    assert (await rose.status())["webhookStatus"]["isActive"] is True
    tokens = await requests_to(rose, stand.urls.entra, r"POST /[^/]+/oauth2/v2.0/token")
    assert len(tokens) - refreshed >= HOPS
    assert {item["status"] for item in tokens} == {200}
    assert {run["syncStatus"] for run in await history(rose)} == {"completed"}

    # An edit on each side arrives by itself.
    await rose.change_in_wedsync(event["id"], title="Cake tasting a month on")
    await eventually(lambda: copy_of(rose, "Cake tasting a month on"), "the WedSync edit is in Outlook")
    await rose.deliveries_done()
    await rose.change_in_outlook(copy["id"], subject=f"{PREFIX}Cake tasting, put off")

    async def put_off() -> bool:
        assert squeezed((await wedsync_event(rose, event["id"]))["title"]) == "Cake tasting, put off"
        return True

    await eventually(put_off, "the Outlook edit is in WedSync")
    # Once a week the window has slid; the last time tells how far.
    read_at = await last_complete_reading(rose)
    assert read_at > began + timedelta(days=DAYS - 8)
    await eventually(lambda: both_equal(rose, read_at=read_at), "both sides are equal, nothing twice")
    assert await rose.outbox() == []
    assert await rose.conflicts() == []
