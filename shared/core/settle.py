"""How a mapping moves on after a write or a link. The answer to a write is the new base: nothing is read after it."""

from dataclasses import replace
from datetime import datetime

from shared.core.actions import Delete, Rule, Update
from shared.core.canon import fitted, sync_hash, without_prefix
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, mapping_id_of_import
from shared.core.merge import advance
from shared.core.pair import NOTE_TYPE_OFF
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.views import outlook_content, versioned


def settled(
    mapping: EventMapping, update: Update, answer: WedSyncState | OutlookState, *, at: datetime | None = None
) -> EventMapping:
    """Return the mapping after ``update`` was answered. ``mapping`` is the decision's, or that after the write before.

    The written side's base takes ``settles`` from the answer, the other side's takes the fields that were carried.
    """
    if isinstance(answer, OutlookState):
        prefix = update.prefix if Field.TITLE in update.fields else mapping.prefix
        mapping = replace(versioned(mapping, answer), prefix=prefix)
        base_o = _advanced(mapping.base_o, outlook_content(mapping, answer), update.settles)
        base_w = _advanced(mapping.base_w, update.source, update.fields)
    else:
        mapping = versioned(mapping, answer)
        base_w = _advanced(mapping.base_w, answer.content, update.settles)
        base_o = _advanced(mapping.base_o, update.source, update.fields)
    return replace(
        mapping,
        base_w=base_w,
        base_o=base_o,
        drifted=mapping.drifted - update.fields,
        held=mapping.held - update.fields,
        sync_hash=sync_hash(base_w),
        last_synced_at=at or mapping.last_synced_at,
    )


def settled_alone(mapping: EventMapping, update: Update, answer: WedSyncState | OutlookState) -> EventMapping:
    """Return the mapping *as it was given to the decision*, after this write was answered and a later one failed.

    The fields that were carried are settled, so that our own write is not taken for an edit. Versions stay: what else
    was seen is not accounted for, and the next write has to fail on them and look again.
    """
    after = settled(mapping, replace(update, settles=update.fields), answer)
    kept = {part: getattr(mapping, part) for part in _VERSIONS}
    return replace(after, **kept)


_VERSIONS = ("w_version", "o_etag", "o_changed_at", "event_type", "is_organizer", "series_id", "occurrence_date")


def created(
    mapping: EventMapping, answer: WedSyncState | OutlookState, *, at: datetime | None = None, found: bool = False
) -> EventMapping:
    """Return the mapping of an intent whose event exists now; its other side's base is what the create was made of.

    ``found``: it was not the create's own answer but was found later, so its owner may have changed it since. What
    differs is then taken for such a change, and the base is what was sent.
    """
    source = mapping.base_o if isinstance(answer, WedSyncState) else mapping.base_w
    if source is None:
        raise ValueError("an intent keeps what it was made of as the base of its source")
    mapping = replace(
        versioned(mapping, answer),
        state=move(MAPPING_MOVES, mapping.state, MappingState.LINKED),
        intent=None,
        last_synced_at=at or mapping.last_synced_at,
    )
    if isinstance(answer, WedSyncState):
        base_w = advance(answer.content, source, MERGED_FIELDS) if found else answer.content
        return replace(mapping, wedsync_id=answer.event_id, base_w=base_w, sync_hash=sync_hash(base_w))
    content = replace(answer.content, title=without_prefix(answer.content.title, mapping.prefix))
    base_o = advance(content, fitted(source, mapping.prefix), MERGED_FIELDS) if found else content
    return replace(mapping, outlook_id=answer.event_id, base_o=base_o, sync_hash=sync_hash(source))


def joined(
    integration: Integration,
    wedsync: WedSyncState,
    outlook: OutlookState,
    *,
    at: datetime | None = None,
) -> EventMapping:
    """Return the mapping of two events that are one already, such as an earlier connection has left them: no base."""
    mapping = EventMapping(
        mapping_id=mapping_id_of_import(
            integration.integration_id, epoch=integration.epoch, external_id=str(wedsync.external_id)
        ),
        integration_id=integration.integration_id,
        epoch=integration.epoch,
        born=Side.OUTLOOK,
        state=MappingState.LINKED,
        calendar_id=integration.calendar_id,
        wedsync_id=wedsync.event_id,
        outlook_id=outlook.event_id,
        created_at=at,
    )
    return versioned(versioned(mapping, wedsync), outlook)


def without_event(mapping: EventMapping, delete: Delete, *, at: datetime | None = None) -> EventMapping:
    """Return the mapping after a delete was carried out: ended, hidden, or waiting for what was switched off."""
    if delete.rule in (Rule.TYPE_OFF, Rule.TRAVEL_OFF):
        state, notes = MappingState.UNLINKED, tuple(dict.fromkeys((*mapping.notes, NOTE_TYPE_OFF)))
    else:
        state, notes = MappingState.HIDDEN if delete.hides else MappingState.ENDED, mapping.notes
    state = move(MAPPING_MOVES, mapping.state, state)
    return replace(mapping, state=state, notes=notes, held=frozenset(), last_synced_at=at or mapping.last_synced_at)


def _advanced(base: CalendarEvent | None, now: CalendarEvent, fields: frozenset[Field]) -> CalendarEvent:
    return now if base is None else advance(base, now, fields)
