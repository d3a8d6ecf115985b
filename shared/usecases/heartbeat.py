"""Keep a lease while work is going on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

from shared.errors import StoreFault, SyncFault
from shared.log import log_action
from shared.ports import Clock, LeaseHold, Leases


@dataclass(kw_only=True)
class Heartbeat:
    """Renews the lease every third of its span until the block ends, and tells ``on_beat`` of it.

    A lease that was lost is not fought for: every write of a run is conditional on the row that it was decided on, so
    two runs at once waste work and harm nothing.
    """

    leases: Leases
    clock: Clock
    hold: LeaseHold
    span: timedelta
    on_beat: Callable[[LeaseHold], Awaitable[None]]
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        """Begin to beat."""
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.span.total_seconds() / 3)
            try:
                self.hold = await self.leases.renew(self.hold, until=self.clock.now() + self.span)
            except StoreFault:
                log_action("lease_lost", integration=self.hold.integration_id)
                return
            except SyncFault:
                continue
            with suppress(SyncFault):
                await self.on_beat(self.hold)
