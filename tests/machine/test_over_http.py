"""The same users and the same misfortune over HTTP, on real queues and on Azurite's tables: one seed of it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from shared.core.history import Conflict
from shared.core.integration import Integration
from shared.core.jobs import RunKind
from shared.core.mapping import EventMapping
from shared.store.conflicts import TableConflicts
from shared.store.integrations import TableIntegrations
from shared.store.mappings import TableMappings
from shared.store.tables import AzureTables
from shared.usecases.connect import integration_id_of
from tests.journeys.evidence import queued
from tests.journeys.planner import Planner, eventually
from tests.machine import verdict
from tests.machine.acts import Acts
from tests.machine.faults import LETTERS, NAMES, Misfortune
from tests.machine.reached import Reached
from tests.machine.sight import SIDES, WEDSYNC, Sight
from tests.machine.users import EDITED, Users
from tests.support.calendars import OutlookCalendar, Vanished, WedSyncCalendar

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

SEED, STEPS = 20260621, 45
_PATIENCE = 240.0
_QUICK = tuple(name for name in NAMES if not name.endswith(("time-out after commit", "slow", "429 later")))
"""Faults that do not make anybody wait for long: here time is real."""

CERTAIN = (
    "graph 429 soon",
    "graph 503",
    "graph notices lost",
    "graph notices doubled",
    "wedsync 503",
    "wedsync notices lost",
    "wedsync notices doubled",
)
"""Faults that strike whatever the seed chooses."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the service keeps on Azurite, read through its own stores."""

    tables: AzureTables
    integration_id: str

    async def open_conflicts(self) -> tuple[Conflict, ...]:
        return await TableConflicts(self.tables).open_all(self.integration_id)

    async def mappings(self) -> list[EventMapping]:
        return [stored.value async for stored in TableMappings(self.tables).all(self.integration_id)]

    async def integration(self) -> Integration:
        stored = await TableIntegrations(self.tables).get(self.integration_id)
        assert stored is not None
        return stored.value


class OnTheStand(Acts):
    """The users at work on a stand, and the service behind its endpoints."""

    def __init__(self, stand: Stand, planner: Planner, ends: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
        self.stand, self.planner = stand, planner
        self.outlook = OutlookCalendar(http=ends[0], owner=PLANNERS[0])
        self.wedsync = WedSyncCalendar(http=ends[1], owner=PLANNERS[0])
        sight = Sight(wedsync=self.wedsync, outlook=self.outlook)
        super().__init__(Users(sight=sight, wedsync=self.wedsync, outlook=self.outlook, now=lambda: datetime.now(UTC)))
        self.reached = Reached()
        self.misfortune = Misfortune(self.outlook, self.wedsync, self.reached)
        tables = AzureTables(connection_string=stand.connection_string)
        self.said = Said(tables=tables, integration_id=integration_id_of(PLANNERS[0].user_id))

    async def begin(self) -> None:
        for side in SIDES:
            await self.users.add(side)
        await self.planner.connect()
        await self.planner.first_run_ended()

    async def run(self, kind: RunKind) -> None:
        await self.planner.call("POST", "calendar/outlook/sync", json={"syncType": kind.value})

    async def resolve(self, pick: int, side: str) -> None:
        conflicts = sorted(await self.said.open_conflicts(), key=lambda conflict: conflict.opened_at)
        mappings = {mapping.mapping_id: mapping for mapping in await self.said.mappings()}
        found = self.chosen(conflicts, mappings, pick, side)
        if found is None:
            return
        conflict, mapping = found
        name = conflict.field.value if conflict.field else "event"
        choice = {name: {"useValue": side, "conflictId": conflict.conflict_id}}
        path = f"calendar/outlook/events/{mapping.wedsync_id or mapping.mapping_id}/resolve"
        answer = await self.planner.call("POST", path, json={"resolutions": choice})
        assert answer.status_code in (200, 404, 409, 503), answer.text

    async def forget_places(self, side: str) -> None:
        await (self.wedsync.expire_cursors() if side == WEDSYNC else self.outlook.expire_delta())

    async def rest(self) -> None:
        """Let everything come to rest, confirm what is held, and judge."""
        await self.misfortune.end()

        async def judged() -> bool:
            await self.planner.sync("incremental")
            await self.planner.deliveries_done()
            status = await self.planner.status()
            if held := status.get("confirmation"):
                answer = {"confirmationId": held["confirmationId"], "accept": True}
                await self.planner.call("POST", "calendar/outlook/sync/confirm", json=answer)
            assert await queued(self.stand) == 0
            rest = await verdict.look(self.said, self.users)
            wrong = [*rest.faults(), *rest.set_aside()]
            assert not wrong, "\n".join(wrong)
            assert len(await self.outlook.sent()) == self.users.mails
            return True

        await eventually(judged, "both calendars are equal", _PATIENCE)


@asynccontextmanager
async def on_the_stand(work_folder: Path) -> AsyncIterator[OnTheStand]:
    async with Stand(work_folder=work_folder, season=False) as stand:
        planner = Planner(stand, PLANNERS[0])
        ends = tuple(
            httpx.AsyncClient(base_url=url, verify=stand.trust, trust_env=False, timeout=60)
            for url in (stand.urls.graph, stand.urls.wedsync)
        )
        play = OnTheStand(stand, planner, (ends[0], ends[1]))
        try:
            yield play
        finally:
            await play.said.tables.close()
            for client in (planner.http, *ends):
                await client.aclose()


def _next_act(play: OnTheStand, chance: random.Random) -> Callable[[], Awaitable[Any]]:
    side, part, pick = chance.choice(SIDES), chance.choice(EDITED), chance.randrange(40)
    acts: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: play.add(side, pick),
        lambda: play.edit(side, part, pick, pick % 3),
        lambda: play.edit(side, part, pick, pick % 3),
        lambda: play.clash(part, pick, same=pick % 2 == 0),
        lambda: play.edit_and_delete(side, part, pick),
        lambda: play.remove(side, pick),
        lambda: play.move_away(pick),
        lambda: play.move_back(pick),
        lambda: play.copy(side, pick),
        lambda: play.resolve(pick, side),
        lambda: play.run(chance.choice((RunKind.FULL, RunKind.INCREMENTAL))),
        lambda: play.misfortune.order(_QUICK[pick % len(_QUICK)], after=pick % 4),
        lambda: play.misfortune.order(LETTERS[pick % len(LETTERS)]),
        lambda: play.forget_places(side),
        lambda: asyncio.sleep(chance.uniform(0, 1)),
    )
    return chance.choice(acts)


async def test_one_seed_over_http_and_azurite(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with on_the_stand(tmp_path) as play:
        await play.begin()
        for name in CERTAIN:
            await play.misfortune.order(name)
        for _ in range(STEPS):
            act = _next_act(play, chance)
            try:
                await act()
            except Vanished:
                continue
        await play.rest()
        assert [name for name in CERTAIN if not play.reached.counts["fault"][name]] == [], "it never struck"
