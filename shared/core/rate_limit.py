"""How often a user may call: the generic cell rate algorithm (GCRA).

https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm. What is remembered of a user and a limit is one moment: when
the whole burst will be there again. Each call moves it by ``every``; a call that would move it further than a burst
from now has to wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """``burst`` calls at once, and a further one for each ``every`` that passes.

    Within any span no more than ``burst + span / every`` calls are let through. ``name`` is what users' calls are
    counted under: endpoints that cost the same thing share one.
    """

    name: str
    burst: int
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a user has used of a limit: ``full_at`` is when it is as if nothing had been."""

    user_id: str
    limit: str
    full_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """``wait`` is zero for a call that may go ahead, and ``full_at`` the new moment; else how long to wait."""

    full_at: datetime
    wait: timedelta = timedelta()


def count(limit: RateLimit, full_at: datetime | None, now: datetime) -> Counted:
    """Count a call; ``full_at`` is what is remembered, None where nothing is.

    A moment further away than a whole burst was written by a clock that was ahead: it counts as the whole burst, so
    nobody ever waits longer than ``every``.
    """
    furthest = now + limit.burst * limit.every
    begin = min(max(full_at or now, now), furthest)
    after = begin + limit.every
    if after > furthest:
        return Counted(full_at=begin, wait=after - furthest)
    return Counted(full_at=after)
