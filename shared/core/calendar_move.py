"""What of an integration moves to another calendar, and how a mapping looks on the way.

The new copy is made of the copy that is there, not of WedSync's event: bases and open conflicts stay as they are, so
that what nobody has carried over yet is found again in the new calendar.
"""

from dataclasses import replace
from datetime import datetime

from shared.core.canon import changed_fields
from shared.core.event import MERGED_FIELDS, Field, OutlookKind, OutlookState, Side
from shared.core.mapping import EventMapping, Intent, transaction_id
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.views import outlook_content, versioned


def moves(mapping: EventMapping, target: str) -> bool:
    """Whether this is a copy of ours in another calendar. Whether it has guests, only Outlook knows for certain."""
    ours = mapping.born is Side.WEDSYNC and mapping.state is MappingState.LINKED and mapping.is_organizer
    return ours and bool(mapping.outlook_id) and mapping.calendar_id != target


def is_open_elsewhere(mapping: EventMapping, target: str) -> bool:
    """Whether it is not known yet if a copy was made in another calendar."""
    toward = mapping.intent.toward if mapping.intent else None
    return mapping.born is Side.WEDSYNC and toward is Side.OUTLOOK and mapping.calendar_id != target


def ends(mapping: EventMapping, target: str) -> bool:
    """Whether the mapping is of an event of the earlier calendar's own. What was hidden or opted out is remembered."""
    active = mapping.state in (MappingState.LINKED, MappingState.INTENT)
    return mapping.born is Side.OUTLOOK and active and mapping.calendar_id != target


def can_be_copied(state: OutlookState) -> bool:
    """Whether another event can stand for this one: not with guests or a link to join, and not for a series."""
    meets = state.is_meeting or state.online_meeting
    return not meets and state.kind is OutlookKind.SINGLE and not state.cancelled


def next_transaction(mapping: EventMapping) -> str:
    """Return the ``transactionId`` of the copy in the new calendar."""
    return transaction_id(mapping.mapping_id, mapping.generation + 1)


def departing(mapping: EventMapping, copy: OutlookState, *, target: str, payload: str, at: datetime) -> EventMapping:
    """Return the mapping with the intent to make in the new calendar what ``copy`` is in the earlier one."""
    return replace(
        mapping,
        state=move(MAPPING_MOVES, mapping.state, MappingState.INTENT),
        generation=mapping.generation + 1,
        calendar_id=target,
        outlook_id=None,
        moved_from=copy.event_id,
        moved_etag=copy.etag,
        o_etag="",
        o_changed_at=None,
        intent=Intent(toward=Side.OUTLOOK, payload=payload, stored_at=at),
    )


def arrived(mapping: EventMapping, copy: OutlookState) -> EventMapping:
    """Return the mapping with its copy in the new calendar; the earlier one has still to be removed."""
    linked = replace(mapping, state=move(MAPPING_MOVES, mapping.state, MappingState.LINKED), intent=None)
    return _read_later(versioned(replace(linked, outlook_id=copy.event_id), copy), copy)


def returned(mapping: EventMapping, copy: OutlookState, *, calendar_id: str) -> EventMapping:
    """Return the mapping with its copy in the earlier calendar again, which cannot be left."""
    if mapping.state is MappingState.INTENT:
        mapping = replace(mapping, state=move(MAPPING_MOVES, mapping.state, MappingState.LINKED), intent=None)
    back = replace(settled_there(mapping), outlook_id=copy.event_id, calendar_id=calendar_id)
    return _read_later(versioned(back, copy), copy)


def _read_later(mapping: EventMapping, copy: OutlookState) -> EventMapping:
    """Hold what its owner had changed before the move: the version that is known now is newer than the bases."""
    if mapping.base_o is None:
        return mapping
    unread = changed_fields(mapping.base_o, outlook_content(mapping, copy)) & frozenset(MERGED_FIELDS)
    return replace(mapping, held=mapping.held | unread)


def settled_there(mapping: EventMapping) -> EventMapping:
    """Return the mapping when there is one copy again."""
    return replace(mapping, moved_from=None, moved_etag="")


def changed_since(mapping: EventMapping, *, old: OutlookState, new: OutlookState) -> frozenset[Field]:
    """Return what was changed in the earlier copy after it was copied: new there, and not in the new copy."""
    differing = changed_fields(new.content, old.content) & frozenset(MERGED_FIELDS)
    if mapping.base_o is None:
        return differing
    return differing & changed_fields(mapping.base_o, outlook_content(mapping, old))
