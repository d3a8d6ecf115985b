"""Find a run by its id, also one of single events whose process died between a change and the run's row."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.history import SyncRun, Tally
from shared.core.integration import Integration
from shared.core.recovered import recovered, tally_of
from shared.errors import RowExists
from shared.ports import Changes, Clock, Runs, Stored

_AT_WORK = timedelta(minutes=1)
"""A job that is at work has its next change, or its row, within this time."""


@dataclass(frozen=True, kw_only=True)
class FindRun:
    """Inserts a row that is missing, so that the history shows the run from then on."""

    runs: Runs
    changes: Changes
    clock: Clock

    async def run(self, integration: Integration, run_id: str) -> Stored[SyncRun] | None:
        """Return the run, or None. One read; where there is no row, a query more."""
        known = await self.runs.get(integration.integration_id, run_id)
        if known is not None:
            return known
        rows = await self.changes.of_run(integration.integration_id, run_id)
        if not rows or self.clock.now() - rows[-1].at < _AT_WORK:
            return None
        try:
            return await self.runs.insert(recovered(rows, direction=integration.direction))
        except RowExists:
            return await self.runs.get(integration.integration_id, run_id)

    async def with_earlier(self, integration_id: str, run_id: str, done: Tally) -> Tally:
        """Return what a run has come to of which ``done`` was done after an earlier process of it had died.

        What its changes say, as long as no row says it: a create that is settled twice is one.
        """
        if await self.runs.get(integration_id, run_id) is not None:
            return done
        rows = await self.changes.of_run(integration_id, run_id)
        return replace(tally_of(rows), held=done.held) if rows else done
