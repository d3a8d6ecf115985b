"""Recurrence patterns: what Graph accepts and returns, and their expansion by dateutil (S29)."""

import calendar as months
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Literal

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule

from local.graph.errors import GraphError, invalid_body, validation_failure
from local.graph.zones import to_local, to_utc, writable_zone

_DAYS = {
    "sunday": SU, "monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR, "saturday": SA,
}  # fmt: skip
_INDEX = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_PATTERNS: dict[str, tuple[Literal[0, 1, 2, 3, 4, 5, 6], tuple[str, ...]]] = {
    "daily": (DAILY, ()),
    "weekly": (WEEKLY, ("daysOfWeek",)),
    "absoluteMonthly": (MONTHLY, ("dayOfMonth",)),
    "relativeMonthly": (MONTHLY, ("daysOfWeek",)),
    "absoluteYearly": (YEARLY, ("dayOfMonth", "month")),
    "relativeYearly": (YEARLY, ("daysOfWeek", "month")),
}
_RANGES = {"endDate": ("endDate",), "noEnd": (), "numbered": ("numberOfOccurrences",)}
_NO_DATE = "0001-01-01"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
STRIDE = 512
"""Expansion begins at a multiple of so many periods (of ``interval`` days, weeks, months or years) after the start."""
_INSTANTS_KEPT = 5000
_LAST = datetime(9999, 12, 30)  # noqa: DTZ001 - local wall clock


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """A checked recurrence. ``first`` is the master's start as local time in ``zone``; ``stored`` is what is read."""

    stored: dict[str, Any]
    zone: str
    first: datetime
    _starts: dict[date, datetime] = field(default_factory=dict, repr=False, compare=False)
    _later: dict[int, rrule] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def rule(self) -> rrule:
        """The rule over local wall-clock time, so that DST never moves an occurrence."""
        pattern, limits = self.stored["pattern"], self.stored["range"]
        options: dict[str, Any] = {}
        if limits["type"] == "endDate":
            options["until"] = datetime.combine(date.fromisoformat(limits["endDate"]), time.max)
        elif limits["type"] == "numbered":
            options["count"] = limits["numberOfOccurrences"]
        options |= _by(pattern)
        return rrule(
            _PATTERNS[pattern["type"]][0],
            dtstart=self.first,
            interval=pattern["interval"],
            wkst=_DAYS[pattern["firstDayOfWeek"]],
            cache=True,
            **options,
        )

    def _near(self, low: datetime) -> rrule:
        """Return the rule, begun so late that little comes before the period of ``low`` and the one before it.

        A numbered series has to be counted from its start; it has 999 occurrences at most.
        """
        pattern = self.stored["pattern"]
        steps = (_periods(pattern["type"], self.first, low) // pattern["interval"] - 2) // STRIDE * STRIDE
        if steps <= 0 or self.stored["range"]["type"] == "numbered":
            return self.rule
        if steps not in self._later:
            self._later.clear()
            begin = _begin(pattern["type"], self.first, steps * pattern["interval"])
            self._later[steps] = self.rule.replace(dtstart=begin)
        return self._later[steps]

    def between(self, start: datetime, end: datetime, duration: timedelta) -> Iterator[tuple[date, datetime]]:
        """Yield original date and UTC start of the occurrences that may touch ``start`` to ``end`` (UTC)."""
        low = self._local(start) - duration - timedelta(days=1)
        high = self._local(end) + timedelta(days=1)
        for local in self._near(low).xafter(low, inc=True):
            if local > high:
                return
            yield local.date(), self._instant(local)

    def start_on(self, day: date) -> datetime | None:
        """Return the UTC start of the occurrence whose original date this is, if there is one."""
        if day in self._starts:
            return self._starts[day]
        at = datetime.combine(day, self.first.time())
        if not self._near(at).between(at, at, inc=True):
            return None
        return self._instant(at)

    def neighbours(self, day: date) -> tuple[date | None, date | None]:
        """Return the original dates before and after this one."""
        at = datetime.combine(day, self.first.time())
        near = self._near(at)
        before, after = near.before(at), near.after(at)
        return (before.date() if before else None), (after.date() if after else None)

    def _instant(self, local: datetime) -> datetime:
        """Return the instant; remembered, because a series is expanded again and again."""
        known = self._starts.get(local.date())
        if known is None:
            if len(self._starts) >= _INSTANTS_KEPT:
                self._starts.clear()
            known = self._starts[local.date()] = to_utc(local, self.zone)
        return known

    def _local(self, instant: datetime) -> datetime:
        low, high = datetime(1, 2, 1, tzinfo=UTC), _LAST.replace(tzinfo=UTC) - timedelta(days=400)
        return to_local(min(max(instant, low), high), self.zone) if instant > low else datetime(1, 2, 1)  # noqa: DTZ001


def _periods(kind: str, first: datetime, low: datetime) -> int:
    """Return how many days, weeks, months or years lie between the two."""
    if kind == "daily":
        return (low - first).days
    if kind == "weekly":
        return (low - first).days // 7
    months_between = 12 * (low.year - first.year) + low.month - first.month
    return months_between if kind.endswith("Monthly") else low.year - first.year


def _begin(kind: str, first: datetime, periods: int) -> datetime:
    """Return the start so many periods later: of the same phase, and at the beginning of its month or year."""
    if kind == "daily":
        return first + timedelta(days=periods)
    if kind == "weekly":
        return first + timedelta(weeks=periods)
    if kind.endswith("Yearly"):
        return first.replace(year=first.year + periods, month=1, day=1)
    months_on = 12 * first.year + first.month - 1 + periods
    return first.replace(year=months_on // 12, month=months_on % 12 + 1, day=1)


def overlaps(start: datetime, end: datetime, low: datetime, high: datetime) -> bool:
    """Whether an event touches the range; one without length counts at its start."""
    return start < high and (end > low or start == end == low)


def _by(pattern: dict[str, Any]) -> dict[str, Any]:
    """Return rrule's BY parts. Outlook puts day 29-31 of a shorter month on its last day."""
    kind, day = pattern["type"], pattern["dayOfMonth"]
    days = [_DAYS[name] for name in pattern["daysOfWeek"]]
    options: dict[str, Any] = {"bymonth": pattern["month"]} if kind.endswith("Yearly") else {}
    if kind == "weekly":
        options["byweekday"] = days
    elif kind.startswith("relative"):
        options |= {"byweekday": days, "bysetpos": _INDEX[pattern["index"]]}
    elif kind.startswith("absolute"):
        options |= {"bymonthday": list(range(28, day + 1)), "bysetpos": -1} if day > 28 else {"bymonthday": day}
    return options


def parse(value: Any, *, start: datetime, start_zone: str) -> Recurrence:
    """Check a written recurrence. ``start`` is the event's start in UTC, ``start_zone`` the zone it was written in."""
    if not isinstance(value, dict) or set(value) - {"pattern", "range", "@odata.type"}:
        raise invalid_body("The property 'recurrence' takes a pattern and a range.")
    pattern = _pattern(value.get("pattern"))
    limits = _range(value.get("range"))
    zone_name = limits["recurrenceTimeZone"] or start_zone
    writable_zone(zone_name)
    limits["recurrenceTimeZone"] = zone_name
    first = to_local(start, zone_name)
    if limits["startDate"] not in (first.date().isoformat(), to_local(start, start_zone).date().isoformat()):
        raise _mismatch("The recurrence range's StartDate must match the start of the event.")
    made = Recurrence(stored={"pattern": pattern, "range": limits}, zone=zone_name, first=first)
    if next(iter(made.rule), None) is None:
        raise _mismatch("The recurrence has no occurrence.")
    return made


def moved(old: Recurrence, start: datetime) -> Recurrence:
    """Return the recurrence after the master's start moved without a recurrence being written."""
    first = to_local(start, old.zone)
    limits = old.stored["range"] | {"startDate": first.date().isoformat()}
    return Recurrence(stored=old.stored | {"range": limits}, zone=old.zone, first=first)


def _mismatch(message: str) -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", message)


def _pattern(value: Any) -> dict[str, Any]:
    allowed = {"type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index", "@odata.type"}
    if not isinstance(value, dict) or set(value) - allowed:
        raise invalid_body("The property 'pattern' is malformed.")
    made: dict[str, Any] = {
        "type": _choice(value.get("type"), _PATTERNS),
        "interval": _number(value, "interval", 1, 99_999, absent=0),
        "month": _number(value, "month", 0, 12),
        "dayOfMonth": _number(value, "dayOfMonth", 0, 31),
        "daysOfWeek": _days(value.get("daysOfWeek")),
        "firstDayOfWeek": _choice(value.get("firstDayOfWeek") or "sunday", _DAYS),
        "index": _choice(value.get("index") or "first", _INDEX),
    }
    needed = _PATTERNS[made["type"]][1]
    if any(not made[name] for name in needed):
        raise validation_failure()
    unused = {"month": 0, "dayOfMonth": 0, "daysOfWeek": []}
    made |= {name: zero for name, zero in unused.items() if name not in needed}
    if made["month"] and made["dayOfMonth"] > months.monthrange(2024, made["month"])[1]:
        raise validation_failure()
    if not made["type"].startswith("relative"):
        made["index"] = "first"
    return made


def _range(value: Any) -> dict[str, Any]:
    allowed = {"type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences", "@odata.type"}
    if not isinstance(value, dict) or set(value) - allowed:
        raise invalid_body("The property 'range' is malformed.")
    kind = _choice(value.get("type"), _RANGES)
    start = _date(value.get("startDate"))
    end = _date(value.get("endDate") or _NO_DATE)
    count = _number(value, "numberOfOccurrences", 0, 999) if value.get("numberOfOccurrences") is not None else 0
    if start == _NO_DATE or (kind == "endDate" and end < start) or (kind == "numbered" and not count):
        raise validation_failure()
    zone_name = value.get("recurrenceTimeZone") or ""
    if not isinstance(zone_name, str):
        raise invalid_body("The property 'recurrenceTimeZone' takes a string.")
    return {
        "type": kind,
        "startDate": start,
        "endDate": end if kind == "endDate" else _NO_DATE,
        "recurrenceTimeZone": zone_name,
        "numberOfOccurrences": count if kind == "numbered" else 0,
    }


def _choice(value: Any, allowed: Any) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise invalid_body(f"Requested value '{value}' was not found.")
    return value


def _number(value: dict[str, Any], name: str, low: int, high: int, *, absent: int | None = None) -> int:
    number = value.get(name, low if absent is None else absent)
    if not isinstance(number, int) or isinstance(number, bool):
        raise invalid_body(f"Cannot convert the value of '{name}' to the expected type 'Edm.Int32'.")
    if not low <= number <= high:
        raise validation_failure()
    return number


def _days(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_body("The property 'daysOfWeek' takes a collection.")
    chosen = {_choice(day, _DAYS) for day in value}
    return [day for day in _DAYS if day in chosen]


def _date(value: Any) -> str:
    try:
        if not _DATE.fullmatch(value):  # ISO 8601 has more forms than Edm.Date
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise invalid_body(f"Cannot convert the literal '{value}' to the expected type 'Edm.Date'.") from None
