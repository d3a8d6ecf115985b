"""What one message's work on a run goes by, and what has come of it so far."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from shared.core.actions import Policy
from shared.core.event import EventType
from shared.core.history import Conflict, EventFailure, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pulled import Pulled
from shared.errors import StoreFault, SyncFault, Throttled
from shared.log import Metric, log_action, log_metric
from shared.ports import Stored
from shared.usecases.journal import Journal, Trace
from shared.usecases.refusals import failure_of, is_refusal, reason_of
from shared.usecases.run_record import RunRecord

SHORT_WAIT = 5.0
"""Seconds that a run waits for a far end itself; beyond that it hands itself back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The event that some work is about. ``key`` tells it from the others of the run: its mapping's id, or its own."""

    key: str
    event_id: str
    event_type: EventType | None = None

    @classmethod
    def of(cls, mapping: EventMapping) -> "Subject":
        """Return the subject of a pair."""
        return cls(
            key=mapping.mapping_id,
            event_id=mapping.wedsync_id or mapping.mapping_id,
            event_type=mapping.event_type,
        )


@dataclass(kw_only=True)
class Round:
    """The work on a run in one message; nothing of it outlives the message but what is kept for the next.

    ``waiting`` are subjects that could not be reached; ``settled`` are keys of what is done, also if it failed for
    good. ``busy`` is set once a far end asks for a long wait: nothing more is begun then. ``cut``
    tells that something was not begun. ``previewing``: nothing may be written.
    """

    integration: Integration
    pulled: Pulled
    policy: Policy
    trace: Trace
    journal: Journal
    record: RunRecord | None = None
    conflicts: Mapping[str, Sequence[Conflict]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    failures: list[EventFailure] = field(default_factory=list)
    waiting: dict[str, tuple[Subject, SyncFault]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    busy: Throttled | None = None
    cut: bool = False
    previewing: bool = False

    @property
    def stopping(self) -> bool:
        """Whether to begin nothing more: the time is up, the user has cancelled, or a far end wants to be left."""
        return self.over or self.busy is not None

    @property
    def over(self) -> bool:
        """Whether the time is up, or the user has cancelled the run."""
        return self.record is not None and (self.record.spent or self.record.cancelled)

    def stops_toward(self, service: str) -> bool:
        """Whether to begin nothing more that asks this far end; another may go on while it is busy."""
        return self.over or (self.busy is not None and self.busy.service == service)

    @property
    def looked_enough(self) -> bool:
        """Whether to look at nothing more: what was seen is to be acted on before the time is up."""
        return self.stopping or (self.record is not None and self.record.half_spent)

    def at_once(self, most: int) -> int:
        """Return how many things to ask of a far end at the same time."""
        return 1 if self.pulled.gently else most

    def done(self, subject: Subject, more: Tally) -> None:
        """Count what was done about an event."""
        self.settled.add(subject.key)
        self.waiting.pop(subject.key, None)
        if self.trace.repair:
            more = replace(more, repaired=more.repaired + more.created + more.updated + more.deleted)
        self.tally += more

    def unreached(self, subject: Subject, fault: SyncFault) -> None:
        """Leave an event to another try, in this run if it can be."""
        self.waiting[subject.key] = (subject, fault)
        if isinstance(fault, Throttled) and fault.retry_after > SHORT_WAIT:
            self.busy = fault

    def left_to_another(self, subject: Subject) -> None:
        """Somebody else has just worked on the event, or is at it: what they miss, the next look finds."""
        self.settled.add(subject.key)
        log_action("pair_left_to_another", integration=self.integration.integration_id)

    async def failed(self, subject: Subject, fault: SyncFault) -> None:
        """Take a failure down: what may be reached later waits, a refusal is for good and kept with the mapping."""
        if not is_refusal(fault):
            self.unreached(subject, fault)
            return
        self.give_up(subject, fault)
        if self.previewing:
            return
        stored = await self.journal.mappings.get(self.integration.integration_id, subject.key)
        if stored is not None and stored.value.quarantine != reason_of(fault):
            await self._quarantine(stored, fault)

    def give_up(self, subject: Subject, fault: SyncFault) -> None:
        """Count a failure that nothing more is tried about in this run."""
        self.settled.add(subject.key)
        self.waiting.pop(subject.key, None)
        self.tally = replace(self.tally, errors=self.tally.errors + 1)
        message = str(getattr(fault, "code", "")) or type(fault).__name__
        self.failures.append(failure_of(subject.event_id, subject.event_type or "", fault, message))

    async def show(self) -> None:
        """Show how far the run is."""
        if self.record is not None:
            await self.record.show(self.tally)

    async def _quarantine(self, stored: Stored[EventMapping], fault: SyncFault) -> None:
        log_metric(Metric.EVENT_QUARANTINED)
        log_action("event_quarantined", integration=stored.value.integration_id, mapping=stored.value.mapping_id)
        with suppress(StoreFault):  # somebody has just worked on it
            await self.journal.save(stored, replace(stored.value, quarantine=reason_of(fault)))


Step = Callable[[], Awaitable[None]]
