"""Start a run: record it as queued and put it on the queue."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunJob, RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import IntegrationState, RunState
from shared.errors import NotFound, RowExists, StateConflict
from shared.ports import Clock, Ids, Integrations, JobQueue, Runs
from shared.usecases.connect_state import connection_of

_RECENT = 10
_LOST_AFTER = timedelta(minutes=2)
_KEYS = UUID("3a1d6c0e-8e52-5f8b-9b0e-7c2f1d4a6e55")


@dataclass(frozen=True, kw_only=True)
class RequestSync:
    """A person, a timer or another use case wants a run."""

    integrations: Integrations
    runs: Runs
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def by_user(self, user_id: str, request: RunRequest, *, idempotency_key: str = "") -> SyncRun:
        """Start a run for the user's connection; a waiting run that does the same is returned instead.

        With an ``idempotency_key`` a repeated call returns the run of the first one, whatever became of it.
        """
        stored = await connection_of(self.integrations, user_id)
        if stored.value.state is not IntegrationState.CONNECTED:
            raise StateConflict(stored.value.state.value, stored.value.reason or "The connection is not syncing.")
        if not idempotency_key:
            return await self.again(stored.value, request)
        run_id = str(uuid5(_KEYS, f"{stored.value.integration_id}:{idempotency_key}"))
        known = await self.runs.get(stored.value.integration_id, run_id)
        if known is not None and known.value.state is not RunState.QUEUED:
            return known.value
        return await self._queue(stored.value, request, delay_seconds=0, run_id=run_id)

    async def again(self, integration: Integration, request: RunRequest) -> SyncRun:
        """Start a run, or wake the one that waits to do the same."""
        for waiting in await self.runs.recent(integration.integration_id, 5):
            if waiting.value.state is RunState.QUEUED and waiting.value.request == request:
                await self.jobs.put(RunJob(integration_id=integration.integration_id, run_id=waiting.value.run_id))
                return waiting.value
        return await self._queue(integration, request, delay_seconds=0)

    async def reconcile(self, integration: Integration) -> SyncRun:
        """Start a run that reads both sides anew and repairs what was missed, unless one waits to do so."""
        request = RunRequest(
            kind=RunKind.FULL,
            triggered_by=TriggeredBy.SCHEDULED,
            direction=integration.direction,
            purpose=RunPurpose.RECONCILE,
        )
        return await self.again(integration, request)

    async def start(
        self, integration: Integration, *, kind: RunKind, triggered_by: TriggeredBy, delay_seconds: float = 0
    ) -> SyncRun:
        """Start a run in the integration's own direction."""
        request = RunRequest(kind=kind, triggered_by=triggered_by, direction=integration.direction)
        return await self._queue(integration, request, delay_seconds=delay_seconds)

    async def look_again(
        self,
        integration: Integration,
        *,
        triggered_by: TriggeredBy = TriggeredBy.WEBHOOK,
        delay_seconds: float = 2,
    ) -> None:
        """Make sure that a run comes; one that waits already is enough.

        One that waits for long may have lost its message, with the process that was about to send it: it gets another.
        """
        wanted = RunRequest(kind=RunKind.INCREMENTAL, triggered_by=triggered_by, direction=integration.direction)
        lost, coming = self.clock.now() - _LOST_AFTER, False
        for known in await self.runs.recent(integration.integration_id, _RECENT):
            if known.value.state is not RunState.QUEUED:
                continue
            coming = coming or known.value.request.covers(wanted)
            if known.value.queued_at <= lost:
                await self.jobs.put(RunJob(integration_id=integration.integration_id, run_id=known.value.run_id))
        if not coming:
            await self._queue(integration, wanted, delay_seconds=delay_seconds)

    async def status(self, user_id: str, run_id: str) -> SyncRun:
        """Return one run of the user's connection; ``NotFound`` otherwise."""
        stored = await self.integrations.of_user(user_id)  # also after a disconnect, whose own end is read here
        if stored is None:
            raise NotFound("not_connected", "No Outlook calendar is connected.")
        run = await self.runs.get(stored.value.integration_id, run_id)
        if run is None:
            raise NotFound("sync_not_found", "There is no such sync.")
        return run.value

    async def _queue(
        self, integration: Integration, request: RunRequest, *, delay_seconds: float, run_id: str = ""
    ) -> SyncRun:
        run = SyncRun(
            run_id=run_id or self.ids.new_id(),
            integration_id=integration.integration_id,
            request=request,
            state=RunState.QUEUED,
            queued_at=self.clock.now(),
        )
        with suppress(RowExists):  # the same request came before; its message may have been lost
            await self.runs.insert(run)
        await self.jobs.put(
            RunJob(integration_id=integration.integration_id, run_id=run.run_id), delay_seconds=delay_seconds
        )
        return run
