"""Count a user's call against its limit, or refuse it.

Function instances share nothing, so what was used is a row. The calls of one user and limit that come to one process
at the same time take turns: a flood in one process costs a read for each call, and loses no races against itself.
"""

import asyncio
import logging
import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from shared.core.rate_limit import RateLimit, Spent, count
from shared.errors import RemoteFault, RowChanged, RowExists, StoreFault, TooManyRequests
from shared.log import log_action
from shared.ports import Clock, RateLimits

_ATTEMPTS = 5
_PATIENCE = 2.0
"""Seconds that counting may take, with the wait for a turn: storage that hangs keeps nobody waiting longer."""
_PAGE = 1000
_PAGES = 100
"""How many rows are removed at a time, and how often in one night: so many users, each with one row, are forgotten."""
_QUIET = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """When a refusal was last logged in this process, and how many came ``since``."""

    at: datetime
    since: int = 0


@dataclass(frozen=True, kw_only=True)
class CountCall:
    """Counts calls of signed-in users."""

    limits: RateLimits
    clock: Clock
    turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)
    refused: dict[str, _Refused] = field(default_factory=dict)

    async def run(self, user_id: str, limit: RateLimit) -> None:
        """Count the call; ``TooManyRequests`` if it comes too soon. One read, and one write if it may go ahead.

        Where storage does not answer, the call goes ahead uncounted, and operators are told: limits keep costs down
        and protect nobody's data, and a call that needs storage will hear of its trouble soon enough.
        """
        turn = self.turns.setdefault((user_id, limit.name), asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE), turn:
                await self._count(user_id, limit)
        except (RemoteFault, StoreFault, TimeoutError) as fault:
            log_action("call_not_counted", level=logging.ERROR, limit=limit.name, kind=type(fault).__name__)

    async def forget_full(self) -> int:
        """Remove what says no more than no row would, a page at a time; return how many rows."""
        now = self.clock.now()
        removed = 0
        for _ in range(_PAGES):
            page = await self.limits.forget_full(now, limit=_PAGE)
            removed += page
            if page < _PAGE:
                break
        return removed

    async def _count(self, user_id: str, limit: RateLimit) -> None:
        """Count; losing as many races as that takes as many calls in other processes, and is a flood by itself."""
        for _ in range(_ATTEMPTS):
            stored = await self.limits.get(user_id, limit.name)
            counted = count(limit, stored.value.full_at if stored else None, self.clock.now())
            if counted.wait and stored and stored.value.full_at == counted.full_at:
                raise self._refusal(limit, counted.wait)
            spent = Spent(user_id=user_id, limit=limit.name, full_at=counted.full_at)
            try:
                await self.limits.put(spent, replaces=stored)
            except (RowExists, RowChanged):
                continue
            if counted.wait:  # a clock that was ahead wrote it: what is stored now is what the wait was told by
                raise self._refusal(limit, counted.wait)
            return
        raise self._refusal(limit, timedelta(seconds=1))

    def _refusal(self, limit: RateLimit, wait: timedelta) -> TooManyRequests:
        """Refuse; of a flood one line a minute and limit is logged, with how many were refused since the last."""
        seconds = math.ceil(wait / timedelta(seconds=1))
        now = self.clock.now()
        before = self.refused.get(limit.name)
        if before and before.at <= now < before.at + _QUIET:
            self.refused[limit.name] = replace(before, since=before.since + 1)
        else:
            count = before.since + 1 if before else 1
            log_action("call_refused", limit=limit.name, wait_seconds=seconds, count=count)
            self.refused[limit.name] = _Refused(at=now)
        return TooManyRequests(retry_after=seconds)
