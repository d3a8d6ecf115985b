"""WedSync's event JSON to our values and back. Pure; names on the wire stay in this folder."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from shared.core.canon import canonical
from shared.core.event import (
    AllDay,
    Attendee,
    CalendarEvent,
    EventTime,
    EventType,
    Field,
    Place,
    Side,
    Timed,
    WedSyncState,
)
from shared.core.walltime import instant_of, midnight, wall_clock
from shared.core.zones import iana_of
from shared.errors import Rejected
from shared.log import log_action
from shared.ports import WedSyncDraft, WedSyncPage
from shared.wedsync.protocol import SERVICE

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MOST_ATTENDEES = 500

Item = Mapping[str, object]


# --- Reading ------------------------------------------------------------------------------------------------------


def read_event(item: object) -> WedSyncState:
    """Return an event or a tombstone; ``Rejected`` if it lacks what identifies and orders it."""
    row = _members(item)
    event_id, version = row.get("id"), row.get("version")
    if not isinstance(event_id, str) or not event_id or not isinstance(version, int):
        raise Rejected(SERVICE, code="MalformedEvent")
    minutes = row.get("travelMinutes")
    return WedSyncState(
        event_id=event_id,
        version=version,
        updated_at=_instant(row.get("updatedAt")),
        content=canonical(_content(row)),
        event_type=_event_type(row.get("type")),
        source=Side.OUTLOOK if row.get("source") == "outlook" else Side.WEDSYNC,
        external_id=_text(row.get("externalId")) or None,
        travel_minutes=minutes if isinstance(minutes, int) else None,
        url=_text(row.get("url")),
        deleted=row.get("deleted") is True,
    )


def read_page(body: object) -> WedSyncPage:
    """Return a page of changes. An event that cannot be read is named and left out; it spoils no other."""
    page = _members(body)
    events, cursor = page.get("events"), page.get("nextCursor")
    if not isinstance(events, list) or not isinstance(cursor, str):
        raise Rejected(SERVICE, code="MalformedPage")
    states: list[WedSyncState] = []
    unreadable: list[str] = []
    for item in events:
        try:
            states.append(read_event(item))
        except Rejected as fault:
            event_id = _text(_members(item).get("id"))
            log_action("wedsync_event_unreadable", event=event_id, fault_code=fault.code)
            unreadable += [event_id] if event_id else []
    return WedSyncPage(
        events=tuple(states), cursor=cursor, more=page.get("hasMore") is True, unreadable=tuple(unreadable)
    )


def _content(row: Item) -> CalendarEvent:
    place = _members(row.get("location"))
    people = row.get("attendees")
    rows = [_members(person) for person in people] if isinstance(people, list) else []
    return CalendarEvent(
        title=_text(row.get("title")),
        time=_read_time(row),
        description=_text(row.get("description")),
        location=Place(name=_text(place.get("name")), address=_text(place.get("address"))),
        private=row.get("private") is True,
        attendees=tuple(Attendee(email=_text(person.get("email")), name=_text(person.get("name"))) for person in rows),
    )


def _read_time(row: Item) -> EventTime:
    zone = iana_of(_text(row.get("timeZone"))) or "UTC"
    start, end = _local(row.get("start")), _local(row.get("end"))
    if row.get("allDay") is True:
        return AllDay(start=start.date(), end=end.date(), zone=zone)
    return Timed(start=instant_of(start, zone), end=instant_of(end, zone), zone=zone)


def _local(value: object) -> datetime:
    try:
        return datetime.fromisoformat(_text(value)).replace(tzinfo=None)
    except ValueError:
        raise Rejected(SERVICE, code="MalformedTime") from None


def _instant(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _NEVER


def _event_type(value: object) -> EventType:
    """An unknown type, which a newer WedSync may have, counts as a client meeting."""
    try:
        return EventType(_text(value))
    except ValueError:
        return EventType.CLIENT_MEETING


# --- Writing ------------------------------------------------------------------------------------------------------


def compose_event(draft: WedSyncDraft) -> str:
    """Return the exact body of a create."""
    body: dict[str, object] = {"type": draft.event_type.value}
    for field in Field:
        body |= _MEMBERS[field](draft.content)
    return dumps({**body, "source": Side.OUTLOOK.value, "externalId": draft.external_id})


def patch_members(fields: frozenset[Field], content: CalendarEvent) -> dict[str, object]:
    """Return the members of a PATCH."""
    body: dict[str, object] = {}
    for field in Field:
        if field in fields:
            body |= _MEMBERS[field](content)
    return body


def write_time(time: EventTime) -> dict[str, object]:
    """Return the four members that say when: local to the event's zone; UTC where that is not one clear time."""
    if isinstance(time, AllDay):  # dates: WedSync makes no instants of them
        return _times(midnight(time.start), midnight(time.end), time.zone, all_day=True)
    return _times(*wall_clock(time), all_day=False)


def _times(start: datetime, end: datetime, zone: str, *, all_day: bool) -> dict[str, object]:
    return {
        "start": start.isoformat(timespec="seconds"),
        "end": end.isoformat(timespec="seconds"),
        "timeZone": zone,
        "allDay": all_day,
    }


def _people(content: CalendarEvent) -> list[dict[str, str]]:
    """WedSync takes people with an address only."""
    known = [person for person in content.attendees if _EMAIL.fullmatch(person.email)]
    return [{"email": person.email, "name": person.name} for person in known[:_MOST_ATTENDEES]]


_MEMBERS: Mapping[Field, Callable[[CalendarEvent], dict[str, object]]] = {
    Field.TITLE: lambda content: {"title": content.title},
    Field.DESCRIPTION: lambda content: {"description": content.description},
    Field.TIME: lambda content: write_time(content.time),
    Field.LOCATION: lambda content: {"location": {"name": content.location.name, "address": content.location.address}},
    Field.PRIVATE: lambda content: {"private": content.private},
    Field.ATTENDEES: lambda content: {"attendees": _people(content)},
}


def dumps(body: Item) -> str:
    """Return JSON text."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _members(value: object) -> Item:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
