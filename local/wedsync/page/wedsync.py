"""The planner's own calendar: WedSync's state."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.wedsync.page.values import Row, Values, guests, timed_values
from local.wedsync.problems import Problem
from local.wedsync.schema import EventPatch, NewEvent, parse_members, patched
from local.wedsync.state import StoredEvent, Wedsync

_TIMED = "startDate"
_OF_A_SERIES = re.compile(r":\d{4}-\d{2}-\d{2}$")


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

    async def create(self, values: Values) -> str:
        """Add an event and return its id; Problem 422 when it breaks a rule."""
        new = parse_members(NewEvent, _wedsync_members(values, values.changed(None)))
        return self.wedsync.create(self._calendar, new).id

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
    notes += ["in a series"] if _OF_A_SERIES.search(event.external_id or "") else []
    notes += ["private"] if content.private else []
    notes += [guests(len(content.attendees))] if content.attendees else []
    origin = "from Outlook" if event.source == "outlook" else ""
    return Row(id=event.id, side="wedsync", values=values, origin=origin, notes=tuple(notes))


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
