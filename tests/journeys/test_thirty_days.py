"""Thirty days go by in hops: subscriptions are renewed, tokens rotated, the window slides, history is forgotten.

Both sides follow all the while, and the grant of somebody who has paused does not end. Each hop is one look of the
safety sync, of which a real day has 96: ``tests/usecases/test_idle_day.py`` counts those, and this journey what else a
month brings.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import PREFIX, squeezed
from tests.journeys.evidence import queued, readable, subscriptions_of, tables_of, token_secrets
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal, choose_event, copy_of, wedsync_event
from tests.support.figures import LISTS_A_DAY, PAGES_A_WEEK, RENEWALS_A_MONTH

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

DAYS = 30
HOP = timedelta(hours=23, minutes=30)
"""Shorter than the day before its end in which a subscription is renewed, longer than any access token lives."""

HOPS = -(-timedelta(days=DAYS) // HOP)
EACH_HOP = ("renew_subscriptions", "safety_sync", "reconcile")
DAILY = ("refresh_idle_tokens", "prune_history")
KEPT_DAYS = 10
GRAPH_A_MONTH = {
    "POST /v1.0/subscriptions": 0,
    "GET /v1.0/subscriptions": (DAYS + 1) * LISTS_A_DAY,
    "PATCH /v1.0/subscriptions/{id}": RENEWALS_A_MONTH,
    "GET /v1.0/me/calendars/{id}/calendarView/delta": HOPS + -(-DAYS // 7) * PAGES_A_WEEK,
}
"""Requests to Graph at most, with a run at each hop; anything else is one too many. What docs/scaling.md states."""


def runs_of(stand: Stand, function: str) -> int:
    """Return how often a function has ended so far."""
    return len(re.findall(rf"Executed 'Functions\.{function}' \(Succeeded", stand.log()))


async def hop(stand: Stand, planner: Planner, known: list[str]) -> list[str]:
    """Let time go by, wait until every timer has run and what it started is done; return the scheduled runs by then.

    What is cheap to ask is asked first: the status counts every mapping.
    """
    before = {name: runs_of(stand, name) for name in EACH_HOP}
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


async def grants(planner: Planner) -> Counter[str]:
    """Return how many versions of each grant the vault has."""
    return Counter({item["name"]: item["versions"] for item in await token_secrets(planner)})


@dataclass(frozen=True, kw_only=True)
class Before:
    """How things stood when the month began."""

    began: datetime
    runs: list[str]
    subscriptions: list[str]
    grants: Counter[str]
    tokens: int


async def test_thirty_days_go_by(tmp_path: Path) -> None:
    short = {"HISTORY_RETENTION_DAYS": str(KEPT_DAYS)}
    async with Stand(work_folder=tmp_path, host_environment=short) as stand:
        rose, marco = (Planner(stand, person) for person in PLANNERS[:2])
        try:
            await paused(marco)
            await a_month(stand, rose, marco)
        finally:
            await rose.close()
            await marco.close()


async def paused(planner: Planner) -> None:
    """Connect without any events, and then ask for nothing any more: only a timer uses the grant from here on."""
    wedsync = f"{planner.urls.wedsync}/_control/users/{planner.person.user_id}/events"
    outlook = f"{planner.urls.graph}/_control/mailboxes/{planner.person.account.upn}/events"
    for url in (wedsync, outlook):
        (await planner.http.put(url, json={"events": []})).raise_for_status()
    await planner.connect()
    assert (await planner.first_run_ended())["syncStatus"] == "completed"
    await switch(planner, False)


async def switch(planner: Planner, on: bool) -> None:
    body = {"syncEnabled": on, "webhookEnabled": on}
    answer = await planner.call("PUT", "calendar/outlook/settings", json=body)
    assert answer.status_code == 200, answer.text


async def a_month(stand: Stand, rose: Planner, marco: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "the season is on both sides")
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await rose.deliveries_done()
    before = Before(
        began=stand.now(),
        runs=[run["id"] for run in await history(rose)],
        subscriptions=[item["id"] for item in await subscriptions_of(rose)],
        grants=await grants(rose),
        tokens=len(await requests_to(rose, stand.urls.entra, r"POST /[^/]+/oauth2/v2.0/token")),
    )
    assert sorted(before.grants.values()) == [1, 1]
    await rose.graph_requests(clear=True)

    scheduled: list[str] = []
    for _ in range(HOPS):
        scheduled = await hop(stand, rose, scheduled)
    assert stand.now() - before.began >= timedelta(days=DAYS)

    await kept_alive(stand, rose, before)
    await kept_small(stand, rose, before)
    await still_in_step(rose, before, event["id"], copy["id"])
    await awake_again(stand, marco)


async def kept_alive(stand: Stand, rose: Planner, before: Before) -> None:
    """One subscription all along, renewed before each of its ends; grants rotated and saved; a run for each hop."""
    after = [item for item in await subscriptions_of(rose) if not item["expired"]]
    assert [item["id"] for item in after] == before.subscriptions
    renewals = await requests_to(rose, stand.urls.graph, f"PATCH /v1.0/subscriptions/{before.subscriptions[0]}")
    assert {item["status"] for item in renewals} == {200}
    assert len(renewals) >= 4
    assert (await rose.status())["webhookStatus"]["isActive"] is True
    assert {run["syncStatus"] for run in await history(rose)} == {"completed"}

    tokens = await requests_to(rose, stand.urls.entra, r"POST /[^/]+/oauth2/v2.0/token")
    assert len(tokens) - before.tokens >= HOPS
    assert {item["status"] for item in tokens} == {200}
    secrets = await token_secrets(rose)
    assert all(len(set(item["values"])) == item["versions"] for item in secrets), "each save was of another token"
    paused_one, used = sorted(item["versions"] for item in secrets)
    assert DAYS // 2 <= used <= DAYS + 2, "one that is used is saved once a day, when it is older than that"
    assert 1 < paused_one <= 1 + DAYS // 7, "one that nobody uses is renewed weekly"
    for name in DAILY:
        assert runs_of(stand, name) >= HOPS - 2, name


async def kept_small(stand: Stand, rose: Planner, before: Before) -> None:
    """What is old is forgotten, and a day costs Graph little."""
    rows = [
        readable(row) for name in ("OutlookSyncHistory", "OutlookChanges") for row in (await tables_of(stand))[name]
    ]
    assert rows
    assert [run for run in before.runs if any(run in row for row in rows)] == []
    answer = await rose.call("GET", f"calendar/outlook/sync/{before.runs[0]}")
    assert answer.status_code == 404, answer.text

    asked = Counter(called(item) for item in await requests_to(rose, stand.urls.graph, ".* /v1.0"))
    print(
        f"requests to Graph of one integration in {DAYS} days, {HOPS} runs among them: {asked.total()}, {dict(asked)}"
    )
    assert {name: count for name, count in asked.items() if count > GRAPH_A_MONTH.get(name, 0)} == {}


def called(request: dict[str, Any]) -> str:
    """Return what was called, without the ids."""
    path = re.sub(r"[?].*", "", request["path"])
    path = re.sub(r"calendars(/[^/]+|\('[^']+'\))", "calendars/{id}", path)
    return f"{request['method']} {re.sub('subscriptions/.+', 'subscriptions/{id}', path)}"


async def still_in_step(rose: Planner, before: Before, event_id: str, copy_id: str) -> None:
    """An edit on each side arrives by itself, and the window has slid."""
    await rose.change_in_wedsync(event_id, title="Cake tasting a month on")
    await eventually(lambda: copy_of(rose, "Cake tasting a month on"), "the WedSync edit is in Outlook")
    await rose.deliveries_done()
    await rose.change_in_outlook(copy_id, subject=f"{PREFIX}Cake tasting, put off")

    async def put_off() -> bool:
        assert squeezed((await wedsync_event(rose, event_id))["title"]) == "Cake tasting, put off"
        return True

    await eventually(put_off, "the Outlook edit is in WedSync")
    # Once a week the window has slid; the last time tells how far.
    read_at = await last_complete_reading(rose)
    assert read_at > before.began + timedelta(days=DAYS - 8)
    await eventually(lambda: both_equal(rose, read_at=read_at), "both sides are equal, nothing twice")
    assert await rose.outbox() == []
    assert await rose.conflicts() == []


async def awake_again(stand: Stand, marco: Planner) -> None:
    """Whoever paused for a month goes on without signing in again."""
    await switch(marco, True)
    event = await choose_event(marco)
    await eventually(lambda: copy_of(marco, event["title"]), "what is new after the pause is in Outlook")
