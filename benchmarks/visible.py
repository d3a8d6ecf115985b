"""From an edit on one side until it is seen on the other, as the far simulator tells when it is asked for the event."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.journeys.compare import PREFIX
from tests.journeys.planner import Planner

_LOOK_EVERY = 0.02
_PATIENCE = 120.0
_BREATH = 0.2
"""Seconds between two edits that are not idle, on average."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An event on both sides."""

    wedsync_id: str
    outlook_id: str


async def pairs(planner: Planner) -> list[Pair]:
    """Return WedSync's events with their copies, found by what they are called."""
    items = {str(item["subject"]): str(item["id"]) for item in await planner.outlook_items()}
    events = await planner.wedsync_events()
    return [
        Pair(wedsync_id=str(event["id"]), outlook_id=items[PREFIX + event["title"]])
        for event in events
        if PREFIX + event["title"] in items
    ]


class Edits:
    """A planner who moves events to other rooms, now on this side, now on the other. ``first`` numbers the rooms."""

    def __init__(self, planner: Planner, known: Sequence[Pair], *, first: int = 1, seed: int = 0) -> None:
        self._planner = planner
        self._known = itertools.cycle(known)
        self._numbers = itertools.count(first)
        self._random = random.Random(seed)

    async def series(self, count: int, *, idle: float = 0.0) -> tuple[list[float], list[float]]:
        """Edit so often on each side in turn, each time after so much idle time; return the seconds toward each.

        The first list is toward Outlook, the second toward WedSync.
        """
        toward_outlook, toward_wedsync = [], []
        for _ in range(count):
            await self._pause(idle)
            toward_outlook.append(await self.in_wedsync())
            await self._pause(idle)
            toward_wedsync.append(await self.in_outlook())
        return toward_outlook, toward_wedsync

    async def while_running(self, work: "asyncio.Task[Any]") -> tuple[list[float], list[float]]:
        """Edit on both sides at the same time, one event after another on each, until the work is done."""
        found: tuple[list[float], list[float]] = ([], [])

        async def lane(edit: Callable[[], Awaitable[float]], seconds: list[float]) -> None:
            while not work.done():
                seconds.append(await edit())
                await self._pause(0.0)

        await asyncio.gather(lane(self.in_wedsync, found[0]), lane(self.in_outlook, found[1]))
        return found

    async def in_wedsync(self) -> float:
        """Edit in WedSync and return the seconds until Outlook shows it."""
        pair, room = next(self._known), self._room()
        began = time.monotonic()
        await self._planner.change_in_wedsync(pair.wedsync_id, location={"name": room, "address": ""})
        url = f"{self._planner.urls.graph}/_control/mailboxes/{self._planner.person.account.upn}/events"
        await self._seen(f"{url}/{pair.outlook_id}", lambda item: item["location"].get("displayName") == room)
        return time.monotonic() - began

    async def in_outlook(self) -> float:
        """Edit in Outlook and return the seconds until WedSync shows it."""
        pair, room = next(self._known), self._room()
        began = time.monotonic()
        await self._planner.change_in_outlook(pair.outlook_id, location={"displayName": room})
        url = f"{self._planner.urls.wedsync}/_control/users/{self._planner.person.user_id}/events"
        await self._seen(f"{url}/{pair.wedsync_id}", lambda event: event["location"]["name"] == room)
        return time.monotonic() - began

    async def _seen(self, url: str, shows: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while True:
                if shows((await self._planner.http.get(url)).raise_for_status().json()):
                    return
                await asyncio.sleep(_LOOK_EVERY)

    def _room(self) -> str:
        return f"Room of edit {next(self._numbers)}"

    async def _pause(self, idle: float) -> None:
        """Not always the same, or the edits would fall on the same place between two looks at the queue."""
        await asyncio.sleep(idle + self._random.uniform(0, 2 * _BREATH))
