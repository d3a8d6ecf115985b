"""Take back an event that a run made, and make one again that a run deleted."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.actions import Rule
from shared.core.conflicts import superseded
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, SyncChange
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_TYPE_OFF
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.undo import NOTE_UNDONE, Kept, missing, undoing_id, untouched
from shared.core.unmapped import is_ours
from shared.core.views import Gone, Present, Views, content_of, holding, settle_view
from shared.errors import EventGone, VersionMismatch
from shared.ports import Clock, Conflicts, Outlook, Stored, WedSync
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.make_again import MakeAgain, as_it_was

_OUT = {Side.OUTLOOK: MappingState.UNLINKED, Side.WEDSYNC: MappingState.HIDDEN}
"""What a pair is when its event was taken away from a side again, and stays on the other."""


class KeptAsItIs(Exception):
    """This stays as it is, and why. ``rows`` are what was undone of it all the same."""

    def __init__(self, why: Kept, *, rows: tuple[SyncChange, ...] = ()) -> None:
        super().__init__(why.value)
        self.why = why
        self.rows = rows


async def both_sides(look: Look, integration: Integration, mapping: EventMapping) -> Views:
    """Read both events by id; what left the calendar, was cancelled or became a series is gone."""
    wedsync = await look.at(integration, mapping, Side.WEDSYNC)
    outlook = await look.at(integration, mapping, Side.OUTLOOK, moved=True)
    newest = replace(mapping, w_version=0, o_changed_at=None)  # what was read just now is no replay
    return Views(wedsync=settle_view(newest, wedsync), outlook=settle_view(newest, outlook))


@dataclass(frozen=True, kw_only=True)
class UndoEvent:
    """Deletes and creates. The deletions are asked for, so the guard does not weigh them; no guest is ever mailed."""

    outlook: Outlook
    wedsync: WedSync
    conflicts: Conflicts
    look: Look
    again: MakeAgain
    journal: Journal
    clock: Clock

    async def take_back(
        self, integration: Integration, stored: Stored[EventMapping] | None, created: SyncChange, *, trace: Trace
    ) -> tuple[SyncChange, ...]:
        """Delete an event that the run made; the pair is out of the sync then, and can be brought back."""
        if stored is None:
            raise KeptAsItIs(Kept.NOT_SYNCED)
        mapping, side = stored.value, created.side
        begun = mapping.state is _OUT[side] and NOTE_UNDONE in mapping.notes
        if mapping.state is not MappingState.LINKED and not begun:
            raise KeptAsItIs(Kept.CHANGED_SINCE)
        views = await both_sides(self.look, integration, mapping)
        view = views.of(side)
        try:
            if isinstance(view, Present):
                await self._provable(mapping, created, views)
            elif not begun:
                raise KeptAsItIs(Kept.GONE)
            if not begun:
                stored = await self._take_out(stored, side)
            await self._delete(integration, view)
        except KeptAsItIs:
            await self._leave_in(stored)
            raise
        if isinstance(views.of(side.other), Gone):
            await self.journal.mappings.remove(stored)
        row = self.journal.change(
            mapping, side=side, kind=ChangeKind.DELETED, trace=trace, before=created.after, rule=Rule.UNDONE
        )
        return (replace(row, change_id=undoing_id(trace.run_id, mapping.mapping_id, "deleted"), pair=mapping),)

    async def _provable(self, mapping: EventMapping, created: SyncChange, views: Views) -> None:
        """Raise unless the event is the one that the run made, as it made it, and nobody would be mailed."""
        side = created.side
        view, content = views.of(side), content_of(mapping, side, views.of(side))
        assert isinstance(view, Present)
        assert content is not None
        if isinstance(view.state, OutlookState):
            if view.state.is_meeting:
                raise KeptAsItIs(Kept.GUESTS)
            if view.state.marker != mapping.mapping_id or not is_ours(view.state):
                raise KeptAsItIs(Kept.NOT_OURS)
        elif view.state.source is not Side.OUTLOOK:
            raise KeptAsItIs(Kept.NOT_OURS)
        elif view.state.updated_at > created.at:  # its type, travel time or people, which no content tells
            raise KeptAsItIs(Kept.CHANGED_SINCE)
        if not untouched(content, created.after) or not await self._other_untouched(mapping, side.other, views):
            raise KeptAsItIs(Kept.CHANGED_SINCE)

    async def _other_untouched(self, mapping: EventMapping, other: Side, views: Views) -> bool:
        """Whether nobody worked on the other side either; an absence there has to be known, as an open question."""
        if mapping.role is Role.TRAVEL:
            return True
        if isinstance(views.of(other), Gone):
            open_now = await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)
            return any(conflict.absent is other for conflict in holding(open_now))
        content = content_of(mapping, other, views.of(other))
        return content is not None and untouched(content, mapping.base_w if other is Side.WEDSYNC else mapping.base_o)

    async def _take_out(self, stored: Stored[EventMapping], side: Side) -> Stored[EventMapping]:
        mapping = stored.value
        await self._close_all(mapping)
        notes = tuple(dict.fromkeys((*mapping.notes, NOTE_UNDONE)))
        state = move(MAPPING_MOVES, mapping.state, _OUT[side])
        return await self.journal.save(stored, replace(mapping, state=state, held=frozenset(), notes=notes))

    async def _leave_in(self, stored: Stored[EventMapping]) -> None:
        """What was taken out in order to delete its event, and may not be deleted after all, is in again."""
        mapping = stored.value
        if NOTE_UNDONE in mapping.notes:
            notes = tuple(note for note in mapping.notes if note != NOTE_UNDONE)
            state = move(MAPPING_MOVES, mapping.state, MappingState.LINKED)
            await self.journal.save(stored, replace(mapping, state=state, notes=notes))

    async def _delete(self, integration: Integration, view: object) -> None:
        """Delete on condition of the state that was judged; one that is gone by now is deleted too."""
        state = view.state if isinstance(view, Present) else None
        try:
            with suppress(EventGone):
                if isinstance(state, WedSyncState):
                    await self.wedsync.delete(integration.user_id, event_id=state.event_id, version=state.version)
                elif isinstance(state, OutlookState):
                    await self.outlook.delete(integration.integration_id, event_id=state.event_id, etag=state.etag)
        except VersionMismatch:
            raise KeptAsItIs(Kept.CHANGED_SINCE) from None

    async def _close_all(self, mapping: EventMapping, *, but: Collection[str] = ()) -> None:
        for conflict in holding(await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)):
            if conflict.conflict_id not in but:
                await self.conflicts.move(superseded(conflict, at=self.clock.now()))

    async def make_again(
        self, integration: Integration, stored: Stored[EventMapping] | None, deleted: SyncChange, *, trace: Trace
    ) -> tuple[SyncChange, ...]:
        """Make an event again that the run deleted. Where the other side has none, that is a question from then on."""
        pair = stored.value if stored else deleted.pair
        if pair is None or pair.epoch != integration.epoch:
            raise KeptAsItIs(Kept.NOT_SYNCED)
        if deleted.before is None or (deleted.side is Side.WEDSYNC and pair.outlook_id is None):
            raise KeptAsItIs(Kept.GONE)
        if deleted.rule in (Rule.TYPE_OFF, Rule.TRAVEL_OFF) or NOTE_TYPE_OFF in pair.notes:
            raise KeptAsItIs(Kept.TYPE_OFF)
        if pair.role is Role.TRAVEL:
            raise KeptAsItIs(Kept.GONE)  # a block is made of its event, never by itself
        trace = replace(trace, rule=Rule.UNDONE)
        if stored and stored.value.state is MappingState.INTENT:
            await self.again.settle(integration, stored, trace=trace)
            return ()
        if stored and stored.value.state is not _OUT[deleted.side]:
            raise KeptAsItIs(Kept.CHANGED_SINCE)  # it was brought back meanwhile
        source = deleted.side.other
        view = (await both_sides(self.look, integration, pair)).of(source)
        if isinstance(view, Present):
            state = view.state
        else:
            state = as_it_was(pair, source, deleted.before)
            question = missing(pair, source, deleted.before, run_id=trace.run_id, now=self.clock.now())
            await self.conflicts.ask(question)
        await self.again.run(integration, stored, pair, state, trace=trace)
        return ()
