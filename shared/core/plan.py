"""The plan of a run: what is to be done about each event, before anything is done.

Pure: of the same readings comes the same plan, which a preview shows and a run carries out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Action, Decision, Hold, Link, Policy, Skip
from shared.core.decide import decide
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import Conflict
from shared.core.integration import Integration, OnOutlookDelete
from shared.core.mapping import EventMapping
from shared.core.settle import joined
from shared.core.unmapped import decide_unmapped
from shared.core.views import Gone, Present, Views


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSeen:
    """A mapping with what was read of its events."""

    mapping: EventMapping
    views: Views


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSeen:
    """An event that no mapping names. ``candidate`` and ``counterpart`` are what ``decide_unmapped`` takes."""

    state: WedSyncState | OutlookState
    candidate: EventMapping | None = None
    counterpart: WedSyncState | None = None

    @property
    def side(self) -> Side:
        """Where the event is."""
        return Side.WEDSYNC if isinstance(self.state, WedSyncState) else Side.OUTLOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPair:
    """What is to be done about a mapped pair."""

    seen: PairSeen
    decision: Decision

    @property
    def missing(self) -> Side | None:
        """The side that has to be read before anything can be decided."""
        first = self.decision.actions[0]
        return first.side if isinstance(first, Hold) else None

    @property
    def whereabouts(self) -> bool:
        """Whether it has to be asked too in which calendar the missing side's event is."""
        first = self.decision.actions[0]
        return isinstance(first, Hold) and first.whereabouts

    @property
    def idle(self) -> bool:
        """Whether there is nothing to write, to note, or to find out."""
        waits = any(not isinstance(action, Skip) for action in self.decision.actions)
        return not waits and self.decision.mapping == self.seen.mapping and not self.seen.mapping.quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNew:
    """What is to be done about an event without a mapping. ``decision`` is what follows where it is joined."""

    seen: NewSeen
    action: Action
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """Everything that a run has to do, pairs first."""

    pairs: tuple[PlannedPair, ...] = ()
    new: tuple[PlannedNew, ...] = ()

    def __add__(self, more: "SyncPlan") -> "SyncPlan":
        """Return both as one."""
        return SyncPlan(pairs=self.pairs + more.pairs, new=self.new + more.new)

    @property
    def total(self) -> int:
        """How many events the plan is about."""
        return len(self.pairs) + len(self.new)

    def actions(self) -> Iterator[Action]:
        """Yield every action, in the order of the plan."""
        for pair in self.pairs:
            yield from pair.decision.actions
        for new in self.new:
            yield new.action
            yield from new.decision.actions if new.decision else ()


def plan(
    pairs: Iterable[PairSeen],
    new: Iterable[NewSeen],
    *,
    integration: Integration,
    policy: Policy,
    conflicts: Mapping[str, Sequence[Conflict]],
) -> SyncPlan:
    """Decide on all of it; ``conflicts`` are the open ones by mapping. What needs nothing done stays out of the plan.

    Pairs whose events were all left unread stay out, and so do new events that are not for this sync.
    """
    decided = [
        PlannedPair(
            seen=seen,
            decision=decide_seen(
                seen.mapping, seen.views, policy=policy, conflicts=conflicts.get(seen.mapping.mapping_id, ())
            ),
        )
        for seen in pairs
    ]
    found = [_new(seen, integration, policy) for seen in new]
    return SyncPlan(pairs=tuple(decided), new=tuple(each for each in found if not isinstance(each.action, Skip)))


def decide_seen(mapping: EventMapping, views: Views, *, policy: Policy, conflicts: Sequence[Conflict] = ()) -> Decision:
    """Decide on a pair. A copy whose id was never known is gone: without an id nothing proves that it was deleted."""
    if mapping.outlook_id is None:
        views = views.seen(Side.OUTLOOK, Gone(proved=True))
        policy = replace(policy, preferences=replace(policy.preferences, on_outlook_delete=OnOutlookDelete.ASK))
    return decide(mapping, wedsync=views.wedsync, outlook=views.outlook, policy=policy, conflicts=conflicts)


def _new(seen: NewSeen, integration: Integration, policy: Policy) -> PlannedNew:
    action = decide_unmapped(seen.state, policy=policy, candidate=seen.candidate, counterpart=seen.counterpart)
    if isinstance(action, Hold):  # a marker of ours that nothing is known of: left to a reconciliation
        return PlannedNew(seen=seen, action=Skip(rule=action.rule))
    decision = None
    if isinstance(action, Link) and seen.counterpart is not None and isinstance(seen.state, OutlookState):
        pair = joined(integration, seen.counterpart, seen.state)
        views = Views(wedsync=Present(seen.counterpart), outlook=Present(seen.state))
        decision = decide_seen(pair, views, policy=policy)
    return PlannedNew(seen=seen, action=action, decision=decision)
