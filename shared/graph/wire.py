"""Graph's event and calendar JSON to our values and back. Pure; names on the wire stay in this folder."""

import json
import re
from collections.abc import Container, Mapping
from datetime import date

from shared.core.canon import canonical
from shared.core.event import AllDay, Attendee, CalendarEvent, Field, OutlookKind, OutlookState, Place
from shared.core.integration import CalendarInfo
from shared.core.walltime import local_date
from shared.graph.etags import short_etag
from shared.graph.protocol import MARKER_ID, members, rows, text
from shared.graph.wire_body import description_of
from shared.graph.wire_time import (
    read_instant,
    read_time,
    recurrence_zone,
    write_time,
    zone_of,
)
from shared.ports import OutlookDraft, OutlookPatch

_PRIVATE = frozenset({"private", "confidential"})
_SHOWN_AS = ("free", "tentative", "busy", "oof", "workingElsewhere")
_OCCURRENCE = re.compile(r"OID\..+\.(\d{4}-\d{2}-\d{2})", re.DOTALL)
_ADDRESS_PARTS = ("street", "city", "state", "postalCode", "countryOrRegion")
_OF_THE_MASTER_ALONE = ("recurrence", "transactionId", "singleValueExtendedProperties", "occurrenceId", "originalStart")

Item = Mapping[str, object]


# --- Reading ------------------------------------------------------------------------------------------------------


def read_event(item: Item, *, series_zone: str = "") -> OutlookState:
    """Return an event that Graph gave in full. ``series_zone`` is the zone in which its series recurs, if known."""
    kind = _kind(item)
    content = CalendarEvent(
        title=text(item.get("subject")),
        time=read_time(item),
        description=description_of(item),
        location=read_place(members(item.get("location"))),
        private=text(item.get("sensitivity")).lower() in _PRIVATE,
        attendees=read_attendees(item),
    )
    return OutlookState(
        event_id=text(item.get("id")),
        etag=_etag(item),
        changed_at=read_instant(item.get("lastModifiedDateTime")),
        content=canonical(content),
        kind=kind,
        series_id=text(item.get("seriesMasterId")) or None,
        occurrence_date=_occurrence_date(item, kind, series_zone or zone_of(item)),
        is_organizer=item.get("isOrganizer") is not False,
        cancelled=item.get("isCancelled") is True,
        online_meeting=item.get("isOnlineMeeting") is True,
        transaction_id=text(item.get("transactionId")) or None,
        marker=_marker(item),
        categories=_strings(item.get("categories")),
        reminder_minutes=_reminder(item),
        show_as=text(item.get("showAs")) if item.get("showAs") in _SHOWN_AS else "busy",
    )


def fill_occurrence(occurrence: Item, master: Item) -> OutlookState:
    """Return a minimal occurrence with its master's content (facts S39, C40): it has times and ids alone.

    Its etag is the long form, of the change key that the whole series shares (section 2.3).
    """
    own = {name: value for name, value in occurrence.items() if value is not None}
    inherited = {name: value for name, value in master.items() if name not in _OF_THE_MASTER_ALONE}
    filled = {**inherited, **own, "type": OutlookKind.OCCURRENCE.value}
    return read_event(filled, series_zone=recurrence_zone(master))


def is_minimal(item: Item) -> bool:
    """Whether a delta item is an occurrence without content of its own."""
    return bool(item.get("seriesMasterId")) and "subject" not in item


def is_removed(item: Item) -> bool:
    """Whether a delta item says that an event is not in the window any more, which proves nothing (C38)."""
    return "@removed" in item


def read_place(location: Item) -> Place:
    """Return a location; its postal address goes on one line."""
    address = members(location.get("address"))
    parts = [text(address.get(name)).strip() for name in _ADDRESS_PARTS]
    return Place(name=text(location.get("displayName")), address=", ".join(part for part in parts if part))


def read_attendees(item: Item) -> tuple[Attendee, ...]:
    """Return the people on an event but for its organizer, whom invitees' copies list as well (section 2.7)."""
    organizer = text(members(members(item.get("organizer")).get("emailAddress")).get("address")).casefold()
    people = []
    for row in rows(item, "attendees"):
        mail = members(row.get("emailAddress"))
        person = Attendee(email=text(mail.get("address")), name=text(mail.get("name")))
        if (person.email or person.name) and not (organizer and person.email.casefold() == organizer):
            people.append(person)
    return tuple(people)


def read_calendar(item: Item) -> CalendarInfo:
    """Return a calendar; its colour is the custom one where there is one."""
    owner = members(item.get("owner"))
    return CalendarInfo(
        calendar_id=text(item.get("id")),
        name=text(item.get("name")),
        color=text(item.get("hexColor")) or text(item.get("color")) or "auto",
        is_default=item.get("isDefaultCalendar") is True,
        can_edit=item.get("canEdit") is not False,
        owner_name=text(owner.get("name")),
        owner_address=text(owner.get("address")),
    )


def _kind(item: Item) -> OutlookKind:
    try:
        return OutlookKind(text(item.get("type")))
    except ValueError:
        return OutlookKind.OCCURRENCE if item.get("seriesMasterId") else OutlookKind.SINGLE


def _etag(item: Item) -> str:
    if given := text(item.get("@odata.etag")):
        return short_etag(given)
    change_key = text(item.get("changeKey"))
    return f'W/"{change_key}"' if change_key else ""


def _occurrence_date(item: Item, kind: OutlookKind, zone: str) -> date | None:
    """``occurrenceId`` says it; without one, an occurrence that was not changed is where the pattern put it."""
    if kind not in (OutlookKind.OCCURRENCE, OutlookKind.EXCEPTION):
        return None
    if named := _OCCURRENCE.fullmatch(text(item.get("occurrenceId"))):
        try:
            return date.fromisoformat(named[1])
        except ValueError:
            pass
    if item.get("originalStart"):  # absent or null in many mailboxes (section 2.4)
        return local_date(read_instant(item.get("originalStart")), zone)
    if kind is OutlookKind.EXCEPTION:
        return None
    time = read_time(item)
    return time.start if isinstance(time, AllDay) else local_date(time.start, zone)


def _marker(item: Item) -> str | None:
    for row in rows(item, "singleValueExtendedProperties"):
        if _same_property(text(row.get("id"))):
            return text(row.get("value")) or None
    return None


def _same_property(identifier: str) -> bool:
    """The type and GUID may come back in another case; the name's case counts (section 2.9)."""
    ours, given = MARKER_ID.rpartition(" "), identifier.rpartition(" ")
    return given[2] == ours[2] and given[0].casefold() == ours[0].casefold()


def _reminder(item: Item) -> int | None:
    minutes = item.get("reminderMinutesBeforeStart")
    return minutes if item.get("isReminderOn") is True and isinstance(minutes, int) else None


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


# --- Writing ------------------------------------------------------------------------------------------------------


def compose_event(draft: OutlookDraft, *, refused_zones: Container[str] = ()) -> str:
    """Return the exact body of a create. The reminder, show-as and categories are said here and never again."""
    content = draft.content
    body: dict[str, object] = {
        "subject": draft.title,
        **write_time(content.time, refused=refused_zones),
        "sensitivity": "private" if content.private else "normal",
        "showAs": draft.show_as,
        "isReminderOn": draft.reminder_minutes is not None,
        "transactionId": draft.transaction_id,
        "singleValueExtendedProperties": [{"id": MARKER_ID, "value": draft.mapping_id}],
    }
    if draft.reminder_minutes is not None:
        body["reminderMinutesBeforeStart"] = draft.reminder_minutes
    if content.description:
        body["body"] = {"contentType": "text", "content": content.description}
    if content.location != Place():
        body["location"] = write_place(content.location)
    if draft.categories:
        body["categories"] = list(draft.categories)
    return dumps(body)


def patch_members(patch: OutlookPatch, *, refused_zones: Container[str] = ()) -> dict[str, object]:
    """Return the members of a PATCH; the body as plain text. ``ValueError`` for attendees: no sync writes them."""
    if Field.ATTENDEES in patch.fields:
        raise ValueError("attendees are never written by a sync")
    content, body = patch.content, dict[str, object]()
    if Field.TITLE in patch.fields:
        body["subject"] = patch.title
    if Field.TIME in patch.fields:
        body |= write_time(content.time, refused=refused_zones)
    if Field.LOCATION in patch.fields:
        body["location"] = write_place(content.location)
    if Field.PRIVATE in patch.fields:
        body["sensitivity"] = "private" if content.private else "normal"
    if Field.DESCRIPTION in patch.fields:
        body["body"] = {"contentType": "text", "content": content.description}
    return body


def write_place(place: Place) -> dict[str, object]:
    """Return a location with its address spelled out even when empty, so that an old one does not stay behind."""
    return {"displayName": place.name, "address": {"street": place.address}}


def dumps(body: Mapping[str, object]) -> str:
    """Return JSON text."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
