"""Lost mappings are made again from what both calendars still show, before anything is created a second time."""

import asyncio
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import TOWARD, Rule
from shared.core.event import OutlookKind, OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind
from shared.core.integration import Integration, SyncWindow
from shared.core.mapping import EventMapping, Role
from shared.core.rebuild import Traced, agreed, made_by_program, rebuilt, tracing
from shared.core.settle import joined
from shared.core.unmapped import in_window
from shared.log import log_action
from shared.ports import Changes, Clock, Mappings, Outlook, Stored, WedSync
from shared.usecases.create_event import external_id_of
from shared.usecases.journal import Journal, Trace
from shared.usecases.settle_pair import policy_of


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a run knows before it plans: the mappings, and the events of both sides by id.

    ``whole``: every event of WedSync that was come upon could be read.
    """

    known: tuple[Stored[EventMapping], ...]
    wedsync: Mapping[str, WedSyncState]
    outlook: Mapping[str, OutlookState]
    whole: bool = True

    def unknown(self, copies: Iterable[OutlookState]) -> list[OutlookState]:
        """Return the events of Outlook that are of no mapping, not even as a copy that another has replaced."""
        known = {stored.value.outlook_id for stored in self.known}
        earlier = {made for stored in self.known for made in stored.value.earlier_transaction_ids}
        return [state for state in copies if state.event_id not in known and state.transaction_id not in earlier]


@dataclass(frozen=True, kw_only=True)
class RebuildMappings:
    """Outlook's copies of WedSync's events tell whose they are (``core.rebuild``), WedSync's of Outlook's say so.

    What agrees is stored as it is then, many at a time; what differs is stored without bases, and the run decides.
    """

    mappings: Mappings
    outlook: Outlook
    wedsync: WedSync
    changes: Changes
    journal: Journal
    clock: Clock
    past_days: int
    future_days: int

    async def epoch_lost(self, integration: Integration) -> bool:
        """Whether the epoch was lost, since the mappings may have gone with it."""
        return await self.mappings.epoch(integration.integration_id) < integration.epoch

    async def fence(self, integration: Integration) -> bool:
        """Put the epoch back if it was lost; return whether it was."""
        if not await self.epoch_lost(integration):
            return False
        log_action("epoch_lost", integration=integration.integration_id)
        await self.mappings.raise_epoch(integration.integration_id, integration.epoch)
        return True

    async def mend(self, integration: Integration) -> None:
        """Make rows and pointers fit each other again."""
        if mended := await self.mappings.mend(integration.integration_id):
            log_action("pointers_mended", integration=integration.integration_id, count=mended)

    async def from_reading(self, integration: Integration, reading: Reading, *, work: Trace | None) -> Reading:
        """Map what can be told from what was read of both sides. No request, and no work where nothing is amiss.

        Without ``work`` nothing is stored either: the mappings are as they would be.
        """
        reading = await self._map(integration, reading, reading.wedsync, reading.outlook, work)
        return await self._join(integration, reading, work)

    async def from_everywhere(self, integration: Integration, reading: Reading, *, work: Trace) -> Reading:
        """Map what is told by any event of WedSync, and by any event of the calendar, where some stay unexplained."""
        reading = await self.from_reading(integration, reading, work=work)
        if any(made_by_program(copy) for copy in reading.unknown(reading.outlook.values())):
            events, whole = await self._all_events(integration)
            reading = replace(reading, whole=reading.whole and whole)
            reading = await self._map(integration, reading, events, reading.outlook, work)
        missing = self._missing(integration, reading)
        if missing:
            marked = self.outlook.all_marked(integration.integration_id, integration.calendar_id)
            copies = {state.event_id: state async for state in marked}
            reading = await self._map(integration, reading, missing, copies, work)
        return reading

    async def _all_events(self, integration: Integration) -> tuple[dict[str, WedSyncState], bool]:
        """Return all events of WedSync, whenever they are, and whether all of them could be read."""
        found: dict[str, WedSyncState] = {}
        cursor, more, whole = "", True, True
        while more:
            page = await self.wedsync.changes(integration.user_id, cursor=cursor)
            found |= {state.event_id: state for state in page.events}
            cursor, more, whole = page.cursor, page.more, whole and not page.unreadable
        return found, whole

    def _missing(self, integration: Integration, reading: Reading) -> dict[str, WedSyncState]:
        """Return the events that the last complete run should have mapped and that have no mapping."""
        read_at = integration.last_full_sync_at
        if read_at is None or Side.OUTLOOK not in TOWARD[integration.direction]:
            return {}
        window = SyncWindow.around(read_at, past_days=self.past_days, future_days=self.future_days)
        known = {stored.value.wedsync_id for stored in reading.known if stored.value.role is Role.EVENT}
        return {
            event.event_id: event
            for event in reading.wedsync.values()
            if event.event_id not in known
            and event.updated_at < read_at
            and not (event.deleted or event.external_id)
            and integration.preferences.includes(event.event_type)
            and in_window(event.content, window)
        }

    async def _map(
        self,
        integration: Integration,
        reading: Reading,
        events: Mapping[str, WedSyncState],
        copies: Mapping[str, OutlookState],
        work: Trace | None,
    ) -> Reading:
        known = {(stored.value.wedsync_id, stored.value.role) for stored in reading.known}
        steps = tracing(
            events.values(),
            reading.unknown(copies.values()),
            integration_id=integration.integration_id,
            epoch=integration.epoch,
        )
        found = await _unhurried(steps)
        lost = [traced for traced in found if (traced.event.event_id, traced.role) not in known]
        return await self._store(integration, reading, lost, work) if lost else reading

    async def _join(self, integration: Integration, reading: Reading, work: Trace | None) -> Reading:
        """Map Outlook's events that WedSync has already."""
        taken = {stored.value.wedsync_id for stored in reading.known}
        twins = {
            event.external_id: event
            for event in reading.wedsync.values()
            if event.external_id and event.event_id not in taken
        }
        pairs = [
            (twins.pop(external_id_of(integration, state)), state)
            for state in (reading.unknown(reading.outlook.values()) if twins else ())
            if external_id_of(integration, state) in twins and _joins(state)
        ]
        now = self.clock.now()
        wanted = [joined(integration, event, state, at=now) for event, state in pairs]
        compared = [
            self._compared(integration, mapping, event, state)
            for mapping, (event, state) in zip(wanted, pairs, strict=True)
        ]
        made = await self._insert(integration, compared, ChangeKind.LINKED, Rule.EXTERNAL_ID, work)
        return replace(reading, known=(*reading.known, *made))

    async def _store(
        self, integration: Integration, reading: Reading, lost: Sequence[Traced], work: Trace | None
    ) -> Reading:
        now = self.clock.now()
        compared = [
            self._compared(integration, rebuilt(traced, integration, at=now), traced.event, traced.copy)
            for traced in lost
        ]
        made = await self._insert(integration, compared, ChangeKind.REPAIRED, Rule.REBUILT, work)
        return replace(
            reading,
            known=(*reading.known, *made),
            wedsync={**reading.wedsync, **{traced.event.event_id: traced.event for traced in lost}},
            outlook={**reading.outlook, **{traced.copy.event_id: traced.copy for traced in lost}},
        )

    @staticmethod
    def _compared(
        integration: Integration, mapping: EventMapping, event: WedSyncState, copy: OutlookState
    ) -> EventMapping:
        return agreed(mapping, wedsync=event, outlook=copy, policy=policy_of(integration))

    async def _insert(
        self,
        integration: Integration,
        wanted: Sequence[EventMapping],
        kind: ChangeKind,
        rule: Rule,
        work: Trace | None,
    ) -> list[Stored[EventMapping]]:
        """Store them and say so; what somebody else has mapped meanwhile is theirs."""
        if not wanted or work is None:
            return [Stored(value=mapping, tag="") for mapping in wanted]
        made = [answer for answer in await self.mappings.insert(wanted) if isinstance(answer, Stored)]
        log_action("mappings_found_again", integration=integration.integration_id, rule=rule.value, count=len(made))
        change = self.journal.change
        await self.changes.append(
            [change(stored.value, side=Side.OUTLOOK, kind=kind, trace=work, rule=rule) for stored in made]
        )
        return made


async def _unhurried(steps: Generator[None, None, tuple[Traced, ...]]) -> tuple[Traced, ...]:
    """Go through the steps, and let whoever waits have a turn after each: Graph gives a notification three seconds."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: tuple[Traced, ...] = end.value
            return found
        await asyncio.sleep(0)


def _joins(state: OutlookState) -> bool:
    """Whether an event of Outlook's is one that WedSync may have: no program's, whose marker is read first."""
    return state.kind is not OutlookKind.MASTER and not state.cancelled and not made_by_program(state)
