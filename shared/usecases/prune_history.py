"""Forget what is too old: runs, changes, closed conflicts and confirmations, requests for meetings, broken sign-ins."""

from dataclasses import dataclass
from datetime import timedelta

from shared.core.integration import Integration
from shared.core.jobs import UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState
from shared.log import log_action
from shared.ports import (
    AuthStates,
    Changes,
    Clock,
    Confirmations,
    Conflicts,
    Due,
    DueList,
    JobQueue,
    Leases,
    MeetingRequests,
    Runs,
)
from shared.usecases.due_kinds import PRUNE

AT_ONCE = 1000
"""How many rows of a kind a job removes before it makes room for others and goes on in a further message."""


@dataclass(frozen=True, kw_only=True)
class PruneHistory:
    """One integration at a time. What a crash leaves, the next attempt finds: rows are found by their age alone."""

    runs: Runs
    changes: Changes
    conflicts: Conflicts
    confirmations: Confirmations
    meeting_requests: MeetingRequests
    leases: Leases
    states: AuthStates
    due: DueList
    jobs: JobQueue
    clock: Clock
    retention_days: int

    async def run(self, integration: Integration) -> None:
        """Remove what is too old. The changes go before their runs: a change without its run would bring it back."""
        integration_id = integration.integration_id
        before = self.clock.now() - timedelta(days=self.retention_days)
        removed = 0
        for kept in (self.changes, self.runs, self.conflicts, self.confirmations, self.meeting_requests):
            count = await kept.forget_before(integration_id, before, limit=AT_ONCE)
            removed += count
            if count >= AT_ONCE:
                await self.jobs.put(UpkeepJob(integration_id=integration_id, kind=UpkeepKind.PRUNE))
                break
        else:
            await self.leases.forget_before(integration_id, before)
            await self._last_time(integration)
        log_action("history_pruned", integration=integration_id, count=removed)

    async def sign_ins(self) -> int:
        """Remove sign-ins that were begun and never finished; return how many. They belong to no connection yet."""
        return await self.states.forget_expired(limit=AT_ONCE)

    async def _last_time(self, integration: Integration) -> None:
        """Of a connection that has ended nothing more comes: when its history is gone, nobody has to look again."""
        ended = integration.state is IntegrationState.DISCONNECTED
        if ended and not await self.runs.history(integration.integration_id, 1):
            entry = Due(kind=PRUNE, integration_id=integration.integration_id, at=self.clock.now())
            await self.due.put(entry)  # in place of the one for next week
            await self.due.done(entry)
