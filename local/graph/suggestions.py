"""findMeetingTimes: suggestions from the default calendars of the organizer and the attendees (S63).

What Exchange weighs "undergoes fine-tuning from time to time" (user-findmeetingtimes.md); here it is what that page
writes down: working hours by domain, the confidence of each slot, ordered by confidence and then by time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from local.graph.calls import Answer, Call
from local.graph.errors import invalid_body
from local.graph.personal import refuse_personal
from local.graph.schedule import colleague, in_window, status_in
from local.graph.service import Graph
from local.graph.values import moment, require_object, text
from local.graph.views import View
from local.graph.zones import to_local, wire

_SHARED = ("Calendars.Read.Shared", "Calendars.ReadWrite.Shared")
_MEMBERS = frozenset(
    [
        "attendees",
        "isOrganizerOptional",
        "locationConstraint",
        "maxCandidates",
        "meetingDuration",
        "minimumAttendeePercentage",
        "returnSuggestionReasons",
        "timeConstraint",
    ]
)
_STEP = timedelta(minutes=30)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_OPENS, _CLOSES = time(8), time(17)
_CHANCE = {"free": 100.0, "workingElsewhere": 100.0, "tentative": 50.0, "unknown": 49.0}
"""How likely somebody comes; busy and oof not at all. The page gives free, unknown and busy; the others are assumed."""
_REASON = "Suggested because it is one of the nearest times when all attendees are available."


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A checked request. ``attendees`` are the addresses, each with its events or None where nobody knows them."""

    windows: list[tuple[datetime, datetime]]
    domain: str
    length: timedelta
    minimum: float
    most: int
    organizer_optional: bool
    reasons: bool
    places: list[dict[str, Any]]
    no_place: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A time that was looked at. ``people`` are addresses with their availability."""

    start: datetime
    end: datetime
    organizer: str
    people: dict[str, str]

    @property
    def confidence(self) -> float:
        """The average chance that an attendee comes."""
        if not self.people:
            return 100.0
        return sum(_CHANCE.get(status, 0.0) for status in self.people.values()) / len(self.people)


def find_meeting_times(graph: Graph, call: Call) -> Answer:
    """POST findMeetingTimes: suggestions, or the reason why there are none."""
    refuse_personal(graph, call)
    call.caller.require(*_SHARED)
    body = require_object(call.body if call.body is not None else {}, "findMeetingTimes", _MEMBERS)
    wish = _wish(graph, body)
    candidates = list(_candidates(graph, call, wish, _addresses(body)))
    fit = [each for each in candidates if wish.organizer_optional or each.organizer not in ("busy", "oof")]
    good = [] if wish.no_place else [each for each in fit if each.confidence >= wish.minimum]
    good.sort(key=lambda each: (-each.confidence, each.start))
    shown = [_shown(each, order, wish, call) for order, each in enumerate(good[: wish.most], 1)]
    context = f"{call.base}/$metadata#microsoft.graph.meetingTimeSuggestionsResult"
    reason = "" if shown else _why_none(wish, fit)
    return Answer(
        body={"@odata.context": context, "emptySuggestionsReason": reason, "meetingTimeSuggestions": shown},
        headers=call.prefer.headers,
    )


def _why_none(wish: Wish, fit: list[Candidate]) -> str:
    if wish.no_place:
        return "locationsUnavailable"
    if not fit:
        return "organizerUnavailable"
    unknown = any("unknown" in each.people.values() for each in fit)
    return "attendeesUnavailableOrUnknown" if unknown else "attendeesUnavailable"


def _wish(graph: Graph, body: dict[str, Any]) -> Wish:
    limits = body.get("timeConstraint") or {}
    slots = limits.get("timeSlots", limits.get("timeslots")) or []
    windows = [(moment("start", slot.get("start")).instant, moment("end", slot.get("end")).instant) for slot in slots]
    now = graph.store.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    where = body.get("locationConstraint") or {}
    places = where.get("locations") or []
    return Wish(
        windows=windows or [(now, now + timedelta(days=7))],
        domain=text("activityDomain", limits.get("activityDomain")) or "work",
        length=_duration(body.get("meetingDuration") or "PT30M"),
        minimum=_number("minimumAttendeePercentage", body.get("minimumAttendeePercentage"), 50.0),
        most=int(_number("maxCandidates", body.get("maxCandidates"), 20.0)),
        organizer_optional=_flag(body.get("isOrganizerOptional")),
        reasons=_flag(body.get("returnSuggestionReasons")),
        places=[{"displayName": text("displayName", place.get("displayName"))} for place in places],
        no_place=_flag(where.get("isRequired"))
        and (not places or any(_flag(p.get("resolveAvailability")) for p in places)),
    )


def _duration(written: Any) -> timedelta:
    match = _DURATION.fullmatch(written) if isinstance(written, str) else None
    length = timedelta(days=int(match[1] or 0), hours=int(match[2] or 0), minutes=int(match[3] or 0)) if match else None
    if not length:
        raise invalid_body(
            "Cannot convert the value of property 'meetingDuration' to the expected type 'Edm.Duration'."
        )
    return length


def _number(name: str, value: Any, default: float) -> float:
    """Read a number, which the page's own example writes as a string."""
    try:
        return default if value is None else float(value)
    except (TypeError, ValueError):
        raise invalid_body(
            f"Cannot convert the value of property '{name}' to the expected type 'Edm.Double'."
        ) from None


def _flag(value: Any) -> bool:
    """Read a boolean, which the page's own example writes as a string."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _addresses(body: dict[str, Any]) -> list[str]:
    return [text("address", (each.get("emailAddress") or {}).get("address")) for each in body.get("attendees") or []]


def _candidates(graph: Graph, call: Call, wish: Wish, addresses: list[str]) -> Iterator[Candidate]:
    zone = call.mailbox.account.time_zone
    for low, high in wish.windows:
        own = in_window(call.mailbox, low, high)
        boxes = {address: colleague(graph, call, address) for address in addresses}
        held = {address: None if box is None else in_window(box, low, high) for address, box in boxes.items()}
        start = low
        while start + wish.length <= high:
            end = start + wish.length
            if _at_work(to_local(start, zone), to_local(end, zone), wish.domain):
                people = {address: _availability(found, start, end) for address, found in held.items()}
                yield Candidate(start=start, end=end, organizer=status_in(own, start, end), people=people)
            start += _STEP


def _availability(found: list[View] | None, start: datetime, end: datetime) -> str:
    return "unknown" if found is None else status_in(found, start, end)


def _at_work(start: datetime, end: datetime, domain: str) -> bool:
    if domain == "unrestricted":
        return True
    weekday = start.weekday() < 5 or domain == "personal"
    return weekday and start.date() == end.date() and start.time() >= _OPENS and end.time() <= _CLOSES


def _shown(found: Candidate, order: int, wish: Wish, call: Call) -> dict[str, Any]:
    zone = call.prefer.time_zone
    shown: dict[str, Any] = {
        "confidence": found.confidence,
        "order": order,
        "organizerAvailability": found.organizer,
        "attendeeAvailability": [
            {"availability": status, "attendee": {"emailAddress": {"address": address}}}
            for address, status in found.people.items()
        ],
        "locations": wish.places,
        "meetingTimeSlot": {"start": wire(found.start, zone), "end": wire(found.end, zone)},
    }
    return shown | ({"suggestionReason": _REASON} if wish.reasons else {})
