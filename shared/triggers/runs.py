"""What the WedSync frontend calls about runs: start, look at, cancel, preview."""

import azure.functions as func

from shared.core.actions import EXPLAINED
from shared.core.history import SyncRun
from shared.core.integration import Direction
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import RunState
from shared.service import App
from shared.triggers import present, run_shapes, shapes
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.rates import ONE_RUN, PREVIEWS, RUNS
from shared.usecases.preview_sync import Foreseen, Preview

blueprint = func.Blueprint()


@endpoint(blueprint, route="calendar/outlook/sync", method="POST", rate=RUNS)
async def sync_start(app: App, call: Call) -> Reply:
    """Start a run, over everything or over the events that are named.

    One that waits to do the same is returned instead, and an ``Idempotency-Key`` that was used before returns its run.
    """
    wanted, key, user_id = call.json(shapes.SyncRequest), call.idempotency_key(), await call.user()
    status = await app.report_status.run(user_id)
    run = await app.request_sync.by_user(
        user_id,
        _request(wanted, status.integration.direction),
        idempotency_key=key,
        asked=wanted.model_dump_json(exclude_defaults=True),
    )
    total = len(run.request.specific_events) or status.counts.total
    return Reply(
        status=202,
        body=shapes.SyncResponse(
            sync_id=run.run_id,
            status="queued" if run.state is RunState.QUEUED else "started",
            estimated_duration=max(1, total // 50),
            events_to_process=total,
        ),
    )


@endpoint(blueprint, route="calendar/outlook/sync/{syncId}", method="GET", rate=ONE_RUN)
async def sync_job(app: App, call: Call) -> Reply:
    """Return one run."""
    return await _job(app, await app.request_sync.status(await call.user(), call.params["syncId"]))


@endpoint(blueprint, route="calendar/outlook/sync/{syncId}", method="DELETE", rate=ONE_RUN)
async def sync_cancel(app: App, call: Call) -> Reply:
    """Cancel one run; one at work stops at its next batch."""
    return await _job(app, await app.cancel_sync.run(await call.user(), call.params["syncId"]))


@endpoint(blueprint, route="calendar/outlook/sync/preview", method="POST", rate=PREVIEWS)
async def sync_preview(app: App, call: Call) -> Reply:
    """Return what a run would do; nothing is changed."""
    wanted, user_id = call.json(shapes.SyncRequest), await call.user()
    status = await app.report_status.run(user_id)
    foreseen = await app.preview_sync.run(user_id, _request(wanted, status.integration.direction))
    return Reply(body=_preview(foreseen))


@endpoint(blueprint, route="calendar/outlook/sync/confirm", method="POST", rate=RUNS)
async def sync_confirm(app: App, call: Call) -> Reply:
    """Take the answer about held deletions, and start the run that acts on it."""
    answer = call.json(shapes.ConfirmRequest)
    run = await app.confirm_deletions.run(await call.user(), answer.confirmation_id, accept=answer.accept)
    return Reply(status=202, body=present.sync_job(run))


async def _job(app: App, run: SyncRun) -> Reply:
    held = await app.confirm_deletions.open_of(run.integration_id) if run.tally.held else None
    return Reply(body=present.sync_job(run, held, now=app.clock.now()))


def _request(wanted: shapes.SyncRequest, direction: Direction) -> RunRequest:
    named = tuple(dict.fromkeys(wanted.specific_events or ()))
    return RunRequest(
        kind=RunKind.SINGLE if named else RunKind(wanted.sync_type),
        triggered_by=TriggeredBy.MANUAL,
        direction=Direction(wanted.sync_direction or direction),
        specific_events=named,
        purpose=RunPurpose.SPECIFIC if named else RunPurpose.SYNC,
    )


def _preview(value: Preview) -> run_shapes.PreviewResponse:
    return run_shapes.PreviewResponse(
        creates=value.creates,
        updates=value.updates,
        deletes=value.deletes,
        conflicts=value.conflicts,
        held=value.held,
        copies_moved=value.moved,
        unreached=value.unreached,
        mails=0,
        events=[_foreseen(each) for each in value.events],
        truncated=value.truncated,
    )


def _foreseen(value: Foreseen) -> run_shapes.ForeseenShape:
    return run_shapes.ForeseenShape(
        event_id=value.event_id,
        title=value.title or None,
        side=value.side.value,
        action=value.action,
        fields=[field.value for field in value.fields],
        rule=value.rule.value,
        reason=EXPLAINED[value.rule],
    )
