"""Start a run: record it as queued and put it on the queue."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from shared.core.history import AskedSync, SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunJob, RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.errors import NotFound, RowExists, Unprocessable
from shared.ports import Clock, Ids, Integrations, JobQueue, Runs
from shared.usecases.connect_state import assert_syncing, connection_of

_RECENT = 10
_LOST_AFTER = timedelta(minutes=2)
_KEYS = UUID("3a1d6c0e-8e52-5f8b-9b0e-7c2f1d4a6e55")
_TURNS = UUID("b7d0c1f6-2a64-5d0a-9a3e-51f4c8e0d927")


@dataclass(frozen=True, kw_only=True)
class RequestSync:
    """A person, a timer or another use case wants a run."""

    integrations: Integrations
    runs: Runs
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def by_user(
        self, user_id: str, request: RunRequest, *, idempotency_key: str = "", asked: str = ""
    ) -> SyncRun:
        """Start a run for the user's connection; a waiting run that does the same is returned instead.

        With an ``idempotency_key`` a repeated call returns the run of the first one, whatever became of it, for as long
        as the key is remembered; ``Unprocessable`` if something else is asked. ``asked`` is what the caller sent, where
        that is less than the request: what it leaves open may be filled in otherwise the next time.
        """
        integration = (await connection_of(self.integrations, user_id)).value
        home = integration.integration_id
        if not idempotency_key:
            assert_syncing(integration)
            return await self.again(integration, request)
        key_id = str(uuid5(_KEYS, f"{home}:{integration.epoch}:{idempotency_key}"))  # another connection, another sync
        fingerprint = hashlib.sha256((asked or repr(request)).encode("utf-8", "surrogatepass")).hexdigest()
        known = await self.runs.asked(home, key_id)
        made = await self.runs.get(home, known.run_id) if known else None
        if made is None:  # also where a crash came before the run
            assert_syncing(integration)
        if known is None:
            fresh = AskedSync(
                key_id=key_id,
                integration_id=home,
                run_id=await self._to_join(integration, request),
                fingerprint=fingerprint,
                asked_at=self.clock.now(),
            )
            known = await self.runs.ask(fresh)  # before the run: a key that is refused shall start nothing
        if known.fingerprint != fingerprint:
            raise Unprocessable("idempotency_key_reused", "This Idempotency-Key stands for another sync.")
        return await self._woken(made.value) if made else await self.once(integration, request, known.run_id)

    async def once(self, integration: Integration, request: RunRequest, run_id: str) -> SyncRun:
        """Start the run of this id if there is none, wake it if it waits, and return it."""
        stored = await self.runs.get(integration.integration_id, run_id)
        if stored is None:
            return await self._queue(integration, request, delay_seconds=0, run_id=run_id)
        return await self._woken(stored.value)

    async def _woken(self, run: SyncRun) -> SyncRun:
        """Return the run; where it waits its message may have been lost, so that it gets another."""
        if run.state is RunState.QUEUED:
            await self._wake(run)
        return run

    async def again(self, integration: Integration, request: RunRequest) -> SyncRun:
        """Start a run, or wake the one that waits to do the same."""
        return await self.once(integration, request, await self._to_join(integration, request))

    async def _to_join(self, integration: Integration, request: RunRequest) -> str:
        """Return the id of the run that waits to do the same, or the id for a new one.

        Whoever has seen the same runs and wants the same gets the same id: of two at once, one inserts the run.
        """
        home = integration.integration_id
        recent = [stored.value for stored in await self.runs.recent(home, _RECENT)]
        for run in recent:
            if run.state is RunState.QUEUED and run.request == request:
                return run.run_id
        run_id = str(uuid5(_TURNS, repr((home, request, [run.run_id for run in recent]))))
        taken = await self.runs.get(home, run_id)
        if taken is not None and taken.value.state is not RunState.QUEUED:
            return self.ids.new_id()  # it came and has begun since the list was read
        return run_id

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
                await self._wake(known.value)
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
        try:
            await self.runs.insert(run)
        except RowExists:  # the same came at the same time; its message may have been lost
            known = await self.runs.get(integration.integration_id, run.run_id)
            run = known.value if known else run
        await self._wake(run, delay_seconds=delay_seconds)
        return run

    async def _wake(self, run: SyncRun, *, delay_seconds: float = 0) -> None:
        job = RunJob(integration_id=run.integration_id, run_id=run.run_id)
        await self.jobs.put(job, delay_seconds=delay_seconds)
