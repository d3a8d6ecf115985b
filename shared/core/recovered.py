"""The row of a run of single events whose process died before it was inserted, made of the changes that name it."""

from collections.abc import Sequence

from shared.core.history import ChangeKind, SyncChange, SyncRun, Tally
from shared.core.integration import Direction
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState

CUT_SHORT = "cut_short"
"""The outcome of such a run: what came after these changes, if anything, is not known to it."""


def tally_of(rows: Sequence[SyncChange]) -> Tally:
    """Return what these changes come to."""
    count = {kind: sum(1 for row in rows if row.kind is kind) for kind in ChangeKind}
    events = len({row.mapping_id for row in rows})
    return Tally(
        total=events,
        handled=events,
        created=count[ChangeKind.CREATED],
        updated=count[ChangeKind.UPDATED],
        deleted=count[ChangeKind.DELETED],
        conflicts=count[ChangeKind.CONFLICT],
        repaired=count[ChangeKind.REPAIRED],
        noted=count[ChangeKind.LINKED] + count[ChangeKind.UNLINKED],
    )


def recovered(rows: Sequence[SyncChange], *, direction: Direction) -> SyncRun:
    """Return the run of these changes, which are at least one, the oldest first.

    What followed a notice has the notice's correlation, and what a person wanted has the run's own id for one.
    """
    first, last = rows[0], rows[-1]
    by_person = first.correlation == first.run_id
    by_nobody = TriggeredBy.WEBHOOK if first.correlation else TriggeredBy.AUTO
    return SyncRun(
        run_id=first.run_id,
        integration_id=first.integration_id,
        request=RunRequest(
            kind=RunKind.SINGLE if by_person else RunKind.WEBHOOK,
            triggered_by=TriggeredBy.MANUAL if by_person else by_nobody,
            direction=direction,
            purpose=RunPurpose.EVENT,
        ),
        state=RunState.COMPLETED,
        queued_at=first.at,
        started_at=first.at,
        completed_at=last.at,
        tally=tally_of(rows),
        outcome=CUT_SHORT,
    )
