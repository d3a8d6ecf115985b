"""The queues: each message is a job that says where to look."""

import logging

import azure.functions as func

from shared import bootstrap
from shared.core.jobs import EventJob, LooksJob, RunJob, TurnsJob, UpkeepJob
from shared.errors import InvalidInput
from shared.log import log_action
from shared.triggers.invocation import NO_CONTEXT, carrying, invoked

blueprint = func.Blueprint()
CONNECTION = "SyncStorage"


@blueprint.function_name("event_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-event-jobs", connection=CONNECTION)
async def event_jobs(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Look at events that a notice named, or hand out the looks that a POST for many mailboxes asked for."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, EventJob | LooksJob):
        raise InvalidInput("wrong_queue")
    with invoked(context, "event_jobs"), carrying(job, msg, app):
        if isinstance(job, LooksJob):
            await app.hand_out_looks.run(job)
        else:
            await app.settle_events.run(job, again=(msg.dequeue_count or 1) > 1)


@blueprint.function_name("run_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-run-jobs", connection=CONNECTION)
async def run_jobs(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Carry on with a run."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, RunJob):
        raise InvalidInput("wrong_queue")
    with invoked(context, "run_jobs"), carrying(job, msg, app):
        await app.sync_run.run(job)


@blueprint.function_name("upkeep_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-upkeep-jobs", connection=CONNECTION)
async def upkeep_jobs(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Do what timers and endpoints handed over."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, UpkeepJob | TurnsJob):
        raise InvalidInput("wrong_queue")
    with invoked(context, "upkeep_jobs"), carrying(job, msg, app):
        await app.keep_up.run(job)


async def _bury(msg: func.QueueMessage, context: func.Context, queue: str) -> None:
    """A job that failed for good: record it, and have a run find what it would have found."""
    app = bootstrap.get_app()
    with invoked(context, f"{queue}-poison"):
        log_action("job_poisoned", level=logging.ERROR, queue=queue, message=msg.id)
        await app.recover_poison.run(msg.get_body().decode(errors="replace"))


@blueprint.function_name("event_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-event-jobs-poison", connection=CONNECTION)
async def event_jobs_poison(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Record a poisoned event job and schedule a run."""
    await _bury(msg, context, "outlook-event-jobs")


@blueprint.function_name("run_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-run-jobs-poison", connection=CONNECTION)
async def run_jobs_poison(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Record a poisoned run job and schedule a run."""
    await _bury(msg, context, "outlook-run-jobs")


@blueprint.function_name("upkeep_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-upkeep-jobs-poison", connection=CONNECTION)
async def upkeep_jobs_poison(msg: func.QueueMessage, context: func.Context = NO_CONTEXT) -> None:
    """Record a poisoned upkeep job and schedule a run."""
    await _bury(msg, context, "outlook-upkeep-jobs")
