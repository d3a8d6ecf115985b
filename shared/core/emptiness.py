"""Whether a side that was read to the end is suddenly empty: more likely a fault of the reading than a user's wish."""

from collections.abc import Iterable

from shared.core.event import Side
from shared.core.mapping import EventMapping, Role
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from shared.core.unmapped import in_window

_LEAST = 2
"""One event that is missing is a single deletion, and proved as such; there is no telling it from an empty side."""


def empty_sides(pulled: Pulled, mappings: Iterable[EventMapping]) -> frozenset[Side]:
    """Return the sides on which the window was read to the end and not one of the mapped events was there."""
    if not pulled.complete or pulled.left is not None:
        return frozenset()
    linked = [mapping for mapping in mappings if mapping.state is MappingState.LINKED and mapping.role is Role.EVENT]
    return frozenset(side for side in Side if _is_empty(side, pulled, linked))


def _is_empty(side: Side, pulled: Pulled, linked: list[EventMapping]) -> bool:
    expected = {
        str(mapping.wedsync_id if side is Side.WEDSYNC else mapping.outlook_id)
        for mapping in linked
        if (base := mapping.base_w if side is Side.WEDSYNC else mapping.base_o) is not None
        and in_window(base, pulled.window)
    }
    return len(expected) >= _LEAST and not expected & _there(side, pulled)


def _there(side: Side, pulled: Pulled) -> set[str]:
    if side is Side.OUTLOOK:
        return set(pulled.outlook)
    return {event_id for event_id, state in pulled.wedsync.items() if not state.deleted} | pulled.unreadable
