"""What the simulated Exchange stores: mailboxes, calendars, events, and the log of what changed when."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from local.graph import ids
from local.graph.recurrence import Recurrence
from local.graph.zones import to_local, to_utc
from local.simkit.people import ACCOUNTS, Account
from local.simkit.seeded import Source

DELETED_KEPT = 10_000
"""How many deleted events of a mailbox are told from strangers' at most; for how long: knob ``deletedItemsSeconds``."""
DEPARTED_KEPT = 10_000
"""How many events that left a calendar its delta tells of. The oldest are forgotten, and with them the tokens from
before: "after the cache capacity is exceeded, the older delta tokens are deleted" (delta-query-overview.md, Outlook
entities; the number is assumed)."""
TRANSACTIONS_KEPT = 10_000
"""How many ``transactionId`` of a mailbox are remembered; the oldest go first (assumed)."""
_CALENDAR_NAMES = {"W. Europe Standard Time": "Calendario"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """When an event is: instants, and the zones in which they were written."""

    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    all_day: bool

    def at(self, start: datetime) -> "Span":
        """Return the same hours on another day: both ends are wall-clock times, as Exchange keeps a series."""
        length = to_local(self.end, self.start_zone) - to_local(self.start, self.start_zone)
        end = to_utc(to_local(start, self.start_zone) + length, self.start_zone)
        return Span(start=start, end=end, start_zone=self.start_zone, end_zone=self.end_zone, all_day=self.all_day)


@dataclass(kw_only=True, slots=True)
class Exceptional:
    """An occurrence that was changed by itself. ``overrides`` are the members that differ from the master's."""

    day: date
    span: Span
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class Item:
    """A single event or a series. ``props`` are the stored members under Graph's names; ``body`` is HTML there."""

    number: int
    calendar: "Calendar"
    regular_id: str
    immutable_id: str
    uid: str
    span: Span
    props: dict[str, Any]
    organizer: dict[str, str]
    is_organizer: bool
    created: datetime
    modified: datetime
    change_key: str = ""
    recurrence: Recurrence | None = None
    exceptions: dict[date, Exceptional] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    transaction_id: str | None = None
    extended: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: bool = False
    attachments: dict[str, dict[str, Any]] = field(default_factory=dict)
    link_reads: int = 0
    """How often an online meeting was read by itself; its link may come late (S35)."""
    intended: str = "busy"
    """What ``showAs`` becomes when an attendee accepts: the organizer's own (an attendee's copy only)."""

    @property
    def meeting(self) -> bool:
        """Whether changes of this event are mailed: the owner organises it and somebody is invited."""
        return self.is_organizer and bool(self.props["attendees"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """The latest change of one item in one calendar, with the ids it had there.

    ``spans``: from when to when it lay by each of its writes (a series: from its first day on).
    """

    sequence: int
    item: Item
    regular_id: str
    immutable_id: str
    spans: frozenset[tuple[datetime, datetime]] = frozenset()


@dataclass(kw_only=True, eq=False)
class Calendar:
    """A calendar. ``log`` holds one entry per item, oldest change first, also of items that left: those are
    ``departed``, and ``forgotten`` is the last write of which the log knows nothing any more. ``shown`` is what lists
    show while writes become visible later (S64), None where they show what is stored."""

    mailbox: "Mailbox"
    name: str
    regular_id: str
    immutable_id: str
    change_key: str
    default: bool = False
    color: str = "auto"
    items: dict[int, Item] = field(default_factory=dict)
    log: dict[int, Logged] = field(default_factory=dict)
    departed: dict[int, None] = field(default_factory=dict)
    forgotten: int = 0
    extended: dict[str, str] = field(default_factory=dict)
    shown: dict[int, Item] | None = None

    @property
    def listed(self) -> dict[int, Item]:
        """The items as lists, calendarView and delta see them."""
        return self.items if self.shown is None else self.shown

    def has_id(self, calendar_id: str) -> bool:
        """Whether either form of this calendar's id is meant."""
        return calendar_id in (self.regular_id, self.immutable_id)

    def note(self, entry: Logged) -> None:
        """Log an item's latest change; of those that left the oldest are forgotten."""
        number, item = entry.item.number, entry.item
        earlier = self.log.pop(number, entry).spans
        self.departed.pop(number, None)
        end = datetime.max.replace(tzinfo=UTC) if item.recurrence else item.span.end
        self.log[number] = replace(entry, spans=earlier | {(item.span.start, end)})
        if number not in self.items:
            self.departed[number] = None
        while len(self.departed) > DEPARTED_KEPT:
            oldest = next(iter(self.departed))
            del self.departed[oldest]
            self.forgotten = max(self.forgotten, self.log.pop(oldest).sequence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What listeners (notifications) learn of a write. ``kind`` is created, updated or deleted."""

    calendar: Calendar
    item: Item
    kind: str
    regular_id: str
    immutable_id: str


@dataclass(kw_only=True, eq=False)
class Mailbox:
    """One account's calendars. ``sequence`` counts writes; change keys and delta tokens come from it.

    ``numbers`` counts what has an id; each mailbox counts for itself, so that two people may overtake each other.
    """

    account: Account
    store: "Store"
    calendars: list[Calendar] = field(default_factory=list)
    by_id: dict[str, Item] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    transactions: dict[str, tuple[Item, str]] = field(default_factory=dict)
    sequence: int = 0
    numbers: int = 0
    delta_generation: int = 0
    pages: dict[str, Any] = field(default_factory=dict)
    working_hours: dict[str, Any] = field(default_factory=dict)

    @property
    def default_calendar(self) -> Calendar:
        """The calendar that ``/me/calendar`` names."""
        return self.calendars[0]

    @property
    def space(self) -> str:
        """What the ids of this mailbox are made from, with a number each: the owner and the seed."""
        return f"{self.account.oid}/{self.store.source.seed}"

    def next_number(self) -> int:
        """Return a number that nothing in this mailbox has had."""
        self.numbers += 1
        return self.numbers

    def add_calendar(self, name: str, *, default: bool = False) -> Calendar:
        """Make a calendar."""
        self.sequence += 1
        regular, immutable = ids.calendar_ids(self.space, self.next_number())
        key = ids.change_key(self.account.oid, self.sequence)
        made = Calendar(
            mailbox=self, name=name, regular_id=regular, immutable_id=immutable, change_key=key, default=default
        )
        self.calendars.append(made)
        return made

    def new_item(self, calendar: Calendar, *, span: Span, props: dict[str, Any]) -> Item:
        """Make an event of the mailbox's owner and log it; no listener is told yet (``written`` does)."""
        number = self.next_number()
        now = self.store.now()
        item = Item(
            number=number,
            calendar=calendar,
            regular_id=ids.regular_item(self.space, calendar.immutable_id, number),
            immutable_id=ids.immutable_item(self.space, number),
            uid=ids.uid(self.space, number),
            span=span,
            props=props,
            organizer={"name": self.account.name, "address": self.account.upn},
            is_organizer=True,
            created=now,
            modified=now,
        )
        calendar.items[number] = item
        self.by_id[item.regular_id] = self.by_id[item.immutable_id] = item
        return item

    def written(self, item: Item, kind: str, *, tracked: bool = True) -> None:
        """Give the item a new change key and time (S23), log the change and tell the listener.

        ``tracked`` False keeps it out of delta, which does not see changes of extended properties (section 2.9).
        """
        self.sequence += 1
        item.change_key = ids.change_key(self.account.oid, self.sequence)
        item.modified = max(self.store.now(), item.modified + timedelta(microseconds=1))
        if tracked:
            self._log(item.calendar, item, kind)

    def remove(self, item: Item, *, purge: bool = False) -> None:
        """Delete an event; it answers 400 to a second DELETE until it is purged (S26)."""
        del item.calendar.items[item.number]
        del self.by_id[item.regular_id], self.by_id[item.immutable_id]
        item.gone = True
        if not purge:
            now = self.store.now()
            self.deleted[item.regular_id] = self.deleted[item.immutable_id] = now
            while len(self.deleted) > 2 * DELETED_KEPT:
                del self.deleted[next(iter(self.deleted))]
        self.written(item, "deleted")

    def purge_deleted(self, seconds: float) -> None:
        """Forget what was deleted longer ago; whoever deletes it again is told that there is no such event."""
        now = self.store.now()
        while self.deleted and (now - next(iter(self.deleted.values()))).total_seconds() > seconds:
            del self.deleted[next(iter(self.deleted))]

    def remember(self, transaction_id: str, item: Item, content: str) -> None:
        """Keep what a ``transactionId`` made."""
        self.transactions[transaction_id] = (item, content)
        if len(self.transactions) > TRANSACTIONS_KEPT:
            del self.transactions[next(iter(self.transactions))]

    def move(self, item: Item, target: Calendar) -> None:
        """Put an event into another calendar: its regular id changes (S27), both calendars log it."""
        origin = item.calendar
        if origin is target:
            return
        self.sequence += 1
        del origin.items[item.number], self.by_id[item.regular_id]
        self._log(origin, item, "deleted")
        item.calendar = target
        item.regular_id = ids.regular_item(self.space, target.immutable_id, item.number)
        target.items[item.number] = item
        self.by_id[item.regular_id] = item
        self.written(item, "created")

    def log(self, calendar: Calendar, item: Item) -> None:
        """Let delta see an item's latest change."""
        calendar.note(
            Logged(sequence=self.sequence, item=item, regular_id=item.regular_id, immutable_id=item.immutable_id)
        )

    def _log(self, calendar: Calendar, item: Item, kind: str) -> None:
        if not self.store.withhold(calendar, item, kind):
            self.log(calendar, item)
        self.store.tell(
            Change(calendar=calendar, item=item, kind=kind, regular_id=item.regular_id, immutable_id=item.immutable_id)
        )


class Store:
    """All mailboxes.

    ``now`` is the stand's clock, ``source`` gives what is made up; the listener hears every write unless ``quiet`` is
    set; ``withhold`` may take a write to show it to lists and delta later (S64).
    """

    def __init__(self, now: Callable[[], datetime], source: Source) -> None:
        self._clock = now
        self.source = source
        self.listener: Callable[[Change], None] = _deaf
        self.withhold: Callable[[Calendar, Item, str], bool] = _shown_at_once
        self.quiet = False
        self.mailboxes: dict[str, Mailbox] = {}
        self.reset()

    def now(self) -> datetime:
        """Return the stand's time in UTC."""
        return self._clock().astimezone(UTC)

    def tell(self, change: Change) -> None:
        """Pass a change on."""
        if not self.quiet:
            self.listener(change)

    def reset(self) -> None:
        """Give every sample person a mailbox with an empty default calendar and an empty "Private" one.

        All counters begin anew, so that the same requests get the same ids as before.
        """
        self.mailboxes = {}
        for account in ACCOUNTS:
            mailbox = Mailbox(account=account, store=self)
            mailbox.add_calendar(_CALENDAR_NAMES.get(account.time_zone, "Calendar"), default=True)
            mailbox.add_calendar("Private")
            self.mailboxes[account.upn] = mailbox


def _deaf(_: Change) -> None:
    return


def _shown_at_once(_: Calendar, __: Item, ___: str) -> bool:
    return False
