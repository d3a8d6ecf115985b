"""Carry an event over as it is on one side, whatever the rules say: type, direction, opt-out and open conflicts."""

from dataclasses import replace

from shared.core.actions import Action, Apply, Decision, Rule, Skip, Update
from shared.core.canon import same, with_prefix
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, Side
from shared.core.history import Conflict
from shared.core.integration import Preferences
from shared.core.mapping import EventMapping
from shared.core.merge import advance, holds
from shared.core.pair import NOTE_FORCED, NOTE_MEETING, NOTE_PREFIX_REMOVED, Pair
from shared.core.states import ConflictState, MappingState

_OVERRIDDEN = frozenset(MERGED_FIELDS)


def standing(conflict: Conflict) -> bool:
    """Whether the conflict stands in the way: it is open, and about what force-sync would overwrite."""
    return conflict.state is ConflictState.OPEN and conflict.field is not Field.ATTENDEES


def unbound(mapping: EventMapping, preferences: Preferences) -> EventMapping:
    """Return the mapping without what keeps its event out of the sync: an opt-out, an absence, its type."""
    kept = {NOTE_PREFIX_REMOVED, NOTE_FORCED, NOTE_MEETING} & set(mapping.notes)
    if mapping.born is Side.WEDSYNC and not preferences.includes(mapping.event_type):
        kept.add(NOTE_FORCED)
    return replace(mapping, notes=tuple(sorted(kept)))


def linked_again(mapping: EventMapping, preferences: Preferences) -> EventMapping:
    """Return the mapping of two events that are both there as one that is synced."""
    return replace(unbound(mapping, preferences), state=MappingState.LINKED)


def forced_fields(pair: Pair, toward: Side) -> frozenset[Field]:
    """Return the fields in which ``toward`` has to be written; where Outlook is masked, only its time can be."""
    wedsync, outlook = pair.contents
    differing = {which for which in MERGED_FIELDS if not holds(which, outlook, wedsync, prefix=pair.mapping.prefix)}
    if toward is Side.WEDSYNC:
        return frozenset(differing)
    if pair.mapping.masked:
        return frozenset(differing & {Field.TIME})
    if not same(Field.PRIVATE, wedsync, outlook):  # whether others may read it is WedSync's to say, so it goes along
        differing.add(Field.PRIVATE)
    return frozenset(differing)


def forced(pair: Pair, toward: Side) -> Decision:
    """Decide to carry everything to ``toward``; both sides were read. Conflicts about it are over with that."""
    wedsync, outlook = pair.contents
    fields = forced_fields(pair, toward)
    over = tuple(row.conflict_id for row in pair.conflicts if row.field is None or row.field in _OVERRIDDEN | fields)
    writes: tuple[Action, ...] = (_update(pair, toward, fields),) if fields else ()
    closes: tuple[Action, ...] = (Apply(conflict_ids=over, rule=Rule.FORCED),) if over else ()
    return Decision(actions=(*writes, *closes) or (Skip(rule=Rule.FORCED),), mapping=_mapping(pair, wedsync, outlook))


def _mapping(pair: Pair, wedsync: CalendarEvent, outlook: CalendarEvent) -> EventMapping:
    """Return the mapping with what is equal already as its base; the answer to the write settles the rest."""
    mapping = pair.seen_mapping(*Side)
    prefix = mapping.prefix
    equal = {which for which in MERGED_FIELDS if holds(which, outlook, wedsync, prefix=prefix)} | {Field.ATTENDEES}
    return replace(
        mapping,
        base_w=advance(mapping.base_w or wedsync, wedsync, equal),
        base_o=advance(mapping.base_o or outlook, outlook, equal),
        held=mapping.held & {Field.ATTENDEES},
        drifted=mapping.drifted - _OVERRIDDEN,
    )


def _update(pair: Pair, toward: Side, fields: frozenset[Field]) -> Update:
    if toward is Side.WEDSYNC:
        return pair.taking_over(fields, Rule.FORCED)
    wedsync, outlook = pair.contents
    content = advance(outlook, wedsync, fields)
    return Update(
        side=toward,
        rule=Rule.FORCED,
        fields=fields,
        content=content,
        title=with_prefix(content.title, pair.mapping.prefix),
        source=wedsync,
        settles=fields,
        prefix=pair.mapping.prefix,
        etag=pair.o_etag,
        replaces=outlook,
    )
