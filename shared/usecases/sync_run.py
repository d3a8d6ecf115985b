"""A ``RunJob``: one run at a time holds the integration's lease and does the work of its purpose.

A run that dies leaves its lease to expire and its row without a heartbeat: the next run marks it as failed and does its
work. Where none comes, the dead run's own message comes back in the end and begins anew. Either way everything already
done is found done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.integration import Integration, LastSyncStatus
from shared.core.jobs import RunJob, RunPurpose, TriggeredBy
from shared.core.pulled import Pulled
from shared.core.states import RunState
from shared.errors import (
    CalendarGone,
    CursorExpired,
    EventGone,
    ReconnectNeeded,
    Rejected,
    RemoteFault,
    RowChanged,
    SyncFault,
)
from shared.log import log_action, routine
from shared.ports import Clock, Ids, Integrations, JobQueue, LeaseHold, Leases, RequestMeter, RunItems, Runs, Stored
from shared.usecases.dead_runs import BuryDeadRuns
from shared.usecases.heartbeat import Heartbeat
from shared.usecases.job_frame import JobFrame
from shared.usecases.journal import Trace
from shared.usecases.judge_channel import JudgeChannel
from shared.usecases.keep_up import EnqueueDue
from shared.usecases.run_record import CONTINUED, LIVING, Done, RunCancelled, RunRecord, RunWork

LEASE = timedelta(seconds=30)
BUDGET = timedelta(minutes=5)
"""How long one message is worked on, well inside ``functionTimeout``; what is left goes on in a further message."""

_BUSY_DELAY = 3.0
_TRIES = 4
"""Attempts at the events that could not be reached: 2, 10 and 60 s apart, then the run ends without them."""


@dataclass(frozen=True, kw_only=True)
class SyncRunner:
    """Carries one run from its message to its end."""

    frame: JobFrame
    integrations: Integrations
    runs: Runs
    leases: Leases
    jobs: JobQueue
    works: Mapping[RunPurpose, RunWork]
    dead: BuryDeadRuns
    due: EnqueueDue
    channel: JudgeChannel
    ids: Ids
    meter: RequestMeter
    run_items: RunItems
    clock: Clock
    budget: timedelta = BUDGET

    async def run(self, job: RunJob) -> None:
        """Carry on with the run; a busy integration hands the message back, a finished run is left alone."""

        async def work(integration: Integration) -> None:
            stored = await self.runs.get(job.integration_id, job.run_id)
            if stored is None or stored.value.state not in LIVING:
                return
            record = RunRecord(
                runs=self.runs,
                clock=self.clock,
                stored=stored,
                until=self.clock.now() + self.budget,
                requests=self.meter.start(),
            )
            if stored.value.cancel_requested or not integration.syncing:
                outcome = "" if integration.syncing else integration.state.value
                await self._end(record, RunState.CANCELLED, outcome=outcome)
                return
            if (wait := self._quiet_for(integration, job)) > 0:
                await self.jobs.put(job, delay_seconds=wait)
                return
            hold = await self.leases.acquire(
                job.integration_id, owner=self.ids.new_id(), until=self.clock.now() + LEASE
            )
            if hold is None:
                await self.jobs.put(job, delay_seconds=_BUSY_DELAY)
                return
            with routine(record.run.request.triggered_by is TriggeredBy.SCHEDULED):
                await self._held(integration, record, job, hold)

        await self.frame.run(job, work)

    def _quiet_for(self, integration: Integration, job: RunJob) -> float:
        """Return the seconds for which a run that carries out changed settings waits for further changes."""
        if integration.settings_run != job.run_id or integration.quiet_until is None:
            return 0
        return (integration.quiet_until - self.clock.now()).total_seconds()

    async def _held(self, integration: Integration, record: RunRecord, job: RunJob, hold: LeaseHold) -> None:
        async def beaten(hold: LeaseHold) -> None:
            await record.beat(hold.expires_at - LEASE)

        beat = Heartbeat(leases=self.leases, clock=self.clock, hold=hold, span=LEASE, on_beat=beaten)
        try:
            async with beat:
                await record.begin(at=hold.expires_at - LEASE)
                await self.dead.run(integration, record.run, silence=LEASE)
                await self._work(integration, record, job)
        finally:
            await self.leases.release(beat.hold)

    async def _work(self, integration: Integration, record: RunRecord, job: RunJob) -> None:
        trace = Trace(run_id=record.run.run_id, correlation=job.correlation)
        work, last_try = self.works[record.run.request.purpose], job.attempt + 1 >= _TRIES
        try:
            done = await work.run(integration, record, trace=trace, last_try=last_try)
        except RunCancelled:
            await self._end(record, RunState.CANCELLED)
            return
        except (ReconnectNeeded, CalendarGone) as fault:
            await self._fail(integration, record, fault)
            raise
        except (Rejected, CursorExpired, EventGone) as fault:  # the next run asks anew; this one would hear the same
            await self._fail(integration, record, fault)
            return
        except RemoteFault as fault:
            log_action("sync_run_interrupted", integration=integration.integration_id, kind=type(fault).__name__)
            raise
        except SyncFault:
            raise
        except Exception as fault:
            await self._fail(integration, record, fault)
            raise
        await self._finish(integration, record, job, done)

    async def _finish(self, integration: Integration, record: RunRecord, job: RunJob, done: Done) -> None:
        if done.continued:
            again = replace(job, attempt=0 if done.progressed else job.attempt)
            await (self.frame.hand_back(again, done.fault) if done.fault else self.jobs.put(again))
            return
        if done.status is not None:
            await self._note(done.integration or integration, done.status, done.pulled)
        await self._end(record, RunState.COMPLETED, done)
        if done.status is not None:
            await self.due.confirmed(integration.integration_id)
            await self.channel.run(integration, record.run, done.pulled)

    async def _end(self, record: RunRecord, state: RunState, done: Done | None = None, *, outcome: str = "") -> None:
        if done is None:
            await record.end(state, outcome=outcome)
        else:
            await record.end(state, done.tally, outcome=done.outcome, failures=done.failures)
        if record.run.stage == CONTINUED:
            await self.run_items.forget(record.run.integration_id, record.run.run_id)

    async def _fail(self, integration: Integration, record: RunRecord, fault: Exception) -> None:
        await self._end(record, RunState.FAILED, outcome=type(fault).__name__)
        await self._note(integration, LastSyncStatus.ERROR, None)

    async def _note(self, integration: Integration, status: LastSyncStatus, pulled: Pulled | None) -> None:
        """Commit the cursors last, and only to the integration that was read: not after a disconnect."""
        now = self.clock.now()
        for _ in range(5):
            stored = await self.integrations.get(integration.integration_id)
            if stored is None or stored.value.epoch != integration.epoch:
                return
            value = replace(stored.value, last_sync_at=now, last_sync_status=status)
            if pulled and stored.value.calendar_id == integration.calendar_id:
                value = replace(value, delta_link=pulled.delta_link, wedsync_cursor=pulled.wedsync_cursor)
                if pulled.complete:
                    value = replace(value, last_full_sync_at=now, settled_version=pulled.settings_version)
            try:
                await self.integrations.save(Stored(value=value, tag=stored.tag))
            except RowChanged:
                continue
            return
