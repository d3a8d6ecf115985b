"""The rules that a user's choices have made: kept with ``setAsDefault``, listed, removed."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.event import EventType, Field, Side
from shared.core.rules import ResolutionRule, rule_of
from shared.errors import Unprocessable
from shared.log import log_action
from shared.ports import Clock, ResolutionRules


@dataclass(frozen=True, kw_only=True)
class KeepRules:
    """Keeps a connection's rules; a later choice for the same field and type replaces the earlier."""

    rules: ResolutionRules
    clock: Clock

    async def list(self, integration_id: str) -> tuple[ResolutionRule, ...]:
        """Return the rules, oldest first."""
        return await self.rules.of_integration(integration_id)

    async def add(self, integration_id: str, *, which: Field, event_type: EventType, use: Side) -> ResolutionRule:
        """Keep the rule that this choice makes."""
        rule = rule_of(integration_id, which=which, event_type=event_type, use=use, at=self.clock.now())
        await self.rules.put(rule)
        log_action("resolution_rule_kept", integration=integration_id, field=which.value, type=event_type.value)
        return rule

    async def assert_known(self, integration_id: str, rule_ids: Sequence[str]) -> None:
        """Raise ``Unprocessable`` if one of the ids is not a rule of this connection; nothing is removed."""
        known = {rule.rule_id for rule in await self.rules.of_integration(integration_id)}
        if not known.issuperset(rule_ids):
            raise Unprocessable("rule_not_found", "removeResolutionRules names a rule that is not there.")

    async def remove(self, integration_id: str, rule_ids: Sequence[str]) -> int:
        """Remove these rules and return how many there were; one that is gone already is no fault."""
        return sum([await self.rules.remove(integration_id, rule_id) for rule_id in rule_ids])
