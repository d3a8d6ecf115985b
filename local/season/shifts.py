"""The days on which a zone's clocks change, found from the zone's own rules for any year."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A change of clocks.

    ``before`` is the wall time at which the old offset ends; ``after`` what the clock shows then. A gap has
    ``after > before`` (wall times in between never happen), a fold ``after < before`` (they happen twice).
    """

    before: datetime
    after: datetime

    @property
    def gap(self) -> bool:
        """Whether clocks go forward."""
        return self.after > self.before


def shifts(zone: str, first: date, last: date) -> list[Shift]:
    """Return the changes of ``zone`` from ``first`` to ``last``, to the minute; none for a zone without them."""
    place = ZoneInfo(zone)
    found = []
    low = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC)
    while low < end:
        high = low + timedelta(days=1)
        if low.astimezone(place).utcoffset() != high.astimezone(place).utcoffset():
            found.append(_narrow(place, low, high))
        low = high
    return found


def next_shift(zone: str, day: date, *, gap: bool) -> Shift:
    """Return the first change of that kind after ``day``; Sundays are up to 371 days apart."""
    return next(shift for shift in shifts(zone, day, day + timedelta(days=380)) if shift.gap is gap)


def _narrow(place: ZoneInfo, low: datetime, high: datetime) -> Shift:
    old = low.astimezone(place).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        if middle.astimezone(place).utcoffset() == old:
            low = middle
        else:
            high = middle
    moment = high.replace(second=0, microsecond=0)
    after = moment.astimezone(place).replace(tzinfo=None)
    assert old is not None
    return Shift(before=(moment + old).replace(tzinfo=None), after=after)
