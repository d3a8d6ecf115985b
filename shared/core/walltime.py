"""What a clock on the wall shows, and which instant that means: both services speak of local times in a zone.

A local time that occurs twice (the clock is put back) or never (it is put forward) does not name one instant. Reading
follows RFC 5545 section 3.3.5: of two the first, and in a gap the offset from before it. Writing avoids both: such
a time goes out in UTC.
"""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.core.event import AllDay, EventTime


@lru_cache(maxsize=1024)
def rules_of(zone: str) -> ZoneInfo:
    """Return the rules of an IANA zone; UTC's where this machine's zone files lack the name."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def instant_of(local: datetime, zone: str) -> datetime:
    """Return the instant, in UTC, that a naive local time names."""
    try:
        return local.replace(tzinfo=rules_of(zone), fold=0).astimezone(UTC)
    except OverflowError:  # the years 1 and 9999 stand for "never"; an offset more or less says nothing there
        return local.replace(tzinfo=UTC, fold=0)


def local_of(instant: datetime, zone: str) -> datetime | None:
    """Return the naive local time of an instant, or None if that would not lead back to this instant alone."""
    try:
        local = instant.astimezone(rules_of(zone)).replace(tzinfo=None, fold=0)
        readings = {local.replace(tzinfo=rules_of(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    except OverflowError:
        return None
    return local if readings == {instant.astimezone(UTC)} else None


def local_date(moment: datetime, zone: str) -> date:
    """Return the date that an instant has in a zone."""
    try:
        return moment.astimezone(rules_of(zone)).date()
    except OverflowError:  # the years 1 and 9999 stand for "never"
        return moment.date()


def first_day(time: EventTime) -> date:
    """Return the day on which an event begins, as its own zone counts days."""
    return time.start if isinstance(time, AllDay) else local_date(time.start, time.zone)


def midnight(day: date) -> datetime:
    """Return the naive local time at which a day begins."""
    return datetime.combine(day, time())


def has_midnight(day: date, zone: str) -> bool:
    """Whether the zone's clocks show midnight on that day; some zones put them forward at that hour."""
    start = midnight(day)
    return instant_of(start, zone).astimezone(rules_of(zone)).replace(tzinfo=None, fold=0) == start


def wall_clock(time: EventTime) -> tuple[datetime, datetime, str]:
    """Return start and end as naive local times and the zone they are in: the event's own, else UTC for both."""
    if isinstance(time, AllDay):
        sound = has_midnight(time.start, time.zone) and has_midnight(time.end, time.zone)
        return midnight(time.start), midnight(time.end), time.zone if sound else "UTC"
    start, end = local_of(time.start, time.zone), local_of(time.end, time.zone)
    if start is None or end is None:
        return _in_utc(time.start), _in_utc(time.end), "UTC"
    return start, end, time.zone


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
