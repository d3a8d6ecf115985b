"""Runs functions: log lines, time limit, retries, outputs, and the count of what is in flight."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from local.host import worker
from local.host.functions import Function, Retry
from local.host.log import Categories
from local.host.outputs import Outputs
from local.host.worker import Attempt, Outcome


@dataclass(frozen=True, kw_only=True)
class Call:
    """What starts an invocation: the trigger's value, its metadata, and why."""

    value: Any
    reason: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    details: str = ""
    trace_parent: str = ""


Run = Callable[[Function, Call], Awaitable[Outcome]]
"""What a listener does with a call."""


class Invoker:
    """The one place where functions are run."""

    def __init__(self, *, outputs: Outputs, categories: Categories, time_limit: float | None) -> None:
        self._outputs = outputs
        self._categories = categories
        self._time_limit = time_limit
        self._running: set[asyncio.Task[Outcome]] = set()
        self.draining = False

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
        while policy and not outcome.succeeded and not self.draining and count != policy.maximum:
            await asyncio.sleep(_pause(policy, count))
            count += 1
            outcome = await self.run(function, call, Attempt(count=count, maximum=policy.maximum, error=outcome.error))
        return outcome

    async def drain(self, seconds: float) -> int:
        """Wait for what is running, at most so long; return how many invocations were left."""
        self.draining = True
        deadline = time.monotonic() + seconds
        # Outcomes are handled by tasks that wait for the invocation; they get their turn before the next look.
        while self._running and time.monotonic() < deadline:
            await asyncio.wait(self._running, timeout=deadline - time.monotonic())
        return len(self._running)

    async def _invoke(self, function: Function, call: Call, attempt: Attempt) -> Outcome:
        invocation_id = worker.new_invocation_id()
        logger = logging.getLogger(f"Function.{function.name}")
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, call.reason, invocation_id)
        if call.details:
            logger.info("Trigger Details: %s", call.details)
        began = time.monotonic()
        self._categories.running[invocation_id] = function.name
        try:
            outcome = await self._limited(function, call, attempt, invocation_id)
            if outcome.succeeded:
                outcome = await self._send(function, outcome)
        finally:
            del self._categories.running[invocation_id]
        taken = int((time.monotonic() - began) * 1000)
        verdict = "Succeeded" if outcome.succeeded else "Failed"
        level = logging.INFO if outcome.succeeded else logging.ERROR
        line = "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)"
        logger.log(level, line, function.name, verdict, invocation_id, taken)
        if not outcome.succeeded:
            logger.error("Exception while executing function: Functions.%s. %s", function.name, outcome.error)
        return outcome

    async def _limited(self, function: Function, call: Call, attempt: Attempt, invocation_id: str) -> Outcome:
        try:
            async with asyncio.timeout(self._time_limit):
                return await worker.invoke(
                    function,
                    value=call.value,
                    metadata=call.metadata,
                    invocation_id=invocation_id,
                    trace_parent=call.trace_parent,
                    retry=attempt,
                )
        except TimeoutError:
            # Azure restarts the worker process then; here the other invocations live on.
            limit = timedelta(seconds=self._time_limit or 0)
            message = (
                f"Timeout value of {limit} exceeded by function 'Functions.{function.name}' (Id: '{invocation_id}')."
            )
            return Outcome(succeeded=False, error=message)

    async def _send(self, function: Function, outcome: Outcome) -> Outcome:
        try:
            await self._outputs.send(function, outcome)
        except Exception as error:
            return Outcome(succeeded=False, error=f"Error while handling an output binding: {error!r}")
        return outcome


def _pause(policy: Retry, count: int) -> float:
    first, longest = policy.first.total_seconds(), policy.longest.total_seconds()
    if first == longest:
        return first
    return min(longest, max(first, 1.0) * float(2**count) * random.uniform(0.8, 1.2))
