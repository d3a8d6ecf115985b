"""One running app: its functions, their listeners, and the order in which they start and stop."""

import asyncio
import hashlib
import logging
import platform
import re
from collections.abc import Awaitable, Mapping
from pathlib import Path

from starlette.types import ASGIApp

from local.host import worker
from local.host.admin import Admin
from local.host.configuration import HostOptions
from local.host.errors import FunctionError, StartupError
from local.host.functions import Function
from local.host.invoker import Call, Invoker
from local.host.keys import Keys
from local.host.leases import Singleton
from local.host.log import Categories
from local.host.outputs import Outputs
from local.host.queues import QueueListener, poison_name
from local.host.rules import find_errors
from local.host.schedule import Schedule
from local.host.settings import LocalHost, is_disabled, resolve
from local.host.storage import HOST_STORAGE, Storage
from local.host.timers import StatusStore, TimerListener, TimerOptions
from local.host.web import WebApp, with_cors

_logger = logging.getLogger("Host.Startup")


class ScriptHost:
    """Loads an app, listens for its triggers, drains and stops."""

    def __init__(
        self,
        app_root: Path,
        *,
        options: HostOptions,
        environment: Mapping[str, str],
        categories: Categories,
        keys: Keys | None = None,
        local: LocalHost | None = None,
    ) -> None:
        self._options = options
        self._environment = environment
        self._local = local or LocalHost()
        self._keys = keys
        self.host_id = environment.get("AzureFunctionsWebHost__hostid") or default_host_id(app_root)
        self._storage = Storage(environment)
        outputs = Outputs(storage=self._storage, options=options.queues, environment=environment, wake=self._wake)
        self.invoker = Invoker(outputs=outputs, categories=categories, time_limit=options.function_timeout)
        self.errors: dict[str, str] = {}
        self.functions: list[Function] = []
        self._queues: list[QueueListener] = []
        self._timers: list[TimerListener] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, functions: list[Function]) -> None:
        """Take the functions that the worker has indexed; those that break a rule of the host are set aside."""
        self.errors = find_errors(functions)
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
        admin = Admin(
            host_id=self.host_id,
            functions=self.functions,
            errors=self.errors,
            route_prefix=self._options.http.route_prefix,
            invoker=self.invoker,
            keys=self._keys,
            run_by_hand=self._run_by_hand,
            drain=self.stop_listening,
            resume=self.listen,
        )
        web = WebApp(
            self.functions,
            invoker=self.invoker,
            options=self._options.http,
            keys=self._keys,
            environment=self._environment,
            admin=admin,
        )
        return with_cors(web, self._local)

    def listen(self) -> None:
        """Start polling queues and keeping schedules."""
        self.invoker.draining = False
        for listener in self._listeners:
            listener.start()
            self._spawn(listener.run())

    def stop_listening(self) -> None:
        """Receive and fire nothing more; what runs goes on."""
        self.invoker.draining = True
        for listener in self._listeners:
            listener.stop()

    async def stop(self, seconds: float) -> int:
        """Drain, give leases back and close; return how many invocations were abandoned."""
        self.stop_listening()
        left = await self.invoker.drain(seconds)
        finishing = [asyncio.ensure_future(listener.finish()) for listener in self._queues]
        waiting: set[asyncio.Future[None]] = {*self._tasks, *finishing}
        if waiting:
            _, unfinished = await asyncio.wait(waiting, timeout=5 if not left else 1)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await self._storage.close()
        return left

    def _prepare(self, function: Function) -> None:
        trigger = function.trigger
        if trigger.type.lower() == "queuetrigger":
            name = resolve(str(trigger.members["queueName"]), self._environment)
            connection = str(trigger.members.get("connection") or HOST_STORAGE)
            poison = poison_name(name)
            listener = QueueListener(
                function,
                queue=self._storage.queue(connection, name),
                poison=self._storage.queue(connection, poison) if poison else None,
                options=self._options.queues,
                run=self.invoker.run,
            )
            if not is_disabled(function.name, self._environment):
                self._queues.append(listener)
        elif trigger.type.lower() == "timertrigger":
            timer = self._timer(function)
            if not is_disabled(function.name, self._environment):
                self._timers.append(timer)

    def _timer(self, function: Function) -> TimerListener:
        members = function.trigger.members
        schedule = Schedule(resolve(str(members["schedule"]), self._environment))
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

    def _require_storage(self) -> None:
        if not self._storage.has(HOST_STORAGE):
            raise StartupError(
                f"Missing value for {HOST_STORAGE} in local.settings.json or the environment. "
                "This is required for all triggers other than httpTrigger."
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
        call = Call(value=worker.text(given), reason="This function was programmatically called via the host APIs.")
        self._spawn(self._run(function, call))

    async def _run(self, function: Function, call: Call) -> None:
        await self.invoker.run(function, call)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _logger.error("a listener ended", exc_info=task.exception())


def default_host_id(app_root: Path) -> str:
    """Return the id of a host that has no site name: machine and hash of the app's folder, at most 32 characters."""
    machine = re.sub("[^a-z0-9]", "", platform.node().lower())[:20] or "localhost"
    number = int.from_bytes(hashlib.sha256(str(app_root).encode()).digest()[:4], "big") % 10**10
    return f"{machine}-{number}"
