"""Mailboxes as their owners use them, for the control API: load, dump, edit, move, copy."""

import copy as copying
from datetime import date, datetime
from typing import Any

from local.graph import bodies, event_routes, events, views
from local.graph.errors import GraphError, item_not_found
from local.graph.knobs import Knobs
from local.graph.prefer import Prefer
from local.graph.projection import Projection
from local.graph.service import Graph
from local.graph.state import Calendar, Exceptional, Item, Mailbox
from local.graph.views import View
from local.simkit.bodies import checked_object, flag, objects, optional_text, text, texts

_READING = Projection(prefer=Prefer(immutable=True), knobs=Knobs(), base="https://graph.microsoft.com/v1.0")
_OWN = frozenset({"_exceptions", "_cancelled", "_organizer", "calendar"})


def calendar(mailbox: Mailbox, wanted: str | None) -> Calendar:
    """Return a calendar by id or name; the default one without either."""
    if not wanted:
        return mailbox.default_calendar
    for each in mailbox.calendars:
        if each.has_id(wanted) or each.name == wanted:
            return each
    raise item_not_found()


def find(mailbox: Mailbox, event_id: str) -> View:
    """Return the event with that id, in either form."""
    return views.find(mailbox, event_id)


def load(graph: Graph, mailbox: Mailbox, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Replace the mailbox's events without a notification or mail; what Graph would refuse is listed."""
    _check_own(*wanted)
    graph.store.quiet = True
    try:
        for each in mailbox.calendars:
            for item in list(each.items.values()):
                mailbox.remove(item, purge=True)
        mailbox.transactions.clear()
        return add(graph, mailbox, wanted)
    finally:
        graph.store.quiet = False


def add(graph: Graph, mailbox: Mailbox, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Add events without mail, as Outlook's import of a file does; what Graph would refuse is listed."""
    _check_own(*wanted)
    refused: list[dict[str, Any]] = []
    graph.outbox.quiet = True
    try:
        for index, entry in enumerate(wanted):
            try:
                _load_one(graph, mailbox, entry)
            except GraphError as error:
                refused.append({"index": index, "code": error.code, "message": error.message})
    finally:
        graph.outbox.quiet = False
    return {"loaded": len(wanted) - len(refused), "refused": refused}


def _load_one(graph: Graph, mailbox: Mailbox, entry: dict[str, Any]) -> None:
    body = {name: value for name, value in entry.items() if name not in _OWN}
    target = mailbox.default_calendar
    if name := entry.get("calendar"):
        known = [each for each in mailbox.calendars if each.has_id(name) or each.name == name]
        target = known[0] if known else mailbox.add_calendar(name)
    item = events.create(mailbox, target, events.check(body, graph.knobs), graph.knobs)
    try:
        _adorn(graph, item, entry)
    except GraphError:
        mailbox.remove(item, purge=True)
        raise


def _check_own(*entries: dict[str, Any]) -> None:
    """Refuse what only the control API takes and is of the wrong type, before anything is done."""
    for entry in entries:
        optional_text(entry, "calendar")
        for day in texts(entry, "_cancelled", ()):
            date.fromisoformat(day)
        for changed in objects(entry, "_exceptions"):
            date.fromisoformat(text(changed, "originalDate"))
        if entry.get("_organizer") is not None:
            organizer = checked_object(entry["_organizer"])
            text(organizer, "address")
            optional_text(organizer, "name")
        if entry.get("isCancelled") is not None:
            flag(entry, "isCancelled", False)
        status = checked_object(entry.get("responseStatus") or {})
        if set(status) - {"response", "time"} or not all(isinstance(value, str) for value in status.values()):
            raise ValueError("'responseStatus' takes response and time")


def _adorn(graph: Graph, item: Item, entry: dict[str, Any]) -> None:
    """Apply what only an owner's Outlook can: exceptions, cancelled dates, another organizer, a cancelled meeting."""
    for day in entry.get("_cancelled", []):
        item.cancelled.add(_instance(item, day).day or date.min)
    for changed in entry.get("_exceptions", []):
        patch_body = {name: value for name, value in changed.items() if name != "originalDate"}
        view = _instance(item, changed["originalDate"])
        current = Exceptional(day=view.day or date.min, span=view.span)
        written = events.check(patch_body, graph.knobs)
        item.exceptions[current.day] = events.patch_occurrence(item, current, written)
    organizer = entry.get("_organizer")
    if organizer:
        item.organizer = {"name": organizer.get("name") or organizer["address"], "address": organizer["address"]}
        item.is_organizer = False
        item.props["responseStatus"] = {"response": "notResponded", "time": "0001-01-01T00:00:00Z"}
    for name in ("isCancelled", "responseStatus"):
        if entry.get(name) is not None:
            item.props[name] = entry[name]


def _instance(item: Item, day: str) -> View:
    found = views.instance(item, date.fromisoformat(day))
    if found is None:
        raise GraphError(400, "ErrorItemNotFound", f"The series has no occurrence on {day}.")
    return found


def full(view: View) -> dict[str, Any]:
    """Return an event as read in UTC with immutable ids, and what only the control API says."""
    item = view.item
    text = bodies.to_text(view.props["body"]).replace("\r\n", "\n").rstrip("\n")
    own = Projection(prefer=Prefer(), knobs=Knobs(), base="").event(view)["id"]
    return {
        **_READING.event(view),
        "regularId": own,
        "calendarId": item.calendar.immutable_id,
        "calendarName": item.calendar.name,
        "bodyText": text,
        "singleValueExtendedProperties": [{"id": key, "value": value} for key, value in item.extended.items()],
        "extensions": [{"extensionName": name, **members} for name, members in item.extensions.items()],
    }


def dump(item: Item) -> dict[str, Any]:
    """Return a stored item; a master with its exceptions and cancelled dates."""
    shown = full(views.stored(item))
    if item.recurrence:
        changed = sorted(item.exceptions.values(), key=lambda each: each.day)
        shown["_exceptions"] = [
            {"originalDate": each.day.isoformat(), **full(views.exceptional(item, each))} for each in changed
        ]
        shown["_cancelled"] = [day.isoformat() for day in sorted(item.cancelled)]
    return shown


def view(calendars: list[Calendar], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return every event in the range, each in full."""
    found = [each for kept in calendars for each in views.calendar_view(kept, start, end)]
    return [full(each) for each in sorted(found, key=lambda each: each.span.start)]


def create(graph: Graph, mailbox: Mailbox, target: Calendar, body: dict[str, Any]) -> dict[str, Any]:
    """Create an event as Outlook's own window does."""
    _check_own(body)
    plain = {name: value for name, value in body.items() if name not in _OWN}
    item = events.create(mailbox, target, events.check(plain, graph.knobs), graph.knobs)
    item.transaction_id = _own_transaction(mailbox)
    _adorn(graph, item, body)
    graph.outbox.created(item)
    return full(views.stored(item))


def _own_transaction(mailbox: Mailbox) -> str:
    """Return a ``transactionId`` as Outlook's own window gives one."""
    return f"localevent:{mailbox.store.source.guid(f'localevent {mailbox.account.upn}')}"


def patch(graph: Graph, mailbox: Mailbox, event_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Edit an event, series or occurrence as Outlook's own window does.

    Beside what a client may write: ``isCancelled``, ``responseStatus``, attendees with the ``status`` that they
    answered, and ``"_asOrganizer": true`` for what the organizer's update changes on an attendee's copy.
    """
    found = find(mailbox, event_id)
    _check_own(body)
    as_organizer = flag(body, "_asOrganizer", False)
    body = {name: value for name, value in body.items() if name != "_asOrganizer"}
    written = events.check(body, graph.knobs)
    own = {name: body[name] for name in ("isCancelled", "responseStatus") if body.get(name) is not None}
    found.item.props = found.item.props | own
    now = event_routes.change(graph, found, written, as_organizer=as_organizer)
    if "attendees" in written.props and found.day is None:
        found.item.props["attendees"] = written.props["attendees"]
    return full(now if found.day else views.stored(found.item))


def delete(graph: Graph, mailbox: Mailbox, event_id: str) -> None:
    """Delete an event, series or occurrence."""
    event_routes.drop(graph, find(mailbox, event_id))


def move(mailbox: Mailbox, event_id: str, calendar_id: str) -> dict[str, Any]:
    """Drag an event or series to another calendar."""
    item = find(mailbox, event_id).item
    mailbox.move(item, calendar(mailbox, calendar_id))
    return full(views.stored(item))


def copy(mailbox: Mailbox, event_id: str, calendar_id: str | None) -> dict[str, Any]:
    """Duplicate an event as Outlook does: the copy carries the extended properties, but not the guests."""
    found = find(mailbox, event_id)
    origin = found.item
    target = calendar(mailbox, calendar_id) if calendar_id else origin.calendar
    props = copying.deepcopy(found.props) | {"attendees": []}
    item = mailbox.new_item(target, span=found.span, props=props)
    item.extended = dict(origin.extended)
    item.extensions = copying.deepcopy(origin.extensions)
    item.transaction_id = _own_transaction(mailbox)
    if found.day is None:
        item.recurrence = origin.recurrence
        item.exceptions = copying.deepcopy(origin.exceptions)
        item.cancelled = set(origin.cancelled)
    mailbox.written(item, "created")
    return full(views.stored(item))
