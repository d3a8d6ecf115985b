"""The host's side of the worker process: start it, hand it invocations, and start another when it dies or must die.

Read in the host's RpcFunctionInvocationDispatcher.cs, GrpcWorkerChannel.cs and WebScriptHostExceptionHandler.cs: what
runs in a worker that is ended fails; what comes while the next one starts waits for it; a host whose workers do not
come up gives up.
"""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from local.host.channel import Channel
from local.host.errors import StartupError
from local.host.functions import Function
from local.host.values import Invocation, Outcome

START_SECONDS = 60.0
_MOST_FAILURES = 3
_PROJECT = Path(__file__).resolve().parents[2]
_logger = logging.getLogger("Host.Worker")


class WorkerProcess:
    """The one worker of a host; ``given_up`` is set once it cannot be brought up again."""

    def __init__(self, app_root: Path, *, levels: Mapping[str, str]) -> None:
        self._app_root = app_root
        self._levels = dict(levels)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._pending: dict[str, asyncio.Future[Outcome]] = {}
        self._ready = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._reason = ""
        self._stopping = False
        self.given_up = asyncio.Event()

    async def begin(self) -> None:
        """Start the process, which imports the app while the host goes on."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - a fork of milliseconds
                [sys.executable, "-m", "local.host.worker_main", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=_PROJECT,
            )
        self._channel = await Channel.over(ours)
        self._channel.send((str(self._app_root), self._levels))

    async def functions(self) -> list[Function]:
        """Return the functions that the process indexed, once it is ready; StartupError says what is wrong."""
        assert self._channel is not None
        assert self._process is not None
        try:
            answer = await asyncio.wait_for(self._channel.receive(), START_SECONDS)
        except TimeoutError:
            self._channel.close()
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            raise StartupError(f"the worker did not start within {START_SECONDS:.0f} s") from None
        if not isinstance(answer, list):
            self._channel.close()
            code = await asyncio.to_thread(self._process.wait)
            raise StartupError(answer or f"the worker ended with code {code} while it started")
        self._reading = asyncio.create_task(self._read(self._process, self._channel))
        self._ready.set()
        return answer

    async def ready(self) -> None:
        """Wait while the process is being replaced."""
        await self._ready.wait()

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one function once, in this worker or, while it is being replaced, in the next one."""
        await self.ready()
        if self.given_up.is_set() or self._stopping:
            return Outcome(succeeded=False, error="there is no worker process")
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._pending[invocation.id] = done
        assert self._channel is not None
        self._channel.send(invocation)
        try:
            return await done
        finally:
            self._pending.pop(invocation.id, None)

    def restart(self, reason: str) -> None:
        """End the process at once; everything that it was running fails for that reason, and another one starts."""
        if self._process is not None and self._ready.is_set():
            self._reason = reason
            self._ready.clear()
            self._process.kill()

    async def stop(self, seconds: float) -> None:
        """Let the process end, or end it when it takes longer than this."""
        self._stopping = True
        self._ready.set()
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            try:
                await asyncio.to_thread(self._process.wait, seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        while (answer := await channel.receive()) is not None:
            identifier, outcome = answer
            done = self._pending.get(identifier)
            if done is not None and not done.done():
                done.set_result(outcome)
        self._ready.clear()
        channel.close()
        code = await asyncio.to_thread(process.wait)
        reason = self._reason or f"python exited with code {code}"
        self._reason = ""
        for done in self._pending.values():
            if not done.done():
                done.set_result(Outcome(succeeded=False, error=reason))
        if not self._stopping:
            await self._replace(reason)

    async def _replace(self, reason: str) -> None:
        for _ in range(_MOST_FAILURES):
            if self._stopping:
                return
            _logger.warning("Restarting worker process: %s", reason)
            try:
                await self.begin()
                await self.functions()
            except StartupError as error:
                reason = str(error)
            else:
                _logger.warning("Attempt to restart language worker process(es) completed.")
                return
        _logger.error("Exceeded language worker restart retry count for runtime:python. Shutting down the host.")
        self.given_up.set()
        self._ready.set()
