"""Why an event is as it is: a decision put into an answer for a person, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.core.actions import (
    EXPLAINED,
    Action,
    Agree,
    Create,
    Decision,
    Delete,
    Drift,
    Hide,
    Hold,
    Link,
    OpenConflict,
    Rule,
    Supersede,
    Unlink,
    Update,
)
from shared.core.event import Field, Side
from shared.core.history import Conflict
from shared.core.mapping import EventMapping
from shared.core.pair import is_deletion_held
from shared.core.states import MappingState


class Standing(StrEnum):
    """How a field stands."""

    AGREED = "agreed"
    TO_WEDSYNC = "to_wedsync"  # the next look carries it
    TO_OUTLOOK = "to_outlook"
    HELD = "held"  # a person has to choose, or will have to at the next look
    DRIFTED = "drifted"


_CARRIED: Mapping[Side, Standing] = {Side.WEDSYNC: Standing.TO_WEDSYNC, Side.OUTLOOK: Standing.TO_OUTLOOK}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStanding:
    """A field, how it stands, and the rule that has it so, in words too."""

    field: Field
    standing: Standing
    rule: str
    reason: str


def deciding_rule(mapping: EventMapping, decision: Decision, *, syncing: bool) -> Rule:
    """Return the rule to name first: what keeps the event from syncing at all, else what was decided."""
    if mapping.quarantine:
        return Rule.QUARANTINED
    wanted = next((action for action in decision.actions if isinstance(action, Delete)), None)
    if is_deletion_held(mapping) and (wanted is None or not wanted.asked):
        return Rule.DELETION_HELD
    if not syncing:
        return Rule.PAUSED
    quiet = decision.rule in (Rule.ECHO, Rule.NOTHING_SEEN)
    return Rule.DRIFT if quiet and decision.mapping.drifted else decision.rule


def standings(decision: Decision, conflicts: Sequence[Conflict]) -> tuple[FieldStanding, ...]:
    """Return how each field stands; ``conflicts`` are those that are open now. None for a pair that is not synced."""
    if decision.mapping.state is not MappingState.LINKED:
        return ()
    closing = {done for action in decision.actions if isinstance(action, Supersede) for done in action.conflict_ids}
    waiting = {each.field: each for each in conflicts if each.field and each.conflict_id not in closing}
    return tuple(_standing(which, decision, waiting.get(which)) for which in Field)


def _standing(which: Field, decision: Decision, waiting: Conflict | None) -> FieldStanding:
    if waiting is not None:
        rule = waiting.rule or Rule.HELD
        return FieldStanding(field=which, standing=Standing.HELD, rule=rule, reason=waiting.reason)
    for action in decision.actions:
        standing = _by_action(action, which)
        if standing is not None:
            return _told(which, standing, action.rule)
    if which in decision.mapping.drifted:
        return _told(which, Standing.DRIFTED, Rule.DRIFT)
    return _told(which, Standing.AGREED, Rule.AGREED)


def _told(which: Field, standing: Standing, rule: Rule) -> FieldStanding:
    return FieldStanding(field=which, standing=standing, rule=rule, reason=EXPLAINED[rule])


def _by_action(action: Action, which: Field) -> Standing | None:
    match action:
        case Update() if which in action.fields:
            return _CARRIED[action.side]
        case OpenConflict() if action.which is which:
            return Standing.HELD
        case Drift() if which in action.fields:
            return Standing.DRIFTED
        case Agree() if which in action.fields:
            return Standing.AGREED
    return None


# --- What comes next ----------------------------------------------------------------------------------------------

_BY_RULE: Mapping[Rule, str] = {
    Rule.QUARANTINED: "Change the event so that it can be taken, or force a sync of it.",
    Rule.DELETION_HELD: "Answer the open question about held deletions.",
    Rule.PAUSED: "Switch the sync on, or connect Outlook again.",
    Rule.OPTED_OUT: "Bring it back if you want it synced again.",
    Rule.HIDDEN: "Bring it back if you want it in WedSync again.",
    Rule.TYPE_OFF: "Switch this type of event on in the settings.",
    Rule.TYPE_OFF_GUESTS: "Switch this type of event on, or delete the event in Outlook yourself.",
    Rule.DRIFT: "Sync both ways, or change the field on the side that is carried.",
    Rule.DRIFT_DELETED: "Sync both ways, or delete the event on the other side yourself.",
    Rule.DIRECTION: "Sync both ways, or force a sync of this event.",
    Rule.OUTSIDE_WINDOW: "It is synced once its date comes into range.",
    Rule.IMPORT_NONE: "Let Outlook's events be imported in the settings.",
    Rule.EARLIER_COPY: "Delete it in Outlook if you do not want it.",
    Rule.OTHER_CALENDAR: "Move it into the calendar that is synced.",
    Rule.SERIES_MASTER: "Ask about one of its occurrences.",
    Rule.HELD: "Choose one of the two values.",
}
_BY_ACTION: Mapping[type[Action], str] = {
    Create: "It is made on the other side at the next look.",
    Update: "It is carried over at the next look.",
    Delete: "It is deleted at the next look, unless too many deletions come at once.",
    Link: "The two events are joined at the next sync.",
    OpenConflict: "You are asked to choose at the next look.",
    Unlink: "It is taken out of the sync at the next look.",
    Hide: "It stays in Outlook alone from the next look on.",
    Hold: "It is looked into at the next sync.",
}


def next_step(rule: Rule, actions: Sequence[Action]) -> str:
    """Return in plain words what the user can do, or what happens by itself."""
    if rule in _BY_RULE:
        return _BY_RULE[rule]
    found = next((_BY_ACTION[type(action)] for action in actions if type(action) in _BY_ACTION), "")
    return found or "There is nothing to do."
