"""Runs that died with their process: they are shown as failed, and what they were to do is done by another."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunPurpose
from shared.core.states import RUN_MOVES, RunState, move
from shared.errors import StoreFault
from shared.log import log_action
from shared.ports import Clock, RunItems, Runs, Stored
from shared.usecases.request_sync import RequestSync
from shared.usecases.run_record import CONTINUED

_RECENT = 10
ABANDONED = "abandoned"
"""The outcome of a run whose process died."""


@dataclass(frozen=True, kw_only=True)
class BuryDeadRuns:
    """Called by the run that holds the lease now: one that still beat would not have lost it."""

    runs: Runs
    run_items: RunItems
    request_sync: RequestSync
    clock: Clock

    async def run(self, integration: Integration, alive: SyncRun, *, silence: timedelta) -> None:
        """Fail each other run that has not beaten for so long; ask again for what ``alive`` will not do."""
        now = self.clock.now()
        for stored in await self.runs.recent(integration.integration_id, _RECENT):
            run = stored.value
            beat = run.heartbeat_at or run.queued_at
            if run.run_id == alive.run_id or run.state is not RunState.IN_PROGRESS or beat + silence > now:
                continue
            wanted = run.request.purpose is not RunPurpose.DISCONNECT and not alive.request.covers(run.request)
            if not await self._fail(stored):
                continue
            if run.stage == CONTINUED:
                await self.run_items.forget(run.integration_id, run.run_id)
            if wanted:
                await self.request_sync.again(integration, run.request)

    async def _fail(self, stored: Stored[SyncRun]) -> bool:
        run = replace(
            stored.value,
            state=move(RUN_MOVES, stored.value.state, RunState.FAILED),
            completed_at=self.clock.now(),
            outcome=ABANDONED,
        )
        try:
            await self.runs.save(Stored(value=run, tag=stored.tag))
        except StoreFault:
            return False  # it lives, or somebody else has just buried it
        log_action("sync_run_abandoned", integration=run.integration_id, run=run.run_id)
        return True
