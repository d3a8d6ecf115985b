"""Carry out what ``core.decide`` decides about one mapped pair of events.

Every write is conditional on what was decided on. Where a side has moved on meanwhile, it is read and the pair is
decided again, once at once; after that the job is handed back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Decision, Hold, Policy
from shared.core.answers import could_be_ruled
from shared.core.decide import decide
from shared.core.event import OutlookState, Side
from shared.core.history import Conflict, Tally
from shared.core.integration import Direction, Integration, OnOutlookDelete, SyncWindow
from shared.core.mapping import EventMapping
from shared.core.rules import ResolutionRule
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Gone, Present, View, Views
from shared.errors import EventGone, RowChanged, VersionMismatch
from shared.ports import Conflicts, Integrations, ResolutionRules, Stored
from shared.usecases.carry_out import CarryOut
from shared.usecases.create_event import CreateEvent
from shared.usecases.guard_deletions import GuardDeletions, WantedDeletion, deletion_in
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.moving import assert_arrived
from shared.usecases.settings_stand import settings_stand
from shared.usecases.settle_intent import SettleIntent, has_event

_ROUNDS = 5


def policy_of(
    integration: Integration,
    *,
    run_direction: Direction = Direction.BIDIRECTIONAL,
    window: SyncWindow | None = None,
    rules: tuple[ResolutionRule, ...] = (),
) -> Policy:
    """Return what the user prefers, as the rules take it."""
    return Policy(
        preferences=integration.preferences,
        direction=integration.direction,
        run_direction=run_direction,
        window=window,
        rules=rules,
    )


@dataclass(frozen=True, kw_only=True)
class SettlePair:
    """Decides and acts until there is nothing more to do for a pair."""

    integrations: Integrations
    conflicts: Conflicts
    rules: ResolutionRules
    look: Look
    create: CreateEvent
    intents: SettleIntent
    acts: CarryOut
    guard: GuardDeletions
    journal: Journal

    async def run(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        views: Views,
        *,
        policy: Policy,
        trace: Trace,
        conflicts: Sequence[Conflict] | None = None,
    ) -> Tally:
        """Return what was done. ``VersionMismatch`` when a side would not hold still."""
        assert_arrived(stored.value)
        if conflicts is None:
            conflicts = await self.conflicts.open_of(integration.integration_id, stored.value.mapping_id)
        views = await self._enough(integration, stored.value, views, conflicts)
        reread: set[Side] = set()
        created = 0
        for _ in range(_ROUNDS):
            if stored.value.state is MappingState.INTENT:
                made = await self.intents.run(integration, stored, trace, seen=_outlook_state(views))
                if made is None:
                    return Tally(handled=1)
                views, conflicts = _since_made(stored.value, made.value, views, conflicts)
                stored, created = made, 1
                continue
            if stored.value.outlook_id is None:
                views, policy = views.seen(Side.OUTLOOK, Gone(proved=True)), _asking(policy)
            decision = await self._decided(stored.value, views, policy, conflicts)
            await self._assert_settings(integration, stored.value, decision)
            hold = decision.actions[0]
            if isinstance(hold, Hold) and hold.side is not None:
                views = views.seen(hold.side, await self._asked_for(integration, stored.value, hold))
                continue
            try:
                done = await self._guarded(integration, stored, decision, views, trace=trace, conflicts=conflicts)
                return replace(done, created=done.created + created)
            except VersionMismatch as stale:
                side = Side.WEDSYNC if stale.service == "wedsync" else Side.OUTLOOK
                if side in reread:
                    raise
                reread.add(side)
                before, (stored, conflicts) = stored, await self._again(stored)
                views = views.seen(side, await self.look.again(integration, stored.value, side))
                views = await self._as_new(integration, before, stored, views, side.other)
            except EventGone as gone:
                side = Side.WEDSYNC if gone.service == "wedsync" else Side.OUTLOOK
                before, (stored, conflicts) = stored, await self._again(stored)
                views = views.seen(side, await self.look.at(integration, stored.value, side))
                views = await self._as_new(integration, before, stored, views, side.other)
        raise VersionMismatch("graph", code="unsettled")

    async def foresee(
        self, integration: Integration, stored: Stored[EventMapping], views: Views, *, policy: Policy
    ) -> Side | None:
        """Return the side on which ``run`` would delete without having been asked to; nothing is written."""
        mapping = stored.value
        if mapping.state is not MappingState.LINKED:
            return None
        conflicts = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        for _ in range(_ROUNDS):
            decision = decide(mapping, wedsync=views.wedsync, outlook=views.outlook, policy=policy, conflicts=conflicts)
            hold = decision.actions[0]
            if not isinstance(hold, Hold) or hold.side is None:
                return deletion_in(decision)
            views = views.seen(hold.side, await self._asked_for(integration, mapping, hold))
        return None

    async def _asked_for(self, integration: Integration, mapping: EventMapping, hold: Hold) -> View:
        assert hold.side is not None
        return await self.look.at(integration, mapping, hold.side, moved=hold.whereabouts)

    async def _guarded(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        decision: Decision,
        views: Views,
        *,
        trace: Trace,
        conflicts: Sequence[Conflict],
    ) -> Tally:
        """Carry it out; before anything is deleted that nobody asked for, ask the guard."""
        side = deletion_in(decision)
        if side and await self.guard.weigh(integration, [WantedDeletion(stored=stored, side=side)]):
            return Tally(handled=1, held=1)
        return await self.acts.run(
            integration, stored, decision, wedsync=views.wedsync, trace=trace, conflicts=conflicts
        )

    async def _decided(
        self, mapping: EventMapping, views: Views, policy: Policy, conflicts: Sequence[Conflict]
    ) -> Decision:
        """Decide; the user's rules are read only where one could answer what would be asked otherwise."""
        decision = decide(mapping, wedsync=views.wedsync, outlook=views.outlook, policy=policy, conflicts=conflicts)
        if policy.rules or not could_be_ruled(decision):
            return decision
        policy = replace(policy, rules=await self.rules.of_integration(mapping.integration_id))
        return decide(mapping, wedsync=views.wedsync, outlook=views.outlook, policy=policy, conflicts=conflicts)

    async def _assert_settings(self, integration: Integration, mapping: EventMapping, decision: Decision) -> None:
        if not await settings_stand(self.integrations, integration, [(mapping, decision.mapping)]):
            raise RowChanged

    async def _enough(
        self, integration: Integration, mapping: EventMapping, views: Views, conflicts: Sequence[Conflict]
    ) -> Views:
        """Read both sides of what was set aside: one may be as it was while the other's change still waits.

        An older notice still shows an event that has left its calendar since; whether it is back has to be asked.
        """
        if isinstance(views.outlook, Present) and any(row.absent is Side.OUTLOOK for row in conflicts):
            views = views.seen(Side.OUTLOOK, await self.look.at(integration, mapping, Side.OUTLOOK, moved=True))
        aside = mapping.quarantine and mapping.state is MappingState.LINKED
        for side in [side for side in mapping.own_sides if aside and views.of(side) == UNSEEN]:
            views = views.seen(side, await self.look.at(integration, mapping, side))
        return views

    async def _again(self, stored: Stored[EventMapping]) -> tuple[Stored[EventMapping], Sequence[Conflict]]:
        """Read the mapping and its conflicts again: a round that failed may have written a part."""
        mapping = stored.value
        fresh = await self.journal.mappings.get(mapping.integration_id, mapping.mapping_id)
        if fresh is None:
            raise RowChanged
        return fresh, await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)

    async def _as_new(
        self,
        integration: Integration,
        before: Stored[EventMapping],
        now: Stored[EventMapping],
        views: Views,
        side: Side,
    ) -> Views:
        """Read a side anew that was read before the mapping moved on: a base that is newer makes it look edited."""
        view = views.of(side)
        if now.tag == before.tag or view == UNSEEN or side not in now.value.own_sides:
            return views
        return views.seen(side, await self.look.at(integration, now.value, side, moved=isinstance(view, Gone)))

    async def carry_out(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        decision: Decision,
        *,
        views: Views,
        trace: Trace,
        conflicts: Sequence[Conflict] = (),
    ) -> Tally:
        """Carry out a decision that a person made; ``VersionMismatch`` when a side has moved on.

        ``conflicts`` are those that the decision closes before the mapping is saved, or removed.
        """
        return await self.acts.run(
            integration, stored, decision, wedsync=views.wedsync, trace=trace, conflicts=conflicts
        )

    async def settle_intent(
        self, integration: Integration, stored: Stored[EventMapping], trace: Trace
    ) -> Stored[EventMapping] | None:
        """Find out what became of a create that was decided earlier; None when it was given up with its event."""
        return await self.intents.run(integration, stored, trace)


def _since_made(
    intent: EventMapping, linked: EventMapping, views: Views, conflicts: Sequence[Conflict]
) -> tuple[Views, Sequence[Conflict]]:
    """Return what still holds of what was known before the create: no absence of what was created."""
    assert intent.intent is not None
    toward = intent.intent.toward
    if isinstance(views.of(toward), Gone) or intent.wedsync_id not in (None, linked.wedsync_id):
        views = views.seen(toward, UNSEEN)
    if has_event(linked, toward):
        conflicts = [conflict for conflict in conflicts if conflict.absent is not toward]
    return views, conflicts


def _outlook_state(views: Views) -> OutlookState | None:
    """Return the Outlook event as it was read, if it was."""
    state = views.outlook.state if isinstance(views.outlook, Present) else None
    return state if isinstance(state, OutlookState) else None


def _asking(policy: Policy) -> Policy:
    """Return the policy for a copy whose id was never known: without an id nothing proves that it was deleted."""
    return replace(policy, preferences=replace(policy.preferences, on_outlook_delete=OnOutlookDelete.ASK))
