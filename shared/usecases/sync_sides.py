"""A run that syncs: read both sides to the end, prove, plan, guard, apply. The runner commits the cursors, last.

What a message has no time for is kept and goes on in a further one, without being read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.event import Side
from shared.core.history import SyncRun, Tally
from shared.core.integration import Direction, Integration, LastSyncStatus
from shared.core.jobs import RunKind
from shared.core.pulled import Pulled
from shared.errors import SyncFault, Throttled
from shared.ports import RunItems
from shared.usecases.journal import Trace
from shared.usecases.prove import is_left
from shared.usecases.pull_sides import Known, PullSides
from shared.usecases.rebuild_mappings import Reading, RebuildMappings
from shared.usecases.run_record import CONTINUED, Done, RunRecord
from shared.usecases.run_round import Round, Subject
from shared.usecases.settle_pair import policy_of
from shared.usecases.settle_pulled import SettlePulled


@dataclass(frozen=True, kw_only=True)
class SyncSides:
    """The ``RunWork`` of a sync."""

    rebuild: RebuildMappings
    pull: PullSides
    settle: SettlePulled
    run_items: RunItems

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Bring both sides into step, or a part of the way."""
        kept = await self._kept(record)
        pulled = kept or await self._begin(integration, record)
        known = await self.pull.known(integration)
        pulled = await self.pull.go_on(integration, pulled, known, spent=lambda: record.spent)
        record.check()
        work = self._round(integration, record, pulled, trace, goes_on=kept is not None)
        if not pulled.finished:
            return await self._continue(work, pulled, None)
        known = await self._traced(work, known)
        await self.settle.run(work, known)
        record.check()
        return await self._end(work, known, record, last_try=last_try)

    # --- the beginning ------------------------------------------------------------------------------------------

    async def _kept(self, record: RunRecord) -> Pulled | None:
        """Return what an earlier message has kept; without it, as after a crash, the run begins anew."""
        run = record.run
        return await self.run_items.get(run.integration_id, run.run_id) if run.stage == CONTINUED else None

    async def _begin(self, integration: Integration, record: RunRecord) -> Pulled:
        lost = await self.rebuild.fence(integration)
        full = lost or record.run.request.kind is RunKind.FULL or integration.unsettled
        return self.pull.everything(integration) if full else self.pull.changes(integration)

    async def _traced(self, work: Round, known: Known) -> Known:
        """Map copies of an earlier connection, and those whose mapping was lost, so that nothing is made twice."""
        if not work.pulled.complete or work.pulled.left is not None:
            return known
        reading = Reading(known=known, wedsync=work.pulled.wedsync, outlook=work.pulled.outlook)
        lost = work.integration.last_full_sync_at is not None  # else they are what an earlier connection has left
        found = await self.rebuild.from_reading(work.integration, reading, work=replace(work.trace, repair=lost))
        count = len(found.known) - len(known)
        work.tally += Tally(noted=count, repaired=count if lost else 0)
        return found.known

    def _round(
        self, integration: Integration, record: RunRecord, pulled: Pulled, trace: Trace, *, goes_on: bool
    ) -> Round:
        return Round(
            integration=integration,
            pulled=pulled,
            policy=policy_of(integration, run_direction=record.run.request.direction, window=pulled.window),
            trace=trace,
            journal=self.settle.journal,
            record=record,
            tally=record.before if goes_on else replace(record.before, total=0, handled=0, errors=0),
            failures=list(record.run.failures) if goes_on else [],
        )

    # --- the end ------------------------------------------------------------------------------------------------

    async def _end(self, work: Round, known: Known, record: RunRecord, *, last_try: bool) -> Done:
        waiting = list(work.waiting.values())
        out_of_time = work.cut and not any(isinstance(fault, Throttled) for _, fault in waiting)
        if out_of_time or ((work.cut or waiting) and not last_try):
            fault = work.busy or next((fault for _, fault in _longest_first(waiting)), None)
            return await self._continue(work, left_of(work, known), None if out_of_time else fault)
        for subject, fault in waiting:
            work.give_up(subject, fault)
        unreached = any(failure.retryable for failure in work.failures) or work.cut
        return Done(
            tally=replace(work.tally, total=max(work.tally.handled, work.tally.total)),
            failures=tuple(work.failures),
            pulled=None if _narrowed(record.run, work.integration) else _read_up_to(work.pulled, unreached),
            status=LastSyncStatus.PARTIAL if work.failures else LastSyncStatus.SUCCESS,
        )

    async def _continue(self, work: Round, left: Pulled, fault: SyncFault | None) -> Done:
        """Keep what is left, so that a further message goes on from here.

        The run's row first: it says that there may be something to be removed when the run ends.
        """
        assert work.record is not None
        run = work.record.run
        left = replace(left, gently=isinstance(fault, Throttled))
        rest = fault.retry_after if isinstance(fault, Throttled) else 0.0
        await work.record.carry_over(work.tally, tuple(work.failures), rest=rest)
        await self.run_items.put(run.integration_id, run.run_id, left)
        progressed = bool(work.settled) or not left.finished
        return Done(tally=work.tally, failures=tuple(work.failures), continued=True, fault=fault, progressed=progressed)


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
