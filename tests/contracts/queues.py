"""What every implementation of ``JobQueue`` has to do."""

from collections.abc import Awaitable, Callable

import pytest

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, LooksJob, Message, RunJob, TurnsJob, UpkeepJob, UpkeepKind
from shared.ports import JobQueue

Received = Callable[[str], Awaitable[list[str]]]
"""Returns the texts that a consumer of the named queue gets now, as the host would hand them over."""

EVENT_QUEUE, RUN_QUEUE, UPKEEP_QUEUE = "outlook-event-jobs", "outlook-run-jobs", "outlook-upkeep-jobs"


def event_job(count: int, *, size: int = 4) -> EventJob:
    events = tuple(Glance(event_id=f"{number:04}".ljust(size, "x"), hint='W/"é"') for number in range(count))
    return EventJob(integration_id="i", side=Side.OUTLOOK, events=events, attempt=2, correlation="c")


class JobQueueContract:
    """Needs fixtures ``queue`` and ``received``."""

    @pytest.mark.parametrize(
        ("job", "name"),
        [
            (event_job(3), EVENT_QUEUE),
            (LooksJob(jobs=(event_job(3), event_job(2))), EVENT_QUEUE),
            (RunJob(integration_id="i", run_id="r", attempt=1), RUN_QUEUE),
            (UpkeepJob(integration_id="i", kind=UpkeepKind.RENEW, subject="s"), UPKEEP_QUEUE),
            (TurnsJob(kind="k", turns=()), UPKEEP_QUEUE),
        ],
    )
    async def test_what_is_put_comes_out(self, queue: JobQueue, received: Received, job: Message, name: str) -> None:
        await queue.put(job)
        (text,) = await received(name)
        assert queue.parse(text) == job

    @pytest.mark.parametrize(("count", "size", "messages"), [(100, 150, 1), (101, 4, 2), (250, 4, 3), (90, 1500, 4)])
    async def test_large_jobs_are_split(
        self, queue: JobQueue, received: Received, count: int, size: int, messages: int
    ) -> None:
        job = event_job(count, size=size)
        await queue.put(job)
        texts = await received(EVENT_QUEUE)
        assert len(texts) == messages
        assert all(len(text.encode()) <= 40 * 1024 for text in texts)
        parts = [part for part in map(queue.parse, texts) if isinstance(part, EventJob)]
        assert sorted(event.event_id for part in parts for event in part.events) == [e.event_id for e in job.events]
        assert {(part.side, part.attempt, part.correlation) for part in parts} == {(Side.OUTLOOK, 2, "c")}

    async def test_a_job_without_events_is_no_message(self, queue: JobQueue, received: Received) -> None:
        await queue.put(event_job(0))
        assert await received(EVENT_QUEUE) == []
