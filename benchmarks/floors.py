"""The arithmetic of the benchmark: the least that a push and a pull can take, percentiles, and where time went.

Pure. A floor is what the far ends alone take when nothing else takes any time: no storage, no computing, no queue.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

IN_FLIGHT = 4
"""How many requests of one app Outlook runs in a mailbox at a time, those of a ``$batch`` included."""
PUSH_TARGET = 1.3
"""How many times the floor a push may take."""
VISIBLE_P50, VISIBLE_P95 = 1.0, 3.0
"""Seconds within which half, and nearly all, of the edits have to be seen on the other side."""


def push_floor(events: int, *, latency: float, in_flight: int = IN_FLIGHT) -> float:
    """Return the seconds that Graph takes for so many creates."""
    return events * latency / in_flight


def pull_floor(events: int, *, page: int, latency: float, post: float, at_once: int) -> float:
    """Return the seconds for reading all pages from Graph and writing each event to WedSync, ``post`` seconds each."""
    return math.ceil(events / page) * latency + events * post / at_once


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How long something took in many cases, in seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    @property
    def meets_target(self) -> bool:
        """Whether edits that took so long were seen in time."""
        return self.p50 <= VISIBLE_P50 and self.p95 <= VISIBLE_P95


def spread(seconds: Sequence[float]) -> Spread:
    """Return the percentiles by nearest rank: each is a value that was measured."""
    ordered = sorted(seconds)
    if not ordered:
        raise ValueError("nothing was measured")
    return Spread(
        count=len(ordered),
        p50=_rank(ordered, 50),
        p95=_rank(ordered, 95),
        p99=_rank(ordered, 99),
        longest=ordered[-1],
    )


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when to when something went on, in seconds of one clock."""

    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the time of a whole went: before the first of the spans, in them, between them, after the last."""

    before: float
    inside: float
    between: float
    after: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.before + self.inside + self.between + self.after


def parts(whole: Span, spans: Sequence[Span]) -> Parts:
    """Divide a whole by the spans in it; where spans overlap, their time counts once."""
    ordered = sorted(spans, key=lambda span: span.begin)
    if not ordered:
        raise ValueError("nothing went on")
    inside, reached = 0.0, ordered[0].begin
    for span in ordered:
        inside += max(span.end - max(span.begin, reached), 0.0)
        reached = max(reached, span.end)
    return Parts(
        before=ordered[0].begin - whole.begin,
        inside=inside,
        between=reached - ordered[0].begin - inside,
        after=whole.end - reached,
    )
