"""WedSync's events."""

from dataclasses import dataclass
from typing import Protocol

from shared.core.event import CalendarEvent, EventType, Field, WedSyncState
from shared.core.integration import SyncWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncDraft:
    """What a new WedSync event is made of."""

    content: CalendarEvent
    event_type: EventType
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncPage:
    """A page of changes, tombstones included. ``cursor`` continues it; ``more`` says whether to go on now.

    ``unreadable`` are ids of events that were on the page and could not be understood: they are there, not absent.
    """

    events: tuple[WedSyncState, ...]
    cursor: str
    more: bool
    unreadable: tuple[str, ...] = ()


class WedSync(Protocol):
    """WedSync's Events API, for one user. Errors: ``Throttled``, ``Unavailable``, ``OperatorFault``, ``Rejected``."""

    async def event(self, user_id: str, event_id: str) -> WedSyncState:
        """Return the event (a tombstone has ``deleted``); ``EventGone`` on 404."""
        ...

    async def changes(self, user_id: str, *, cursor: str = "", window: SyncWindow | None = None) -> WedSyncPage:
        """Return a page since the cursor, or the first page of a snapshot of the window; ``CursorExpired`` on 410."""
        ...

    async def by_external_id(self, user_id: str, external_id: str) -> WedSyncState | None:
        """Return the event that carries the ``externalId``, or None."""
        ...

    def compose(self, draft: WedSyncDraft) -> str:
        """Return the exact body of a create, to be stored before it is sent. No request."""
        ...

    async def create(self, user_id: str, payload: str, *, idempotency_key: str) -> WedSyncState:
        """POST a composed body; a repeated ``externalId`` or key returns the event that is there."""
        ...

    async def update(
        self, user_id: str, *, event_id: str, version: int, fields: frozenset[Field], content: CalendarEvent
    ) -> WedSyncState:
        """PATCH the fields with ``If-Match``; ``VersionMismatch``, ``EventGone``."""
        ...

    async def delete(self, user_id: str, *, event_id: str, version: int) -> None:
        """DELETE with ``If-Match``; ``VersionMismatch``; ``EventGone`` if it was not there."""
        ...
