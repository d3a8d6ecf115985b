"""What the simulated Exchange stores: mailboxes, calendars, events, and the log of what changed when."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from local.graph import ids
from local.graph.recurrence import Recurrence
from local.graph.zones import to_local, to_utc
from local.simkit.people import ACCOUNTS, Account

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
    """The latest change of one item in one calendar, with the ids it had there."""

    sequence: int
    item: Item
    regular_id: str
    immutable_id: str


@dataclass(kw_only=True, eq=False)
class Calendar:
    """A calendar. ``log`` holds one entry per item, oldest change first, also of items that left. ``shown`` is what
    lists show while writes become visible later (S64), None where they show what is stored."""

    mailbox: "Mailbox"
    name: str
    regular_id: str
    immutable_id: str
    change_key: str
    default: bool = False
    color: str = "auto"
    items: dict[int, Item] = field(default_factory=dict)
    log: dict[int, Logged] = field(default_factory=dict)
    extended: dict[str, str] = field(default_factory=dict)
    shown: dict[int, Item] | None = None

    @property
    def listed(self) -> dict[int, Item]:
        """The items as lists, calendarView and delta see them."""
        return self.items if self.shown is None else self.shown

    def has_id(self, calendar_id: str) -> bool:
        """Whether either form of this calendar's id is meant."""
        return calendar_id in (self.regular_id, self.immutable_id)


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
    """One account's calendars. ``sequence`` counts writes; change keys and delta tokens come from it."""

    account: Account
    store: "Store"
    calendars: list[Calendar] = field(default_factory=list)
    by_id: dict[str, Item] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    transactions: dict[str, tuple[Item, str]] = field(default_factory=dict)
    sequence: int = 0
    delta_generation: int = 0
    pages: dict[str, Any] = field(default_factory=dict)

    @property
    def default_calendar(self) -> Calendar:
        """The calendar that ``/me/calendar`` names."""
        return self.calendars[0]

    def add_calendar(self, name: str, *, default: bool = False) -> Calendar:
        """Make a calendar."""
        self.sequence += 1
        regular, immutable = ids.calendar_ids(self.account.oid, self.store.next_number())
        key = ids.change_key(self.account.oid, self.sequence)
        made = Calendar(
            mailbox=self, name=name, regular_id=regular, immutable_id=immutable, change_key=key, default=default
        )
        self.calendars.append(made)
        return made

    def new_item(self, calendar: Calendar, *, span: Span, props: dict[str, Any]) -> Item:
        """Make an event of the mailbox's owner and log it; no listener is told yet (``written`` does)."""
        number = self.store.next_number()
        now = self.store.now()
        item = Item(
            number=number,
            calendar=calendar,
            regular_id=ids.regular_item(self.account.oid, calendar.immutable_id, number),
            immutable_id=ids.immutable_item(self.account.oid, number),
            uid=ids.uid(self.account.oid, number),
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
        self.written(item, "deleted")

    def move(self, item: Item, target: Calendar) -> None:
        """Put an event into another calendar: its regular id changes (S27), both calendars log it."""
        origin = item.calendar
        if origin is target:
            return
        self.sequence += 1
        del origin.items[item.number], self.by_id[item.regular_id]
        self._log(origin, item, "deleted")
        item.calendar = target
        item.regular_id = ids.regular_item(self.account.oid, target.immutable_id, item.number)
        target.items[item.number] = item
        self.by_id[item.regular_id] = item
        self.written(item, "created")

    def log(self, calendar: Calendar, item: Item) -> None:
        """Let delta see an item's latest change."""
        entry = Logged(sequence=self.sequence, item=item, regular_id=item.regular_id, immutable_id=item.immutable_id)
        calendar.log.pop(item.number, None)
        calendar.log[item.number] = entry

    def _log(self, calendar: Calendar, item: Item, kind: str) -> None:
        if not self.store.withhold(calendar, item, kind):
            self.log(calendar, item)
        self.store.tell(
            Change(calendar=calendar, item=item, kind=kind, regular_id=item.regular_id, immutable_id=item.immutable_id)
        )


class Store:
    """All mailboxes. ``now`` is the stand's clock; the listener hears every write unless ``quiet`` is set;
    ``withhold`` may take a write to show it to lists and delta later (S64)."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._clock = now
        self._number = 0
        self.listener: Callable[[Change], None] = _deaf
        self.withhold: Callable[[Calendar, Item, str], bool] = _shown_at_once
        self.quiet = False
        self.mailboxes: dict[str, Mailbox] = {}
        self.reset()

    def now(self) -> datetime:
        """Return the stand's time in UTC."""
        return self._clock().astimezone(UTC)

    def next_number(self) -> int:
        """Return a number that no item had before, not even before a reset."""
        self._number += 1
        return self._number

    def tell(self, change: Change) -> None:
        """Pass a change on."""
        if not self.quiet:
            self.listener(change)

    def reset(self) -> None:
        """Give every sample person a mailbox with an empty default calendar and an empty "Private" one."""
        generations = {upn: box.delta_generation for upn, box in self.mailboxes.items()}
        self.mailboxes = {}
        for account in ACCOUNTS:
            generation = generations.get(account.upn, 0) + 1
            mailbox = Mailbox(account=account, store=self, delta_generation=generation)
            mailbox.add_calendar(_CALENDAR_NAMES.get(account.time_zone, "Calendar"), default=True)
            mailbox.add_calendar("Private")
            self.mailboxes[account.upn] = mailbox


def _deaf(_: Change) -> None:
    return


def _shown_at_once(_: Calendar, __: Item, ___: str) -> bool:
    return False
