"""Limits per app and mailbox: four requests at once, 10,000 in ten minutes (S56, S57)."""

from collections import defaultdict, deque

from local.graph.errors import GraphError, throttled
from local.graph.knobs import Knobs

Key = tuple[str, str]
"""App id and mailbox."""
_WINDOW = 600.0


class Throttle:
    """Counts what is in flight and what came in the last ten minutes."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._flying: dict[Key, int] = defaultdict(int)
        self._came: dict[Key, deque[float]] = defaultdict(deque)
        self.most: dict[Key, int] = defaultdict(int)

    def count(self, key: Key, now: float) -> None:
        """Count one request against the rate; 429 past it.

        A refused one counts as well, so that whoever asks too early waits longer (assumed; a knob). More than the
        limit need not be remembered: the oldest of that many says when there is room again.
        """
        came, limit = self._came[key], self._knobs.requestsPerTenMinutes
        while came and not now - _WINDOW < came[0] <= now:
            came.popleft()
        refused = len(came) >= limit
        if not refused or self._knobs.countRefused:
            came.append(now)
        while len(came) > limit:
            came.popleft()
        if refused:
            raise GraphError(
                429,
                "ApplicationThrottled",
                "Application is over its request limit.",
                headers={"Retry-After": str(max(1, round(came[0] + _WINDOW - now)))},
            )

    def spend(self, key: Key, times: int, now: float) -> None:
        """Count as if so many requests had come just now."""
        self._came[key].extend([now] * min(times, self._knobs.requestsPerTenMinutes))

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
        self._came.clear()
        self.most.clear()
