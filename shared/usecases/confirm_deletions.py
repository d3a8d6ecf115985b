"""A person answers for the deletions that were held: they are proved again and carried out, or made good."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from shared.core.confirmation import Confirmation, DeletionLedger, Question, answered, waiting
from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import ConfirmationState, RunState
from shared.errors import NotFound, RowChanged, StateConflict
from shared.log import log_action
from shared.ports import Clock, Confirmations, Integrations, Mappings, Stored
from shared.usecases.connect_state import syncing_connection_of
from shared.usecases.request_sync import RequestSync

_TRIES = 5
_RUNS = UUID("5c0f7a9e-63d4-5b1c-8a27-d4e9b6013f72")


@dataclass(frozen=True, kw_only=True)
class ConfirmDeletions:
    """Takes the answer and starts the run that acts on it."""

    integrations: Integrations
    confirmations: Confirmations
    mappings: Mappings
    request_sync: RequestSync
    clock: Clock

    async def run(self, user_id: str, confirmation_id: str, *, accept: bool) -> SyncRun:
        """Return the run; the same answer again returns it again.

        ``NotFound`` ``confirmation_not_found``; ``StateConflict`` ``confirmation_answered``, ``confirmation_lapsed`` or
        ``confirmation_changed`` when more has been held since: nobody confirms what they never saw.
        """
        integration = await syncing_connection_of(self.integrations, user_id)
        for _ in range(_TRIES):
            stored = await self.confirmations.ledger(integration.integration_id)
            present = waiting(stored.value, now=self.clock.now())
            if present is None or present.confirmation_id != confirmation_id:
                await self._answered_before(stored.value, confirmation_id, present, accept=accept)
                break
            try:
                await self._note(stored, accept=accept)
            except RowChanged:
                continue
            break
        else:
            raise RowChanged
        return await self._start(integration, confirmation_id)

    async def open_of(self, integration_id: str) -> Question | None:
        """Return the question that waits for its answer."""
        held = waiting((await self.confirmations.ledger(integration_id)).value, now=self.clock.now())
        if held is None:
            return None
        return Question.about(held, [stored.value async for stored in self.mappings.all(integration_id)])

    async def _note(self, stored: Stored[DeletionLedger], *, accept: bool) -> None:
        after = answered(stored.value, accept=accept, now=self.clock.now())
        await self.confirmations.save(replace(stored, value=after), after.answered[-1])
        log_action("deletions_answered", integration=stored.value.integration_id, accept=accept)

    async def _answered_before(
        self, ledger: DeletionLedger, confirmation_id: str, present: Confirmation | None, *, accept: bool
    ) -> None:
        """Return if this very answer was given before; raise what tells why it cannot be given now."""
        closed = await self.confirmations.closed(ledger.integration_id, confirmation_id)
        if closed is None and ledger.open is not None and ledger.open.confirmation_id == confirmation_id:
            closed = ledger.open.ended(ConfirmationState.LAPSED, at=self.clock.now())
        if closed is None and present is not None and confirmation_id in present.earlier:
            raise StateConflict("confirmation_changed", "More deletions are held since; look at the new confirmation.")
        if closed is None:
            raise NotFound("confirmation_not_found", "There is no such confirmation.")
        if closed.state is ConfirmationState.LAPSED:
            raise StateConflict(
                "confirmation_lapsed", "Nobody answered in time; the next complete sync asks again if it is still so."
            )
        if (closed.state is ConfirmationState.ACCEPTED) is not accept:
            raise StateConflict("confirmation_answered", f"It was answered before: {closed.state.value}.")

    async def _start(self, integration: Integration, confirmation_id: str) -> SyncRun:
        request = RunRequest(
            kind=RunKind.SINGLE,
            triggered_by=TriggeredBy.MANUAL,
            direction=integration.direction,
            purpose=RunPurpose.CONFIRM,
            subject=confirmation_id,
        )
        run_id = str(uuid5(_RUNS, f"{integration.integration_id}:{confirmation_id}"))
        run = await self.request_sync.once(integration, request, run_id)
        if run.state not in (RunState.CANCELLED, RunState.FAILED):
            return run
        left = (await self.confirmations.ledger(integration.integration_id)).value.answered
        unfinished = any(each.confirmation_id == confirmation_id for each in left)
        return await self.request_sync.again(integration, request) if unfinished else run
