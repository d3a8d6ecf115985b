"""Reading a file: its calendars, their zones, and the VEVENTs with their properties one by one."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import icalendar
import x_wr_timezone
from icalendar.prop import vDDDTypes

from local.ics.outcome import Unreadable, Unrepresentable
from local.ics.zones import Zones


@dataclass(frozen=True, kw_only=True)
class Vevent:
    """One VEVENT. ``group`` is shared by the VEVENTs of one calendar with one UID; without UID it is its own."""

    position: int
    uid: str
    group: tuple[int, str]
    component: icalendar.Component
    zones: Zones

    def broken(self, name: str) -> bool:
        """Whether the property is there but could not be read."""
        return any(broken == name for broken, _ in self.component.errors)

    def first(self, name: str) -> Any:
        """Return the property, the first of several, or None; broken properties count as absent."""
        return next(self.every(name), None)

    def every(self, name: str) -> Iterator[Any]:
        """Yield all properties of that name that could be read."""
        value = self.component.get(name)
        for item in value if isinstance(value, list) else [value]:
            if item is not None and not isinstance(item, icalendar.prop.vBroken):
                yield item

    def text(self, name: str) -> str:
        """Return the property as text, empty when absent."""
        value = self.first(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> int:
        """Return the property as a number, 0 when absent or none."""
        text = self.text(name)
        return int(text) if text.lstrip("+-").isdigit() else 0

    def moment(self, name: str) -> tuple[date | datetime, str | None] | None:
        """Return a date or date-time property with its TZID; None when absent."""
        value = self.first(name)
        if value is None:
            return None
        if not isinstance(value, vDDDTypes) or not isinstance(value.dt, date):
            raise Unrepresentable(f"{name} is neither a date nor a date-time")
        return value.dt, value.params.get("TZID")

    def occurrence_key(self) -> str:
        """Return what tells the occurrences of one UID apart: RECURRENCE-ID as written, empty for a master."""
        value = self.first("RECURRENCE-ID")
        return "" if value is None else str(value.to_ical())

    def revision(self) -> tuple[int, bytes]:
        """Return what orders revisions: SEQUENCE (RFC 5546 section 2.1.5), among edits LAST-MODIFIED as well."""
        changed = self.first("LAST-MODIFIED") if self.occurrence_key() else None
        return self.number("SEQUENCE"), b"" if changed is None else bytes(changed.to_ical())

    def duration(self) -> timedelta | None:
        """Return DURATION; None when absent."""
        value = self.first("DURATION")
        return value.dt if value is not None and isinstance(value.dt, timedelta) else None


def read(source: str | bytes, *, home: str) -> list[Vevent]:
    """Return the VEVENTs of a file in the order written; Unreadable when it does not parse.

    X-WR-TIMEZONE is applied to a calendar that has it, as Google means it. VEVENTs need not be in a VCALENDAR.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # icalendar warns of guessed TZIDs; zones are settled in zones.py
            roots = icalendar.Component.from_ical(source, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise Unreadable(f"not iCalendar: {type(error).__name__}") from error
    found: list[Vevent] = []
    for number, root in enumerate(roots):
        calendar = _standard(root)
        zones = Zones(home, _locations(calendar))
        for component in calendar.walk("VEVENT"):
            position = len(found) + 1
            uid = str(component.get("UID", ""))
            group = (number, uid or f"without UID {position}")
            found.append(Vevent(position=position, uid=uid, group=group, component=component, zones=zones))
    return found


def _standard(root: icalendar.Component) -> icalendar.Component:
    if not isinstance(root, icalendar.Calendar) or "X-WR-TIMEZONE" not in root:
        return root
    try:
        standard: icalendar.Component = x_wr_timezone.to_standard(root)
    except (ValueError, KeyError, AttributeError, TypeError):
        return root
    return standard


def _locations(calendar: icalendar.Component) -> dict[str, str]:
    return {
        str(zone.get("TZID")): str(zone["X-LIC-LOCATION"])
        for zone in calendar.walk("VTIMEZONE")
        if "X-LIC-LOCATION" in zone
    }
