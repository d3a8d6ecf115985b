"""A user's connection to one Microsoft account, the calendar chosen in it, and what the user prefers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.core.event import EventType
from shared.core.states import IntegrationState


class Direction(StrEnum):
    """Which way changes are carried."""

    TO_OUTLOOK = "to_outlook"
    FROM_OUTLOOK = "from_outlook"
    BIDIRECTIONAL = "bidirectional"


class OnOutlookDelete(StrEnum):
    """What the deletion of a WedSync-born event's copy in Outlook means."""

    ASK = "ask"
    UNLINK = "unlink"
    DELETE = "delete"


class ImportOutlookEvents(StrEnum):
    """How Outlook-born events come into WedSync."""

    FULL = "full"
    BUSY = "busy"
    NONE = "none"


class GuestUpdates(StrEnum):
    """Whether the user's explicit choice about a meeting needs a word about who is mailed."""

    ASK = "ask"
    SEND = "send"


class LastSyncStatus(StrEnum):
    """The specification's ``lastSyncStatus``."""

    PENDING = "pending"
    SUCCESS = "success"
    ERROR = "error"
    PARTIAL = "partial"


_MEETINGS = frozenset(
    {
        EventType.CLIENT_MEETING,
        EventType.VENUE_VISIT,
        EventType.VENDOR_MEETING,
        EventType.REHEARSAL,
        EventType.ENGAGEMENT_SHOOT,
    }
)
_WEDDINGS = frozenset({EventType.WEDDING_CEREMONY, EventType.WEDDING_RECEPTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The specification's ``OutlookSyncPreferences`` with its defaults, and the additions of the design."""

    sync_client_meetings: bool = True
    sync_wedding_events: bool = True
    sync_deadlines: bool = True
    sync_travel_time: bool = False
    event_prefix: str = "WedSync: "
    create_separate_calendar: bool = False
    notification_minutes: tuple[int, ...] = (15, 60)
    on_outlook_delete: OnOutlookDelete = OnOutlookDelete.ASK
    import_outlook_events: ImportOutlookEvents = ImportOutlookEvents.FULL
    guest_updates: GuestUpdates = GuestUpdates.ASK

    def includes(self, event_type: EventType) -> bool:
        """Whether WedSync events of this type go to Outlook."""
        if event_type in _MEETINGS:
            return self.sync_client_meetings
        return self.sync_wedding_events if event_type in _WEDDINGS else self.sync_deadlines


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The connection. ``epoch`` rises at each disconnect and fences every write that began before it.

    ``tenant_id`` and ``account_id`` are Entra's ``tid`` and ``oid``. ``reason`` says in plain words why a connection
    needs its user, ``reason_code`` which of the known reasons it is, ``reason_link`` where an administrator mends it.
    ``delta_link`` and ``wedsync_cursor`` are opaque places to continue reading from.

    ``calendar_id`` is the calendar that is synced, ``chosen_calendar_id`` the one that the user chose where that is
    another, ``separate_calendar_id`` the one that we made. ``moving_to`` is where copies are being moved to, and
    ``earlier_calendar_id`` where they were until ``moved_at``. ``settings_version`` counts the changes of settings that
    only a full sync can carry out, ``settled_version`` those that one has; ``settings_run`` is the run that waits until
    ``quiet_until``, ten seconds after the last change. ``webhooks``: whether Graph is asked for notifications.
    ``channel_refusals`` counts how often in a row Graph has refused that for good, ``channel_refusal_code`` says how,
    ``channel_next_try`` when it is asked again.
    """

    integration_id: str
    user_id: str
    state: IntegrationState
    tenant_id: str
    account_id: str
    email: str = ""
    display_name: str = ""
    calendar_id: str = ""
    calendar_name: str = ""
    direction: Direction = Direction.BIDIRECTIONAL
    preferences: Preferences = Preferences()
    epoch: int = 1
    reason: str = ""
    reason_code: str = ""
    reason_link: str = ""
    delta_link: str = ""
    wedsync_cursor: str = ""
    last_sync_at: datetime | None = None
    last_full_sync_at: datetime | None = None
    last_sync_status: LastSyncStatus = LastSyncStatus.PENDING
    created_at: datetime | None = None
    time_zone: str = "UTC"
    webhooks: bool = True
    chosen_calendar_id: str = ""
    separate_calendar_id: str = ""
    moving_to: str = ""
    earlier_calendar_id: str = ""
    moved_at: datetime | None = None
    settings_version: int = 0
    settled_version: int = 0
    settings_run: str = ""
    quiet_until: datetime | None = None
    channel_refusals: int = 0
    channel_refusal_code: str = ""
    channel_next_try: datetime | None = None

    @property
    def unsettled(self) -> bool:
        """Whether a change of settings waits for a full sync."""
        return self.settled_version < self.settings_version

    @property
    def wanted_calendar_id(self) -> str:
        """The calendar that the user wants synced; empty while the separate one has to be found or made first."""
        if self.preferences.create_separate_calendar:
            return self.separate_calendar_id
        return self.chosen_calendar_id or self.calendar_id

    @property
    def moves(self) -> bool:
        """Whether the copies have to be moved to another calendar, or are on their way."""
        return bool(self.moving_to) or self.wanted_calendar_id != self.calendar_id

    @property
    def syncing(self) -> bool:
        """Whether changes are carried at present."""
        return self.state is IntegrationState.CONNECTED

    @property
    def granted(self) -> bool:
        """Whether the user's grant stands, paused or not: what they began themselves can be ended."""
        return self.state in (IntegrationState.CONNECTED, IntegrationState.PAUSED)

    @property
    def personal(self) -> bool:
        """Whether the account is a personal one (outlook.com), for which part of Graph is missing."""
        return self.tenant_id == "9188040d-6c67-4c5b-b112-36a304b66dad"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWindow:
    """The time range that is synced, as aware UTC instants; the end is exclusive."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, now: datetime, *, past_days: int, future_days: int) -> "SyncWindow":
        """Return the window of whole UTC days around ``now``."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(start=day - timedelta(days=past_days), end=day + timedelta(days=future_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarInfo:
    """A calendar of the mailbox, as the user may choose it."""

    calendar_id: str
    name: str
    color: str
    is_default: bool
    can_edit: bool
    owner_name: str = ""
    owner_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who consented: Entra's ``tid`` and ``oid``, never the address, identify them."""

    tenant_id: str
    account_id: str
    email: str = ""
    display_name: str = ""
