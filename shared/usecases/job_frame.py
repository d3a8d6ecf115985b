"""What every job has around it: the integration, and what to do with each kind of failure.

Handing back is sending a copy with a delay and returning normally, so that throttling and deployments never poison a
message; only unforeseen errors are raised, and those the host counts (``maxDequeueCount``). What a far end refuses for
good ends an upkeep job with an ERROR in the log: as a poison message it would only come back with the next timer.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from shared.core.integration import Integration
from shared.core.jobs import Job, UpkeepJob, UpkeepKind
from shared.core.states import INTEGRATION_MOVES, IntegrationState, move
from shared.errors import (
    CalendarGone,
    CursorExpired,
    DuplicateTransaction,
    EventGone,
    OperatorFault,
    OutcomeUnknown,
    ReconnectNeeded,
    Refusal,
    Rejected,
    RemoteFault,
    RowChanged,
    StoreFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.log import Metric, log_action, log_metric
from shared.ports import Integrations, JobQueue, Stored

_DELAYS = (2.0, 10.0, 60.0, 300.0)
_OPERATOR_DELAY = 300.0
_LONGEST_UNASKED = 30.0
_REFUSED_DELAY, _LONGEST_REFUSED_DELAY = 300.0, 86_400.0
_PUT_OFF_DELAY, _MOST_PUT_OFF = 3600.0, 90 * 24
_CALENDAR_GONE = "The calendar or the mailbox is not available in Outlook any more."


def delay_of(attempt: int, fault: Exception) -> float:
    """Return the seconds to wait before the next attempt: 2, 10, 60, 300, or what the far end asked for.

    Who is too busy says how long, and a mailbox is busy for as long as a run works in it: being told again is no reason
    to wait for minutes. Only so much is added that those who were refused together do not come back together for ever.
    """
    if isinstance(fault, Throttled):
        return max(fault.retry_after, min(2.0**attempt, _LONGEST_UNASKED))
    wanted = _OPERATOR_DELAY if isinstance(fault, OperatorFault) else 0.0
    return max(wanted, _DELAYS[min(attempt, len(_DELAYS) - 1)])


@dataclass(frozen=True, kw_only=True)
class JobFrame:
    """Runs the work of a job for its integration."""

    integrations: Integrations
    jobs: JobQueue

    async def run(self, job: Job, work: Callable[[Integration], Awaitable[None]]) -> bool:
        """Do the work; return whether it was done. A foreseen failure is handed back or stops the integration."""
        stored = await self.integrations.get(job.integration_id)
        if stored is None:
            log_action("job_without_integration", integration=job.integration_id)
            return False
        try:
            await work(stored.value)
        except (ReconnectNeeded, CalendarGone) as fault:
            await self.stop(job.integration_id, fault)
            return False
        except (
            Throttled,
            Unavailable,
            OutcomeUnknown,
            VersionMismatch,
            OperatorFault,
            StoreFault,
        ) as fault:
            await self.hand_back(job, fault)
            return False
        except (Rejected, EventGone, DuplicateTransaction, CursorExpired, Refusal) as fault:
            if not isinstance(job, UpkeepJob):  # events and runs have rows of their own to say so in
                raise
            await self._end_refused(job, fault)
            return False
        return True

    async def _end_refused(self, job: UpkeepJob, fault: RemoteFault | Refusal) -> None:
        """What was refused is refused again: the job ends here. A disconnect must end some day, and asks seldom."""
        again = job.kind is UpkeepKind.DISCONNECT
        if again:
            delay = min(_REFUSED_DELAY * 2.0 ** min(job.attempt, 20), _LONGEST_REFUSED_DELAY)
            await self._send_again(job, delay)
        log_action(
            "job_refused",
            level=logging.ERROR,
            integration=job.integration_id,
            job=job.kind.value,
            kind=type(fault).__name__,
            fault_code=fault.code,
            status=fault.status,
            again=again,
            correlation=job.correlation,
        )

    async def hand_back(self, job: Job, fault: Exception) -> None:
        """Send a copy with a delay and one attempt more."""
        delay = delay_of(job.attempt, fault)
        await self._send_again(job, delay)
        ours = isinstance(fault, OperatorFault)
        log_action(
            "operator_fault" if ours else "job_handed_back",
            level=logging.ERROR if ours else logging.INFO,
            integration=job.integration_id,
            kind=type(fault).__name__,
            fault_code=getattr(fault, "code", ""),
            attempt=job.attempt + 1,
            job=type(job).__name__,
            delay=delay,
            correlation=job.correlation,
        )

    async def put_off(self, job: UpkeepJob) -> None:
        """Send a copy that comes in an hour, to wait for a user who has to reconnect; for ninety days at the most."""
        if job.attempt < _MOST_PUT_OFF:
            await self._send_again(job, _PUT_OFF_DELAY)
            log_action("job_put_off", integration=job.integration_id, job=job.kind.value, attempt=job.attempt + 1)

    async def _send_again(self, job: Job, delay: float) -> None:
        await self.jobs.put(replace(job, attempt=job.attempt + 1), delay_seconds=delay)

    async def stop(self, integration_id: str, fault: RemoteFault) -> None:
        """Stop the integration until its user reconnects; mappings and cursors are kept."""
        reason, code, link = _CALENDAR_GONE, "calendar_unavailable", ""
        if isinstance(fault, ReconnectNeeded):
            reason, code, link = fault.reason, fault.code, fault.link
        for _ in range(5):
            stored = await self.integrations.get(integration_id)
            if stored is None or not stored.value.granted:
                return
            state = move(INTEGRATION_MOVES, stored.value.state, IntegrationState.NEEDS_RECONNECT)
            stopped = replace(stored.value, state=state, reason=reason, reason_code=code, reason_link=link)
            try:
                await self.integrations.save(Stored(value=stopped, tag=stored.tag))
            except RowChanged:
                continue
            log_metric(Metric.RECONNECT_NEEDED, fault_code=code)
            log_action("reconnect_needed", level=logging.WARNING, integration=integration_id, fault_code=code)
            return
