"""The decision table: what is to be done about one pair of events, by what is known of both sides.

Pure: the same views give the same decision, and deciding again after it was carried out finds nothing to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import (
    Action,
    Agree,
    Apply,
    Create,
    Decision,
    Delete,
    Drift,
    Hold,
    Policy,
    Rule,
    Skip,
    Update,
)
from shared.core.answers import Answers, answered, ruled
from shared.core.canon import changed_fields, same, with_prefix
from shared.core.conflicts import chosen, is_superseded
from shared.core.deletion import decide_gone
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, Side
from shared.core.history import Conflict
from shared.core.mapping import EventMapping, Role
from shared.core.merge import BOTH, Flow, HeldValues, Merge, advance, merge, taken_over
from shared.core.pair import NOTE_PREFIX_REMOVED, NOTE_TYPE_OFF, Pair, decision, skip, worn_prefix
from shared.core.states import ConflictState, MappingState
from shared.core.travel import decide_travel
from shared.core.views import Gone, Present, Unseen, View


def decide(
    mapping: EventMapping, *, wedsync: View, outlook: View, policy: Policy, conflicts: Sequence[Conflict]
) -> Decision:
    """Decide on a mapped pair. ``conflicts`` are the mapping's conflicts that are open or not yet applied."""
    pair = Pair.of(mapping, wedsync=wedsync, outlook=outlook, policy=policy, conflicts=conflicts)
    if mapping.role is Role.TRAVEL:
        return decide_travel(pair)
    if mapping.state is not MappingState.LINKED:
        return _dormant(mapping, pair)
    if isinstance(pair.wedsync, Gone) or isinstance(pair.outlook, Gone):
        return decide_gone(pair)
    if pair.replayed:
        return skip(mapping, Rule.REPLAY)
    return _both_there(pair)


# --- Pairs that are not synced ------------------------------------------------------------------------------------


def _dormant(mapping: EventMapping, pair: Pair) -> Decision:
    match mapping.state:
        case MappingState.INTENT:
            return decision(mapping, Hold(rule=Rule.OPEN_INTENT))
        case MappingState.UNLINKED:
            return _unlinked(mapping, pair)
        case MappingState.HIDDEN if pair.outlook == Gone(proved=True):
            return decide_gone(replace(pair, wedsync=Gone(proved=True)))
        case MappingState.HIDDEN:
            return skip(mapping, Rule.HIDDEN)
        case _:
            return skip(mapping, Rule.ENDED)


def _unlinked(mapping: EventMapping, pair: Pair) -> Decision:
    there = isinstance(pair.outlook, Present)
    if pair.wedsync == Gone(proved=True) and isinstance(pair.outlook, Unseen):
        return decision(mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True))
    if pair.wedsync == pair.outlook == Gone(proved=True):
        return decide_gone(pair)
    if NOTE_TYPE_OFF not in mapping.notes:
        return skip(mapping, Rule.OPTED_OUT)
    returns = not pair.type_off and not there and Side.OUTLOOK in pair.toward & pair.run_toward
    if isinstance(pair.wedsync, Gone) or not returns:
        return skip(mapping, Rule.TYPE_OFF)
    content = pair.content(Side.WEDSYNC)
    if isinstance(pair.wedsync, Unseen) or content is None:
        return decision(mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=Side.WEDSYNC))
    prefix = worn_prefix(mapping, pair.policy.preferences.event_prefix)
    seen = pair.seen_mapping(Side.WEDSYNC)
    create = Create(
        side=Side.OUTLOOK,
        rule=Rule.TYPE_ON,
        content=content,
        title=with_prefix(content.title, prefix),
        event_type=seen.event_type,
        prefix=prefix,
    )
    return decision(seen, create)


# --- Both events are there ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Joint:
    """Both contents with bases: what there is to merge. ``new_base``: the bases were made just now."""

    mapping: EventMapping
    wedsync: CalendarEvent
    outlook: CalendarEvent
    base_w: CalendarEvent
    base_o: CalendarEvent
    new_base: bool


def _both_there(pair: Pair) -> Decision:
    unknown = _unknown_side(pair)
    wedsync, outlook = pair.content(Side.WEDSYNC), pair.content(Side.OUTLOOK)
    if unknown is not None or wedsync is None or outlook is None:
        return decision(pair.mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=unknown))
    joint = _joint(pair, wedsync, outlook)
    held = _held(pair, joint)
    merged = merge(
        base_w=joint.base_w,
        base_o=joint.base_o,
        wedsync=wedsync,
        outlook=outlook,
        held={conflict.field: _values(conflict) for conflict in held if conflict.field},
        drifted=joint.mapping.drifted,
        flow=Flow(toward=pair.toward, masked=pair.mapping.masked),
        prefix=pair.mapping.prefix,
    )
    answers = answered(pair, merged, held=held, contents={Side.WEDSYNC: wedsync, Side.OUTLOOK: outlook})
    unread = _unread(pair, joint, answers)
    if unread is not None:
        return decision(pair.mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=unread))
    if pair.type_off and not (answers.merged.to_wedsync or answers.merged.clashes):
        return _type_off(pair, answers.merged)
    answers = ruled(pair, answers, unsettled=joint.mapping.drifted)
    return _Weaving(pair=pair, joint=joint, answers=answers, held=held).decision()


def _unread(pair: Pair, joint: _Joint, answers: Answers) -> Side | None:
    """Return the side that was guessed at, where no write would prove the guess, or one would overwrite its drift."""
    merged, drifted = answers.merged, joint.mapping.drifted
    unread = [side for side in Side if isinstance(pair.view(side), Unseen)]
    if unread and (merged.superseded or merged.agreed - drifted):
        return unread[0]
    lost = drifted - frozenset(answers.because)
    written = {Side.WEDSYNC: merged.to_wedsync & lost, Side.OUTLOOK: merged.to_outlook & lost}
    return next((side for side in unread if written[side]), None)


def _unknown_side(pair: Pair) -> Side | None:
    """Return the side that has to be read first: one without a base, or one known to differ while both may write.

    So has one with a field that is held by no question: whoever closed it could not enter what it was about.
    """
    bases = {Side.WEDSYNC: pair.mapping.base_w, Side.OUTLOOK: pair.mapping.base_o}
    waiting = {conflict.field for conflict in pair.conflicts}
    differing = bool(set(MERGED_FIELDS) & pair.mapping.drifted - waiting) and pair.toward == BOTH
    needed = differing or None in bases.values() or bool(pair.mapping.held - waiting)
    return next((side for side in Side if needed and isinstance(pair.view(side), Unseen)), None)


def _joint(pair: Pair, wedsync: CalendarEvent, outlook: CalendarEvent) -> _Joint:
    """Join the contents with their bases; where there are none, the present becomes the base and differences stand."""
    mapping, base_w, base_o = pair.mapping, pair.mapping.base_w, pair.mapping.base_o
    new_base = base_w is None or base_o is None
    if base_w is None or base_o is None:
        base_w, base_o = wedsync, outlook
        differing = frozenset(MERGED_FIELDS) & changed_fields(wedsync, outlook)
        mapping = replace(mapping, drifted=mapping.drifted | differing)
    return _Joint(mapping=mapping, wedsync=wedsync, outlook=outlook, base_w=base_w, base_o=base_o, new_base=new_base)


def _values(conflict: Conflict) -> HeldValues:
    return HeldValues(wedsync=conflict.wedsync, outlook=conflict.outlook, chosen=chosen(conflict))


def _held(pair: Pair, joint: _Joint) -> tuple[Conflict, ...]:
    """Return one conflict of each field, without those that were about guests who are not there any more.

    A write that failed can leave two of them open: the one with the present values counts, else the newest.
    """
    chosen: dict[Field, Conflict] = {}
    present = [row for row in pair.conflicts if not is_superseded(row, wedsync=joint.wedsync, outlook=joint.outlook)]
    for conflict in (*pair.conflicts, *present):
        if conflict.field is not None:
            chosen[conflict.field] = conflict
    return tuple(conflict for which, conflict in chosen.items() if not _guests_left(pair, joint, which, conflict))


def _guests_left(pair: Pair, joint: _Joint, which: Field, conflict: Conflict) -> bool:
    """Whether nothing but guests kept WedSync's change from Outlook, and they have left."""
    one_sided = same(which, joint.base_o, joint.outlook) and not same(which, joint.base_w, joint.wedsync)
    waiting = conflict.state is not ConflictState.OPEN or which in (*joint.mapping.drifted, Field.ATTENDEES)
    return one_sided and not waiting and not pair.is_meeting and Side.OUTLOOK in pair.toward


def _type_off(pair: Pair, merged: Merge) -> Decision:
    """Take the copy out of Outlook; where it stays, versions stay too, since WedSync's change is not accounted for."""
    if merged.still_held:
        return skip(pair.mapping, Rule.TYPE_OFF_HELD)
    if Side.OUTLOOK not in pair.toward:
        return skip(pair.mapping, Rule.DIRECTION)
    if Side.OUTLOOK not in pair.run_toward:
        return skip(pair.mapping, Rule.RUN_DIRECTION)
    if pair.is_meeting:
        return skip(pair.mapping, Rule.TYPE_OFF_GUESTS)
    content = pair.content(Side.OUTLOOK)  # with what its owner may have changed and one way did not let through
    delete = Delete(side=Side.OUTLOOK, rule=Rule.TYPE_OFF, etag=pair.o_etag, asked=True, before=content)
    return decision(pair.seen_mapping(*Side), delete, *pair.superseding(pair.conflicts))


@dataclass(frozen=True, kw_only=True)
class _Weaving:
    """Turns a merge into actions and a mapping."""

    pair: Pair
    joint: _Joint
    answers: Answers
    held: tuple[Conflict, ...]

    @property
    def merged(self) -> Merge:
        """The verdict on each field, with the answers in it."""
        return self.answers.merged

    def decision(self) -> Decision:
        """Return conflicts first, then the writes, then what is only noted."""
        updates = self._updates()
        kept = tuple(update for update in updates if update.side in self.pair.run_toward)
        actions = (*self._conflicts(), *kept, *self._notes(), *self._closed())
        unsent = frozenset(update.side.other for update in updates if update not in kept)
        return Decision(actions=actions or (Skip(rule=self._idle(unsent)),), mapping=self._mapping(unsent))

    @property
    def _blocked(self) -> frozenset[Field]:
        """The changes that would mail somebody, but for those that the user wants to."""
        return self.merged.to_outlook - self.answers.allowed if self.pair.is_meeting else frozenset()

    @property
    def _waiting(self) -> frozenset[Field]:
        return self.merged.still_held | self.merged.clashes | self._blocked

    @property
    def _agreed(self) -> frozenset[Field]:
        """What is found equal; a drift is not over because a side that was not read is assumed to be as its base."""
        assumed = isinstance(self.pair.wedsync, Unseen) or isinstance(self.pair.outlook, Unseen)
        return self.merged.agreed - self.joint.mapping.drifted if assumed else self.merged.agreed

    @property
    def _drifted(self) -> frozenset[Field]:
        return (self.joint.mapping.drifted | self.merged.drifted) - self._agreed

    def _conflicts(self) -> tuple[Action, ...]:
        rules = dict.fromkeys(self.merged.clashes, Rule.CLASH) | dict.fromkeys(self._blocked, Rule.GUESTS)
        known = Rule.NO_COMMON_BASE if self.joint.new_base else Rule.DRIFT_WIDENED
        rules |= dict.fromkeys(self.merged.clashes & self.joint.mapping.drifted, known)
        rules |= dict.fromkeys(self.answers.refused, Rule.GUESTS)
        if Field.ATTENDEES in self.merged.clashes:
            rules[Field.ATTENDEES] = Rule.ATTENDEES
        opened = tuple(self.pair.opening(rules[which], which) for which in Field if which in rules)
        return (*opened, *self.answers.openings)

    def _updates(self) -> tuple[Update, ...]:
        renamed = self._renamed()
        to_outlook = (self.merged.to_outlook - self._blocked) | renamed
        updates = (
            self._toward_wedsync() if self.merged.to_wedsync else None,
            self._toward_outlook(to_outlook) if to_outlook else None,
        )
        return tuple(update for update in updates if update is not None)

    def _settles(self, side: Side, fields: frozenset[Field]) -> frozenset[Field]:
        other_way = self.merged.to_wedsync if side is Side.OUTLOOK else self.merged.to_outlook
        return fields | (frozenset(Field) - self._waiting - self._drifted - other_way)

    def _toward_wedsync(self) -> Update:
        fields = self.merged.to_wedsync
        source = self._with_custom(self.joint.outlook)
        content = taken_over(wedsync=self.joint.wedsync, outlook=source, fields=fields)
        return Update(
            side=Side.WEDSYNC,
            rule=Rule.CARRY,
            fields=fields,
            content=content,
            title=content.title,
            source=source,
            settles=self._settles(Side.WEDSYNC, fields),
            replaces=self.joint.wedsync,
            version=self.pair.w_version,
            because=self._because(fields),
        )

    def _with_custom(self, content: CalendarEvent) -> CalendarEvent:
        """Return what a side is to be made of: with the values that the user gave and neither side has."""
        for which, value in self.answers.custom.items():
            content = advance(content, value, {which})
        return content

    def _because(self, fields: frozenset[Field]) -> Mapping[Field, Rule]:
        return {which: rule for which, rule in self.answers.because.items() if which in fields}

    def _toward_outlook(self, fields: frozenset[Field]) -> Update:
        source = self._with_custom(self.joint.wedsync)
        content = advance(self.joint.outlook, source, fields)
        prefix = self._prefix if Field.TITLE in fields else self.pair.mapping.prefix
        return Update(
            side=Side.OUTLOOK,
            rule=Rule.CARRY if self.merged.to_outlook else Rule.PREFIX_CHANGED,
            fields=fields,
            content=content,
            title=with_prefix(content.title, prefix),
            source=source,
            settles=self._settles(Side.OUTLOOK, fields),
            replaces=self.joint.outlook,
            prefix=prefix,
            etag=self.pair.o_etag,
            because=self._because(fields),
        )

    @property
    def _prefix(self) -> str:
        """The prefix that the subject should carry."""
        return worn_prefix(self.pair.mapping, self.pair.policy.preferences.event_prefix)

    def _renamed(self) -> frozenset[Field]:
        """The title, if only its prefix has to be written anew and nothing stands in the way; never on a meeting."""
        mapping = self.pair.mapping
        stale = mapping.prefix != self._prefix and NOTE_PREFIX_REMOVED not in mapping.notes
        busy = self._waiting | self._drifted | self.merged.to_wedsync
        free = Field.TITLE not in busy and not self.pair.is_meeting and Side.OUTLOOK in self.pair.toward
        return frozenset({Field.TITLE}) if stale and free else frozenset()

    def _notes(self) -> tuple[Action, ...]:
        joint, new = self.joint, self.merged.drifted - self.joint.mapping.drifted
        on_wedsync = frozenset(which for which in new if not same(which, joint.base_w, joint.wedsync))
        sides: Mapping[Side, frozenset[Field]] = {Side.WEDSYNC: on_wedsync, Side.OUTLOOK: new - on_wedsync}
        drifts = tuple(Drift(side=side, fields=fields) for side, fields in sides.items() if fields)
        return (*drifts, Agree(fields=self._agreed)) if self._agreed else drifts

    def _closed(self) -> tuple[Action, ...]:
        applied = self.answers.applied
        kept = [conflict for conflict in self.held if conflict.field in self.merged.still_held]
        over = [row for row in self.pair.conflicts if row not in kept and row.conflict_id not in applied]
        return (*((Apply(conflict_ids=applied),) if applied else ()), *self.pair.superseding(over))

    def _mapping(self, unsent: frozenset[Side]) -> EventMapping:
        joint = self.joint
        seen = self._agreed | {Field.ATTENDEES}
        mapping = self.pair.seen_mapping(*(side for side in Side if side not in unsent))
        return replace(
            mapping,
            base_w=advance(joint.base_w, joint.wedsync, seen),
            base_o=advance(joint.base_o, joint.outlook, seen),
            held=self._waiting,
            drifted=self._drifted,
        )

    def _idle(self, unsent: frozenset[Side]) -> Rule:
        if unsent:
            return Rule.RUN_DIRECTION
        if self.merged.still_held:
            return Rule.HELD
        seen = isinstance(self.pair.wedsync, Present) or isinstance(self.pair.outlook, Present)
        return Rule.ECHO if seen else Rule.NOTHING_SEEN
