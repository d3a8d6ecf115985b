"""When a request to a far end is worth sending again; one rule for Graph and for WedSync.

https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific asks for backoff with jitter and
for ``Retry-After`` to be honoured. What would take longer than ``LONGEST_WAIT`` is the caller's: it hands its job back.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from shared.errors import OutcomeUnknown, Throttled, Unavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT = 2.0
"""Seconds: a far end that asks for more is not waited for here."""

READ_RETRIES = 3
_WAITS = 2
_FIRST_PAUSE = 0.2


@dataclass(kw_only=True)
class _Patience:
    """What is left of it for one request."""

    retries: int
    waits: int = _WAITS
    failures: int = 0
    unknown: OutcomeUnknown | None = field(default=None)

    def again(self, fault: BaseException) -> bool:
        if isinstance(fault, Throttled):
            self.waits -= 1
            return fault.retry_after <= LONGEST_WAIT and self.waits >= 0
        if isinstance(fault, Unavailable | OutcomeUnknown):
            self.unknown = fault if isinstance(fault, OutcomeUnknown) else self.unknown
            self.failures += 1
            return self.failures <= self.retries
        return False

    def pause(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        if isinstance(fault, Throttled):
            return fault.retry_after
        return _FIRST_PAUSE * 2.0**self.failures * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


async def insist(attempt: Callable[[], Awaitable[T]], *, reads: bool, repeatable: bool, sleep: Sleep) -> T:
    """Return the answer of an attempt, or raise the fault of the last one.

    A read is repeated three times, a write that is safe to repeat once, any other write never. Once an attempt has
    been lost (``OutcomeUnknown``), that stays the news: a later refusal to serve does not say what became of it.
    """
    patience = _Patience(retries=READ_RETRIES if reads else int(repeatable))
    retrying = AsyncRetrying(retry=retry_if_exception(patience.again), wait=patience.pause, sleep=sleep, reraise=True)
    try:
        return await retrying(attempt)
    except (Throttled, Unavailable) as fault:
        raise (patience.unknown or fault) from None
