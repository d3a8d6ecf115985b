"""What is kept of a connection and its pairs of events."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from shared.core.confirmation import Confirmation, DeletionLedger
from shared.core.history import Conflict
from shared.core.integration import Account, Integration
from shared.core.mapping import EventMapping, Role
from shared.core.rules import ResolutionRule
from shared.ports.basics import Stored
from shared.ports.history import Pruned


class Integrations(Protocol):
    """The connections. Table ``OutlookIntegrations``, with ``OutlookAccounts`` taken once per ``tid`` + ``oid``."""

    async def of_user(self, user_id: str) -> Stored[Integration] | None:
        """Return the user's connection, whatever its state."""
        ...

    async def get(self, integration_id: str) -> Stored[Integration] | None:
        """Return the connection."""
        ...

    async def insert(self, integration: Integration) -> Stored[Integration]:
        """Insert a user's first connection; ``RowExists`` if the user has one."""
        ...

    async def save(self, stored: Stored[Integration]) -> Stored[Integration]:
        """Replace; ``RowChanged`` if it is not the one read."""
        ...

    async def take_account(self, account: Account, integration_id: str) -> str:
        """Take the Microsoft account for this connection; return the id of the connection that has it (maybe ours)."""
        ...

    async def release_account(self, account: Account, integration_id: str) -> None:
        """Give the account back if it is ours; quiet otherwise."""
        ...

    def all(self) -> AsyncIterator[Stored[Integration]]:
        """Yield every connection, for operators' tools."""
        ...


class Mappings(Protocol):
    """The mappings. Table ``OutlookEventMappings``: the row, a pointer per side and role, and the epoch row.

    Rows and pointers are written in one group transaction. A mapping that gains an id, or changes it, gets its
    pointer in the same transaction, and its old pointer is removed.
    """

    async def epoch(self, integration_id: str) -> int:
        """Return the present epoch; 0 when there is none yet."""
        ...

    async def raise_epoch(self, integration_id: str, to: int) -> None:
        """Set the epoch to ``to`` unless it is that high already: every intent of a lower epoch now fails."""
        ...

    async def by_wedsync(
        self, integration_id: str, wedsync_id: str, role: Role = Role.EVENT
    ) -> Stored[EventMapping] | None:
        """Return the mapping of a WedSync event. Two reads at the most."""
        ...

    async def by_outlook(self, integration_id: str, outlook_id: str) -> Stored[EventMapping] | None:
        """Return the mapping of an Outlook event. Two reads at the most."""
        ...

    async def get(self, integration_id: str, mapping_id: str) -> Stored[EventMapping] | None:
        """Return the mapping. One read."""
        ...

    def all(self, integration_id: str) -> AsyncIterator[Stored[EventMapping]]:
        """Yield every mapping of the integration, in pages of up to 1,000 rows."""
        ...

    async def insert(self, mappings: Sequence[EventMapping]) -> tuple[Stored[EventMapping] | Exception, ...]:
        """Insert with pointers, conditional on each mapping's epoch being the present one.

        In group transactions; a failed one is repeated row by row. An answer is the stored mapping, ``RowExists``
        when a pointer or the row is there already, or ``RowChanged`` when the epoch moved on.
        """
        ...

    async def save(self, stored: Sequence[Stored[EventMapping]]) -> tuple[Stored[EventMapping] | Exception, ...]:
        """Replace on condition of the tags, with pointers; ``RowChanged``, or ``RowExists`` for a foreign pointer."""
        ...

    async def remove(self, stored: Stored[EventMapping]) -> None:
        """Remove the row and its pointers on condition of the tag; ``RowChanged``."""
        ...

    async def mend(self, integration_id: str) -> int:
        """Make rows and pointers fit each other again where some were lost; return how many were wrong.

        Pointers without their mapping are removed, missing ones are written. Of two mappings with the same ids the one
        that the pointers lead to stays. What is written meanwhile is left alone.
        """
        ...

    async def forget_all(self, integration_id: str) -> int:
        """Remove every row of the integration but the epoch; return how many mappings there were."""
        ...


class Conflicts(Pruned, Protocol):
    """The conflicts. Table ``OutlookConflicts``. One waits while it is open, or chosen in and not carried out yet.

    Workers that have seen different things write about the same conflict: what was chosen, or is closed, is not lost
    to one who knows less.
    """

    async def ask(self, conflict: Conflict) -> bool:
        """Insert one that waits, or put it in place of a closed row of its id: the same question has come up again.

        Return whether that was done: a row that waits already stays, for there may be a choice in it.
        """
        ...

    async def move(self, conflict: Conflict) -> bool:
        """Replace a row that waits by what has become of it: chosen in, applied, superseded.

        Return whether that was done: a row that is closed stays as it is, and none is inserted.
        """
        ...

    async def get(self, integration_id: str, conflict_id: str) -> Conflict | None:
        """Return the conflict."""
        ...

    async def open_of(self, integration_id: str, mapping_id: str) -> tuple[Conflict, ...]:
        """Return the conflicts of one mapping that are open, or chosen in and not carried out yet."""
        ...

    async def open_all(self, integration_id: str) -> tuple[Conflict, ...]:
        """Return all conflicts of the integration that are open, or chosen in and not carried out yet."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...


class Confirmations(Pruned, Protocol):
    """The deletions counted, held and answered. Table ``OutlookConfirmations``."""

    async def ledger(self, integration_id: str) -> Stored[DeletionLedger]:
        """Return the ledger; an empty one with an empty tag if there is none yet. One read."""
        ...

    async def save(self, stored: Stored[DeletionLedger], closed: Confirmation | None = None) -> Stored[DeletionLedger]:
        """Replace, or insert where the tag is empty; ``RowChanged`` if it is not the one read.

        ``closed``, a question that was answered or has lapsed, is kept beside it in the same transaction.
        """
        ...

    async def closed(self, integration_id: str, confirmation_id: str) -> Confirmation | None:
        """Return a question that was answered or has lapsed."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...


class ResolutionRules(Protocol):
    """Choices that hold for conflicts to come. Table ``OutlookRules``."""

    async def put(self, rule: ResolutionRule) -> None:
        """Insert, or replace the rule of the same id."""
        ...

    async def of_integration(self, integration_id: str) -> tuple[ResolutionRule, ...]:
        """Return all rules of the integration, oldest first. One read."""
        ...

    async def remove(self, integration_id: str, rule_id: str) -> bool:
        """Remove the rule; return whether there was one."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...
