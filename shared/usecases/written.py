"""What follows from the answer to a write: the mapping as it is to be saved, and the rows of the history."""

from dataclasses import replace
from datetime import datetime

from shared.core.actions import Delete, Update
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, SyncChange
from shared.core.mapping import EventMapping
from shared.core.settle import settled, without_event
from shared.core.views import outlook_content
from shared.usecases.journal import Journal, Trace


def after_update(
    journal: Journal,
    mapping: EventMapping,
    action: Update,
    answer: WedSyncState | OutlookState,
    *,
    at: datetime,
    trace: Trace,
) -> tuple[EventMapping, list[SyncChange]]:
    """Return the mapping with the answer in it, and a row for each rule that decided on a part of the update."""
    after = settled(mapping, action, answer, at=at)
    rows = [
        journal.change(
            mapping,
            side=action.side,
            kind=ChangeKind.UPDATED,
            trace=trace,
            fields=fields,
            before=action.replaces,
            after=answer.content if isinstance(answer, WedSyncState) else outlook_content(after, answer),
            rule=rule,
        )
        for rule, fields in action.fields_by_rule().items()
    ]
    return after, rows


def after_delete(
    journal: Journal, mapping: EventMapping, action: Delete, *, found: bool, at: datetime, trace: Trace
) -> tuple[EventMapping, SyncChange]:
    """Return the mapping without the event, and the row. ``found``: the event was still there to be deleted."""
    base = mapping.base_w if action.side is Side.WEDSYNC else mapping.base_o
    row = journal.change(
        mapping,
        side=action.side,
        kind=ChangeKind.DELETED,
        trace=trace,
        before=(action.before or base) if found else None,
        rule=action.rule,
    )
    return without_event(mapping, action, at=at), replace(row, pair=mapping)
