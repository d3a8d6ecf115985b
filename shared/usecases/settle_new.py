"""What to do about an event that no mapping names: create its other half, link it, or leave it."""

from dataclasses import dataclass, replace

from shared.core.actions import Create, Link, Policy, Rule
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.settle import joined
from shared.core.states import MappingState
from shared.core.unmapped import decide_unmapped
from shared.core.views import Present, Views
from shared.errors import RowExists
from shared.ports import Changes, Clock, Mappings, Stored
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace, raise_or_return
from shared.usecases.request_sync import RequestSync
from shared.usecases.settle_pair import SettlePair


@dataclass(frozen=True, kw_only=True)
class SettleNew:
    """Decides and acts on one unmapped event."""

    mappings: Mappings
    changes: Changes
    create: CreateEvent
    pair: SettlePair
    request_sync: RequestSync
    journal: Journal
    clock: Clock

    async def outlook_event(
        self, integration: Integration, state: OutlookState, *, policy: Policy, trace: Trace
    ) -> Tally:
        """Settle an Outlook event whose marker was expanded."""
        candidate = await self.candidate_of(integration, state)
        if candidate is not None and candidate.value.moved_from:
            return Tally(handled=1)  # on its way to another calendar: both copies carry the marker until it is there
        action = decide_unmapped(
            state, policy=policy, candidate=candidate.value if candidate else None, counterpart=None
        )
        if isinstance(action, Link) and candidate is not None:
            return await self.link_intent(integration, candidate, state, policy=policy, trace=trace)
        if isinstance(action, Create):
            intent = self.create.intend_wedsync(integration, state, action)
            return await self.make(integration, intent, Views(outlook=Present(state)), policy=policy, trace=trace)
        if action.rule is Rule.UNKNOWN_MARKER:
            await self.request_sync.reconcile(integration)
        return Tally(handled=1)

    async def wedsync_event(
        self, integration: Integration, state: WedSyncState, *, policy: Policy, trace: Trace
    ) -> Tally:
        """Settle a WedSync event."""
        action = decide_unmapped(state, policy=policy)
        if isinstance(action, Create):
            intent = self.create.intend_outlook(integration, state, action)
            return await self.make(integration, intent, Views(wedsync=Present(state)), policy=policy, trace=trace)
        return Tally(handled=1)

    async def _look_into(self, integration: Integration, intent: EventMapping) -> None:
        """Where there is no mapping to be found although there is a row of it, some rows were lost."""
        find, home = self.mappings, integration.integration_id
        if intent.wedsync_id is not None:
            found = await find.by_wedsync(home, intent.wedsync_id, intent.role)
        else:
            found = await find.by_outlook(home, str(intent.outlook_id)) or await self._in_its_place(intent)
        if found is None:
            await self.request_sync.reconcile(integration)

    async def _in_its_place(self, intent: EventMapping) -> Stored[EventMapping] | None:
        """Return the mapping of another event that was made in the place of this one of Outlook's, which is back.

        Its owner has taken it out of the bin. It is left alone; nothing leads to it, and nothing is lost.
        """
        stored = await self.mappings.get(intent.integration_id, intent.mapping_id)
        return stored if stored and stored.value.outlook_id != intent.outlook_id else None

    async def candidate_of(self, integration: Integration, state: OutlookState) -> Stored[EventMapping] | None:
        """Return the mapping that the event's marker names."""
        if not state.marker:
            return None
        return await self.mappings.get(integration.integration_id, state.marker)

    async def link_intent(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        state: OutlookState,
        *,
        policy: Policy,
        trace: Trace,
    ) -> Tally:
        """Our own create came back before its answer was noted: the intent is settled like any other.

        A copy that was given up, because nothing showed it when its create was settled, is ours again.
        """
        mapping, views = stored.value, Views(outlook=Present(state))
        if mapping.state is MappingState.INTENT:
            return await self.pair.run(integration, stored, views, policy=policy, trace=trace, conflicts=())
        if mapping.outlook_id is None and state.transaction_id == mapping.transaction_id:
            stored = await self.journal.save(stored, replace(mapping, outlook_id=state.event_id))
            return await self.pair.run(integration, stored, views, policy=policy, trace=trace)
        return Tally(handled=1)

    async def join(
        self,
        integration: Integration,
        wedsync: WedSyncState,
        outlook: OutlookState,
        *,
        policy: Policy,
        trace: Trace,
    ) -> Tally:
        """Join two events that the ``externalId`` names as one, from an earlier connection: there is no base."""
        mapping = joined(integration, wedsync, outlook, at=self.clock.now())
        try:
            stored = raise_or_return((await self.mappings.insert([mapping]))[0])
        except RowExists:
            return Tally(handled=1)
        row = self.journal.change(
            mapping, side=Side.WEDSYNC, kind=ChangeKind.LINKED, trace=trace, rule=Rule.EXTERNAL_ID
        )
        await self.changes.append([row])
        views = Views(wedsync=Present(wedsync), outlook=Present(outlook))
        done = await self.pair.run(integration, stored, views, policy=policy, trace=trace, conflicts=())
        return replace(done, noted=done.noted + 1)

    async def make(
        self, integration: Integration, intent: EventMapping, views: Views, *, policy: Policy, trace: Trace
    ) -> Tally:
        """Create what ``intent`` says, unless somebody else is at it already."""
        try:
            stored = await self.create.store(intent)
        except RowExists:  # somebody else is at it; what they miss, the next look finds
            await self._look_into(integration, intent)
            return Tally(handled=1)
        stored, linked = await self.create.first(integration, stored)
        assert intent.intent is not None
        await self.changes.append([self.journal.created(linked, toward=intent.intent.toward, trace=trace)])
        kept = await self.journal.save(stored, linked)
        if linked.base_w is None:  # WedSync had the event already: see what the two have in common
            done = await self.pair.run(integration, kept, views, policy=policy, trace=trace, conflicts=())
            return replace(done, noted=done.noted + 1)
        return Tally(handled=1, created=1)
