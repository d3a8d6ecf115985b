"""Conflicts as values: their rows, what is suggested and why, and their names on the wire."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid5

from shared.core.actions import EXPLAINED, OpenConflict, Rule
from shared.core.canon import changed_fields, key
from shared.core.event import CalendarEvent, EventType, Field, Side
from shared.core.history import Conflict, Suggestion
from shared.core.mapping import EventMapping
from shared.core.states import CONFLICT_MOVES, ConflictState, move

_CONFLICTS = UUID("0d5c8a52-6a3b-5f0e-8b1c-9f7a2e4d6c30")
_CLEARLY_LATER = timedelta(minutes=1)
_WEDDING = frozenset({EventType.WEDDING_CEREMONY, EventType.WEDDING_RECEPTION})

CUSTOM = "custom"
"""The choice of a value that neither side has."""

Advice = tuple[Suggestion, str]
_USE: Mapping[Side, Suggestion] = {Side.WEDSYNC: Suggestion.USE_WEDSYNC, Side.OUTLOOK: Suggestion.USE_OUTLOOK}
_NAMES: Mapping[Side, str] = {Side.WEDSYNC: "WedSync", Side.OUTLOOK: "Outlook"}

_TYPES: Mapping[Field | None, str] = {
    Field.TITLE: "title",
    Field.DESCRIPTION: "description",
    Field.TIME: "date_time",
    Field.LOCATION: "location",
    Field.ATTENDEES: "attendees",
    # The specification has five types and none for privacy. It governs what of the text others may read, hence:
    Field.PRIVATE: "description",
    None: "date_time",  # a deletion, by the design's wire notes
}


def conflict_type(which: Field | None) -> str:
    """Return the specification's ``conflictType``."""
    return _TYPES[which]


def conflict_id_of(opening: OpenConflict, mapping_id: str) -> str:
    """Return an id made of the values at odds and the guests: opening the same conflict twice gives one row."""
    fields = [opening.which] if opening.which else list(Field)
    events = (opening.wedsync, opening.outlook, opening.base_w, opening.base_o)
    values = [[key(which, event) for which in fields] if event else None for event in events]
    # Whom a choice would mail is part of the question: with other guests it is another one.
    guests = key(Field.ATTENDEES, opening.outlook) if opening.outlook else None
    digest = sha256(repr((opening.which, opening.absent, values, guests)).encode()).hexdigest()
    return str(uuid5(_CONFLICTS, f"{mapping_id}:{digest}"))


def conflict_of(opening: OpenConflict, mapping: EventMapping, *, now: datetime, conflict_id: str = "") -> Conflict:
    """Return the open conflict to be stored, with what is suggested and the reason in plain words.

    One that a rule has answered is born resolved. Without an id of the caller's it gets ``conflict_id_of``'s, so that
    two workers who see the same open one conflict.
    """
    suggestion, reason = advise(opening, mapping.event_type)
    return Conflict(
        conflict_id=conflict_id or conflict_id_of(opening, mapping.mapping_id),
        integration_id=mapping.integration_id,
        mapping_id=mapping.mapping_id,
        field=opening.which,
        state=ConflictState.RESOLVED if opening.use else ConflictState.OPEN,
        choice=opening.use.value if opening.use else "",
        opened_at=now,
        wedsync=opening.wedsync,
        outlook=opening.outlook,
        base=opening.base_w,
        wedsync_at=opening.wedsync_at,
        outlook_at=opening.outlook_at,
        absent=opening.absent,
        rule=opening.rule,
        suggestion=suggestion,
        reason=reason,
        event_type=mapping.event_type,
    )


def resolved(
    conflict: Conflict, *, choice: str, custom: CalendarEvent | None = None, guests: tuple[str, ...] = ()
) -> Conflict:
    """Return the open conflict as chosen, and not carried out yet."""
    state = move(CONFLICT_MOVES, conflict.state, ConflictState.RESOLVED)
    return replace(conflict, state=state, choice=choice, custom=custom, guests=guests)


def asked_again(conflict: Conflict, *, conflict_id: str) -> Conflict:
    """Return a new open conflict about the same values: what was chosen in this one cannot be carried out."""
    return replace(
        conflict, conflict_id=conflict_id, state=ConflictState.OPEN, choice="", custom=None, guests=(), closed_at=None
    )


def applied(conflict: Conflict, *, at: datetime, choice: str = "") -> Conflict:
    """Return the conflict as chosen and carried out; ``choice`` is named where it was open until now."""
    if conflict.state is ConflictState.OPEN:
        conflict = resolved(conflict, choice=choice or conflict.choice)
    return replace(conflict, state=move(CONFLICT_MOVES, conflict.state, ConflictState.APPLIED), closed_at=at)


def is_chosen(conflicts: Iterable[Conflict]) -> bool:
    """Whether a choice waits among them to be carried out, though neither side may have changed since."""
    return any(conflict.state is ConflictState.RESOLVED for conflict in conflicts)


def chosen(conflict: Conflict) -> CalendarEvent | None:
    """Return the content whose ``field`` was chosen; None while nothing is."""
    if conflict.state is not ConflictState.RESOLVED:
        return None
    values = {Side.WEDSYNC.value: conflict.wedsync, Side.OUTLOOK.value: conflict.outlook, CUSTOM: conflict.custom}
    return values.get(conflict.choice)


def superseded(conflict: Conflict, *, at: datetime) -> Conflict:
    """Return the conflict as one that is over because a side moved on."""
    return replace(conflict, state=move(CONFLICT_MOVES, conflict.state, ConflictState.SUPERSEDED), closed_at=at)


def advise(opening: OpenConflict, event_type: EventType) -> Advice:
    """Return what is suggested, and why: only where one answer loses nothing or is plainly the later one."""
    why = EXPLAINED[opening.rule]
    if opening.elsewhere and opening.rule is not Rule.LEFT_CALENDAR:
        why = f"{why} {_ELSEWHERE}"
    if opening.rule in _BY_RULE:
        suggestion, reason = _BY_RULE[opening.rule]
        return suggestion, f"{why} {reason}".strip()
    if opening.absent is not None:
        there = opening.absent.other
        return _USE[there], f"{why} Keeping {_NAMES[there]}'s event loses nothing."
    if opening.which is Field.TIME and event_type in _WEDDING:
        return Suggestion.MANUAL_REVIEW, f"{why} The time of a wedding is best checked with the couple."
    suggestion, reason = _fuller(opening) or _later(opening) or (Suggestion.MANUAL_REVIEW, "")
    return suggestion, f"{why} {reason}".strip()


_BY_RULE: Mapping[Rule, Advice] = {
    Rule.GUESTS: (Suggestion.USE_WEDSYNC, "Using WedSync's value mails all guests of the event."),
    Rule.ATTENDEES: (Suggestion.USE_OUTLOOK, "Invitations are kept in Outlook."),
    Rule.OUTLOOK_DELETE_ASK: (Suggestion.MANUAL_REVIEW, "It can stay in WedSync alone, come back, or be deleted."),
    Rule.LEFT_CALENDAR: (Suggestion.USE_WEDSYNC, "It still exists; keeping it in WedSync loses nothing."),
    Rule.GUESTS_DELETE: (Suggestion.MANUAL_REVIEW, "It can be cancelled with a word to the guests, or stay."),
}


_ELSEWHERE = "It is in another calendar of Outlook, and stays there, whatever you choose."


def _fuller(opening: OpenConflict) -> Advice | None:
    """Suggest the text that contains the other one, an empty one included."""
    text = _TEXTS.get(opening.which) if opening.which else None
    if text is None or opening.wedsync is None or opening.outlook is None:
        return None
    ours, theirs = text(opening.wedsync), text(opening.outlook)
    if theirs in ours:
        return Suggestion.USE_WEDSYNC, "WedSync's text contains all of Outlook's."
    if ours in theirs:
        return Suggestion.USE_OUTLOOK, "Outlook's text contains all of WedSync's."
    return None


_TEXTS: Mapping[Field, Callable[[CalendarEvent], str]] = {
    Field.TITLE: lambda event: event.title,
    Field.DESCRIPTION: lambda event: event.description,
    Field.LOCATION: lambda event: f"{event.location.name}\n{event.location.address}".strip(),
}


def _later(opening: OpenConflict) -> Advice | None:
    if opening.wedsync_at is None or opening.outlook_at is None:
        return None
    if abs(opening.wedsync_at - opening.outlook_at) < _CLEARLY_LATER:
        return None
    side = Side.WEDSYNC if opening.wedsync_at > opening.outlook_at else Side.OUTLOOK
    return _USE[side], f"{_NAMES[side]}'s event was changed later."


def is_superseded(conflict: Conflict, *, wedsync: CalendarEvent | None, outlook: CalendarEvent | None) -> bool:
    """Whether the present contents (None: absent) are not those that the conflict offers to choose from."""
    pairs = ((conflict.wedsync, wedsync), (conflict.outlook, outlook))
    return any(_moved(conflict.field, recorded, now) for recorded, now in pairs)


def _moved(which: Field | None, recorded: CalendarEvent | None, now: CalendarEvent | None) -> bool:
    if recorded is None or now is None:
        return recorded is not now
    changed = changed_fields(recorded, now)
    return bool(changed) if which is None else which in changed
