"""The weekly reconciliation: a new window, both sides read completely, and what was missed is repaired and noted.

First the run does what any other would, so that a change which is merely new is not taken for one that was missed.
Last comes what has only now come into range, which nobody has missed either.
"""

from dataclasses import dataclass, replace

from shared.core.event import OutlookState, WedSyncState
from shared.core.history import EventFailure, Tally
from shared.core.integration import Integration, LastSyncStatus, SyncWindow
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from shared.core.unmapped import in_window
from shared.errors import Unavailable
from shared.log import log_action
from shared.ports import Changes
from shared.usecases.journal import Trace
from shared.usecases.pull_sides import PullSides
from shared.usecases.rebuild_mappings import Reading, RebuildMappings
from shared.usecases.run_record import Done, RunRecord
from shared.usecases.settle_pair import policy_of
from shared.usecases.settle_pulled import SettlePulled

Outcome = tuple[Tally, tuple[EventFailure, ...]]


@dataclass(frozen=True, kw_only=True)
class Reconcile:
    """The ``RunWork`` of a reconciliation. In a further message it begins anew, and finds done what it has done."""

    changes: Changes
    rebuild: RebuildMappings
    pull: PullSides
    settle: SettlePulled
    past_days: int
    future_days: int

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Catch up, then compare everything with everything."""
        lost = await self.rebuild.fence(integration)
        await self.rebuild.mend(integration)
        recent = Tally() if lost else await self._catch_up(integration, record, trace)
        pulled, reading = await self._everything(integration, trace)
        missed, failures = await self._repair(integration, record, pulled, reading, trace)
        arrived, more = await self._arrivals(integration, record, pulled, reading, trace)
        failures = (*failures, *more)
        changes = await self.changes.of_run(integration.integration_id, record.run.run_id)
        tally = replace(
            record.before + recent + missed + arrived,
            total=missed.total + arrived.total,
            handled=missed.handled + arrived.handled,
            errors=len(failures),
            repaired=sum(change.repair for change in changes),
        )
        record.check()
        if record.spent:
            await record.carry_over(tally, ())
            return Done(tally=tally, continued=True)
        unreached = any(failure.retryable for failure in failures)
        if unreached and not last_try:
            raise Unavailable("graph", code="EventsUnreached")
        log_action("reconciled", integration=integration.integration_id, repaired=tally.repaired)
        return Done(
            tally=tally,
            failures=failures,
            pulled=replace(pulled, complete=False, delta_link="", wedsync_cursor="") if unreached else pulled,
            status=LastSyncStatus.PARTIAL if failures else LastSyncStatus.SUCCESS,
        )

    async def _catch_up(self, integration: Integration, record: RunRecord, trace: Trace) -> Tally:
        """Carry what is new since the cursors; what fails is met again in a moment.

        Open intents are left for later: nothing is new about a create that was not brought to its end.
        """
        beginning = self.pull.changes(integration)
        if beginning.complete:
            return Tally()
        known = await self.pull.known(integration)
        pulled = await self.pull.go_on(integration, beginning, known)
        if pulled.complete:  # the cursors were not known any more
            return Tally()
        known = tuple(stored for stored in known if stored.value.state is not MappingState.INTENT)
        policy = policy_of(integration, window=pulled.window)
        tally, _ = await self.settle.all(integration, pulled, known, policy=policy, trace=trace, record=record)
        return tally

    async def _everything(self, integration: Integration, trace: Trace) -> tuple[Pulled, Reading]:
        """Return all of both sides, with the mappings, made again where they were lost."""
        known = await self.pull.known(integration)
        pulled = await self.pull.go_on(integration, self.pull.everything(integration), known)
        whole = not pulled.unreadable
        before = Reading(known=known, wedsync=pulled.wedsync, outlook=pulled.outlook, whole=whole)
        reading = await self.rebuild.from_everywhere(integration, before, work=replace(trace, repair=True))
        return replace(pulled, wedsync=reading.wedsync, outlook=reading.outlook), reading

    async def _repair(
        self, integration: Integration, record: RunRecord, pulled: Pulled, reading: Reading, trace: Trace
    ) -> Outcome:
        window = self._window_before(integration) or pulled.window
        policy = replace(policy_of(integration, window=window), searched=reading.whole)
        repairs = replace(trace, repair=True)
        return await self.settle.all(integration, pulled, reading.known, policy=policy, trace=repairs, record=record)

    async def _arrivals(
        self, integration: Integration, record: RunRecord, pulled: Pulled, reading: Reading, trace: Trace
    ) -> Outcome:
        """Take in what was outside of the window until now."""
        before = self._window_before(integration)
        known = await self.pull.known(integration)
        ids = {stored.value.wedsync_id for stored in known} | {stored.value.outlook_id for stored in known}

        def arrived(state: WedSyncState | OutlookState) -> bool:
            return state.event_id not in ids and not in_window(state.content, before)

        wedsync = {key: state for key, state in pulled.wedsync.items() if arrived(state)}
        outlook = {key: state for key, state in pulled.outlook.items() if arrived(state)}
        if not (wedsync or outlook):
            return Tally(), ()
        policy = replace(policy_of(integration, window=pulled.window), searched=reading.whole)
        rest = replace(
            pulled,
            complete=False,
            wedsync=wedsync,
            outlook=outlook,
            gone=frozenset(),
            reread=frozenset(),
        )
        return await self.settle.all(integration, rest, known, policy=policy, trace=trace, record=record)

    def _window_before(self, integration: Integration) -> SyncWindow | None:
        """Return the window that was last read completely."""
        read_at = integration.last_full_sync_at
        if read_at is None:
            return None
        return SyncWindow.around(read_at, past_days=self.past_days, future_days=self.future_days)
