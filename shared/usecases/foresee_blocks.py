"""What a run would do about travel blocks, after all that it would do about the events that they lead to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from shared.core.actions import Create, Delete, Hold
from shared.core.event import WedSyncState
from shared.core.mapping import EventMapping, Role
from shared.core.plan import NewSeen, PairSeen, PlannedNew, PlannedPair, SyncPlan, decide_seen
from shared.core.settle import without_event
from shared.core.states import MappingState
from shared.core.travel import new_block
from shared.core.views import Present, Views
from shared.errors import SyncFault
from shared.ports import Stored
from shared.usecases.look import Look
from shared.usecases.pull_sides import Known
from shared.usecases.refusals import STOPS
from shared.usecases.run_round import Round, Subject
from shared.usecases.travel_block import TravelBlocks

_LOOKS = 3
_TO_COME = "to come"
"""The id in Outlook of a copy that would be made."""


@dataclass(frozen=True, kw_only=True)
class ForeseeBlocks:
    """Plays the plan on the mappings, and asks ``TravelBlocks`` what would be left to do. Nothing is written."""

    travel: TravelBlocks
    look: Look

    async def run(self, work: Round, plan: SyncPlan, known: Known, held: Collection[str]) -> SyncPlan:
        """Return the plan for the blocks of all events."""
        wanted = work.policy.preferences.sync_travel_time
        if not wanted and all(stored.value.role is Role.EVENT for stored in known):
            return SyncPlan()
        found = await self.travel.among(
            work.integration, work.pulled, self._after(work, plan, known, held), policy=work.policy
        )
        pairs = [await self._pair(work, stored.value, views) for stored, views in found.pairs]
        new = [_new(work, views) for _, views in found.new]
        return SyncPlan(
            pairs=tuple(pair for pair in pairs if pair is not None), new=tuple(each for each in new if each is not None)
        )

    async def named(self, work: Round, plan: SyncPlan, known: Known, held: Collection[str]) -> SyncPlan:
        """Return the plan for the blocks of the events that the plan is about."""
        seen = [pair.seen.views.wedsync for pair in plan.pairs]
        states = [view.state for view in seen if isinstance(view, Present)] + [each.seen.state for each in plan.new]
        events = {state.event_id: state for state in states if isinstance(state, WedSyncState)}
        work.pulled = replace(work.pulled, wedsync=events)
        theirs = tuple(stored for stored in known if stored.value.wedsync_id in events)
        return await self.run(work, plan, theirs, held)

    async def _pair(self, work: Round, block: EventMapping, views: Views) -> PlannedPair | None:
        try:
            for _ in range(_LOOKS):
                pair = PlannedPair(
                    seen=PairSeen(mapping=block, views=views), decision=decide_seen(block, views, policy=work.policy)
                )
                if pair.missing is None:
                    return pair
                view = await self.look.at(work.integration, block, pair.missing, moved=pair.whereabouts)
                views = views.seen(pair.missing, view)
        except STOPS:
            raise
        except SyncFault as fault:
            await work.failed(Subject.of(block), fault)
        return None

    def _after(
        self, work: Round, plan: SyncPlan, known: Known, held: Collection[str]
    ) -> Iterable[Stored[EventMapping]]:
        """Yield the mappings as they would be once the plan was carried out, as far as blocks go by them."""
        planned = {pair.seen.mapping.mapping_id: pair for pair in plan.pairs}
        for stored in known:
            pair = planned.get(stored.value.mapping_id)
            if pair is None or stored.value.mapping_id in held:
                yield stored
            elif (mapping := _played(pair)).state is not MappingState.ENDED:
                yield Stored(value=mapping, tag=stored.tag)
        for new in plan.new:
            if isinstance(new.action, Create) and isinstance(new.seen.state, WedSyncState):
                intent = self.travel.create.intend_outlook(work.integration, new.seen.state, new.action)
                yield Stored(value=_made(intent), tag="")


def _made(intent: EventMapping) -> EventMapping:
    return replace(intent, state=MappingState.LINKED, outlook_id=_TO_COME, intent=None)


def _new(work: Round, views: Views) -> PlannedNew | None:
    state = views.wedsync.state if isinstance(views.wedsync, Present) else None
    if not isinstance(state, WedSyncState) or (action := new_block(state, work.policy)) is None:
        return None
    return PlannedNew(seen=NewSeen(state=state), action=action)


def _played(pair: PlannedPair) -> EventMapping:
    mapping = pair.decision.mapping
    for action in pair.decision.actions:
        if isinstance(action, Hold):
            return pair.seen.mapping
        if isinstance(action, Create):
            return _made(mapping)
        if isinstance(action, Delete):
            return without_event(mapping, action)
    return mapping
