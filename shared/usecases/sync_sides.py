"""A full or incremental sync: read both sides to the end, plan, apply. The runner commits the cursors, last."""

from dataclasses import dataclass, replace

from shared.core.history import SyncRun
from shared.core.integration import Direction, Integration, LastSyncStatus
from shared.core.jobs import RunKind
from shared.errors import CursorExpired, Unavailable
from shared.log import log_action
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.journal import Trace
from shared.usecases.pull_sides import Pulled, PullSides
from shared.usecases.run_record import Done, RunRecord
from shared.usecases.settle_pair import policy_of


@dataclass(frozen=True, kw_only=True)
class SyncSides:
    """The ``RunWork`` of a sync."""

    pull: PullSides
    apply: ApplyPlan

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Bring both sides into step."""
        run = record.run
        pulled = await self._pull(integration, full=run.request.kind is RunKind.FULL or integration.unsettled)
        policy = policy_of(integration, run_direction=run.request.direction, window=pulled.window)
        tally, failures = await self.apply.run(integration, pulled, policy=policy, trace=trace)
        unreached = any(failure.retryable for failure in failures)
        if unreached and not last_try:
            raise Unavailable("graph", code="EventsUnreached")
        return Done(
            tally=tally,
            failures=failures,
            pulled=None if _narrowed(run, integration) else _read_up_to(pulled, unreached),
            status=LastSyncStatus.PARTIAL if failures else LastSyncStatus.SUCCESS,
        )

    async def _pull(self, integration: Integration, *, full: bool) -> Pulled:
        """Read both sides; places to continue from that are not known any more lead to a full reading."""
        if full or not integration.delta_link or not integration.wedsync_cursor:
            return await self.pull.everything(integration)
        try:
            return await self.pull.changes(integration)
        except CursorExpired:
            log_action("cursor_expired", integration=integration.integration_id)
            return await self.pull.everything(integration)


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
