"""Limits per app and mailbox: four requests at once, 10,000 in ten minutes (S56, S57)."""

from collections import defaultdict
from dataclasses import dataclass

from local.graph.errors import GraphError, throttled
from local.graph.knobs import Knobs

Key = tuple[str, str]
"""App id and mailbox."""
_WINDOW = 600.0


@dataclass(slots=True)
class _Window:
    began: float
    count: int = 0


class Throttle:
    """Counts what is in flight and what came in the last ten minutes, refused requests included."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._flying: dict[Key, int] = defaultdict(int)
        self._windows: dict[Key, _Window] = {}
        self.most: dict[Key, int] = defaultdict(int)

    def count(self, key: Key, now: float) -> None:
        """Count one request against the rate; 429 past it."""
        window = self._windows.get(key)
        if window is None or now - window.began >= _WINDOW or now < window.began:
            window = self._windows[key] = _Window(began=now)
        window.count += 1
        if window.count > self._knobs.requestsPerTenMinutes:
            raise GraphError(
                429,
                "ApplicationThrottled",
                "Application is over its request limit.",
                headers={"Retry-After": str(max(1, round(window.began + _WINDOW - now)))},
            )

    def take(self, key: Key, wanted: int) -> int:
        """Take up to so many slots and return how many there were; 0 means: answer 429."""
        taken = min(wanted, max(0, self._knobs.concurrentRequests - self._flying[key]))
        self._flying[key] += taken
        self.most[key] = max(self.most[key], self._flying[key])
        return taken

    def give_back(self, key: Key, taken: int) -> None:
        """Free slots."""
        self._flying[key] = max(0, self._flying[key] - taken)

    def refusal(self) -> GraphError:
        """Return the answer to a request that found no slot."""
        return throttled(self._knobs.retryAfterSeconds, self._knobs.concurrencyStatus)

    def reset(self) -> None:
        """Forget the rate and the peak; what is in flight stays counted until it ends."""
        self._windows.clear()
        self.most.clear()
