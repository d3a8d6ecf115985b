"""Events as calendars show them: singles, masters, occurrences and exceptions (S29-S31)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from local.graph import ids
from local.graph.errors import GraphError, bad_request, item_not_found
from local.graph.recurrence import overlaps
from local.graph.state import Calendar, Exceptional, Item, Mailbox, Span
from local.graph.zones import instant, to_local

MAX_DAYS = 1825


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One event as read. ``day`` is the original date of an occurrence or exception."""

    item: Item
    kind: str
    span: Span
    props: dict[str, Any]
    day: date | None = None

    def event_id(self, immutable: bool) -> str:
        """Return the id in the form asked for."""
        own = self.item.immutable_id if immutable else self.item.regular_id
        return ids.occurrence(own, self.day) if self.day else own


def stored(item: Item) -> View:
    """Return the single event or master itself."""
    kind = "seriesMaster" if item.recurrence else "singleInstance"
    return View(item=item, kind=kind, span=item.span, props=item.props)


def exceptional(item: Item, changed: Exceptional) -> View:
    """Return an exception: the master's members under its own."""
    return View(item=item, kind="exception", span=changed.span, props=item.props | changed.overrides, day=changed.day)


def instance(item: Item, day: date) -> View | None:
    """Return the occurrence or exception of that original date; None if the series has none there."""
    if item.recurrence is None or day in item.cancelled:
        return None
    if day in item.exceptions:
        return exceptional(item, item.exceptions[day])
    start = item.recurrence.start_on(day)
    if start is None:
        return None
    return View(item=item, kind="occurrence", span=item.span.at(start), props=item.props, day=day)


def instances(item: Item, start: datetime, end: datetime) -> Iterator[View]:
    """Yield a series' occurrences and exceptions in the range; cancelled ones are simply missing."""
    if item.recurrence is None:
        return
    for changed in item.exceptions.values():
        if overlaps(changed.span.start, changed.span.end, start, end):
            yield exceptional(item, changed)
    for day, at in item.recurrence.between(start, end, item.span.end - item.span.start):
        if day in item.cancelled or day in item.exceptions:
            continue
        span = item.span.at(at)
        if overlaps(span.start, span.end, start, end):
            yield View(item=item, kind="occurrence", span=span, props=item.props, day=day)


def in_range(item: Item, start: datetime, end: datetime) -> Iterator[View]:
    """Yield what a calendarView shows of an item: no masters."""
    if item.recurrence:
        yield from instances(item, start, end)
    elif overlaps(item.span.start, item.span.end, start, end):
        yield stored(item)


def calendar_view(calendar: Calendar, start: datetime, end: datetime) -> list[View]:
    """Return the calendar's events in the range by start."""
    found = [view for item in calendar.listed.values() for view in in_range(item, start, end)]
    found.sort(key=lambda view: view.span.start)
    return found


def find(mailbox: Mailbox, event_id: str) -> View:
    """Return what an id names; 400 for no id at all (S28), 404 for a stranger's or a gone one."""
    item = mailbox.by_id.get(event_id)
    if item is not None:
        return stored(item)
    ids.require_form(event_id)
    split = ids.split_occurrence(event_id)
    master = mailbox.by_id.get(split[0]) if split else None
    found = instance(master, split[1]) if split and master else None
    if found is None:
        raise item_not_found()
    return found


def neighbours_allow(view: View, new_start: datetime) -> bool:
    """Whether an occurrence may move there: not onto or over a neighbour (ErrorOccurrenceCrossingBoundary)."""
    rule = view.item.recurrence
    if rule is None or view.day is None:
        return True
    before, after = rule.neighbours(view.day)
    earlier = instance(view.item, before) if before else None
    later = instance(view.item, after) if after else None
    day = to_local(new_start, rule.zone).date()
    if earlier and day <= to_local(earlier.span.start, rule.zone).date():
        return False
    return not (later and day >= to_local(later.span.start, rule.zone).date())


def time_range(query: dict[str, str]) -> tuple[datetime, datetime]:
    """Read startDateTime and endDateTime; offsets honoured, none means UTC (S32)."""
    low, high = query.get("startdatetime"), query.get("enddatetime")
    if not low or not high:
        raise GraphError(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime and "
            "EndDateTime.",
        )
    start, end = _instant(low), _instant(high)
    if end < start:
        raise GraphError(400, "ErrorInvalidParameter", "EndDateTime must not be before StartDateTime.")
    if end - start > timedelta(days=MAX_DAYS):
        raise GraphError(
            400, "ErrorInvalidRequest", f"The requested time window is too long; the maximum is {MAX_DAYS} days."
        )
    return start, end


def _instant(written: str) -> datetime:
    try:
        return instant(written.replace(" ", "+"))  # a plus sign left unescaped arrives as a blank
    except ValueError:
        raise bad_request(f"The value '{written}' is not a valid DateTime.") from None
