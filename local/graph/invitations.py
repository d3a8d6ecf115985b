"""What becomes of a meeting's mails in the mailboxes of the stand: copies, their updates, and answers (S33, S34).

Exchange does this in the recipient's mailbox when the mail arrives, so whatever is not mailed changes nothing there:
a PATCH of ``attendees`` alone leaves the copies of those who stay as they were, and an answer with ``sendResponse``
false never reaches the organizer.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from local.graph import views
from local.graph.knobs import Knobs
from local.graph.state import Exceptional, Item, Mailbox, Store
from local.graph.values import UNSET_TIME
from local.graph.zones import wire_utc

_ORGANIZERS = (
    "subject",
    "body",
    "importance",
    "sensitivity",
    "location",
    "locations",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "onlineMeeting",
    "responseRequested",
    "allowNewTimeProposals",
    "hideAttendees",
)
"""Members that an update brings; categories, reminder and showAs are the attendee's own from the first day on."""
UNANSWERED = {"response": "notResponded", "time": UNSET_TIME}
"""An attendee's own ``responseStatus`` before the answer; everybody else reads ``none`` (responsestatus.md)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One mail about a meeting to one address. ``kind`` is invitation, update, cancellation or response; ``day`` names
    the occurrence that it is about; ``answer`` and ``proposal`` belong to a response."""

    item: Item
    kind: str
    to: str
    day: date | None = None
    comment: str = ""
    answer: str = ""
    proposal: dict[str, Any] | None = None
    asks_again: bool = False


@dataclass(kw_only=True)
class Invitations:
    """Delivers letters between the mailboxes of the stand; an address elsewhere is nobody's."""

    store: Store
    knobs: Knobs

    def deliver(self, letter: Letter) -> None:
        """Let the recipient's mailbox act on a letter."""
        box = self._box(letter.to)
        if box is None or box is letter.item.calendar.mailbox:
            return
        if letter.kind == "response":
            self._tally(box, letter)
        elif letter.kind == "cancellation":
            self._cancel(box, letter)
        else:
            self._invite(box, letter)

    def _box(self, address: str) -> Mailbox | None:
        return next((box for upn, box in self.store.mailboxes.items() if upn.lower() == address.lower()), None)

    def _invite(self, box: Mailbox, letter: Letter) -> None:
        """Put a copy into the default calendar, or bring the one that is there up to date."""
        origin, copy = letter.item, _meeting(box, letter.item.uid, organizer=False)
        if copy is None:
            self._first(box, origin)
            return
        again = copy.props["isCancelled"] or letter.asks_again
        own = copy.props["responseStatus"]["response"]
        copy.props = copy.props | _content(origin.props, origin, box) | {"isCancelled": False}
        if again:
            copy.props = copy.props | {"responseStatus": UNANSWERED, "showAs": "tentative"}
        elif own not in ("notResponded", "none"):
            copy.props["attendees"] = answered(copy.props["attendees"], box.account.upn, own)
        copy.span, copy.recurrence, copy.intended = origin.span, origin.recurrence, origin.props["showAs"]
        _follow(copy, origin, box)
        box.written(copy, "updated")

    def _first(self, box: Mailbox, origin: Item) -> None:
        props = origin.props | _content(origin.props, origin, box)
        props |= {"showAs": "tentative", "responseStatus": UNANSWERED, "categories": [], "isCancelled": False}
        copy = box.new_item(box.default_calendar, span=origin.span, props=props)
        copy.uid, copy.organizer, copy.is_organizer = origin.uid, dict(origin.organizer), False
        copy.recurrence, copy.intended = origin.recurrence, origin.props["showAs"]
        copy.cancelled = set(origin.cancelled)
        _follow(copy, origin, box)
        box.written(copy, "created")

    def _cancel(self, box: Mailbox, letter: Letter) -> None:
        """Leave the copy as a stub: cancelled, free, with a prefix that is in the recipient's language."""
        copy = _meeting(box, letter.item.uid, organizer=False)
        if copy is None:
            return
        if letter.day is None:
            copy.props = copy.props | self._stub(copy.props)
        else:
            view = views.instance(copy, letter.day)
            if view is None:
                return
            _override(copy, letter.day, self._stub(view.props))
        box.written(copy, "updated")

    def _stub(self, props: dict[str, Any]) -> dict[str, Any]:
        return {
            "isCancelled": True,
            "subject": f"{self.knobs.cancelledPrefix}{props['subject']}",
            "showAs": self.knobs.cancelledShowAs,
        }

    def _tally(self, box: Mailbox, letter: Letter) -> None:
        """Note an answer at the organizer's event; a second calendar does not tally (``isTallyingResponses``)."""
        own = _meeting(box, letter.item.uid, organizer=True)
        if own is None or not own.calendar.default:
            return
        view = views.stored(own) if letter.day is None else views.instance(own, letter.day)
        if view is None:
            return
        who, when = letter.item.calendar.mailbox.account.upn, wire_utc(self.store.now())
        told = answered(view.props["attendees"], who, letter.answer, when=when, proposal=letter.proposal)
        if letter.day is None:
            own.props = own.props | {"attendees": told}
        else:
            _override(own, letter.day, {"attendees": told})
        box.written(own, "updated")


def answered(
    attendees: list[dict[str, Any]],
    address: str,
    answer: str,
    *,
    when: str = UNSET_TIME,
    proposal: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the attendees with one's answer. In an attendee's own copy it has no time (a live capture)."""
    extra = {"proposedNewTime": proposal} if proposal else {}
    return [
        {**each, "status": {"response": answer, "time": when}, **extra} if _is(each, address) else each
        for each in attendees
    ]


def unanswered(attendees: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the attendees as nobody had answered: what a meeting at another time starts from."""
    return [{**each, "status": {"response": "none", "time": UNSET_TIME}} for each in attendees]


def answer_own(item: Item, day: date | None, *, answer: str, when: str) -> None:
    """Note an attendee's answer at their own copy, or at one occurrence of it; the caller logs."""
    view = views.stored(item) if day is None else views.instance(item, day)
    props = view.props if view else item.props
    changed = {
        "responseStatus": {"response": answer, "time": when},
        "showAs": "tentative" if answer == "tentativelyAccepted" else item.intended,
        "attendees": answered(props["attendees"], item.calendar.mailbox.account.upn, answer),
    }
    if day is None:
        item.props = item.props | changed
    else:
        _override(item, day, changed)


def _is(attendee: dict[str, Any], address: str) -> bool:
    return bool(attendee["emailAddress"]["address"].lower() == address.lower())


def _meeting(box: Mailbox, uid: str, *, organizer: bool) -> Item | None:
    """Return a mailbox's event of that meeting, as organizer or as attendee."""
    for calendar in box.calendars:
        for item in calendar.items.values():
            if item.uid == uid and item.is_organizer is organizer:
                return item
    return None


def _content(props: dict[str, Any], origin: Item, box: Mailbox) -> dict[str, Any]:
    """Return what an attendee reads of the organizer's members; ``props`` may be those of one occurrence."""
    return {name: props[name] for name in _ORGANIZERS} | {"attendees": _guests(props, origin, box)}


def _guests(props: dict[str, Any], origin: Item, box: Mailbox) -> list[dict[str, Any]]:
    """Return the attendees as a guest reads them: the organizer first, and nobody's answer (finding 20)."""
    organizer = {"type": "required", "emailAddress": dict(origin.organizer)}
    shown = [each for each in props["attendees"] if not props["hideAttendees"] or _is(each, box.account.upn)]
    return unanswered([organizer, *shown])


def _override(item: Item, day: date, changed: dict[str, Any]) -> None:
    """Make one occurrence differ from its series."""
    view = views.instance(item, day)
    current = item.exceptions.get(day)
    if current is None and view is not None:
        current = Exceptional(day=day, span=view.span)
    if current is not None:
        item.exceptions[day] = replace(current, overrides=current.overrides | changed)


def _follow(copy: Item, origin: Item, box: Mailbox) -> None:
    """Lay the organizer's exceptions over a copy; stubs of cancelled days and the attendee's own answers stay."""
    kept = {day: each for day, each in copy.exceptions.items() if day in origin.cancelled}
    for day, each in origin.exceptions.items():
        own = copy.exceptions.get(day)
        mine = {} if own is None else {n: v for n, v in own.overrides.items() if n in ("responseStatus", "showAs")}
        theirs = {name: value for name, value in each.overrides.items() if name in _ORGANIZERS}
        if "attendees" in each.overrides:
            theirs["attendees"] = _guests(origin.props | each.overrides, origin, box)
        kept[day] = Exceptional(day=day, span=each.span, overrides=theirs | mine)
    copy.exceptions = kept
