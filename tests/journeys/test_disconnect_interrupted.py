"""The host dies in the middle of a disconnect, at each of its steps, and the next one ends it without being asked.

Two planners at a time, each caught at another step: what a simulator withholds an answer to is where the service stands
when it is killed. The same at every single I/O, in one process: ``docs/crash-matrix.md``.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import is_ours
from tests.journeys.evidence import subscriptions_of, tables_of, token_secrets
from tests.journeys.loads import equal, load, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import only_foreign_left
from tests.journeys.test_faults import order

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

COPIES, OWN = 24, 3
"""More copies than a batch of deletions takes (20); events that are the planner's own."""

AFTER_A_CRASH = timedelta(seconds=61)
"""The lease of the dead has run out by then, and the message that goes on is visible."""

READ: dict[str, Any] = {"action": "latency", "seconds": 600.0, "method": "GET"}
WRITTEN: dict[str, Any] = {"action": "hang_after_commit", "seconds": 10.0}
"""What was asked for is done, and nobody is told. A batch keeps its mailbox's places until then."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a disconnect is interrupted: at a request to Graph, or to the vault."""

    name: str
    fault: dict[str, Any]
    at_vault: bool = False


FENCED = Step(name="fenced, nothing deleted yet", fault={**READ, "path": r"/me/calendars/[^/?]+\?"})
BATCH = Step(name="the second batch of deletions", fault={**WRITTEN, "path": r"/\$batch", "after": 1})
SWEEP = Step(name="the sweep for what has no mapping", fault={**READ, "path": r"/me/calendars/[^/?]+/events\?"})
CHANNEL = Step(name="the subscription", fault={**WRITTEN, "method": "DELETE", "path": "/v1.0/subscriptions/"})
TOKEN = Step(name="the token", fault={**WRITTEN, "method": "DELETE", "path": "^/secrets/outlook-token-"}, at_vault=True)
PURGE = Step(
    name="the deleted token's purge",
    fault={**WRITTEN, "method": "DELETE", "path": "^/deletedsecrets/outlook-token-"},
    at_vault=True,
)
ROUNDS = ((FENCED, TOKEN), (BATCH, CHANNEL), (SWEEP, PURGE))


@dataclass(kw_only=True)
class Leaving:
    """A planner who disconnects, what has to stay in their Outlook byte for byte, and how it was before."""

    planner: Planner
    stays: dict[str, dict[str, Any]] = field(default_factory=dict)
    in_wedsync: int = 0

    async def connect(self) -> None:
        """Connect, and see both calendars come to be equal."""
        planner = self.planner
        await planner.connect()
        run = await planner.first_run_ended()
        assert run["syncStatus"] == "completed", run
        await eventually(lambda: equal(planner), "both sides are equal")
        items = await planner.outlook_items()
        self.stays = {item["id"]: item for item in items if not is_ours(item)}
        self.in_wedsync = len(await planner.wedsync_events())
        assert (len(items), len(self.stays), self.in_wedsync) == (COPIES + OWN, OWN, COPIES + OWN)

    async def ask(self) -> None:
        """Ask to be disconnected; the host dies over it."""
        with suppress(httpx.HTTPError):
            await self.planner.call("DELETE", "calendar/outlook/integration")

    async def gone(self) -> bool:
        """Assert that nothing of the connection is left, and that all else is as it was."""
        assert (await self.planner.call("GET", "calendar/outlook/sync")).status_code == 404
        await only_foreign_left(self.planner, self.stays)
        assert await subscriptions_of(self.planner) == []
        assert len(await self.planner.wedsync_events()) == self.in_wedsync
        assert await self.planner.outbox() == []
        return True


async def test_killed_at_each_step_a_disconnect_is_ended(tmp_path: Path) -> None:
    async with Stand(work_folder=tmp_path, season=False) as stand:
        leaving = [Leaving(planner=Planner(stand, person)) for person in PLANNERS[:2]]
        try:
            for each in leaving:
                own = outlook_events(OWN, "Appointment")
                await load(each.planner, wedsync=wedsync_events(COPIES, "Booking"), outlook=own)
            for steps in ROUNDS:
                await asyncio.gather(*(each.connect() for each in leaving))
                await everything_at_rest(leaving)
                await die(stand, leaving, steps)
                await ended(stand, leaving)
            await asyncio.gather(*(each.connect() for each in leaving))  # and once more, on what the last one left
        finally:
            for each in leaving:
                await each.planner.close()


async def everything_at_rest(leaving: Sequence[Leaving]) -> None:
    """Wait until our own writes have been told of, so that the next request of each kind is the disconnect's."""
    for each in leaving:
        await each.planner.deliveries_done()


async def die(stand: Stand, leaving: Sequence[Leaving], steps: Sequence[Step]) -> None:
    """Let each disconnect come to its step, then kill the host."""
    http, ends = leaving[0].planner.http, (stand.urls.graph, stand.urls.vault)
    for each, step in zip(leaving, steps, strict=True):
        person = {} if step.at_vault else {"person": each.planner.person.account.upn}
        await order(
            each.planner, stand.urls.vault if step.at_vault else stand.urls.graph, **step.fault, **person, count=1
        )
    asking = [asyncio.create_task(each.ask()) for each in leaving]

    async def all_there() -> bool:
        shown = [(await http.get(f"{url}/_control/faults")).raise_for_status().json()["faults"] for url in ends]
        assert [fault["hits"] for faults in shown for fault in faults] == [1] * len(steps), steps
        return True

    await eventually(all_there, "each disconnect has come to its step")
    stand.kill_host()
    await asyncio.gather(*asking)
    for url in ends:
        (await http.delete(f"{url}/_control/faults")).raise_for_status()


async def ended(stand: Stand, leaving: Sequence[Leaving]) -> None:
    """Start another host: it goes on by itself, and leaves nothing."""
    stand.advance(AFTER_A_CRASH)
    await stand.start_host()
    for each in leaving:
        await eventually(each.gone, f"{each.planner.person.name} is disconnected")
    assert [item["name"] for item in await token_secrets(leaving[0].planner) if not item["deleted"]] == []
    mappings = (await tables_of(stand))["OutlookEventMappings"]
    assert {row["RowKey"] for row in mappings} == {"epoch"}
