"""The queues: each message is a job that says where to look."""

import azure.functions as func

from shared import bootstrap
from shared.core.jobs import EventJob, RunJob, TurnsJob, UpkeepJob
from shared.errors import InvalidInput
from shared.log import log_action

blueprint = func.Blueprint()
CONNECTION = "SyncStorage"


@blueprint.function_name("event_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-event-jobs", connection=CONNECTION)
async def event_jobs(msg: func.QueueMessage) -> None:
    """Look at events that a notice named."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, EventJob):
        raise InvalidInput("wrong_queue")
    await app.settle_events.run(job, again=(msg.dequeue_count or 1) > 1)


@blueprint.function_name("run_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-run-jobs", connection=CONNECTION)
async def run_jobs(msg: func.QueueMessage) -> None:
    """Carry on with a run."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, RunJob):
        raise InvalidInput("wrong_queue")
    await app.sync_run.run(job)


@blueprint.function_name("upkeep_jobs")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-upkeep-jobs", connection=CONNECTION)
async def upkeep_jobs(msg: func.QueueMessage) -> None:
    """Do what timers and endpoints handed over."""
    app = bootstrap.get_app()
    job = app.jobs.parse(msg.get_body().decode())
    if not isinstance(job, UpkeepJob | TurnsJob):
        raise InvalidInput("wrong_queue")
    await app.keep_up.run(job)


async def _bury(msg: func.QueueMessage, queue: str) -> None:
    """A job that failed for good: record it, and have a run find what it would have found."""
    app = bootstrap.get_app()
    log_action("job_poisoned", queue=queue, message=msg.id)
    await app.recover_poison.run(msg.get_body().decode(errors="replace"))


@blueprint.function_name("event_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-event-jobs-poison", connection=CONNECTION)
async def event_jobs_poison(msg: func.QueueMessage) -> None:
    """Record a poisoned event job and schedule a run."""
    await _bury(msg, "outlook-event-jobs")


@blueprint.function_name("run_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-run-jobs-poison", connection=CONNECTION)
async def run_jobs_poison(msg: func.QueueMessage) -> None:
    """Record a poisoned run job and schedule a run."""
    await _bury(msg, "outlook-run-jobs")


@blueprint.function_name("upkeep_jobs_poison")
@blueprint.queue_trigger(arg_name="msg", queue_name="outlook-upkeep-jobs-poison", connection=CONNECTION)
async def upkeep_jobs_poison(msg: func.QueueMessage) -> None:
    """Record a poisoned upkeep job and schedule a run."""
    await _bury(msg, "outlook-upkeep-jobs")
