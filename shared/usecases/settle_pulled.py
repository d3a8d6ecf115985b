"""From a reading of both sides to both sides in step: prove, plan, guard, apply."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.core.actions import Policy
from shared.core.confirmation import mapped_keys
from shared.core.emptiness import empty_sides
from shared.core.history import Conflict, EventFailure, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.plan import SyncPlan
from shared.core.pulled import Pulled
from shared.errors import RowChanged
from shared.ports import Conflicts, Integrations, Stored
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.close_questions import CloseQuestions
from shared.usecases.guard_deletions import GuardDeletions, WantedDeletion, deletion_in
from shared.usecases.journal import Journal, Trace
from shared.usecases.prove import Prove
from shared.usecases.pull_sides import Known
from shared.usecases.run_record import RunRecord
from shared.usecases.run_round import Round, Subject
from shared.usecases.settings_stand import settings_stand

ById = Mapping[str, Stored[EventMapping]]


@dataclass(frozen=True, kw_only=True)
class SettlePulled:
    """What every run does with what it has read."""

    integrations: Integrations
    prove: Prove
    guard: GuardDeletions
    apply: ApplyPlan
    conflicts: Conflicts
    questions: CloseQuestions
    journal: Journal

    async def run(self, work: Round, known: Known) -> None:
        """Settle all, or as much as the round has time for. ``known`` are all mappings, read before the sides were."""
        work.conflicts = await self.open_conflicts(work.integration)
        by_id = {stored.value.mapping_id: stored.value for stored in known}
        await self.questions.run(work.integration.integration_id, work.conflicts, by_id)
        if work.pulled.left is None:
            work.pulled = replace(work.pulled, empty=empty_sides(work.pulled, [stored.value for stored in known]))
        plan = await self.prove.run(work, known)
        work.busy = None  # what was seen is acted on, as far as that goes
        await self.carry_out(work, plan, known)
        if not work.stopping:
            await self.apply.run_travel(work, known)
        elif work.policy.preferences.sync_travel_time or any(each.value.role is Role.TRAVEL for each in known):
            work.cut = True

    async def all(
        self,
        integration: Integration,
        pulled: Pulled,
        known: Known,
        *,
        policy: Policy,
        trace: Trace,
        record: RunRecord | None = None,
    ) -> tuple[Tally, tuple[EventFailure, ...]]:
        """Settle all in this message; what could not be reached is among the failures.

        Raises ``Throttled`` where a far end wants to be left for long, with the rest not begun.
        """
        work = Round(
            integration=integration, pulled=pulled, policy=policy, trace=trace, journal=self.journal, record=record
        )
        await self.run(work, known)
        if work.cut and work.busy is not None:
            raise work.busy
        for subject, fault in list(work.waiting.values()):
            work.give_up(subject, fault)
        return replace(work.tally, total=max(work.tally.total, work.tally.handled)), tuple(work.failures)

    async def carry_out(self, work: Round, plan: SyncPlan, known: Known) -> None:
        """Carry out a plan, but for the deletions that are held."""
        decided = [(each.seen.mapping, each.decision.mapping) for each in plan.pairs]
        if not await settings_stand(self.integrations, work.integration, decided):
            raise RowChanged
        work.tally = replace(work.tally, total=max(work.tally.total, work.tally.handled + plan.total))
        by_id = {stored.value.mapping_id: stored for stored in known}
        held = await self._held(work, plan, by_id)
        await work.show()
        allowed = tuple(pair for pair in plan.pairs if pair.seen.mapping.mapping_id not in held)
        await self.apply.run(work, replace(plan, pairs=allowed), by_id)

    async def open_conflicts(self, integration: Integration) -> dict[str, list[Conflict]]:
        """Return all open conflicts by mapping."""
        found: dict[str, list[Conflict]] = {}
        for conflict in await self.conflicts.open_all(integration.integration_id):
            found.setdefault(conflict.mapping_id, []).append(conflict)
        return found

    async def _held(self, work: Round, plan: SyncPlan, known: ById) -> frozenset[str]:
        """Have all deletions of the run weighed together; what is held is done with, as far as this run goes."""
        wanted = wanted_deletions(plan, known)
        if not wanted:
            return frozenset()
        mapped = mapped_keys(stored.value for stored in known.values())
        held = await self.guard.weigh(work.integration, wanted, mapped=mapped, empty_sides=work.pulled.empty)
        for each in wanted:
            if each.stored.value.mapping_id in held:
                work.done(Subject.of(each.stored.value), Tally(handled=1, held=1))
        return held


def wanted_deletions(plan: SyncPlan, known: ById) -> list[WantedDeletion]:
    """Return the deletions of a plan that nobody asked for."""
    found = [(known[pair.seen.mapping.mapping_id], deletion_in(pair.decision)) for pair in plan.pairs]
    return [WantedDeletion(stored=stored, side=side) for stored, side in found if side is not None]
