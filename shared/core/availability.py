"""When a planner is free: arithmetic of time spans, working hours in a zone, and what takes time.

All spans are half-open and of aware UTC instants, so that a day on which the clocks are changed is as long as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.core.event import AllDay, EventType, Timed, WedSyncState
from shared.core.integration import CalendarInfo
from shared.core.walltime import instant_of, midnight, rules_of

SLOT_STEP = timedelta(minutes=30)
"""How far apart the beginnings of slots are: ``availabilityViewInterval`` of the sketch, and Graph's default."""

_ROUND = timedelta(minutes=5)
_DAY = timedelta(days=1)
_FREE = frozenset({"free", "workingelsewhere"})
_MOMENTS = frozenset({EventType.DEADLINE, EventType.TASK_DUE})
_LONGEST_TRAVEL = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """From ``start`` up to, and without, ``end``."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is; zero or less for none at all."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """Something in a calendar, as far as free and busy goes. ``show_as`` is Graph's enum."""

    span: Span
    show_as: str = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """A mailbox's working hours. ``days`` are those of ``date.weekday``; ``zone`` is where ``start`` and ``end`` are.

    An ``end`` that is not after ``start`` is on the day after. ``mailbox_zone`` is the zone in which its owner reads
    the calendar: whose days they are that are asked about.
    """

    days: frozenset[int]
    start: time
    end: time
    zone: str
    mailbox_zone: str


def takes_time(show_as: str) -> bool:
    """Whether an event of this show-as keeps its owner from a meeting.

    Who works elsewhere can meet. What is only tentative, and what is not known, counts as taken: better a slot less
    than a planner in two places.
    """
    return show_as.strip().casefold() not in _FREE


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same time in spans that neither overlap nor touch, in order; empty ones are left out."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.length > timedelta()):
        if found and span.start <= found[-1].end:
            found[-1] = Span(start=found[-1].start, end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def without(spans: Iterable[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """Return what is left of the spans where nothing is taken."""
    left: list[Span] = []
    gaps = merged(taken)
    for span in merged(spans):
        start = span.start
        for gap in gaps:
            if gap.end <= start or gap.start >= span.end:
                continue
            left.append(Span(start=start, end=gap.start))
            start = gap.end
        left.append(Span(start=start, end=span.end))
    return merged(left)


def within(spans: Iterable[Span], limits: Span) -> tuple[Span, ...]:
    """Return the part of the spans that lies in the limits."""
    return merged(Span(start=max(span.start, limits.start), end=min(span.end, limits.end)) for span in spans)


def day_of(day: date, zone: str) -> Span:
    """Return a day as a zone's clocks count it: 23 or 25 hours where they are changed."""
    return Span(start=instant_of(midnight(day), zone), end=instant_of(midnight(day + _DAY), zone))


def working_spans(hours: WorkingHours, day: date) -> tuple[Span, ...]:
    """Return the working time on a day of the mailbox's zone.

    The hours may be kept in another zone, or over midnight, so that those of the days around it count as well.
    """
    found = []
    for own in (day - _DAY, day, day + _DAY):
        if own.weekday() in hours.days:
            last = own if hours.end > hours.start else own + _DAY
            start = instant_of(datetime.combine(own, hours.start), hours.zone)
            found.append(Span(start=start, end=instant_of(datetime.combine(last, hours.end), hours.zone)))
    return within(found, day_of(day, hours.mailbox_zone))


def time_of(state: WedSyncState) -> Span:
    """Return the time that a WedSync event itself takes; an all-day one takes its zone's days."""
    when = state.content.time
    if isinstance(when, Timed):
        return Span(start=when.start, end=when.end)
    return Span(start=day_of(when.start, when.zone).start, end=instant_of(midnight(when.end), when.zone))


def travel_to(state: WedSyncState) -> Span | None:
    """Return the time on the way to a WedSync event, or None if it names none that means anything."""
    when, length = state.content.time, timedelta(minutes=state.travel_minutes or 0)
    if state.deleted or isinstance(when, AllDay) or not timedelta() < length <= _LONGEST_TRAVEL:
        return None
    return Span(start=when.start - length, end=when.start)


def taken_by(state: WedSyncState, *, in_outlook: bool) -> tuple[Span, ...]:
    """Return what a WedSync event takes beyond what Outlook shows. ``in_outlook``: it is in the mailbox as well, where
    its owner may have said that it takes no time. Deadlines and tasks are moments, and take none by themselves.
    """
    travel = travel_to(state)
    spans = [travel] if travel else []
    if not (in_outlook or state.deleted or state.event_type in _MOMENTS):
        spans.append(time_of(state))
    return tuple(spans)


def free_periods(
    working: Iterable[Span], taken: Iterable[Span], *, duration: timedelta, now: datetime
) -> tuple[Span, ...]:
    """Return the gaps in working time that are long enough; what is over already is no gap."""
    past = [Span(start=min(now, span.start), end=now) for span in working]
    return tuple(gap for gap in without(working, [*taken, *past]) if gap.length >= duration)


def slots_in(periods: Sequence[Span], *, duration: timedelta, zone: str) -> tuple[Span, ...]:
    """Return the meetings of this length that fit: at the beginning of a gap, rounded up to five minutes, and at every
    full and half hour on the zone's clocks after that.
    """
    found: set[Span] = set()
    for period in periods:
        start = _rounded_up(period.start, _ROUND, zone)
        while start + duration <= period.end:
            found.add(Span(start=start, end=start + duration))
            start = _rounded_up(start + _ROUND, SLOT_STEP, zone)
    return tuple(sorted(found))


def own_calendars(calendars: Sequence[CalendarInfo]) -> tuple[CalendarInfo, ...]:
    """Return the calendars that hold the mailbox owner's own time: others may have shared theirs with them.

    The owner is whose the default calendar is; where nobody says whose a calendar is, it counts.
    """
    owner = next((each.owner_address.casefold() for each in calendars if each.is_default), "")
    return tuple(each for each in calendars if not (owner and each.owner_address.casefold() not in ("", owner)))


def _rounded_up(moment: datetime, step: timedelta, zone: str) -> datetime:
    """Round on the wall clock: not all zones are whole hours, or even halves, away from UTC."""
    local = moment.astimezone(rules_of(zone)).replace(tzinfo=None)
    over = (local - midnight(local.date())) % step
    return moment.astimezone(UTC) + (step - over if over else timedelta())
