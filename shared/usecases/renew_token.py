"""Keep grants alive that nobody uses.

Entra ends a refresh token that was not used for 90 days. Each use brings a new one, and one that is used is saved once
a day; but a connection that is paused asks nothing of Graph.
https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.core.integration import Integration
from shared.log import log_action
from shared.ports import Clock, Consent

IDLE = timedelta(days=7)
"""How old a stored refresh token may become: a dozen attempts fit before it ends."""


@dataclass(frozen=True, kw_only=True)
class RenewToken:
    """Refresh what has not been refreshed for a while."""

    consent: Consent
    clock: Clock

    async def run(self, integration: Integration, *, at_once: bool = False) -> bool:
        """Renew the token if it is idle, or in any case ``at_once``; return whether a new one was saved.

        Of a connection that waits for its user, or is ended, nothing is renewed: ``ReconnectNeeded`` would change
        nothing there.
        """
        if not integration.granted:
            return False
        now = self.clock.now()
        saved_before = now + timedelta(seconds=1) if at_once else now - IDLE
        renewed = await self.consent.renew(integration.integration_id, saved_before=saved_before)
        log_action("token_looked_after", integration=integration.integration_id, renewed=renewed)
        return renewed
