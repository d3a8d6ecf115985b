"""The mailbox, through the Graph simulator's control API."""

import asyncio
import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import httpx
from tzlocal.windows_tz import win_tz

from local.wedsync.page import series
from local.wedsync.page.neighbours import answered
from local.wedsync.page.values import Row, Values, guests, timed_values
from local.wedsync.problems import Problem
from local.wedsync.schema import valid_zone

AHEAD = timedelta(days=92)
_TIMED = "startDate"


@dataclass(frozen=True, kw_only=True)
class OutlookCalendar:
    """A mailbox, edited as its owner would in Outlook. ``now`` is where the coming weeks begin."""

    client: httpx.AsyncClient
    upn: str
    now: datetime

    async def rows(self) -> list[Row]:
        """Return single events, series, and what the series bring in the next ``AHEAD``."""
        stored, coming = await asyncio.gather(self._ask("GET", "/events"), self._ask("GET", f"/view?{self._ahead()}"))
        with _readable():
            patterns = {event["id"]: event["recurrence"] for event in stored["events"] if event.get("recurrence")}
            found = [_row(event) for event in stored["events"]]
            return found + [_row(event, patterns) for event in coming["events"] if event.get("seriesMasterId")]

    async def read(self, event_id: str) -> Row:
        """Return one event, occurrence or series with its description; Problem 404 when it is gone."""
        event = await self._ask("GET", f"/events/{quote(event_id, safe='')}")
        with _readable():
            return _row(event, described=True)

    async def create(self, values: Values) -> str:
        """Add an event and return its id."""
        made = await self._ask("POST", "/events", _graph_members(values, values.changed(None)))
        return str(made.get("id", ""))

    async def update(self, event_id: str, values: Values, changed: frozenset[str]) -> None:
        """Change the members named."""
        if members := _graph_members(values, changed):
            await self._ask("PATCH", f"/events/{quote(event_id, safe='')}", members)

    async def delete(self, event_id: str) -> None:
        """Delete an event, an occurrence or a whole series."""
        await self._ask("DELETE", f"/events/{quote(event_id, safe='')}")

    async def _ask(self, method: str, path: str, members: dict[str, Any] | None = None) -> dict[str, Any]:
        path = f"/_control/mailboxes/{quote(self.upn, safe='@')}{path}"
        return await answered(self.client, method, path, who="the simulated Outlook", json=members)

    def _ahead(self) -> str:
        return urlencode({"start": self.now.isoformat(), "end": (self.now + AHEAD).isoformat()})


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise Problem(502, "unreadable", "The simulated Outlook answered something unreadable.") from error


def _row(event: dict[str, Any], patterns: Mapping[str, Any] | None = None, *, described: bool = False) -> Row:
    """Return a row; ``patterns`` holds the recurrence of each series by its id. Descriptions are costly to read."""
    start, end, zone = _graph_span(event)
    location = event.get("location") or {}
    values = timed_values(
        start,
        end,
        all_day=bool(event.get("isAllDay")),
        title=event.get("subject") or "",
        zone=zone,
        location=location.get("displayName") or "",
        description=_plain(event) if described else "",
    )
    notes = [str(category) for category in event.get("categories") or []]
    if event.get("seriesMasterId"):
        pattern = (patterns or {}).get(event["seriesMasterId"])
        notes.append(series.in_words(pattern) if pattern else "in a series")
    notes += ["cancelled"] if event.get("isCancelled") else []
    notes += ["private"] if event.get("sensitivity") == "private" else []
    notes += [guests(len(event["attendees"]))] if event.get("attendees") else []
    return Row(
        id=event["id"],
        side="outlook",
        values=values,
        origin="from WedSync" if _copied(event) else "",
        notes=tuple(notes),
        series=series.in_words(event["recurrence"]) if event.get("recurrence") else "",
        expanded=bool(event.get("seriesMasterId")),
    )


def _copied(event: dict[str, Any]) -> bool:
    """Say whether the sync put the event there: it is marked, and no Outlook made it (a user's copy keeps the mark)."""
    marked = any("WedSync" in str(each.get("id")) for each in event.get("singleValueExtendedProperties") or [])
    return marked and not str(event.get("transactionId") or "localevent:").startswith("localevent:")


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
