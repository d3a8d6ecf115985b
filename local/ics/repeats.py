"""What a VEVENT's RRULE, EXRULE, RDATE and EXDATE say, in wall times of the series' zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import rruleset, rrulestr
from icalendar.prop import vRecur

from local.ics.outcome import Unrepresentable
from local.ics.reading import Vevent
from local.ics.rules import Frequency, Pattern
from local.ics.times import Note, Times
from local.ics.zones import instant, local

_FREQUENCIES: dict[str, Frequency] = {"YEARLY": 0, "MONTHLY": 1, "WEEKLY": 2, "DAILY": 3}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PARTS = frozenset({
    "FREQ", "UNTIL", "COUNT", "INTERVAL", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY",
    "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The written rules. ``own`` keeps what a pattern of the same shape would have of the first of them."""

    starts: rruleset
    own: Pattern
    numbered: bool


def rules_of(vevent: Vevent, times: Times, note: Note) -> Rules | None:
    """Return the rules, or None when there are none; Unrepresentable when one cannot be read."""
    if vevent.broken("RRULE") or vevent.broken("EXRULE"):
        raise Unrepresentable("its recurrence rule cannot be read")
    written = [rule for rule in vevent.every("RRULE") if rule]
    if not written:
        return None
    starts = rruleset()
    for rule in written:
        starts.rrule(_rule(rule, times, note))
    for rule in vevent.every("EXRULE"):
        starts.exrule(_rule(rule, times, note))
    first = written[0]
    own = Pattern(
        frequency=_FREQUENCIES.get(_one(first, "FREQ"), 3),
        interval=_positive(first, "INTERVAL") or 1,
        week_start=_DAYS.index(_one(first, "WKST")) if _one(first, "WKST") in _DAYS else 0,
    )
    return Rules(starts=starts, own=own, numbered=bool(_positive(first, "COUNT")))


def listed(vevent: Vevent, name: str, times: Times, note: Note) -> list[tuple[datetime, timedelta | None]]:
    """Return the moments of RDATE or EXDATE as wall times, each with the length that a PERIOD gives it."""
    if vevent.broken(name):
        note(f"an {name} cannot be read and is left out")
    found = []
    for value in vevent.every(name):
        for item in getattr(value, "dts", [value]):
            moment = getattr(item, "dt", None)
            length = None
            if isinstance(moment, tuple):
                begin, end = moment
                length, moment = (end if isinstance(end, timedelta) else end - begin), begin
            if isinstance(moment, date):
                found.append((in_series(moment, times), length))
    return found


def in_series(moment: date | datetime, times: Times) -> datetime:
    """Return a moment as the series' wall time; a date means the occurrence of that day."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, times.start.time())
    wall = local(moment, times.zone)
    return datetime.combine(wall.date(), time()) if times.all_day else wall


def _rule(rule: vRecur, times: Times, note: Note) -> Any:
    parts = {name.upper(): rule[name] for name in rule}
    if [str(item).upper() for item in parts.get("RSCALE", ["GREGORIAN"])] != ["GREGORIAN"]:
        raise Unrepresentable("its recurrence rule counts in a calendar other than the Gregorian")
    if "SKIP" in parts and _one(rule, "SKIP") != "OMIT" and times.start.day > 28:
        raise Unrepresentable("its recurrence rule has a SKIP that moves days")
    unknown = set(parts) - _PARTS - {"RSCALE", "SKIP"}
    if any(not name.startswith("X-") for name in unknown):
        raise Unrepresentable("its recurrence rule has a part that iCalendar does not know")
    if unknown:
        note("a private part of its recurrence rule is left out")
    kept = vRecur({name: value for name, value in parts.items() if name in _PARTS - {"UNTIL"}})
    if "COUNT" in kept and not _positive(rule, "COUNT"):
        note("a COUNT below 1 in its recurrence rule is left out")
        del kept["COUNT"]
    text = bytes(kept.to_ical()).decode()  # type: ignore[no-untyped-call]
    if "UNTIL" in parts:
        text += f";UNTIL={_until(parts['UNTIL'][0], times):%Y%m%dT%H%M%S}"
    try:
        return rrulestr(text, dtstart=times.start)
    except (ValueError, TypeError, KeyError) as error:
        raise Unrepresentable("its recurrence rule cannot be read") from error


def _until(until: date | datetime, times: Times) -> datetime:
    if not isinstance(until, datetime):
        return datetime.combine(until, time.max)
    if times.all_day:
        return datetime.combine(until.date(), time())
    return local(until, times.zone)


def _one(rule: vRecur, name: str) -> str:
    value = rule.get(name)
    return str(value[0] if isinstance(value, list) else value).upper() if value else ""


def _positive(rule: vRecur, name: str) -> int:
    text = _one(rule, name)
    return int(text) if text.isdigit() else 0


def end_of_period(start: datetime, length: timedelta, zone: str) -> datetime:
    """Return the wall time at the end of a PERIOD, whose length is exact."""
    return local(instant(start, zone) + length, zone)
