"""What one job would delete, weighed together before the first of it is deleted."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.actions import Policy
from shared.core.event import Side
from shared.core.integration import Integration
from shared.core.jobs import EventJob
from shared.core.views import View, Views
from shared.errors import SyncFault
from shared.ports import Mappings
from shared.usecases.guard_deletions import GuardDeletions, WantedDeletion
from shared.usecases.look import Look
from shared.usecases.refusals import STOPS
from shared.usecases.settle_pair import SettlePair


@dataclass(frozen=True, kw_only=True)
class ForeseeDeletions:
    """Looks at the events that a job says were removed, and asks the guard about all of them at once."""

    mappings: Mappings
    look: Look
    pair: SettlePair
    guard: GuardDeletions

    async def run(self, integration: Integration, job: EventJob, *, policy: Policy) -> Mapping[str, View]:
        """Return what was seen, by Outlook id, so that nothing is read twice. One removed event needs no foresight."""
        removed = [glance.event_id for glance in job.events if glance.removed]
        if job.side is not Side.OUTLOOK or len(removed) < 2:
            return {}
        seen: dict[str, View] = {}
        wanted: list[WantedDeletion] = []
        for event_id in dict.fromkeys(removed):
            stored = await self.mappings.by_outlook(integration.integration_id, event_id)
            if stored is None:
                continue
            try:
                seen[event_id] = await self.look.at(integration, stored.value, Side.OUTLOOK, moved=True)
                views = Views(outlook=seen[event_id])
                side = await self.pair.foresee(integration, stored, views, policy=policy)
            except STOPS:
                raise
            except SyncFault:
                continue  # whatever it is, the look at this event by itself comes upon it
            if side is not None:
                wanted.append(WantedDeletion(stored=stored, side=side))
        await self.guard.weigh(integration, wanted)
        return seen
