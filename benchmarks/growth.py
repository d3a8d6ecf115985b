"""Whether a measured series grows: the slope of its samples, by Theil and Sen, after a warm-up."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WARM_UP = 1 / 3
"""The part at the beginning that does not count: caches fill, modules are imported, logs reach their bound."""
_SHARE = 0.05
_FEWEST = 4


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A series in a few figures. ``slope`` is per hour, over ``hours``; ``least`` is the smallest rise that counts."""

    name: str
    first: float
    last: float
    slope: float
    hours: float
    least: float

    @property
    def grows(self) -> bool:
        """Whether the series rises by more than noise: by ``least`` in all, and by a twentieth of the value an hour."""
        return self.slope * self.hours > self.least and self.slope > _SHARE * self.last

    def line(self) -> str:
        """Return the row of the report."""
        verdict = "GROWTH" if self.grows else "no growth"
        return f"{self.name:36} {self.first:10.1f} {self.last:10.1f} {self.slope:+10.1f}/h  {verdict}"


def trend(name: str, samples: Sequence[tuple[float, float]], *, least: float) -> Trend:
    """Fit samples of (hours, value); with fewer than four after the warm-up nothing can be said, and the slope is 0."""
    until = samples[0][0] + (samples[-1][0] - samples[0][0]) * WARM_UP
    counted = [sample for sample in samples if sample[0] >= until]
    slope = _slope(counted) if len(counted) >= _FEWEST else 0.0
    hours = counted[-1][0] - counted[0][0]
    return Trend(name=name, first=counted[0][1], last=counted[-1][1], slope=slope, hours=hours, least=least)


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between any two samples, which a dip (somebody is disconnected) does not tilt."""
    pairs = itertools.combinations(samples, 2)
    return statistics.median((later - earlier) / (to - since) for (since, earlier), (to, later) in pairs if to > since)


def trends(rows: Sequence[Mapping[str, float]], *, least: Mapping[str, float]) -> list[Trend]:
    """Fit every column but ``minute``; ``least`` gives the floor by name, or by the prefix up to the first ``.``."""
    found = []
    for name in rows[0]:
        if name != "minute":
            samples = [(row["minute"] / 60, row[name]) for row in rows]
            floor = least.get(name, least[name.partition(".")[0]])
            found.append(trend(name, samples, least=floor))
    return found
