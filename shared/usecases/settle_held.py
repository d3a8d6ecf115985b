"""The run of an answer about held deletions: each is looked at again, then carried out or made good."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shared.core.actions import Decision, Policy
from shared.core.confirmation import Confirmation, DeletionLedger, HeldDeletion, finished
from shared.core.event import OutlookState, Side
from shared.core.history import EventFailure, Tally
from shared.core.integration import Integration
from shared.core.keeping import kept
from shared.core.mapping import EventMapping
from shared.core.states import ConfirmationState, MappingState
from shared.core.views import Present, Views
from shared.errors import RowChanged, SyncFault, Unavailable
from shared.ports import Confirmations, Mappings, Stored
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.recompose import import_anew
from shared.usecases.refusals import STOPS, is_refusal
from shared.usecases.run_record import Done, RunRecord
from shared.usecases.settle_pair import SettlePair, policy_of

_AT_ONCE = 4
_TRIES = 20
GUESTS_LEFT = "GuestsLeft"
"""The code of an event that was left in place, because deleting it would mail its guests."""


@dataclass(kw_only=True)
class _Round:
    """What one run works with; nothing of it outlives the run."""

    integration: Integration
    answer: Confirmation
    policy: Policy
    trace: Trace
    tally: Tally
    failures: list[EventFailure] = field(default_factory=list)

    def add(self, done: Tally) -> None:
        self.tally = replace(
            self.tally,
            handled=self.tally.handled + 1,
            created=self.tally.created + done.created,
            updated=self.tally.updated + done.updated,
            deleted=self.tally.deleted + done.deleted,
            conflicts=self.tally.conflicts + done.conflicts,
        )

    def fail(self, each: HeldDeletion, code: str, message: str, *, retryable: bool) -> None:
        self.tally = replace(self.tally, errors=self.tally.errors + 1)
        self.failures.append(
            EventFailure(event_id=each.event_id, event_type="", code=code, message=message, retryable=retryable)
        )


@dataclass(frozen=True, kw_only=True)
class SettleHeld:
    """``RunWork`` of ``RunPurpose.CONFIRM``. What was done is found done, so it may be called again."""

    confirmations: Confirmations
    mappings: Mappings
    look: Look
    pair: SettlePair

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Act on the answer that the run's subject names; do nothing if that was done before."""
        stored = await self.confirmations.ledger(integration.integration_id)
        subject = record.run.request.subject
        answer = next((each for each in stored.value.answered if each.confirmation_id == subject), None)
        if answer is None:
            return Done(tally=record.run.tally, failures=record.run.failures)
        work = _Round(
            integration=integration,
            answer=answer,
            policy=policy_of(integration),
            trace=trace,
            tally=Tally(total=len(answer.held)),
        )
        for some in _chunks(answer.held):
            if record.spent:
                return Done(continued=True)
            await self._some(work, some)
            await record.progress(work.tally)
        if any(failure.retryable for failure in work.failures) and not last_try:
            raise Unavailable("graph", code="EventsUnreached")
        await self._finish(integration.integration_id, subject)
        return Done(tally=work.tally, failures=tuple(work.failures))

    async def _some(self, work: _Round, some: tuple[HeldDeletion, ...]) -> None:
        ended = await asyncio.gather(*(self._one(work, each) for each in some), return_exceptions=True)
        faults = [fault for fault in ended if isinstance(fault, BaseException)]
        if faults:
            raise faults[0]

    async def _one(self, work: _Round, each: HeldDeletion) -> None:
        try:
            await self._settle(work, each)
        except STOPS:
            raise
        except SyncFault as fault:
            message = str(getattr(fault, "code", "")) or type(fault).__name__
            work.fail(each, type(fault).__name__, message, retryable=not is_refusal(fault))

    async def _settle(self, work: _Round, each: HeldDeletion) -> None:
        stored = await self.mappings.get(work.integration.integration_id, each.mapping_id)
        if stored is None or stored.value.state is not MappingState.LINKED:
            work.add(Tally())  # done before, or decided otherwise since
            return
        views = Views(
            wedsync=await self.look.at(work.integration, stored.value, Side.WEDSYNC),
            outlook=await self.look.at(work.integration, stored.value, Side.OUTLOOK, moved=True),
        )
        rejected = work.answer.state is ConfirmationState.REJECTED
        if rejected and await self.pair.foresee(work.integration, stored, views, policy=work.policy) is each.side:
            done = await self._keep(work, stored, views, each)
        else:
            done = await self.pair.run(work.integration, stored, views, policy=work.policy, trace=work.trace)
        work.add(done)
        if done.conflicts and each.side is Side.OUTLOOK and _has_guests(views):
            work.fail(each, GUESTS_LEFT, "It has guests, who would be mailed; it stays in Outlook.", retryable=False)

    async def _keep(self, work: _Round, stored: Stored[EventMapping], views: Views, each: HeldDeletion) -> Tally:
        """Make good what was not meant: the missing copy comes back, or the event that is left is left alone."""
        decision = kept(stored.value, each.side, views, policy=work.policy)
        if decision is not None:
            return await self._carry_out(work, stored, decision, views)
        outlook = views.outlook
        assert isinstance(outlook, Present)
        assert isinstance(outlook.state, OutlookState)
        intent = import_anew(self.pair.create, work.integration, stored.value, outlook.state)
        saved = await self.pair.journal.save(stored, intent)
        await self.pair.settle_intent(work.integration, saved, work.trace)
        return Tally(handled=1, created=1)

    async def _carry_out(self, work: _Round, stored: Stored[EventMapping], decision: Decision, views: Views) -> Tally:
        return await self.pair.carry_out(work.integration, stored, decision, views=views, trace=work.trace)

    async def _finish(self, integration_id: str, confirmation_id: str) -> None:
        for _ in range(_TRIES):
            stored = await self.confirmations.ledger(integration_id)
            after: DeletionLedger = finished(stored.value, confirmation_id)
            if after == stored.value:
                return
            try:
                await self.confirmations.save(replace(stored, value=after))
            except RowChanged:
                continue
            return
        raise RowChanged


def _has_guests(views: Views) -> bool:
    outlook = views.outlook
    return isinstance(outlook, Present) and bool(outlook.state.content.attendees)


def _chunks(held: tuple[HeldDeletion, ...]) -> Iterator[tuple[HeldDeletion, ...]]:
    for start in range(0, len(held), _AT_ONCE):
        yield held[start : start + _AT_ONCE]
