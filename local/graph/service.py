"""The simulated Graph as one object: stores, limits, senders, and what every route needs of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from local.graph.auth import KeySet, Tokens
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, item_not_found
from local.graph.invitations import Invitations
from local.graph.knobs import Knobs
from local.graph.outbox import Outbox
from local.graph.projection import SELECTABLE, Projection
from local.graph.query import expand, select
from local.graph.sender import Sender
from local.graph.settling import Settling
from local.graph.state import Calendar, Item, Mailbox, Store
from local.graph.subscriptions import Subscriptions
from local.graph.throttle import Throttle
from local.simkit.clock import Clock
from local.simkit.control import Frame
from local.simkit.faults import ON_MESSAGES, ON_REQUESTS, Faults

READ = ("Calendars.Read", "Calendars.ReadWrite")
WRITE = ("Calendars.ReadWrite",)


@dataclass(kw_only=True)
class Graph:
    """Everything that the routes and the control API work on. ``client`` posts to notification URLs."""

    keys: KeySet
    client: httpx.AsyncClient
    clock: Clock = field(default_factory=Clock)
    frame: Frame = field(init=False)
    knobs: Knobs = field(default_factory=Knobs)
    batches: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        faults = Faults((*ON_REQUESTS, *ON_MESSAGES, "expire_delta"))
        self.frame = Frame(reset=self.reset, clock=self.clock, faults=faults)
        self.tokens = Tokens(self.keys)
        self.store = Store(self.frame.clock.now, self.frame.source)
        self.outbox = Outbox(self.frame.clock.now, Invitations(store=self.store, knobs=self.knobs).deliver)
        self.throttle = Throttle(self.knobs)
        self.subscriptions = Subscriptions(self.knobs, self.client, self.frame.source)
        self.sender = Sender(self.frame, self.knobs, self.client, self.subscriptions)
        self.store.listener = self.sender.changed
        self.settling = Settling(self.store, self.knobs)
        self.store.withhold = self.settling.withhold

    def reset(self) -> None:
        """Start anew: empty mailboxes, no subscriptions, default knobs."""
        self.batches = 0
        self.knobs.reset()
        self.sender.reset()
        self.settling.reset()
        self.subscriptions.kept.clear()
        self.outbox.mails.clear()
        self.throttle.reset()
        self.tokens.forget()
        self.store.reset()

    def mailbox(self, upn: str) -> Mailbox:
        """Return a mailbox by its owner's name, with what has become visible by now."""
        self.settle()
        return self.store.mailboxes[upn]

    def settle(self) -> None:
        """Let pass what the stand's clock brings: writes become visible, deleted items are purged."""
        self.settling.settle()
        for mailbox in self.store.mailboxes.values():
            mailbox.purge_deleted(self.knobs.deletedItemsSeconds)

    def projection(self, call: Call, *, shaped: bool = True) -> Projection:
        """Return how this call reads events; ``shaped`` False ignores the query (delta, writes)."""
        return Projection(
            prefer=call.prefer,
            knobs=self.knobs,
            base=call.base,
            select=select(call.query, SELECTABLE) if shaped else None,
            expand=expand(call.query) if shaped else (),
        )

    def spend(self, knob: str) -> bool:
        """Use up one of so many ordered failures."""
        left: int = getattr(self.knobs, knob)
        if left <= 0:
            return False
        setattr(self.knobs, knob, left - 1)
        return True


Handler = Callable[[Graph, Call], Answer | Awaitable[Answer]]


def calendar_of(mailbox: Mailbox, calendar_id: str) -> Calendar:
    """Return the calendar with that id, in either form."""
    for calendar in mailbox.calendars:
        if calendar.has_id(calendar_id):
            return calendar
    raise item_not_found()


def scope(call: Call) -> Calendar | None:
    """Return the calendar that the path names; None for ``/me/events`` and the like."""
    if call.segments[0].lower() == "calendars":
        return calendar_of(call.mailbox, call.segments[1])
    return call.mailbox.default_calendar if call.segments[0].lower() == "calendar" else None


def after(call: Call, noun: str) -> str:
    """Return the path segment after a noun: an id."""
    lowered = [segment.lower() for segment in call.segments]
    return call.segments[lowered.index(noun) + 1]


def require_match(call: Call, item: Item) -> None:
    """Enforce ``If-Match`` (S25); an attendee's or a stale key is 412."""
    wanted = call.headers.get("if-match")
    if wanted in (None, "*") or wanted == f'W/"{item.change_key}"':
        return
    raise stale()


def stale() -> GraphError:
    """The change key moved on."""
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item.",
    )
