"""Things to do at times of the stand's clock, which jumps when somebody moves it."""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

Act = Callable[[], Coroutine[Any, Any, None]]
_LOOK_SECONDS = 0.25
"""How often the clock is looked at while something waits, so that a jump is noticed; a sleep to the due time would
sleep through it."""


class Timetable:
    """Starts each act once its time has come; nothing runs while nothing waits."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: list[tuple[datetime, int, float, Act]] = []
        self._order = itertools.count()
        self._woken = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many acts are due later or are under way."""
        return len(self._entries) + len(self._running)

    def at(self, when: datetime, act: Act) -> None:
        """Start ``act`` when the clock shows ``when`` or later; in the order of the times, then of the calls.

        A clock that is set back does not postpone it: as much real time is enough.
        """
        steady = time.monotonic() + (when - self._now()).total_seconds()
        heapq.heappush(self._entries, (when, next(self._order), steady, act))
        self._woken.set()
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._run())

    def clear(self) -> None:
        """Forget what waits and end what runs."""
        self._entries.clear()
        for task in self._running:
            task.cancel()

    async def stop(self) -> None:
        """End everything and wait until it has ended."""
        tasks: list[Awaitable[None]] = [*self._running, *([self._watch] if self._watch else [])]
        self.clear()
        if self._watch is not None:
            self._watch.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while self._entries:
            act = self._due()
            if act is None:
                left = (self._entries[0][0] - self._now()).total_seconds()
                await self._nap(min(max(left, 0), _LOOK_SECONDS))
                continue
            task = asyncio.get_running_loop().create_task(act())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _due(self) -> Act | None:
        """Take out the first act whose time has come."""
        now, steady = self._now(), time.monotonic()
        if self._entries[0][0] <= now:
            return heapq.heappop(self._entries)[3]
        for index, entry in enumerate(self._entries):
            if entry[2] <= steady:
                del self._entries[index]
                heapq.heapify(self._entries)
                return entry[3]
        return None

    async def _nap(self, seconds: float) -> None:
        """Sleep, or less if something new is put in."""
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
