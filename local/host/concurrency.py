"""Dynamic concurrency: how many messages of a queue run at once grows while the machine stays healthy.

``concurrency.dynamicConcurrencyEnabled`` puts it in the place of ``batchSize``. It starts at one, grows only while all
of it is used and nothing was throttled for five looks, and shrinks after three looks at a busy machine. Read in the
WebJobs SDK's ConcurrencyStatus.cs and ConcurrencyManager.cs. The processor is what is looked at here; the SDK also
counts memory and a starved thread pool, which this host does not have.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

_LOOKS_BEFORE_INCREASE = 5
_LOOKS_BEFORE_DECREASE = 3
_LOOK_SECONDS = 1.0
_LONGEST_ADJUSTMENT_SECONDS = 5.0
_SHORTEST_ADJUSTMENT_SECONDS = 2.0
_QUIET_SECONDS = 30.0
_RUN_SECONDS = 10.0
_MOST_EXTRA = 5


@dataclass(frozen=True, kw_only=True)
class ConcurrencyOptions:
    """``concurrency`` of host.json."""

    enabled: bool = False
    maximum: int = 500
    cpu_threshold: float = 0.8


class Health:
    """Whether the machine is busy, with how many looks in a row said so."""

    def __init__(self, load: Callable[[], float], *, threshold: float, clock: Callable[[], float]) -> None:
        self._load = load
        self._threshold = threshold
        self._clock = clock
        self._looked_at = clock()
        self.busy = False
        self.looks = 0

    def look(self) -> None:
        """Take a sample for each second that went by since the last one."""
        due = int((self._clock() - self._looked_at) / _LOOK_SECONDS)
        if due < 1:
            return
        self._looked_at += due * _LOOK_SECONDS
        busy = self._load() >= self._threshold
        self.looks = self.looks + due if busy == self.busy else due
        self.busy = busy


class DynamicConcurrency:
    """The limit for one function."""

    def __init__(
        self,
        options: ConcurrencyOptions,
        *,
        load: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._maximum = options.maximum
        self._clock = clock
        self._health = Health(load or _processor_load, threshold=options.cpu_threshold, clock=clock)
        self._adjusted_at = clock()
        self._decreased_at = float("-inf")
        self._most_running = 0
        self._latencies: list[float] = []
        self._run = 0
        self._direction = 0
        self.limit = 1

    def available(self, running: int) -> int:
        """Return how many more may start now, with so many running."""
        self._most_running = max(self._most_running, running)
        self._health.look()
        if self._clock() - self._adjusted_at > self._adjustment_seconds():
            self._adjust()
        throttled = self._health.busy and self._health.looks >= _LOOKS_BEFORE_DECREASE
        return 0 if throttled else max(0, self.limit - running)

    def ended(self, seconds: float) -> None:
        """Count an invocation that took so long: fast functions may be adjusted more often."""
        self._latencies.append(seconds)

    def _adjustment_seconds(self) -> float:
        if not self._latencies:
            return _LONGEST_ADJUSTMENT_SECONDS
        average = sum(self._latencies) / len(self._latencies)
        return min(_LONGEST_ADJUSTMENT_SECONDS, _SHORTEST_ADJUSTMENT_SECONDS + average)

    def _adjust(self) -> None:
        health = self._health
        if health.busy:
            if health.looks >= _LOOKS_BEFORE_DECREASE and self.limit > 1:
                self._decreased_at = self._clock()
                self._move(-1)
            return
        quiet = self._clock() - self._decreased_at >= _QUIET_SECONDS
        used_up = self._most_running >= self.limit
        if health.looks >= _LOOKS_BEFORE_INCREASE and quiet and used_up and self.limit < self._maximum:
            self._move(1)

    def _move(self, direction: int) -> None:
        same_run = self._direction in (0, direction) and self._clock() - self._adjusted_at <= _RUN_SECONDS
        extra = min(_MOST_EXTRA, self._run) if same_run else 0
        self._run = self._run + 1 if same_run else 0
        self._direction = direction
        self._adjusted_at = self._clock()
        self.limit = min(self._maximum, max(1, self.limit + direction * (1 + extra)))
        self._most_running = 0
        self._latencies.clear()


def _processor_load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
