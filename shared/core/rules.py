"""A choice that is to hold for conflicts to come: which side wins one field of one type of event."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from shared.core.event import MERGED_FIELDS, EventType, Field, Side

_RULES = UUID("b7c2a6f4-5d0e-5c39-9a41-2f1e8d7b6c05")

RULED_FIELDS = frozenset(MERGED_FIELDS)
"""What a rule may decide: never people, privacy, or whether an event is there at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionRule:
    """``use`` wins where both sides changed ``field`` of an event of this type; made on one type, it touches no other.

    ``rule_id`` follows from the integration, the field and the type, so that a later choice replaces the earlier.
    """

    rule_id: str
    integration_id: str
    field: Field
    event_type: EventType
    use: Side
    created_at: datetime


def rule_of(integration_id: str, *, which: Field, event_type: EventType, use: Side, at: datetime) -> ResolutionRule:
    """Return the rule that a choice made ``setAsDefault`` stands for; ``ValueError`` for a field that has no rules."""
    if which not in RULED_FIELDS:
        raise ValueError(f"no rule decides {which.value}")
    return ResolutionRule(
        rule_id=str(uuid5(_RULES, f"{integration_id}:{which.value}:{event_type.value}")),
        integration_id=integration_id,
        field=which,
        event_type=event_type,
        use=use,
        created_at=at,
    )


def ruling(rules: Iterable[ResolutionRule], which: Field, event_type: EventType) -> ResolutionRule | None:
    """Return the rule for this field of this type of event."""
    return next((rule for rule in rules if (rule.field, rule.event_type) == (which, event_type)), None)
