"""What timers and endpoints hand over: subscriptions to keep, disconnects to finish; and what timers find due."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.core.integration import Integration
from shared.core.jobs import Job, LooksJob, TriggeredBy, Turn, TurnsJob, UpkeepJob, UpkeepKind
from shared.core.stagger import DAY, next_turn
from shared.core.states import IntegrationState
from shared.errors import InvalidInput, Rejected, SyncFault
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Integrations, JobQueue, SubscriptionRows
from shared.usecases import due_kinds as kinds
from shared.usecases.at_once import some_at_once
from shared.usecases.disconnect import Disconnect
from shared.usecases.due_kinds import CHECK, RECONCILE, RENEWAL, SAFETY
from shared.usecases.finish_meeting import FinishMeeting
from shared.usecases.job_frame import JobFrame
from shared.usecases.make_meeting import MakeMeeting
from shared.usecases.prune_history import PruneHistory
from shared.usecases.refused_channel import RefusedChannel
from shared.usecases.renew_token import RenewToken
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import Subscribe

_LOOK_AGAIN = timedelta(hours=1)
_HAND_OUT_AGAIN = timedelta(minutes=10)
"""After which what was handed out and still stands is handed out once more: its message was lost, or failed."""

_TURNS_PER_JOB = 50
_AT_ONCE = 10
_NEXT_DISCONNECT = 300.0
_WHILE_STOPPED = {kinds.TOKEN: UpkeepKind.TOKEN, kinds.PRUNE: UpkeepKind.PRUNE}
"""What is looked after whether changes are carried or not."""

_MEETING_LOOKS = (UpkeepKind.MEETING, UpkeepKind.MEETING_CHANGED, UpkeepKind.MEETING_CANCELLED)

AFRESH = "afresh"
"""Subject of a ``CHECK`` that is to replace the subscription."""


@dataclass(frozen=True, kw_only=True)
class EnqueueDue:
    """What the timers do: read what is due and enqueue it, many integrations to a message.

    A tick reads a page for a thousand entries and nothing of the integrations themselves. What an entry is about is
    looked into by ``TakeTurns``, by as many workers as the queue gets.
    """

    due: DueList
    jobs: JobQueue
    clock: Clock
    safety_sync_minutes: int

    async def renewals(self) -> int:
        """Hand out the subscriptions that near their end, and those whose daily comparison is due; return how many."""
        return await self._hand_out(RENEWAL) + await self._hand_out(CHECK)

    async def safety_runs(self) -> int:
        """Hand out the integrations that were not confirmed for a while; return how many."""
        return await self._hand_out(SAFETY)

    async def reconciliations(self) -> int:
        """Hand out the integrations whose turn in the week has come; return how many."""
        return await self._hand_out(RECONCILE)

    async def idle_tokens(self) -> int:
        """Hand out the connections whose refresh token is to be looked after; return how many."""
        return await self._hand_out(kinds.TOKEN)

    async def prunings(self) -> int:
        """Hand out the connections, ended ones too, whose history may hold too much; return how many."""
        return await self._hand_out(kinds.PRUNE)

    async def confirmed(self, integration_id: str) -> None:
        """Enter that a run has just confirmed the integration: the next one is due after the safety interval."""
        at = self.clock.now() + timedelta(minutes=self.safety_sync_minutes)
        await self.due.put(Due(kind=SAFETY, integration_id=integration_id, at=at))

    async def _hand_out(self, kind: str) -> int:
        count = 0
        async for page in self.due.hand_out(kind, self.clock.now(), again_after=_HAND_OUT_AGAIN):
            turns = [Turn(integration_id=due.integration_id, at=due.at, subject=due.subject) for due in page]
            parts = [tuple(turns[start : start + _TURNS_PER_JOB]) for start in range(0, len(turns), _TURNS_PER_JOB)]
            jobs = [TurnsJob(kind=kind, turns=part) for part in parts]
            await some_at_once([partial(self.jobs.put, job) for job in jobs], _AT_ONCE)
            count += len(turns)
        return count


@dataclass(frozen=True, kw_only=True)
class TakeTurns:
    """Does for each integration of a timer's message what is due, then enters when it is due again.

    In that order: a process that dies in between does it twice, which costs a look, and never not at all.
    """

    due: DueList
    integrations: Integrations
    rows: SubscriptionRows
    jobs: JobQueue
    request_sync: RequestSync
    clock: Clock
    safety_sync_minutes: int

    async def run(self, job: TurnsJob) -> None:
        """Take each turn by itself; one that fails stands, and is handed out again before long."""
        for turn in job.turns:
            entry = Due(kind=job.kind, integration_id=turn.integration_id, at=turn.at, subject=turn.subject)
            try:
                await self._take(entry)
            except SyncFault as fault:
                log_action("turn_failed", integration=turn.integration_id, due=job.kind, kind=type(fault).__name__)

    async def _take(self, entry: Due) -> None:
        if not await self.due.stands(entry):
            return
        stored = await self.integrations.get(entry.integration_id)
        if stored is None or not _is_kept_up(stored.value, entry.kind) or await self._is_replaced(entry):
            await self.due.done(entry)
            return
        await self._start(stored.value, entry.kind)
        await self.due.put(replace(entry, at=self._next(entry)))

    async def _is_replaced(self, entry: Due) -> bool:
        """Whether it is about a subscription that is no more: its renewal may have ended before its turn did."""
        return entry.kind == RENEWAL and bool(entry.subject) and await self.rows.get(entry.subject) is None

    async def _start(self, integration: Integration, kind: str) -> None:
        if kind == RENEWAL:
            await self._upkeep(integration, UpkeepKind.RENEW)
        elif kind in _WHILE_STOPPED:
            await self._upkeep(integration, _WHILE_STOPPED[kind])
        elif not integration.syncing:
            return  # a connection that is stopped keeps its turn
        elif kind == CHECK:
            await self._upkeep(integration, UpkeepKind.CHECK)
        elif kind == SAFETY:
            await self.request_sync.look_again(integration, triggered_by=TriggeredBy.SCHEDULED, delay_seconds=0)
        else:
            await self.request_sync.reconcile(integration)

    async def _upkeep(self, integration: Integration, kind: UpkeepKind) -> None:
        await self.jobs.put(UpkeepJob(integration_id=integration.integration_id, kind=kind))

    def _next(self, entry: Due) -> datetime:
        now = self.clock.now()
        match entry.kind:
            case kinds.RENEWAL:
                return now + _LOOK_AGAIN
            case kinds.SAFETY:
                return now + timedelta(minutes=self.safety_sync_minutes)
            case kinds.CHECK:
                return next_turn(entry.integration_id, now, every=DAY)
        return next_turn(entry.integration_id, now)


def _is_kept_up(integration: Integration, kind: str) -> bool:
    if kind == kinds.PRUNE:
        return True
    return integration.syncing if kind == SAFETY else integration.state is not IntegrationState.DISCONNECTED


@dataclass(frozen=True, kw_only=True)
class KeepUp:
    """Carry out one upkeep job, or a timer's message of many turns."""

    frame: JobFrame
    subscribe: Subscribe
    refused: RefusedChannel
    disconnect: Disconnect
    take_turns: TakeTurns
    request_sync: RequestSync
    renew_token: RenewToken
    prune_history: PruneHistory
    make_meeting: MakeMeeting
    finish_meeting: FinishMeeting

    async def run(self, job: UpkeepJob | TurnsJob) -> None:
        """Do what the job names."""
        if isinstance(job, TurnsJob):
            await self.take_turns.run(job)
            return

        async def work(integration: Integration) -> None:
            if job.kind is UpkeepKind.DISCONNECT:
                await self.disconnect.resume(integration.integration_id, job.subject)
            elif job.kind is UpkeepKind.TOKEN:
                await self.renew_token.run(integration)
            elif job.kind is UpkeepKind.PRUNE:
                await self.prune_history.run(integration)
            elif job.kind in _MEETING_LOOKS and integration.state is IntegrationState.NEEDS_RECONNECT:
                await self.frame.put_off(job)
            elif job.kind is UpkeepKind.MEETING:
                await self.make_meeting.finish(integration, job.subject)
            elif job.kind in _MEETING_LOOKS:
                await self.finish_meeting.run(integration, job.kind, job.subject)
            elif integration.syncing or not integration.webhooks:
                await self._subscribe(integration, job)

        await self.frame.run(job, work)

    async def _subscribe(self, integration: Integration, job: UpkeepJob) -> None:
        """See to the subscription. While there was none, changes may have gone unnoticed: a run finds them.

        Where Graph has refused it for good, it is asked for again by the list of due things, and for who connects.
        """
        run_id = job.subject if job.kind is UpkeepKind.SUBSCRIBE else ""
        if integration.webhooks and not run_id and job.kind is not UpkeepKind.RENEW and self.refused.waits(integration):
            return
        try:
            if job.kind is UpkeepKind.CHECK:
                another = await self.subscribe.check(integration, afresh=job.subject == AFRESH)
            else:
                another = await self.subscribe.ensure(integration, then_run=run_id, renew=job.kind is UpkeepKind.RENEW)
        except Rejected as fault:
            await self.refused.note(integration, fault)
            return
        await self.refused.forget(integration)
        if another and not run_id and integration.syncing:
            await self.request_sync.look_again(integration, delay_seconds=0)


@dataclass(frozen=True, kw_only=True)
class RecoverPoison:
    """A job failed for good: what it would have found, a run will find."""

    integrations: Integrations
    jobs: JobQueue
    request_sync: RequestSync

    async def run(self, text: str) -> None:
        """Schedule a run for each integration that the message names, if it names a live one."""
        try:
            job = self.jobs.parse(text)
        except InvalidInput:
            log_action("poison_unreadable")
            return
        if isinstance(job, TurnsJob):  # what it was about still stands, and is handed out again
            return
        for each in job.jobs if isinstance(job, LooksJob) else (job,):
            await self._recover(each)

    async def _recover(self, job: Job) -> None:
        stored = await self.integrations.get(job.integration_id)
        if stored is None:
            return
        if isinstance(job, UpkeepJob) and job.kind is UpkeepKind.DISCONNECT:
            if stored.value.state is IntegrationState.DISCONNECTING:
                await self.jobs.put(replace(job, attempt=job.attempt + 1), delay_seconds=_NEXT_DISCONNECT)
        elif stored.value.syncing:
            await self.request_sync.look_again(stored.value, delay_seconds=60)
