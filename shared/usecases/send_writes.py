"""How the writes of a run reach the two far ends: Outlook in ``$batch``es, WedSync a few at a time.

https://learn.microsoft.com/graph/json-batching
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.core.actions import Delete
from shared.core.event import OutlookState
from shared.errors import DuplicateTransaction, OutcomeUnknown, RowChanged, SyncFault, Throttled, Unavailable
from shared.ports import (
    BatchCreate,
    BatchDelete,
    BatchItem,
    BatchUpdate,
    Clock,
    Mappings,
    Outlook,
    OutlookPatch,
    WedSync,
)
from shared.usecases.at_once import some_at_once
from shared.usecases.create_event import CreateEvent
from shared.usecases.refusals import STOPS
from shared.usecases.run_round import SHORT_WAIT, Round
from shared.usecases.write_lane import Answer, Write

BATCH = 20
WEDSYNC_AT_ONCE = 8
_TRIES = 4
_SOON = (Throttled, Unavailable, OutcomeUnknown)
_FENCE_HOLDS_FOR = timedelta(seconds=5)
"""How long after an intent was stored it may be sent without asking whether a disconnect has begun since. A disconnect
waits a minute for open intents before it ends."""


@dataclass(frozen=True, kw_only=True)
class OutlookSender:
    """One ``$batch`` at a time; only the items that were asked to wait are sent again."""

    mappings: Mappings
    outlook: Outlook
    create: CreateEvent
    clock: Clock
    size: int = BATCH
    service: str = "graph"

    async def send(self, work: Round, writes: Sequence[Write]) -> list[tuple[Write, Answer]]:
        """Send up to twenty writes; an item that has to wait for longer than a few seconds is answered so."""
        made: list[tuple[Write, Answer]] = []
        waiting: list[tuple[Write, SyncFault]] = []
        todo = list(writes)
        for attempt in range(_TRIES):
            if not todo:
                break
            if await self._fenced(work, todo, again=attempt > 0):
                return [*made, *((write, RowChanged()) for write in todo)]
            waiting = []
            for write, answer in zip(todo, await self._batch(work, todo), strict=True):
                if isinstance(answer, _SOON):
                    waiting.append((write, answer))
                else:
                    made.append((write, await self._understood(work, write, answer, again=attempt > 0)))
            todo = [write for write, _ in waiting]
            pause = max((_pause(fault) for _, fault in waiting), default=0.0)
            if pause > SHORT_WAIT:
                break
            if waiting and attempt + 1 < _TRIES:
                await asyncio.sleep(pause)
        return [*made, *waiting]

    async def _fenced(self, work: Round, writes: Sequence[Write], *, again: bool) -> bool:
        """Whether a disconnect has begun: what is sent after it, nobody would take away again."""
        intents = [write.intent.intent for write in writes if write.intent and write.intent.intent]
        since = min((intent.stored_at for intent in intents), default=None)
        if since is None or (not again and self.clock.now() - since < _FENCE_HOLDS_FOR):
            return False
        return await self.mappings.epoch(work.integration.integration_id) != work.integration.epoch

    async def _batch(self, work: Round, writes: Sequence[Write]) -> Sequence[OutlookState | Exception | None]:
        try:
            return await self.outlook.batch(work.integration.integration_id, [_item(write) for write in writes])
        except _SOON as fault:
            return [fault] * len(writes)

    async def _understood(
        self, work: Round, write: Write, answer: OutlookState | Exception | None, *, again: bool
    ) -> Answer:
        if isinstance(answer, STOPS):
            raise answer
        if isinstance(answer, Exception) and not isinstance(answer, SyncFault):
            raise answer
        if write.intent is None or write.stored is None:
            return answer
        if isinstance(answer, OutlookState):
            return self.create.answered(write.stored.value, answer, again=again)
        if not isinstance(answer, DuplicateTransaction):
            return answer
        try:
            if again:
                return await self.create.send(work.integration, write.stored.value, again=True)
            write.stored, linked = await self.create.first(work.integration, write.stored)
            return linked
        except STOPS:
            raise
        except SyncFault as fault:
            return fault


@dataclass(frozen=True, kw_only=True)
class WedSyncSender:
    """WedSync takes one event a request."""

    wedsync: WedSync
    create: CreateEvent
    size: int = 5 * WEDSYNC_AT_ONCE
    service: str = "wedsync"

    async def send(self, work: Round, writes: Sequence[Write]) -> list[tuple[Write, Answer]]:
        """Send each write by itself."""
        made: list[tuple[Write, Answer]] = []

        async def one(write: Write) -> None:
            if work.busy is not None and work.busy.service == self.service:
                made.append((write, work.busy))
                return
            try:
                made.append((write, await self._one(work, write)))
            except STOPS:
                raise
            except SyncFault as fault:
                made.append((write, fault))

        await some_at_once([lambda write=write: one(write) for write in writes], WEDSYNC_AT_ONCE)  # type: ignore[misc]
        return made

    async def _one(self, work: Round, write: Write) -> Answer:
        user_id, mapping = work.integration.user_id, write.mapping
        if write.intent is not None:
            return await self.create.send(work.integration, mapping, again=False)
        assert write.action is not None
        event_id, version = str(mapping.wedsync_id), write.action.version
        if isinstance(write.action, Delete):
            await self.wedsync.delete(user_id, event_id=event_id, version=version)
            return None
        return await self.wedsync.update(
            user_id, event_id=event_id, version=version, fields=write.action.fields, content=write.action.content
        )


def _item(write: Write) -> BatchItem:
    if write.intent is not None:
        assert write.intent.intent is not None
        return BatchCreate(calendar_id=write.intent.calendar_id, payload=write.intent.intent.payload)
    assert write.action is not None
    event_id = str(write.mapping.outlook_id)
    if isinstance(write.action, Delete):
        return BatchDelete(event_id=event_id, etag=write.action.etag)
    action = write.action
    patch = OutlookPatch(fields=action.fields, content=action.content, title=action.title)
    return BatchUpdate(event_id=event_id, etag=action.etag, patch=patch)


def _pause(fault: SyncFault) -> float:
    return fault.retry_after if isinstance(fault, Throttled) else 1.0
