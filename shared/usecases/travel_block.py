"""Travel-time blocks: after an event was settled, its block follows it.

A block is there while the event's own copy is in Outlook. What it should look like is ``core.travel``'s; here is when
it is looked at: never before its event, so that a deletion that is held or in question keeps the block as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.core.actions import Policy
from shared.core.event import Side, WedSyncState
from shared.core.history import Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from shared.core.travel import new_block
from shared.core.views import UNSEEN, Gone, Present, View, Views
from shared.ports import Mappings, Stored
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair


@dataclass(frozen=True, kw_only=True)
class TravelWork:
    """What a run has to do about blocks: ``pairs`` to decide on, and intents of new ones, not stored yet."""

    pairs: tuple[tuple[Stored[EventMapping], Views], ...] = ()
    new: tuple[tuple[EventMapping, Views], ...] = ()


@dataclass(kw_only=True)
class _Known:
    """The mappings of both roles by WedSync's id."""

    events: dict[str, Stored[EventMapping]] = field(default_factory=dict)
    blocks: dict[str, Stored[EventMapping]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TravelBlocks:
    """Finds the blocks that are to be made, moved or removed."""

    mappings: Mappings
    look: Look
    create: CreateEvent
    pair: SettlePair
    new: SettleNew

    async def is_behind(self, integration: Integration, event_id: str, version: int) -> bool:
        """Whether the event's block, as far as there may be one, has not followed to this version yet."""
        if not integration.preferences.sync_travel_time:
            return False
        block = await self.mappings.by_wedsync(integration.integration_id, event_id, Role.TRAVEL)
        return block is None or block.value.w_version < version

    async def follow(
        self, integration: Integration, event_id: str, view: View, *, policy: Policy, trace: Trace
    ) -> Tally:
        """Settle the block of one event that has just been settled; ``view`` is what was read of it in WedSync."""
        if not policy.preferences.sync_travel_time:
            return Tally()  # blocks that are left over are taken away by the run that the setting starts
        event = await self.mappings.by_wedsync(integration.integration_id, event_id)
        block = await self.mappings.by_wedsync(integration.integration_id, event_id, Role.TRAVEL)
        if block is None:
            intent = self._intent(integration, event, view, policy)
            if intent is None:
                return Tally()
            done = await self.new.make(integration, intent, Views(wedsync=view), policy=policy, trace=trace)
        else:
            led = await self._led(integration, event, event_id, view)
            if led is None:
                return Tally()
            done = await self.pair.run(integration, block, Views(wedsync=led), policy=policy, trace=trace, conflicts=())
        return replace(done, handled=0)  # a block is no event

    async def found(
        self, integration: Integration, pulled: Pulled, before: Sequence[Stored[EventMapping]], *, policy: Policy
    ) -> TravelWork:
        """Return what is to be done after a run has settled all events that it read.

        ``before`` are the mappings as they were before that.
        """
        if not policy.preferences.sync_travel_time and all(stored.value.role is Role.EVENT for stored in before):
            return TravelWork()
        after = [stored async for stored in self.mappings.all(integration.integration_id)]
        return await self.among(integration, pulled, after, policy=policy)

    async def among(
        self, integration: Integration, pulled: Pulled, after: Iterable[Stored[EventMapping]], *, policy: Policy
    ) -> TravelWork:
        """Return what is to be done where the mappings, once all events are settled, are these. Nothing is written."""
        wanted = policy.preferences.sync_travel_time
        known = _by_role(after)
        pairs, new = [], []
        for event_id, block in known.blocks.items():
            view = _seen(pulled, event_id)
            if _settled(block.value, known.events.get(event_id), view, wanted=wanted):
                continue
            led = await self._led(integration, known.events.get(event_id), event_id, view)
            if led is not None:
                pairs.append((block, Views(wedsync=led)))
        for event_id, state in pulled.wedsync.items():
            intent = self._intent(integration, known.events.get(event_id), Present(state), policy)
            if intent is not None and event_id not in known.blocks:
                new.append((intent, Views(wedsync=Present(state))))
        return TravelWork(pairs=tuple(pairs), new=tuple(new))

    def _intent(
        self, integration: Integration, event: Stored[EventMapping] | None, view: View, policy: Policy
    ) -> EventMapping | None:
        """Return the intent of a new block, if the event's own copy is in Outlook and it is to have one."""
        if event is None or event.value.state is not MappingState.LINKED or event.value.born is not Side.WEDSYNC:
            return None
        if event.value.outlook_id is None or not isinstance(view, Present) or not isinstance(view.state, WedSyncState):
            return None
        action = new_block(view.state, policy)
        return self.create.intend_outlook(integration, view.state, action, role=Role.TRAVEL) if action else None

    async def _led(
        self, integration: Integration, event: Stored[EventMapping] | None, event_id: str, view: View
    ) -> View | None:
        """Return the event as its block is to see it, or None to leave the block as it is."""
        state = event.value.state if event else MappingState.ENDED
        if state is MappingState.INTENT or (state is MappingState.LINKED and _is_gone(view)):
            return None  # not known yet, or waiting for a person's word
        if state is MappingState.LINKED:
            return view
        if view == UNSEEN:
            view = await self.look.wedsync_event(integration, event_id)
        if isinstance(view, Present) and isinstance(view.state, WedSyncState) and not view.state.deleted:
            if event is None:  # there should be a mapping, and it will be found again
                return None
            return Present(replace(view.state, travel_minutes=None))  # it is not in Outlook: no block either
        return view


def _by_role(mappings: Iterable[Stored[EventMapping]]) -> _Known:
    known = _Known()
    for stored in mappings:
        if stored.value.wedsync_id is not None:
            found = known.blocks if stored.value.role is Role.TRAVEL else known.events
            found[stored.value.wedsync_id] = stored
    return known


def _seen(pulled: Pulled, event_id: str) -> View:
    state = pulled.wedsync.get(event_id)
    return UNSEEN if state is None else Present(state)


def _is_gone(view: View) -> bool:
    deleted = isinstance(view, Present) and isinstance(view.state, WedSyncState) and view.state.deleted
    return deleted or isinstance(view, Gone)


def _settled(block: EventMapping, event: Stored[EventMapping] | None, view: View, *, wanted: bool) -> bool:
    """Whether there is nothing to ask about a block: nothing was read, and all is as it was wanted."""
    followed = event is not None and event.value.state is MappingState.LINKED
    resting = block.state is MappingState.UNLINKED or (
        wanted and block.state is MappingState.LINKED and not block.quarantine
    )
    return followed and resting and view == UNSEEN
