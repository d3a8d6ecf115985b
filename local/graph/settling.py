"""What Exchange does a little later: writes reach lists and delta (S64), a new calendar gets its final id (S62)."""

import copy
import heapq
import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.graph import ids
from local.graph.knobs import Knobs
from local.graph.state import Calendar, Item, Store


@dataclass(order=True, kw_only=True, slots=True)
class Withheld:
    """A write that only a GET by id sees yet; ``item`` is a copy of what was written."""

    due: datetime
    order: int
    calendar: Calendar = field(compare=False)
    item: Item = field(compare=False)


class Settling:
    """Keeps what lists show apart from what is stored, while the knob ``visibilitySeconds`` asks for it."""

    def __init__(self, store: Store, knobs: Knobs) -> None:
        self._store = store
        self._knobs = knobs
        self._withheld: list[Withheld] = []
        self._last: dict[tuple[str, int], datetime] = {}
        self._provisional: list[tuple[datetime, Calendar]] = []
        self._order = itertools.count()
        self._random = random.Random(0)

    @property
    def remembered(self) -> int:
        """For how many items the time of their last write is kept."""
        return len(self._last)

    def knobs_turned(self) -> None:
        """Begin to keep lists apart, or show everything at once."""
        calendars = [calendar for box in self._store.mailboxes.values() for calendar in box.calendars]
        if self._knobs.visibilitySeconds > 0:
            self._random = random.Random(self._knobs.visibilitySeed)
            for calendar in calendars:
                if calendar.shown is None:
                    calendar.shown = {number: _frozen(item) for number, item in calendar.items.items()}
            return
        while self._withheld:
            self._show(heapq.heappop(self._withheld))
        for calendar in calendars:
            calendar.shown = None

    def withhold(self, calendar: Calendar, item: Item, kind: str) -> bool:
        """Take a write to show it later; False where writes are seen at once. Two of one item keep their order."""
        if self._knobs.visibilitySeconds <= 0:
            return False
        if calendar.shown is None:
            calendar.shown = {n: _frozen(each) for n, each in calendar.items.items() if each is not item}
        now, key = self._store.now(), (calendar.immutable_id, item.number)
        delay = 0.0 if self._store.quiet else self._random.uniform(0, self._knobs.visibilitySeconds)
        due = self._last[key] = max(now + timedelta(seconds=delay), self._last.get(key, now))
        written = _frozen(item)
        written.gone = written.gone or kind == "deleted"
        entry = Withheld(due=due, order=next(self._order), calendar=calendar, item=written)
        heapq.heappush(self._withheld, entry)
        return True

    def calendar_made(self, calendar: Calendar) -> None:
        """Let a calendar's id change once, if the knob says when."""
        if self._knobs.calendarIdChangeSeconds >= 0:
            due = self._store.now() + timedelta(seconds=self._knobs.calendarIdChangeSeconds)
            self._provisional.append((due, calendar))

    def settle(self) -> None:
        """Do what is due by the stand's clock."""
        now = self._store.now()
        while self._withheld and self._withheld[0].due <= now:
            self._show(heapq.heappop(self._withheld))
        if not self._withheld:
            self._last.clear()
        for due, calendar in [each for each in self._provisional if each[0] <= now]:
            self._provisional.remove((due, calendar))
            box = calendar.mailbox
            calendar.regular_id, calendar.immutable_id = ids.calendar_ids(box.space, box.next_number())

    def reset(self) -> None:
        """Forget what waits."""
        self._withheld.clear()
        self._provisional.clear()
        self._last.clear()

    def _show(self, entry: Withheld) -> None:
        """Let lists and delta see a write, as if it had been made now."""
        if entry.calendar.shown is not None:
            entry.calendar.shown.pop(entry.item.number, None)
            if not entry.item.gone:
                entry.calendar.shown[entry.item.number] = entry.item
        entry.calendar.mailbox.sequence += 1
        entry.calendar.mailbox.log(entry.calendar, entry.item)


def _frozen(item: Item) -> Item:
    """Return the item as it is now, whatever is written to it later."""
    made = copy.copy(item)
    made.props, made.exceptions, made.cancelled = dict(item.props), dict(item.exceptions), set(item.cancelled)
    return made
