"""Graph's limit of four requests at a time per app and mailbox, kept in this process (facts S56, C57)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

LIMIT = 4


class Slots:
    """The slots of one mailbox. Whoever asks first is served first, also who wants several at once."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._free = limit
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, wanted: int = 1) -> AsyncIterator[None]:
        """Hold so many slots, at most all of them: a ``$batch`` occupies up to four until it is answered."""
        held = min(wanted, self._limit)
        await self._acquire(held)
        try:
            yield
        finally:
            self._release(held)

    async def _acquire(self, wanted: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((wanted, turn))
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # granted just as the caller gave up
                self._release(wanted)
            else:
                self._grant()
            raise

    def _release(self, held: int) -> None:
        self._free += held
        self._grant()

    def _grant(self) -> None:
        while self._queue:
            wanted, turn = self._queue[0]
            if not turn.cancelled():
                if wanted > self._free:
                    return
                self._free -= wanted
                turn.set_result(None)
            self._queue.popleft()


class MailboxSlots:
    """The slots of each mailbox in use, by integration; forgotten when nobody holds or awaits them."""

    def __init__(self) -> None:
        self._slots: WeakValueDictionary[str, Slots] = WeakValueDictionary()

    def of(self, integration_id: str) -> Slots:
        """Return the mailbox's slots; keep the reference while using them."""
        slots = self._slots.get(integration_id)
        if slots is None:
            slots = self._slots[integration_id] = Slots()
        return slots
