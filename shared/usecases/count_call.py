"""Count a user's call against its limit, or refuse it.

Function instances share nothing, so what was used is a row. The calls of one user and limit that come to one process
at the same time take turns: a flood in one process costs a read for each call, and loses no races against itself.
"""

import asyncio
import logging
import math
from dataclasses import dataclass, field
from datetime import timedelta
from weakref import WeakValueDictionary

from shared.core.rate_limit import RateLimit, Spent, count
from shared.errors import RemoteFault, RowChanged, RowExists, StoreFault, TooManyRequests
from shared.log import log_action
from shared.ports import Clock, RateLimits

_ATTEMPTS = 5
_AT_ONCE = 1000
"""How many rows a night's work removes at most."""


@dataclass(frozen=True, kw_only=True)
class CountCall:
    """Counts calls of signed-in users."""

    limits: RateLimits
    clock: Clock
    turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def run(self, user_id: str, limit: RateLimit) -> None:
        """Count the call; ``TooManyRequests`` if it comes too soon. One read, and one write if it may go ahead.

        Where storage does not answer, the call goes ahead uncounted, and operators are told: limits keep costs down
        and protect nobody's data, and a call that needs storage will hear of its trouble soon enough.
        """
        turn = self.turns.setdefault((user_id, limit.name), asyncio.Lock())
        async with turn:
            try:
                await self._count(user_id, limit)
            except (RemoteFault, StoreFault) as fault:
                log_action("call_not_counted", level=logging.ERROR, limit=limit.name, kind=type(fault).__name__)

    async def forget_full(self) -> int:
        """Remove what says no more than no row would; return how many rows."""
        return await self.limits.forget_full(self.clock.now(), limit=_AT_ONCE)

    async def _count(self, user_id: str, limit: RateLimit) -> None:
        """Count; losing as many races as that takes as many calls in other processes, and is a flood by itself."""
        for _ in range(_ATTEMPTS):
            stored = await self.limits.get(user_id, limit.name)
            counted = count(limit, stored.value.full_at if stored else None, self.clock.now())
            if counted.wait:
                raise _refusal(limit, counted.wait)
            spent = Spent(user_id=user_id, limit=limit.name, full_at=counted.full_at)
            try:
                await self.limits.put(spent, replaces=stored)
            except (RowExists, RowChanged):
                continue
            return
        raise _refusal(limit, timedelta(seconds=1))


def _refusal(limit: RateLimit, wait: timedelta) -> TooManyRequests:
    seconds = math.ceil(wait / timedelta(seconds=1))
    log_action("call_refused", limit=limit.name, wait_seconds=seconds)
    return TooManyRequests(retry_after=seconds)
