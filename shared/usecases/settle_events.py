"""An ``EventJob``: look at the events that a notice named, and bring each pair into step."""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from shared.core.actions import Policy
from shared.core.event import OutlookKind, OutlookState, Side, WedSyncState
from shared.core.history import EventFailure, Tally
from shared.core.integration import Integration, SyncWindow
from shared.core.jobs import EventJob, Glance
from shared.core.mapping import EventMapping, Role
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Gone, Present, View, Views
from shared.errors import (
    DuplicateTransaction,
    OutcomeUnknown,
    Rejected,
    RowChanged,
    RowExists,
    RunAtWork,
    StoreFault,
    SyncFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.log import Metric, log_action, log_context, log_metric
from shared.ports import Clock, Leases, Mappings, Stored
from shared.usecases.find_run import FindRun
from shared.usecases.foresee_deletions import ForeseeDeletions
from shared.usecases.job_frame import JobFrame, delay_of
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.refusals import STOPS, failure_of, reason_of
from shared.usecases.request_sync import RequestSync
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair, policy_of
from shared.usecases.travel_block import TravelBlocks

_SOON = (Throttled, Unavailable, OutcomeUnknown, VersionMismatch, RowChanged, RowExists, RunAtWork)
_TRIES = 4
"""Attempts at an event that will not hold still, before it is quarantined: 2, 10, 60 s apart."""


@dataclass(kw_only=True)
class _Done:
    """What became of one job; nothing of it outlives the call. ``beside_run``: a run is at work, as far as is known."""

    integration: Integration
    policy: Policy
    trace: Trace
    beside_run: bool | None = None
    tally: Tally = field(default_factory=Tally)
    failures: list[EventFailure] = field(default_factory=list)
    waiting: list[Glance] = field(default_factory=list)
    fault: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class SettleEvents:
    """Looks at each event by itself: what fails for one holds up no other."""

    frame: JobFrame
    mappings: Mappings
    leases: Leases
    look: Look
    foresee: ForeseeDeletions
    pair: SettlePair
    new: SettleNew
    journal: Journal
    travel: TravelBlocks
    record: RecordJobs
    find: FindRun
    request_sync: RequestSync
    clock: Clock
    past_days: int
    future_days: int

    async def run(self, job: EventJob, *, again: bool = False) -> None:
        """Settle every event of the job; those that have to wait are handed back together.

        ``again``: the message was delivered before, and who worked on it then has died.
        """

        async def work(integration: Integration) -> None:
            if integration.syncing:
                recording = self.record.of_job(integration, job)
                with log_context(run=recording.run_id):
                    await self._all(integration, job, recording, again=again)

        await self.frame.run(job, work)

    async def _all(self, integration: Integration, job: EventJob, recording: Recording, *, again: bool) -> None:
        done = _Done(
            integration=integration,
            policy=policy_of(integration, window=self._window()),
            trace=recording.trace,
            beside_run=None if job.attempt == 0 else False,
        )
        try:
            await self._each(job, done)
        except SyncFault:
            await self._end(recording, done, again=again)
            raise
        await self._end(recording, done, again=again)
        if done.fault is not None:
            await self.frame.hand_back(replace(job, events=tuple(done.waiting)), done.fault)

    async def _end(self, recording: Recording, done: _Done, *, again: bool) -> None:
        tally = done.tally
        if again:
            tally = await self.find.with_earlier(recording.integration_id, recording.run_id, tally)
        await self.record.end(recording, tally, done.failures)

    async def _each(self, job: EventJob, done: _Done) -> None:
        integration = done.integration
        seen = await self.foresee.run(integration, job, policy=done.policy)
        for glance in job.events:
            try:
                done.tally += await self._one(done, job.side, glance, seen.get(glance.event_id))
            except STOPS:
                raise
            except _SOON as soon:
                if job.attempt + 1 >= _TRIES and isinstance(soon, VersionMismatch | RowChanged | RowExists):
                    restless = "It keeps changing while it is synced."
                    done.failures.append(await self._quarantine(integration, job.side, glance, soon, restless))
                    continue
                done.waiting.append(glance)
                done.fault = max(done.fault or soon, soon, key=partial(delay_of, job.attempt))
            except (Rejected, DuplicateTransaction, StoreFault) as refusal:
                done.failures.append(await self._quarantine(integration, job.side, glance, refusal, reason_of(refusal)))

    def _window(self) -> SyncWindow:
        return SyncWindow.around(self.clock.now(), past_days=self.past_days, future_days=self.future_days)

    async def _one(self, job: _Done, side: Side, glance: Glance, view: View | None) -> Tally:
        return await (self._wedsync(job, glance) if side is Side.WEDSYNC else self._outlook(job, glance, view))

    async def _leave_to_run(self, job: _Done) -> None:
        """Have an event that no mapping names looked at a little later, once, while a run is at work.

        Each event that a run makes is noticed at once, and the run has its mapping stored a moment after that. Who
        looks in between asks for what was just sent, and takes the mappings of a whole batch out of the run's hands.
        """
        if job.beside_run is None:
            job.beside_run = await self.leases.held(job.integration.integration_id)
        if job.beside_run:
            raise RunAtWork

    async def _wedsync(self, job: _Done, glance: Glance) -> Tally:
        integration, policy, trace = job.integration, job.policy, job.trace
        done = Tally()
        stored = await self.mappings.by_wedsync(integration.integration_id, glance.event_id)
        known = stored is not None and _known_version(stored.value, glance)
        if known and not await self.travel.is_behind(integration, glance.event_id, int(glance.hint)):
            return done
        if stored is None:
            await self._leave_to_run(job)
        view = await _looked(stored, self.look.wedsync_event(integration, glance.event_id))
        if view == UNSEEN:
            return done
        if stored:
            done = await self.pair.run(integration, stored, Views(wedsync=view), policy=policy, trace=trace)
        elif isinstance(view, Present) and isinstance(view.state, WedSyncState):
            done = await self.new.wedsync_event(integration, view.state, policy=policy, trace=trace)
        self._tell(done, view)
        return done + await self.travel.follow(integration, glance.event_id, view, policy=policy, trace=trace)

    async def _outlook(self, job: _Done, glance: Glance, view: View | None) -> Tally:
        integration, policy, trace = job.integration, job.policy, job.trace
        stored = await self.mappings.by_outlook(integration.integration_id, glance.event_id)
        if stored and _known_etag(stored.value, glance):
            return Tally()
        if stored is None and glance.removed:
            await self._removed(integration, glance)
            return Tally()
        if stored is None:
            await self._leave_to_run(job)
        view = view or await self._seen(integration, stored, glance)
        if view == UNSEEN:
            return Tally()
        if isinstance(view, Present) and isinstance(view.state, OutlookState) and _in_series(view.state):
            await self.request_sync.look_again(integration)
            return Tally()
        if stored:
            done = await self.pair.run(integration, stored, Views(outlook=view), policy=policy, trace=trace)
            self._tell(done, view)
            if isinstance(view, Gone) and stored.value.role is Role.EVENT:
                event_id = str(stored.value.wedsync_id)
                done += await self.travel.follow(integration, event_id, UNSEEN, policy=policy, trace=trace)
            return done
        if isinstance(view, Present) and isinstance(view.state, OutlookState):
            done = await self.new.outlook_event(integration, view.state, policy=policy, trace=trace)
            self._tell(done, view)
            return done
        if isinstance(view, Gone):
            log_action("event_gone_unmapped", integration=integration.integration_id)
        return Tally()

    def _tell(self, done: Tally, view: View) -> None:
        """Measure how long an edit took to the other side; of a deletion nobody says when it was made."""
        if not isinstance(view, Present) or not done.created + done.updated + done.deleted:
            return
        wedsync = isinstance(view.state, WedSyncState)
        edited_at = view.state.updated_at if isinstance(view.state, WedSyncState) else view.state.changed_at
        passed = max(self.clock.now() - edited_at, timedelta()) // timedelta(milliseconds=1)
        log_metric(Metric.EDIT_TO_VISIBLE, passed, toward=(Side.OUTLOOK if wedsync else Side.WEDSYNC).value)

    async def _seen(self, integration: Integration, stored: Stored[EventMapping] | None, glance: Glance) -> View:
        """Read the Outlook event, and ask where it is if it may have left the calendar."""
        home = stored.value.calendar_id if stored else ""
        left = glance.removed or (stored is None and integration.earlier_calendar_id != "")
        looking = self.look.outlook_event(integration, glance.event_id, moved=left, calendar_id=home)
        view = await _looked(stored, looking)
        if view == UNSEEN or stored or left or _is_as_noticed(view, glance):
            return view
        return await self.look.outlook_event(integration, glance.event_id, moved=True)  # what happened since?

    async def _removed(self, integration: Integration, glance: Glance) -> None:
        """What left without being mapped matters only as the master of a series whose occurrences are."""
        async for stored in self.mappings.all(integration.integration_id):
            if stored.value.series_id == glance.event_id:
                await self.request_sync.look_again(integration)
                return

    async def _quarantine(
        self, integration: Integration, side: Side, glance: Glance, fault: SyncFault, reason: str
    ) -> EventFailure:
        """Set an event aside with its reason: visible, retryable, blocking nothing. Return it for the history."""
        find = self.mappings.by_wedsync if side is Side.WEDSYNC else self.mappings.by_outlook
        stored = await find(integration.integration_id, glance.event_id)
        log_metric(Metric.EVENT_QUARANTINED)
        log_action("event_quarantined", integration=integration.integration_id, side=side.value, mapped=bool(stored))
        if stored is None:
            return failure_of(glance.event_id, "", fault, reason)
        with suppress(StoreFault):  # somebody has just worked on it
            await self.journal.save(stored, replace(stored.value, quarantine=reason))
        mapping = stored.value
        return failure_of(mapping.wedsync_id or mapping.mapping_id, mapping.event_type, fault, reason)


async def _looked(stored: Stored[EventMapping] | None, looking: Awaitable[View]) -> View:
    """Return what was seen. An id unknown to us that the far end refuses names nothing: nothing was seen."""
    try:
        return await looking
    except Rejected:
        if stored is not None:
            raise
        log_action("event_id_refused")
        return UNSEEN


def _known_version(mapping: EventMapping, glance: Glance) -> bool:
    """Whether the notice is about a version that is accounted for: an echo, or a repeat."""
    linked = mapping.state is not MappingState.INTENT
    return linked and glance.hint.isdigit() and int(glance.hint) <= mapping.w_version


def _known_etag(mapping: EventMapping, glance: Glance) -> bool:
    """The same for Outlook. An open intent accounts for nothing: whether its event was made has to be found out."""
    linked = mapping.state is not MappingState.INTENT
    return linked and not glance.removed and glance.hint != "" and glance.hint == mapping.o_etag


def _is_as_noticed(view: View, glance: Glance) -> bool:
    return isinstance(view, Present) and isinstance(view.state, OutlookState) and view.state.etag == glance.hint


def _in_series(state: OutlookState) -> bool:
    return state.kind is not OutlookKind.SINGLE
