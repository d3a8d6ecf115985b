"""What outlives the service's process: both calendars, tables, queues, vault and Entra, and the host that gives work.

The outside carries out one I/O after the other, in the order in which they were sent: also those that a process had
sent before it died. It is a ``World``; that world's own service only arranges what a scenario begins with.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from shared.store.rows import PAGE_SIZE
from tests.crash.line import PATIENCE, Answer, Ask, Line
from tests.crash.service import DIED, Order
from tests.support.ends import Letter
from tests.support.steps import Message
from tests.support.world import MOST_DELIVERIES, World

ROOT = Path(__file__).parents[2]
HELD_BY_THE_DEAD = 600.0
"""Seconds until a message that a dead host was working on is visible again."""


class Forks:
    """A process that forks services; it knows the product's code and nothing else. Started once, used by many."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crash-")
        self._path = os.path.join(self._folder.name, "line")
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(self._path)
        self._door.listen()
        self._door.settimeout(PATIENCE)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.service"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()
        self._door.close()
        self._folder.cleanup()

    def start(self, world: World, *, seed: int, io: int = 0, sent: bool = False) -> socket.socket:
        """Start a service that dies at the I/O with this number, or never; return our end of the line to it."""
        order = Order(
            path=self._path,
            seed=seed,
            time=asyncio.get_running_loop().time(),
            began=world.clock._began,
            user_id=world.planner.user_id,
            io=io,
            sent=sent,
        )
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        line, _ = self._door.accept()
        return line

    def ended(self) -> int:
        """Return the exit code of the service that was started last."""
        assert self._process.stdout
        return int(self._process.stdout.readline())


class Outside:
    """One world and the service processes that work on it, one after the other."""

    def __init__(self, world: World, forks: Forks) -> None:
        self.world, self.forks = world, forks
        self.ios: list[str] = []
        self._processes = 0
        self._letter: Letter | None = None
        self._message: Message | None = None
        self._asking: tuple[str, Any] | None = None
        self._cursors: dict[int, AsyncIterator[Any]] = {}
        self._until = 0.0

    async def work_off(self, *, asking: tuple[str, Any] | None = None, io: int = 0, sent: bool = False) -> bool:
        """Let one process work until nothing is left or it dies; return whether it died. ``asking`` comes first."""
        self._asking = asking
        self.ios = []
        self._cursors.clear()
        self.world.entra.held.clear()
        loop = asyncio.get_running_loop()
        self._until = loop.time() + 7200
        self._processes += 1
        with self.forks.start(self.world, seed=1000 + self._processes, io=io, sent=sent) as end:
            line = Line(end)
            while (ask := line.receive()) is not None:
                if ask.at > loop.time():
                    await asyncio.sleep(ask.at - loop.time())
                answer = await self._answered(ask)
                with suppress(BrokenPipeError, ConnectionResetError):  # dead; what it had sent is carried out yet
                    line.send(answer)
        code = self.forks.ended()
        assert code in (0, DIED), f"the service's process ended with {code}"
        self._letter = self._message = None
        return code == DIED

    async def _answered(self, ask: Ask) -> Answer:
        value, error = None, None
        try:
            value = await self._carried_out(ask)
        except Exception as fault:
            error = fault
        if ask.counted:
            self.ios.append(_name(ask))
        return Answer(number=ask.number, at=asyncio.get_running_loop().time(), value=value, error=error)

    async def _carried_out(self, ask: Ask) -> Any:
        place, _, verb = ask.what.partition(".")
        if place == "http":
            return await self._http(verb, *ask.args)
        if ask.what == "tables.query":
            table, span, page_size = ask.args
            self._cursors[ask.number] = self.world.tables.query(table, span, page_size=page_size)
            return await self._page(ask.number, page_size)
        if ask.what == "tables.page":
            return await self._page(*ask.args)
        if place == "tables":
            return await getattr(self.world.tables, verb)(*ask.args)
        if place == "secrets":
            return await getattr(self.world.secrets, verb)(*ask.args)
        if place == "queue":
            job, delay = ask.args
            return await self.world.queue.put(job, delay_seconds=delay)
        if place == "entra":
            return await self._entra(verb, *ask.args)
        return await self._host(ask.what, *ask.args)

    async def _page(self, number: int, size: int) -> tuple[int | None, Any]:
        """Return a page, and where to ask for the next: nowhere after one that is not full."""
        page = await anext(self._cursors[number], None)
        return number if page and len(page) >= min(size, PAGE_SIZE) else None, page

    async def _http(self, name: str, method: str, url: str, headers: Any, body: bytes) -> Any:
        client = self.world._graph_client if name == "graph" else self.world._wedsync_client
        assert client._transport
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": {"read": 30}})
        answer = await client._transport.handle_async_request(request)
        return answer.status_code, answer.headers.raw, await answer.aread()

    async def _entra(self, verb: str, *args: Any) -> Any:
        if verb == "access_token":
            return await self.world.entra.access_token(args[0], refused=args[1])
        if verb == "begin":
            return await self.world.entra.begin(state=args[0])
        if verb == "renew":
            return await self.world.entra.renew(args[0], saved_before=args[1])
        return await getattr(self.world.entra, verb)(*args)

    # --- the host ---------------------------------------------------------------------------------------------------

    async def _host(self, what: str, *args: Any) -> Any:
        if what == "work":
            return await self._next_work()
        if what == "done":
            self._take_away()
            return None
        return self._failed(*args)

    async def _next_work(self) -> tuple[str, Any] | None:
        if self._asking is not None:
            asking, self._asking = self._asking, None
            return asking
        await self.world.quiet()
        if self.world.post:
            self._letter = self.world.post[0]
            return "letter", self._letter
        message = self.world.queue.next()
        loop = asyncio.get_running_loop()
        if message is None or message.due > self._until:
            return None
        await asyncio.sleep(max(message.due - loop.time(), 0))
        message.delivered += 1
        message.due = loop.time() + HELD_BY_THE_DEAD
        self._message = message
        return "job", message.text

    def _take_away(self) -> None:
        if self._letter in self.world.post:
            self.world.post.remove(self._letter)
        if self._message in self.world.queue.kept:
            self.world.queue.kept.remove(self._message)
        self._letter = self._message = None

    def _failed(self, error: str) -> bool:
        """Note the error; return whether the message is poison now. A letter is sent again, as its sender would."""
        message = self._message
        if message is None:
            raise AssertionError(f"what was asked for failed: {error}")
        self.world.errors.append(RuntimeError(error))
        poison = message.delivered >= MOST_DELIVERIES
        if poison:
            self.world.poisoned.append(message.text)
            self._take_away()
        else:
            message.due = asyncio.get_running_loop().time() + 10
            self._message = None
        return poison


def _name(ask: Ask) -> str:
    """Say which I/O it was, without ids."""
    place, _, verb = ask.what.partition(".")
    if place == "http":
        return f"{verb} {ask.args[0]} {httpx.URL(ask.args[1]).path}"
    if place == "tables":
        table = ask.args[0]
        verb = type(ask.args[1]).__name__.lower() if verb == "write" else verb
        return f"{verb} {table}"
    return f"{place} {verb}"
