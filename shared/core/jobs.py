"""What is put on the queues. A job says "look", never "do": repeats and reordering are harmless."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.core.event import Side
from shared.core.integration import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """An event to look at.

    ``hint`` is the version that the notice carried: WedSync's number, or Graph's etag in the short form. ``removed``
    says that the notice was of a deletion, which may also be a move to another calendar.
    """

    event_id: str
    hint: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventJob:
    """Look at these events of one side. ``correlation`` follows a notice to the change that it led to."""

    integration_id: str
    side: Side
    events: tuple[Glance, ...]
    attempt: int = 0
    correlation: str = ""


class RunKind(StrEnum):
    """The specification's ``syncType``, and the runs that only we start."""

    FULL = "full_sync"
    INCREMENTAL = "incremental"
    SINGLE = "single_event"
    WEBHOOK = "webhook_triggered"


class RunPurpose(StrEnum):
    """What a run is for. ``syncType`` shows its ``RunKind``; the history shows this beside it as ``purpose``."""

    SYNC = "sync"
    SPECIFIC = "specific"  # only the events that the request names
    RECONCILE = "reconcile"  # a new window, both sides read completely, lost mappings found again
    MOVE_CALENDAR = "move_calendar"  # ``subject`` is the calendar to move to
    UNDO = "undo"  # ``subject`` is the run to undo
    CONFIRM = "confirm"  # ``subject`` is the ``Confirmation`` whose deletions were confirmed
    DISCONNECT = "disconnect"
    EVENT = "event"  # recorded by a notice's job, or by a person's word about one event; never queued


class TriggeredBy(StrEnum):
    """Who started a run."""

    MANUAL = "manual"
    WEBHOOK = "webhook"
    SCHEDULED = "scheduled"
    AUTO = "auto"
    OPERATOR = "operator"  # by hand, and not the user's: "auto" to them


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """Carry on with this run."""

    integration_id: str
    run_id: str
    attempt: int = 0
    correlation: str = ""


class UpkeepKind(StrEnum):
    """What has to be kept up."""

    SUBSCRIBE = "subscribe"  # make sure that an active subscription exists
    RENEW = "renew"
    CHECK = "check"  # compare what we know of the subscription with what Graph has
    DISCONNECT = "disconnect"  # go on removing our events
    TOKEN = "token"  # noqa: S105 - renew a refresh token that nobody uses
    PRUNE = "prune"  # forget history that is older than it is kept
    MEETING = "meeting"  # see whether a meeting that was asked for has come to be on both sides
    MEETING_CHANGED = "meeting_changed"  # whether what was to be written to Outlook has come to WedSync as well
    MEETING_CANCELLED = "meeting_cancelled"  # whether what was to be cancelled in Outlook is gone in WedSync as well


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepJob:
    """Work that timers and endpoints hand over."""

    integration_id: str
    kind: UpkeepKind
    subject: str = ""
    attempt: int = 0
    correlation: str = ""


Job = EventJob | RunJob | UpkeepJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something whose time has come for one integration, as the list of due things has it."""

    integration_id: str
    at: datetime
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsJob:
    """See to what has come due, of one kind and for many integrations: what a timer hands over."""

    kind: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksJob:
    """Looks for many integrations in one message: each is to be put on the queue by itself.

    What a POST of Graph's hands over that names more mailboxes than there is time for one by one.
    """

    jobs: tuple[EventJob, ...]


Message = Job | TurnsJob | LooksJob
"""What a queue holds: work for one integration, a timer's list of integrations to see to, or a POST's for many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run was asked to do. ``specific_events`` are WedSync ids; ``subject`` is explained by the purpose."""

    kind: RunKind
    triggered_by: TriggeredBy
    direction: Direction = Direction.BIDIRECTIONAL
    specific_events: tuple[str, ...] = field(default=())
    purpose: RunPurpose = RunPurpose.SYNC
    subject: str = ""

    def covers(self, other: "RunRequest") -> bool:
        """Whether a run with this request does all that one with the other was to do."""
        match other.purpose:
            case RunPurpose.SYNC:
                reads = self.kind is RunKind.FULL or other.kind is not RunKind.FULL
                alike = self.purpose in (RunPurpose.SYNC, RunPurpose.RECONCILE) and reads
            case RunPurpose.SPECIFIC:
                alike = self.purpose is other.purpose and set(other.specific_events) <= set(self.specific_events)
            case _:
                alike = (self.purpose, self.subject) == (other.purpose, other.subject)
        return alike and self.direction in (Direction.BIDIRECTIONAL, other.direction)
