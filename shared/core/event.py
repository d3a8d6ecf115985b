"""The neutral event: all that is synced of a calendar entry, and nothing else."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Side(StrEnum):
    """One of the two calendars."""

    WEDSYNC = "wedsync"
    OUTLOOK = "outlook"

    @property
    def other(self) -> "Side":
        """The calendar on the far side."""
        return Side.OUTLOOK if self is Side.WEDSYNC else Side.WEDSYNC


class Field(StrEnum):
    """A part of an event that is compared and merged as one."""

    TITLE = "title"
    DESCRIPTION = "description"
    TIME = "dateTime"
    LOCATION = "location"
    PRIVATE = "private"
    ATTENDEES = "attendees"


MERGED_FIELDS = (Field.TITLE, Field.DESCRIPTION, Field.TIME, Field.LOCATION)
"""The fields that either side may change. ``PRIVATE`` flows to Outlook only; ``ATTENDEES`` are never written."""


class EventType(StrEnum):
    """WedSync's nine types of event."""

    CLIENT_MEETING = "client_meeting"
    VENUE_VISIT = "venue_visit"
    VENDOR_MEETING = "vendor_meeting"
    WEDDING_CEREMONY = "wedding_ceremony"
    WEDDING_RECEPTION = "wedding_reception"
    ENGAGEMENT_SHOOT = "engagement_shoot"
    DEADLINE = "deadline"
    TASK_DUE = "task_due"
    REHEARSAL = "rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Start and end as aware UTC instants; ``zone`` is the IANA zone in which the event is shown and written."""

    start: datetime
    end: datetime
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllDay:
    """First day and the day after the last (iCalendar's exclusive DTEND); ``zone`` is the calendar's, for writing."""

    start: date
    end: date
    zone: str = "UTC"


EventTime = Timed | AllDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the event is: a name, and a postal address on one line."""

    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Attendee:
    """A person on the event. Read from Outlook, never written by a sync."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """The content of an event without the identity that either service gives it.

    In canonical form (``core.canon.canonical``) unless said otherwise. ``title`` is without the Outlook prefix.
    """

    title: str
    time: EventTime
    description: str = ""
    location: Place = Place()
    private: bool = False
    attendees: tuple[Attendee, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncState:
    """An event as WedSync returned it. ``version`` is WedSync's increasing integer; ``content`` is canonical."""

    event_id: str
    version: int
    updated_at: datetime
    content: CalendarEvent
    event_type: EventType
    source: Side
    external_id: str | None = None
    travel_minutes: int | None = None
    url: str = ""
    deleted: bool = False


class OutlookKind(StrEnum):
    """What Graph calls ``type``."""

    SINGLE = "singleInstance"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"
    MASTER = "seriesMaster"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookState:
    """An event as Graph returned it in full.

    ``event_id`` is the immutable id. ``etag`` is the short form that ``If-Match`` takes. ``content.title`` still
    carries a prefix if there is one: only a mapping knows which prefix is ours (``core.canon.without_prefix``).
    ``changed_at`` (``lastModifiedDateTime``) orders states, and is never the test of change. ``marker`` is the
    mapping id from our extended property, where it was expanded. ``occurrence_date`` is the original date of an
    occurrence in the recurrence zone. ``categories``, ``reminder_minutes`` and ``show_as`` are its owner's own affair:
    they are never synced, and go along when a copy moves to another calendar.
    """

    event_id: str
    etag: str
    changed_at: datetime
    content: CalendarEvent
    kind: OutlookKind = OutlookKind.SINGLE
    series_id: str | None = None
    occurrence_date: date | None = None
    is_organizer: bool = True
    cancelled: bool = False
    online_meeting: bool = False
    transaction_id: str | None = None
    marker: str | None = None
    categories: tuple[str, ...] = ()
    reminder_minutes: int | None = None
    show_as: str = "busy"

    @property
    def is_meeting(self) -> bool:
        """Whether a write could mail somebody: other people are on the event."""
        return bool(self.content.attendees)
