"""The service's process: ``python -m tests.crash.service`` forks one for each order that it reads.

The parent of the forks has only imported the product and holds none of its state. A fork builds the whole service as
``World`` does, with ports whose far ends are at the other end of a socket, and works off what it is given. It dies by
``os._exit`` either as it is about to send a chosen I/O or as that I/O's answer reaches it: no ``except``, no
``finally``, no ``atexit`` of the product runs.
"""

import asyncio
import json
import os
import selectors
import socket
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import httpx

from shared.core.jobs import Job, Message, RunKind, RunRequest, TriggeredBy
from shared.ports import Grant
from shared.store import messages
from shared.store.rows import PAGE_SIZE, Operation, Row, Span, Table
from shared.usecases.connect import integration_id_of
from shared.usecases.resolve_conflict import Choice
from tests.crash.line import Answer, Ask, Line
from tests.support.ends import hand_over
from tests.support.entra import FakeEntra
from tests.support.world import SeededIds, World, WorldClock

DIED = 86
"""The exit code of a crash."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """Where to connect to, and when to die: ``io`` 0 means never, ``sent`` tells after the answer from before it."""

    path: str
    seed: int
    time: float
    began: float
    user_id: str
    io: int = 0
    sent: bool = False


class _Waits(selectors.DefaultSelector):
    """Nothing to do: take the next answer if one is due, else let time pass."""

    def __init__(self, time: float) -> None:
        super().__init__()
        self.time = time
        self.asked = 0
        self.take_answer: Callable[[], None] = self.close

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout != 0 and self.asked:
            self.take_answer()
            return []
        if timeout:
            self.time += timeout
        return super().select(0 if timeout is not None else None)


class LinkedLoop(asyncio.SelectorEventLoop):
    """A loop whose time is the line's."""

    def __init__(self, time: float) -> None:
        self.waits = _Waits(time)
        super().__init__(self.waits)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.waits.time


class Outward:
    """The service's way to the outside: counts the I/O, and ends the process at the ordered one."""

    def __init__(self, order: Order, line: Line) -> None:
        self._order, self._line = order, line
        self._loop = cast(LinkedLoop, asyncio.get_running_loop())
        self._loop.waits.take_answer = self._take_answer
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._io = 0
        self._deadly = 0

    async def ask(self, what: str, *args: Any, counted: bool = True) -> Any:
        """Have an I/O done outside."""
        self._number += 1
        number = self._number
        if counted:
            self._io += 1
            if self._io == self._order.io:
                if not self._order.sent:
                    os._exit(DIED)
                self._deadly = number
        future = self._waiting[number] = self._loop.create_future()
        self._loop.waits.asked += 1
        self._line.send(Ask(number=number, at=self._loop.time(), what=what, args=args, counted=counted))
        return await future

    def _take_answer(self) -> None:
        answer: Answer | None = self._line.receive()
        if answer is None:
            os._exit(70)
        if answer.number == self._deadly:
            os._exit(DIED)
        self._loop.waits.asked -= 1
        self._loop.waits.time = max(self._loop.waits.time, answer.at)
        future = self._waiting.pop(answer.number)
        if future.cancelled():
            return
        if answer.error is not None:
            future.set_exception(answer.error)
        else:
            future.set_result(answer.value)


@dataclass(frozen=True, kw_only=True)
class FarTables:
    line: Outward

    async def get(self, table: Table, partition: str, key: str) -> Row | None:
        return cast(Row | None, await self.line.ask("tables.get", table, partition, key))

    async def write(self, table: Table, operation: Operation) -> str:
        return str(await self.line.ask("tables.write", table, operation))

    async def transact(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        return cast(tuple[str, ...], await self.line.ask("tables.transact", table, tuple(operations)))

    async def query(self, table: Table, span: Span, *, page_size: int = PAGE_SIZE) -> AsyncIterator[tuple[Row, ...]]:
        cursor, page = await self.line.ask("tables.query", table, span, page_size)
        while page is not None:
            yield page
            if cursor is None:
                return
            cursor, page = await self.line.ask("tables.page", cursor, page_size)

    async def close(self) -> None:
        """The process ends with it."""


@dataclass(frozen=True, kw_only=True)
class FarSecrets:
    line: Outward

    async def get(self, name: str) -> str | None:
        return cast(str | None, await self.line.ask("secrets.get", name))

    async def put(self, name: str, value: str) -> None:
        await self.line.ask("secrets.put", name, value)

    async def remove(self, name: str) -> None:
        await self.line.ask("secrets.remove", name)


@dataclass(frozen=True, kw_only=True)
class FarQueue:
    line: Outward

    async def put(self, job: Job, *, delay_seconds: float = 0) -> None:
        await self.line.ask("queue.put", job, delay_seconds)

    def parse(self, text: str) -> Message:
        return messages.parse(text)


@dataclass(kw_only=True)
class FarEntra:
    """Entra, and the tokens that this process remembers."""

    line: Outward
    held: dict[str, str] = field(default_factory=dict)

    async def begin(self, *, state: str) -> Mapping[str, object]:
        return cast(Mapping[str, object], await self.line.ask("entra.begin", state))

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        return cast(Grant, await self.line.ask("entra.finish", dict(flow), dict(answer)))

    async def keep(self, integration_id: str, grant: Grant) -> None:
        self.held.pop(integration_id, None)
        await self.line.ask("entra.keep", integration_id, grant)

    async def forget(self, integration_id: str) -> None:
        self.held.pop(integration_id, None)
        await self.line.ask("entra.forget", integration_id)

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        if refused or integration_id not in self.held:
            self.held[integration_id] = await self.line.ask("entra.access_token", integration_id, refused)
        return self.held[integration_id]

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        return bool(await self.line.ask("entra.renew", integration_id, saved_before))


class FarTransport(httpx.AsyncBaseTransport):
    """HTTP, carried out outside."""

    def __init__(self, line: Outward, name: str) -> None:
        self._line, self._name = line, name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        status, headers, body = await self._line.ask(
            f"http.{self._name}", request.method, str(request.url), request.headers.raw, await request.aread()
        )
        return httpx.Response(status, headers=headers, content=body, request=request)


class Service(World):
    """The world without its outside: the same ports, built the same way, and none of the calendars."""

    def __init__(self, order: Order, line: Outward) -> None:
        self.integration_id = integration_id_of(order.user_id)
        self.user_id = order.user_id
        self.clock = WorldClock()
        self.clock._began = order.began
        self.ids = SeededIds(order.seed)
        self.tables = cast(Any, FarTables(line=line))
        self.secrets = cast(Any, FarSecrets(line=line))
        self.queue = cast(Any, FarQueue(line=line))
        self.entra = cast(FakeEntra, FarEntra(line=line))
        self._open(FarTransport(line, "graph"), FarTransport(line, "wedsync"))
        self.restart()

    async def serve(self, line: Outward) -> None:
        """Work until there is nothing to do, as the host's triggers would."""
        while True:
            work = await line.ask("work", counted=False)
            if work is None:
                return
            kind, content = work
            try:
                await self._do(kind, content)
            except Exception as error:
                poison = await line.ask("failed", f"{type(error).__name__}: {error}", counted=False)
                if poison:
                    await self.app.recover_poison.run(content)
            else:
                await line.ask("done", counted=False)

    async def _do(self, kind: str, content: Any) -> None:
        if kind == "letter":
            await hand_over(self.app, content, message_id=f"msg_{self.ids.new_id()}")
        elif kind == "job":
            await self.run_job(content)
        elif kind == "timers":
            await self.timers()
        elif kind == "disconnect":
            await self.app.disconnect.by_user(self.user_id)
        elif kind == "sync":
            request = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
            await self.app.request_sync.by_user(self.user_id, request)
        elif kind == "resolve":
            event_id, field_name, use = content
            await self.app.resolve_conflict.run(
                self.user_id, event_id, [Choice(field=field_name, use=use)], set_as_default=False
            )
        else:
            raise LookupError(kind)


async def _work(order: Order) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(order.path)
        outward = Outward(order, Line(end))
        await Service(order, outward).serve(outward)


def _run(order: Order) -> None:
    loop = LinkedLoop(order.time)
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_work(order))


def main() -> None:
    """Fork a service for each order on the standard input; say how each ended, a line for an order."""
    for text in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                _run(Order(**json.loads(text)))
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
