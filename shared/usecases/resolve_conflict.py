"""A person chooses between the two values of a conflict, and the choice is carried out at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Create, Decision, Delete, Rule, Supersede, Unlink, Update
from shared.core.canon import with_prefix
from shared.core.conflicts import applied
from shared.core.event import Field, OutlookState, Side, WedSyncState
from shared.core.history import Conflict
from shared.core.integration import GuestUpdates, Integration
from shared.core.mapping import EventMapping
from shared.core.merge import advance, taken_over
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.views import Gone, Present, Views
from shared.errors import EventGone, NotFound, StateConflict, StoreFault, Unprocessable, VersionMismatch
from shared.ports import Clock, Conflicts, Integrations, Mappings, Stored
from shared.usecases.connect_state import connection_of
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.recompose import import_anew
from shared.usecases.settle_intent import has_event
from shared.usecases.settle_pair import SettlePair

EVENT = "event"
"""The wire's name for the field of a conflict about the event as such."""

_SUPERSEDED = ("conflict_superseded", "A side has changed since; look at the new values.")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One field's choice: ``use`` is ``wedsync``, ``outlook`` or ``custom``."""

    field: str
    use: str
    custom: object = None
    conflict_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ResolveConflict:
    """Checks the choices against what is open, then carries them out one by one."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    look: Look
    pair: SettlePair
    clock: Clock

    async def run(
        self, user_id: str, event_id: str, choices: Sequence[Choice], *, set_as_default: bool
    ) -> Mapping[str, str]:
        """Return what became of each field. ``NotFound``, ``StateConflict`` ``conflict_superseded``, or 422."""
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        if set_as_default or any(choice.use == "custom" for choice in choices):
            raise Unprocessable("not_supported", "Only wedsync or outlook can be chosen here, for this event alone.")
        stored = await self._mapping(integration, event_id)
        pairs = await self._matched(integration, stored.value, choices)
        for choice, conflict in pairs:
            await self._guests(integration, stored.value, choice, conflict)
        for choice, conflict in pairs:
            await self._apply(integration, stored.value.mapping_id, choice, conflict)
        return {choice.field: "applied" for choice, _ in pairs}

    async def _mapping(self, integration: Integration, event_id: str) -> Stored[EventMapping]:
        stored = await self.mappings.by_wedsync(integration.integration_id, event_id)
        stored = stored or await self.mappings.get(integration.integration_id, event_id)
        if stored is None:
            raise NotFound("event_not_found", "No synced event has this id.")
        return stored

    async def _matched(
        self, integration: Integration, mapping: EventMapping, choices: Sequence[Choice]
    ) -> list[tuple[Choice, Conflict]]:
        open_now = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        by_field = {conflict.field.value if conflict.field else EVENT: conflict for conflict in open_now}
        matched = []
        for choice in choices:
            conflict = by_field.get(choice.field)
            if conflict is None:
                raise NotFound("conflict_not_found", f"There is no open conflict in {choice.field!r}.")
            if choice.conflict_id and choice.conflict_id != conflict.conflict_id:
                raise StateConflict(*_SUPERSEDED)
            matched.append((choice, conflict))
        return matched

    async def _guests(
        self, integration: Integration, mapping: EventMapping, choice: Choice, conflict: Conflict
    ) -> None:
        """Nothing is written to a meeting unless the user has said that guests may be mailed."""
        toward_outlook = choice.use == Side.WEDSYNC
        meeting = bool(mapping.base_o and mapping.base_o.attendees) or bool(
            conflict.outlook and conflict.outlook.attendees
        )
        if toward_outlook and conflict.field is Field.ATTENDEES:
            raise Unprocessable("attendees_are_read_only", "A sync never writes guests; choose outlook.")
        if toward_outlook and meeting and integration.preferences.guest_updates is not GuestUpdates.SEND:
            raise StateConflict(
                "guests_would_be_mailed", "Outlook would mail the guests; set guestUpdates to send, or change it there."
            )

    async def _apply(self, integration: Integration, mapping_id: str, choice: Choice, conflict: Conflict) -> None:
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        if stored is None:
            raise NotFound("event_not_found", "No synced event has this id.")
        chosen = Side(choice.use)
        try:
            if stored.value.state is MappingState.INTENT:
                stored = await self._settled(integration, stored)
                if conflict.absent is chosen.other and has_event(stored.value, conflict.absent):
                    return  # it was chosen before, and is carried out by now
            await self._still_open(stored.value, conflict)
            await self._carry_out(integration, stored, chosen, conflict)
        except (VersionMismatch, EventGone, StoreFault):
            raise StateConflict(*_SUPERSEDED) from None
        await self.conflicts.put(applied(conflict, at=self.clock.now()))

    async def _settled(self, integration: Integration, stored: Stored[EventMapping]) -> Stored[EventMapping]:
        settled = await self.pair.settle_intent(integration, stored, Trace())
        if settled is None:
            raise StateConflict(*_SUPERSEDED)
        return settled

    async def _still_open(self, mapping: EventMapping, conflict: Conflict) -> None:
        """Ask again now that the mapping was read: its versions must not be newer than the values that were chosen."""
        open_now = await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)
        known = any(each.conflict_id == conflict.conflict_id for each in open_now)
        if not known or mapping.state is not MappingState.LINKED:
            raise StateConflict(*_SUPERSEDED)

    async def _carry_out(
        self, integration: Integration, stored: Stored[EventMapping], chosen: Side, conflict: Conflict
    ) -> None:
        if conflict.field is None:
            await self._settle_deletion(integration, stored, chosen, conflict)
        elif conflict.field is Field.ATTENDEES:
            freed = replace(stored.value, held=stored.value.held - {Field.ATTENDEES})
            await self.pair.journal.save(stored, freed)
        else:
            decision = _carrying(stored.value, chosen, conflict, conflict.field)
            await self.pair.carry_out(integration, stored, decision, views=Views(), trace=Trace())

    async def _settle_deletion(
        self, integration: Integration, stored: Stored[EventMapping], chosen: Side, conflict: Conflict
    ) -> None:
        absent = conflict.absent or Side.OUTLOOK
        if chosen is absent:  # the deletion is meant: delete on the side that still has the event
            delete = Delete(
                side=absent.other,
                rule=Rule.OUTLOOK_DELETE_ASK if absent is Side.OUTLOOK else Rule.WEDSYNC_DELETED,
                version=stored.value.w_version,
                etag=stored.value.o_etag,
                asked=True,
            )
            await self._end(integration, stored, delete, conflict)
        elif absent is Side.WEDSYNC:
            await self._import_again(integration, stored)
        elif stored.value.born is Side.OUTLOOK and await self._is_elsewhere(integration, stored.value):
            await self._end(integration, stored, Unlink(side=Side.OUTLOOK, rule=Rule.LEFT_CALENDAR), conflict)
        else:
            await self._bring_back(integration, stored)

    async def _end(
        self, integration: Integration, stored: Stored[EventMapping], action: Delete | Unlink, conflict: Conflict
    ) -> None:
        """Carry out what ends the sync of the pair; the conflict is closed before the mapping, which may go."""
        mapping = stored.value
        if isinstance(action, Unlink):
            state = move(MAPPING_MOVES, mapping.state, MappingState.UNLINKED)
            mapping = replace(mapping, state=state, held=frozenset())
        decision = Decision(actions=(action, Supersede(conflict_ids=(conflict.conflict_id,))), mapping=mapping)
        await self.pair.carry_out(integration, stored, decision, views=Views(), trace=Trace(), conflicts=(conflict,))

    async def _is_elsewhere(self, integration: Integration, mapping: EventMapping) -> bool:
        """Whether Outlook's event left the calendar and is there still: another one would be a second."""
        if mapping.outlook_id is None:
            return False
        view = await self.look.outlook_event(integration, mapping.outlook_id, moved=True)
        if isinstance(view, Present):
            raise StateConflict(*_SUPERSEDED)  # it is back
        return isinstance(view, Gone) and view.left_calendar

    async def _bring_back(self, integration: Integration, stored: Stored[EventMapping]) -> None:
        mapping = stored.value
        view = await self.look.at(integration, mapping, Side.WEDSYNC)
        if not isinstance(view, Present) or not isinstance(view.state, WedSyncState) or view.state.deleted:
            raise EventGone("wedsync")
        content = view.state.content
        prefix = integration.preferences.event_prefix if mapping.born is Side.WEDSYNC else ""
        create = Create(
            side=Side.OUTLOOK,
            rule=Rule.OUTLOOK_DELETE_ASK,
            content=content,
            title=with_prefix(content.title, prefix),
            event_type=mapping.event_type,
            prefix=prefix,
        )
        decision = Decision(actions=(create,), mapping=mapping)
        await self.pair.carry_out(integration, stored, decision, views=Views(wedsync=view), trace=Trace())

    async def _import_again(self, integration: Integration, stored: Stored[EventMapping]) -> None:
        """WedSync deleted it and Outlook's edit is wanted: the Outlook event comes in as a new one."""
        view = await self.look.at(integration, stored.value, Side.OUTLOOK)
        if not isinstance(view, Present) or not isinstance(view.state, OutlookState) or view.state.cancelled:
            raise EventGone("graph")
        intent = import_anew(self.pair.create, integration, stored.value, view.state)
        kept = await self.pair.journal.save(stored, intent)
        await self._settled(integration, kept)


def _carrying(mapping: EventMapping, chosen: Side, conflict: Conflict, which: Field) -> Decision:
    """Return the decision to carry the chosen side's recorded value over."""
    assert mapping.base_w is not None
    assert mapping.base_o is not None
    fields = frozenset({which})
    ours = advance(mapping.base_w, conflict.wedsync or mapping.base_w, fields)
    theirs = advance(mapping.base_o, conflict.outlook or mapping.base_o, fields)
    freed = replace(mapping, held=mapping.held - fields)
    if chosen is Side.WEDSYNC:
        content = advance(theirs, ours, fields)
        update = Update(
            side=Side.OUTLOOK,
            rule=Rule.CLASH,
            fields=fields,
            content=content,
            title=with_prefix(content.title, mapping.prefix),
            source=ours,
            settles=fields,
            replaces=theirs,
            prefix=mapping.prefix,
            etag=mapping.o_etag,
        )
    else:
        content = taken_over(wedsync=ours, outlook=theirs, fields=fields)
        update = Update(
            side=Side.WEDSYNC,
            rule=Rule.CLASH,
            fields=fields,
            content=content,
            title=content.title,
            source=theirs,
            settles=fields,
            replaces=ours,
            version=mapping.w_version,
        )
    return Decision(actions=(update,), mapping=freed)
