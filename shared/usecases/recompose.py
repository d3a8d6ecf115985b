"""Compose a create anew, for the same mapping: its event is to be made again, or was refused and has moved on since.

What comes out is an intent of the next generation, with a body, a ``transactionId`` and an idempotency key of its own:
neither far end can take it for the create before. The caller saves it before it is sent.
"""

from dataclasses import replace

from shared.core.actions import Create, Rule
from shared.core.canon import masked, with_prefix
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Intent, Role
from shared.core.states import MappingState
from shared.core.travel import travel_block
from shared.core.views import is_masked, is_replay, outlook_content, versioned
from shared.ports import WedSyncDraft
from shared.usecases.create_event import CreateEvent, external_id_of


def has_moved(mapping: EventMapping, state: WedSyncState | OutlookState) -> bool:
    """Whether the event that an intent was made of is another than it was then."""
    if isinstance(state, WedSyncState):
        return state.version > mapping.w_version
    return state.etag != mapping.o_etag and not is_replay(mapping, state)


def composed_anew(
    create: CreateEvent, integration: Integration, mapping: EventMapping, state: WedSyncState | OutlookState
) -> EventMapping:
    """Return the intent to create the other half of the event that ``state`` is."""
    if isinstance(state, OutlookState):
        return import_anew(create, integration, mapping, state)
    content = state.content
    if mapping.role is Role.TRAVEL:  # where none is wanted any more, the next look takes it away again
        content = travel_block(state, integration.preferences) or mapping.base_w or content
    action = Create(
        side=Side.OUTLOOK,
        rule=Rule.WEDSYNC_NEW,
        content=content,
        title=with_prefix(content.title, mapping.prefix),
        event_type=state.event_type,
        prefix=mapping.prefix,
    )
    # A refused create made nothing: the mapping is where it would be if its copy were removed.
    again = replace(mapping, state=MappingState.LINKED, event_type=state.event_type)
    return create.intend_outlook(integration, state, action, again=again)


def import_anew(
    create: CreateEvent, integration: Integration, mapping: EventMapping, state: OutlookState
) -> EventMapping:
    """Return the intent to take an Outlook event into WedSync, whose own event is gone or was never made.

    From now on it is Outlook's event. It comes in without the prefix that it may still have as a former copy. The id
    that WedSync had for it stays until there is another, so that the event can be named by it meanwhile.
    """
    seen = versioned(replace(mapping, born=Side.OUTLOOK), state)
    seen = replace(seen, masked=is_masked(seen, state, integration.preferences))
    base_o = outlook_content(seen, state)
    content = masked(base_o) if seen.masked else base_o
    named = replace(state, series_id=seen.series_id, occurrence_date=seen.occurrence_date)
    draft = WedSyncDraft(content=content, event_type=seen.event_type, external_id=external_id_of(integration, named))
    return replace(
        seen,
        state=MappingState.INTENT,
        epoch=integration.epoch,
        generation=mapping.generation + 1,
        base_w=content,
        base_o=base_o,
        w_version=0,
        held=frozenset(),
        drifted=frozenset(),
        notes=(),
        intent=Intent(toward=Side.WEDSYNC, payload=create.wedsync.compose(draft), stored_at=create.clock.now()),
    )
