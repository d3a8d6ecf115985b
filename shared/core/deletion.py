"""The decision table's last row and column: an event that is gone on one side or on both."""

from collections.abc import Mapping
from dataclasses import replace

from shared.core.actions import Action, Decision, Delete, Drift, End, Hide, Hold, OpenConflict, Rule, Skip, Unlink
from shared.core.canon import changed_fields
from shared.core.conflicts import is_superseded
from shared.core.event import Field, Side
from shared.core.history import Conflict
from shared.core.integration import OnOutlookDelete
from shared.core.mapping import EventMapping
from shared.core.pair import NOTE_TYPE_OFF, Pair, decision, note_gone, note_held, skip
from shared.core.states import MAPPING_MOVES, ConflictState, MappingState, move
from shared.core.views import Gone

_AFTER: Mapping[type, MappingState] = {
    Unlink: MappingState.UNLINKED,
    Hide: MappingState.HIDDEN,
    End: MappingState.ENDED,
}

_HELD = frozenset(note_held(side) for side in Side)


def decide_gone(pair: Pair) -> Decision:
    """Decide on a pair of which a side is gone; an absence without proof changes nothing."""
    missing = {side: view for side in Side if isinstance(view := pair.view(side), Gone)}
    if not all(view.proved for view in missing.values()):
        return skip(pair.mapping, Rule.UNPROVED_ABSENCE)
    if len(missing) == len(Side):
        return _both_gone(pair)
    absent, view = next(iter(missing.items()))
    verdict = _outlook_gone(pair, view) if absent is Side.OUTLOOK else _wedsync_gone(pair)
    return _answered(pair, absent, _permitted(pair, absent, verdict))


def _both_gone(pair: Pair) -> Decision:
    """End the mapping, but not while Outlook's event is in another calendar: it may come back, and is no new one."""
    if Side.OUTLOOK in pair.assumed:
        return decision(pair.mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True))
    elsewhere = isinstance(pair.outlook, Gone) and pair.outlook.left_calendar
    return _acting(pair, Hide(rule=Rule.LEFT_AND_DELETED) if elsewhere else End(rule=Rule.BOTH_GONE))


def _outlook_gone(pair: Pair, view: Gone) -> Action:
    if pair.type_off:
        return Unlink(side=Side.OUTLOOK, rule=Rule.TYPE_OFF)
    if _edited(pair, Side.WEDSYNC):
        return pair.opening(Rule.EDITED_AND_DELETED, absent=Side.OUTLOOK)
    if pair.mapping.born is Side.WEDSYNC:
        return _by_preference(pair, view)
    if view.left_calendar:  # it still exists, so its deletion in WedSync is for a person to want
        return pair.opening(Rule.LEFT_CALENDAR, absent=Side.OUTLOOK)
    return Delete(side=Side.WEDSYNC, rule=Rule.OUTLOOK_BORN_GONE, version=pair.w_version)


def _by_preference(pair: Pair, view: Gone) -> Action:
    match pair.policy.preferences.on_outlook_delete:
        case OnOutlookDelete.UNLINK:
            return Unlink(side=Side.OUTLOOK, rule=Rule.OUTLOOK_DELETE_UNLINK)
        case OnOutlookDelete.DELETE:
            return Delete(
                side=Side.WEDSYNC,
                rule=Rule.OUTLOOK_DELETE_DELETE,
                version=pair.w_version,
                hides=view.left_calendar,
            )
        case _:
            return pair.opening(Rule.OUTLOOK_DELETE_ASK, absent=Side.OUTLOOK)


def _wedsync_gone(pair: Pair) -> Action:
    if _edited(pair, Side.OUTLOOK):
        return pair.opening(Rule.EDITED_AND_DELETED, absent=Side.WEDSYNC)
    if pair.mapping.born is Side.OUTLOOK:
        return Hide(rule=Rule.HIDDEN)
    return Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED, etag=pair.o_etag)


def _edited(pair: Pair, side: Side) -> bool:
    """Whether the side that is left holds something that the other has never had."""
    base = pair.mapping.base_w if side is Side.WEDSYNC else pair.mapping.base_o
    content = pair.content(side)
    if base is None or content is None:
        return True
    return bool(changed_fields(base, content) | pair.mapping.drifted - {Field.PRIVATE})


def _permitted(pair: Pair, absent: Side, verdict: Action) -> Action:
    """Turn a delete that may not be sent into a note of drift or a conflict."""
    if not isinstance(verdict, Delete):
        return verdict
    if verdict.side not in pair.toward:
        return Drift(side=absent, rule=Rule.DRIFT_DELETED)
    if note_gone(absent) in pair.mapping.notes:
        return pair.opening(Rule.DRIFT_WIDENED, absent=absent)
    if verdict.side is Side.OUTLOOK and pair.is_meeting:
        return pair.opening(Rule.GUESTS_DELETE, absent=absent)
    return verdict


def _answered(pair: Pair, absent: Side, verdict: Action) -> Decision:
    """Weigh the verdict against the conflict that may be open already, and against what this run may do."""
    waiting = _waiting(pair, absent)
    if waiting is not None and not _guests_left(waiting, verdict):
        older = [conflict for conflict in pair.conflicts if conflict is not waiting]
        mapping = replace(pair.seen_mapping(absent.other), held=frozenset())
        return decision(mapping, Skip(rule=Rule.HELD), *pair.superseding(older))
    if isinstance(verdict, Drift) and note_gone(absent) in pair.mapping.notes:
        return skip(pair.seen_mapping(absent.other), Rule.DRIFT_DELETED)
    if isinstance(verdict, Delete) and verdict.side not in pair.run_toward:
        return skip(pair.mapping, Rule.RUN_DIRECTION)
    return _acting(pair, verdict)


def _waiting(pair: Pair, absent: Side) -> Conflict | None:
    """Return the open conflict about this very absence and the present content of the side that is left."""
    content = pair.content(absent.other)
    sides = {"wedsync": None, "outlook": None} | {absent.other.value: content}
    rows = (row for row in pair.conflicts if row.field is None and row.absent is absent)
    return next((row for row in rows if content is not None and not is_superseded(row, **sides)), None)


def _guests_left(waiting: Conflict, verdict: Action) -> bool:
    """Whether the open conflict was about guests only, who are not on the event any more.

    One that was opened by another rule waits for its answer: a run that had deleted the event was undone, say.
    """
    is_open = waiting.state is ConflictState.OPEN and waiting.rule == Rule.GUESTS_DELETE
    return is_open and isinstance(verdict, Delete) and verdict.side is Side.OUTLOOK


def _acting(pair: Pair, verdict: Action) -> Decision:
    mapping = pair.seen_mapping(*Side)
    closed = () if isinstance(verdict, Drift) else pair.superseding(pair.conflicts)
    if not isinstance(verdict, Drift):
        mapping = replace(mapping, held=frozenset())
    return decision(_after(mapping, verdict), verdict, *closed)


def _after(mapping: EventMapping, verdict: Action) -> EventMapping:
    """Return the mapping after an action that writes to neither side."""
    if isinstance(verdict, Drift):
        return replace(mapping, notes=tuple(dict.fromkeys((*mapping.notes, note_gone(verdict.side)))))
    if isinstance(verdict, Delete):
        return mapping
    mapping = replace(mapping, notes=tuple(note for note in mapping.notes if note not in _HELD))
    if isinstance(verdict, OpenConflict):
        return mapping
    state = move(MAPPING_MOVES, mapping.state, _AFTER[type(verdict)])
    notes = (*mapping.notes, NOTE_TYPE_OFF) if verdict.rule is Rule.TYPE_OFF else mapping.notes
    return replace(mapping, state=state, notes=tuple(dict.fromkeys(notes)))
