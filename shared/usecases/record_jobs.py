"""What a notice's job, or a person's word about one event, changed: a run of its own in the history.

Nothing is queued and nothing is inserted in advance. The run's id is known from the beginning, so that each change
names it; its row is inserted at the end, and only if there is something to tell. A process that dies in between leaves
its changes without the row: ``FindRun`` makes it of them when the message is delivered again, or when somebody wants to
undo the run.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from shared.core.history import EventFailure, SyncRun, Tally
from shared.core.integration import Integration
from shared.core.jobs import EventJob, RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.errors import RowChanged, RowExists
from shared.ports import Clock, Ids, Runs, Stored
from shared.usecases.journal import Trace

_JOBS = UUID("c07b6d42-9a55-5c1c-9f0c-1f4e2a6b8d70")
_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A run that may be recorded: its id, what it is, and since when it is under way."""

    run_id: str
    integration_id: str
    request: RunRequest
    began_at: datetime
    correlation: str = ""

    @property
    def trace(self) -> Trace:
        """What the run's changes carry."""
        return Trace(run_id=self.run_id, correlation=self.correlation)


@dataclass(frozen=True, kw_only=True)
class RecordJobs:
    """Begins and ends such runs."""

    runs: Runs
    ids: Ids
    clock: Clock

    def of_job(self, integration: Integration, job: EventJob) -> Recording:
        """Begin the ``webhook_triggered`` run of a notice; a job that is delivered again has the same run.

        A look that no notice asked for has nothing to be known by again: each is a run of its own.
        """
        noticed = job.correlation != ""
        return self._begin(
            integration,
            RunRequest(
                kind=RunKind.WEBHOOK,
                triggered_by=TriggeredBy.WEBHOOK if noticed else TriggeredBy.AUTO,
                direction=integration.direction,
                purpose=RunPurpose.EVENT,
            ),
            run_id=run_id_of(job) if noticed else self.ids.new_id(),
            correlation=job.correlation,
        )

    def of_user(self, integration: Integration) -> Recording:
        """Begin the ``single_event`` run of something that a person wants done about one event, here and now."""
        request = RunRequest(
            kind=RunKind.SINGLE,
            triggered_by=TriggeredBy.MANUAL,
            direction=integration.direction,
            purpose=RunPurpose.EVENT,
        )
        run_id = self.ids.new_id()
        return self._begin(integration, request, run_id=run_id, correlation=run_id)

    def _begin(self, integration: Integration, request: RunRequest, *, run_id: str, correlation: str) -> Recording:
        return Recording(
            run_id=run_id,
            integration_id=integration.integration_id,
            request=request,
            began_at=self.clock.now(),
            correlation=correlation,
        )

    async def end(self, recording: Recording, tally: Tally, failures: Sequence[EventFailure] = ()) -> bool:
        """Insert the run if anything came of it; return whether it did. What it did before is added to.

        One storage operation, none for an echo.
        """
        tally = replace(tally, total=max(tally.total, tally.handled + len(failures)), errors=len(failures))
        if not tally.changed and not failures:
            return False
        run = SyncRun(
            run_id=recording.run_id,
            integration_id=recording.integration_id,
            request=recording.request,
            state=RunState.COMPLETED if tally.changed else RunState.FAILED,
            queued_at=recording.began_at,
            started_at=recording.began_at,
            completed_at=self.clock.now(),
            tally=tally,
            failures=tuple(failures),
        )
        try:
            await self.runs.insert(run)
        except RowExists:
            await self._add(run)
        return True

    async def _add(self, run: SyncRun) -> None:
        """An earlier delivery of the same job was recorded: it is one run still."""
        for _ in range(_TRIES):
            known = await self.runs.get(run.integration_id, run.run_id)
            if known is None:
                return
            value = replace(
                known.value,
                state=RunState.COMPLETED if RunState.COMPLETED in (known.value.state, run.state) else run.state,
                completed_at=run.completed_at,
                tally=known.value.tally + run.tally,
                failures=(*known.value.failures, *run.failures),
            )
            with suppress(RowChanged):
                await self.runs.save(Stored(value=value, tag=known.tag))
                return


def run_id_of(job: EventJob) -> str:
    """Return the id of the run that a job is recorded as: another one for what is handed back and done later."""
    looks = ",".join(sorted(f"{len(each.event_id)}:{each.event_id}:{each.hint}" for each in job.events))
    return str(uuid5(_JOBS, f"{job.integration_id}|{job.correlation}|{job.side}|{job.attempt}|{looks}"))
