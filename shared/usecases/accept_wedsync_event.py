"""WedSync's webhook becomes a job."""

from dataclasses import dataclass

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance
from shared.log import log_action
from shared.ports import Ids, Integrations, JobQueue


@dataclass(frozen=True, kw_only=True)
class AcceptWedSyncEvent:
    """Enqueue a look at the event if its user has a live connection; a repeated notice is harmless."""

    integrations: Integrations
    jobs: JobQueue
    ids: Ids

    async def run(self, *, user_id: str, event_id: str, version: int) -> bool:
        """Return whether a job was enqueued."""
        stored = await self.integrations.of_user(user_id)
        if stored is None or not stored.value.syncing:
            return False
        correlation = self.ids.new_id()
        await self.jobs.put(
            EventJob(
                integration_id=stored.value.integration_id,
                side=Side.WEDSYNC,
                events=(Glance(event_id=event_id, hint=str(version)),),
                correlation=correlation,
            )
        )
        log_action("wedsync_event_accepted", integration=stored.value.integration_id, correlation=correlation)
        return True
