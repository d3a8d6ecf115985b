"""The two calendars: WedSync's own state, and the mailbox through the Graph simulator's control API."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
from tzlocal.windows_tz import win_tz

from local.wedsync.page.neighbours import answered
from local.wedsync.page.values import Row, Values, timed_values
from local.wedsync.problems import Problem
from local.wedsync.schema import EventPatch, NewEvent, parse_members, patched, valid_zone
from local.wedsync.state import StoredEvent, Wedsync

_TIMED = "startDate"


@dataclass(frozen=True, kw_only=True)
class WedsyncCalendar:
    """A user's own WedSync events; every edit is announced by webhook."""

    wedsync: Wedsync
    user_id: str

    async def rows(self) -> list[Row]:
        """Return the user's events."""
        return [_wedsync_row(event) for event in self._calendar.events.values() if not event.deleted]

    async def read(self, event_id: str) -> Row:
        """Return one event; Problem 404 when it is gone."""
        return _wedsync_row(self._event(event_id))

    async def create(self, values: Values) -> None:
        """Add an event; Problem 422 when it breaks a rule."""
        self.wedsync.create(self._calendar, parse_members(NewEvent, _wedsync_members(values, values.changed(None))))

    async def update(self, event_id: str, values: Values, changed: frozenset[str]) -> None:
        """Change the members named; Problem 422 when the event breaks a rule."""
        event = self._event(event_id)
        members = _wedsync_members(values, changed)
        if changed & {"location", "address"}:
            before = event.content.location.model_dump()
            wanted = {"name": values.location, "address": values.address}
            own = {"name": "location", "address": "address"}
            members["location"] = {key: wanted[key] if own[key] in changed else before[key] for key in before}
        content = patched(event.content, parse_members(EventPatch, members))
        self.wedsync.update(self._calendar, event, content)

    async def delete(self, event_id: str) -> None:
        """Delete an event."""
        self.wedsync.delete(self._calendar, self._event(event_id))

    @property
    def _calendar(self) -> Any:
        return self.wedsync.calendars[self.user_id]

    def _event(self, event_id: str) -> StoredEvent:
        event: StoredEvent | None = self._calendar.live(event_id)
        if event is None:
            raise Problem(404, "event_not_found", "This event is no longer in WedSync.")
        return event


def _wedsync_row(event: StoredEvent) -> Row:
    content = event.content
    values = timed_values(
        datetime.fromisoformat(content.start),
        datetime.fromisoformat(content.end),
        all_day=content.allDay,
        title=content.title,
        type=content.type,
        zone=content.timeZone,
        location=content.location.name,
        address=content.location.address,
        description=content.description,
    )
    notes = [content.type.replace("_", " ")]
    notes += ["from Outlook"] if event.source == "outlook" else []
    notes += ["private"] if content.private else []
    notes += [_guests(len(content.attendees))] if content.attendees else []
    return Row(id=event.id, side="wedsync", values=values, notes=tuple(notes))


def _guests(count: int) -> str:
    return f"{count} guest{'s' if count != 1 else ''}"


def _wedsync_members(values: Values, changed: frozenset[str]) -> dict[str, Any]:
    members: dict[str, Any] = {
        name: getattr(values, name) for name in ("title", "type", "description") if name in changed
    }
    if _TIMED in changed:
        start, end = values.span()
        members |= {
            "start": start.isoformat(),
            "end": end.isoformat(),
            "timeZone": values.zone,
            "allDay": values.allDay,
        }
    if {"location", "address"} <= changed:
        members["location"] = {"name": values.location, "address": values.address}
    return members


@dataclass(frozen=True, kw_only=True)
class OutlookCalendar:
    """A mailbox, edited as its owner would in Outlook."""

    client: httpx.AsyncClient
    upn: str

    async def rows(self) -> list[Row]:
        """Return the events and series of the default calendar and the others."""
        answer = await self._ask("GET", "")
        try:
            return [_outlook_row(event) for event in answer["events"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Problem(502, "unreadable", "The simulated Outlook answered something unreadable.") from error

    async def read(self, event_id: str) -> Row:
        """Return one event; Problem 404 when it is gone."""
        for row in await self.rows():
            if row.id == event_id:
                return row
        raise Problem(404, "event_not_found", "This event is no longer in Outlook.")

    async def create(self, values: Values) -> None:
        """Add an event."""
        await self._ask("POST", "", _graph_members(values, values.changed(None)))

    async def update(self, event_id: str, values: Values, changed: frozenset[str]) -> None:
        """Change the members named."""
        if members := _graph_members(values, changed):
            await self._ask("PATCH", f"/{quote(event_id, safe='')}", members)

    async def delete(self, event_id: str) -> None:
        """Delete an event or a whole series."""
        await self._ask("DELETE", f"/{quote(event_id, safe='')}")

    async def _ask(self, method: str, path: str, members: dict[str, Any] | None = None) -> dict[str, Any]:
        path = f"/_control/mailboxes/{quote(self.upn, safe='@')}/events{path}"
        return await answered(self.client, method, path, who="the simulated Outlook", json=members)


def _outlook_row(event: dict[str, Any]) -> Row:
    start, end, zone = _graph_span(event)
    location = event.get("location") or {}
    values = timed_values(
        start,
        end,
        all_day=bool(event.get("isAllDay")),
        title=event.get("subject") or "",
        zone=zone,
        location=location.get("displayName") or "",
        description=_plain(event),
    )
    notes = [str(category) for category in event.get("categories") or []]
    if event.get("recurrence"):
        pattern = event["recurrence"].get("pattern", {})
        notes.append(f"series: {pattern.get('type', 'repeats')}")
    notes += ["cancelled"] if event.get("isCancelled") else []
    notes += ["private"] if event.get("sensitivity") == "private" else []
    notes += [_guests(len(event["attendees"]))] if event.get("attendees") else []
    return Row(id=event["id"], side="outlook", values=values, notes=tuple(notes), repeats=bool(event.get("recurrence")))


def _graph_span(event: dict[str, Any]) -> tuple[datetime, datetime, str]:
    """Return local start and end and the IANA zone, as the event's owner thinks of them."""
    zone = _iana(event.get("originalStartTimeZone") or event["start"].get("timeZone", "UTC"))
    start, end = (_moved(event[name], zone) for name in ("start", "end"))
    if event.get("isAllDay") and (start.hour, start.minute) != (0, 0):
        # All-day dates that came as plain midnights need no moving.
        start, end = (datetime.fromisoformat(event[name]["dateTime"][:19]) for name in ("start", "end"))
    return start, end, zone


def _moved(written: dict[str, str], zone: str) -> datetime:
    there = ZoneInfo(_iana(written.get("timeZone", "UTC")))
    moment = datetime.fromisoformat(written["dateTime"][:19]).replace(tzinfo=there)
    return moment.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def _iana(name: str) -> str:
    """Return the IANA name for a Windows or IANA zone; UTC for one that nobody knows."""
    name = win_tz.get(name, name)
    return name if valid_zone(name) else "UTC"


def _plain(event: dict[str, Any]) -> str:
    if "bodyText" in event:
        return str(event["bodyText"])
    body = event.get("body") or {}
    content = str(body.get("content") or "")
    if body.get("contentType", "text").lower() != "html":
        return content.replace("\r\n", "\n")
    content = re.sub(r"(?is)<(head|style|script)\b.*?</\1>", "", content)
    content = re.sub(r"(?i)<br\s*/?>|</(p|div|li)>", "\n", re.sub(r"\s*\n\s*", " ", content))
    return html.unescape(re.sub(r"<[^>]+>", "", content)).strip()


def _graph_members(values: Values, changed: frozenset[str]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if "title" in changed:
        members["subject"] = values.title
    if "description" in changed:
        members["body"] = {"contentType": "text", "content": values.description}
    if "location" in changed:
        members["location"] = {"displayName": values.location}
    if _TIMED in changed:
        start, end = values.span()
        if values.allDay and end == start:
            end += timedelta(days=1)
        members |= {
            "start": {"dateTime": start.isoformat(), "timeZone": values.zone},
            "end": {"dateTime": end.isoformat(), "timeZone": values.zone},
            "isAllDay": values.allDay,
        }
    return members
