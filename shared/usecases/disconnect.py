"""Disconnect: fence, remove what is ours from Outlook, forget. Resumable at every step.

The fence is the epoch: every create is conditional on it, so after it is raised no new copy can be decided. What is
ours is what carries our marker *and* the ``transactionId`` that only we can have computed from it: a copy that a user
made of our event carries the marker alone, and stays.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.event import OutlookState, Side
from shared.core.history import SyncRun
from shared.core.integration import Account, Integration
from shared.core.jobs import RunKind, RunRequest, TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.mapping import EventMapping, transaction_id
from shared.core.states import INTEGRATION_MOVES, IntegrationState, MappingState, RunState, move
from shared.errors import (
    CalendarGone,
    EventGone,
    OutcomeUnknown,
    ReconnectNeeded,
    RowChanged,
    StateConflict,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.log import log_action
from shared.ports import (
    BatchDelete,
    Clock,
    Conflicts,
    Consent,
    Ids,
    Integrations,
    JobQueue,
    Mappings,
    Outlook,
    Runs,
    Stored,
)
from shared.usecases.connect_state import connection_of
from shared.usecases.subscribe import Subscribe

ANSWER_WITHIN = timedelta(seconds=20)
_WORK_WITHIN = timedelta(minutes=5)
_SETTLED_AFTER = timedelta(seconds=60)
_GENERATIONS = 50
_BATCH = 20


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What has been removed so far. ``events_left`` counts our copies that stay in Outlook."""

    sync_id: str
    events_deleted: int = 0
    mappings_deleted: int = 0
    events_left: int = 0
    webhook_unsubscribed: bool = False
    finished: bool = False


@dataclass(kw_only=True)
class _Progress:
    """How far one attempt got, until when it may go on, and what earlier attempts had deleted already."""

    run_id: str
    until: datetime
    deleted: int = 0
    dropped: int = 0
    left: set[str] = field(default_factory=set)

    def removal(self) -> Removal:
        return Removal(
            sync_id=self.run_id,
            events_deleted=self.deleted,
            mappings_deleted=self.dropped,
            events_left=len(self.left),
        )


@dataclass(frozen=True, kw_only=True)
class Disconnect:
    """Remove a connection and what it wrote."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    runs: Runs
    outlook: Outlook
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
        return await self._work(integration_id, run_id, ANSWER_WITHIN)

    async def resume(self, integration_id: str, run_id: str) -> None:
        """Go on where an earlier attempt ended; nothing happens when there is nothing left to do."""
        stored = await self.integrations.get(integration_id)
        if stored is None or stored.value.state is IntegrationState.DISCONNECTED:
            return
        if stored.value.state is not IntegrationState.DISCONNECTING:
            if await self.mappings.epoch(integration_id) <= stored.value.epoch:
                return  # the user's request never got as far as the fence, or the user has connected again
            await self._fence(integration_id)
        removal = await self._work(integration_id, run_id, _WORK_WITHIN)
        if not removal.finished:
            await self._put(integration_id, run_id, delay=10)

    async def _put(self, integration_id: str, run_id: str, *, delay: float) -> None:
        await self.jobs.put(
            UpkeepJob(integration_id=integration_id, kind=UpkeepKind.DISCONNECT, subject=run_id), delay_seconds=delay
        )

    async def _record(self, integration_id: str) -> str:
        now = self.clock.now()
        run = SyncRun(
            run_id=self.ids.new_id(),
            integration_id=integration_id,
            request=RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL),
            state=RunState.IN_PROGRESS,
            queued_at=now,
            started_at=now,
            stage="disconnect",
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

    async def _work(self, integration_id: str, run_id: str, span: timedelta) -> Removal:
        stored = await self.integrations.get(integration_id)
        if stored is None:
            return Removal(sync_id=run_id, finished=True)
        integration = stored.value
        earlier = await self.runs.get(integration_id, run_id)
        progress = _Progress(
            run_id=run_id,
            until=self.clock.now() + span,
            deleted=earlier.value.tally.deleted if earlier else 0,
            dropped=earlier.value.tally.handled if earlier else 0,
        )
        reachable = True
        try:
            done = await self._clear_outlook(integration, progress)
        except (ReconnectNeeded, CalendarGone):
            reachable, done = False, True
            ours = [stored.value async for stored in self.mappings.all(integration_id) if _is_our_copy(stored.value)]
            progress.left |= {str(mapping.outlook_id) for mapping in ours}
        except (Throttled, Unavailable, OutcomeUnknown):
            done = False
        if not done:
            await self._note(integration_id, progress.removal())
            return progress.removal()
        return await self._forget(integration, progress, reachable=reachable)

    async def _clear_outlook(self, integration: Integration, progress: _Progress) -> bool:
        """Delete our copies by mapping, then what only the marker shows; return whether all of it is done."""
        await self.outlook.calendar_answers(integration.integration_id, integration.calendar_id)
        async for chunk in _chunks(self.mappings.all(integration.integration_id)):
            if self.clock.now() >= progress.until:
                return False
            await self._delete(integration.integration_id, chunk, progress)
        young = await self._young_intents(integration.integration_id)
        await self._sweep(integration, progress)
        return not young

    async def _delete(self, integration_id: str, chunk: Sequence[Stored[EventMapping]], progress: _Progress) -> None:
        """Delete one batch, again and again for what is asked to wait; a mapping goes with its event."""
        meetings = [stored for stored in chunk if stored.value.base_o and stored.value.base_o.attendees]
        progress.left |= {str(stored.value.outlook_id) for stored in meetings}
        waiting = [stored for stored in chunk if stored not in meetings]
        while waiting:
            answers = await self._batch(integration_id, waiting)
            again: list[Stored[EventMapping]] = []
            pause = 0.0
            for stored, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, Throttled | Unavailable | OutcomeUnknown):
                    again.append(stored)
                    pause = max(pause, answer.retry_after)
                elif await self._is_gone(integration_id, str(stored.value.outlook_id), answer, progress):
                    await self._drop(stored, progress)
            waiting = again
            if waiting and self.clock.now() + timedelta(seconds=pause) >= progress.until:
                raise Throttled("graph", retry_after=pause)
            if waiting:
                await asyncio.sleep(pause)

    async def _batch(
        self, integration_id: str, waiting: Sequence[Stored[EventMapping]]
    ) -> Sequence[OutlookState | Exception | None]:
        items = [BatchDelete(event_id=str(stored.value.outlook_id), etag=stored.value.o_etag) for stored in waiting]
        try:
            return await self.outlook.batch(integration_id, items)
        except (Throttled, Unavailable, OutcomeUnknown) as fault:
            return [fault] * len(items)

    async def _is_gone(
        self, integration_id: str, event_id: str, answer: OutlookState | Exception | None, progress: _Progress
    ) -> bool:
        """Take the answer to one delete; return whether the event is not there any more."""
        if isinstance(answer, VersionMismatch):
            return await self._delete_changed(integration_id, event_id, progress)
        if isinstance(answer, Exception) and not isinstance(answer, EventGone):
            raise answer
        progress.deleted += answer is None
        return True

    async def _drop(self, stored: Stored[EventMapping], progress: _Progress) -> None:
        with suppress(RowChanged):  # all rows go in the end
            await self.mappings.remove(stored)
            progress.dropped += 1

    async def _delete_changed(self, integration_id: str, event_id: str, progress: _Progress) -> bool:
        """Our copy changed since we saw it: read it, and leave it if there are guests on it now."""
        try:
            state = await self.outlook.event(integration_id, event_id)
            if state.is_meeting:
                progress.left.add(event_id)
                return False
            await self.outlook.delete(integration_id, event_id=event_id, etag=state.etag)
        except EventGone:
            return True
        progress.deleted += 1
        return True

    async def _sweep(self, integration: Integration, progress: _Progress) -> None:
        found = [
            state
            async for state in self.outlook.all_marked(integration.integration_id, integration.calendar_id)
            if is_ours(state)
        ]
        for state in found:
            if state.is_meeting:
                progress.left.add(state.event_id)
                continue
            try:
                await self.outlook.delete(integration.integration_id, event_id=state.event_id, etag=state.etag)
            except EventGone:
                continue
            progress.deleted += 1

    async def _young_intents(self, integration_id: str) -> bool:
        """A create that was decided before the fence may still be on its way: look again when it must have landed."""
        limit = self.clock.now() - _SETTLED_AFTER
        async for stored in self.mappings.all(integration_id):
            intent = stored.value.intent
            if intent and intent.toward is Side.OUTLOOK and intent.stored_at > limit and not stored.value.outlook_id:
                return True
        return False

    async def _forget(self, integration: Integration, progress: _Progress, *, reachable: bool) -> Removal:
        integration_id = integration.integration_id
        try:
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=reachable)
        except (ReconnectNeeded, CalendarGone):
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=False)
        deleted = progress.dropped + await self.mappings.forget_all(integration_id)
        await self.conflicts.forget_all(integration_id)
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
                value=replace(stored.value, state=state, delta_link="", wedsync_cursor="", reason=""), tag=stored.tag
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
            run = replace(run, state=RunState.COMPLETED, completed_at=now)
        await self.runs.save(Stored(value=run, tag=stored.tag))


def is_ours(state: OutlookState) -> bool:
    """Whether we created the event: its ``transactionId`` follows from its marker. A user's copy has another one."""
    if not state.marker or not state.transaction_id:
        return False
    return any(
        state.transaction_id == transaction_id(state.marker, generation) for generation in range(1, _GENERATIONS + 1)
    )


def _is_our_copy(mapping: EventMapping) -> bool:
    return (
        mapping.born is Side.WEDSYNC
        and mapping.outlook_id is not None
        and mapping.state in (MappingState.LINKED, MappingState.INTENT)
    )


async def _chunks(
    mappings: AsyncIterator[Stored[EventMapping]],
) -> AsyncIterator[list[Stored[EventMapping]]]:
    chunk: list[Stored[EventMapping]] = []
    async for stored in mappings:
        if _is_our_copy(stored.value):
            chunk.append(stored)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
