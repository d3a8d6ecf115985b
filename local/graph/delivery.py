"""Delivery of notifications to one URL after another: gathered, tried again with back-off, given up (S50)."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx

from local.graph.endpoints import Endpoints
from local.graph.knobs import Knobs
from local.graph.timetable import Timetable
from local.simkit.clock import Clock

PATIENCE = timedelta(hours=4)
"""How long a notification is tried, or kept while its subscription is paused."""
_REMEMBERED = 1000


@dataclass(kw_only=True, slots=True)
class Parcel:
    """Notifications on their way to one URL in one POST."""

    url: str
    items: list[dict[str, Any]]
    first_tried: datetime
    attempts: int = 0


@dataclass(kw_only=True, slots=True)
class Sent:
    """A POST that was made, for the control API; ``status`` 0 means that no answer came."""

    at: str
    url: str
    status: int
    attempt: int
    value: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Lost:
    """Notifications that were given up, for the control API; ``reason`` is ``four hours``, ``drop`` or ``paused``."""

    at: str
    url: str
    reason: str
    value: list[dict[str, Any]] = field(default_factory=list)


class Delivery:
    """Posts what it is given, by the stand's clock."""

    def __init__(self, clock: Clock, knobs: Knobs, client: httpx.AsyncClient) -> None:
        self._clock = clock
        self._knobs = knobs
        self._client = client
        self._gathering: dict[str, list[dict[str, Any]]] = {}
        self.timetable = Timetable(clock.now)
        self.endpoints = Endpoints(knobs)
        self.sent: list[Sent] = []
        self.lost: list[Lost] = []

    def put(self, url: str, item: dict[str, Any]) -> None:
        """Take a new notification, which a slow endpoint gets later and an endpoint in the drop state never."""
        now = self._clock.now()
        if self.endpoints.drops(url, now):
            self.lose(url, [item], "drop")
        elif delay := self.endpoints.delay(url):
            self.later(delay.total_seconds(), partial(self._gather, url, item))
        else:
            self._gather(url, item)

    def later(self, seconds: float, act: Any) -> None:
        """Call ``act`` after so many seconds of the stand's clock."""

        async def call() -> None:
            act()

        self.timetable.at(self._clock.now() + timedelta(seconds=seconds), call)

    def lose(self, url: str, items: list[dict[str, Any]], reason: str) -> None:
        """Give notifications up for good."""
        self.lost.append(Lost(at=self._clock.now().isoformat(), url=url, reason=reason, value=items))
        del self.lost[:-_REMEMBERED]

    def clear(self) -> None:
        """Forget what waits, what was sent, and what is known of the endpoints."""
        self.timetable.clear()
        self.endpoints.clear()
        self._gathering.clear()
        self.sent.clear()
        self.lost.clear()

    def _gather(self, url: str, item: dict[str, Any]) -> None:
        """Put it to the others for the same URL; the first one sets the time of the POST."""
        waiting = self._gathering.setdefault(url, [])
        waiting.append(item)
        if len(waiting) == 1:
            soon = timedelta(milliseconds=self._knobs.notifyMilliseconds)
            self.timetable.at(self._clock.now() + soon, partial(self._post_gathered, url))

    async def _post_gathered(self, url: str) -> None:
        items = self._gathering.pop(url, [])
        if items:
            await self._attempt(Parcel(url=url, items=items, first_tried=self._clock.now()))

    async def _attempt(self, parcel: Parcel) -> None:
        """Post once; without a 2xx, again after twice the pause, until four hours have passed."""
        now = self._clock.now()
        if now - parcel.first_tried > PATIENCE:
            self.lose(parcel.url, parcel.items, "four hours")
            return
        if self.endpoints.drops(parcel.url, now):
            self.lose(parcel.url, parcel.items, "drop")
            return
        parcel.attempts += 1
        status = await self._post(parcel)
        self._remember(parcel, status)
        if 200 <= status < 300:
            return
        pause = timedelta(seconds=self._knobs.retryBaseSeconds * 2.0 ** (parcel.attempts - 1))
        again = min(self._clock.now() + pause, parcel.first_tried + PATIENCE + timedelta(seconds=1))
        self.timetable.at(again, partial(self._attempt, parcel))

    async def _post(self, parcel: Parcel) -> int:
        first = parcel.attempts == 1
        allowed = self._knobs.acknowledgeSeconds if first else self._knobs.retryAllowanceSeconds
        began, status, overdue = time.monotonic(), 0, False
        try:
            async with asyncio.timeout(allowed):
                answer = await self._client.post(parcel.url, json={"value": parcel.items}, timeout=None)
                status = answer.status_code
        except TimeoutError:
            overdue = True
        except httpx.HTTPError:
            pass
        took = time.monotonic() - began
        self.endpoints.answered(parcel.url, self._clock.now(), max(took, allowed) if overdue else took)
        return status

    def _remember(self, parcel: Parcel, status: int) -> None:
        self.sent.append(
            Sent(
                at=self._clock.now().isoformat(),
                url=parcel.url,
                status=status,
                attempt=parcel.attempts,
                value=parcel.items,
            )
        )
        del self.sent[:-_REMEMBERED]
