"""A user cancels a run: at once while it waits, at its next batch while it works. What was done stays done."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.history import SyncRun
from shared.core.jobs import RunPurpose
from shared.core.states import RUN_MOVES, RunState, move
from shared.errors import RowChanged, StateConflict
from shared.log import log_action
from shared.ports import Clock, RunItems, Runs, Stored
from shared.usecases.request_sync import RequestSync
from shared.usecases.run_record import CONTINUED, LIVING

SILENCE = timedelta(seconds=30)
"""A run that has not beaten for so long has no process any more that could stop it."""

_TRIES = 5
_WHOLE = (RunPurpose.DISCONNECT, RunPurpose.MOVE_CALENDAR)
"""What is only good when it is finished."""


@dataclass(frozen=True, kw_only=True)
class CancelSync:
    """Ends a run, or has it end."""

    runs: Runs
    run_items: RunItems
    request_sync: RequestSync
    clock: Clock

    async def run(self, user_id: str, run_id: str) -> SyncRun:
        """Return the run as it is now.

        ``NotFound`` for a run that is not the user's; ``StateConflict`` ``sync_finished`` or ``sync_not_cancellable``.
        """
        for _ in range(_TRIES):
            run = await self.request_sync.status(user_id, run_id)
            if run.request.purpose in _WHOLE:
                raise StateConflict("sync_not_cancellable", "This has to be finished once it has begun.")
            if run.state is RunState.CANCELLED or (run.cancel_requested and not self._silent(run)):
                return run
            if run.state not in LIVING:
                raise StateConflict("sync_finished", "This sync has ended already.")
            try:
                return await self._cancel(run)
            except RowChanged:
                continue
        raise StateConflict("busy", "The sync is being worked on; try again.")

    def _silent(self, run: SyncRun) -> bool:
        return (run.heartbeat_at or run.queued_at) + SILENCE <= self.clock.now()

    async def _cancel(self, run: SyncRun) -> SyncRun:
        stored = await self.runs.get(run.integration_id, run.run_id)
        if stored is None or stored.value.state is not run.state:
            raise RowChanged
        wanted = replace(stored.value, cancel_requested=True)
        if run.state is RunState.QUEUED or self._silent(stored.value):
            state = move(RUN_MOVES, run.state, RunState.CANCELLED)
            wanted = replace(wanted, state=state, completed_at=self.clock.now())
        kept = await self.runs.save(Stored(value=wanted, tag=stored.tag))
        log_action("sync_run_cancelled", integration=run.integration_id, run=run.run_id, state=wanted.state.value)
        if wanted.state is RunState.CANCELLED and wanted.stage == CONTINUED:
            await self.run_items.forget(run.integration_id, run.run_id)
        return kept.value
