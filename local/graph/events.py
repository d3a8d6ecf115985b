"""The rules of writing events: which members, defaults, times, meetings (S14-S22, S25, S36)."""

from dataclasses import dataclass, field, replace
from typing import Any

from local.graph import online, recurrence, values
from local.graph.errors import invalid_body, invalid_request, validation_failure
from local.graph.knobs import Knobs
from local.graph.state import Calendar, Exceptional, Item, Mailbox, Span
from local.graph.values import Moment
from local.graph.zones import writable_zone

_CHECKS = {
    "subject": values.text,
    "body": values.body,
    "importance": values.one_of(values.IMPORTANCE),
    "sensitivity": values.one_of(values.SENSITIVITY),
    "showAs": values.one_of(values.SHOW_AS),
    "categories": values.strings,
    "isReminderOn": values.boolean,
    "reminderMinutesBeforeStart": values.whole,
    "responseRequested": values.boolean,
    "allowNewTimeProposals": values.boolean,
    "hideAttendees": values.boolean,
    "isOnlineMeeting": values.boolean,
    "onlineMeetingProvider": values.one_of(values.PROVIDERS),
    "location": values.location,
    "locations": values.locations,
    "attendees": values.attendees,
}
_TIMES = frozenset({"start", "end", "isAllDay"})
_APART = frozenset({"recurrence", "singleValueExtendedProperties", "extensions", "transactionId"})
WRITABLE = frozenset(_CHECKS) | _TIMES | _APART
IGNORED: dict[str, type] = {
    **dict.fromkeys(("id", "changeKey", "iCalUId", "uid", "webLink", "seriesMasterId", "type", "occurrenceId"), str),
    **dict.fromkeys(("createdDateTime", "lastModifiedDateTime", "bodyPreview", "onlineMeetingUrl"), str),
    **dict.fromkeys(("originalStart", "originalStartTimeZone", "originalEndTimeZone"), str),
    **dict.fromkeys(("isOrganizer", "isCancelled", "hasAttachments", "isDraft"), bool),
    **dict.fromkeys(("organizer", "onlineMeeting", "responseStatus"), dict),
    "cancelledOccurrences": list,
}
"""Read-only members of the type, with their JSON types: Graph takes them in a body and keeps its own values (S14)."""
ORGANIZERS_OWN = frozenset(
    ["subject", "body", "start", "end", "isAllDay", "location", "locations", "attendees", "recurrence"]
)
"""What an attendee may not change on their copy (section 2.7; the exact answer is assumed)."""


@dataclass(kw_only=True)
class Written:
    """A checked body: members as stored, times as moments, and what is stored apart."""

    props: dict[str, Any]
    start: Moment | None = None
    end: Moment | None = None
    all_day: bool | None = None
    recurrence: Any = None
    recurs: bool = False
    extended: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, dict[str, Any]] = field(default_factory=dict)
    transaction_id: str | None = None
    names: frozenset[str] = frozenset()


def check(body: Any, knobs: Knobs) -> Written:
    """Check a POST or PATCH body against the schema; unknown members, wrong types and enum values are 400."""
    if not isinstance(body, dict):
        raise invalid_body("Unable to read JSON request payload. The payload must be an object.")
    _refuse_wrong_read_only(body)
    names = [name for name in body if "@" not in name and name not in IGNORED]
    for name in names:
        if name not in WRITABLE:
            raise values.unknown_member(name)
    made = Written(props={n: _CHECKS[n](n, body[n]) for n in names if n in _CHECKS}, names=frozenset(names))
    if "start" in body:
        made.start = values.moment("start", body["start"])
    if "end" in body:
        made.end = values.moment("end", body["end"])
    if "isAllDay" in body:
        made.all_day = values.boolean("isAllDay", body["isAllDay"])
    made.recurs, made.recurrence = "recurrence" in body, body.get("recurrence")
    if "singleValueExtendedProperties" in body:
        made.extended = values.extended("singleValueExtendedProperties", body["singleValueExtendedProperties"])
    if "extensions" in body:
        made.extensions = values.extensions("extensions", body["extensions"])
    made.transaction_id = values.text("transactionId", body.get("transactionId")) or None
    _settle(made.props, knobs)
    return made


def _refuse_wrong_read_only(body: dict[str, Any]) -> None:
    """Refuse a read-only member of another JSON type: the body is read by the schema before anything is ignored."""
    for name, kind in IGNORED.items():
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise values.wrong_type(name, {str: "Edm.String", bool: "Edm.Boolean"}.get(kind, "Complex"))


def _settle(props: dict[str, Any], knobs: Knobs) -> None:
    """Cut the subject (S19) and keep ``location`` and ``locations`` equal (section 2.7)."""
    if "subject" in props:
        subject = props["subject"].strip() if knobs.trimSubject else props["subject"]
        props["subject"] = subject[: knobs.subjectLimit]
    if "location" in props:
        first = props["location"]
        rest = props.get("locations", [])[1:]
        props["locations"] = [first, *rest] if first["displayName"] else []
    elif "locations" in props:
        places = props["locations"]
        props["location"] = places[0] if places else values.EMPTY_LOCATION


def create(mailbox: Mailbox, calendar: Calendar, written: Written, knobs: Knobs) -> Item:
    """Store a new event and log it as created; the caller mails."""
    if written.start is None or written.end is None:
        raise validation_failure()
    span = _span(written, None)
    rule = None
    if written.recurrence is not None:
        rule = recurrence.parse(written.recurrence, start=span.start, start_zone=span.start_zone)
    props = _defaults(span, knobs) | written.props
    online.meet(props, calendar)
    item = mailbox.new_item(calendar, span=span, props=props)
    item.recurrence = rule
    item.extended |= written.extended
    item.extensions |= written.extensions
    item.transaction_id = written.transaction_id
    mailbox.written(item, "created")
    return item


def _defaults(span: Span, knobs: Knobs) -> dict[str, Any]:
    """What Graph fills in (S15)."""
    return {
        "subject": "",
        "body": "",
        "importance": "normal",
        "sensitivity": "normal",
        "showAs": knobs.allDayShowAs if span.all_day else "busy",
        "categories": [],
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "responseRequested": True,
        "allowNewTimeProposals": True,
        "hideAttendees": False,
        **online.OFFLINE,
        "isCancelled": False,
        "responseStatus": {"response": "organizer", "time": values.UNSET_TIME},
        "location": values.EMPTY_LOCATION,
        "locations": [],
        "attendees": [],
    }


def _span(written: Written, old: Span | None) -> Span:
    """Return the event's times after this write, or refuse them (S22)."""
    all_day = written.all_day if written.all_day is not None else bool(old and old.all_day)
    turned = old is not None and all_day and not old.all_day
    if turned and (written.start is None or written.end is None):
        raise invalid_request("The Event.Start property for an all-day event needs to be set to midnight.")
    for moment, name in ((written.start, "Start"), (written.end, "End")):
        if all_day and moment is not None and not moment.midnight:
            raise invalid_request(f"The Event.{name} property for an all-day event needs to be set to midnight.")
    start_zone = written.start.zone if written.start else old.start_zone if old else "UTC"
    end_zone = written.end.zone if written.end else old.end_zone if old else "UTC"
    start = written.start.instant if written.start else old.start if old else None
    end = written.end.instant if written.end else old.end if old else None
    if start is None or end is None:
        raise validation_failure()
    if all_day and writable_zone(start_zone) is not writable_zone(end_zone):
        raise invalid_request("The Event.Start and Event.End of an all-day event must be in the same time zone.")
    if end < start or (all_day and end == start):
        raise validation_failure()
    return Span(start=start, end=end, start_zone=start_zone, end_zone=end_zone, all_day=all_day)


def patch(item: Item, written: Written, knobs: Knobs) -> None:
    """Change a single event or a whole series; the caller logs and mails."""
    if "transactionId" in written.names:
        raise invalid_body("The property 'transactionId' is read-only after creation.")
    span = _span(written, item.span)
    rule = _patched_rule(item, written, span)
    if rule != item.recurrence and not knobs.keepExceptions:
        item.exceptions.clear()
        item.cancelled.clear()
    item.recurrence = rule
    item.span = span
    item.props = _merged(item.props, written.props)
    online.meet(item.props, item.calendar)
    item.extended |= written.extended
    item.extensions |= written.extensions


def _patched_rule(item: Item, written: Written, span: Span) -> recurrence.Recurrence | None:
    if written.recurs:
        if written.recurrence is None:
            return None
        return recurrence.parse(written.recurrence, start=span.start, start_zone=span.start_zone)
    if item.recurrence is not None and span.start != item.span.start:
        return recurrence.moved(item.recurrence, span.start)
    return item.recurrence


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Lay new members over old ones: known attendees keep their answers, a lost join block ends the meeting."""
    merged = old | new
    if "attendees" in new:
        known = {a["emailAddress"]["address"].lower(): a["status"] for a in old["attendees"]}
        merged["attendees"] = [
            a | {"status": known.get(a["emailAddress"]["address"].lower(), a["status"])} for a in new["attendees"]
        ]
    return merged | online.kept(old, new)


def patch_occurrence(item: Item, current: Exceptional, written: Written) -> Exceptional:
    """Return the exception that an edited occurrence becomes (S30); the caller checks neighbours and stores it."""
    if written.recurs and written.recurrence is not None:
        raise invalid_request("The recurrence of a single occurrence cannot be set.")
    if written.extended or written.extensions:
        raise invalid_request("Extended properties of a single occurrence cannot be set.")
    span = _span(written, current.span)
    whole = _merged(item.props | current.overrides, written.props)
    changed = {name: whole[name] for name in (*written.props, *current.overrides)}
    return replace(current, span=span, overrides=changed)
