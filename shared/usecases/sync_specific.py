"""A run over the events that its request names: both sides of each are read and settled, nothing else is."""

from dataclasses import dataclass, replace

from shared.core.event import WedSyncState
from shared.core.history import EventFailure
from shared.core.integration import Integration
from shared.core.plan import SyncPlan
from shared.core.pulled import Pulled
from shared.core.views import Present
from shared.errors import SyncFault, Throttled, Unavailable
from shared.ports import Mappings
from shared.usecases.journal import Trace
from shared.usecases.prove import Prove, subject_of
from shared.usecases.pull_sides import PullSides
from shared.usecases.refusals import STOPS
from shared.usecases.run_record import Done, RunRecord
from shared.usecases.run_round import Round, Subject
from shared.usecases.settle_pair import policy_of
from shared.usecases.settle_pulled import SettlePulled
from shared.usecases.travel_block import TravelBlocks

NOT_FOUND = "EventNotFound"
"""The code of an id that names no event of the user."""


@dataclass(frozen=True, kw_only=True)
class SyncSpecific:
    """The ``RunWork`` of ``RunPurpose.SPECIFIC``. It begins anew each time, and finds done what it has done."""

    mappings: Mappings
    pull: PullSides
    prove: Prove
    settle: SettlePulled
    travel: TravelBlocks

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Settle the events; an id that nobody knows is an error of its own."""
        request = record.run.request
        event_ids = tuple(dict.fromkeys(request.specific_events))
        window = self.pull.everything(integration).window
        work = Round(
            integration=integration,
            pulled=Pulled(window=window, complete=False),
            policy=policy_of(integration, run_direction=request.direction, window=window),
            trace=trace,
            journal=self.settle.journal,
            record=record,
            tally=replace(record.run.tally, total=len(event_ids), handled=0, errors=0),
        )
        work.conflicts = await self.settle.open_conflicts(integration)
        plan, unknown = await self.prove.named(work, event_ids)
        known = [
            await self.mappings.get(integration.integration_id, pair.seen.mapping.mapping_id) for pair in plan.pairs
        ]
        await self.settle.carry_out(work, plan, tuple(stored for stored in known if stored is not None))
        await self._travel(work, plan)
        record.check()
        waiting = list(work.waiting.values())
        if (waiting or work.cut) and not last_try:
            await record.show(replace(work.tally, handled=0))
            longest = max((fault.retry_after for _, fault in waiting if isinstance(fault, Throttled)), default=0.0)
            raise Throttled("graph", retry_after=longest) if longest else Unavailable("graph", code="EventsUnreached")
        for subject, fault in waiting:
            work.give_up(subject, fault)
        failures = [*work.failures, *(_not_found(event_id) for event_id in unknown)]
        tally = replace(work.tally, total=len(event_ids), handled=len(event_ids), errors=len(failures))
        return Done(tally=tally, failures=tuple(failures))

    async def _travel(self, work: Round, plan: SyncPlan) -> None:
        """Have travel blocks follow the events that were read in WedSync."""
        pairs = [(Subject.of(pair.seen.mapping), pair.seen.views.wedsync) for pair in plan.pairs]
        new = [(subject_of(each), Present(each.seen.state)) for each in plan.new]
        for subject, view in [*pairs, *new]:
            if isinstance(view, Present) and isinstance(view.state, WedSyncState) and not work.stopping:
                try:
                    work.tally += await self.travel.follow(
                        work.integration, view.state.event_id, view, policy=work.policy, trace=work.trace
                    )
                except STOPS:
                    raise
                except SyncFault as fault:
                    await work.failed(subject, fault)


def _not_found(event_id: str) -> EventFailure:
    return EventFailure(
        event_id=event_id,
        event_type="",
        code=NOT_FOUND,
        message="Neither WedSync nor the sync knows this event.",
        retryable=False,
    )
