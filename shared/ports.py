"""All that the inside asks of the outside. Each port has one contract suite in ``tests/contracts``.

Methods raise the errors of ``shared.errors``; which ones, each port says. Ids are case-sensitive strings. Times are
aware UTC datetimes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from shared.core.confirmation import Confirmation, DeletionLedger
from shared.core.event import CalendarEvent, EventType, Field, OutlookState, WedSyncState
from shared.core.history import Conflict, SyncChange, SyncRun
from shared.core.integration import Account, CalendarInfo, Integration, SyncWindow
from shared.core.jobs import Message
from shared.core.mapping import EventMapping, Role
from shared.core.pulled import Pulled
from shared.core.rules import ResolutionRule
from shared.core.subscription import GraphSubscription, Subscription
from shared.meeting_ports import MeetingRequests as MeetingRequests  # noqa: PLC0414 - handed on
from shared.meeting_ports import Meetings as Meetings  # noqa: PLC0414 - handed on
from shared.meeting_ports import Schedules as Schedules  # noqa: PLC0414 - handed on

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[T]):
    """A value with the tag (ETag) of the row it was read from or written to; writes are conditional on it."""

    value: T
    tag: str


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...


class Ids(Protocol):
    """The only source of randomness, so that tests can replay it."""

    def new_id(self) -> str:
        """Return a random UUID (RFC 9562 version 4) as text."""
        ...

    def new_secret(self) -> str:
        """Return 32 random bytes, URL-safe base64."""
        ...


# --- Outlook -------------------------------------------------------------------------------------------------------


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


class RequestMeter(Protocol):
    """Counts requests to Graph."""

    def start(self) -> Callable[[], int]:
        """Count from here on, in this task and in those that it starts; return what tells the number."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a finished consent gave: who it was, and MSAL's serialized cache, to be kept as a secret."""

    account: Account
    token_cache: str


class Consent(Protocol):
    """Entra ID's authorization code flow. ``ConsentFault`` names what went wrong; ``OperatorFault`` ours."""

    async def begin(self, *, state: str) -> Mapping[str, object]:
        """Return MSAL's flow (JSON-able, secret: it holds the PKCE verifier and nonce) with ``auth_uri`` in it."""
        ...

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        """Redeem the code in ``answer`` (the redirect's query); checks state, nonce and granted scopes."""
        ...

    async def keep(self, integration_id: str, grant: Grant) -> None:
        """Store the grant's tokens in the vault and use them from now on."""
        ...

    async def forget(self, integration_id: str) -> None:
        """Delete the tokens here and in the vault, and purge where the vault allows; quiet when there are none."""
        ...

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        """Refresh and save the rotated token if the stored one is that old; return whether that was done.

        ``ReconnectNeeded`` if the grant is dead, ``Unavailable`` also if the vault did not save.
        """
        ...


# --- WedSync -------------------------------------------------------------------------------------------------------


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


class UserTokens(Protocol):
    """WedSync's access tokens of its users."""

    async def user_of(self, token: str) -> str:
        """Return ``sub`` of a valid JWT; raise ``NotSignedIn`` otherwise, ``Unavailable`` if the keys cannot be had."""
        ...


# --- Stores --------------------------------------------------------------------------------------------------------


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


class Pruned(Protocol):
    """History that is kept for so long, and what is open however long."""

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what ended before then, ``limit`` at the most; return how many. Fewer than that: nothing is left."""
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


class Runs(Pruned, Protocol):
    """The sync history. Table ``OutlookSyncHistory``, newest first."""

    async def insert(self, run: SyncRun) -> Stored[SyncRun]:
        """Insert; ``RowExists``."""
        ...

    async def get(self, integration_id: str, run_id: str) -> Stored[SyncRun] | None:
        """Return the run."""
        ...

    async def save(self, stored: Stored[SyncRun]) -> Stored[SyncRun]:
        """Replace; ``RowChanged``."""
        ...

    async def recent(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest runs that were queued, newest first: no ``RunPurpose.EVENT``, of which there are many."""
        ...

    async def history(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest ``limit`` that were queued and the newest ``limit`` others together, newest first.

        One busy minute brings more of ``RunPurpose.EVENT`` than a month does of all others, and shall not hide them.
        """
        ...


class RunItems(Protocol):
    """What an interrupted run has read and not done yet. Table ``OutlookRunItems``; written under the run's lease."""

    async def put(self, integration_id: str, run_id: str, pulled: Pulled) -> None:
        """Keep, in place of what was kept before; all of it, or nothing."""
        ...

    async def get(self, integration_id: str, run_id: str) -> Pulled | None:
        """Return what was kept last, or None."""
        ...

    async def forget(self, integration_id: str, run_id: str) -> None:
        """Remove what a run has kept; quiet when there is nothing."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...


class Changes(Pruned, Protocol):
    """The applied changes. Table ``OutlookChanges``."""

    async def append(self, changes: Sequence[SyncChange]) -> None:
        """Add rows; a repeated ``change_id`` is quiet."""
        ...

    async def of_mapping(self, integration_id: str, mapping_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one mapping, oldest first."""
        ...

    async def of_run(self, integration_id: str, run_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one run, oldest first."""
        ...


class SubscriptionRows(Protocol):
    """Our record of subscriptions. Table ``OutlookSubscriptions``."""

    async def get(self, subscription_id: str) -> Stored[Subscription] | None:
        """Return the subscription by Graph's id. One read: it is on the path of every notification."""
        ...

    async def of_integration(self, integration_id: str) -> tuple[Stored[Subscription], ...]:
        """Return all subscriptions of the integration, the newest first."""
        ...

    async def put(self, subscription: Subscription) -> Stored[Subscription]:
        """Insert or replace."""
        ...

    async def remove(self, subscription_id: str) -> None:
        """Remove; quiet when there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """One use of the authorization code flow, or a ticket that leads to one.

    ``key`` is the OAuth ``state``, or the ticket; ``flow`` is MSAL's. ``binding_hash`` is the SHA-256 hex of the
    cookie that the browser got, empty when it got none.
    """

    key: str
    user_id: str
    expires_at: datetime
    flow: Mapping[str, object] = field(default_factory=dict)
    binding_hash: str = ""


class AuthStates(Protocol):
    """One-time states and tickets of the consent flow. Table ``OutlookAuthStates``; keys are stored as hashes."""

    async def put(self, request: AuthRequest) -> None:
        """Insert."""
        ...

    async def peek(self, key: str) -> AuthRequest | None:
        """Return the request without using it up."""
        ...

    async def take(self, key: str) -> AuthRequest | None:
        """Return the request, once: a second call, or one that races, gets None."""
        ...

    async def forget_expired(self, *, limit: int = 1000) -> int:
        """Remove requests that have expired, ``limit`` at the most; return how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHold:
    """A lease in hand. ``fence`` rises with each new owner."""

    integration_id: str
    owner: str
    fence: int
    expires_at: datetime


class Leases(Protocol):
    """One run per integration at a time: a row with owner, expiry, fencing number."""

    async def acquire(self, integration_id: str, *, owner: str, until: datetime) -> LeaseHold | None:
        """Take the lease if it is free, expired or already the owner's; None if another owner has it."""
        ...

    async def renew(self, hold: LeaseHold, *, until: datetime) -> LeaseHold:
        """Prolong; ``RowChanged`` if somebody else has taken it."""
        ...

    async def release(self, hold: LeaseHold) -> None:
        """Give back; quiet if it is not ours any more."""
        ...

    async def held(self, integration_id: str) -> bool:
        """Return whether somebody holds the lease now. One read."""
        ...

    async def forget_before(self, integration_id: str, before: datetime) -> bool:
        """Remove the row if its last hold ended before then; return whether that was done. Numbers begin anew."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something to be done at a time, for one integration."""

    kind: str
    integration_id: str
    at: datetime
    subject: str = ""


class DueList(Protocol):
    """What is due when, by time bucket and shard. Table ``OutlookDue``."""

    async def put(self, due: Due) -> None:
        """Enter; replaces an earlier entry of the same kind, integration and subject."""
        ...

    def hand_out(self, kind: str, now: datetime, *, again_after: timedelta) -> AsyncIterator[tuple[Due, ...]]:
        """Yield pages of what has come due since this was last read to its end, oldest minute first.

        What was handed out and still stands is handed out again once ``again_after`` has passed; one reader at a time.
        """
        ...

    async def stands(self, due: Due) -> bool:
        """Return whether the entry is still the one of its kind, integration and subject; one that is not is removed.

        One read. An entry that nobody remembers, as a crash leaves it, stands.
        """
        ...

    async def done(self, due: Due) -> None:
        """Remove the entry; quiet when it is gone."""
        ...


class Secrets(Protocol):
    """Key Vault. ``Unavailable`` and ``Throttled`` apply."""

    async def get(self, name: str) -> str | None:
        """Return the latest value, or None."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Store a new version."""
        ...

    async def remove(self, name: str) -> None:
        """Delete, and purge where the vault allows; quiet when there is none."""
        ...


class JobQueue(Protocol):
    """The three queues: ``outlook-event-jobs``, ``outlook-run-jobs``, ``outlook-upkeep-jobs``."""

    async def put(self, job: Message, *, delay_seconds: float = 0) -> None:
        """Enqueue on the queue of the job's kind, invisible for the delay. ``Unavailable`` if it did not work.

        An ``EventJob`` of more than 100 events or 40 KiB is split.
        """
        ...

    def parse(self, text: str) -> Message:
        """Return the job in a message's text; ``InvalidInput`` if it is none."""
        ...


# --- Together ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Everything outside, as the use cases take it."""

    clock: Clock
    ids: Ids
    secrets: Secrets
    outlook: Outlook
    meter: RequestMeter
    schedules: Schedules
    meetings: Meetings
    subscriptions: Subscriptions
    consent: Consent
    wedsync: WedSync
    user_tokens: UserTokens
    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: ResolutionRules
    meeting_requests: MeetingRequests
    confirmations: Confirmations
    runs: Runs
    run_items: RunItems
    changes: Changes
    rows: SubscriptionRows
    states: AuthStates
    leases: Leases
    due: DueList
    jobs: JobQueue
    probes: Mapping[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    """What tells of each dependency, by its name, whether it answers; raises where it does not."""
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What ends the connections, for a process that ends by itself."""
