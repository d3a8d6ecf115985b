"""Free times, and meetings with guests: what writes to people, and says to whom."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import azure.functions as func

from shared.core.availability import Span
from shared.core.canon import canonical, one_line
from shared.core.event import CalendarEvent, EventType, Place, Timed
from shared.core.meeting import Guest, MeetingState
from shared.core.walltime import instant_of, rules_of, wall_clock
from shared.core.zones import iana_of
from shared.errors import InvalidInput, Unprocessable
from shared.service import App
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.meeting_shapes import (
    AskedPersonShape,
    AvailabilityResponse,
    GuestShape,
    MeetingCancelledResponse,
    MeetingCancelShape,
    MeetingChangeShape,
    MeetingRequestShape,
    MeetingResponse,
    MeetingWarning,
    PersonShape,
    SpanShape,
)
from shared.triggers.queries import day_of
from shared.triggers.rates import LOOKS, MEETINGS
from shared.usecases.change_meeting import MeetingChange
from shared.usecases.find_availability import MOST_PEOPLE, Availability
from shared.usecases.make_meeting import MeetingWish
from shared.usecases.meeting_frame import MeetingMails, unprefixed

blueprint = func.Blueprint()
SHORTEST, LONGEST = 5, 1440
_YEARS = range(1900, 2200)
_ADDRESS = re.compile(r'[^@\s<>",;\\]+@[^@\s<>",;\\]+')
_LONGEST_ADDRESS = 254


@endpoint(blueprint, route="calendar/outlook/availability", method="GET", rate=LOOKS)
async def availability(app: App, call: Call) -> Reply:
    """Return when the user is free on a day, in the mailbox's working hours and zone."""
    day = day_of(call.query.get("date", ""), "date")
    duration, people = _duration(call.query.get("duration", "")), _people(call)
    found = await app.find_availability.run(await call.user(), day, duration, people)
    return Reply(body=_available(found))


@endpoint(blueprint, route="calendar/outlook/meetings", method="POST", rate=MEETINGS)
async def make_meeting(app: App, call: Call) -> Reply:
    """Make a meeting on both sides and invite its guests."""
    wanted, key = _wish(call.json(MeetingRequestShape)), call.idempotency_key()
    made = await app.make_meeting.run(await call.user(), wanted, key=key)
    content = made.meeting.event.content
    body = _meeting(made.meeting, content, made.event_id, made.event_type, online_wanted=made.online_wanted)
    body = body.model_copy(update={"mailed": list(made.mailed), "repeated": made.repeated})
    return Reply(status=200 if made.repeated else 201, body=body)


@endpoint(blueprint, route="calendar/outlook/meetings/{eventId}", method="PATCH", rate=MEETINGS)
async def change_meeting(app: App, call: Call) -> Reply:
    """Change what is named in a meeting, and tell its guests."""
    wanted = call.json(MeetingChangeShape)
    change, user_id = _change(wanted), await call.user()
    with _presented():
        changed = await app.change_meeting.run(
            user_id, call.params["eventId"], change, mail_guests=wanted.mail_guests, mails=wanted.mails
        )
    content, event_type = unprefixed(changed.mapping, changed.meeting), changed.mapping.event_type
    body = _meeting(changed.meeting, content, changed.event_id, event_type, online_wanted=changed.online_wanted)
    return Reply(body=body.model_copy(update={"mailed": list(changed.mailed), "fields": list(changed.fields)}))


@endpoint(blueprint, route="calendar/outlook/meetings/{eventId}", method="DELETE", rate=MEETINGS)
async def cancel_meeting(app: App, call: Call) -> Reply:
    """Cancel a meeting with a message to its guests, and delete it in WedSync."""
    wanted = call.json(MeetingCancelShape)
    user_id = await call.user()
    with _presented():
        gone = await app.cancel_meeting.run(
            user_id,
            call.params["eventId"],
            message=wanted.message,
            mail_guests=wanted.mail_guests,
            mails=wanted.mails,
        )
    return Reply(
        body=MeetingCancelledResponse(
            success=True, event_id=gone.event_id, mailed=list(gone.mailed), sync_id=gone.run_id
        )
    )


@contextmanager
def _presented() -> Iterator[None]:
    """Put into the problem document whom Outlook would mail."""
    try:
        yield
    except MeetingMails as refusal:
        refusal.members |= {"guests": refusal.guests, "mails": list(refusal.addresses)}
        raise


# --- reading ----------------------------------------------------------------------------------------------------------


def _duration(text: str) -> timedelta:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and SHORTEST <= int(text) <= LONGEST):
        raise InvalidInput("invalid_query", f"duration is not a number of minutes from {SHORTEST} to {LONGEST}.")
    return timedelta(minutes=int(text))


def _people(call: Call) -> tuple[str, ...]:
    named = tuple(part.strip() for part in call.query.get("attendees", "").split(",") if part.strip())
    if len(named) > MOST_PEOPLE or any(not _ADDRESS.fullmatch(each) or len(each) > _LONGEST_ADDRESS for each in named):
        raise InvalidInput("invalid_query", f"attendees takes up to {MOST_PEOPLE} addresses, separated by commas.")
    return named


def _wish(wanted: MeetingRequestShape) -> MeetingWish:
    content = CalendarEvent(
        title=_title(wanted.title),
        time=_time(wanted.start_time, wanted.end_time, wanted.time_zone),
        description=wanted.body,
        location=Place(name=wanted.location),
    )
    return MeetingWish(
        content=canonical(content),
        guests=_guests(wanted.attendees),
        event_type=EventType(wanted.event_type),
        online=wanted.is_online_meeting,
    )


def _change(wanted: MeetingChangeShape) -> MeetingChange:
    times = (wanted.start_time, wanted.end_time, wanted.time_zone)
    if any(times) and not all(times):
        raise Unprocessable("meeting_time", "startTime, endTime and timeZone go together.")
    start, end, zone = times
    return MeetingChange(
        title=None if wanted.title is None else _title(wanted.title),
        time=_time(start, end, zone) if start and end and zone else None,
        description=wanted.body,
        location=None if wanted.location is None else Place(name=wanted.location),
        guests=None if wanted.attendees is None else _guests(wanted.attendees),
        online=wanted.is_online_meeting,
    )


def _title(text: str) -> str:
    if not one_line(text):
        raise Unprocessable("meeting_title", "A title cannot be empty.")
    return text


def _guests(shapes: Sequence[GuestShape]) -> tuple[Guest, ...]:
    """Return each address once, whatever its letters' case; of two entries the later one stays."""
    found = {
        each.email.casefold(): Guest(email=each.email, name=each.name, optional=each.type == "optional")
        for each in shapes
    }
    return tuple(found.values())


def _time(start: str, end: str, zone_name: str) -> Timed:
    zone = iana_of(zone_name)
    if zone is None:
        raise Unprocessable("meeting_time", "timeZone is not a time zone that is known.")
    begins, ends = _instant(start, zone, "startTime"), _instant(end, zone, "endTime")
    if ends <= begins:
        raise Unprocessable("meeting_time", "endTime is not after startTime.")
    return Timed(start=begins, end=ends, zone=zone)


def _instant(text: str, zone: str, member: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unprocessable("meeting_time", f"{member} is not a time (YYYY-MM-DDTHH:MM:SS).") from None
    if moment.year not in _YEARS:
        raise Unprocessable("meeting_time", f"{member} is not in a year of events.")
    return moment if moment.tzinfo else instant_of(moment, zone)


# --- showing ----------------------------------------------------------------------------------------------------------


def _meeting(
    meeting: MeetingState, content: CalendarEvent, event_id: str, event_type: EventType, *, online_wanted: bool
) -> MeetingResponse:
    start, end, zone = wall_clock(content.time)
    return MeetingResponse(
        event_id=event_id,
        outlook_event_id=meeting.event.event_id,
        event_type=cast(Any, event_type.value),
        title=content.title,
        start_time=start.isoformat(timespec="seconds"),
        end_time=end.isoformat(timespec="seconds"),
        time_zone=zone,
        is_all_day=not isinstance(content.time, Timed),
        location=content.location.name,
        body=content.description,
        attendees=[PersonShape(email=person.email, name=person.name) for person in content.attendees],
        is_online_meeting=meeting.event.online_meeting,
        join_url=meeting.join_url or None,
        mailed=[],
        fields=[],
        repeated=False,
        warnings=_warnings(meeting, wanted=online_wanted),
    )


def _warnings(meeting: MeetingState, *, wanted: bool) -> list[MeetingWarning]:
    if not wanted or meeting.join_url:
        return []
    if meeting.event.online_meeting:
        return [MeetingWarning(code="join_link_pending", detail="Microsoft has not made the link yet; ask again.")]
    detail = "Microsoft made an ordinary meeting of it: this account has no online meetings."
    return [MeetingWarning(code="online_meeting_refused", detail=detail)]


def _available(found: Availability) -> AvailabilityResponse:
    asked = [AskedPersonShape(email=each, known=True) for each in found.known]
    asked += [AskedPersonShape(email=each, known=False) for each in found.unknown]
    return AvailabilityResponse(
        date=found.day.isoformat(),
        time_zone=found.zone,
        duration=int(found.duration / timedelta(minutes=1)),
        working_periods=_spans(found.working, found.zone),
        free_periods=_spans(found.free, found.zone),
        slots=_spans(found.slots, found.zone),
        attendees=asked,
    )


def _spans(spans: Sequence[Span], zone: str) -> list[SpanShape]:
    return [SpanShape(start=_shown(span.start, zone), end=_shown(span.end, zone)) for span in spans]


def _shown(moment: datetime, zone: str) -> str:
    return moment.astimezone(rules_of(zone)).isoformat(timespec="seconds")
