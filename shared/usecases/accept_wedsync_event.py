"""WedSync's webhook becomes a job."""

from dataclasses import dataclass

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance
from shared.errors import RunAtWork
from shared.log import log_action
from shared.ports import Ids, Integrations, JobQueue, Leases
from shared.usecases.job_frame import delay_of


@dataclass(frozen=True, kw_only=True)
class AcceptWedSyncEvent:
    """Enqueue a look at the event if its user has a live connection; a repeated notice is harmless."""

    integrations: Integrations
    leases: Leases
    jobs: JobQueue
    ids: Ids

    async def run(self, *, user_id: str, event_id: str, version: int, created: bool = False) -> bool:
        """Return whether a job was enqueued.

        An event that is new while a run is at work has most likely just been made by it, and the run is about to note
        that: its job comes as late as if it had been handed back for that reason already (``RunAtWork``).
        """
        stored = await self.integrations.of_user(user_id)
        if stored is None or not stored.value.syncing:
            return False
        correlation = self.ids.new_id()
        later = created and await self.leases.held(stored.value.integration_id)
        await self.jobs.put(
            EventJob(
                integration_id=stored.value.integration_id,
                side=Side.WEDSYNC,
                events=(Glance(event_id=event_id, hint=str(version)),),
                attempt=1 if later else 0,
                correlation=correlation,
            ),
            delay_seconds=delay_of(0, RunAtWork()) if later else 0,
        )
        log_action("wedsync_event_accepted", integration=stored.value.integration_id, correlation=correlation)
        return True
