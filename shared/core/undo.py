"""What it takes to undo a run: its changes folded to one effect for each pair, and judged by what is there now.

Only what nobody touched since is undone. The side that a run wrote gets back what it had; the other side, where the
value came from, is not this run's to change. So where the two differ then, the field is an open conflict: nothing flows
until a person has chosen (docs/decisions/012).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from shared.core.actions import OpenConflict, Rule, Update
from shared.core.canon import changed_fields, fitted, same, with_prefix
from shared.core.conflicts import conflict_of
from shared.core.event import CalendarEvent, Field, Side
from shared.core.history import ChangeKind, Conflict, Suggestion, SyncChange
from shared.core.mapping import EventMapping
from shared.core.merge import NO_FIELDS, advance

_UNDOINGS = UUID("6d1c4d0a-52f7-5a11-8f0e-4b8f3f0c9e55")
_SUGGESTED: Mapping[Side, Suggestion] = {Side.WEDSYNC: Suggestion.USE_WEDSYNC, Side.OUTLOOK: Suggestion.USE_OUTLOOK}

NOTE_UNDONE = "undone"
"""In ``EventMapping.notes``: taken out of the sync because a run that had made its event was undone."""


class Kept(StrEnum):
    """Why something that a run did stays as it is."""

    CHANGED_SINCE = "changed_since"  # somebody worked on it after the run
    GUESTS = "guests"  # Outlook would mail them
    TYPE_OFF = "type_off"  # the preference stands, so the next sync would do it again
    PREFERENCE = "preference"  # likewise: the prefix
    NOT_SYNCED = "not_synced"  # the pair is not known any more, or is of an earlier connection
    NOT_OURS = "not_ours"  # nothing proves that the sync made the event
    GONE = "gone"  # there is nothing left to work on
    REFUSED = "refused"  # a far end refuses it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What a run made of some fields of one side; ``renamed``: nothing but the prefix of a subject."""

    side: Side
    fields: frozenset[Field]
    before: CalendarEvent
    after: CalendarEvent
    renamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """All that a run did to one pair, until ``at``.

    At most one of ``created``, ``deleted``, ``parted`` and ``joined`` is there.
    """

    mapping_id: str
    at: datetime
    rewrites: tuple[Rewrite, ...] = ()
    created: SyncChange | None = None
    deleted: SyncChange | None = None
    parted: SyncChange | None = None
    joined: SyncChange | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self.rewrites or self.created or self.deleted or self.parted or self.joined)

    def knows(self, mapping: EventMapping) -> bool:
        """Whether the run can have worked on this mapping: not on one that was made later, of a new connection say."""
        return mapping.created_at is None or mapping.created_at <= self.at


def effects(changes: Iterable[SyncChange]) -> tuple[Effect, ...]:
    """Fold a run's changes, oldest first, to one effect for each pair; what only opened a conflict has none."""
    by_mapping: dict[str, list[SyncChange]] = {}
    for change in changes:
        by_mapping.setdefault(change.mapping_id, []).append(change)
    found = (_effect(mapping_id, group) for mapping_id, group in by_mapping.items())
    return tuple(effect for effect in found if effect)


def _effect(mapping_id: str, changes: Sequence[SyncChange]) -> Effect:
    effect = Effect(mapping_id=mapping_id, at=changes[-1].at)
    for change in changes:
        effect = _with(effect, change)
    return effect


def _with(effect: Effect, change: SyncChange) -> Effect:
    if change.kind is ChangeKind.UPDATED:
        return _rewritten(effect, change)
    if change.rule == Rule.BOTH_GONE:
        return effect
    alone = Effect(mapping_id=effect.mapping_id, at=effect.at, rewrites=effect.rewrites)
    match change.kind:
        case ChangeKind.CREATED:
            return replace(alone, created=change)
        case ChangeKind.DELETED:
            return replace(alone, deleted=change)
        case ChangeKind.UNLINKED:
            return replace(alone, parted=change)
        case ChangeKind.LINKED:
            return replace(alone, joined=change)
    return effect


def _rewritten(effect: Effect, change: SyncChange) -> Effect:
    if change.before is None or change.after is None:
        return effect
    made = effect.created
    if made is not None and made.after is not None and made.side is change.side:  # it was made, and then rewritten
        after = advance(made.after, change.after, change.fields)
        return replace(effect, created=replace(made, after=after, at=change.at))
    earlier = next((each for each in effect.rewrites if each.side is change.side), None)
    rewrite = _rewrite(change) if earlier is None else _continued(earlier, change)
    others = tuple(each for each in effect.rewrites if each is not earlier)
    return replace(effect, rewrites=(*others, rewrite))


def _rewrite(change: SyncChange) -> Rewrite:
    assert change.before is not None
    assert change.after is not None
    renamed = change.rule == Rule.PREFIX_CHANGED
    fields = frozenset(change.fields)
    return Rewrite(side=change.side, fields=fields, before=change.before, after=change.after, renamed=renamed)


def _continued(earlier: Rewrite, change: SyncChange) -> Rewrite:
    """The values from before the first change of each field, and those after the last."""
    later = _rewrite(change)
    new = later.fields - earlier.fields
    return replace(
        later,
        fields=earlier.fields | later.fields,
        before=advance(earlier.before, later.before, new),
        after=advance(earlier.after, later.after, later.fields),
        renamed=earlier.renamed and later.renamed,
    )


# --- Fields -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """The verdict on a rewrite: fields to be written back, those that are back already, and those that stay."""

    write: frozenset[Field] = NO_FIELDS
    back: frozenset[Field] = NO_FIELDS
    stay: frozenset[Field] = NO_FIELDS

    @property
    def undone(self) -> frozenset[Field]:
        """The fields that have their former value once the write is done."""
        return self.write | self.back


def reverse(
    rewrite: Rewrite, *, here: CalendarEvent, there: CalendarEvent, prefix: str, twin: Rewrite | None = None
) -> Reversal:
    """Judge each field by the present contents of the side that was rewritten, and of the other one.

    Both have to be as the run left them: the rewritten side with the new value, the other with the new or the former.
    ``twin`` is what the run wrote to the other side; whether that is undone already does not matter.
    """
    verdicts: dict[str, set[Field]] = {}
    for which in rewrite.fields:
        if not same(which, rewrite.before, rewrite.after):
            values = [rewrite.after, rewrite.before]
            values += [twin.after, twin.before] if twin and which in twin.fields else []
            known = any(agree(which, rewrite.side, value, there, prefix) for value in values)
            verdicts.setdefault(_verdict(rewrite, which, here) if known else "stay", set()).add(which)
    return Reversal(**{name: frozenset(found) for name, found in verdicts.items()})


def _verdict(rewrite: Rewrite, which: Field, here: CalendarEvent) -> str:
    if same(which, here, rewrite.after):
        return "write"
    return "back" if same(which, here, rewrite.before) else "stay"


def agree(which: Field, side: Side, here: CalendarEvent, there: CalendarEvent, prefix: str) -> bool:
    """Whether ``here`` on ``side`` and ``there`` on the other are equal as far as Outlook can represent it."""
    wedsync, outlook = (here, there) if side is Side.WEDSYNC else (there, here)
    return same(which, wedsync, outlook) or same(which, fitted(wedsync, prefix), outlook)


def write_back(
    rewrite: Rewrite, fields: frozenset[Field], mapping: EventMapping, *, here: CalendarEvent, there: CalendarEvent
) -> Update:
    """Return the write that gives these fields their former values."""
    content = advance(here, rewrite.before, fields)
    outlook = rewrite.side is Side.OUTLOOK
    return Update(
        side=rewrite.side,
        rule=Rule.UNDONE,
        fields=fields,
        content=content,
        title=with_prefix(content.title, mapping.prefix) if outlook else content.title,
        source=there,
        settles=fields,
        replaces=here,
        prefix=mapping.prefix,
    )


def untouched(content: CalendarEvent, made: CalendarEvent | None) -> bool:
    """Whether an event is still as it was; who was invited since is asked elsewhere."""
    return made is not None and not changed_fields(made, content) - {Field.ATTENDEES}


# --- Conflicts ----------------------------------------------------------------------------------------------------


def reopened(
    mapping: EventMapping,
    rewrite: Rewrite,
    which: Field,
    *,
    here: CalendarEvent,
    there: CalendarEvent,
    run_id: str,
    now: datetime,
) -> Conflict:
    """Return the open conflict about a field that was undone on one side; what was there before is suggested.

    ``here`` is the side's content after the undo. The id follows from the run, so that it is opened once.
    """
    sides = _sides(rewrite.side, here, there)
    opening = OpenConflict(
        rule=Rule.UNDONE,
        which=which,
        wedsync=sides[Side.WEDSYNC],
        outlook=sides[Side.OUTLOOK],
        base_w=rewrite.after,
        base_o=rewrite.after,
    )
    return _opened(opening, mapping, rewrite.side, run_id=run_id, now=now)


def missing(mapping: EventMapping, absent: Side, content: CalendarEvent, *, run_id: str, now: datetime) -> Conflict:
    """Return the open conflict about an event that one side has again, and the other has not."""
    sides = _sides(absent.other, content, None)
    opening = OpenConflict(
        rule=Rule.UNDONE,
        which=None,
        wedsync=sides[Side.WEDSYNC],
        outlook=sides[Side.OUTLOOK],
        base_w=mapping.base_w,
        base_o=mapping.base_o,
        absent=absent,
    )
    return _opened(opening, mapping, absent.other, run_id=run_id, now=now)


def _sides(side: Side, here: CalendarEvent | None, there: CalendarEvent | None) -> Mapping[Side, CalendarEvent | None]:
    return {side: here, side.other: there}


def _opened(opening: OpenConflict, mapping: EventMapping, side: Side, *, run_id: str, now: datetime) -> Conflict:
    conflict_id = question_id(run_id, mapping.mapping_id, opening.which)
    conflict = conflict_of(opening, mapping, now=now, conflict_id=conflict_id)
    return replace(conflict, suggestion=_SUGGESTED[side])


def question_id(run_id: str, mapping_id: str, which: Field | None) -> str:
    """Return the id of the conflict that the undoing run opens about a field, or about the event as such."""
    return undoing_id(run_id, mapping_id, f"conflict:{which or 'event'}")


def undoing_id(run_id: str, mapping_id: str, what: str) -> str:
    """Return an id for something that the undoing run does once to a pair, however often it is carried on."""
    return str(uuid5(_UNDOINGS, f"{run_id}:{mapping_id}:{what}"))


def undo_run_id(run_id: str, number: int) -> str:
    """Return the id of the run that undoes a run; ``number`` counts attempts that failed or were cancelled."""
    return str(uuid5(_UNDOINGS, f"run:{run_id}:{number}"))
