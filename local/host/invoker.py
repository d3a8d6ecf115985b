"""Runs functions: log lines, time limit, retries, outputs, and the count of what is in flight."""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from local.host.functions import Function, Retry
from local.host.outputs import Outputs
from local.host.timespan import format_timespan
from local.host.values import Attempt, Invocation, Outcome, Value
from local.host.worker_process import WorkerProcess
from local.simkit.pauses import pause


@dataclass(frozen=True, kw_only=True)
class Call:
    """What starts an invocation: the trigger's value, its metadata, and why."""

    value: Value
    reason: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    details: str = ""
    trace_parent: str = ""


GRACE_SECONDS = 2.0
"""How long a function over its time limit has to end by itself before its worker is ended (TimeoutAttribute.cs)."""

_logger = logging.getLogger("Host.Executor")

Run = Callable[[Function, Call], Awaitable[Outcome]]
"""What a listener does with a call."""


class Invoker:
    """The one place where functions are run."""

    def __init__(self, *, outputs: Outputs, worker: WorkerProcess, time_limit: float | None) -> None:
        self._outputs = outputs
        self._worker = worker
        self._time_limit = time_limit
        self._running: set[asyncio.Task[Outcome]] = set()
        self._drained = asyncio.Event()
        self.retries_waiting = 0
        """How many failed invocations wait for their next attempt."""

    def stop_retries(self) -> None:
        """Repeat nothing more: a retry that waits is given up."""
        self._drained.set()

    def allow_retries(self) -> None:
        """Repeat failed invocations (again)."""
        self._drained.clear()

    @property
    def in_flight(self) -> int:
        """How many invocations are running."""
        return len(self._running)

    async def run(self, function: Function, call: Call, attempt: Attempt | None = None) -> Outcome:
        """Run a function once. The invocation is a task of its own: its caller may go away, it runs on."""
        task = asyncio.create_task(self._invoke(function, call, attempt or Attempt()))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def run_with_retries(self, function: Function, call: Call) -> Outcome:
        """Run a function and repeat it as its retry policy says; while draining nothing is repeated."""
        policy = function.retry
        outcome = await self.run(function, call, Attempt(maximum=policy.maximum if policy else 0))
        count = 0
        while policy and not outcome.succeeded and count != policy.maximum and await self._may_retry(policy, count):
            count += 1
            outcome = await self.run(function, call, Attempt(count=count, maximum=policy.maximum, error=outcome.error))
        return outcome

    async def _may_retry(self, policy: Retry, count: int) -> bool:
        if self._drained.is_set():
            return False
        self.retries_waiting += 1
        try:
            return not await pause(retry_pause(policy, count), self._drained)
        finally:
            self.retries_waiting -= 1

    async def drain(self, seconds: float) -> int:
        """Wait for what is running, at most so long; return how many invocations were left."""
        self.stop_retries()
        deadline = time.monotonic() + seconds
        # Outcomes are handled by tasks that wait for the invocation; they get their turn before the next look.
        while self._running and time.monotonic() < deadline:
            await asyncio.wait(self._running, timeout=deadline - time.monotonic())
        return len(self._running)

    async def _invoke(self, function: Function, call: Call, attempt: Attempt) -> Outcome:
        invocation_id = str(uuid.uuid4())
        logger = logging.getLogger(f"Function.{function.name}")
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, call.reason, invocation_id)
        if call.details:
            logger.info("Trigger Details: %s", call.details)
        began = time.monotonic()
        outcome = await self._limited(function, call, attempt, invocation_id)
        if outcome.succeeded:
            outcome = await self._send(function, outcome)
        taken = int((time.monotonic() - began) * 1000)
        verdict = "Succeeded" if outcome.succeeded else "Failed"
        level = logging.INFO if outcome.succeeded else logging.ERROR
        line = "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)"
        logger.log(level, line, function.name, verdict, invocation_id, taken)
        if not outcome.succeeded:
            logger.error("Exception while executing function: Functions.%s. %s", function.name, outcome.error)
        return outcome

    async def _limited(self, function: Function, call: Call, attempt: Attempt, invocation_id: str) -> Outcome:
        invocation = Invocation(
            id=invocation_id,
            function=function.name,
            function_id=function.function_id,
            parameter=function.trigger.name,
            value=call.value,
            metadata=call.metadata,
            trace_parent=call.trace_parent,
            retry=attempt,
        )
        # The time of a function begins when there is a worker to run it: one that is over its time ends the worker,
        # and one that is not there cannot be ended.
        await self._worker.ready()
        running = asyncio.ensure_future(self._worker.invoke(invocation))
        await asyncio.wait([running], timeout=self._time_limit)
        if running.done():
            return running.result()
        message = (
            f"Timeout value of {format_timespan(self._time_limit or 0)} exceeded by function "
            f"'Functions.{function.name}' (Id: '{invocation_id}')."
        )
        _logger.error("%s Initiating cancellation.", message)
        await asyncio.wait([running], timeout=GRACE_SECONDS)
        if not running.done():
            _logger.warning(
                "A function timeout has occurred. Restarting worker process executing invocationId '%s'.", invocation_id
            )
            self._worker.restart(message)
            await running
        return Outcome(succeeded=False, error=message)

    async def _send(self, function: Function, outcome: Outcome) -> Outcome:
        try:
            await self._outputs.send(function, outcome)
        except Exception as error:
            return Outcome(succeeded=False, error=f"Error while handling an output binding: {error!r}")
        return outcome


def retry_pause(policy: Retry, count: int) -> float:
    """Return how long to wait before the next attempt, after so many retries."""
    first, longest = policy.first.total_seconds(), policy.longest.total_seconds()
    if first == longest:
        return first
    return min(longest, max(first, 1.0) * float(2**count) * random.uniform(0.8, 1.2))
