"""The Schedules port: working hours, free and busy times of people, and of a mailbox's own calendars."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from shared.core.availability import Engagement, Span, WorkingHours
from shared.core.zones import iana_of
from shared.errors import OperatorFault
from shared.graph.client import GraphClient
from shared.graph.delta import NEXT_LINK
from shared.graph.protocol import (
    SERVICE,
    ForeignLink,
    GraphRequest,
    Subject,
    instant,
    members,
    path_of,
    prefer,
    query,
    read,
    rows,
    segment,
    text,
)
from shared.graph.wire import dumps
from shared.graph.wire_time import read_point

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_VIEW = "/me/calendars/{id}/calendarView"
_PAGE = "200"
_LONGEST_INTERVAL = 1440
_SHORTEST_INTERVAL = 5
_OFFICE = (time(9), time(17))


class GraphSchedules:
    """Implements ``ports.Schedules``."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def working_hours(self, integration_id: str) -> WorkingHours:
        """Return the mailbox's working hours and zone."""
        request = read("/me/mailboxSettings", "/me/mailboxSettings", Subject.MAILBOX)
        answer = await self._client.send(integration_id, request)
        return read_hours(members(answer.body))

    async def free_busy(
        self, integration_id: str, addresses: Sequence[str], span: Span
    ) -> Mapping[str, tuple[Engagement, ...] | None]:
        """Return what the people's default calendars hold, by address as it was given."""
        answer = await self._client.send(integration_id, schedule_request(addresses, span))
        found = {text(row.get("scheduleId")).casefold(): read_schedule(row) for row in rows(answer.body)}
        return {address: found.get(address.casefold()) for address in addresses}

    async def calendar_view(self, integration_id: str, calendar_id: str, span: Span) -> tuple[Engagement, ...]:
        """Return what a calendar holds, page after page."""
        options = query(
            startDateTime=instant(span.start),
            endDateTime=instant(span.end),
            _select="start,end,showAs,isCancelled",
            _top=_PAGE,
        )
        path = f"/me/calendars/{segment(calendar_id)}/calendarView{options}"
        found: list[Engagement] = []
        while path:
            answer = await self._client.send(integration_id, read(path, _VIEW, Subject.CALENDAR))
            found += [_engagement(row, "showAs") for row in rows(answer.body) if row.get("isCancelled") is not True]
            link = text(members(answer.body).get(NEXT_LINK))
            try:
                path = path_of(link, self._client.base_url) if link else ""
            except ForeignLink:
                raise OperatorFault(SERVICE, code="ForeignLink") from None
        return tuple(found)


def schedule_request(addresses: Sequence[str], span: Span) -> GraphRequest:
    """Return the POST of getSchedule, which changes nothing and may be repeated.

    The interval shapes a summary that is not read; it only has to be shorter than the span.
    https://learn.microsoft.com/graph/api/calendar-getschedule
    """
    minutes = int(span.length / timedelta(minutes=1))
    body = {
        "schedules": list(addresses),
        "startTime": _point(span.start),
        "endTime": _point(span.end),
        "availabilityViewInterval": max(_SHORTEST_INTERVAL, min(_LONGEST_INTERVAL, minutes)),
    }
    return GraphRequest(
        method="POST",
        path="/me/calendar/getSchedule",
        template="/me/calendar/getSchedule",
        subject=Subject.MAILBOX,
        headers={**prefer(), "Content-Type": "application/json"},
        body=dumps(body),
        repeatable=True,
    )


def read_schedule(row: Mapping[str, object]) -> tuple[Engagement, ...] | None:
    """Return a person's engagements; None where Graph says why it has none to give."""
    if row.get("error"):
        return None
    return tuple(_engagement(item, "status") for item in rows(row, "scheduleItems"))


def read_hours(settings: Mapping[str, object]) -> WorkingHours:
    """Return the working hours in ``mailboxSettings``.

    A zone of one's own making (``customTimeZone``) has a name that nobody knows: the mailbox's stands for it. Where
    hours cannot be read, an office's are assumed, on the days that are named.
    https://learn.microsoft.com/graph/api/resources/workinghours
    """
    hours = members(settings.get("workingHours"))
    mailbox_zone = iana_of(text(settings.get("timeZone"))) or "UTC"
    named = hours.get("daysOfWeek")
    days = {str(day).casefold() for day in named} if isinstance(named, list) else set(_DAYS[:5])
    start, end = _clock(hours.get("startTime")), _clock(hours.get("endTime"))
    if start is None or end is None:
        start, end = _OFFICE
    return WorkingHours(
        days=frozenset(place for place, name in enumerate(_DAYS) if name in days),
        start=start,
        end=end,
        zone=iana_of(text(members(hours.get("timeZone")).get("name"))) or mailbox_zone,
        mailbox_zone=mailbox_zone,
    )


def _clock(value: object) -> time | None:
    """Return an ``Edm.TimeOfDay``, which has seven digits of a second."""
    try:
        return time.fromisoformat(text(value))
    except ValueError:
        return None


def _engagement(row: Mapping[str, object], status: str) -> Engagement:
    span = Span(start=read_point(row.get("start")), end=read_point(row.get("end")))
    return Engagement(span=span, show_as=text(row.get(status)) or "unknown")


def _point(moment: datetime) -> dict[str, str]:
    return {"dateTime": instant(moment).removesuffix("Z"), "timeZone": "UTC"}
