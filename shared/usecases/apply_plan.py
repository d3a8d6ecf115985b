"""Carry out a run's plan: writes in groups toward both sides at once, all else pair by pair.

What fails for one event is counted and named, and holds up no other. What changes meanwhile is noticed by the tag of
its mapping, and is left to the look that changed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Create, Hold, Link
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import Tally
from shared.core.mapping import EventMapping
from shared.core.plan import PlannedNew, PlannedPair, SyncPlan
from shared.core.views import Present, Views
from shared.errors import EventGone, RowChanged, RowExists, SyncFault, VersionMismatch
from shared.log import log_action
from shared.ports import Mappings, Stored
from shared.usecases.at_once import all_of, some_at_once
from shared.usecases.carry_out import CarryOut
from shared.usecases.create_event import CreateEvent
from shared.usecases.look import Look
from shared.usecases.prove import subject_of
from shared.usecases.refusals import STOPS
from shared.usecases.run_round import Round, Step, Subject
from shared.usecases.send_writes import OutlookSender, WedSyncSender
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair
from shared.usecases.travel_block import TravelBlocks
from shared.usecases.write_lane import Write, WriteLane, one_write

_AT_ONCE = 4
"""Pairs in work at a time that may ask Outlook: it lets four requests of an app into a mailbox at once."""

ById = Mapping[str, Stored[EventMapping]]


@dataclass(frozen=True, kw_only=True)
class ApplyPlan:
    """Open intents first, then everything else at the same time, then what depends on it: joins and travel blocks."""

    mappings: Mappings
    look: Look
    acts: CarryOut
    pair: SettlePair
    new: SettleNew
    create: CreateEvent
    lane: WriteLane
    to_outlook: OutlookSender
    to_wedsync: WedSyncSender
    travel: TravelBlocks

    async def run(self, work: Round, plan: SyncPlan, known: ById) -> None:
        """Do it all, or as much as the round has time for; raise what stops the whole integration."""
        intents: list[PlannedPair] = []
        others: list[PlannedPair] = []
        for pair in plan.pairs:
            (intents if isinstance(pair.decision.actions[0], Hold) else others).append(pair)
        await self._singly(work, [self._settled_pair(work, pair, known) for pair in intents])
        singly: list[tuple[Subject, Step]] = []
        writes: dict[Side, list[Write]] = {side: [] for side in Side}
        for pair in others:
            self._sort(work, pair, known, writes, singly)
        for new in plan.new:
            if isinstance(new.action, Create):
                writes[new.action.side].append(self._first_copy(work, new, new.action))
        await all_of([self._lanes(work, writes), self._singly(work, singly)])
        links = [new for new in plan.new if isinstance(new.action, Link)]
        await self._singly(work, [self._linked(work, new) for new in links])

    async def run_travel(self, work: Round, known: Sequence[Stored[EventMapping]]) -> None:
        """Travel blocks come last: by now it is known which events are in Outlook."""
        found = await self.travel.found(work.integration, work.pulled, known, policy=work.policy)
        await self._singly(work, [self._block(work, stored, views) for stored, views in found.pairs])
        new = [
            Write(subject=Subject.of(intent), views=views, intent=intent, is_event=False) for intent, views in found.new
        ]
        await self.lane.run(work, new, self.to_outlook, self._anew)

    async def _lanes(self, work: Round, writes: Mapping[Side, Sequence[Write]]) -> None:
        await all_of(
            [
                self.lane.run(work, writes[Side.OUTLOOK], self.to_outlook, self._anew),
                self.lane.run(work, writes[Side.WEDSYNC], self.to_wedsync, self._anew),
            ]
        )

    # --- sorting ------------------------------------------------------------------------------------------------

    def _sort(
        self,
        work: Round,
        pair: PlannedPair,
        known: ById,
        writes: Mapping[Side, list[Write]],
        singly: list[tuple[Subject, Step]],
    ) -> None:
        """Put a pair where its decision is carried out."""
        mapping, action = pair.seen.mapping, one_write(pair)
        subject, stored, first = Subject.of(mapping), known[mapping.mapping_id], pair.decision.actions[0]
        if pair.idle:
            work.done(subject, Tally(handled=1))
        elif action is not None:
            write = Write(subject=subject, views=pair.seen.views, stored=stored, decision=pair.decision, action=action)
            writes[action.side].append(write)
        elif isinstance(first, Create) and not mapping.moved_from and (state := _wedsync(pair.seen.views)) is not None:
            intent = self.create.intend_outlook(work.integration, state, first, again=mapping)
            writes[Side.OUTLOOK].append(Write(subject=subject, views=pair.seen.views, stored=stored, intent=intent))
        else:
            singly.append(self._decided(work, pair, stored))

    def _first_copy(self, work: Round, new: PlannedNew, action: Create) -> Write:
        state = new.seen.state
        if isinstance(state, WedSyncState):
            intent = self.create.intend_outlook(work.integration, state, action)
            views = Views(wedsync=Present(state))
        else:
            intent = self.create.intend_wedsync(work.integration, state, action)
            views = Views(outlook=Present(state))
        return Write(subject=subject_of(new), views=views, intent=intent)

    # --- one by one ---------------------------------------------------------------------------------------------

    async def _singly(self, work: Round, steps: Sequence[tuple[Subject, Step]]) -> None:
        async def one(subject: Subject, step: Step) -> None:
            if work.stopping:
                work.cut = True
                return
            await self._guarded(work, subject, step)
            await work.show()

        await some_at_once([lambda each=each: one(*each) for each in steps], work.at_once(_AT_ONCE))  # type: ignore[misc]

    async def _guarded(self, work: Round, subject: Subject, step: Step) -> None:
        try:
            await step()
        except STOPS:
            raise
        except (RowChanged, RowExists):
            work.left_to_another(subject)
        except SyncFault as fault:
            await work.failed(subject, fault)

    def _decided(self, work: Round, pair: PlannedPair, stored: Stored[EventMapping]) -> tuple[Subject, Step]:
        """Carry out a decision as it was planned; where something has moved on since, look and decide anew."""
        subject, views = Subject.of(stored.value), pair.seen.views

        async def act() -> None:
            conflicts = work.conflicts.get(stored.value.mapping_id, ())
            try:
                tally = await self.acts.run(
                    work.integration,
                    stored,
                    pair.decision,
                    wedsync=views.wedsync,
                    trace=work.trace,
                    conflicts=conflicts,
                )
            except (VersionMismatch, EventGone, RowChanged) as stale:
                await self._look_again(work, subject, stored.value.mapping_id, views, stale)
            else:
                work.done(subject, tally)

        return subject, act

    def _settled_pair(self, work: Round, pair: PlannedPair, known: ById) -> tuple[Subject, Step]:
        stored = known[pair.seen.mapping.mapping_id]
        subject = Subject.of(stored.value)

        async def settle() -> None:
            conflicts = work.conflicts.get(stored.value.mapping_id, ())
            try:
                tally = await self.pair.run(
                    work.integration,
                    stored,
                    pair.seen.views,
                    policy=work.policy,
                    trace=work.trace,
                    conflicts=conflicts,
                )
            except RowChanged as stale:
                await self._look_again(work, subject, stored.value.mapping_id, pair.seen.views, stale)
            else:
                work.done(subject, tally)

        return subject, settle

    async def _look_again(self, work: Round, subject: Subject, mapping_id: str, views: Views, stale: SyncFault) -> None:
        """Decide on the pair as it is now: on both sides if its mapping has changed, else on the side that has."""
        stored = await self.mappings.get(work.integration.integration_id, mapping_id)
        if stored is None:
            work.left_to_another(subject)
            return
        log_action("pair_moved_on", integration=work.integration.integration_id, mapping=mapping_id)
        if isinstance(stale, VersionMismatch | EventGone):
            sides: tuple[Side, ...] = (Side.WEDSYNC if stale.service == "wedsync" else Side.OUTLOOK,)
        else:
            sides = tuple(Side)
        for side in sides:
            views = views.seen(side, await self.look.again(work.integration, stored.value, side))
        tally = await self.pair.run(work.integration, stored, views, policy=work.policy, trace=work.trace)
        work.done(subject, tally)

    async def _anew(self, work: Round, write: Write, stale: SyncFault | None) -> None:
        """A write of a lane met another version than it was decided on, or was answered with what was there before."""

        async def settle() -> None:
            assert write.stored is not None
            mapping_id = write.stored.value.mapping_id
            if stale is not None:
                await self._look_again(work, write.subject, mapping_id, write.views, stale)
                return
            await self.pair.run(
                work.integration, write.stored, write.views, policy=work.policy, trace=work.trace, conflicts=()
            )

        await self._guarded(work, write.subject, settle)

    def _linked(self, work: Round, new: PlannedNew) -> tuple[Subject, Step]:
        """Join the event with its counterpart, or with the create that made it."""
        state, twin = new.seen.state, new.seen.counterpart
        subject = subject_of(new)

        async def link() -> None:
            assert isinstance(state, OutlookState)
            if twin is not None:
                tally = await self.new.join(work.integration, twin, state, policy=work.policy, trace=work.trace)
            else:
                tally = await self.new.outlook_event(work.integration, state, policy=work.policy, trace=work.trace)
            work.done(subject, tally)

        return subject, link

    def _block(self, work: Round, stored: Stored[EventMapping], views: Views) -> tuple[Subject, Step]:
        subject = Subject.of(stored.value)

        async def settle() -> None:
            done = await self.pair.run(
                work.integration, stored, views, policy=work.policy, trace=work.trace, conflicts=()
            )
            work.done(subject, replace(done, handled=0))  # a block is no event

        return subject, settle


def _wedsync(views: Views) -> WedSyncState | None:
    """Return the event to make a copy of, if it was read and is there."""
    state = views.wedsync.state if isinstance(views.wedsync, Present) else None
    return state if isinstance(state, WedSyncState) and not state.deleted else None
