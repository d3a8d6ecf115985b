"""What a VEVENT says: text, people, place, reminder, as Graph's members; and what has no place there."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from local.ics.outcome import Json, Owner, Unrepresentable
from local.ics.reading import Vevent
from local.ics.times import Times
from local.ics.zones import instant

MOST_ATTENDEES = 500
_USED = frozenset({
    "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "SUMMARY", "DESCRIPTION", "X-ALT-DESC", "LOCATION", "CLASS",
    "TRANSP", "STATUS", "PRIORITY", "CATEGORIES", "ORGANIZER", "ATTENDEE", "RRULE", "EXRULE", "RDATE", "EXDATE",
    "RECURRENCE-ID", "SEQUENCE", "CREATED", "LAST-MODIFIED", "GEO", "X-MICROSOFT-CDO-BUSYSTATUS",
    "X-MICROSOFT-CDO-INTENDEDSTATUS", "X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT",
    "X-MICROSOFT-CDO-IMPORTANCE", "X-MICROSOFT-CDO-INSTTYPE",
})  # fmt: skip
_IMPORTANCE = {"0": "low", "1": "normal", "2": "high"}
_SENSITIVITY = {"PRIVATE": "private", "CONFIDENTIAL": "confidential"}
_BUSY = {"FREE": "free", "TENTATIVE": "tentative", "OOF": "oof", "WORKINGELSEWHERE": "workingElsewhere", "BUSY": "busy"}
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentativelyAccepted"}
_UNSET = "0001-01-01T00:00:00Z"


def content_of(vevent: Vevent, times: Times, owner: Owner) -> Json:
    """Return Graph's members but for times and recurrence. A cancelled event shows as Outlook shows one."""
    subject, cancelled = vevent.text("SUMMARY"), vevent.text("STATUS").upper() == "CANCELLED"
    event: Json = {
        "subject": f"Canceled: {subject}" if cancelled else subject,
        "body": _body(vevent),
        "location": _location(vevent),
        "categories": _categories(vevent),
        "sensitivity": _SENSITIVITY.get(vevent.text("CLASS").upper(), "normal"),
        "importance": _importance(vevent),
        "showAs": "free" if cancelled else _show_as(vevent),
    }
    if cancelled:
        event["isCancelled"] = True
    return event | _reminder(vevent, times) | _people(vevent, owner)


def unused_in(vevent: Vevent) -> Counter[str]:
    """Count the properties and components that the event loses, by name."""
    lost = Counter(str(name).upper() for name in vevent.component if str(name).upper() not in _USED)
    lost.update(f"{name} (cannot be read)" for name, _ in vevent.component.errors if name)
    alarms = sum(_minutes(alarm, None) is not None for alarm in _alarms(vevent))
    lost["VALARM (beyond the first)"] = max(0, alarms - 1)
    lost["VALARM (not for display)"] = len(vevent.component.walk("VALARM")) - alarms
    lost["ATTENDEE (without e-mail address)"] = sum(not _address(person) for person in vevent.every("ATTENDEE"))
    return +lost


def _importance(vevent: Vevent) -> str:
    """Outlook's own property counts before PRIORITY, whose 1-4 are high and 6-9 low (RFC 5545 section 3.8.1.9)."""
    told = _IMPORTANCE.get(vevent.text("X-MICROSOFT-CDO-IMPORTANCE"))
    priority = vevent.number("PRIORITY")
    return told or ("normal" if priority in (0, 5) else "high" if priority < 5 else "low")


def _location(vevent: Vevent) -> Json:
    place: Json = {"displayName": vevent.text("LOCATION")}
    spot = vevent.first("GEO")
    if spot is not None:
        place["coordinates"] = {"latitude": spot.latitude, "longitude": spot.longitude}
    return place


def _body(vevent: Vevent) -> Json:
    rich = vevent.first("X-ALT-DESC")
    if rich is not None and str(rich.params.get("FMTTYPE", "")).lower() == "text/html":
        return {"contentType": "html", "content": str(rich)}
    return {"contentType": "text", "content": vevent.text("DESCRIPTION")}


def _categories(vevent: Vevent) -> list[str]:
    names = [str(name).strip() for value in vevent.every("CATEGORIES") for name in getattr(value, "cats", [value])]
    return list(dict.fromkeys(name for name in names if name))


def _show_as(vevent: Vevent) -> str:
    told = _BUSY.get(vevent.text("X-MICROSOFT-CDO-BUSYSTATUS").upper())
    if told:
        return told
    if vevent.text("TRANSP").upper() == "TRANSPARENT":
        return "free"
    return "tentative" if vevent.text("STATUS").upper() == "TENTATIVE" else "busy"


def _alarms(vevent: Vevent) -> list[Any]:
    return [
        alarm for alarm in vevent.component.walk("VALARM") if str(alarm.get("ACTION", "DISPLAY")).upper() != "EMAIL"
    ]


def _reminder(vevent: Vevent, times: Times) -> Json:
    """Outlook holds one reminder, before the start; the earliest-written alarm wins (design, section 4)."""
    minutes = [found for alarm in _alarms(vevent) if (found := _minutes(alarm, times)) is not None]
    if not minutes:
        return {"isReminderOn": False}
    return {"isReminderOn": True, "reminderMinutesBeforeStart": max(0, minutes[0])}


def _minutes(alarm: Any, times: Times | None) -> int | None:
    """Return how long before the start an alarm rings; None when it has no trigger that can be read."""
    trigger = alarm.get("TRIGGER")
    at = getattr(trigger, "dt", None)
    if isinstance(at, timedelta):
        if times is not None and str(trigger.params.get("RELATED", "START")).upper() == "END":
            at += instant(times.end, times.end_zone) - instant(times.start, times.zone)
        return round(-at.total_seconds() / 60)
    if isinstance(at, datetime) and at.tzinfo is not None:
        return 0 if times is None else round((instant(times.start, times.zone) - at).total_seconds() / 60)
    return 0 if isinstance(at, date) else None


def _people(vevent: Vevent, owner: Owner) -> Json:
    organizer = vevent.first("ORGANIZER")
    host = _address(organizer) if organizer is not None else ""
    foreign = bool(host) and host.lower() != owner.address.lower()
    guests = [_attendee(person) for person in vevent.every("ATTENDEE") if _address(person)]
    if not foreign:
        guests = [guest for guest in guests if guest["emailAddress"]["address"].lower() != owner.address.lower()]
    if len(guests) > MOST_ATTENDEES:
        raise Unrepresentable(f"it has more than {MOST_ATTENDEES} attendees")
    people: Json = {"attendees": guests} if guests else {}
    if foreign:
        people["_organizer"] = {"name": _name(organizer), "address": host}
        own = [item["status"] for item in guests if item["emailAddress"]["address"].lower() == owner.address.lower()]
        if own:
            people["responseStatus"] = own[0]
    return people


def _attendee(person: Any) -> Json:
    params = person.params
    kind = "optional" if str(params.get("ROLE", "")).upper() in ("OPT-PARTICIPANT", "NON-PARTICIPANT") else "required"
    if str(params.get("CUTYPE", "")).upper() in ("RESOURCE", "ROOM"):
        kind = "resource"
    answer = _ANSWERS.get(str(params.get("PARTSTAT", "")).upper(), "notResponded")
    return {
        "type": kind,
        "emailAddress": {"address": _address(person), "name": _name(person)},
        "status": {"response": answer, "time": _UNSET},
    }


def _address(person: Any) -> str:
    text = str(person).strip()
    address = text[7:] if text.lower().startswith("mailto:") else text
    return address if address.count("@") == 1 and not set(address) & set(" <>:\t") else ""


def _name(person: Any) -> str:
    return str(person.params.get("CN", "")) or _address(person)
