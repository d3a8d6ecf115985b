"""Looks for many integrations came in one message: each gets a message of its own, so that many workers share them."""

from dataclasses import dataclass
from functools import partial

from shared.core.jobs import LooksJob
from shared.ports import JobQueue
from shared.usecases.at_once import some_at_once

_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class HandOutLooks:
    """What is handed out twice, because the message came again, is looked at twice."""

    jobs: JobQueue

    async def run(self, job: LooksJob) -> None:
        """Put each look on the queue; the first that is refused ends it, and the message comes again."""
        await some_at_once([partial(self.jobs.put, look) for look in job.jobs], _AT_ONCE)
