"""What was done, and taking it back: undo, explain, restore."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import azure.functions as func

from shared.core.actions import EXPLAINED, Rule
from shared.core.event import CalendarEvent, Field
from shared.core.history import SyncChange
from shared.core.states import RunState
from shared.service import App
from shared.triggers import present
from shared.triggers.history_shapes import (
    ChangeShape,
    EventFieldsShape,
    ExplainResponse,
    FieldStandingShape,
    KeptShape,
    RestoreResponse,
    UndoResponse,
)
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.rates import CHOICES, LOOKS, RUNS
from shared.usecases.explain_event import Explanation
from shared.usecases.undo_run import Undone

blueprint = func.Blueprint()
_ANSWER_WITHIN = timedelta(seconds=20)
"""So long an undo is worked on before its request is answered; the rest goes on as a job."""


@endpoint(blueprint, route="calendar/outlook/sync/{syncId}/undo", method="POST", rate=RUNS)
async def undo_sync(app: App, call: Call) -> Reply:
    """Undo what a run changed, where nobody changed it since."""
    runner = replace(app.sync_run, budget=_ANSWER_WITHIN)
    done = await app.undo_sync.run(await call.user(), call.params["syncId"], carry_on=runner.run)
    body = undone(done)
    return Reply(status=202 if body.status == "in_progress" else 200, body=body)


@endpoint(blueprint, route="calendar/outlook/events/{eventId}/explain", method="GET", rate=LOOKS)
async def explain_event(app: App, call: Call) -> Reply:
    """Say which rule decides about an event."""
    return Reply(body=explained(await app.explain_event.run(await call.user(), call.params["eventId"])))


@endpoint(blueprint, route="calendar/outlook/events/{eventId}/restore", method="POST", rate=CHOICES)
async def restore_event(app: App, call: Call) -> Reply:
    """Bring back an event that was taken out of the sync."""
    done = await app.restore_event.run(await call.user(), call.params["eventId"])
    return Reply(
        body=RestoreResponse(success=True, event_id=done.event_id, restored=done.restored, sync_id=done.run_id or None)
    )


def undone(value: Undone) -> UndoResponse:
    """Present an undo."""
    return UndoResponse(
        success=value.run.state is RunState.COMPLETED,
        sync_id=value.run.run_id,
        undone=value.undone,
        skipped=[KeptShape(event_id=kept.event_id, reason=kept.reason) for kept in value.kept],
        status=present.run_status(value.run),
    )


def explained(value: Explanation) -> ExplainResponse:
    """Present an explanation."""
    return ExplainResponse(
        event_id=value.event_id,
        outlook_event_id=value.outlook_id or None,
        synced=value.synced,
        state=value.state,
        rule=value.rule.value,
        reason=value.reason,
        next_step=value.next_step,
        fields=[
            FieldStandingShape(
                field=each.field.value, state=each.standing.value, rule=str(each.rule), reason=each.reason
            )
            for each in value.fields
        ],
        conflicts=[present.conflict(each) for each in value.conflicts],
        last_changes=[_change(each) for each in value.changes],
    )


def _change(change: SyncChange) -> ChangeShape:
    known = change.rule in list(Rule)
    return ChangeShape(
        at=present.when(change.at),
        side=cast(Any, change.side.value),
        kind=change.kind.value,
        fields=[each.value for each in change.fields],
        rule=change.rule,
        reason=EXPLAINED[Rule(change.rule)] if known else "",
        run_id=change.run_id or None,
        correlation=change.correlation or None,
        before=_values(change, change.before),
        after=_values(change, change.after),
    )


def _values(change: SyncChange, event: CalendarEvent | None) -> EventFieldsShape | None:
    """Return the fields that were changed, or all of them where the event as such was."""
    if event is None:
        return None
    fields = change.fields or tuple(Field)
    return EventFieldsShape.model_validate({each.value: present.field_value(event, each) for each in fields})
