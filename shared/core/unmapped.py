"""What is to be done about an event that no mapping names: create it on the other side, link it, or leave it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from shared.core.actions import TOWARD, Action, Create, Hold, Link, Policy, Rule, Skip
from shared.core.canon import masked, with_prefix
from shared.core.event import AllDay, CalendarEvent, EventType, OutlookKind, OutlookState, Side, WedSyncState
from shared.core.integration import ImportOutlookEvents, SyncWindow
from shared.core.mapping import EventMapping, generation_of
from shared.core.states import MappingState


def decide_unmapped(
    state: WedSyncState | OutlookState,
    *,
    policy: Policy,
    candidate: EventMapping | None = None,
    counterpart: WedSyncState | OutlookState | None = None,
) -> Action:
    """Decide on an event without a mapping.

    ``candidate`` is the mapping with an open intent of this ``transactionId``, or the one that the marker names;
    ``counterpart`` is the event of the other side that the ``externalId`` joins with this one.
    """
    if isinstance(state, WedSyncState):
        return _from_wedsync(state, policy, joined=counterpart is not None)
    if candidate is None and not is_ours(state):
        state = replace(state, marker=None)  # a user's copy of an event of an earlier connection
    return _from_outlook(state, policy, candidate, joined=counterpart is not None)


def is_ours(state: OutlookState) -> bool:
    """Whether we created the event: its ``transactionId`` follows from its marker. A user's copy has another one."""
    return bool(state.marker) and generation_of(str(state.marker), state.transaction_id) is not None


def event_type_of(state: OutlookState) -> EventType:
    """Return the type that a category names (``Venue visit``, ``venue-visit``), else ``client_meeting``."""
    names = {kind.value: kind for kind in EventType}
    for category in state.categories:
        name = "_".join(category.casefold().replace("-", " ").replace("_", " ").split())
        if name in names:
            return names[name]
    return EventType.CLIENT_MEETING


def in_window(event: CalendarEvent, window: SyncWindow | None) -> bool:
    """Whether any part of the event lies in the window; all-day dates count wherever on earth they are still today."""
    if window is None:
        return True
    time = event.time
    if isinstance(time, AllDay):
        return _midnight(time.end) + timedelta(hours=12) > window.start and (
            _midnight(time.start) - timedelta(hours=14) < window.end
        )
    return time.start < window.end and (time.end > window.start or time.start >= window.start)


def _midnight(day: date) -> datetime:
    bounded = min(max(day, date(1, 1, 2)), date(9999, 12, 30))
    return datetime(bounded.year, bounded.month, bounded.day, tzinfo=UTC)


def _from_wedsync(state: WedSyncState, policy: Policy, *, joined: bool) -> Action:
    if state.deleted:
        return Skip(rule=Rule.ALREADY_GONE)
    if state.external_id or state.source is Side.OUTLOOK:
        return Link(side=Side.WEDSYNC, rule=Rule.EXTERNAL_ID) if joined else Skip(rule=Rule.OUTLOOK_BORN_LEFT)
    if not policy.preferences.includes(state.event_type):
        return Skip(rule=Rule.TYPE_OFF)
    refusal = _refusal(state.content, policy, Side.OUTLOOK)
    if refusal is not None:
        return refusal
    prefix = policy.preferences.event_prefix
    return Create(
        side=Side.OUTLOOK,
        rule=Rule.WEDSYNC_NEW,
        content=state.content,
        title=with_prefix(state.content.title, prefix),
        event_type=state.event_type,
        prefix=prefix,
    )


def _from_outlook(state: OutlookState, policy: Policy, candidate: EventMapping | None, *, joined: bool) -> Action:
    if state.kind is OutlookKind.MASTER:
        return Skip(rule=Rule.SERIES_MASTER)
    ours = _ours(state, policy, candidate)
    if ours is not None:
        return ours
    if state.cancelled:
        return Skip(rule=Rule.CANCELLED)
    if joined:
        return Link(side=Side.OUTLOOK, rule=Rule.EXTERNAL_ID)
    refusal = _refusal(state.content, policy, Side.WEDSYNC)
    if refusal is not None:
        return refusal
    imports = policy.preferences.import_outlook_events
    if imports is ImportOutlookEvents.NONE:
        return Skip(rule=Rule.IMPORT_NONE)
    hidden = imports is ImportOutlookEvents.BUSY or state.content.private
    content = masked(state.content) if hidden else state.content
    return Create(
        side=Side.WEDSYNC,
        rule=_new_rule(state, candidate),
        content=content,
        title=content.title,
        event_type=event_type_of(state),
        masked=hidden,
    )


def _new_rule(state: OutlookState, candidate: EventMapping | None) -> Rule:
    if candidate is not None:
        return Rule.OUTLOOK_COPY
    return Rule.ORPHAN if state.marker else Rule.OUTLOOK_NEW


def _ours(state: OutlookState, policy: Policy, candidate: EventMapping | None) -> Action | None:
    """Return the link to the mapping that made this event; None for somebody else's, and for a copy of ours."""
    if candidate is None:
        unknown = state.marker and not policy.searched
        return Hold(rule=Rule.UNKNOWN_MARKER, side=Side.OUTLOOK) if unknown else None
    if _is_copy(state, candidate):
        return None
    if _is_earlier(state, candidate):
        return Skip(rule=Rule.EARLIER_COPY)
    if candidate.outlook_id not in (None, state.event_id):
        return None
    if candidate.state is MappingState.INTENT and state.transaction_id == candidate.transaction_id:
        return Link(side=Side.OUTLOOK, rule=Rule.TRANSACTION_MATCH, mapping_id=candidate.mapping_id)
    if state.marker == candidate.mapping_id:
        return Link(side=Side.OUTLOOK, rule=Rule.MARKER_MATCH, mapping_id=candidate.mapping_id)
    return None


def _is_copy(state: OutlookState, candidate: EventMapping) -> bool:
    """Whether a user made it of ours: a copy takes our marker along, and has a ``transactionId`` of its own."""
    foreign = generation_of(candidate.mapping_id, state.transaction_id) is None
    return state.transaction_id is not None and foreign


def _is_earlier(state: OutlookState, candidate: EventMapping) -> bool:
    """Whether we made it for this mapping, and another one in its place since, or are about to.

    Its owner had moved it to another calendar, had it brought back, and has moved it back then.
    """
    made = generation_of(candidate.mapping_id, state.transaction_id)
    if made is None:
        return False
    if candidate.outlook_id is None:
        return made != candidate.generation
    return candidate.outlook_id != state.event_id


def _refusal(content: CalendarEvent, policy: Policy, toward: Side) -> Skip | None:
    if toward not in TOWARD[policy.direction]:
        return Skip(rule=Rule.DIRECTION)
    if toward not in TOWARD[policy.run_direction]:
        return Skip(rule=Rule.RUN_DIRECTION)
    return None if in_window(content, policy.window) else Skip(rule=Rule.OUTSIDE_WINDOW)
