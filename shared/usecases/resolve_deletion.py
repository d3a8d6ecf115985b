"""A person answers for an event that one side lacks: carry the deletion out, or bring the event back."""

from dataclasses import dataclass, replace

from shared.core.actions import Apply, Create, Decision, Delete, Rule, Unlink
from shared.core.canon import with_prefix
from shared.core.conflicts import applied, resolved
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import Conflict, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pair import worn_prefix
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.views import Gone, Present, Views
from shared.errors import EventGone, NotFound
from shared.ports import Clock, Conflicts, Mappings, Stored
from shared.usecases.choices import ConflictSuperseded
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.recompose import import_anew
from shared.usecases.settle_intent import has_event
from shared.usecases.settle_pair import SettlePair


@dataclass(frozen=True, kw_only=True)
class ResolveDeletion:
    """Carries the answer out; every write is conditional on what the user was shown."""

    mappings: Mappings
    conflicts: Conflicts
    look: Look
    pair: SettlePair
    clock: Clock

    async def run(
        self, integration: Integration, mapping_id: str, chosen: Side, conflict: Conflict, *, trace: Trace
    ) -> Tally:
        """Carry it out, close the conflict, and return what was done.

        ``VersionMismatch``, ``EventGone``, ``StoreFault`` and ``ConflictSuperseded`` say that a side has moved on.
        """
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        if stored is None:
            raise NotFound("event_not_found", "No synced event has this id.")
        if stored.value.state is MappingState.INTENT:
            stored = await self._settled(integration, stored, trace)
            if conflict.absent is chosen.other and has_event(stored.value, conflict.absent):
                return Tally(handled=1, created=1)  # it was chosen before, and is carried out by now
        await self._still_open(stored.value, conflict)
        done = await self._settle(integration, stored, chosen, conflict, trace)
        await self.conflicts.move(applied(conflict, at=self.clock.now(), choice=chosen.value))
        return done

    async def _settled(
        self, integration: Integration, stored: Stored[EventMapping], trace: Trace
    ) -> Stored[EventMapping]:
        settled = await self.pair.settle_intent(integration, stored, trace)
        if settled is None:
            raise ConflictSuperseded
        return settled

    async def _still_open(self, mapping: EventMapping, conflict: Conflict) -> None:
        """Ask again now that the mapping was read: its versions must not be newer than the values that were chosen."""
        open_now = await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)
        known = any(each.conflict_id == conflict.conflict_id for each in open_now)
        if not known or mapping.state is not MappingState.LINKED:
            raise ConflictSuperseded

    async def _settle(
        self, integration: Integration, stored: Stored[EventMapping], chosen: Side, conflict: Conflict, trace: Trace
    ) -> Tally:
        absent = conflict.absent or Side.OUTLOOK
        if chosen is absent:  # the deletion is meant: delete on the side that still has the event
            elsewhere = absent is Side.OUTLOOK and await self._is_elsewhere(integration, stored.value)
            delete = Delete(
                side=absent.other,
                rule=Rule.OUTLOOK_DELETE_ASK if absent is Side.OUTLOOK else Rule.WEDSYNC_DELETED,
                version=stored.value.w_version,
                etag=stored.value.o_etag,
                asked=True,
                before=conflict.wedsync if absent is Side.OUTLOOK else conflict.outlook,
                hides=elsewhere,
            )
            return await self._end(integration, stored, delete, conflict, trace)
        if absent is Side.WEDSYNC:
            return await self._import_again(integration, stored, trace)
        elsewhere = await self._is_elsewhere(integration, stored.value)
        if stored.value.born is Side.OUTLOOK and elsewhere:
            unlink = Unlink(side=Side.OUTLOOK, rule=Rule.LEFT_CALENDAR)
            return await self._end(integration, stored, unlink, conflict, trace)
        return await self._bring_back(integration, stored, trace)

    async def _end(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        action: Delete | Unlink,
        conflict: Conflict,
        trace: Trace,
    ) -> Tally:
        """Carry out what ends the sync of the pair; the conflict is closed before the mapping, which may go."""
        mapping = stored.value
        if isinstance(action, Unlink):
            state = move(MAPPING_MOVES, mapping.state, MappingState.UNLINKED)
            mapping = replace(mapping, state=state, held=frozenset())
        choice = Side.WEDSYNC if isinstance(action, Unlink) else action.side.other
        row = resolved(conflict, choice=choice.value)
        decision = Decision(actions=(action, Apply(conflict_ids=(row.conflict_id,))), mapping=mapping)
        return await self.pair.carry_out(integration, stored, decision, views=Views(), trace=trace, conflicts=(row,))

    async def _is_elsewhere(self, integration: Integration, mapping: EventMapping) -> bool:
        """Whether Outlook's event left the calendar and is there still: another one would be a second."""
        if mapping.outlook_id is None:
            return False
        view = await self.look.at(integration, mapping, Side.OUTLOOK, moved=True)
        if isinstance(view, Present):
            raise ConflictSuperseded  # it is back
        return isinstance(view, Gone) and view.left_calendar

    async def _bring_back(self, integration: Integration, stored: Stored[EventMapping], trace: Trace) -> Tally:
        mapping = stored.value
        view = await self.look.at(integration, mapping, Side.WEDSYNC)
        if not isinstance(view, Present) or not isinstance(view.state, WedSyncState) or view.state.deleted:
            raise EventGone("wedsync")
        content = view.state.content
        prefix = worn_prefix(mapping, integration.preferences.event_prefix)
        create = Create(
            side=Side.OUTLOOK,
            rule=Rule.OUTLOOK_DELETE_ASK,
            content=content,
            title=with_prefix(content.title, prefix),
            event_type=mapping.event_type,
            prefix=prefix,
        )
        decision = Decision(actions=(create,), mapping=mapping)
        return await self.pair.carry_out(integration, stored, decision, views=Views(wedsync=view), trace=trace)

    async def _import_again(self, integration: Integration, stored: Stored[EventMapping], trace: Trace) -> Tally:
        """WedSync deleted it and Outlook's edit is wanted: the Outlook event comes in as a new one."""
        view = await self.look.at(integration, stored.value, Side.OUTLOOK)
        if not isinstance(view, Present) or not isinstance(view.state, OutlookState) or view.state.cancelled:
            raise EventGone("graph")
        intent = import_anew(self.pair.create, integration, stored.value, view.state)
        kept = await self.pair.journal.save(stored, intent)
        await self._settled(integration, kept, trace)
        return Tally(handled=1, created=1)
