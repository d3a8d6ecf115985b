"""Disconnect: fence, remove what is ours from Outlook, forget. Resumable at every step.

The fence is the epoch: every create is conditional on it, so after it is raised no new copy can be decided. What is
ours is what carries our marker *and* the ``transactionId`` that only we can have computed from it: a copy that a user
made of our event carries the marker alone, and stays.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.event import OutlookState, Side
from shared.core.history import SyncRun, Tally
from shared.core.integration import Account, Integration
from shared.core.jobs import RunKind, RunRequest, TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.mapping import EventMapping, transaction_id
from shared.core.states import INTEGRATION_MOVES, IntegrationState, MappingState, RunState, move
from shared.errors import (
    CalendarGone,
    EventGone,
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


@dataclass(frozen=True, kw_only=True)
class _Budget:
    clock: Clock
    until: datetime

    @property
    def spent(self) -> bool:
        return self.clock.now() >= self.until


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
        return await self._work(integration_id, run_id, self._budget(ANSWER_WITHIN))

    async def resume(self, integration_id: str, run_id: str) -> None:
        """Go on where an earlier attempt ended; nothing happens when there is nothing left to do."""
        stored = await self.integrations.get(integration_id)
        if stored is None or stored.value.state is IntegrationState.DISCONNECTED:
            return
        if stored.value.state is not IntegrationState.DISCONNECTING:
            if await self.mappings.epoch(integration_id) <= stored.value.epoch:
                return  # the user's request never got as far as the fence, or the user has connected again
            await self._fence(integration_id)
        removal = await self._work(integration_id, run_id, self._budget(_WORK_WITHIN))
        if not removal.finished:
            await self._put(integration_id, run_id, delay=10)

    def _budget(self, span: timedelta) -> _Budget:
        return _Budget(clock=self.clock, until=self.clock.now() + span)

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

    async def _work(self, integration_id: str, run_id: str, budget: _Budget) -> Removal:
        stored = await self.integrations.get(integration_id)
        if stored is None:
            return Removal(sync_id=run_id, finished=True)
        integration = stored.value
        tally = await self._tally(integration_id, run_id)
        removal = Removal(sync_id=run_id, events_deleted=tally.deleted)
        reachable = True
        try:
            removal, done = await self._clear_outlook(integration, removal, budget)
        except (ReconnectNeeded, CalendarGone):
            reachable, done = False, True
            left = [m async for m in self.mappings.all(integration_id) if _is_our_copy(m.value)]
            removal = replace(removal, events_left=len(left))
        except (Throttled, Unavailable):
            done = False
        if not done:
            await self._note(integration_id, run_id, removal)
            return removal
        return await self._forget(integration, removal, reachable=reachable)

    async def _clear_outlook(self, integration: Integration, removal: Removal, budget: _Budget) -> tuple[Removal, bool]:
        """Delete our copies by mapping, then what only the marker shows; say whether all of it is done."""
        await self.outlook.calendar_answers(integration.integration_id, integration.calendar_id)
        left = 0
        async for chunk in _chunks(self.mappings.all(integration.integration_id)):
            if budget.spent:
                return replace(removal, events_left=left), False
            gone, kept = await self._delete(integration.integration_id, chunk)
            left += kept
            removal = replace(removal, events_deleted=removal.events_deleted + gone)
        young = await self._young_intents(integration.integration_id)
        swept, kept = await self._sweep(integration)
        removal = replace(removal, events_deleted=removal.events_deleted + swept, events_left=max(left, kept))
        return removal, not young

    async def _delete(self, integration_id: str, chunk: Sequence[EventMapping]) -> tuple[int, int]:
        meetings = [mapping for mapping in chunk if mapping.base_o and mapping.base_o.attendees]
        plain = [mapping for mapping in chunk if mapping not in meetings and mapping.outlook_id]
        items = [BatchDelete(event_id=str(mapping.outlook_id), etag=mapping.o_etag) for mapping in plain]
        answers = await self.outlook.batch(integration_id, items) if items else ()
        gone = 0
        kept = len(meetings)
        for mapping, answer in zip(plain, answers, strict=True):
            if answer is None:
                gone += 1
            elif isinstance(answer, VersionMismatch):
                removed = await self._delete_changed(integration_id, str(mapping.outlook_id))
                gone, kept = gone + removed, kept + (not removed)
            elif isinstance(answer, Exception) and not isinstance(answer, EventGone):
                raise answer
        return gone, kept

    async def _delete_changed(self, integration_id: str, event_id: str) -> bool:
        """Our copy changed since we saw it: read it, and leave it if there are guests on it now."""
        try:
            state = await self.outlook.event(integration_id, event_id)
            if state.is_meeting:
                return False
            await self.outlook.delete(integration_id, event_id=event_id, etag=state.etag)
        except EventGone:
            return True
        return True

    async def _sweep(self, integration: Integration) -> tuple[int, int]:
        gone = kept = 0
        found = [
            state
            async for state in self.outlook.all_marked(integration.integration_id, integration.calendar_id)
            if is_ours(state)
        ]
        for state in found:
            if state.is_meeting:
                kept += 1
                continue
            try:
                await self.outlook.delete(integration.integration_id, event_id=state.event_id, etag=state.etag)
                gone += 1
            except EventGone:
                continue
        return gone, kept

    async def _young_intents(self, integration_id: str) -> bool:
        """A create that was decided before the fence may still be on its way: look again when it must have landed."""
        limit = self.clock.now() - _SETTLED_AFTER
        async for stored in self.mappings.all(integration_id):
            intent = stored.value.intent
            if intent and intent.toward is Side.OUTLOOK and intent.stored_at > limit and not stored.value.outlook_id:
                return True
        return False

    async def _forget(self, integration: Integration, removal: Removal, *, reachable: bool) -> Removal:
        integration_id = integration.integration_id
        try:
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=reachable)
        except (ReconnectNeeded, CalendarGone):
            unsubscribed = await self.subscribe.remove_all(integration_id, at_graph=False)
        deleted = await self.mappings.forget_all(integration_id)
        await self.conflicts.forget_all(integration_id)
        await self.consent.forget(integration_id)
        account = Account(tenant_id=integration.tenant_id, account_id=integration.account_id)
        await self.integrations.release_account(account, integration_id)
        await self._end(integration_id)
        removal = replace(removal, mappings_deleted=deleted, webhook_unsubscribed=unsubscribed, finished=True)
        await self._note(integration_id, removal.sync_id, removal)
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

    async def _tally(self, integration_id: str, run_id: str) -> Tally:
        stored = await self.runs.get(integration_id, run_id)
        return stored.value.tally if stored else Tally()

    async def _note(self, integration_id: str, run_id: str, removal: Removal) -> None:
        stored = await self.runs.get(integration_id, run_id)
        if stored is None or stored.value.state is not RunState.IN_PROGRESS:
            return
        now = self.clock.now()
        run = replace(stored.value, heartbeat_at=now, tally=replace(stored.value.tally, deleted=removal.events_deleted))
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


async def _chunks(mappings: AsyncIterator[Stored[EventMapping]]) -> AsyncIterator[list[EventMapping]]:
    chunk: list[EventMapping] = []
    async for stored in mappings:
        if _is_our_copy(stored.value):
            chunk.append(stored.value)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
