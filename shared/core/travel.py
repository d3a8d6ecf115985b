"""The busy block before an event with travel time: what it looks like, and what is to be done about it.

A block has a mapping of its own (``Role.TRAVEL``) whose WedSync side is the event that it leads to. Nothing flows back:
its ``base_w`` is the block as it was last wanted, its ``base_o`` the block as it was last seen in Outlook.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.core.actions import (
    TOWARD,
    Agree,
    Create,
    Decision,
    Delete,
    Drift,
    End,
    Hide,
    Hold,
    Policy,
    Rule,
    Skip,
    Unlink,
    Update,
)
from shared.core.canon import canonical, fitted, same, with_prefix
from shared.core.event import MERGED_FIELDS, CalendarEvent, EventType, Field, Side, Timed, WedSyncState
from shared.core.integration import Preferences
from shared.core.merge import NO_FIELDS
from shared.core.pair import NOTE_PREFIX_REMOVED, NOTE_TYPE_OFF, Pair, decision, skip
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.unmapped import in_window
from shared.core.views import UNSEEN, Gone, Present

TRAVEL_TITLE = "Travel"
_FIRST = datetime.min.replace(tzinfo=UTC)
_WRITTEN = frozenset({*MERGED_FIELDS, Field.PRIVATE})


def travel_block(state: WedSyncState, preferences: Preferences) -> CalendarEvent | None:
    """Return the block that an event should have before it in Outlook, or None if it should have none.

    It ends when the event starts. The block of a private event is private and does not tell its title.
    """
    wanted = preferences.sync_travel_time and preferences.includes(state.event_type)
    if not wanted or state.deleted or state.external_id or state.source is Side.OUTLOOK:
        return None
    time, length = state.content.time, timedelta(minutes=state.travel_minutes or 0)
    if not isinstance(time, Timed) or not timedelta(0) < length <= time.start - _FIRST:
        return None
    title = TRAVEL_TITLE if state.content.private else f"{TRAVEL_TITLE}: {state.content.title}"
    span = Timed(start=time.start - length, end=time.start, zone=time.zone)
    return canonical(CalendarEvent(title=title, time=span, private=state.content.private))


def new_block(state: WedSyncState, policy: Policy) -> Create | None:
    """Return the create of an event's block, or None if it has none now or the block may not be written."""
    content = travel_block(state, policy.preferences)
    allowed = Side.OUTLOOK in TOWARD[policy.direction] & TOWARD[policy.run_direction]
    if content is None or not allowed or not in_window(content, policy.window):
        return None
    return _create(content, state.event_type, policy.preferences.event_prefix)


def decide_travel(pair: Pair) -> Decision:
    """Decide on a mapped block. Its view of WedSync is the event that it leads to."""
    match pair.mapping.state:
        case MappingState.INTENT:
            return decision(pair.mapping, Hold(rule=Rule.OPEN_INTENT))
        case MappingState.UNLINKED:
            return _unlinked(pair)
        case MappingState.LINKED:
            return _linked(pair)
        case _:
            return skip(pair.mapping, Rule.ENDED)


def _create(content: CalendarEvent, event_type: EventType, prefix: str) -> Create:
    return Create(
        side=Side.OUTLOOK,
        rule=Rule.TRAVEL_NEW,
        content=content,
        title=with_prefix(content.title, prefix),
        event_type=event_type,
        prefix=prefix,
    )


def _unlinked(pair: Pair) -> Decision:
    """Switched off, it returns with the wish for it; removed by its owner it stays out, and ends with its event."""
    state = pair.wedsync.state if isinstance(pair.wedsync, Present) else None
    if pair.wedsync == Gone(proved=True) and not isinstance(pair.outlook, Present):
        return _both_gone(pair)
    if NOTE_TYPE_OFF not in pair.mapping.notes:
        return skip(pair.mapping, Rule.OPTED_OUT)
    create = new_block(state, pair.policy) if isinstance(state, WedSyncState) else None
    if create is None or isinstance(pair.outlook, Present):
        return skip(pair.mapping, Rule.TRAVEL_OFF)
    return decision(pair.seen_mapping(Side.WEDSYNC), create)


def _linked(pair: Pair) -> Decision:
    if any(isinstance(view, Gone) and not view.proved for view in (pair.wedsync, pair.outlook)):
        return skip(pair.mapping, Rule.UNPROVED_ABSENCE)
    if pair.replayed:
        return skip(pair.mapping, Rule.REPLAY)
    ended, on = isinstance(pair.wedsync, Gone), pair.policy.preferences.sync_travel_time and not pair.type_off
    if on and pair.wedsync == UNSEEN and pair.mapping.base_w is None:
        return skip(pair.mapping, Rule.NOTHING_SEEN)  # a mapping that was lost: its event will say
    wanted = None if ended else _wanted(pair, on=on)
    if isinstance(pair.outlook, Gone):
        return _removed(pair, ended=ended, wanted=wanted)
    return _not_wanted(pair, ended=ended) if wanted is None else _kept(pair, wanted)


def _wanted(pair: Pair, *, on: bool) -> CalendarEvent | None:
    """Return the block as it should be: by the event as it was read, else as it was last wanted."""
    if isinstance(pair.wedsync, Present) and isinstance(pair.wedsync.state, WedSyncState):
        return travel_block(pair.wedsync.state, pair.policy.preferences)
    return pair.mapping.base_w if on else None


def _removed(pair: Pair, *, ended: bool, wanted: CalendarEvent | None) -> Decision:
    if ended:
        return _both_gone(pair)
    if wanted is None:  # maybe by us, just now
        return _ending(pair, Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_OFF), MappingState.UNLINKED, NOTE_TYPE_OFF)
    return _ending(pair, Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_REMOVED), MappingState.UNLINKED)


def _both_gone(pair: Pair) -> Decision:
    """End the mapping, but not while the block is in another calendar: moved back, it is not to pass for new."""
    if not isinstance(pair.outlook, Gone):
        return decision(pair.mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK, whereabouts=True))
    if pair.outlook.left_calendar and pair.mapping.state is MappingState.UNLINKED:
        return skip(pair.mapping, Rule.OPTED_OUT)
    if pair.outlook.left_calendar:
        return _ending(pair, Hide(rule=Rule.LEFT_AND_DELETED), MappingState.HIDDEN)
    return _ending(pair, End(rule=Rule.BOTH_GONE), MappingState.ENDED)


def _ending(pair: Pair, action: End | Hide | Unlink, state: MappingState, *notes: str) -> Decision:
    mapping = pair.seen_mapping(*Side)
    state = move(MAPPING_MOVES, mapping.state, state)
    return decision(replace(mapping, state=state, notes=tuple(dict.fromkeys((*mapping.notes, *notes)))), action)


def _not_wanted(pair: Pair, *, ended: bool) -> Decision:
    barred = _barred(pair)
    if barred is not None:
        return barred
    rule = Rule.WEDSYNC_DELETED if ended else Rule.TRAVEL_OFF
    delete = Delete(side=Side.OUTLOOK, rule=rule, etag=pair.o_etag, asked=True)
    return decision(pair.seen_mapping(*Side), delete)


def _barred(pair: Pair) -> Decision | None:
    """Return why the block cannot be written to now. With guests on it, it has become its owner's own event."""
    if Side.OUTLOOK not in pair.toward:
        return skip(pair.mapping, Rule.DIRECTION)
    if Side.OUTLOOK not in pair.run_toward:
        return skip(pair.mapping, Rule.RUN_DIRECTION)
    if pair.is_meeting:
        return _ending(pair, Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_GUESTS), MappingState.UNLINKED)
    return None


def _kept(pair: Pair, wanted: CalendarEvent) -> Decision:
    """Write the block where what is wanted has changed; until then an edit by its owner stays, and is noted."""
    base, outlook, prefix = pair.mapping.base_w, pair.content(Side.OUTLOOK), _prefix(pair)
    if outlook is None:
        return decision(pair.mapping, Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK))
    differing = frozenset(which for which in _WRITTEN if not _agree(which, wanted, outlook, prefix))
    moved = base is None or any(not same(which, base, wanted) for which in _WRITTEN)
    renamed = pair.mapping.prefix != prefix
    if not moved and not renamed:
        return _noted(pair, outlook, differing)
    fields = differing | {Field.TITLE} if renamed else differing
    if fields and (barred := _barred(pair)) is not None:
        return barred
    mapping = replace(pair.seen_mapping(*Side), base_w=wanted, base_o=outlook, drifted=NO_FIELDS)
    if not fields:
        return decision(mapping, Agree(fields=_WRITTEN))
    update = Update(
        side=Side.OUTLOOK,
        rule=Rule.CARRY if moved else Rule.PREFIX_CHANGED,
        fields=fields,
        content=wanted,
        title=with_prefix(wanted.title, prefix),
        source=wanted,
        settles=frozenset(Field),
        replaces=outlook,
        prefix=prefix,
        etag=pair.o_etag,
    )
    return decision(mapping, update)


def _noted(pair: Pair, outlook: CalendarEvent, differing: frozenset[Field]) -> Decision:
    mapping = replace(pair.seen_mapping(*Side), base_o=outlook, drifted=differing)
    new = differing - pair.mapping.drifted
    return decision(mapping, Drift(side=Side.OUTLOOK, fields=new) if new else Skip(rule=Rule.ECHO))


def _agree(which: Field, wanted: CalendarEvent, outlook: CalendarEvent, prefix: str) -> bool:
    return same(which, wanted, outlook) or same(which, fitted(wanted, prefix), outlook)


def _prefix(pair: Pair) -> str:
    """Return the prefix that the subject should carry: none where its owner removed it."""
    removed = NOTE_PREFIX_REMOVED in pair.mapping.notes
    return "" if removed else pair.policy.preferences.event_prefix
