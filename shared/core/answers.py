"""What of a merge is answered: by a choice that was made and is not carried out yet, and by the user's rules.

An answered field is carried like any other change; only the value, and the rule that is named for it, differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.core.actions import Decision, OpenConflict, Rule
from shared.core.canon import key, same
from shared.core.conflicts import CUSTOM, chosen, conflict_id_of
from shared.core.event import CalendarEvent, EventType, Field, Side, WedSyncState
from shared.core.history import Conflict
from shared.core.integration import GuestUpdates
from shared.core.merge import NO_FIELDS, Merge, holds
from shared.core.pair import Pair
from shared.core.rules import RULED_FIELDS, ruling
from shared.core.views import Present

_TO: Mapping[Side, str] = {Side.WEDSYNC: "to_wedsync", Side.OUTLOOK: "to_outlook"}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A merge with its answers worked in.

    ``custom`` holds values that neither side has; ``allowed`` are the fields that may mail guests, ``refused`` those
    whose guests the user was not told of. ``openings`` are rows of what rules decide, ``applied`` the conflicts that
    are over once the writes are done.
    """

    merged: Merge
    because: Mapping[Field, Rule] = field(default_factory=dict)
    custom: Mapping[Field, CalendarEvent] = field(default_factory=dict)
    allowed: frozenset[Field] = NO_FIELDS
    refused: frozenset[Field] = NO_FIELDS
    openings: tuple[OpenConflict, ...] = ()
    applied: tuple[str, ...] = ()


def answered(pair: Pair, merged: Merge, *, held: Sequence[Conflict], contents: Mapping[Side, CalendarEvent]) -> Answers:
    """Work the choices in ``held`` into the merge of these contents."""
    answers = Answers(merged=merged)
    for conflict in held:
        value = chosen(conflict)
        if conflict.field is not None and value is not None and conflict.field in merged.still_held:
            answers = _choice(pair, answers, conflict, conflict.field, value, contents)
    return answers


def _choice(
    pair: Pair,
    answers: Answers,
    conflict: Conflict,
    which: Field,
    value: CalendarEvent,
    contents: Mapping[Side, CalendarEvent],
) -> Answers:
    toward = _lacking(which, value, contents, prefix=pair.mapping.prefix)
    if not toward <= pair.run_toward:
        return answers  # it is left for a run that goes that way
    freed = replace(answers.merged, still_held=answers.merged.still_held - {which})
    mails = Side.OUTLOOK in toward and pair.is_meeting
    if mails and not _is_told(pair, conflict):
        merged = replace(freed, clashes=freed.clashes | {which}, superseded=freed.superseded | {which})
        return replace(answers, merged=merged, refused=answers.refused | {which})
    custom = {which: value} if conflict.choice == CUSTOM else {}
    return replace(
        answers,
        merged=_carrying(freed, which, toward),
        because={**answers.because, which: Rule.RESOLVED},
        custom={**answers.custom, **custom},
        allowed=answers.allowed | {which},
        applied=(*answers.applied, conflict.conflict_id),
    )


def _lacking(
    which: Field, value: CalendarEvent, contents: Mapping[Side, CalendarEvent], *, prefix: str
) -> frozenset[Side]:
    """Return the sides that do not have the value. Only Outlook may have it cut short."""
    lacking = set()
    if not same(which, value, contents[Side.WEDSYNC]):
        lacking.add(Side.WEDSYNC)
    if not holds(which, contents[Side.OUTLOOK], value, prefix=prefix):
        lacking.add(Side.OUTLOOK)
    return frozenset(lacking)


def _is_told(pair: Pair, conflict: Conflict) -> bool:
    """Whether the user knows that all of the guests will be mailed, or always wants them to be."""
    outlook = pair.content(Side.OUTLOOK)
    guests = key(Field.ATTENDEES, outlook) if outlook else ()
    always = pair.policy.preferences.guest_updates is GuestUpdates.SEND
    return always or (isinstance(guests, tuple) and set(guests) <= set(conflict.guests))


def _carrying(merged: Merge, which: Field, toward: frozenset[Side]) -> Merge:
    if not toward:
        return replace(merged, agreed=merged.agreed | {which})
    sets = {_TO[side]: getattr(merged, _TO[side]) | {which} for side in toward}
    return replace(merged, **sets)


def ruled(pair: Pair, answers: Answers, *, unsettled: frozenset[Field]) -> Answers:
    """Work the user's rules in: clashes that they decide are carried, and a row keeps both values.

    Never where it would mail guests, never what WedSync sees only masked, and not ``unsettled`` fields, which differ
    for another reason than two edits of today.
    """
    if pair.mapping.masked or pair.type_off:
        return answers
    for which in sorted(answers.merged.clashes - unsettled - answers.refused):
        rule = ruling(pair.policy.rules, which, _event_type(pair))
        if rule is None or (rule.use is Side.WEDSYNC and pair.is_meeting):
            continue
        merged = replace(answers.merged, clashes=answers.merged.clashes - {which})
        answers = replace(
            answers,
            merged=_carrying(merged, which, frozenset({rule.use.other})),
            because={**answers.because, which: Rule.RESOLUTION_RULE},
        )
        if rule.use.other in pair.run_toward:
            opening = replace(pair.opening(Rule.RESOLUTION_RULE, which), use=rule.use)
            answers = replace(
                answers,
                openings=(*answers.openings, opening),
                applied=(*answers.applied, conflict_id_of(opening, pair.mapping.mapping_id)),
            )
    return answers


def could_be_ruled(decision: Decision) -> bool:
    """Whether a question is about to be asked that a rule might answer."""
    opened = [action for action in decision.actions if isinstance(action, OpenConflict)]
    return any(action.rule is Rule.CLASH and action.which in RULED_FIELDS for action in opened)


def _event_type(pair: Pair) -> EventType:
    state = pair.wedsync.state if isinstance(pair.wedsync, Present) else None
    return state.event_type if isinstance(state, WedSyncState) else pair.mapping.event_type
