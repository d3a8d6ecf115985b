"""A run that syncs: read both sides to the end, prove, plan, guard, apply. The runner commits the cursors, last.

What a message has no time for is kept and goes on in a further one, without being read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.confirmation import mapped_keys
from shared.core.event import Side
from shared.core.history import Conflict, SyncRun, Tally
from shared.core.integration import Direction, Integration, LastSyncStatus
from shared.core.jobs import RunKind
from shared.core.mapping import EventMapping, Role
from shared.core.plan import SyncPlan
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from shared.errors import SyncFault, Throttled
from shared.ports import Conflicts, RunItems, Stored
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.guard_deletions import GuardDeletions, WantedDeletion, deletion_in
from shared.usecases.journal import Journal, Trace
from shared.usecases.prove import Prove, is_left
from shared.usecases.pull_sides import Known, PullSides
from shared.usecases.run_record import CONTINUED, Done, RunRecord
from shared.usecases.run_round import Round, Subject
from shared.usecases.settle_pair import policy_of


@dataclass(frozen=True, kw_only=True)
class SyncSides:
    """The ``RunWork`` of a sync; ``repair`` for a reconciliation, whose findings had been missed before."""

    pull: PullSides
    prove: Prove
    guard: GuardDeletions
    apply: ApplyPlan
    conflicts: Conflicts
    run_items: RunItems
    journal: Journal
    repair: bool = False

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Bring both sides into step, or a part of the way."""
        trace = replace(trace, repair=trace.repair or self.repair)
        pulled = await self._begin(integration, record)
        known = await self.pull.known(integration)
        pulled = await self.pull.go_on(integration, pulled, known, spent=lambda: record.spent)
        record.check()
        work = self._round(integration, record, pulled, trace)
        if not pulled.finished:
            return await self._continue(work, pulled, None)
        work.conflicts = await open_conflicts(self.conflicts, integration.integration_id)
        plan = await self.prove.run(work, known)
        await self._settle(work, plan, known)
        record.check()
        return await self._end(work, known, record, last_try=last_try)

    # --- the beginning ------------------------------------------------------------------------------------------

    async def _begin(self, integration: Integration, record: RunRecord) -> Pulled:
        run = record.run
        if run.stage == CONTINUED:
            kept = await self.run_items.get(run.integration_id, run.run_id)
            if kept is not None:
                return kept
        full = run.request.kind is RunKind.FULL or integration.unsettled or self.repair
        return self.pull.everything(integration) if full else self.pull.changes(integration)

    def _round(self, integration: Integration, record: RunRecord, pulled: Pulled, trace: Trace) -> Round:
        return Round(
            integration=integration,
            pulled=pulled,
            policy=policy_of(integration, run_direction=record.run.request.direction, window=pulled.window),
            trace=trace,
            journal=self.journal,
            record=record,
            tally=record.run.tally if record.run.stage == CONTINUED else Tally(),
            failures=list(record.run.failures) if record.run.stage == CONTINUED else [],
        )

    # --- the work -----------------------------------------------------------------------------------------------

    async def _settle(self, work: Round, plan: SyncPlan, known: Known) -> None:
        work.tally = replace(work.tally, total=max(work.tally.total, work.tally.handled + plan.total))
        if work.pulled.left is None:
            mappings = [stored.value for stored in known]
            work.pulled = replace(work.pulled, empty=empty_sides(work.pulled, mappings))
        by_id = {stored.value.mapping_id: stored for stored in known}
        held = await self._held(work, plan, known, by_id)
        await work.show()
        allowed = tuple(pair for pair in plan.pairs if pair.seen.mapping.mapping_id not in held)
        await self.apply.run(work, replace(plan, pairs=allowed), by_id)
        if not work.stopping:
            await self.apply.run_travel(work, known)

    async def _held(
        self, work: Round, plan: SyncPlan, known: Known, by_id: dict[str, Stored[EventMapping]]
    ) -> frozenset[str]:
        """Have all deletions of the run weighed together; what is held is done with, as far as this run goes."""
        wanted = wanted_deletions(plan, by_id)
        if not wanted:
            return frozenset()
        mapped = mapped_keys(stored.value for stored in known)
        held = await self.guard.weigh(work.integration, wanted, mapped=mapped, empty_sides=work.pulled.empty)
        for each in wanted:
            if each.stored.value.mapping_id in held:
                work.done(Subject.of(each.stored.value), Tally(handled=1, held=1))
        return held

    # --- the end ------------------------------------------------------------------------------------------------

    async def _end(self, work: Round, known: Known, record: RunRecord, *, last_try: bool) -> Done:
        waiting = list(work.waiting.values())
        over = record.spent
        if (work.stopping or waiting) and not (last_try and not over):
            fault = work.busy or next((fault for _, fault in _longest_first(waiting)), None)
            return await self._continue(work, left_of(work, known), None if over and work.busy is None else fault)
        for subject, fault in waiting:
            work.give_up(subject, fault)
        unreached = any(failure.retryable for failure in work.failures) or work.stopping
        return Done(
            tally=replace(work.tally, total=max(work.tally.handled, work.tally.total)),
            failures=tuple(work.failures),
            pulled=None if _narrowed(record.run, work.integration) else _read_up_to(work.pulled, unreached),
            status=LastSyncStatus.PARTIAL if work.failures else LastSyncStatus.SUCCESS,
        )

    async def _continue(self, work: Round, left: Pulled, fault: SyncFault | None) -> Done:
        """Keep what is left, so that a further message goes on from here."""
        assert work.record is not None
        run = work.record.run
        await self.run_items.put(run.integration_id, run.run_id, left)
        rest = fault.retry_after if isinstance(fault, Throttled) else 0.0
        await work.record.carry_over(work.tally, tuple(work.failures), rest=rest)
        progressed = bool(work.settled) or not left.finished
        return Done(tally=work.tally, failures=tuple(work.failures), continued=True, fault=fault, progressed=progressed)


async def open_conflicts(conflicts: Conflicts, integration_id: str) -> dict[str, list[Conflict]]:
    """Return all open conflicts by mapping."""
    found: dict[str, list[Conflict]] = {}
    for conflict in await conflicts.open_all(integration_id):
        found.setdefault(conflict.mapping_id, []).append(conflict)
    return found


def wanted_deletions(plan: SyncPlan, known: dict[str, Stored[EventMapping]]) -> list[WantedDeletion]:
    """Return the deletions of a plan that nobody asked for."""
    found = [(known[pair.seen.mapping.mapping_id], deletion_in(pair.decision)) for pair in plan.pairs]
    return [WantedDeletion(stored=stored, side=side) for stored, side in found if side is not None]


def empty_sides(pulled: Pulled, mappings: Sequence[EventMapping]) -> frozenset[Side]:
    """Return the sides that were read to the end and show not one of the mapped events."""
    linked = [each for each in mappings if each.state is MappingState.LINKED and each.role is Role.EVENT]
    if not pulled.complete or not linked:
        return frozenset()
    wedsync = any(each.wedsync_id in pulled.wedsync or each.wedsync_id in pulled.unreadable for each in linked)
    outlook = any(each.outlook_id in pulled.outlook for each in linked)
    return frozenset(side for side, shown in ((Side.WEDSYNC, wedsync), (Side.OUTLOOK, outlook)) if not shown)


def left_of(work: Round, known: Known) -> Pulled:
    """Return what was read without what is done: the pairs and the new events that are still to be settled.

    An event that got its intent in this message is a pair in the next. What WedSync said of all others stays only where
    travel blocks, which come last, have still to follow.
    """
    pulled = work.pulled
    done = pulled.done | {key for key in work.settled if ":" in key}
    pairs = [stored.value for stored in known if is_left(work, stored.value)]
    left = [mapping for mapping in pairs if mapping.mapping_id not in work.settled]
    over = {f"{Side.WEDSYNC}:{mapping.wedsync_id}" for mapping in pairs}
    over |= {f"{Side.OUTLOOK}:{mapping.outlook_id}" for mapping in pairs}
    over -= {f"{Side.WEDSYNC}:{mapping.wedsync_id}" for mapping in left}
    over -= {f"{Side.OUTLOOK}:{mapping.outlook_id}" for mapping in left}
    over |= done
    travel = work.integration.preferences.sync_travel_time
    wedsync = {key: state for key, state in pulled.wedsync.items() if travel or f"{Side.WEDSYNC}:{key}" not in over}
    outlook = {key: state for key, state in pulled.outlook.items() if f"{Side.OUTLOOK}:{key}" not in over}
    ids = frozenset(mapping.mapping_id for mapping in left)
    return replace(pulled, wedsync=wedsync, outlook=outlook, left=ids, done=done)


def _longest_first(waiting: Sequence[tuple[Subject, SyncFault]]) -> list[tuple[Subject, SyncFault]]:
    return sorted(
        waiting, key=lambda each: each[1].retry_after if isinstance(each[1], Throttled) else 0.0, reverse=True
    )


def _narrowed(run: SyncRun, integration: Integration) -> bool:
    """Whether the run left out a direction in which the integration syncs: what it skipped has to be read again."""
    return run.request.direction not in (Direction.BIDIRECTIONAL, integration.direction)


def _read_up_to(pulled: Pulled, unreached: bool) -> Pulled | None:
    """Return where to continue: when some events could not be reached, so that the next run comes upon them again.

    After a reading of everything that is the beginning; otherwise the cursors stay where they were.
    """
    if not unreached:
        return pulled
    return replace(pulled, complete=False, delta_link="", wedsync_cursor="") if pulled.complete else None
