"""One UID's VEVENTs: the series, its edited and deleted occurrences, and what stands beside it as single events."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice

from local.ics.content import content_of
from local.ics.outcome import Json, Owner, Unrepresentable
from local.ics.reading import Vevent
from local.ics.repeats import Rules, end_of_period, in_series, listed, rules_of
from local.ics.rules import Series, series_for
from local.ics.times import Note, Times, times_of
from local.ics.zones import instant

MOST_SINGLES = 200
"""How many single events a finite rule that Graph has no pattern for may become."""


@dataclass(kw_only=True)
class Plan:
    """A master turned into Graph's terms, still open for the overrides of the same UID.

    ``singles`` are single events by their original start: the instances of an RDATE, or of a rule without pattern.
    """

    vevent: Vevent
    times: Times
    content: Json
    series: Series | None = None
    rules: Rules | None = None
    cancelled: set[date] = field(default_factory=set)
    exceptions: dict[date, Json] = field(default_factory=dict)
    singles: dict[datetime, Json] = field(default_factory=dict)

    def events(self) -> list[Json]:
        """Return the events: the series, if there is one, then the single ones."""
        made = []
        if self.series is not None:
            event = self.content | self.times.at(self.series.first).graph()
            event["recurrence"] = self.series.recurrence
            event["_exceptions"] = [self.exceptions[day] for day in sorted(self.exceptions)]
            event["_cancelled"] = [day.isoformat() for day in sorted(self.cancelled)]
            made.append(event)
        return made + [self.singles[start] for start in sorted(self.singles)]

    def occurrence(self, start: datetime) -> datetime | None:
        """Return the series' occurrence at that wall time, unless it is left out."""
        if self.series is None or self.rules is None or start.date() in self.series.left_out:
            return None
        return start if self.rules.starts.between(start, start, inc=True) else None

    def holds(self, edit: Vevent) -> bool:
        """Whether the edited occurrence is one of this plan's."""
        found = edit.moment("RECURRENCE-ID")
        if found is None:
            return False
        original = in_series(found[0], self.times)
        return original in self.singles or self.occurrence(original) is not None


def plan(vevent: Vevent, owner: Owner, note: Note) -> Plan:
    """Turn a master into a plan, its EXDATEs and RDATEs applied; Unrepresentable when Graph has no room for it."""
    times = times_of(vevent, note)
    made = Plan(vevent=vevent, times=times, content=content_of(vevent, times, owner))
    made.rules = rules_of(vevent, times, note)
    if made.rules is None:
        made.singles[times.start] = made.content | times.graph()
    else:
        _repeat(made, made.rules, note)
    for start, length in listed(vevent, "RDATE", times, note):
        _add(made, start, length)
    for start, _ in listed(vevent, "EXDATE", times, note):
        _exclude(made, start, note)
    return made


def override(made: Plan, vevent: Vevent, owner: Owner, note: Note) -> Json | None:
    """Apply an edited occurrence; return it as an event of its own where the series has no room for it."""
    found = vevent.moment("RECURRENCE-ID")
    if found is None:
        raise Unrepresentable("RECURRENCE-ID cannot be read")
    if str(getattr(vevent.first("RECURRENCE-ID"), "params", {}).get("RANGE", "")).upper() == "THISANDFUTURE":
        raise Unrepresentable("RANGE=THISANDFUTURE changes later occurrences, a series of its own in Outlook")
    original = in_series(found[0], made.times)
    cancelled = vevent.text("STATUS").upper() == "CANCELLED"
    if cancelled and (original in made.singles or made.occurrence(original)):
        made.singles.pop(original, None)
        _cancel(made, original)
        return None
    times = times_of(vevent, note)
    event = content_of(vevent, times, owner) | times.graph()
    if made.occurrence(original) is None:
        if original not in made.singles:
            note("its RECURRENCE-ID is no occurrence of the series; taken as a single event")
            return event
        made.singles[original] = event
        return None
    if original.date() in made.cancelled and vevent.number("SEQUENCE") < made.vevent.number("SEQUENCE"):
        note("an EXDATE of a later SEQUENCE deletes it")
        return None
    if original.date() in made.exceptions:
        raise Unrepresentable("another VEVENT edits the same occurrence")
    if not _fits(made, original, times):
        note("it is moved across its neighbours, which Outlook refuses; taken as a single event")
        _cancel(made, original)
        return event
    made.cancelled.discard(original.date())
    made.exceptions[original.date()] = {"originalDate": original.date().isoformat()} | _patch(event)
    return None


def _patch(event: Json) -> Json:
    """Return what may be patched on one occurrence: it has no organizer of its own."""
    return {name: value for name, value in event.items() if name != "_organizer"}


def _repeat(made: Plan, rules: Rules, note: Note) -> None:
    if made.times.zone_lacking:
        raise Unrepresentable("it recurs in a time zone that Outlook does not have")
    series = series_for(rules.starts, own=rules.own, numbered=rules.numbered, zone=made.times.zone)
    if series is not None:
        made.series = series
        made.cancelled |= series.left_out
    else:
        _spell_out(made, rules, note)
    started = series.first if series else min(made.singles, default=None)
    if started != made.times.start:
        note("DTSTART is no occurrence of the rule; taken as a single event beside it")
        made.singles[made.times.start] = made.content | made.times.graph()


def _spell_out(made: Plan, rules: Rules, note: Note) -> None:
    starts = list(islice(rules.starts, MOST_SINGLES + 1))
    if len(starts) > MOST_SINGLES:
        raise Unrepresentable("Graph has no pattern for its recurrence rule, which has no near end")
    if starts:
        note(f"Graph has no pattern for its recurrence rule; taken as {len(starts)} single events")
    for start in starts:
        made.singles[start] = made.content | made.times.at(start).graph()


def _add(made: Plan, start: datetime, length: timedelta | None) -> None:
    if made.occurrence(start) is not None:
        return
    times = made.times.at(start)
    if length is not None and not times.all_day:
        times = replace(times, end=end_of_period(start, length, times.zone), end_zone=times.zone)
    made.singles[start] = made.content | times.graph()


def _exclude(made: Plan, start: datetime, note: Note) -> None:
    hit = made.singles.pop(start, None) is not None
    if made.occurrence(start) is not None:
        made.cancelled.add(start.date())
        hit = True
    if not hit:
        note("an EXDATE names no occurrence and is left out")


def _cancel(made: Plan, original: datetime) -> None:
    if made.series is not None and made.occurrence(original):
        made.cancelled.add(original.date())


def _fits(made: Plan, original: datetime, times: Times) -> bool:
    """Whether the occurrence stays between its neighbours' days (ErrorOccurrenceCrossingBoundary)."""
    assert made.rules is not None
    new = in_series(instant(times.start, times.zone), made.times)
    if new == original:
        return True
    return _beyond(made.rules.starts.before, original, lambda day: new.date() > day) and _beyond(
        made.rules.starts.after, original, lambda day: new.date() < day
    )


def _beyond(
    neighbour: Callable[[datetime], datetime | None], original: datetime, clear_of: Callable[[date], bool]
) -> bool:
    found = neighbour(original)
    return found is None or clear_of(found.date())
