"""What is remembered of what was done: runs, changes, conflicts."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from shared.core.event import CalendarEvent, EventType, Field, Side
from shared.core.jobs import RunRequest
from shared.core.mapping import EventMapping
from shared.core.states import ConflictState, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a run has counted. ``held`` are deletions that wait for a ``Confirmation``; ``repaired`` what was missed.

    ``noted`` are pairs that were joined, taken out or hidden: neither side was written to.
    """

    total: int = 0
    handled: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    conflicts: int = 0
    errors: int = 0
    repaired: int = 0
    held: int = 0
    noted: int = 0
    graph_requests: int = 0

    def __add__(self, more: "Tally") -> "Tally":
        """Return the sums."""
        return Tally(**{each.name: getattr(self, each.name) + getattr(more, each.name) for each in fields(Tally)})

    @property
    def changed(self) -> bool:
        """Whether anything was changed or opened, on either side or in what is remembered of the pairs."""
        return any((self.created, self.updated, self.deleted, self.conflicts, self.held, self.noted))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFailure:
    """The specification's ``SyncError``: one event that could not be synced."""

    event_id: str
    event_type: str
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One row of the sync history. ``stage`` is where an interrupted run goes on."""

    run_id: str
    integration_id: str
    request: RunRequest
    state: RunState
    queued_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    tally: Tally = Tally()
    failures: tuple[EventFailure, ...] = field(default=())
    stage: str = ""
    outcome: str = ""
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSync:
    """Which run an ``Idempotency-Key`` stands for; ``fingerprint`` tells what was asked with it from anything else."""

    key_id: str
    integration_id: str
    run_id: str
    fingerprint: str
    asked_at: datetime


class ChangeKind(StrEnum):
    """What was done to an event."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    LINKED = "linked"
    UNLINKED = "unlinked"
    CONFLICT = "conflict"
    REPAIRED = "repaired"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncChange:
    """One applied change with what was there before and after, on the side that was written.

    ``pair`` is the mapping as it was before a change that parted or joined the pair: with it both sides' last values,
    type, prefix and ids outlive the mapping, so that the event can be made again. ``repair``: something had been
    missed, and a reconciliation found it.
    """

    change_id: str
    integration_id: str
    run_id: str
    mapping_id: str
    side: Side
    kind: ChangeKind
    at: datetime
    fields: tuple[Field, ...] = ()
    before: CalendarEvent | None = None
    after: CalendarEvent | None = None
    rule: str = ""
    correlation: str = ""
    repair: bool = False
    pair: EventMapping | None = None


class Suggestion(StrEnum):
    """The specification's ``suggestedResolution``."""

    USE_WEDSYNC = "use_wedsync"
    USE_OUTLOOK = "use_outlook"
    MANUAL_REVIEW = "manual_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Both sides moved one field to different values; neither is written until a person chooses.

    ``rule`` opened it. ``field`` is None when one side deleted the event that the other edited; ``absent`` is then
    the side without it. ``wedsync``, ``outlook`` and ``base`` are whole contents of which ``field`` is the part
    in question.

    ``choice`` is what was chosen (``wedsync``, ``outlook`` or ``custom``, whose value is ``field`` of ``custom``), by
    the user or by a rule; ``guests`` are the addresses of those whom the user agreed to have mailed for it.
    """

    conflict_id: str
    integration_id: str
    mapping_id: str
    field: Field | None
    state: ConflictState
    opened_at: datetime
    wedsync: CalendarEvent | None = None
    outlook: CalendarEvent | None = None
    base: CalendarEvent | None = None
    wedsync_at: datetime | None = None
    outlook_at: datetime | None = None
    absent: Side | None = None
    rule: str = ""
    suggestion: Suggestion = Suggestion.MANUAL_REVIEW
    reason: str = ""
    event_type: EventType = EventType.CLIENT_MEETING
    choice: str = ""
    custom: CalendarEvent | None = None
    guests: tuple[str, ...] = ()
    closed_at: datetime | None = None
