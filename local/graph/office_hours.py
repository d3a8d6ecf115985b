"""Working hours as their owner sets them in Outlook: days, two times and a zone (workinghours.md)."""

from datetime import time
from typing import Any

from local.graph.zones import zone
from local.simkit.bodies import text, texts

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
OWN_ZONE = "Customized Time Zone"
"""How Exchange names a zone that is none of its list (customtimezone.md)."""


def usual(zone_name: str) -> dict[str, Any]:
    """Return what a new mailbox has."""
    return _hours(("monday", "tuesday", "wednesday", "thursday", "friday"), time(8), time(17), {"name": zone_name})


def wanted(body: dict[str, Any]) -> dict[str, Any]:
    """Read what the owner sets; ValueError, or Graph's own error for an unknown zone."""
    days = texts(body, "daysOfWeek", ())
    if unknown := sorted(set(days) - set(DAYS)):
        raise ValueError(f"unknown day {unknown[0]!r}; one of {', '.join(DAYS)}")
    name = text(body, "timeZone")
    if name == OWN_ZONE:
        shown = {"@odata.type": "#microsoft.graph.customTimeZone", "name": name, "bias": -210}
    else:
        zone(name)
        shown = {"name": name}
    start, end = (time.fromisoformat(text(body, each)) for each in ("startTime", "endTime"))
    return _hours(days, start, end, shown)


def _hours(days: tuple[str, ...], start: time, end: time, zone_shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "daysOfWeek": list(days),
        "startTime": f"{start:%H:%M:%S}.0000000",
        "endTime": f"{end:%H:%M:%S}.0000000",
        "timeZone": zone_shown,
    }
