"""From a TZID to a zone name that Graph takes: by name, by X-LIC-LOCATION, or by comparing offsets."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone import tzid_from_tzinfo
from tzlocal.windows_tz import tz_win, win_tz

_REFUSED = frozenset({"Africa/Casablanca", "Africa/El_Aaiun", "Morocco Standard Time"})
"""Real zones that Exchange refuses on write (contrib #1609, S21)."""
KNOWN = (frozenset(tz_win) | frozenset(win_tz)) - _REFUSED - {""}
_COMMON = (
    "W. Europe Standard Time", "GMT Standard Time", "Eastern Standard Time", "Central Standard Time",
    "Mountain Standard Time", "Pacific Standard Time", "E. Europe Standard Time", "AUS Eastern Standard Time",
    "New Zealand Standard Time", "E. South America Standard Time",
)  # fmt: skip
"""Tried before others whose offsets are alike: New York rather than Havana."""
_YEARS_ALIKE = 3


@cache
def place(name: str) -> ZoneInfo:
    """Return the rules of a Windows or IANA name."""
    return ZoneInfo(win_tz.get(name, name))


class Zones:
    """Names zones for one calendar. ``locations`` maps a VTIMEZONE's TZID to its X-LIC-LOCATION."""

    def __init__(self, home: str, locations: dict[str, str]) -> None:
        self.home = home
        self._locations = locations
        self._found: dict[tuple[str, int], str | None] = {}

    def name(self, tzid: str | None, moment: datetime) -> str | None:
        """Return Graph's name for the zone of a moment; None when there is no such zone.

        ``moment`` is aware when the calendar told the zone's offsets. Without TZID and offset it is floating, and is
        at home, as is a TZID of which nothing but the name is known.
        """
        if moment.tzinfo is None:
            return (tzid and self._by_name(tzid)) or self.home
        written = tzid or tzid_from_tzinfo(moment.tzinfo) or ""
        named = self._by_name(written)
        if named:
            return named
        key = (written, moment.year)
        if key not in self._found:
            self._found[key] = self._by_offsets(moment)
        return self._found[key]

    def knows(self, tzid: str) -> bool:
        """Whether the name alone says which zone is meant."""
        return self._by_name(tzid) is not None

    def _by_name(self, tzid: str) -> str | None:
        for candidate in (tzid, self._locations.get(tzid, "")):
            parts = candidate.split("/")
            for first in range(len(parts)):
                name = "/".join(parts[first:])
                if name in KNOWN:
                    return name
        return None

    def _by_offsets(self, moment: datetime) -> str | None:
        assert moment.tzinfo is not None
        samples = [moment + timedelta(days=days) for days in range(0, 366 * _YEARS_ALIKE, 5)]
        candidates = (self.home, *_COMMON, *win_tz, *tz_win)
        return next((name for name in candidates if name in KNOWN and _alike(moment.tzinfo, name, samples)), None)


def local(moment: datetime, zone: str) -> datetime:
    """Return the wall time in ``zone``; a naive moment is that wall time already."""
    return moment if moment.tzinfo is None else moment.astimezone(place(zone)).replace(tzinfo=None)


def instant(wall: datetime, zone: str) -> datetime:
    """Return the instant of a wall time; the first of two in a fold, as RFC 5545 section 3.3.5 reads it."""
    return wall.replace(tzinfo=place(zone)).astimezone(UTC)


def _alike(rules: tzinfo, name: str, samples: Iterable[Any]) -> bool:
    candidate = place(name)
    return all(
        rules.utcoffset(sample.replace(tzinfo=None)) == candidate.utcoffset(sample.replace(tzinfo=None))
        for sample in samples
    )
