"""Undo what a run did to one pair of events, where nobody has worked on it since.

Every step can be taken again after a crash: questions are opened before what they are about comes to be, and a pair is
taken out of the sync before its event is deleted, so that nobody takes our own deletion for a user's.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from shared.core.actions import Rule, Update
from shared.core.conflicts import superseded
from shared.core.event import CalendarEvent, Field, OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, Conflict, SyncChange
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.merge import advance
from shared.core.pair import NOTE_TYPE_OFF
from shared.core.settle import settled_alone
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.undo import (
    NOTE_UNDONE,
    Effect,
    Kept,
    Reversal,
    Rewrite,
    agree,
    missing,
    question_id,
    reopened,
    reverse,
    undoing_id,
    write_back,
)
from shared.core.views import Gone, Present, Views, content_of, holding
from shared.ports import Clock, Conflicts, Outlook, OutlookPatch, Stored, WedSync
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.undo_event import KeptAsItIs, UndoEvent, both_sides

Rows = tuple[SyncChange, ...]
_Part = Callable[[Stored[EventMapping] | None], Awaitable[Rows]]


@dataclass(frozen=True, kw_only=True)
class UndoPair:
    """Works on one pair. ``VersionMismatch``, ``EventGone`` or ``RowChanged``: look again."""

    outlook: Outlook
    wedsync: WedSync
    conflicts: Conflicts
    look: Look
    event: UndoEvent
    journal: Journal
    clock: Clock

    async def run(self, integration: Integration, effect: Effect, *, trace: Trace) -> tuple[Rows, tuple[Kept, ...]]:
        """Return what was undone, as rows to be appended, and why the rest stays."""
        rows: list[SyncChange] = []
        kept: list[Kept] = []
        for part in self._parts(integration, effect, trace):
            stored = await self.journal.mappings.get(integration.integration_id, effect.mapping_id)
            if stored is not None and not effect.knows(stored.value):
                return tuple(rows), (Kept.NOT_SYNCED,)
            try:
                rows += await part(stored)
            except KeptAsItIs as stays:
                rows += stays.rows
                kept.append(stays.why)
        return tuple(rows), tuple(dict.fromkeys(kept))

    def _parts(self, integration: Integration, effect: Effect, trace: Trace) -> list[_Part]:
        def rewriting(rewrite: Rewrite) -> _Part:
            twin = next((each for each in effect.rewrites if each is not rewrite), None)
            return lambda stored: self._rewrite(integration, stored, rewrite, twin, trace)

        parts = [rewriting(rewrite) for rewrite in effect.rewrites]
        created, deleted, parted, joined = effect.created, effect.deleted, effect.parted, effect.joined
        if created:
            parts.append(lambda stored: self.event.take_back(integration, stored, created, trace=trace))
        if deleted:
            parts.append(lambda stored: self.event.make_again(integration, stored, deleted, trace=trace))
        if parted:
            parts.append(lambda stored: self._rejoin(integration, stored, parted, trace))
        if joined:
            parts.append(lambda stored: self._part(stored, joined, trace))
        return parts

    # --- Fields ---------------------------------------------------------------------------------------------------

    async def _rewrite(
        self,
        integration: Integration,
        stored: Stored[EventMapping] | None,
        rewrite: Rewrite,
        twin: Rewrite | None,
        trace: Trace,
    ) -> Rows:
        if stored is None or stored.value.state is not MappingState.LINKED:
            raise KeptAsItIs(Kept.NOT_SYNCED)
        if rewrite.renamed:
            raise KeptAsItIs(Kept.PREFERENCE)
        mapping = stored.value
        views = await both_sides(self.look, integration, mapping)
        view, other = views.of(rewrite.side), views.of(rewrite.side.other)
        here, there = (content_of(mapping, side, views.of(side)) for side in (rewrite.side, rewrite.side.other))
        if not isinstance(view, Present) or not isinstance(other, Present) or here is None or there is None:
            raise KeptAsItIs(Kept.CHANGED_SINCE)
        found = reverse(rewrite, here=here, there=there, prefix=mapping.prefix, twin=twin)
        found = await self._by_us(mapping, rewrite, found, there=there, trace=trace)
        if isinstance(view.state, OutlookState) and (view.state.is_meeting or not view.state.is_organizer):
            raise KeptAsItIs(Kept.GUESTS)
        rows: Rows = ()
        if found.undone:
            at_odds = await self._ask(mapping, rewrite, found, here=here, there=there, trace=trace)
            update = write_back(rewrite, found.undone, mapping, here=here, there=there)
            returned = await self._written(integration, mapping, view.state, update, found.write)
            back = settled_alone(mapping, update, returned)
            await self.journal.save(stored, replace(back, held=(back.held - found.undone) | at_odds))
            rows = (self._rewritten(mapping, rewrite, found.undone, here=here, trace=trace),)
        if found.stay:
            raise KeptAsItIs(Kept.CHANGED_SINCE, rows=rows)
        return rows

    async def _by_us(
        self, mapping: EventMapping, rewrite: Rewrite, found: Reversal, *, there: CalendarEvent, trace: Trace
    ) -> Reversal:
        """Tell fields that an earlier attempt gave back from those to which a user gave the former value again.

        The question about a field is opened before it is written: without one, it was a user.
        """
        foreign = {
            which
            for which in found.back
            if not agree(which, rewrite.side, rewrite.before, there, mapping.prefix)
            and await self._question_of(mapping, which, trace) is None
        }
        return replace(found, back=found.back - foreign, stay=found.stay | foreign)

    async def _question_of(self, mapping: EventMapping, which: Field, trace: Trace) -> Conflict | None:
        conflict_id = question_id(trace.run_id, mapping.mapping_id, which)
        return await self.conflicts.get(mapping.integration_id, conflict_id)

    async def _ask(
        self,
        mapping: EventMapping,
        rewrite: Rewrite,
        found: Reversal,
        *,
        here: CalendarEvent,
        there: CalendarEvent,
        trace: Trace,
    ) -> frozenset[Field]:
        """Open a conflict for each field in which the sides will differ, and close those that were open before."""
        then = advance(here, rewrite.before, found.undone)
        differing = {which for which in found.undone if not agree(which, rewrite.side, then, there, mapping.prefix)}
        opened = [
            reopened(mapping, rewrite, which, here=then, there=there, run_id=trace.run_id, now=self.clock.now())
            for which in sorted(differing)
        ]
        for conflict in opened:
            if not await self.conflicts.ask(conflict):  # of two writes, the first has asked about what was then
                await self.conflicts.move(conflict)
        await self._close(mapping, found.undone, but={conflict.conflict_id for conflict in opened})
        return frozenset(differing)

    async def _close(
        self, mapping: EventMapping, fields: Collection[Field] | None, *, but: Collection[str] = ()
    ) -> None:
        """Close open conflicts in these fields; None: about the event as such."""
        for conflict in holding(await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)):
            meant = conflict.field is None if fields is None else conflict.field in fields
            if meant and conflict.conflict_id not in but:
                await self.conflicts.move(superseded(conflict, at=self.clock.now()))

    async def _written(
        self,
        integration: Integration,
        mapping: EventMapping,
        state: WedSyncState | OutlookState,
        update: Update,
        fields: frozenset[Field],
    ) -> WedSyncState | OutlookState:
        """Write what is not back yet, on condition of the state that was judged."""
        if not fields:
            return state
        if isinstance(state, WedSyncState):
            return await self.wedsync.update(
                integration.user_id,
                event_id=state.event_id,
                version=state.version,
                fields=fields,
                content=update.content,
            )
        return await self.outlook.update(
            integration.integration_id,
            event_id=state.event_id,
            etag=state.etag,
            patch=OutlookPatch(fields=fields, content=update.content, title=update.title),
        )

    def _rewritten(
        self, mapping: EventMapping, rewrite: Rewrite, fields: frozenset[Field], *, here: CalendarEvent, trace: Trace
    ) -> SyncChange:
        row = self.journal.change(
            mapping,
            side=rewrite.side,
            kind=ChangeKind.UPDATED,
            trace=trace,
            fields=fields,
            before=advance(here, rewrite.after, fields),
            after=advance(here, rewrite.before, fields),
            rule=Rule.UNDONE,
        )
        return replace(row, change_id=undoing_id(trace.run_id, mapping.mapping_id, f"fields:{rewrite.side}"))

    # --- In and out of the sync -----------------------------------------------------------------------------------

    async def _rejoin(
        self, integration: Integration, stored: Stored[EventMapping] | None, parted: SyncChange, trace: Trace
    ) -> Rows:
        """Take back that a pair was taken out, or hidden: it is in again, with a question about the missing event."""
        if stored is None:
            raise KeptAsItIs(Kept.NOT_SYNCED)
        mapping = stored.value
        if parted.rule == Rule.TYPE_OFF or NOTE_TYPE_OFF in mapping.notes:
            raise KeptAsItIs(Kept.TYPE_OFF)
        if mapping.state not in (MappingState.UNLINKED, MappingState.HIDDEN):
            raise KeptAsItIs(Kept.CHANGED_SINCE)
        if parted.rule == Rule.TRAVEL_REMOVED:
            raise KeptAsItIs(Kept.GONE)
        await self._question(mapping, await both_sides(self.look, integration, mapping), trace)
        state = move(MAPPING_MOVES, mapping.state, MappingState.LINKED)
        notes = tuple(note for note in mapping.notes if note != NOTE_UNDONE)
        await self.journal.save(stored, replace(mapping, state=state, notes=notes))
        return (self._moved(mapping, ChangeKind.LINKED, trace),)

    async def _question(self, mapping: EventMapping, views: Views, trace: Trace) -> None:
        """Ask about the side that has no event; two that are there need no question, and none at all no pair."""
        absent = [side for side in Side if isinstance(views.of(side), Gone)]
        if len(absent) == len(Side):
            raise KeptAsItIs(Kept.GONE)
        for side in absent:
            content = content_of(mapping, side.other, views.of(side.other))
            if content is None:
                raise KeptAsItIs(Kept.GONE)
            await self.conflicts.ask(missing(mapping, side, content, run_id=trace.run_id, now=self.clock.now()))

    async def _part(self, stored: Stored[EventMapping] | None, joined: SyncChange, trace: Trace) -> Rows:
        """Take back that two events were joined, or that a pair came into the sync again: both stay as they are."""
        if stored is None:
            raise KeptAsItIs(Kept.NOT_SYNCED)
        mapping = stored.value
        if mapping.state is not MappingState.LINKED:
            raise KeptAsItIs(Kept.CHANGED_SINCE)
        await self._close(mapping, None)
        await self._close(mapping, frozenset(Field))
        state = joined.pair.state if joined.pair else MappingState.UNLINKED
        parted = replace(mapping, state=move(MAPPING_MOVES, mapping.state, state), held=frozenset())
        await self.journal.save(stored, parted)
        return (self._moved(mapping, ChangeKind.UNLINKED, trace),)

    def _moved(self, mapping: EventMapping, kind: ChangeKind, trace: Trace) -> SyncChange:
        row = self.journal.change(mapping, side=mapping.born.other, kind=kind, trace=trace, rule=Rule.UNDONE)
        return replace(row, change_id=undoing_id(trace.run_id, mapping.mapping_id, "state"), pair=mapping)
