"""What every line of one invocation's log carries, and how long its message waited."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import cast

import azure.functions as func

from shared.core.jobs import EventJob, Message, RunJob, TurnsJob, UpkeepJob
from shared.log import Metric, log_context, log_metric, log_often, routine
from shared.service import App

NO_CONTEXT = cast(func.Context, None)
"""What a function gets as its context where no host calls it."""


@contextmanager
def invoked(context: func.Context, function: str) -> Iterator[None]:
    """Bind the host's id of the invocation, by which the platform's own telemetry knows it."""
    with log_context(invocation=context.invocation_id if context else "", function=function):
        yield


@contextmanager
def carrying(job: Message, msg: func.QueueMessage, app: App) -> Iterator[None]:
    """Bind what the job is about, and measure how long its message waited, a delay that was asked for included."""
    facts: dict[str, str | int] = {}
    if isinstance(job, EventJob | RunJob | UpkeepJob):
        facts = {"integration": job.integration_id, "correlation": job.correlation, "attempt": job.attempt}
    if isinstance(job, RunJob):
        facts["run"] = job.run_id
    with log_context(**facts):
        if msg.insertion_time is not None:
            waited = app.clock.now() - msg.insertion_time.astimezone(UTC)
            passed = max(waited, timedelta()) // timedelta(milliseconds=1)
            _log_wait(job, passed, msg.dequeue_count or 1)
        yield


def _log_wait(job: Message, passed: int, delivery: int) -> None:
    """Most runs and lists of turns are the timers': what they waited is routine. An edit's wait is not."""
    name = type(job).__name__
    first = delivery == 1 and getattr(job, "attempt", 0) == 0
    with routine(first and isinstance(job, RunJob | TurnsJob)):
        log_often(Metric.JOB_WAITED, passed, kind=name, job=name, delivery=delivery)


@contextmanager
def answering(app: App, sender: str) -> Iterator[None]:
    """Measure how long whoever sends notifications waits for our answer; Graph gives up after three seconds.

    https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
    """
    began = app.clock.now()
    try:
        yield
    finally:
        log_metric(Metric.NOTIFICATION_ANSWERED, (app.clock.now() - began) // timedelta(milliseconds=1), sender=sender)
