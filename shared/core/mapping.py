"""The mapping of a WedSync event to an Outlook event, with what both were when they last agreed."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha1
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.core.event import CalendarEvent, EventType, Field, Side
from shared.core.states import MappingState

if TYPE_CHECKING:
    from hashlib import _Hash

_TRANSACTIONS = UUID("5f0b9c1a-7c1e-5b8e-9a4e-0d6f4a3c2b11")
_MAPPINGS = UUID("b8f7c3d2-41a6-5c0d-8f7e-2a9b6d1c4e35")

MOST_GENERATIONS = 50
"""So many copies of one event, each made after the one before was removed, are known again as ours."""


class Role(StrEnum):
    """What the Outlook event of a mapping is to the WedSync event."""

    EVENT = "event"
    TRAVEL = "travel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A create that was decided and stored before it was sent.

    ``payload`` is the exact body, so that a retry sends the same bytes; ``toward`` is the side it is sent to.
    """

    toward: Side
    payload: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapping:
    """One pair of events.

    ``base_w`` and ``base_o`` are each side's canonical content when the fields were last agreed. ``w_version`` and
    ``o_etag`` are the last seen versions, for ``If-Match``; ``o_changed_at`` orders Outlook's states. ``prefix`` is the
    prefix that we wrote, empty when the user removed it. ``generation`` counts the creates in Outlook. ``held`` are
    the fields of open conflicts; ``drifted`` those in which the sides are known to differ without one, because the
    change may not be carried that way. ``epoch`` is the integration's when the mapping was made. ``moved_from`` is the
    copy in the earlier calendar, while the one in the new calendar takes its place; nobody else touches such a pair.
    ``moved_etag`` is its etag when it was copied.
    """

    mapping_id: str
    integration_id: str
    epoch: int
    born: Side
    state: MappingState
    calendar_id: str
    role: Role = Role.EVENT
    wedsync_id: str | None = None
    outlook_id: str | None = None
    event_type: EventType = EventType.CLIENT_MEETING
    generation: int = 1
    prefix: str = ""
    base_w: CalendarEvent | None = None
    base_o: CalendarEvent | None = None
    w_version: int = 0
    o_etag: str = ""
    o_changed_at: datetime | None = None
    series_id: str | None = None
    occurrence_date: date | None = None
    is_organizer: bool = True
    masked: bool = False
    held: frozenset[Field] = frozenset()
    drifted: frozenset[Field] = frozenset()
    intent: Intent | None = None
    sync_hash: str = ""
    last_synced_at: datetime | None = None
    created_at: datetime | None = None
    failures: int = 0
    quarantine: str = ""
    notes: tuple[str, ...] = field(default=())
    moved_from: str | None = None
    moved_etag: str = ""

    @property
    def own_sides(self) -> tuple[Side, ...]:
        """The sides whose events are this pair's own. What a travel block leads to is another pair's, and comes first:
        while its deletion is held, the block must not see it gone.
        """
        return (Side.OUTLOOK,) if self.role is Role.TRAVEL else tuple(Side)

    @property
    def transaction_id(self) -> str:
        """The ``transactionId`` of the present generation's create: the same for every retry of it."""
        return transaction_id(self.mapping_id, self.generation)

    @property
    def earlier_transaction_ids(self) -> tuple[str, ...]:
        """The ``transactionId`` of each create before the present one."""
        return tuple(transaction_id(self.mapping_id, number) for number in range(1, self.generation))

    @property
    def idempotency_key(self) -> str:
        """The ``Idempotency-Key`` of the open intent: the same for every retry of it.

        The time of the intent is in it: a mapping that was lost has its id and its generation once more, and WedSync
        refuses a key that comes again with another body.
        """
        at = self.intent.stored_at.astimezone(UTC).isoformat() if self.intent else ""
        return str(uuid5(_TRANSACTIONS, f"{self.transaction_id}:{at}"))


def mapping_id_of(integration_id: str, *, epoch: int, wedsync_id: str, role: Role = Role.EVENT) -> str:
    """Return the id of the mapping of WedSync's own event (UUIDv5).

    It follows from what WedSync still knows when the mappings are lost, so the marker and the ``transactionId`` of a
    copy in Outlook can be traced back to the event. The epoch is in it because a new connection makes new copies.
    """
    return str(uuid5(_MAPPINGS, f"{integration_id}:{epoch}:{role}:{wedsync_id}"))


def mapping_id_of_import(integration_id: str, *, epoch: int, external_id: str) -> str:
    """Return the id of the mapping of an event that came from Outlook: WedSync keeps its ``externalId`` (UUIDv5).

    Where its Outlook event is gone, and was made again by a person's word, the new one can be traced by that.
    """
    return str(uuid5(_MAPPINGS, f"{integration_id}:{epoch}:import:{external_id}"))


def transaction_id(mapping_id: str, generation: int) -> str:
    """Return the deterministic ``transactionId`` of a create (UUIDv5, RFC 9562)."""
    return str(uuid5(_TRANSACTIONS, f"{mapping_id}:{generation}"))


def transaction_seed(mapping_id: str) -> "_Hash":
    """Return what the ids of a mapping's creates have in common: the generation's digits are added to it.

    For whoever compares many of them with few: a ``transactionId`` begins with the first four bytes of the digest.
    """
    return sha1(_TRANSACTIONS.bytes + f"{mapping_id}:".encode(), usedforsecurity=False)


def generation_of(mapping_id: str, given: str | None) -> int | None:
    """Return which create of the mapping a ``transactionId`` is of; None if it is not ours."""
    generations = range(1, MOST_GENERATIONS + 1)
    return next((number for number in generations if transaction_id(mapping_id, number) == given), None)


def external_id(*, tenant_id: str, account_id: str, outlook_id: str, occurrence_date: date | None = None) -> str:
    """Return WedSync's ``externalId`` of an Outlook event; for an occurrence ``outlook_id`` is its series'."""
    suffix = f":{occurrence_date.isoformat()}" if occurrence_date else ""
    return f"outlook:{tenant_id}:{account_id}:{outlook_id}{suffix}"
