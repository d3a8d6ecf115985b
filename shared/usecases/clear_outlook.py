"""Remove from Outlook what is ours: by mapping, then by marker. What has guests on it stays, and is listed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.canon import without_prefix
from shared.core.event import OutlookState, Side
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pair import stays_put
from shared.core.states import IntegrationState, MappingState
from shared.core.unmapped import is_ours
from shared.errors import (
    CalendarGone,
    EventGone,
    OutcomeUnknown,
    Rejected,
    RowChanged,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.ports import BatchDelete, Clock, Integrations, Mappings, Outlook, Stored

_SETTLED_AFTER = timedelta(seconds=60)
_BATCH = 20


@dataclass(frozen=True, kw_only=True)
class LeftEvent:
    """A copy of ours that stays in Outlook: the id by which the user knows it, and its title without our prefix."""

    event_id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What has been removed so far. ``events_left`` counts our copies that stay in Outlook; ``left`` names them."""

    sync_id: str
    events_deleted: int = 0
    mappings_deleted: int = 0
    events_left: int = 0
    left: tuple[LeftEvent, ...] = ()
    webhook_unsubscribed: bool = False
    finished: bool = False


class Overtaken(Exception):
    """Another attempt has ended the disconnect; what is there now may belong to a new connection."""


@dataclass(kw_only=True)
class Progress:
    """How far one attempt got, until when it may go on, and what earlier attempts had deleted already.

    ``left`` is what stays, by its id in Outlook.
    """

    run_id: str
    until: datetime
    fenced_at: datetime
    deleted: int = 0
    dropped: int = 0
    left: dict[str, LeftEvent] = field(default_factory=dict)

    def leave(self, mapping: EventMapping) -> None:
        """Note that the copy of a mapping stays."""
        content = mapping.base_o or mapping.base_w
        event_id = mapping.wedsync_id or mapping.mapping_id
        self.left[str(mapping.outlook_id)] = LeftEvent(event_id=event_id, title=content.title if content else "")

    def leave_marked(self, state: OutlookState, prefix: str) -> None:
        """Note that what only its marker shows to be ours stays; what a mapping said of it is better."""
        title = without_prefix(state.content.title, prefix)
        self.left.setdefault(state.event_id, LeftEvent(event_id=str(state.marker), title=title))

    def removal(self) -> Removal:
        """Return the counts so far."""
        return Removal(
            sync_id=self.run_id,
            events_deleted=self.deleted,
            mappings_deleted=self.dropped,
            events_left=len(self.left),
            left=tuple(self.left.values()),
        )


@dataclass(frozen=True, kw_only=True)
class ClearOutlook:
    """The part of a disconnect that writes to Outlook."""

    integrations: Integrations
    mappings: Mappings
    outlook: Outlook
    clock: Clock

    async def run(self, integration: Integration, progress: Progress) -> bool:
        """Delete our copies by mapping, then what only the marker shows; return whether all of it is done."""
        await self.outlook.calendar_answers(integration.integration_id, integration.calendar_id)
        async for chunk in _chunks(self.mappings.all(integration.integration_id)):
            if self.clock.now() >= progress.until:
                return False
            await self._delete(integration.integration_id, chunk, progress)
        await self._assert_fenced(integration)
        for calendar_id in (integration.calendar_id, integration.moving_to, integration.earlier_calendar_id):
            if calendar_id:
                await self._sweep(integration, calendar_id, progress)
        settled = self.clock.now() >= progress.fenced_at + _SETTLED_AFTER
        return settled or not await self._open_intents(integration.integration_id)

    async def _delete(self, integration_id: str, chunk: Sequence[Stored[EventMapping]], progress: Progress) -> None:
        """Delete one batch, again and again for what is asked to wait; a mapping goes with its event."""
        meetings = [stored for stored in chunk if stays_put(stored.value)]
        for stored in meetings:
            progress.leave(stored.value)
        waiting = [stored for stored in chunk if stored not in meetings]
        while waiting:
            answers = await self._batch(integration_id, waiting)
            again: list[Stored[EventMapping]] = []
            pause = 0.0
            for stored, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, Throttled | Unavailable | OutcomeUnknown):
                    again.append(stored)
                    pause = max(pause, answer.retry_after)
                elif await self._is_gone(stored.value, answer, progress):
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
        self, mapping: EventMapping, answer: OutlookState | Exception | None, progress: Progress
    ) -> bool:
        """Take the answer to one delete; return whether the event is not there any more."""
        if isinstance(answer, VersionMismatch):
            return await self._delete_changed(mapping, progress)
        if isinstance(answer, Rejected):
            progress.leave(mapping)  # it stays, is listed, and holds up nothing
            return False
        if isinstance(answer, Exception) and not isinstance(answer, EventGone):
            raise answer
        progress.deleted += answer is None
        return True

    async def _drop(self, stored: Stored[EventMapping], progress: Progress) -> None:
        with suppress(RowChanged):  # all rows go in the end
            await self.mappings.remove(stored)
            progress.dropped += 1

    async def _delete_changed(self, mapping: EventMapping, progress: Progress) -> bool:
        """Our copy changed since we saw it: read it, and leave it if there are guests on it now."""
        integration_id, event_id = mapping.integration_id, str(mapping.outlook_id)
        try:
            state = await self.outlook.event(integration_id, event_id)
            if state.is_meeting:
                progress.leave(mapping)
                return False
            await self.outlook.delete(integration_id, event_id=event_id, etag=state.etag)
        except EventGone:
            return True
        except (Rejected, VersionMismatch):
            progress.leave(mapping)
            return False
        progress.deleted += 1
        return True

    async def _sweep(self, integration: Integration, calendar_id: str, progress: Progress) -> None:
        """Of a calendar that copies come from or go to, only the one that is synced has to be there."""
        try:
            found = [
                state
                async for state in self.outlook.all_marked(integration.integration_id, calendar_id)
                if is_ours(state)
            ]
        except CalendarGone:
            if calendar_id == integration.calendar_id:
                raise
            return
        for state in found:
            if state.is_meeting:
                progress.leave_marked(state, integration.preferences.event_prefix)
                continue
            try:
                await self.outlook.delete(integration.integration_id, event_id=state.event_id, etag=state.etag)
            except EventGone:
                continue
            except (Rejected, VersionMismatch):
                progress.leave_marked(state, integration.preferences.event_prefix)
                continue
            progress.deleted += 1
            progress.left.pop(state.event_id, None)

    async def _open_intents(self, integration_id: str) -> bool:
        """A create that was decided before the fence may still be on its way: look again when it must have landed."""
        async for stored in self.mappings.all(integration_id):
            intent = stored.value.intent
            if intent and intent.toward is Side.OUTLOOK and not stored.value.outlook_id:
                return True
        return False

    async def _assert_fenced(self, integration: Integration) -> None:
        """Stop where another attempt has ended the disconnect, and maybe a new connection has begun."""
        now = await self.integrations.get(integration.integration_id)
        same = now is not None and now.value.epoch == integration.epoch
        if not same or now is None or now.value.state is not IntegrationState.DISCONNECTING:
            raise Overtaken


def is_our_copy(mapping: EventMapping) -> bool:
    """Whether the mapping is of an event that we put into Outlook."""
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
        if is_our_copy(stored.value):
            chunk.append(stored)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
