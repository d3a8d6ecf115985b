"""What an operator may have done for a connection: the service's own use cases, begun by hand."""

from collections.abc import Mapping
from typing import Any

from shared.core.integration import Integration
from shared.core.jobs import RunKind, TriggeredBy
from shared.errors import StateConflict
from shared.service import App

Done = Mapping[str, Any]


async def sync(app: App, integration: Integration) -> Done:
    """Queue a full run; ``StateConflict`` while the connection does not sync. Its user never asked for it."""
    _needs_syncing(integration)
    run = await app.request_sync.start(integration, kind=RunKind.FULL, triggered_by=TriggeredBy.OPERATOR)
    return {"integration": integration.integration_id, "run": run.run_id, "state": run.state.value}


async def renew(app: App, integration: Integration) -> Done:
    """Renew the refresh token, whatever its age, and then the subscription.

    ``ReconnectNeeded`` says that only the user can help; the connection's next job will find that out as well, and
    show it to them.
    """
    _needs_syncing(integration)
    token = await app.renew_token.run(integration, at_once=True)
    await app.keep_up.subscribe.ensure(integration, renew=True)
    await app.keep_up.refused.forget(integration)
    return {"integration": integration.integration_id, "tokenSaved": token, "subscription": "renewed"}


def _needs_syncing(integration: Integration) -> None:
    if not integration.syncing:
        raise StateConflict(
            integration.state.value, f"The connection is {integration.state.value}: {integration.reason}"
        )
