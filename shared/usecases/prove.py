"""Read what a run's reading does not show and its decisions depend on: missing events, markers, the other side."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.core.answers import could_be_ruled
from shared.core.conflicts import is_chosen
from shared.core.event import OutlookKind, OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.plan import NewSeen, PairSeen, PlannedNew, PlannedPair, SyncPlan, plan
from shared.core.rebuild import made_by_program
from shared.core.states import MappingState
from shared.core.unmapped import in_window
from shared.core.views import UNSEEN, Present, View, Views
from shared.errors import SyncFault
from shared.ports import Mappings, ResolutionRules, Stored
from shared.usecases.at_once import some_at_once
from shared.usecases.create_event import external_id_of
from shared.usecases.look import Look
from shared.usecases.refusals import STOPS
from shared.usecases.run_round import Round, Step, Subject

LOOKS_AT_ONCE = 4
"""Outlook lets four requests of an app into a mailbox at once."""

_PLANNED_AT_ONCE = 200
_LOOKS = 3


@dataclass(kw_only=True)
class _Sight:
    """What is seen, as it grows."""

    pairs: dict[str, PairSeen] = field(default_factory=dict)
    new: list[NewSeen] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Prove:
    """From a reading to a plan. Nothing is written; what cannot be read is noted with the round as not reached."""

    mappings: Mappings
    rules: ResolutionRules
    look: Look

    async def run(self, work: Round, known: Sequence[Stored[EventMapping]]) -> SyncPlan:
        """Return the plan for all that was read and can be decided. ``known`` are all mappings of the integration."""
        sight = _Sight()
        todo = [stored for stored in known if is_left(work, stored.value)]
        await self._all(work, [self._pair(work, stored.value, sight) for stored in todo])
        await self._all(work, self._unmapped(work, known, sight))
        found = SyncPlan()
        for start in range(0, max(len(sight.pairs), len(sight.new)), _PLANNED_AT_ONCE):
            end = start + _PLANNED_AT_ONCE
            found += await self._planned(work, list(sight.pairs.values())[start:end], sight.new[start:end])
        return found

    async def named(self, work: Round, event_ids: Sequence[str]) -> tuple[SyncPlan, tuple[str, ...]]:
        """Return the plan for the events that are named (by WedSync's id, or the mapping's), and unknown ids."""
        sight = _Sight()
        unknown: list[str] = []
        await self._all(work, [self._named(work, event_id, sight, unknown) for event_id in event_ids])
        found = await self._planned(work, list(sight.pairs.values()), sight.new)
        return found, tuple(event_id for event_id in event_ids if event_id in unknown)

    async def _all(self, work: Round, steps: list[tuple[Subject, Step]]) -> None:
        async def one(subject: Subject, step: Step) -> None:
            if work.looked_enough:
                work.cut = True
                return
            try:
                await step()
            except STOPS:
                raise
            except SyncFault as fault:
                await work.failed(subject, fault)

        await some_at_once([lambda each=each: one(*each) for each in steps], work.at_once(LOOKS_AT_ONCE))  # type: ignore[misc]

    # --- planning -----------------------------------------------------------------------------------------------

    async def _planned(self, work: Round, pairs: Sequence[PairSeen], new: Sequence[NewSeen]) -> SyncPlan:
        """Plan, and again with what turned out to be needed."""
        found = _plan(work, pairs, new)
        if not work.policy.rules and any(could_be_ruled(pair.decision) for pair in found.pairs):
            rules = await self.rules.of_integration(work.integration.integration_id)
            work.policy = replace(work.policy, rules=rules)
            found = _plan(work, pairs, new) if rules else found
        ready = SyncPlan(new=found.new)
        for _ in range(_LOOKS):
            ready += SyncPlan(pairs=tuple(pair for pair in found.pairs if pair.missing is None))
            asking = [pair for pair in found.pairs if pair.missing is not None]
            if not asking:
                return ready
            seen: list[PairSeen] = []
            await self._all(work, [self._fuller(work, pair, seen) for pair in asking])
            found = _plan(work, seen, ())
        return ready + SyncPlan(pairs=tuple(pair for pair in found.pairs if pair.missing is None))

    def _fuller(self, work: Round, pair: PlannedPair, seen: list[PairSeen]) -> tuple[Subject, Step]:
        async def read() -> None:
            assert pair.missing is not None
            view = await self.look.at(work.integration, pair.seen.mapping, pair.missing, moved=pair.whereabouts)
            seen.append(replace(pair.seen, views=pair.seen.views.seen(pair.missing, view)))

        return Subject.of(pair.seen.mapping), read

    # --- mapped -------------------------------------------------------------------------------------------------

    def _pair(self, work: Round, mapping: EventMapping, sight: _Sight) -> tuple[Subject, Step]:
        async def see() -> None:
            views = Views(wedsync=await self._wedsync(work, mapping), outlook=await self._outlook(work, mapping))
            asked = any(row.absent is Side.OUTLOOK for row in work.conflicts.get(mapping.mapping_id, ()))
            if asked and isinstance(views.outlook, Present):  # whether it is back has to be asked
                at = await self.look.at(work.integration, mapping, Side.OUTLOOK, moved=True)
                views = views.seen(Side.OUTLOOK, at)
            untouched = views == Views()
            if mapping.quarantine and (work.pulled.complete or not untouched):
                views = await self._both(work.integration, mapping, views)
                untouched = views == Views()
            chosen = is_chosen(work.conflicts.get(mapping.mapping_id, ()))
            if untouched and not chosen and mapping.state is not MappingState.INTENT:
                work.settled.add(mapping.mapping_id)
                return
            sight.pairs[mapping.mapping_id] = PairSeen(mapping=mapping, views=views)

        return Subject.of(mapping), see

    async def _both(self, integration: Integration, mapping: EventMapping, views: Views) -> Views:
        """Look at what the round did not show: whatever was refused may lie outside of what it reads."""
        for side in mapping.own_sides:
            if views.of(side) == UNSEEN and mapping.state is not MappingState.UNLINKED:
                views = views.seen(side, await self.look.at(integration, mapping, side))
        return views

    async def _wedsync(self, work: Round, mapping: EventMapping) -> View:
        if mapping.wedsync_id is None or mapping.role is Role.TRAVEL:  # a block follows its event, and comes last
            return UNSEEN
        state = work.pulled.wedsync.get(mapping.wedsync_id)
        if state is not None:
            return Present(state)
        missed = work.pulled.complete and mapping.base_w is not None and in_window(mapping.base_w, work.pulled.window)
        missed = missed and mapping.wedsync_id not in work.pulled.unreadable
        return await self.look.wedsync_event(work.integration, mapping.wedsync_id) if missed else UNSEEN

    async def _outlook(self, work: Round, mapping: EventMapping) -> View:
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
        return await self.look.at(work.integration, mapping, Side.OUTLOOK, moved=True)

    # --- not mapped ---------------------------------------------------------------------------------------------

    def _unmapped(
        self, work: Round, known: Sequence[Stored[EventMapping]], sight: _Sight
    ) -> list[tuple[Subject, Step]]:
        """Take in the events without a mapping; return what has to be read about some of them first."""
        mappings = [stored.value for stored in known]
        by_id = {mapping.mapping_id: mapping for mapping in mappings}
        outlook_ids = {mapping.outlook_id for mapping in mappings}
        wedsync_ids = {mapping.wedsync_id for mapping in mappings if mapping.role is Role.EVENT}
        twins = {state.external_id: state for state in work.pulled.wedsync.values() if state.external_id}
        reads: list[tuple[Subject, Step]] = []
        joined: set[str] = set()
        for state in work.pulled.outlook.values():
            if state.event_id in outlook_ids or state.kind is OutlookKind.MASTER or _key(state) in work.pulled.done:
                continue
            twin = twins.get(external_id_of(work.integration, state))
            if made_by_program(state):
                reads.append(self._marked(work, state, by_id, sight))
            elif twin is not None and twin.event_id not in wedsync_ids:
                joined.add(twin.event_id)
                sight.new.append(NewSeen(state=state, counterpart=twin))
            else:
                sight.new.append(NewSeen(state=state))
        taken = wedsync_ids | joined
        for event in work.pulled.wedsync.values():
            if event.event_id not in taken and _key(event) not in work.pulled.done:
                sight.new.append(NewSeen(state=event))
        return reads

    def _marked(
        self, work: Round, state: OutlookState, by_id: dict[str, EventMapping], sight: _Sight
    ) -> tuple[Subject, Step]:
        """An event that a program made: read it with its marker before taking it for somebody else's."""

        async def read() -> None:
            view = await self.look.outlook_event(work.integration, state.event_id)
            if not isinstance(view, Present) or not isinstance(view.state, OutlookState):
                return
            seen = replace(view.state, series_id=state.series_id, occurrence_date=state.occurrence_date)
            candidate = by_id.get(seen.marker) if seen.marker else None
            sight.new.append(NewSeen(state=seen, candidate=candidate))

        return subject_of(NewSeen(state=state)), read

    # --- named --------------------------------------------------------------------------------------------------

    def _named(self, work: Round, event_id: str, sight: _Sight, unknown: list[str]) -> tuple[Subject, Step]:
        async def read() -> None:
            home = work.integration.integration_id
            stored = await self.mappings.by_wedsync(home, event_id) or await self.mappings.get(home, event_id)
            if stored is None:
                view = await self.look.wedsync_event(work.integration, event_id)
                if isinstance(view, Present) and isinstance(view.state, WedSyncState):
                    sight.new.append(NewSeen(state=view.state))
                else:
                    unknown.append(event_id)
                return
            mapping = stored.value
            views = Views()
            if Side.WEDSYNC in mapping.own_sides:
                views = views.seen(Side.WEDSYNC, await self.look.at(work.integration, mapping, Side.WEDSYNC))
            if mapping.state is not MappingState.UNLINKED:
                views = views.seen(
                    Side.OUTLOOK, await self.look.at(work.integration, mapping, Side.OUTLOOK, moved=True)
                )
            sight.pairs[mapping.mapping_id] = PairSeen(mapping=mapping, views=views)

        return Subject(key=event_id, event_id=event_id), read


def _plan(work: Round, pairs: Sequence[PairSeen], new: Sequence[NewSeen]) -> SyncPlan:
    return plan(pairs, new, integration=work.integration, policy=work.policy, conflicts=work.conflicts)


def is_left(work: Round, mapping: EventMapping) -> bool:
    """Whether a pair is still to be settled in this run; open intents always are."""
    left = work.pulled.left
    return left is None or mapping.mapping_id in left or mapping.state is MappingState.INTENT


def _key(state: WedSyncState | OutlookState) -> str:
    return f"{Side.WEDSYNC if isinstance(state, WedSyncState) else Side.OUTLOOK}:{state.event_id}"


def subject_of(seen: NewSeen | PlannedNew) -> Subject:
    """Return the subject of an event without a mapping."""
    found = seen.seen if isinstance(seen, PlannedNew) else seen
    event_type = found.state.event_type if isinstance(found.state, WedSyncState) else None
    return Subject(key=_key(found.state), event_id=found.state.event_id, event_type=event_type)
