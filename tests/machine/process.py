"""A process of the service that can die at any step, as a process does: nothing of it runs on.

At the deadly step the task stops and never goes on, and so does every other task of that process at its next step: no
handler runs, no ``finally``, no time-out. What is in memory is lost; what had reached a far end has happened. Another
process works beside it on the same tables and queues.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from shared.errors import Unavailable
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphClient
from shared.graph.subscriptions import GraphSubscriptions
from shared.service import App, build
from shared.store.leases import TableLeases
from shared.store.rows import Table
from shared.wedsync.client import WedSyncClient
from shared.wedsync.events import WedSyncApi
from tests.machine.reached import STATES, Reached, step_kind
from tests.support.ends import FUNCTIONS, WEDSYNC
from tests.support.entra import FakeEntra
from tests.support.steps import Crash, Steps
from tests.support.world import SETTINGS, World

T = TypeVar("T")
_PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)
_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)
_SLOWEST: dict[str, float] = {"graph": 0.3, "wedsync": 0.1}
_STORAGE_SLOWEST = 0.03


async def only_looking(work: Coroutine[Any, Any, T]) -> T:
    """Do what must not write anything anywhere."""
    _LOOKING.set(True)
    return await work


def _is_write(name: str) -> bool:
    """Whether a step changes something; what a ``$batch`` holds is not to be seen here."""
    _, operation, what = f"{name} ".split(" ", 2)
    if operation in _SLOWEST:
        return not what.startswith("GET ") and "$batch" not in what
    return operation in _WRITES and "secret" not in what


class Fates(Steps):
    """Each step is taken in the process that the caller runs in; what the test itself reads takes none."""

    async def reach(self, name: str) -> None:
        process = _PROCESS.get()
        if process is not None:
            await process.reach(name)

    def repeats(self, what: str) -> bool:
        process = _PROCESS.get()
        return process is not None and process.repeats(what)


class SkewedClock:
    """The service's clock, which may be wrong while the far ends' is right."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.skew = timedelta()

    def now(self) -> datetime:
        return self._world.clock.now() + self.skew


@dataclass(kw_only=True)
class Perils:
    """What awaits both processes: so many requests to storage are struck by a fault of ``STORAGE``.

    ``deadly`` are kinds of steps: the first process to come to the first of them dies, then the next comes to count.
    """

    storage: Counter[str] = field(default_factory=Counter)
    deadly: list[str] = field(default_factory=list)

    def strike(self, name: str) -> str:
        """Return the kind of the fault that hits this step, if any."""
        stage, operation, _ = f"{name} ".split(" ", 2)
        if stage == "before" and operation in _READS | _WRITES and self._left(BUSY):
            return BUSY
        if stage == "after" and operation in _WRITES and self._left(UNANSWERED):
            return UNANSWERED
        return ""

    def repeats(self) -> bool:
        """Whether a write is sent once more although it was carried out."""
        return self._left(REPEATED)

    def end(self) -> None:
        """From now on storage works."""
        self.storage.clear()

    def _left(self, fault: str) -> bool:
        if self.storage[fault] <= 0:
            return False
        self.storage[fault] -= 1
        return True

    def kill(self, kind: str) -> bool:
        """Return whether this step is the deadly one; only the first to come dies of it."""
        if not self.deadly or kind != self.deadly[0]:
            return False
        del self.deadly[0]
        return True


BUSY, UNANSWERED, REPEATED = "storage busy", "storage committed and unanswered", "storage asked twice by its client"
STORAGE = (BUSY, UNANSWERED, REPEATED)
"""A request that is refused; a write that is carried out and whose answer is lost; one whose answer is lost to the
client alone, which repeats it and comes upon what it has done itself."""

_READS = frozenset({"get", "query"})
_WRITES = frozenset({"insert", "replace", "upsert", "delete", "transact", "put"})


class Process:
    """One process; ``dies_in`` is the number of steps that are left to it, if it is to die."""

    def __init__(self, world: World, clock: SkewedClock, perils: Perils, reached: Reached, *, seed: int) -> None:
        self.world, self.reached = world, reached
        self.dead = self.over = False
        self.dies_in: int | None = None
        self._random = random.Random(seed)
        self._perils = perils
        self._tasks: set[asyncio.Task[Any]] = set()
        self.app = self._build(clock)

    def _build(self, clock: SkewedClock) -> App:
        world = self.world
        entra = FakeEntra(secrets=world.secrets, revoked=world.entra.revoked)
        graph = GraphClient(
            base_url=SETTINGS.graph_base_url,
            tokens=entra,
            new_id=world.ids.new_id,
            on_request=world.calls.append,
            transport=world._graph_client._transport,
        )
        wedsync = WedSyncClient(base_url=WEDSYNC, secrets=world.secrets, transport=world._wedsync_client._transport)
        for client in (graph, wedsync):
            client._http = httpx.AsyncClient(transport=client._transport, timeout=30)
        ports = replace(
            world.ports,
            clock=clock,
            outlook=GraphOutlook(graph),
            subscriptions=GraphSubscriptions(
                graph,
                notification_url=f"{FUNCTIONS}/api/calendar/outlook/webhook",
                lifecycle_url=f"{FUNCTIONS}/api/calendar/outlook/lifecycle",
            ),
            consent=entra,
            wedsync=WedSyncApi(wedsync),
            leases=TableLeases(world.tables, clock),
        )
        return build(SETTINGS, ports)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin something in this process."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        task.exception()  # seen: of what fails in a process that is dead by now nobody hears

    async def reach(self, name: str) -> None:
        """Take one step, or die at it."""
        if self.dead:
            await self._end()
        kind = step_kind(name)
        self.reached.add("step", kind)
        self._look_at_rows(name)
        if _LOOKING.get() and _is_write(name):
            self.reached.illegal.append(f"only to be looked at: {name}")
        if self._is_deadly(kind):
            self.dead = True
            self.reached.add("crash", kind)
            await self._end()
        fault = self._perils.strike(name)
        if fault:
            self.reached.add("fault", fault)
            self.reached.add("storage", f"{fault}: {kind.split(' ', 1)[1]}")
            raise Unavailable("tables", status=500, code="ordered")
        await self._wait(name)
        if self.dead:
            await self._end()

    def repeats(self, what: str) -> bool:
        """Whether this write, which was just carried out, is sent once more."""
        if self.dead or not self._perils.repeats():
            return False
        self.reached.add("fault", REPEATED)
        self.reached.add("storage", f"{REPEATED}: {what}")
        return True

    def _is_deadly(self, kind: str) -> bool:
        if self._perils.kill(kind):
            return True
        if self.dies_in is None:
            return False
        self.dies_in -= 1
        return self.dies_in < 0

    def _look_at_rows(self, name: str) -> None:
        """A write has just been carried out: nothing else has run since."""
        stage, _, table = name.rpartition(" ")
        if stage.startswith("after") and table in STATES and not stage.endswith(("get", "query")):
            kept = Table(table)
            self.reached.watch_rows(id(self.world), kept, self.world.tables.contents().get(kept, []))

    async def _wait(self, name: str) -> None:
        """Take some time, so that what runs beside comes before or after."""
        if self._random.random() < 0.5:
            return
        service = name.split(" ")[1]
        await asyncio.sleep(self._random.uniform(0, _SLOWEST.get(service, _STORAGE_SLOWEST)))

    async def _end(self) -> None:
        while not self.over:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                continue  # a time-out of the dead, or its task group
        raise Crash

    async def bury(self) -> None:
        """Clear away what never went on; only when nothing matters any more."""
        self.dead = self.over = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
