"""A ``RunJob``: read both sides to the end, plan, apply, commit the cursors last.

One run at a time holds the integration's lease. A run that dies leaves its lease to expire and its row without a
heartbeat: the next run marks it as failed and does its work. Where none comes, the dead run's own message comes back in
the end and begins anew. Either way everything already done is found done.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.history import EventFailure, SyncRun, Tally
from shared.core.integration import Direction, Integration, LastSyncStatus
from shared.core.jobs import RunJob, RunKind
from shared.core.states import RUN_MOVES, RunState, move
from shared.errors import (
    CalendarGone,
    CursorExpired,
    EventGone,
    ReconnectNeeded,
    Rejected,
    RemoteFault,
    RowChanged,
    SyncFault,
    Unavailable,
)
from shared.log import log_action
from shared.ports import Clock, Ids, Integrations, JobQueue, LeaseHold, Leases, Runs, Stored
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.dead_runs import BuryDeadRuns
from shared.usecases.heartbeat import Heartbeat
from shared.usecases.job_frame import JobFrame
from shared.usecases.journal import Trace
from shared.usecases.keep_up import EnqueueDue
from shared.usecases.pull_sides import Pulled, PullSides
from shared.usecases.settle_pair import policy_of

LEASE = timedelta(seconds=30)
_BUSY_DELAY = 3.0
_TRIES = 4
"""Attempts at the events that could not be reached: 2, 10 and 60 s apart, then the run ends without them."""

_LIVING = (RunState.QUEUED, RunState.IN_PROGRESS)


@dataclass(frozen=True, kw_only=True)
class SyncRunner:
    """Carries one run from its message to its end."""

    frame: JobFrame
    integrations: Integrations
    runs: Runs
    leases: Leases
    jobs: JobQueue
    pull: PullSides
    apply: ApplyPlan
    dead: BuryDeadRuns
    due: EnqueueDue
    ids: Ids
    clock: Clock

    async def run(self, job: RunJob) -> None:
        """Carry on with the run; a busy integration hands the message back, a finished run is left alone."""

        async def work(integration: Integration) -> None:
            stored = await self.runs.get(job.integration_id, job.run_id)
            if stored is None or stored.value.state not in _LIVING:
                return
            if not integration.syncing:
                await self._end(stored, RunState.CANCELLED, outcome=integration.state.value)
                return
            hold = await self.leases.acquire(
                job.integration_id, owner=self.ids.new_id(), until=self.clock.now() + LEASE
            )
            if hold is None:
                await self.jobs.put(job, delay_seconds=_BUSY_DELAY)
                return
            await self._held(integration, stored, job, hold)

        await self.frame.run(job, work)

    async def _held(self, integration: Integration, stored: Stored[SyncRun], job: RunJob, hold: LeaseHold) -> None:
        async def beaten(hold: LeaseHold) -> None:
            await self._beat(stored.value, hold)

        beat = Heartbeat(leases=self.leases, clock=self.clock, hold=hold, span=LEASE, on_beat=beaten)
        try:
            async with beat:
                stored = await self._begin(stored, hold)
                await self.dead.run(integration, stored.value, silence=LEASE)
                await self._work(integration, stored, job)
        finally:
            await self.leases.release(beat.hold)

    async def _begin(self, stored: Stored[SyncRun], hold: LeaseHold) -> Stored[SyncRun]:
        run = replace(stored.value, heartbeat_at=hold.expires_at - LEASE)
        if run.state is RunState.QUEUED:
            run = replace(run, state=move(RUN_MOVES, run.state, RunState.IN_PROGRESS), started_at=self.clock.now())
        return await self.runs.save(Stored(value=run, tag=stored.tag))

    async def _beat(self, run: SyncRun, hold: LeaseHold) -> None:
        """Note the moment of the lease's renewal, so that the row falls silent when the lease runs out, not before."""
        stored = await self.runs.get(run.integration_id, run.run_id)
        if stored and stored.value.state is RunState.IN_PROGRESS:
            beaten = replace(stored.value, heartbeat_at=hold.expires_at - LEASE)
            await self.runs.save(Stored(value=beaten, tag=stored.tag))

    async def _work(self, integration: Integration, stored: Stored[SyncRun], job: RunJob) -> None:
        run = stored.value
        full = run.request.kind is RunKind.FULL
        trace = Trace(run_id=run.run_id, correlation=job.correlation)
        try:
            pulled = await self._pull(integration, full=full)
            policy = policy_of(integration, run_direction=run.request.direction, window=pulled.window)
            tally, failures = await self.apply.run(integration, pulled, policy=policy, trace=trace)
        except (ReconnectNeeded, CalendarGone) as fault:
            await self._fail(integration, stored, fault)
            raise
        except (Rejected, CursorExpired, EventGone) as fault:  # the next run asks anew; this one would hear the same
            await self._fail(integration, stored, fault)
            return
        except RemoteFault as fault:
            log_action("sync_run_interrupted", integration=integration.integration_id, kind=type(fault).__name__)
            raise
        except SyncFault:
            raise
        except Exception as fault:
            await self._fail(integration, stored, fault)
            raise
        unreached = any(failure.retryable for failure in failures)
        if unreached and job.attempt + 1 < _TRIES:
            await self.frame.hand_back(job, Unavailable("graph", code="EventsUnreached"))
            return
        status = LastSyncStatus.PARTIAL if failures else LastSyncStatus.SUCCESS
        await self._note(integration, status, None if _narrowed(run, integration) else _read_up_to(pulled, unreached))
        await self._end(stored, RunState.COMPLETED, tally, failures=failures)
        await self.due.confirmed(integration.integration_id)

    async def _fail(self, integration: Integration, stored: Stored[SyncRun], fault: Exception) -> None:
        await self._end(stored, RunState.FAILED, outcome=type(fault).__name__)
        await self._note(integration, LastSyncStatus.ERROR, None)

    async def _pull(self, integration: Integration, *, full: bool) -> Pulled:
        """Read both sides; places to continue from that are not known any more lead to a full reading."""
        if full or not integration.delta_link or not integration.wedsync_cursor:
            return await self.pull.everything(integration)
        try:
            return await self.pull.changes(integration)
        except CursorExpired:
            log_action("cursor_expired", integration=integration.integration_id)
            return await self.pull.everything(integration)

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
                    value = replace(value, last_full_sync_at=now)
            try:
                await self.integrations.save(Stored(value=value, tag=stored.tag))
            except RowChanged:
                continue
            return

    async def _end(
        self,
        stored: Stored[SyncRun],
        state: RunState,
        tally: Tally | None = None,
        *,
        outcome: str = "",
        failures: tuple[EventFailure, ...] = (),
    ) -> None:
        """End the run, unless somebody else has; the row may have beaten since it was read."""
        present: Stored[SyncRun] | None = stored
        while present is not None and present.value.state in _LIVING:
            run = replace(
                present.value,
                state=move(RUN_MOVES, present.value.state, state),
                completed_at=self.clock.now(),
                tally=tally or Tally(),
                outcome=outcome,
                failures=failures,
            )
            try:
                await self.runs.save(Stored(value=run, tag=present.tag))
            except RowChanged:
                present = await self.runs.get(run.integration_id, run.run_id)
                continue
            _log_end(run)
            return


def _narrowed(run: SyncRun, integration: Integration) -> bool:
    """Whether the run left out a direction in which the integration syncs: what it skipped has to be read again."""
    return run.request.direction not in (Direction.BIDIRECTIONAL, integration.direction)


def _read_up_to(pulled: Pulled, unreached: bool) -> Pulled | None:
    """Return where to continue: when some events could not be reached, so that the next run comes upon them again.

    After a reading of everything that is the beginning; otherwise the cursors stay where they were.
    """
    if not unreached:
        return pulled
    return replace(pulled, complete=False, delta_link="", wedsync_cursor="") if pulled.complete else None


def _log_end(run: SyncRun) -> None:
    tally = run.tally
    log_action(
        "sync_run_ended",
        integration=run.integration_id,
        run=run.run_id,
        state=run.state.value,
        handled=tally.handled,
        created=tally.created,
        updated=tally.updated,
        deleted=tally.deleted,
        conflicts=tally.conflicts,
        errors=tally.errors,
    )
