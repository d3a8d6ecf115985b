"""One running app: its functions, their listeners, and the order in which they start and stop."""

import asyncio
import hashlib
import logging
import platform
import re
import time
from collections.abc import Awaitable, Mapping
from pathlib import Path

from starlette.types import ASGIApp

from local.host.admin import Admin
from local.host.concurrency import DynamicConcurrency
from local.host.configuration import ANSWER_SECONDS, HostOptions
from local.host.errors import FunctionError, StartupError
from local.host.functions import Function
from local.host.invoker import Call, Invoker
from local.host.key_blobs import KEY_CONTAINER, KeyBlobs
from local.host.keys import KeyRing, Keys, load_keys
from local.host.leases import Singleton
from local.host.outputs import Outputs
from local.host.queue_names import poison_name, queue_name
from local.host.queues import QueueListener
from local.host.rules import find_errors
from local.host.schedule import Schedule
from local.host.settings import LocalHost, is_disabled, resolve, site_name, time_zone
from local.host.storage import HOST_STORAGE, Storage
from local.host.timers import StatusStore, TimerListener, TimerOptions
from local.host.values import text
from local.host.web import WebApp, with_cors
from local.host.worker_process import WorkerProcess

_ISOLATION = "FUNCTIONS_ADMIN_ISOLATION_ENABLED"
_LONGEST_HOST_ID = 32
_HOST_ID = re.compile(r"(?!.*--)(?!-)[a-z0-9-]{1,32}(?<!-)")
_logger = logging.getLogger("Host.Startup")


class ScriptHost:
    """Loads an app, listens for its triggers, drains and stops."""

    def __init__(
        self,
        app_root: Path,
        *,
        options: HostOptions,
        environment: Mapping[str, str],
        worker: WorkerProcess,
        keys: Path | None = None,
        enforce_keys: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
        local: LocalHost | None = None,
    ) -> None:
        self._options = options
        self._environment = environment
        self._local = local or LocalHost()
        self._given_keys = keys
        self._enforce_keys = enforce_keys
        self._answer_seconds = answer_seconds
        self.host_id = host_id(app_root, environment)
        self._storage = Storage(environment)
        outputs = Outputs(storage=self._storage, options=options.queues, environment=environment, wake=self._wake)
        self.invoker = Invoker(outputs=outputs, worker=worker, time_limit=options.function_timeout)
        self.errors: dict[str, str] = {}
        self.functions: list[Function] = []
        self._queues: list[QueueListener] = []
        self._timers: list[TimerListener] = []
        self._loops: dict[QueueListener | TimerListener, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def load(self, functions: list[Function]) -> None:
        """Take the functions that the worker has indexed; those that break a rule of the host are set aside."""
        self.errors = find_errors(functions, bundled=self._options.bundled)
        self.functions = [function for function in functions if function.name not in self.errors]
        if any(not function.is_http for function in self.functions):
            self._require_storage()
        for function in list(self.functions):
            try:
                self._prepare(function)
            except (FunctionError, ValueError) as error:
                self.errors[function.name] = str(error)
                self.functions.remove(function)
        for name, reason in self.errors.items():
            _logger.error("The '%s' function is in error: %s", name, reason)

    @property
    def _listeners(self) -> list[QueueListener | TimerListener]:
        return [*self._queues, *self._timers]

    def asgi(self) -> ASGIApp:
        """Return the app that serves HTTP."""
        keys = self._key_ring() if self._enforce_keys else None
        admin = Admin(
            host_id=self.host_id,
            functions=self.functions,
            errors=self.errors,
            route_prefix=self._options.http.route_prefix,
            invoker=self.invoker,
            keys=keys,
            run_by_hand=self._run_by_hand,
            drain=self.stop_listening,
            resume=self.listen,
            is_disabled=lambda name: is_disabled(name, self._environment),
            isolated=self._environment.get(_ISOLATION, "").lower() in {"1", "true"},
        )
        web = WebApp(
            self.functions,
            invoker=self.invoker,
            options=self._options.http,
            keys=keys,
            environment=self._environment,
            admin=admin,
            answer_seconds=self._answer_seconds,
        )
        return with_cors(web, self._local)

    def _key_ring(self) -> KeyRing:
        if self._given_keys is not None:
            return KeyRing(self._read_given_keys)
        self._require_storage("access keys")
        blobs = KeyBlobs(
            self._storage.host_container(KEY_CONTAINER),
            site=site_name(self._environment) or self.host_id,
            functions=[function.name for function in self.functions if function.is_http],
        )
        return KeyRing(blobs.read)

    async def _read_given_keys(self) -> Keys:
        assert self._given_keys is not None
        return load_keys(self._given_keys)

    def listen(self) -> None:
        """Start polling queues and keeping schedules, each in one loop however often this is asked for."""
        self.invoker.allow_retries()
        for listener in self._listeners:
            # A loop that has not yet seen that it was to stop goes on.
            listener.start()
            if listener not in self._loops or self._loops[listener].done():
                self._loops[listener] = self._spawn(listener.run())

    def stop_listening(self) -> None:
        """Receive and fire nothing more; what runs goes on."""
        self.invoker.stop_retries()
        for listener in self._listeners:
            listener.stop()

    async def stop(self, seconds: float) -> int:
        """Drain, give leases back and close; return how many invocations were abandoned."""
        self.stop_listening()
        deadline = time.monotonic() + seconds
        if self._tasks:
            # A poll that is under way may still bring messages: they are received, so they are run.
            await asyncio.wait(self._tasks, timeout=seconds)
        left = await self.invoker.drain(max(0.0, deadline - time.monotonic()))
        finishing = [asyncio.ensure_future(listener.finish()) for listener in self._queues]
        waiting = {*self._tasks, *finishing}
        if waiting:
            _, unfinished = await asyncio.wait(waiting, timeout=5 if not left else 1)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await self._storage.close()
        return left

    def _prepare(self, function: Function) -> None:
        for output in function.bindings:
            if output.type.lower() == "queue":
                queue_name(resolve(str(output.members["queueName"]), self._environment))
        trigger = function.trigger
        if trigger.type.lower() == "queuetrigger":
            name = queue_name(resolve(str(trigger.members["queueName"]), self._environment))
            connection = str(trigger.members.get("connection") or HOST_STORAGE)
            poison = poison_name(name)
            listener = QueueListener(
                function,
                queue=self._storage.queue(connection, name),
                poison=self._storage.queue(connection, poison) if poison else None,
                options=self._options.queues,
                run=self.invoker.run,
                concurrency=DynamicConcurrency(dynamic) if (dynamic := self._options.concurrency).enabled else None,
            )
            if not is_disabled(function.name, self._environment):
                self._queues.append(listener)
        elif trigger.type.lower() == "timertrigger":
            timer = self._timer(function)
            if not is_disabled(function.name, self._environment):
                self._timers.append(timer)

    def _timer(self, function: Function) -> TimerListener:
        members = function.trigger.members
        schedule = Schedule(resolve(str(members["schedule"]), self._environment), time_zone(self._environment))
        container = self._storage.host_container()
        # The host keeps no status of a timer that fires within a minute.
        wanted = members.get("useMonitor") is not False
        return TimerListener(
            function,
            options=TimerOptions(
                schedule=schedule,
                run_on_startup=bool(members.get("runOnStartup")),
                monitored=wanted and not schedule.fires_within_a_minute(),
            ),
            singleton=Singleton(
                container,
                host_id=self.host_id,
                name=f"Host.Functions.{function.name}.Listener",
                options=self._options.singleton,
            ),
            statuses=StatusStore(container, host_id=self.host_id, function=function.name),
            run=self.invoker.run_with_retries,
        )

    def _require_storage(self, what: str = "all triggers other than httpTrigger") -> None:
        if not self._storage.has(HOST_STORAGE):
            raise StartupError(
                f"Missing value for {HOST_STORAGE} in local.settings.json or the environment. "
                f"This is required for {what}."
            )

    def _wake(self, queue: str) -> None:
        for listener in self._queues:
            if listener.queue_name == queue:
                listener.wake()

    async def _run_by_hand(self, function: Function, given: str) -> None:
        timer = next((timer for timer in self._timers if timer.function is function), None)
        if function.trigger.type.lower() == "timertrigger":
            self._spawn((timer or self._timer(function)).fire(past_due=False))
            return
        call = Call(value=text(given), reason="This function was programmatically called via the host APIs.")
        self._spawn(self._run(function, call))

    async def _run(self, function: Function, call: Call) -> None:
        await self.invoker.run(function, call)

    def _spawn(self, work: Awaitable[None]) -> "asyncio.Future[None]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _logger.error("a listener ended", exc_info=task.exception())


def host_id(app_root: Path, environment: Mapping[str, str]) -> str:
    """Return the id under which timers keep their leases and status: as set, else from the site, else the machine.

    Two apps with one id and one storage account share their timers: only one of them fires.
    """
    given = environment.get("AzureFunctionsWebHost__hostid")
    if given and not _HOST_ID.fullmatch(given):
        raise StartupError(
            "AzureFunctionsWebHost__hostid must be between 1 and 32 characters, contain only lowercase letters, "
            "numbers, and dashes, not start or end with a dash, and not contain consecutive dashes."
        )
    return given or site_name(environment)[:_LONGEST_HOST_ID].rstrip("-") or default_host_id(app_root)


def default_host_id(app_root: Path) -> str:
    """Return the id of a host that has no site name: machine and hash of the app's folder, at most 32 characters."""
    machine = re.sub("[^a-z0-9]", "", platform.node().lower())[:20] or "localhost"
    number = int.from_bytes(hashlib.sha256(str(app_root).encode()).digest()[:4], "big") % 10**10
    return f"{machine}-{number}"
