"""Make an event again on one side of a pair that is out of the sync, or had ended: a new generation of its mapping."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.core.actions import Create, Rule
from shared.core.canon import with_prefix
from shared.core.event import CalendarEvent, OutlookKind, OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.pair import worn_prefix
from shared.core.states import MappingState
from shared.core.travel import travel_block
from shared.errors import EventGone, RowChanged
from shared.ports import Stored
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace, raise_or_return
from shared.usecases.recompose import import_anew
from shared.usecases.settle_intent import SettleIntent


@dataclass(frozen=True, kw_only=True)
class MakeAgain:
    """Stores the intent first, like every create, and then finds out what becomes of it."""

    create: CreateEvent
    intents: SettleIntent
    journal: Journal

    async def run(
        self,
        integration: Integration,
        stored: Stored[EventMapping] | None,
        mapping: EventMapping,
        source: WedSyncState | OutlookState,
        *,
        trace: Trace,
    ) -> Stored[EventMapping]:
        """Make the other half of ``source``; ``stored`` is the row of the mapping if there is one still.

        ``RowChanged`` if somebody else is at it, ``EventGone`` where nothing is left that it could be made of.
        """
        if isinstance(source, OutlookState):
            intent = import_anew(self.create, integration, mapping, source)
        else:
            intent = self._in_outlook(integration, mapping, source)
        if stored is None:
            kept = raise_or_return((await self.journal.mappings.insert([intent]))[0])
        else:
            kept = await self.journal.save(stored, intent)
        return await self.settle(integration, kept, trace=trace)

    async def settle(
        self, integration: Integration, stored: Stored[EventMapping], *, trace: Trace
    ) -> Stored[EventMapping]:
        """Bring an intent to its end that was stored earlier."""
        settled = await self.intents.run(integration, stored, trace)
        if settled is None:
            raise RowChanged
        return settled

    def _in_outlook(self, integration: Integration, mapping: EventMapping, source: WedSyncState) -> EventMapping:
        prefix = worn_prefix(mapping, integration.preferences.event_prefix)
        content = source.content
        if mapping.role is Role.TRAVEL:
            block = travel_block(source, integration.preferences)
            if block is None:
                raise EventGone("wedsync")  # the event has no travel time any more
            content = block
        create = Create(
            side=Side.OUTLOOK,
            rule=Rule.RESTORED,
            content=content,
            title=with_prefix(content.title, prefix),
            event_type=source.event_type,
            prefix=prefix,
        )
        resting = replace(mapping, state=MappingState.UNLINKED, held=frozenset(), drifted=frozenset(), quarantine="")
        return self.create.intend_outlook(integration, source, create, again=resting)


def as_it_was(mapping: EventMapping, side: Side, content: CalendarEvent) -> WedSyncState | OutlookState:
    """Return the state of an event that is gone, so that its other half can be made of what it last was."""
    if side is Side.WEDSYNC:
        return WedSyncState(
            event_id=str(mapping.wedsync_id),
            version=mapping.w_version,
            updated_at=mapping.last_synced_at or datetime.min.replace(tzinfo=UTC),
            content=content,
            event_type=mapping.event_type,
            source=mapping.born,
        )
    return OutlookState(
        event_id=str(mapping.outlook_id),
        etag=mapping.o_etag,
        changed_at=mapping.o_changed_at or datetime.min.replace(tzinfo=UTC),
        content=content,
        kind=OutlookKind.OCCURRENCE if mapping.series_id else OutlookKind.SINGLE,
        series_id=mapping.series_id,
        occurrence_date=mapping.occurrence_date,
        is_organizer=mapping.is_organizer,
    )
