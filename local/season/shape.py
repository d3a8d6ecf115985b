"""The WedSync Events API shape with everything at its default."""

from datetime import date, datetime, time, timedelta
from typing import Any


def timed(start: datetime, *, minutes: int, zone: str) -> dict[str, Any]:
    """Return an event from wall time to wall time: ``minutes`` are counted on the clock face of ``zone``."""
    return _event(start, start + timedelta(minutes=minutes), zone=zone, whole_days=False)


def all_day(first: date, *, zone: str, days: int = 1) -> dict[str, Any]:
    """Return an event of whole days: midnight to midnight, end exclusive."""
    start = datetime.combine(first, time())
    return _event(start, start + timedelta(days=days), zone=zone, whole_days=True)


def _event(start: datetime, end: datetime, *, zone: str, whole_days: bool) -> dict[str, Any]:
    return {
        "type": "client_meeting",
        "title": "",
        "description": "",
        "start": start.isoformat(timespec="seconds"),
        "end": end.isoformat(timespec="seconds"),
        "timeZone": zone,
        "allDay": whole_days,
        "location": {"name": "", "address": ""},
        "attendees": [],
        "travelMinutes": None,
        "private": False,
        "url": "",
        "source": "wedsync",
        "externalId": None,
    }
