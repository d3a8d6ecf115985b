"""Tell of any event, synced or not, which rule decides about it now, how each field stands, and what was done so far.

Both sides are read by id and judged by the very rules of a sync. Nothing is written anywhere.
"""

from dataclasses import dataclass

from shared.core.actions import EXPLAINED, Action, Policy, Rule, Skip
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.explain import FieldStanding, deciding_rule, next_step, standings
from shared.core.history import Conflict, SyncChange
from shared.core.integration import Integration, SyncWindow
from shared.core.mapping import EventMapping, mapping_id_of_import
from shared.core.plan import decide_seen
from shared.core.states import IntegrationState, MappingState
from shared.core.unmapped import decide_unmapped
from shared.core.views import Views
from shared.errors import EventGone, NotFound, Rejected
from shared.ports import (
    Changes,
    Clock,
    Conflicts,
    Integrations,
    Mappings,
    Outlook,
    Ports,
    ResolutionRules,
    Stored,
    WedSync,
)
from shared.usecases.connect_state import connection_of
from shared.usecases.create_event import external_id_of
from shared.usecases.look import Look
from shared.usecases.settle_pair import policy_of

UNMAPPED = "unmapped"
"""The state of an event that no mapping names."""

_LAST_CHANGES = 20


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The answer. ``changes`` are the newest first; ``detail`` is what a refusal said."""

    event_id: str
    state: str
    rule: Rule
    next_step: str
    outlook_id: str = ""
    detail: str = ""
    fields: tuple[FieldStanding, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    changes: tuple[SyncChange, ...] = ()

    @property
    def synced(self) -> bool:
        """Whether changes of the event are carried at present."""
        stopped = (Rule.QUARANTINED, Rule.DELETION_HELD, Rule.PAUSED)
        return self.state == MappingState.LINKED.value and self.rule not in stopped

    @property
    def reason(self) -> str:
        """The deciding rule in words."""
        return f"{EXPLAINED[self.rule]} {self.detail}".strip()


@dataclass(frozen=True, kw_only=True)
class ExplainEvent:
    """Answers about one event of the user's connection."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: ResolutionRules
    changes: Changes
    outlook: Outlook
    wedsync: WedSync
    look: Look
    clock: Clock
    past_days: int
    future_days: int

    async def run(self, user_id: str, event_id: str) -> Explanation:
        """Explain the event with this WedSync id, mapping id or Outlook id; ``NotFound`` if nobody knows it."""
        integration = (await connection_of(self.integrations, user_id)).value
        window = SyncWindow.around(self.clock.now(), past_days=self.past_days, future_days=self.future_days)
        rules = await self.rules.of_integration(integration.integration_id)
        policy = policy_of(integration, window=window, rules=rules)
        stored = await find_mapping(self.mappings, integration, event_id)
        if stored is not None:
            return await self._mapped(integration, stored.value, policy)
        return await self._unmapped(integration, event_id, policy)

    # --- Mapped -----------------------------------------------------------------------------------------------------

    async def _mapped(self, integration: Integration, mapping: EventMapping, policy: Policy) -> Explanation:
        open_now = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        views = await self._seen(integration, mapping)
        decision = decide_seen(mapping, views, policy=policy, conflicts=open_now)
        rule = deciding_rule(mapping, decision, syncing=integration.syncing)
        changes = await self.changes.of_mapping(integration.integration_id, mapping.mapping_id)
        return Explanation(
            event_id=mapping.wedsync_id or mapping.mapping_id,
            outlook_id=mapping.outlook_id or "",
            state=mapping.state.value,
            rule=rule,
            detail=mapping.quarantine or ("" if integration.syncing else integration.reason),
            next_step=next_step(rule, decision.actions),
            fields=standings(decision, open_now),
            conflicts=open_now,
            changes=tuple(reversed(changes))[:_LAST_CHANGES],
        )

    async def _seen(self, integration: Integration, mapping: EventMapping) -> Views:
        """Read both sides; nothing where nothing can be read, nor of a create under way, whose outcome counts."""
        if mapping.state is MappingState.INTENT or integration.state is IntegrationState.NEEDS_RECONNECT:
            return Views()
        wedsync = await self.look.at(integration, mapping, Side.WEDSYNC)
        outlook = await self.look.at(integration, mapping, Side.OUTLOOK, moved=True)
        return Views(wedsync=wedsync, outlook=outlook)

    # --- Not mapped ---------------------------------------------------------------------------------------------------

    async def _unmapped(self, integration: Integration, event_id: str, policy: Policy) -> Explanation:
        state = await self._state(integration, event_id)
        action = await self._action(integration, state, policy)
        rule = action.rule if integration.syncing else Rule.PAUSED
        return Explanation(
            event_id=event_id,
            outlook_id=event_id if isinstance(state, OutlookState) else "",
            state=UNMAPPED,
            rule=rule,
            next_step=next_step(rule, (action,)),
        )

    async def _state(self, integration: Integration, event_id: str) -> WedSyncState | OutlookState:
        """Read the event wherever the id is known."""
        if known := await self.look.wedsync_named(integration, event_id):
            return known
        try:
            return await self.outlook.event(integration.integration_id, event_id)
        except (EventGone, Rejected):  # an id that is none is refused
            raise NotFound("event_not_found", "Neither calendar has an event with this id.") from None

    async def _action(self, integration: Integration, state: WedSyncState | OutlookState, policy: Policy) -> Action:
        if isinstance(state, WedSyncState):
            return decide_unmapped(state, policy=policy)
        if await self._elsewhere(integration, state):
            return Skip(rule=Rule.OTHER_CALENDAR)
        if await self._is_replaced(integration, state):
            return Skip(rule=Rule.EARLIER_COPY)
        candidate = await self._candidate(integration, state)
        twin = await self.wedsync.by_external_id(integration.user_id, external_id_of(integration, state))
        return decide_unmapped(state, policy=policy, candidate=candidate, counterpart=twin)

    async def _elsewhere(self, integration: Integration, state: OutlookState) -> bool:
        try:
            held_by = await self.outlook.calendar_of(integration.integration_id, state.event_id)
        except EventGone:
            return False
        return held_by != integration.calendar_id

    async def _is_replaced(self, integration: Integration, state: OutlookState) -> bool:
        """Whether another event was made in the place of this one of Outlook's own, which its owner had removed."""
        named = external_id_of(integration, state)
        mapping_id = mapping_id_of_import(integration.integration_id, epoch=integration.epoch, external_id=named)
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        return stored is not None and stored.value.outlook_id != state.event_id

    async def _candidate(self, integration: Integration, state: OutlookState) -> EventMapping | None:
        if not state.marker:
            return None
        stored = await self.mappings.get(integration.integration_id, state.marker)
        return stored.value if stored else None


async def find_mapping(mappings: Mappings, integration: Integration, event_id: str) -> Stored[EventMapping] | None:
    """Return the mapping that an event is named by: WedSync's id, its own, or Outlook's."""
    home = integration.integration_id
    for find in (mappings.by_wedsync, mappings.get, mappings.by_outlook):
        stored = await find(home, event_id)
        if stored is not None:
            return stored
    return None


def explaining(ports: Ports, *, look: Look, past_days: int, future_days: int) -> ExplainEvent:
    """Return the use case, put together on the ports."""
    return ExplainEvent(
        integrations=ports.integrations,
        mappings=ports.mappings,
        conflicts=ports.conflicts,
        rules=ports.rules,
        changes=ports.changes,
        outlook=ports.outlook,
        wedsync=ports.wedsync,
        look=look,
        clock=ports.clock,
        past_days=past_days,
        future_days=future_days,
    )
