"""Create the other half of a pair, exactly once, whatever crashes in between.

The intent (with the exact body) is stored first: its pointer row makes it unique. A create whose outcome is not known
is sent again with the same body; Graph answers a repeated ``transactionId``, and WedSync a repeated ``externalId``,
with the event that is there. https://learn.microsoft.com/graph/api/resources/event (transactionId)
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.actions import Create
from shared.core.canon import changed_fields, fitted, with_prefix
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import (
    EventMapping,
    Intent,
    Role,
    external_id,
    generation_of,
    mapping_id_of,
    mapping_id_of_import,
    transaction_id,
)
from shared.core.pair import NOTE_FORCED, NOTE_PREFIX_REMOVED
from shared.core.settle import created
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.unmapped import is_ours
from shared.core.views import outlook_content
from shared.errors import DuplicateTransaction, EventGone, RowChanged
from shared.ports import Clock, Mappings, Outlook, OutlookDraft, Stored, WedSync, WedSyncDraft
from shared.usecases.journal import raise_or_return

_ALSO_OF_THE_NEXT = (NOTE_PREFIX_REMOVED, NOTE_FORCED)
"""Notes that are of the event, whichever copy it has."""


@dataclass(frozen=True, kw_only=True)
class CreateEvent:
    """Stores intents, sends them, and completes their mappings. The caller saves what is returned."""

    mappings: Mappings
    outlook: Outlook
    wedsync: WedSync
    clock: Clock

    # --- toward Outlook ---------------------------------------------------------------------------------------

    def intend_outlook(
        self,
        integration: Integration,
        state: WedSyncState,
        action: Create,
        *,
        role: Role = Role.EVENT,
        again: EventMapping | None = None,
    ) -> EventMapping:
        """Return the intent of a copy in Outlook, not stored yet; ``again`` is the mapping of an earlier copy."""
        role = again.role if again else role
        mapping_id = again.mapping_id if again else _mapping_id(integration, state, role)
        generation = again.generation + 1 if again else 1
        draft = OutlookDraft(
            mapping_id=mapping_id,
            transaction_id=transaction_id(mapping_id, generation),
            content=action.content,
            title=action.title,
            reminder_minutes=_reminder(integration, role),
        )
        now = self.clock.now()
        intent = Intent(toward=Side.OUTLOOK, payload=self.outlook.compose(draft), stored_at=now)
        if again:
            return replace(
                again,
                state=move(MAPPING_MOVES, again.state, MappingState.INTENT),
                epoch=integration.epoch,
                generation=generation,
                calendar_id=integration.calendar_id,
                outlook_id=None,
                base_w=action.content,
                base_o=None,
                w_version=state.version,
                o_etag="",
                o_changed_at=None,
                prefix=action.prefix,
                notes=tuple(note for note in again.notes if note in _ALSO_OF_THE_NEXT),
                intent=intent,
            )
        return EventMapping(
            mapping_id=mapping_id,
            integration_id=integration.integration_id,
            epoch=integration.epoch,
            born=Side.WEDSYNC,
            state=MappingState.INTENT,
            calendar_id=integration.calendar_id,
            role=role,
            wedsync_id=state.event_id,
            event_type=state.event_type,
            prefix=action.prefix,
            base_w=action.content,
            w_version=state.version,
            intent=intent,
            created_at=now,
        )

    # --- toward WedSync ---------------------------------------------------------------------------------------

    def intend_wedsync(self, integration: Integration, state: OutlookState, action: Create) -> EventMapping:
        """Return the intent of an event in WedSync, not stored yet."""
        named = external_id_of(integration, state)
        draft = WedSyncDraft(content=action.content, event_type=action.event_type, external_id=named)
        now = self.clock.now()
        mapping = EventMapping(
            mapping_id=mapping_id_of_import(integration.integration_id, epoch=integration.epoch, external_id=named),
            integration_id=integration.integration_id,
            epoch=integration.epoch,
            born=Side.OUTLOOK,
            state=MappingState.INTENT,
            calendar_id=integration.calendar_id,
            outlook_id=state.event_id,
            event_type=action.event_type,
            base_w=action.content,
            o_etag=state.etag,
            o_changed_at=state.changed_at,
            series_id=state.series_id,
            occurrence_date=state.occurrence_date,
            is_organizer=state.is_organizer,
            masked=action.masked,
            intent=Intent(toward=Side.WEDSYNC, payload=self.wedsync.compose(draft), stored_at=now),
            created_at=now,
        )
        return replace(mapping, base_o=outlook_content(mapping, state))

    # --- sending ----------------------------------------------------------------------------------------------

    async def store(self, mapping: EventMapping) -> Stored[EventMapping]:
        """Store one intent; ``RowExists`` if the event has a mapping, ``RowChanged`` if a disconnect has begun."""
        return raise_or_return((await self.mappings.insert([mapping]))[0])

    async def first(
        self, integration: Integration, stored: Stored[EventMapping]
    ) -> tuple[Stored[EventMapping], EventMapping]:
        """Send an intent that has just been stored, for the first time; return it as it is stored then, and linked.

        Its ``transactionId`` may have made a copy before, of which nothing is left: WedSync's event was deleted once
        and brought back since, or its mapping was lost together with the copy. Then the next generation is made.
        """
        try:
            return stored, await self.send(integration, stored.value, again=False)
        except DuplicateTransaction:
            fresh = self._next_generation(integration, stored.value)
            (kept,) = await self.mappings.save([Stored(value=fresh, tag=stored.tag)])
            stored = raise_or_return(kept)
            return stored, await self.send(integration, stored.value, again=False)

    def _next_generation(self, integration: Integration, mapping: EventMapping) -> EventMapping:
        assert mapping.base_w is not None
        generation = mapping.generation + 1
        draft = OutlookDraft(
            mapping_id=mapping.mapping_id,
            transaction_id=transaction_id(mapping.mapping_id, generation),
            content=mapping.base_w,
            title=with_prefix(mapping.base_w.title, mapping.prefix),
            reminder_minutes=_reminder(integration, mapping.role),
        )
        intent = Intent(toward=Side.OUTLOOK, payload=self.outlook.compose(draft), stored_at=self.clock.now())
        return replace(mapping, generation=generation, intent=intent)

    async def send(self, integration: Integration, mapping: EventMapping, *, again: bool) -> EventMapping:
        """Send a stored intent and return the linked mapping, not saved yet. ``again``: it may have been sent."""
        intent = mapping.intent
        assert intent is not None
        if again and await self.mappings.epoch(mapping.integration_id) != integration.epoch:
            raise RowChanged  # a disconnect has begun since: nothing more may be made
        if intent.toward is Side.WEDSYNC:
            made = await self.wedsync.create(
                integration.user_id, intent.payload, idempotency_key=mapping.idempotency_key
            )
            return self.joined(mapping, made, again=again)
        try:
            state = await self.outlook.create(integration.integration_id, mapping.calendar_id, intent.payload)
        except DuplicateTransaction as fault:
            state = await self._settle_duplicate(integration, mapping, named=fault.event_id)
            generation = generation_of(mapping.mapping_id, state.transaction_id) or mapping.generation
            linked = replace(created(mapping, state, at=self.clock.now(), found=True), generation=generation)
            return linked if again else _without_base(linked)
        return self.answered(mapping, state, again=again)

    def answered(self, mapping: EventMapping, state: OutlookState, *, again: bool = False) -> EventMapping:
        """Return the mapping linked to what Graph answered to its create.

        Graph answers a repeated ``transactionId`` with the event that it made. Where a create is sent for the first
        time, that event is older than its intent: its mapping was lost. If it is not as it was made any more, nobody
        knows which side has moved since.
        """
        linked = created(mapping, state, at=self.clock.now(), found=again)
        if again or mapping.base_w is None or mapping.intent is None or linked.base_o is None:
            return linked
        older = state.changed_at <= mapping.intent.stored_at
        differs = changed_fields(fitted(mapping.base_w, mapping.prefix), linked.base_o)
        return _without_base(linked) if older and differs else linked

    @staticmethod
    def vanished(mapping: EventMapping) -> EventMapping:
        """Return the mapping of a copy that was made, and removed by its owner before its id was noted."""
        assert mapping.base_w is not None
        state = move(MAPPING_MOVES, mapping.state, MappingState.LINKED)
        return replace(mapping, state=state, intent=None, base_o=fitted(mapping.base_w, mapping.prefix))

    def joined(self, mapping: EventMapping, made: WedSyncState, *, again: bool) -> EventMapping:
        """Return the mapping linked to what WedSync answered.

        WedSync answers a repeated ``externalId`` with the event that is there, maybe of an earlier connection and
        edited since. Nobody knows then which side moved, so the pair is left without bases: differences become
        conflicts when it is looked at next.
        """
        linked = created(mapping, made, at=self.clock.now(), found=again)
        if again or mapping.base_w is None or not changed_fields(mapping.base_w, made.content):
            return linked
        return _without_base(linked)

    async def _settle_duplicate(self, integration: Integration, mapping: EventMapping, *, named: str) -> OutlookState:
        """Graph has used the ``transactionId`` for what is other content by now: find out for which event.

        It may name the event, which can be read at once; lists by which it is found by its marker may lag (fact S64).
        """
        found: tuple[OutlookState, ...] = ()
        if named:
            with suppress(EventGone):
                found = (await self.outlook.event(integration.integration_id, named),)
        found += await self.outlook.find_marked(integration.integration_id, mapping.calendar_id, mapping.mapping_id)
        for state in found:
            if state.marker == mapping.mapping_id and is_ours(state):
                return state
        raise DuplicateTransaction("graph", code="no_event_with_marker")


def _without_base(linked: EventMapping) -> EventMapping:
    return replace(linked, base_w=None, base_o=None)


def _reminder(integration: Integration, role: Role) -> int | None:
    """Return the first reminder that the user wants; Outlook holds one. A travel block has none."""
    return next(iter(integration.preferences.notification_minutes), None) if role is Role.EVENT else None


def _mapping_id(integration: Integration, state: WedSyncState, role: Role) -> str:
    return mapping_id_of(integration.integration_id, epoch=integration.epoch, wedsync_id=state.event_id, role=role)


def external_id_of(integration: Integration, state: OutlookState) -> str:
    """Return WedSync's ``externalId`` of an Outlook event; an occurrence is named by its series and original date."""
    occurrence = state.occurrence_date if state.series_id else None
    return external_id(
        tenant_id=integration.tenant_id,
        account_id=integration.account_id,
        outlook_id=state.series_id if state.series_id and occurrence else state.event_id,
        occurrence_date=occurrence,
    )
