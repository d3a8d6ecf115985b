"""Time zones as Exchange takes them: Windows names and the IANA names of its own list (S20, S21)."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

from local.graph.errors import GraphError, validation_failure

REFUSED_ON_WRITE = frozenset({"Africa/Casablanca", "Africa/El_Aaiun", "Morocco Standard Time"})
"""Real zones that Exchange refuses on write with ErrorPropertyValidationFailure (contrib #1609)."""


_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?")


def instant(written: str) -> datetime:
    """Return the UTC instant of a written date and time, UTC where no offset is said; ValueError for another form of
    ISO 8601 and for what lies outside the years that there are."""
    if not _INSTANT.fullmatch(written):
        raise ValueError(written)
    parsed = datetime.fromisoformat(written)
    try:
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(written) from None


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the zone of a Windows or listed IANA name, else 400 TimeZoneNotSupportedException."""
    iana = win_tz.get(name) or (name if name in tz_win else None)
    if iana is None:
        raise GraphError(
            400,
            "TimeZoneNotSupportedException",
            f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
        )
    return ZoneInfo(iana)


def writable_zone(name: str) -> ZoneInfo:
    """Return the zone for a value in a request body."""
    if name in REFUSED_ON_WRITE:
        raise validation_failure()
    return zone(name)


@lru_cache(maxsize=1024)
def windows_name(name: str) -> str:
    """Return the Windows name, which minimal occurrences carry whatever the client asked for (S39)."""
    return name if name in win_tz else tz_win.get(name, name)


def to_utc(local: datetime, zone_name: str) -> datetime:
    """Return the instant of a naive local time; a time in a gap moves forward, in a fold the first counts."""
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def to_local(instant: datetime, zone_name: str) -> datetime:
    """Return the naive local time of an instant."""
    return instant.astimezone(zone(zone_name)).replace(tzinfo=None)


def wire(instant: datetime, zone_name: str) -> dict[str, str]:
    """Return a dateTimeTimeZone with seven fraction digits (S14), echoing the zone's name as given."""
    local = to_local(instant, zone_name)
    return {"dateTime": f"{local.isoformat(timespec='microseconds')}0", "timeZone": zone_name}


def wire_utc(instant: datetime) -> str:
    """Return a DateTimeOffset with seven fraction digits."""
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"


def supported() -> list[dict[str, str]]:
    """Return Windows zones as ``supportedTimeZones`` lists them."""
    return [{"alias": name, "displayName": name} for name in sorted(win_tz)]


def supported_iana() -> list[dict[str, str]]:
    """Return the IANA names that are taken."""
    return [{"alias": name, "displayName": name} for name in sorted(tz_win)]
