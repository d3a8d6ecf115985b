"""Graph refuses a subscription for good: say so, cover with scheduled runs, and ask again less and less often.

A mailbox may take no subscriptions, or a tenant's policy forbids them (403); no repetition mends that by itself, and
yet somebody may: an administrator, or a version of ours that asks for something else.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.integration import Integration
from shared.core.subscription import next_try_after
from shared.errors import Rejected, RowChanged
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Integrations, Stored, SubscriptionRows
from shared.usecases.due_kinds import RENEWAL

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class RefusedChannel:
    """Notes on the connection that its channel was refused, and on the list of due things when to ask again."""

    integrations: Integrations
    rows: SubscriptionRows
    due: DueList
    clock: Clock

    def waits(self, integration: Integration) -> bool:
        """Whether it was refused a while ago, and the time to ask again has not come."""
        return integration.channel_next_try is not None and integration.channel_next_try > self.clock.now()

    async def note(self, integration: Integration, fault: Rejected) -> None:
        """Count the refusal, and put the next try off: in place of what a timer has entered for each subscription."""
        refusals = integration.channel_refusals + 1
        next_try = self.clock.now() + next_try_after(refusals)
        await self._save(integration.integration_id, refusals=refusals, code=fault.code, next_try=next_try)
        known = [stored.value.subscription_id for stored in await self.rows.of_integration(integration.integration_id)]
        for subject in known or [""]:
            entry = Due(kind=RENEWAL, integration_id=integration.integration_id, at=next_try, subject=subject)
            await self.due.put(entry)
        log_action(
            "subscription_refused",
            level=logging.ERROR,
            integration=integration.integration_id,
            status=fault.status,
            fault_code=fault.code,
            request_id=fault.request_id,
            refusals=refusals,
            next_try=next_try.isoformat(),
        )

    async def forget(self, integration: Integration) -> None:
        """The channel is as it should be: nothing was refused. Costs nothing where nothing was."""
        if integration.channel_refusals:
            await self._save(integration.integration_id, refusals=0, code="", next_try=None)

    async def _save(self, integration_id: str, *, refusals: int, code: str, next_try: datetime | None) -> None:
        for _ in range(_ATTEMPTS):
            stored = await self.integrations.get(integration_id)
            if stored is None:
                return
            value = replace(
                stored.value, channel_refusals=refusals, channel_refusal_code=code, channel_next_try=next_try
            )
            try:
                await self.integrations.save(Stored(value=value, tag=stored.tag))
            except RowChanged:
                continue
            return
