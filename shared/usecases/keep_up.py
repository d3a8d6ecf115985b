"""What timers and endpoints hand over: subscriptions to keep, disconnects to finish; and what timers find due."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.integration import Integration
from shared.core.jobs import TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.stagger import next_turn
from shared.core.states import IntegrationState
from shared.errors import InvalidInput
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Integrations, JobQueue
from shared.usecases.disconnect import Disconnect
from shared.usecases.due_kinds import RECONCILE, RENEWAL, SAFETY
from shared.usecases.job_frame import JobFrame
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import Subscribe

_LOOK_AGAIN = timedelta(hours=1)
_NEXT_DISCONNECT = 300.0


@dataclass(frozen=True, kw_only=True)
class KeepUp:
    """Carry out one upkeep job."""

    frame: JobFrame
    subscribe: Subscribe
    disconnect: Disconnect

    async def run(self, job: UpkeepJob) -> None:
        """Do what the job names."""

        async def work(integration: Integration) -> None:
            if job.kind is UpkeepKind.DISCONNECT:
                await self.disconnect.resume(integration.integration_id, job.subject)
            elif integration.syncing or not integration.webhooks:
                run_id = job.subject if job.kind is UpkeepKind.SUBSCRIBE else ""
                await self.subscribe.ensure(integration, then_run=run_id, renew=job.kind is UpkeepKind.RENEW)

        await self.frame.run(job, work)


@dataclass(frozen=True, kw_only=True)
class EnqueueDue:
    """What the timers do: read what is due, enqueue it, enter when to look again."""

    due: DueList
    integrations: Integrations
    jobs: JobQueue
    request_sync: RequestSync
    clock: Clock
    safety_sync_minutes: int

    async def renewals(self) -> int:
        """Enqueue the renewal of each subscription that nears its end; return how many."""
        now = self.clock.now()
        enqueued = 0
        for entry in await self.due.due(RENEWAL, now):
            stored = await self.integrations.get(entry.integration_id)
            if stored is None or stored.value.state is IntegrationState.DISCONNECTED:
                await self.due.done(entry)
                continue
            await self.jobs.put(UpkeepJob(integration_id=entry.integration_id, kind=UpkeepKind.RENEW))
            await self.due.put(replace(entry, at=now + _LOOK_AGAIN))
            enqueued += 1
        return enqueued

    async def safety_runs(self) -> int:
        """Start an incremental run for each integration that was not confirmed for a while; return how many."""
        now = self.clock.now()
        found = await self.due.due(SAFETY, now)
        started = 0
        for entry in found:
            stored = await self.integrations.get(entry.integration_id)
            if stored is None or not stored.value.syncing:
                await self.due.done(entry)
                continue
            await self.due.put(replace(entry, at=now + timedelta(minutes=self.safety_sync_minutes)))
            await self.request_sync.look_again(stored.value, triggered_by=TriggeredBy.SCHEDULED, delay_seconds=0)
            started += 1
        return started

    async def reconciliations(self) -> int:
        """Start a reconciliation of each integration whose turn in the week has come; return how many."""
        now = self.clock.now()
        started = 0
        for entry in await self.due.due(RECONCILE, now):
            stored = await self.integrations.get(entry.integration_id)
            if stored is None or stored.value.state is IntegrationState.DISCONNECTED:
                await self.due.done(entry)
                continue
            if stored.value.syncing:  # a connection that is stopped keeps its turn
                await self.request_sync.reconcile(stored.value)
                started += 1
            await self.due.put(replace(entry, at=next_turn(entry.integration_id, now)))
        return started

    async def confirmed(self, integration_id: str) -> None:
        """Enter that a run has just confirmed the integration: the next one is due after the safety interval."""
        at = self.clock.now() + timedelta(minutes=self.safety_sync_minutes)
        await self.due.put(Due(kind=SAFETY, integration_id=integration_id, at=at))


@dataclass(frozen=True, kw_only=True)
class RecoverPoison:
    """A job failed for good: what it would have found, a run will find."""

    integrations: Integrations
    jobs: JobQueue
    request_sync: RequestSync

    async def run(self, text: str) -> None:
        """Schedule a run for the integration that the message names, if it names a live one."""
        try:
            job = self.jobs.parse(text)
        except InvalidInput:
            log_action("poison_unreadable")
            return
        stored = await self.integrations.get(job.integration_id)
        if stored is None:
            return
        if isinstance(job, UpkeepJob) and job.kind is UpkeepKind.DISCONNECT:
            if stored.value.state is IntegrationState.DISCONNECTING:
                await self.jobs.put(replace(job, attempt=job.attempt + 1), delay_seconds=_NEXT_DISCONNECT)
        elif stored.value.syncing:
            await self.request_sync.look_again(stored.value, delay_seconds=60)
