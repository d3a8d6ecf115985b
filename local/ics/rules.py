"""Recurrence rules to Graph patterns: guess from the occurrences, then prove by expanding the pattern.

A rule may be written in many ways that mean the same days, so candidates are read off the days themselves, and only
one whose own expansion gives the same days is taken. A finite rule may also be the pattern's days less a few deleted
ones. Outlook puts day 29-31 of a shorter month on its last day, where RFC 5545 skips that month.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Literal

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rruleset, weekday

from local.ics.outcome import Json

MOST_NUMBERED = 999
_PROOF = 400
_HORIZON = timedelta(days=366 * 60)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INDEX = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_GROUPS = (tuple(range(7)), tuple(range(5)), (5, 6))
Frequency = Literal[0, 1, 2, 3]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Graph's recurrencePattern with days as numbers from Monday; ``index`` is set on relative ones."""

    frequency: Frequency
    interval: int
    days: tuple[int, ...] = ()
    index: int = 0
    month_day: int = 0
    month: int = 0
    week_start: int = 0

    def starts(self, first: datetime) -> rrule:
        """Return the occurrences as Outlook places them."""
        options: dict[str, Any] = {"bymonth": self.month} if self.month else {}
        if self.days:
            options["byweekday"] = [weekday(day) for day in self.days]
        if self.index:
            options["bysetpos"] = self.index
        elif self.month_day > 28:
            options |= {"bymonthday": list(range(28, self.month_day + 1)), "bysetpos": -1}
        elif self.month_day:
            options["bymonthday"] = self.month_day
        return rrule(self.frequency, dtstart=first, interval=self.interval, wkst=self.week_start, **options)

    def graph(self) -> Json:
        """Return the recurrencePattern's JSON, without the members that its type does not use."""
        family = "relative" if self.index else "absolute"
        kind = {DAILY: "daily", WEEKLY: "weekly", MONTHLY: f"{family}Monthly", YEARLY: f"{family}Yearly"}
        members: Json = {"type": kind[self.frequency], "interval": self.interval}
        if self.days:
            members["daysOfWeek"] = [_DAYS[day] for day in self.days]
            members["firstDayOfWeek"] = _DAYS[self.week_start]
        if self.index:
            members["index"] = _INDEX[self.index]
        if self.month_day:
            members["dayOfMonth"] = self.month_day
        if self.month:
            members["month"] = self.month
        return members


@dataclass(frozen=True, kw_only=True)
class Series:
    """A proven series: Graph's recurrence, its first start, and the pattern's days that the rule leaves out."""

    recurrence: Json
    first: datetime
    left_out: frozenset[date]


def series_for(rules: rruleset, *, own: Pattern, numbered: bool, zone: str) -> Series | None:
    """Return the series that has exactly these occurrences (naive wall times in ``zone``), or None.

    ``own`` holds the written rule's frequency, interval and week start, tried first; ``numbered`` says that it has a
    COUNT, to be kept as one where that is possible.
    """
    begun = list(islice(rules, MOST_NUMBERED + 1))
    if not begun or len({moment.date() for moment in begun}) < len(begun) or len({m.time() for m in begun}) > 1:
        return None
    first = begun[0]
    if len(begun) > MOST_NUMBERED:
        return _long(rules, begun, own, zone)
    best: tuple[Pattern, set[date]] | None = None
    for pattern in _candidates(begun, own):
        left_out = _left_out(pattern, begun)
        if left_out is not None and (best is None or len(left_out) < len(best[1])):
            best = pattern, left_out
    if best is None:
        return None
    pattern, left_out = best
    limits = _limits(first, zone, last=begun[-1], count=len(begun) if numbered and not left_out else 0)
    return Series(recurrence={"pattern": pattern.graph(), "range": limits}, first=first, left_out=frozenset(left_out))


def _long(rules: rruleset, begun: list[datetime], own: Pattern, zone: str) -> Series | None:
    """Prove a series without end, or with more occurrences than Graph counts, on its first ones."""
    sample = [moment for moment in begun if moment <= begun[0] + _HORIZON][:_PROOF]
    for pattern in _candidates(begun[:_PROOF], own):
        if all(made == wanted for made, wanted in zip(pattern.starts(begun[0]), sample, strict=False)):
            limits = _limits(begun[0], zone, last=_last(rules), count=0)
            return Series(
                recurrence={"pattern": pattern.graph(), "range": limits}, first=begun[0], left_out=frozenset()
            )
    return None


def _last(rules: rruleset) -> datetime | None:
    """Return the last occurrence of a long rule; None when it goes on past every horizon."""
    beyond = datetime.combine(date(2200, 1, 1), time())
    if rules.after(beyond) is not None:
        return None
    return rules.before(beyond, inc=True)


def _limits(first: datetime, zone: str, *, last: datetime | None, count: int) -> Json:
    limits: Json = {"type": "noEnd", "startDate": first.date().isoformat(), "recurrenceTimeZone": zone}
    if count:
        return limits | {"type": "numbered", "numberOfOccurrences": count}
    if last is not None:
        return limits | {"type": "endDate", "endDate": last.date().isoformat()}
    return limits


def _left_out(pattern: Pattern, wanted: list[datetime]) -> set[date] | None:
    """Return the pattern's days that are not wanted; None when it misses a wanted one or has too many others."""
    most = 2 * len(wanted) + 10
    made = {moment.date() for moment in islice(pattern.starts(wanted[0]), most) if moment <= wanted[-1]}
    days = {moment.date() for moment in wanted}
    return made - days if days <= made else None


def _candidates(begun: list[datetime], own: Pattern) -> Iterator[Pattern]:
    """Yield patterns that start with the first occurrence, those of the written frequency first."""
    families = {DAILY: _daily, WEEKLY: _weekly, MONTHLY: _monthly, YEARLY: _yearly}
    order: list[Frequency] = [own.frequency, *(f for f in (3, 2, 1, 0) if f != own.frequency)]
    for frequency in order:
        yield from families[frequency](begun, own)


def _daily(begun: list[datetime], own: Pattern) -> Iterator[Pattern]:
    gap = (begun[1].date() - begun[0].date()).days if len(begun) > 1 else own.interval
    for interval in dict.fromkeys((own.interval if own.frequency == DAILY else gap, gap)):
        yield Pattern(frequency=3, interval=interval)


def _weekly(begun: list[datetime], own: Pattern) -> Iterator[Pattern]:
    days = tuple(sorted({moment.weekday() for moment in begun}))
    for interval in dict.fromkeys((own.interval if own.frequency == WEEKLY else 1, 1)):
        yield Pattern(frequency=2, interval=interval, days=days, week_start=own.week_start)


def _monthly(begun: list[datetime], own: Pattern) -> Iterator[Pattern]:
    gap = _months(begun) if len(begun) > 1 else own.interval
    for interval in dict.fromkeys((own.interval if own.frequency == MONTHLY else gap, gap)):
        yield from _in_month(begun, frequency=1, interval=interval, month=0)


def _yearly(begun: list[datetime], own: Pattern) -> Iterator[Pattern]:
    gap = begun[1].year - begun[0].year if len(begun) > 1 else own.interval
    for interval in dict.fromkeys((own.interval if own.frequency == YEARLY else gap, gap)):
        yield from _in_month(begun, frequency=0, interval=max(1, interval), month=begun[0].month)


def _in_month(begun: list[datetime], *, frequency: Frequency, interval: int, month: int) -> Iterator[Pattern]:
    first = begun[0]
    largest = max(moment.day for moment in begun)
    for day in dict.fromkeys((first.day, largest)):
        yield Pattern(frequency=frequency, interval=interval, month_day=day, month=month)
    own_days = tuple(sorted({moment.weekday() for moment in begun}))
    for days in dict.fromkeys(((first.weekday(),), own_days, *_GROUPS)):
        for index in _INDEX:
            yield Pattern(frequency=frequency, interval=interval, days=days, index=index, month=month)


def _months(begun: list[datetime]) -> int:
    return max(1, (begun[1].year - begun[0].year) * 12 + begun[1].month - begun[0].month)
