"""Outlook, as Graph has it: events, changes, batches, subscriptions."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.core.event import CalendarEvent, Field, OutlookState
from shared.core.integration import CalendarInfo, SyncWindow
from shared.core.subscription import GraphSubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookDraft:
    """What a new Outlook event is made of. ``title`` already carries the prefix.

    ``reminder_minutes`` None means no reminder; ``show_as`` is Graph's enum. ``mapping_id`` becomes the marker.
    """

    mapping_id: str
    transaction_id: str
    content: CalendarEvent
    title: str
    reminder_minutes: int | None = None
    show_as: str = "busy"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookPatch:
    """The fields to write and the content that they are taken from; ``title`` already carries the prefix."""

    fields: frozenset[Field]
    content: CalendarEvent
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaPage:
    """A page of ``calendarView/delta``.

    ``events`` are full singles, masters and exceptions; ``occurrences`` are minimal occurrences whose content was
    filled in from their master where the master has been seen in this round (otherwise their content has an empty
    title and their ids are listed in ``unresolved``). ``removed`` holds the ids of ``@removed`` items, which prove
    nothing.
    Exactly one of ``next_link`` and ``delta_link`` is not empty.
    """

    events: tuple[OutlookState, ...] = ()
    occurrences: tuple[OutlookState, ...] = ()
    unresolved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    next_link: str = ""
    delta_link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCreate:
    """POST a stored payload (``Outlook.compose``) to a calendar."""

    calendar_id: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchUpdate:
    """PATCH on condition of ``etag``."""

    event_id: str
    etag: str
    patch: OutlookPatch


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDelete:
    """DELETE, on condition of ``etag`` unless that is empty."""

    event_id: str
    etag: str = ""


BatchItem = BatchCreate | BatchUpdate | BatchDelete


class Outlook(Protocol):
    """One mailbox's calendars, as Graph has them; ``integration_id`` names whose grant is used.

    Every method may raise ``Throttled``, ``Unavailable``, ``ReconnectNeeded``, ``OperatorFault``, ``CalendarGone``
    and ``Rejected``. A write whose answer got lost raises ``OutcomeUnknown``.
    """

    async def calendars(self, integration_id: str) -> tuple[CalendarInfo, ...]:
        """Return all calendars of the mailbox, the default one first. One request per page."""
        ...

    async def marked_calendars(self, integration_id: str, marker: str) -> tuple[CalendarInfo, ...]:
        """Return the calendars that carry this marker of ours. One request."""
        ...

    async def create_calendar(self, integration_id: str, *, name: str, marker: str) -> CalendarInfo:
        """Make a calendar with a marker; ``StateConflict`` if there is one of this name. One request.

        ``OutcomeUnknown`` if no answer came: it may have been made.
        """
        ...

    async def event(self, integration_id: str, event_id: str) -> OutlookState:
        """Return the event with its marker expanded; raise ``EventGone`` on 404/410 ErrorItemNotFound. One request."""
        ...

    async def calendar_of(self, integration_id: str, event_id: str) -> str:
        """Return the id of the calendar that holds the event; ``EventGone`` if there is none. One request."""
        ...

    async def calendar_answers(self, integration_id: str, calendar_id: str) -> None:
        """Return if the calendar answers 200, else raise (``CalendarGone`` on 404). One request: part of the proof."""
        ...

    def compose(self, draft: OutlookDraft) -> str:
        """Return the exact body of a create, to be stored before it is sent. No request."""
        ...

    async def create(self, integration_id: str, calendar_id: str, payload: str) -> OutlookState:
        """POST a composed body; ``DuplicateTransaction`` if Graph used the transactionId before. One request."""
        ...

    async def update(self, integration_id: str, *, event_id: str, etag: str, patch: OutlookPatch) -> OutlookState:
        """PATCH the named fields with ``If-Match``; ``VersionMismatch``, ``EventGone``. One request.

        For a description on an online meeting the join block is read first and kept: one request more.
        """
        ...

    async def delete(self, integration_id: str, *, event_id: str, etag: str = "") -> None:
        """DELETE; ``EventGone`` if it was not there (404, or 400: in Deleted Items). One request."""
        ...

    async def find_marked(self, integration_id: str, calendar_id: str, mapping_id: str) -> tuple[OutlookState, ...]:
        """Return the events whose marker names the mapping (more than one if the user made copies). One request."""
        ...

    def all_marked(self, integration_id: str, calendar_id: str) -> AsyncIterator[OutlookState]:
        """Yield every event of the calendar that carries any marker of ours. One request per page."""
        ...

    async def delta(self, integration_id: str, *, calendar_id: str, window: SyncWindow, link: str = "") -> DeltaPage:
        """Return one page: a new round over the window, or what ``link`` (next or delta) leads to. One request.

        Raises ``CursorExpired`` on 410, sync-state codes and "Badly formed token".
        """
        ...

    async def instances(self, integration_id: str, *, series_id: str, window: SyncWindow) -> tuple[OutlookState, ...]:
        """Return the series' occurrences and exceptions in the window, in full. One request per page."""
        ...

    async def batch(
        self, integration_id: str, items: Sequence[BatchItem]
    ) -> tuple[OutlookState | Exception | None, ...]:
        """Carry out up to 20 writes in one ``$batch``; the answers stand in the order of the items.

        An answer is the state returned, None after a delete, or the error that the single method would have raised.
        """
        ...


class Subscriptions(Protocol):
    """Graph's change notification subscriptions. Errors as in ``Outlook``."""

    async def create(
        self, integration_id: str, *, calendar_id: str, client_state: str, expires_at: datetime
    ) -> GraphSubscription:
        """Subscribe to created, updated and deleted events of the calendar, with the lifecycle URL."""
        ...

    async def renew(self, integration_id: str, *, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        """Move the expiry; raises ``EventGone`` when Graph does not know the subscription any more (404, 410)."""
        ...

    async def delete(self, integration_id: str, subscription_id: str) -> None:
        """Delete; returns quietly when it is gone already."""
        ...

    async def list(self, integration_id: str) -> tuple[GraphSubscription, ...]:
        """Return this app's subscriptions of the user; may be stale, and leaves ``client_state`` out."""
        ...

    async def get(self, integration_id: str, subscription_id: str) -> GraphSubscription | None:
        """Return one with its ``client_state``, if Graph tells it; None when there is none."""
        ...

    @property
    def notification_url(self) -> str:
        """Return where ours are delivered to: one that is delivered elsewhere is another deployment's."""
        ...
