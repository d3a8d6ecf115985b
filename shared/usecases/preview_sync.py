"""What a run would do, from the same planner; nothing is written anywhere and no place to continue from is moved."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.core.actions import Action, Create, Delete, Link, OpenConflict, Rule, Skip, Update
from shared.core.confirmation import Wanted, counted, mapped_keys, weighed
from shared.core.emptiness import empty_sides
from shared.core.event import Field, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.jobs import RunKind, RunRequest
from shared.core.plan import PlannedNew, PlannedPair, SyncPlan
from shared.core.pulled import Pulled
from shared.core.settings_change import copies_to_move
from shared.errors import StateConflict, SyncFault
from shared.ports import Clock, Confirmations, Ids, Integrations
from shared.usecases.connect_state import connection_of
from shared.usecases.foresee_blocks import ForeseeBlocks
from shared.usecases.guard_deletions import WantedDeletion
from shared.usecases.journal import Trace
from shared.usecases.pull_sides import Known, PullSides
from shared.usecases.rebuild_mappings import Reading, RebuildMappings
from shared.usecases.run_round import Round
from shared.usecases.settle_pair import policy_of
from shared.usecases.settle_pulled import SettlePulled, wanted_deletions

LISTED = 200
_SHOWN = (Create, Update, Delete, Link, OpenConflict)


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """One thing that a run would do. ``title`` is empty where the event's content is not WedSync's to show."""

    event_id: str
    title: str
    side: Side
    action: str
    fields: tuple[Field, ...]
    rule: Rule


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The counts, and the first of the events. ``held`` are deletions that would wait for a person's word.

    ``moved`` are copies that would go to another calendar first; what is in that one shows when it is there.
    """

    creates: int = 0
    updates: int = 0
    deletes: int = 0
    conflicts: int = 0
    held: int = 0
    moved: int = 0
    unreached: int = 0
    events: tuple[Foreseen, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class PreviewSync:
    """Reads, proves and plans as a run does, and stops there."""

    integrations: Integrations
    confirmations: Confirmations
    rebuild: RebuildMappings
    pull: PullSides
    settle: SettlePulled
    blocks: ForeseeBlocks
    ids: Ids
    clock: Clock

    async def run(self, user_id: str, request: RunRequest) -> Preview:
        """Return what a run with this request would do now; ``StateConflict`` where none could be made."""
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        known = await self.pull.known(integration)
        pulled = await self._pulled(integration, request, known)
        work = Round(
            integration=integration,
            pulled=pulled,
            policy=policy_of(integration, run_direction=request.direction, window=pulled.window),
            trace=Trace(),
            journal=self.settle.journal,
            previewing=True,
        )
        work.conflicts = await self.settle.open_conflicts(integration)
        plan, held = await self._planned(work, request, known)
        faults = [fault for _, fault in work.waiting.values()]
        if faults and not plan.total:
            raise _worst(faults)
        moved = copies_to_move(integration, [stored.value for stored in known])
        return replace(_preview(plan, held), moved=moved, unreached=len(faults))

    async def _planned(self, work: Round, request: RunRequest, known: Known) -> tuple[SyncPlan, frozenset[str]]:
        """Return the plan, with travel blocks last as in a run, and what the guard would hold of it."""
        if request.specific_events:
            plan, _ = await self.settle.prove.named(work, tuple(dict.fromkeys(request.specific_events)))
            held = await self._held(work, plan, known)
            return plan + await self.blocks.named(work, plan, known, held), held
        if work.pulled.complete:
            reading = Reading(known=known, wedsync=work.pulled.wedsync, outlook=work.pulled.outlook)
            known = (await self.rebuild.from_reading(work.integration, reading, work=None)).known
        plan = await self.settle.prove.run(work, known)
        held = await self._held(work, plan, known)
        return plan + await self.blocks.run(work, plan, known, held), held

    async def _pulled(self, integration: Integration, request: RunRequest, known: Known) -> Pulled:
        if request.specific_events:
            return Pulled(window=self.pull.everything(integration).window, complete=False)
        full = await self.rebuild.epoch_lost(integration) or request.kind is RunKind.FULL or integration.unsettled
        begun = self.pull.everything(integration) if full else self.pull.changes(integration)
        return await self.pull.go_on(integration, begun, known)

    async def _held(self, work: Round, plan: SyncPlan, known: Known) -> frozenset[str]:
        """Weigh the deletions as the guard would, and leave its ledger as it is."""
        wanted: list[WantedDeletion] = wanted_deletions(plan, {each.value.mapping_id: each for each in known})
        if not wanted:
            return frozenset()
        ledger = (await self.confirmations.ledger(work.integration.integration_id)).value
        mappings = [stored.value for stored in known]
        now = self.clock.now()
        found = weighed(
            counted(ledger, mapped_keys(mappings), now=now),
            [Wanted(mapping=each.stored.value, side=each.side) for each in wanted],
            now=now,
            empty_sides=empty_sides(work.pulled, mappings),
            new_id=self.ids.new_id,
        )
        return found.held


def _worst(faults: Collection[SyncFault]) -> SyncFault:
    return next(iter(faults))


def _preview(plan: SyncPlan, held: frozenset[str]) -> Preview:
    counts: Counter[str] = Counter()
    events: list[Foreseen] = []
    everything: list[PlannedPair | PlannedNew] = [*plan.pairs, *plan.new]
    for planned in everything:
        if isinstance(planned, PlannedPair) and planned.seen.mapping.mapping_id in held:
            counts["held"] += 1
            events.append(_foreseen(planned, planned.decision.actions[0], "held"))
            continue
        for action in _actions(planned):
            kind = type(action).__name__
            counts[kind] += 1
            if isinstance(action, _SHOWN):
                events.append(_foreseen(planned, action, _WORDS[type(action)]))
    return Preview(
        creates=counts["Create"],
        updates=counts["Update"],
        deletes=counts["Delete"],
        conflicts=counts["OpenConflict"],
        held=counts["held"],
        events=tuple(events[:LISTED]),
        truncated=len(events) > LISTED,
    )


_WORDS: dict[type, str] = {
    Create: "create",
    Update: "update",
    Delete: "delete",
    Link: "link",
    OpenConflict: "conflict",
}


def _actions(planned: PlannedPair | PlannedNew) -> tuple[Action, ...]:
    """Return what would be done, without questions that a rule of the user's answers at once."""
    if isinstance(planned, PlannedPair):
        actions: tuple[Action, ...] = planned.decision.actions
    else:
        actions = (planned.action, *(planned.decision.actions if planned.decision else ()))
    return tuple(action for action in actions if not (isinstance(action, OpenConflict) and action.use is not None))


def _foreseen(planned: PlannedPair | PlannedNew, action: Action, word: str) -> Foreseen:
    side = getattr(action, "side", None) or Side.OUTLOOK
    if isinstance(planned, PlannedPair):
        mapping = planned.seen.mapping
        base = mapping.base_w
        event_id, title = mapping.wedsync_id or mapping.mapping_id, base.title if base else ""
    else:
        state = planned.seen.state
        event_id = state.event_id
        title = state.content.title if isinstance(state, WedSyncState) or not state.content.private else ""
    fields = tuple(sorted(action.fields)) if isinstance(action, Update) else ()
    rule = Rule.HELD if isinstance(action, Skip) else action.rule
    return Foreseen(event_id=event_id, title=title, side=side, action=word, fields=fields, rule=rule)
