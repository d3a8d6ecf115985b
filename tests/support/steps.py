"""Everything that the service does outside itself, step by step, so that a test can watch it, hold it, or kill it.

A step comes before and after each request to tables, queue, vault, Graph and WedSync. ``Crash`` is no ``Exception``:
like the end of a process, nothing in the service catches it, and since every later step raises it too, no ``finally``
tidies up.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from shared.core import jobs
from shared.store import messages
from shared.store.memory import MemoryJobQueue, MemorySecrets, MemoryTables
from shared.store.rows import PAGE_SIZE, Operation, Row, Span, Table


class Crash(BaseException):
    """The process ended here."""


@dataclass(kw_only=True)
class Steps:
    """Counts and names the steps. ``killed`` is the deadly one; ``watch`` is awaited at each, and may wait or raise."""

    names: list[str] = field(default_factory=list)
    deadly_from: int | None = None
    killed: str = ""
    watch: Callable[[str], Awaitable[None]] | None = None

    @asynccontextmanager
    async def around(self, what: str) -> AsyncIterator[None]:
        """Take a step before and one after; none after what failed."""
        await self.reach(f"before {what}")
        yield
        await self.reach(f"after {what}")

    def repeats(self, what: str) -> bool:
        """Whether storage's client has heard no answer to this write and sends it again by itself, as the SDK does."""
        del what
        return False

    async def reach(self, name: str) -> None:
        """Take one step."""
        self.names.append(name)
        if self.deadly_from is not None and len(self.names) >= self.deadly_from:
            self.killed = self.killed or name
            raise Crash(name)
        if self.watch is not None:
            await self.watch(name)


class SteppedTables(MemoryTables):
    """Tables in memory with a step around each request."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    async def get(self, table: Table, partition: str, key: str) -> Row | None:
        async with self._steps.around(f"get {table}"):
            return await super().get(table, partition, key)

    async def write(self, table: Table, operation: Operation) -> str:
        async with self._steps.around(what := f"{type(operation).__name__.lower()} {table}"):
            tag = await super().write(table, operation)
            return await super().write(table, operation) if self._steps.repeats(what) else tag

    async def transact(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        async with self._steps.around(what := f"transact {table}"):
            tags = await super().transact(table, operations)
            return await super().transact(table, operations) if self._steps.repeats(what) else tags

    async def query(self, table: Table, span: Span, *, page_size: int = PAGE_SIZE) -> AsyncIterator[tuple[Row, ...]]:
        async for page in super().query(table, span, page_size=page_size):
            async with self._steps.around(f"query {table}"):
                pass
            yield page

    def contents(self) -> dict[Table, list[Row]]:
        """Return every row of every table that holds any."""
        return {table: list(rows.values()) for table, rows in self._rows.items() if rows}

    def lose(self, table: Table, which: Callable[[str], bool]) -> int:
        """Lose the rows of a table whose keys are so, as storage that was tampered with would; return how many."""
        rows = self._rows[table]
        lost = [place for place in rows if which(place[1])]
        for place in lost:
            del rows[place]
        return len(lost)


class SteppedSecrets(MemorySecrets):
    """A vault in memory with a step around each request."""

    def __init__(self, steps: Steps, values: dict[str, str]) -> None:
        super().__init__(values)
        self._steps = steps

    async def get(self, name: str) -> str | None:
        async with self._steps.around("get secret"):
            return await super().get(name)

    async def put(self, name: str, value: str) -> None:
        async with self._steps.around("put secret"):
            await super().put(name, value)

    async def remove(self, name: str) -> None:
        async with self._steps.around("remove secret"):
            await super().remove(name)


@dataclass(kw_only=True)
class Message:
    """A queue message: not visible before ``due`` (seconds of the loop), delivered so many times already."""

    queue: str
    text: str
    due: float
    number: int
    delivered: int = 0


@dataclass(kw_only=True)
class SteppedQueue(MemoryJobQueue):
    """Queues in memory with a step around each request; messages become visible when their delay is over."""

    steps: Steps
    kept: list[Message] = field(default_factory=list)
    sent: int = 0

    async def put(self, job: jobs.Message, *, delay_seconds: float = 0) -> None:
        async with self.steps.around(f"put {messages.queue_of(job)}"):
            await super().put(job, delay_seconds=delay_seconds)
            now = asyncio.get_running_loop().time()
            for queued in self.waiting:
                self.sent += 1
                due = now + queued.delay_seconds
                self.kept.append(Message(queue=queued.queue, text=queued.text, due=due, number=self.sent))
            self.waiting.clear()

    def next(self) -> Message | None:
        """Return the message that becomes visible first."""
        return min(self.kept, key=lambda message: (message.due, message.number), default=None)


class SteppedTransport(httpx.AsyncBaseTransport):
    """To an ASGI app, with a step around each request; what a socket would do, it does: time-outs, broken answers."""

    def __init__(self, steps: Steps, name: str, inner: httpx.ASGITransport) -> None:
        self._steps = steps
        self._name = name
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._steps.around(f"{self._name} {request.method} {request.url.path}"):
            return await answered(self._inner, request)


async def answered(inner: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
    """Return the answer, or raise what a socket would have shown."""
    seconds = request.extensions.get("timeout", {}).get("read")
    try:
        async with asyncio.timeout(seconds):
            return await inner.handle_async_request(request)
    except TimeoutError:
        raise httpx.ReadTimeout("no answer in time", request=request) from None
    except AssertionError:  # the app returned without an answer: an ordered fault closed the connection
        raise httpx.RemoteProtocolError("closed without an answer", request=request) from None
