"""Create many events: intents in group transactions, Outlook in ``$batch``es of 20, one in flight per mailbox.

While one batch is on its way, the intents of the next are stored and the mappings of the last are saved.
https://learn.microsoft.com/graph/json-batching
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from shared.core.event import OutlookState, Side
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.settle import created
from shared.errors import (
    CalendarGone,
    OperatorFault,
    OutcomeUnknown,
    ReconnectNeeded,
    RowChanged,
    RowExists,
    SyncFault,
    Throttled,
    Unavailable,
)
from shared.ports import BatchCreate, Changes, Clock, Mappings, Outlook, Stored
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace
from shared.usecases.refusals import is_refusal

BATCH = 20
_WEDSYNC_AT_ONCE = 8
_PATIENCE = 6
_LONGEST_WAIT = 30.0
_STOPS = (ReconnectNeeded, CalendarGone, OperatorFault)

Made = tuple[Stored[EventMapping], EventMapping | Exception]


@dataclass(kw_only=True)
class Outcome:
    """What became of the creates. ``without_base``: WedSync had the event already; the pair has to be looked at."""

    created: int = 0
    failed: list[tuple[EventMapping, Exception]] = field(default_factory=list)
    without_base: list[Stored[EventMapping]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CreateBatch:
    """Stores, sends and completes intents in bulk."""

    mappings: Mappings
    outlook: Outlook
    changes: Changes
    create: CreateEvent
    journal: Journal
    clock: Clock

    async def run(self, integration: Integration, intents: Sequence[EventMapping], *, trace: Trace) -> Outcome:
        """Carry out all intents. What cannot be settled now stays an open intent, which the next look settles."""
        outcome = Outcome()
        groups = _groups(intents)
        saving: asyncio.Task[None] | None = None
        stored = await self._store(groups[0], outcome) if groups else []
        for index in range(len(groups)):
            following = groups[index + 1] if index + 1 < len(groups) else []
            made, upcoming = await asyncio.gather(self._send(integration, stored), self._store(following, outcome))
            if saving is not None:
                await saving
            saving = asyncio.create_task(self._save(made, trace, outcome))
            stored = upcoming
        if saving is not None:
            await saving
        return outcome

    async def _store(self, group: Sequence[EventMapping], outcome: Outcome) -> list[Stored[EventMapping]]:
        """Store intents; an event that has a mapping by now is somebody else's work, and no failure."""
        kept: list[Stored[EventMapping]] = []
        answers = await self.mappings.insert(group) if group else ()
        for intent, answer in zip(group, answers, strict=True):
            if isinstance(answer, Stored):
                kept.append(answer)
            elif not isinstance(answer, RowExists | RowChanged):
                outcome.failed.append((intent, answer))
        return kept

    async def _send(self, integration: Integration, stored: Sequence[Stored[EventMapping]]) -> list[Made]:
        to_outlook = [item for item in stored if item.value.intent and item.value.intent.toward is Side.OUTLOOK]
        to_wedsync = [item for item in stored if item not in to_outlook]
        made, more = await asyncio.gather(
            self._send_to_outlook(integration, to_outlook), self._send_to_wedsync(integration, to_wedsync)
        )
        return [*made, *more]

    async def _send_to_outlook(self, integration: Integration, stored: Sequence[Stored[EventMapping]]) -> list[Made]:
        """Only the items that were asked to wait are sent again. Those left stay open intents."""
        made: list[Made] = []
        waiting = list(stored)
        for _ in range(_PATIENCE):
            # A wait may outlast the connection: what is sent after a disconnect, nobody would take away again.
            if not waiting or await self.mappings.epoch(integration.integration_id) != integration.epoch:
                break
            answers = await self._batch(integration, waiting)
            again: list[Stored[EventMapping]] = []
            pause = 0.0
            for item, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, Throttled | Unavailable | OutcomeUnknown):
                    again.append(item)
                    pause = max(pause, answer.retry_after if isinstance(answer, Throttled) else 1.0)
                else:
                    made.append((item, await self._made_in_outlook(integration, item, answer)))
            waiting = again
            if waiting:
                await asyncio.sleep(min(pause, _LONGEST_WAIT))
        return [*made, *((item, Throttled("graph")) for item in waiting)]

    async def _batch(
        self, integration: Integration, items: Sequence[Stored[EventMapping]]
    ) -> Sequence[OutlookState | Exception | None]:
        bodies = [
            BatchCreate(calendar_id=item.value.calendar_id, payload=item.value.intent.payload)
            for item in items
            if item.value.intent
        ]
        try:
            return await self.outlook.batch(integration.integration_id, bodies)
        except (Throttled, Unavailable, OutcomeUnknown) as fault:
            return [fault] * len(items)

    async def _made_in_outlook(
        self, integration: Integration, item: Stored[EventMapping], answer: OutlookState | Exception | None
    ) -> EventMapping | Exception:
        if isinstance(answer, OutlookState):
            return created(item.value, answer, at=self.clock.now())
        if isinstance(answer, _STOPS):
            raise answer
        try:
            return await self.create.send(integration, item.value, again=True)
        except _STOPS:
            raise
        except SyncFault as fault:
            return fault

    async def _send_to_wedsync(self, integration: Integration, stored: Sequence[Stored[EventMapping]]) -> list[Made]:
        gate = asyncio.Semaphore(_WEDSYNC_AT_ONCE)

        async def one(item: Stored[EventMapping]) -> Made:
            async with gate:
                try:
                    return item, await self.create.send(integration, item.value, again=False)
                except _STOPS:
                    raise
                except SyncFault as fault:
                    return item, fault

        return list(await asyncio.gather(*(one(item) for item in stored)))

    async def _save(self, made: Sequence[Made], trace: Trace, outcome: Outcome) -> None:
        linked = [(item, mapping) for item, mapping in made if isinstance(mapping, EventMapping)]
        outcome.failed += [(item.value, fault) for item, fault in made if isinstance(fault, Exception)]
        answers = await self.journal.save_all(linked)
        rows = []
        for (item, mapping), answer in zip(linked, answers, strict=True):
            if isinstance(answer, Exception):  # the next look finds the open intent, and the event that it made
                outcome.failed += [(mapping, answer)] if is_refusal(answer) else []
                continue
            outcome.created += 1
            side = item.value.intent.toward if item.value.intent else Side.OUTLOOK
            rows.append(self.journal.created(mapping, toward=side, trace=trace))
            if mapping.base_w is None:
                outcome.without_base.append(answer)
        if rows:
            await self.changes.append(rows)


def _groups(intents: Sequence[EventMapping]) -> list[list[EventMapping]]:
    """Return the intents in the groups in which they are sent: a full batch for Outlook beside as many for WedSync."""
    sides = [[intent for intent in intents if intent.intent and intent.intent.toward is side] for side in Side]
    parts = [[ours[start : start + BATCH] for start in range(0, len(ours), BATCH)] for ours in sides]
    return [[*left, *right] for left, right in zip_longest(*parts, fillvalue=[])]
