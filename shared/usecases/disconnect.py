"""Disconnect: fence, remove what is ours from Outlook, forget. Resumable at every step.

The fence is the epoch: every create is conditional on it, so after it is raised no new copy can be decided. What is
ours is what carries our marker *and* the ``transactionId`` that only we can have computed from it: a copy that a user
made of our event carries the marker alone, and stays.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.history import SyncRun
from shared.core.integration import Account, Integration
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.states import INTEGRATION_MOVES, IntegrationState, RunState, move
from shared.errors import (
    CalendarGone,
    OutcomeUnknown,
    ReconnectNeeded,
    RowChanged,
    StateConflict,
    Throttled,
    Unavailable,
)
from shared.log import log_action
from shared.ports import (
    Clock,
    Confirmations,
    Conflicts,
    Consent,
    Ids,
    Integrations,
    JobQueue,
    LeaseHold,
    Leases,
    Mappings,
    MeetingRequests,
    ResolutionRules,
    RunItems,
    Runs,
    Stored,
)
from shared.usecases.clear_outlook import ClearOutlook, Overtaken, Progress, Removal, is_our_copy
from shared.usecases.connect_state import connection_of
from shared.usecases.heartbeat import Heartbeat
from shared.usecases.subscribe import Subscribe

ANSWER_WITHIN = timedelta(seconds=20)
_WORK_WITHIN = timedelta(minutes=5)
_LEASE = timedelta(seconds=30)
_STAGE = "disconnect"
_BUSY = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Disconnect:
    """Remove a connection and what it wrote."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: ResolutionRules
    meeting_requests: MeetingRequests
    confirmations: Confirmations
    runs: Runs
    run_items: RunItems
    leases: Leases
    clear: ClearOutlook
    consent: Consent
    subscribe: Subscribe
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def by_user(self, user_id: str) -> Removal:
        """Fence, then remove for up to 20 seconds; what is left goes on as a job. ``NotFound`` without a connection."""
        stored = await connection_of(self.integrations, user_id)
        integration_id = stored.value.integration_id
        run_id = await self._record(integration_id)
        await self._put(integration_id, run_id, delay=30)
        await self._fence(integration_id)
        until = self.clock.now() + ANSWER_WITHIN
        return await self._alone(integration_id, run_id, until) or Removal(sync_id=run_id)

    async def resume(self, integration_id: str, run_id: str) -> None:
        """Go on where an earlier attempt ended; nothing happens when there is nothing left to do."""
        stored = await self.integrations.get(integration_id)
        if stored is None or stored.value.state is IntegrationState.DISCONNECTED:
            return
        if stored.value.state is not IntegrationState.DISCONNECTING:
            if await self.mappings.epoch(integration_id) <= stored.value.epoch:
                return  # the user's request never got as far as the fence, or the user has connected again
            await self._fence(integration_id)
        removal = await self._alone(integration_id, run_id, self.clock.now() + _WORK_WITHIN, patient=False)
        if removal is None or not removal.finished:
            await self._put(integration_id, run_id, delay=10)

    async def _alone(
        self, integration_id: str, run_id: str, until: datetime, *, patient: bool = True
    ) -> Removal | None:
        """Work under the lease: neither a run nor another attempt is at it too. None if it was not to be had."""
        owner = self.ids.new_id()
        while True:
            hold = await self.leases.acquire(integration_id, owner=owner, until=self.clock.now() + _LEASE)
            if hold is not None:
                break
            if not patient or self.clock.now() + _BUSY >= until:
                return None
            await asyncio.sleep(_BUSY.total_seconds())
        beat = Heartbeat(leases=self.leases, clock=self.clock, hold=hold, span=_LEASE, on_beat=_nothing)
        try:
            async with beat:
                return await self._work(integration_id, run_id, until)
        finally:
            await self.leases.release(beat.hold)

    async def _put(self, integration_id: str, run_id: str, *, delay: float) -> None:
        await self.jobs.put(
            UpkeepJob(integration_id=integration_id, kind=UpkeepKind.DISCONNECT, subject=run_id), delay_seconds=delay
        )

    async def _record(self, integration_id: str) -> str:
        """Return the run to work under: that of an earlier attempt, or a new one."""
        for known in await self.runs.recent(integration_id, 5):
            if known.value.stage == _STAGE and known.value.state is RunState.IN_PROGRESS:
                return known.value.run_id
        now = self.clock.now()
        run = SyncRun(
            run_id=self.ids.new_id(),
            integration_id=integration_id,
            request=RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL, purpose=RunPurpose.DISCONNECT),
            state=RunState.IN_PROGRESS,
            queued_at=now,
            started_at=now,
            stage=_STAGE,
        )
        await self.runs.insert(run)
        return run.run_id

    async def _fence(self, integration_id: str) -> None:
        for _ in range(5):
            stored = await self.integrations.get(integration_id)
            if stored is None or stored.value.state is IntegrationState.DISCONNECTING:
                return
            epoch = stored.value.epoch + 1
            await self.mappings.raise_epoch(integration_id, epoch)
            state = move(INTEGRATION_MOVES, stored.value.state, IntegrationState.DISCONNECTING)
            try:
                await self.integrations.save(
                    Stored(value=replace(stored.value, state=state, epoch=epoch), tag=stored.tag)
                )
            except RowChanged:
                continue
            log_action("disconnect_fenced", integration=integration_id)
            return
        raise StateConflict("busy", "The connection is being changed; try again.")

    async def _work(self, integration_id: str, run_id: str, until: datetime) -> Removal:
        stored = await self.integrations.get(integration_id)
        if stored is None or stored.value.state is not IntegrationState.DISCONNECTING:
            return Removal(sync_id=run_id, finished=True)  # another attempt has ended it meanwhile
        integration = stored.value
        earlier = await self.runs.get(integration_id, run_id)
        progress = Progress(
            run_id=run_id,
            until=until,
            fenced_at=(earlier.value.started_at if earlier else None) or self.clock.now(),
            deleted=earlier.value.tally.deleted if earlier else 0,
            dropped=earlier.value.tally.handled if earlier else 0,
        )
        reachable = True
        try:
            done = await self.clear.run(integration, progress)
        except (ReconnectNeeded, CalendarGone):
            reachable, done = False, True
            async for known in self.mappings.all(integration_id):
                if is_our_copy(known.value):
                    progress.leave(known.value)
        except (Throttled, Unavailable, OutcomeUnknown):
            done = False
        except Overtaken:
            return replace(progress.removal(), finished=True)
        if not done:
            await self._note(integration_id, progress.removal())
            return progress.removal()
        return await self._forget(integration, progress, reachable=reachable)

    async def _forget(self, integration: Integration, progress: Progress, *, reachable: bool) -> Removal:
        integration_id = integration.integration_id
        try:
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=reachable)
        except (ReconnectNeeded, CalendarGone):
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=False)
        deleted = progress.dropped + await self.mappings.forget_all(integration_id)
        await self.conflicts.forget_all(integration_id)
        await self.run_items.forget_all(integration_id)
        await self.rules.forget_all(integration_id)
        await self.meeting_requests.forget_all(integration_id)
        await self.confirmations.forget_all(integration_id)
        await self.consent.forget(integration_id)
        account = Account(tenant_id=integration.tenant_id, account_id=integration.account_id)
        await self.integrations.release_account(account, integration_id)
        await self._end(integration_id)
        removal = replace(
            progress.removal(), mappings_deleted=deleted, webhook_unsubscribed=unsubscribed, finished=True
        )
        await self._note(integration_id, removal)
        log_action(
            "disconnected",
            integration=integration_id,
            events_deleted=removal.events_deleted,
            events_left=removal.events_left,
        )
        return removal

    async def _end(self, integration_id: str) -> None:
        stored = await self.integrations.get(integration_id)
        if stored is None or stored.value.state is not IntegrationState.DISCONNECTING:
            return
        state = move(INTEGRATION_MOVES, stored.value.state, IntegrationState.DISCONNECTED)
        await self.integrations.save(
            Stored(
                value=replace(
                    stored.value,
                    state=state,
                    delta_link="",
                    wedsync_cursor="",
                    reason="",
                    reason_link="",
                    reason_code="",
                ),
                tag=stored.tag,
            )
        )

    async def _note(self, integration_id: str, removal: Removal) -> None:
        stored = await self.runs.get(integration_id, removal.sync_id)
        if stored is None or stored.value.state is not RunState.IN_PROGRESS:
            return
        now = self.clock.now()
        tally = replace(stored.value.tally, deleted=removal.events_deleted, handled=removal.mappings_deleted)
        run = replace(stored.value, heartbeat_at=now, tally=tally)
        if removal.finished:
            outcome = f"events_left={removal.events_left}"
            run = replace(run, state=RunState.COMPLETED, completed_at=now, outcome=outcome)
        await self.runs.save(Stored(value=run, tag=stored.tag))


async def _nothing(_: LeaseHold) -> None:
    """The row of a disconnect is noted at the end of each attempt; there is nothing to tell at a beat."""
