"""Plan a run from what was read, and carry it out: creates in batches, everything else pair by pair.

What fails for one event is counted and named, and holds up no other. What changes meanwhile is noticed by the tag of
its mapping, and is left to the look that changed it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from shared.core.actions import Create, Link, Policy
from shared.core.event import OutlookKind, OutlookState, Side, WedSyncState
from shared.core.history import Conflict, EventFailure, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.states import MappingState
from shared.core.unmapped import decide_unmapped, in_window
from shared.core.views import UNSEEN, Present, View, Views
from shared.errors import (
    CalendarGone,
    OperatorFault,
    ReconnectNeeded,
    RowChanged,
    RowExists,
    StoreFault,
    SyncFault,
    Throttled,
    VersionMismatch,
)
from shared.log import log_action
from shared.ports import Conflicts, Stored
from shared.usecases.create_batch import CreateBatch
from shared.usecases.create_event import CreateEvent, external_id_of
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.pull_sides import Pulled
from shared.usecases.refusals import is_refusal, reason_of
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair
from shared.usecases.travel_block import TravelBlocks

_AT_ONCE = 4
"""Pairs in work at a time: Outlook lets four requests of an app into a mailbox at once."""

_LONGEST_WAIT = 30.0

_STOPS = (ReconnectNeeded, CalendarGone, OperatorFault)


@dataclass(frozen=True, kw_only=True)
class _TurnedAway:
    """What Graph was too busy for: how to do it again, and how to give it up."""

    fault: Throttled
    again: Callable[[], Awaitable[None]]
    give_up: Callable[[SyncFault], Awaitable[None]]


@dataclass(kw_only=True)
class _Round:
    """What one run works with; nothing of it outlives the run."""

    integration: Integration
    pulled: Pulled
    policy: Policy
    trace: Trace
    conflicts: dict[str, list[Conflict]]
    tally: Tally = field(default_factory=Tally)
    failures: list[EventFailure] = field(default_factory=list)
    turned_away: list["_TurnedAway"] = field(default_factory=list)

    def add(self, more: Tally) -> None:
        self.tally = replace(
            self.tally,
            handled=self.tally.handled + more.handled,
            created=self.tally.created + more.created,
            updated=self.tally.updated + more.updated,
            deleted=self.tally.deleted + more.deleted,
            conflicts=self.tally.conflicts + more.conflicts,
        )

    def fail(self, event_id: str, event_type: str, fault: Exception, *, retryable: bool) -> None:
        self.tally = replace(self.tally, errors=self.tally.errors + 1)
        self.failures.append(
            EventFailure(
                event_id=event_id,
                event_type=event_type,
                code=type(fault).__name__,
                message=str(getattr(fault, "code", "")) or type(fault).__name__,
                retryable=retryable,
            )
        )


@dataclass(frozen=True, kw_only=True)
class ApplyPlan:
    """Mapped pairs first, intents among them, then what has no mapping."""

    conflicts: Conflicts
    look: Look
    pair: SettlePair
    new: SettleNew
    create: CreateEvent
    batch: CreateBatch
    travel: TravelBlocks

    async def run(
        self, integration: Integration, pulled: Pulled, *, policy: Policy, trace: Trace
    ) -> tuple[Tally, tuple[EventFailure, ...]]:
        """Return the counts and the events that failed; raise what stops the whole integration."""
        open_now: dict[str, list[Conflict]] = {}
        for conflict in await self.conflicts.open_all(integration.integration_id):
            open_now.setdefault(conflict.mapping_id, []).append(conflict)
        work = _Round(integration=integration, pulled=pulled, policy=policy, trace=trace, conflicts=open_now)
        await self._mapped(work)
        await self._one_by_one(work)
        await self._unmapped(work)
        await self._one_by_one(work)
        await self._travel(work)
        await self._one_by_one(work)
        return replace(work.tally, total=work.tally.handled), tuple(work.failures)

    async def _one_by_one(self, work: _Round) -> None:
        """Try once more what Graph was too busy for: each alone, after the wait that it asked for.

        Several at once can keep one another from ever getting through, because a look takes more than one request.
        """
        waiting, work.turned_away = work.turned_away, []
        if not waiting:
            return
        await asyncio.sleep(min(max(each.fault.retry_after for each in waiting), _LONGEST_WAIT))
        for each in waiting:
            if work.turned_away:  # not even one at a time: the whole run is handed back
                work.turned_away.append(each)
            else:
                await each.again()
        given_up, work.turned_away = work.turned_away, []
        for each in given_up:
            await each.give_up(each.fault)

    # --- mapped -------------------------------------------------------------------------------------------------

    async def _mapped(self, work: _Round) -> None:
        await _some_at_once([self._one_pair(work, stored) for stored in work.pulled.mappings])

    def _one_pair(self, work: _Round, stored: Stored[EventMapping]) -> Callable[[], Awaitable[None]]:
        async def settle() -> None:
            mapping = stored.value
            try:
                views = await self._views(work, mapping)
                if mapping.quarantine and work.pulled.complete:
                    views = await self._both_sides(work, mapping, views)
                untouched = views.wedsync == UNSEEN and views.outlook == UNSEEN
                if untouched and mapping.state is not MappingState.INTENT:
                    return
                conflicts = work.conflicts.get(mapping.mapping_id, ())
                try:
                    await self._settle(work, stored, views, conflicts)
                except RowChanged:
                    await self._settle_anew(work, mapping)
            except _STOPS:
                raise
            except Throttled as fault:
                work.turned_away.append(_TurnedAway(fault=fault, again=settle, give_up=give_up))
            except SyncFault as fault:
                await give_up(fault)

        async def give_up(fault: SyncFault) -> None:
            await self._failed(work, stored.value, fault)

        return settle

    async def _failed(self, work: _Round, mapping: EventMapping, fault: Exception) -> None:
        """Count a failure. A refusal is kept with the mapping: visible, and tried again by the next full run."""
        refused = is_refusal(fault)
        work.fail(mapping.wedsync_id or mapping.mapping_id, mapping.event_type, fault, retryable=not refused)
        stored = await self.new.mappings.get(mapping.integration_id, mapping.mapping_id) if refused else None
        if stored is None or stored.value.quarantine == reason_of(fault):
            return
        log_action("event_quarantined", integration=mapping.integration_id, mapping=mapping.mapping_id)
        with suppress(StoreFault):  # somebody has just worked on it
            await self.pair.journal.save(stored, replace(stored.value, quarantine=reason_of(fault)))

    async def _settle(
        self, work: _Round, stored: Stored[EventMapping], views: Views, conflicts: Sequence[Conflict] | None
    ) -> None:
        done = await self.pair.run(
            work.integration, stored, views, policy=work.policy, trace=work.trace, conflicts=conflicts
        )
        work.add(done)

    async def _settle_anew(self, work: _Round, mapping: EventMapping) -> None:
        """An event job has worked on the pair since it was read: look at it as it is now, on both sides."""
        stored = await self.new.mappings.get(mapping.integration_id, mapping.mapping_id)
        if stored is None:
            return
        log_action("pair_moved_on", integration=mapping.integration_id, mapping=mapping.mapping_id)
        views = Views(
            wedsync=await self.look.at(work.integration, stored.value, Side.WEDSYNC),
            outlook=await self.look.at(work.integration, stored.value, Side.OUTLOOK, moved=True),
        )
        await self._settle(work, stored, views, None)

    async def _both_sides(self, work: _Round, mapping: EventMapping, views: Views) -> Views:
        """Look at what the round did not show: whatever was refused may lie outside of what it reads."""
        sides = [side for side in Side if views.of(side) == UNSEEN and mapping.state is not MappingState.UNLINKED]
        for side in sides:
            views = views.seen(side, await self.look.at(work.integration, mapping, side, moved=True))
        return views

    async def _views(self, work: _Round, mapping: EventMapping) -> Views:
        return Views(wedsync=await self._wedsync_view(work, mapping), outlook=await self._outlook_view(work, mapping))

    async def _wedsync_view(self, work: _Round, mapping: EventMapping) -> View:
        if mapping.wedsync_id is None or mapping.role is Role.TRAVEL:  # a block follows its event, and comes last
            return UNSEEN
        state = work.pulled.wedsync.get(mapping.wedsync_id)
        if state is not None:
            return Present(state)
        missed = work.pulled.complete and mapping.base_w is not None and in_window(mapping.base_w, work.pulled.window)
        missed = missed and mapping.wedsync_id not in work.pulled.unreadable
        return await self.look.wedsync_event(work.integration, mapping.wedsync_id) if missed else UNSEEN

    async def _outlook_view(self, work: _Round, mapping: EventMapping) -> View:
        """Absence is only a reason to look: what is not in the listing is read by id before anything is believed."""
        if mapping.outlook_id is None or mapping.state is MappingState.UNLINKED:
            return UNSEEN
        state = work.pulled.outlook.get(mapping.outlook_id)
        if state is not None:
            return Present(state)
        missed = mapping.outlook_id in work.pulled.gone or mapping.series_id in work.pulled.reread
        if work.pulled.complete and mapping.base_o is not None:
            missed = missed or in_window(mapping.base_o, work.pulled.window)
        if not missed:
            return UNSEEN
        return await self.look.outlook_event(work.integration, mapping.outlook_id, moved=True)

    # --- not mapped ---------------------------------------------------------------------------------------------

    async def _unmapped(self, work: _Round) -> None:
        events = [stored.value for stored in work.pulled.mappings if stored.value.role is Role.EVENT]
        known = {(Side.WEDSYNC, mapping.wedsync_id) for mapping in events}
        known |= {(Side.OUTLOOK, stored.value.outlook_id) for stored in work.pulled.mappings}
        by_external = {state.external_id: state for state in work.pulled.wedsync.values() if state.external_id}
        intents: list[tuple[EventMapping, Views]] = []
        singly: list[Callable[[], Awaitable[None]]] = []
        for state in work.pulled.outlook.values():
            if (Side.OUTLOOK, state.event_id) in known or state.kind is OutlookKind.MASTER:
                continue
            twin = by_external.get(external_id_of(work.integration, state))
            action = decide_unmapped(state, policy=work.policy, counterpart=_unknown(twin, known))
            if _maybe_ours(state):
                singly.append(self._one_marked(work, state))
            elif isinstance(action, Link) and twin is not None:
                singly.append(self._one_twin(work, twin, state))
            elif isinstance(action, Create):
                intent = self.create.intend_wedsync(work.integration, state, action)
                intents.append((intent, Views(outlook=Present(state))))
        for event in work.pulled.wedsync.values():
            if (Side.WEDSYNC, event.event_id) in known:
                continue
            action = decide_unmapped(event, policy=work.policy)
            if isinstance(action, Create):
                intent = self.create.intend_outlook(work.integration, event, action)
                intents.append((intent, Views(wedsync=Present(event))))
        await _some_at_once(singly)
        await self._create(work, intents)

    async def _create(self, work: _Round, intents: Sequence[tuple[EventMapping, Views]]) -> None:
        outcome = await self.batch.run(work.integration, [intent for intent, _ in intents], trace=work.trace)
        work.add(Tally(handled=len(intents), created=outcome.created))
        for mapping, fault in outcome.failed:
            await self._failed(work, mapping, fault)
        views = {intent.mapping_id: seen for intent, seen in intents}
        await _some_at_once(
            [self._one_joined(work, stored, views[stored.value.mapping_id]) for stored in outcome.without_base]
        )

    def _one_marked(self, work: _Round, state: OutlookState) -> Callable[[], Awaitable[None]]:
        """An event that a program made: read it with its marker before taking it for somebody else's."""

        async def settle() -> None:
            view = await self.look.outlook_event(work.integration, state.event_id)
            if isinstance(view, Present) and isinstance(view.state, OutlookState):
                seen = replace(view.state, series_id=state.series_id, occurrence_date=state.occurrence_date)
                done = await self.new.outlook_event(work.integration, seen, policy=work.policy, trace=work.trace)
                work.add(done)

        return self._counted(work, state.event_id, settle)

    def _one_twin(self, work: _Round, wedsync: WedSyncState, outlook: OutlookState) -> Callable[[], Awaitable[None]]:
        async def settle() -> None:
            done = await self.new.join(work.integration, wedsync, outlook, policy=work.policy, trace=work.trace)
            work.add(done)

        return self._counted(work, wedsync.event_id, settle)

    async def _travel(self, work: _Round) -> None:
        """Blocks come last: by now it is known which events are in Outlook."""
        found = await self.travel.found(work.integration, work.pulled, policy=work.policy)
        await _some_at_once([self._one_block(work, stored, views) for stored, views in found.pairs])
        await self._create(work, found.new)

    def _one_block(self, work: _Round, stored: Stored[EventMapping], views: Views) -> Callable[[], Awaitable[None]]:
        async def settle() -> None:
            done = await self.pair.run(
                work.integration, stored, views, policy=work.policy, trace=work.trace, conflicts=()
            )
            work.add(replace(done, handled=0))  # a block is no event

        return self._counted(work, stored.value.wedsync_id or stored.value.mapping_id, settle)

    def _one_joined(self, work: _Round, stored: Stored[EventMapping], views: Views) -> Callable[[], Awaitable[None]]:
        async def settle() -> None:
            await self.pair.run(work.integration, stored, views, policy=work.policy, trace=work.trace, conflicts=())

        return self._counted(work, stored.value.wedsync_id or stored.value.mapping_id, settle)

    @staticmethod
    def _counted(work: _Round, event_id: str, settle: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def guarded() -> None:
            try:
                await settle()
            except _STOPS:
                raise
            except (RowChanged, RowExists, VersionMismatch):
                log_action("pair_left_to_another", integration=work.integration.integration_id)
            except Throttled as fault:
                work.turned_away.append(_TurnedAway(fault=fault, again=guarded, give_up=give_up))
            except SyncFault as fault:
                await give_up(fault)

        async def give_up(fault: SyncFault) -> None:
            work.fail(event_id, "", fault, retryable=not is_refusal(fault))

        return guarded


def _unknown(twin: WedSyncState | None, known: set[tuple[Side, str | None]]) -> WedSyncState | None:
    return twin if twin is not None and (Side.WEDSYNC, twin.event_id) not in known else None


def _maybe_ours(state: OutlookState) -> bool:
    """Whether a program made the event: Outlook itself gives no ``transactionId``, or one that begins like this.

    An occurrence has that of its series, and we make no series.
    """
    given = None if state.series_id else state.transaction_id
    return given is not None and not given.startswith("localevent:")


async def _some_at_once(work: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all, a few at a time; the first error that stops the integration stops the rest."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(step: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await step()

    try:
        async with asyncio.TaskGroup() as group:
            for step in work:
                group.create_task(one(step))
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None  # the others are of its kind, or were cancelled for its sake
