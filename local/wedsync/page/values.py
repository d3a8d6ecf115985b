"""One event as the page shows and edits it, the same for both calendars."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

from local.wedsync.problems import Problem
from local.wedsync.schema import valid_zone

Side = Literal["wedsync", "outlook"]
_TIME = frozenset({"startDate", "startTime", "endDate", "endTime", "allDay", "zone"})
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the form holds: wall-clock times in ``zone``; ``endDate`` of an all-day event is its last day."""

    title: str = ""
    type: str = "client_meeting"
    startDate: str = ""
    startTime: str = ""
    endDate: str = ""
    endTime: str = ""
    allDay: bool = False
    zone: str = "Europe/London"
    location: str = ""
    address: str = ""
    description: str = ""

    def span(self) -> tuple[datetime, datetime]:
        """Return start and end as local times, end exclusive; Problem 422 when they are none."""
        at, until = ("00:00", "00:00") if self.allDay else (self.startTime, self.endTime)
        try:
            start = datetime.combine(date.fromisoformat(self.startDate), time.fromisoformat(at))
            end = datetime.combine(date.fromisoformat(self.endDate), time.fromisoformat(until))
        except ValueError as error:
            raise Problem(422, "invalid_event", "Give the start and the end as dates and times.") from error
        if not valid_zone(self.zone):
            raise Problem(422, "invalid_event", f"{self.zone!r} is not an IANA time zone such as Europe/London.")
        end += DAY if self.allDay else timedelta()
        if end < start:
            raise Problem(422, "invalid_event", "The end is before the start.")
        return start, end

    def changed(self, before: "Values | None") -> frozenset[str]:
        """Return the names of what differs from what the form first showed; all of the time if any of it."""
        names = {field.name for field in fields(self)}
        if before is None:
            return frozenset(names)
        found = {name for name in names if _as_sent(self, name) != _as_sent(before, name)}
        return frozenset(found | _TIME if found & _TIME else found)

    def to_json(self) -> str:
        """Return the values for the form's hidden field."""
        return json.dumps(asdict(self))


def _as_sent(values: Values, name: str) -> Any:
    """Return a member as a browser sends it back untouched: a text field loses line breaks, a text area keeps them."""
    value = getattr(values, name)
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return lines if name == "description" else lines.replace("\n", "")


def timed_values(start: datetime, end: datetime, *, all_day: bool, **more: Any) -> Values:
    """Return values for a local span with an exclusive end."""
    last = end - DAY if all_day and end > start else end
    return Values(
        startDate=start.date().isoformat(),
        startTime="" if all_day else _clock(start),
        endDate=last.date().isoformat(),
        endTime="" if all_day else _clock(end),
        allDay=all_day,
        **more,
    )


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def from_form(form: Mapping[str, Any]) -> tuple[Values, Values | None]:
    """Return what was submitted and what the form first showed (None for a new event)."""
    given = {
        field.name: str(form.get(field.name, "")).replace("\r\n", "\n")
        for field in fields(Values)
        if field.name != "allDay"
    }
    given |= {"type": given["type"] or "client_meeting", "zone": given["zone"].strip()}
    submitted = Values(**given, allDay=form.get("allDay") == "on")
    try:
        before = Values(**json.loads(str(form.get("before", "")))) if form.get("before") else None
    except (ValueError, TypeError) as error:
        raise Problem(400, "malformed_form", "The form was not the page's own; open it again.") from error
    return submitted, before


def row_key(side: str, event_id: str) -> str:
    """Return an id that the page's own elements may have; the event's may hold any character."""
    return f"{side}-{hashlib.sha256(event_id.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """An event in a list.

    ``origin`` names the other calendar if the event came from there; ``notes`` are short facts such as its type;
    ``series`` says how a whole series repeats, and is empty for anything else; ``expanded`` rows are what a series
    brings, not events that the calendar holds.
    """

    id: str
    side: Side
    values: Values
    origin: str = ""
    notes: tuple[str, ...] = ()
    series: str = ""
    expanded: bool = False

    @property
    def key(self) -> str:
        """Return an id for the page's own elements."""
        return row_key(self.side, self.id)

    @cached_property
    def _span(self) -> tuple[datetime, datetime]:
        return self.values.span()

    @cached_property
    def starts(self) -> datetime:
        """Return the start as an instant."""
        return self._span[0].replace(tzinfo=ZoneInfo(self.values.zone)).astimezone(UTC)

    @cached_property
    def ends(self) -> datetime:
        """Return the end as an instant."""
        return self._span[1].replace(tzinfo=ZoneInfo(self.values.zone)).astimezone(UTC)

    @property
    def month(self) -> str:
        """Return the heading that the row belongs under."""
        return self._span[0].strftime("%B %Y")

    @property
    def when(self) -> str:
        """Return the time in words."""
        start, end = self._span
        if self.values.allDay:
            last = end - DAY
            return "all day" if last.date() <= start.date() else f"all day, until {_day(last)}"
        until = _clock(end) if end.date() == start.date() else f"{_day(end)} {_clock(end)}"
        return f"{_clock(start)} – {until}"

    @property
    def day(self) -> str:
        """Return the day in words."""
        return _day(self._span[0])

    def mentions(self, words: str) -> bool:
        """Say whether every word of the filter occurs in the row."""
        return all(word in self._text for word in words.casefold().split())

    @cached_property
    def _text(self) -> str:
        values = self.values
        shown = (values.title, values.location, values.address, self.day, self.month, self.origin, self.series)
        return " ".join((*shown, *self.notes)).casefold()


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b}"


def guests(count: int) -> str:
    """Return how many guests in words."""
    return f"{count} guest{'s' if count != 1 else ''}"


@dataclass(frozen=True, kw_only=True)
class Month:
    """Consecutive rows under one heading; ``key`` is an id for the page's own elements."""

    name: str
    rows: list[Row]

    @property
    def key(self) -> str:
        """Return the month as a word of an id."""
        return self.name.replace(" ", "-").lower()


def by_month(rows: list[Row]) -> list[Month]:
    """Group rows under their months, keeping their order."""
    return [Month(name=name, rows=list(group)) for name, group in groupby(rows, key=lambda row: row.month)]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One calendar as shown: what is to come by date, series apart, then what is over, latest first.

    ``total`` counts what the calendar holds, ``shown`` what the filter leaves of it.
    """

    upcoming: list[Row]
    series: list[Row]
    past: list[Row]
    shown: int
    total: int


def listing(rows: list[Row], *, now: datetime, words: str) -> Listing:
    """Sort rows for a person, leaving out what the filter does not mention."""
    shown = [row for row in rows if row.mentions(words)]
    ordered = sorted((row for row in shown if not row.series), key=lambda row: (row.starts, row.values.title))
    past = [row for row in ordered if row.ends < now]
    return Listing(
        upcoming=[row for row in ordered if row.ends >= now],
        series=sorted((row for row in shown if row.series), key=lambda row: row.values.title.casefold()),
        past=past[::-1],
        shown=sum(not row.expanded for row in shown),
        total=sum(not row.expanded for row in rows),
    )
