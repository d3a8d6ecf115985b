"""What becomes of an event whose deletion was rejected: its missing copy comes back, unless that would do harm."""

from dataclasses import replace

from shared.core.actions import TOWARD, Create, Decision, Hide, Policy, Rule, Unlink
from shared.core.canon import with_prefix
from shared.core.event import Side, WedSyncState
from shared.core.mapping import EventMapping, Role
from shared.core.pair import note_held, worn_prefix
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.views import Gone, Present, Views

_RULE = Rule.DELETION_REJECTED


def kept(mapping: EventMapping, side: Side, views: Views, *, policy: Policy) -> Decision | None:
    """Return how to keep the event on ``side``, whose other copy is gone; None: import it into WedSync anew.

    The copy is made again where it is missing. Where that would be a second one, or may not be written, or could hold
    nothing but busy time, the pair is taken out of the sync instead, and both sides stay as they are.
    """
    mapping = replace(mapping, notes=tuple(note for note in mapping.notes if note != note_held(side)))
    missing = side.other
    writable = missing in TOWARD[policy.direction] and (mapping.is_organizer or missing is Side.WEDSYNC)
    if missing is Side.WEDSYNC:
        return None if writable and mapping.role is Role.EVENT else _apart(mapping, Hide(rule=_RULE))
    wedsync = views.wedsync
    gone = isinstance(views.outlook, Gone) and not views.outlook.left_calendar
    if not (writable and gone and isinstance(wedsync, Present)) or mapping.masked:
        return _apart(mapping, Unlink(side=Side.OUTLOOK, rule=_RULE))
    assert isinstance(wedsync.state, WedSyncState)
    content = wedsync.state.content
    prefix = worn_prefix(mapping, policy.preferences.event_prefix)
    create = Create(
        side=Side.OUTLOOK,
        rule=_RULE,
        content=content,
        title=with_prefix(content.title, prefix),
        event_type=mapping.event_type,
        prefix=prefix,
    )
    return Decision(actions=(create,), mapping=mapping)


def _apart(mapping: EventMapping, action: Hide | Unlink) -> Decision:
    state = MappingState.HIDDEN if isinstance(action, Hide) else MappingState.UNLINKED
    mapping = replace(mapping, state=move(MAPPING_MOVES, mapping.state, state), held=frozenset())
    return Decision(actions=(action,), mapping=mapping)
