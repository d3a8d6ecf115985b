"""Graph event JSON as a mailbox's owner would have made it in Outlook."""

from datetime import date, datetime, time, timedelta
from typing import Any

Json = dict[str, Any]


def meeting_times(start: datetime, *, minutes: int, zone: str, end_zone: str | None = None) -> Json:
    """Return start and end; ``minutes`` are counted on the clock face. A flight ends in another zone."""
    return {
        "start": _moment(start, zone),
        "end": _moment(start + timedelta(minutes=minutes), end_zone or zone),
        "isAllDay": False,
    }


def whole_days(first: date, *, zone: str, days: int = 1) -> Json:
    """Return an all-day event's times, midnight to midnight (S22), shown free and silent as Outlook makes them."""
    start = datetime.combine(first, time())
    return {
        "start": _moment(start, zone),
        "end": _moment(start + timedelta(days=days), zone),
        "isAllDay": True,
        "showAs": "free",
        "isReminderOn": False,
    }


def html(text: str) -> Json:
    """Return an HTML body as Outlook's editor writes it; ``text`` is markup already."""
    return {"contentType": "html", "content": f"<html><body><div>{text}</div></body></html>"}


def plain(text: str) -> Json:
    """Return a text body."""
    return {"contentType": "text", "content": text}


def place(name: str) -> Json:
    """Return a location with nothing but its name."""
    return {"displayName": name}


def guest(address: str, name: str, kind: str = "required") -> Json:
    """Return an attendee who has been invited."""
    return {"type": kind, "emailAddress": {"address": address, "name": name}}


def _moment(local: datetime, zone: str) -> dict[str, str]:
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": zone}
