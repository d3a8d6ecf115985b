"""After a scheduled run: did it find what a notification should have told of long before?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.event import Side
from shared.core.history import ChangeKind, SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunPurpose, TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.pulled import Pulled
from shared.core.states import SubscriptionState
from shared.core.subscription import Subscription
from shared.log import log_action
from shared.ports import Changes, Clock, JobQueue, Mappings, SubscriptionRows
from shared.usecases.keep_up import AFRESH

_LATE = timedelta(minutes=5)
"""Graph says three minutes at the most, under one on average:
https://learn.microsoft.com/graph/change-notifications-overview#latency"""

_COPIED = frozenset({ChangeKind.CREATED, ChangeKind.UPDATED})


@dataclass(frozen=True, kw_only=True)
class JudgeChannel:
    """Marks a subscription that did not tell of a change, and has it looked into: first renewed, then made anew.

    Until a notification comes again it is shown as not working; the scheduled runs cover for it all the while.
    """

    rows: SubscriptionRows
    changes: Changes
    mappings: Mappings
    jobs: JobQueue
    clock: Clock

    async def run(self, integration: Integration, run: SyncRun, pulled: Pulled | None) -> None:
        """Judge by what a run that nobody asked for has read and written; other runs prove nothing."""
        if pulled is None or pulled.complete or not integration.webhooks:
            return
        if run.request.triggered_by is not TriggeredBy.SCHEDULED or run.request.purpose is not RunPurpose.SYNC:
            return
        late = (run.started_at or run.queued_at) - _LATE
        old = {state.event_id: state.changed_at for state in pulled.outlook.values() if state.changed_at <= late}
        if not old or not (run.tally.created or run.tally.updated):
            return
        active = [each.value for each in await self.rows.of_integration(integration.integration_id)]
        subscription = next((each for each in active if each.state is SubscriptionState.ACTIVE), None)
        if subscription is not None and await self._missed(run, old, subscription.created_at or late):
            await self._doubt(subscription)

    async def _missed(self, run: SyncRun, old: dict[str, datetime], since: datetime) -> bool:
        """Whether the run has carried a change to WedSync that was made a while ago, since the channel was there."""
        for change in await self.changes.of_run(run.integration_id, run.run_id):
            if change.side is not Side.WEDSYNC or change.kind not in _COPIED:
                continue
            stored = await self.mappings.get(run.integration_id, change.mapping_id)
            changed_at = old.get(str(stored.value.outlook_id)) if stored else None
            if changed_at is not None and changed_at > since:
                return True
        return False

    async def _doubt(self, subscription: Subscription) -> None:
        log_action("channel_doubted", integration=subscription.integration_id, again=bool(subscription.missed_at))
        await self.jobs.put(
            UpkeepJob(
                integration_id=subscription.integration_id,
                kind=UpkeepKind.CHECK,
                subject=AFRESH if subscription.missed_at else "",
            )
        )
        await self.rows.put(replace(subscription, missed_at=self.clock.now()))
