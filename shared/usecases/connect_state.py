"""The user's live connection, which most use cases begin with."""

from shared.core.integration import Integration
from shared.core.states import IntegrationState
from shared.errors import NotFound, StateConflict
from shared.ports import Integrations, Stored


async def connection_of(integrations: Integrations, user_id: str) -> Stored[Integration]:
    """Return the user's live connection; raise ``NotFound`` if there is none."""
    stored = await integrations.of_user(user_id)
    if stored is None or stored.value.state in (IntegrationState.DISCONNECTED, IntegrationState.AWAITING_CONSENT):
        raise NotFound("not_connected", "No Outlook calendar is connected.")
    return stored


async def syncing_connection_of(integrations: Integrations, user_id: str) -> Integration:
    """Return the user's connection if it syncs; raise ``StateConflict`` with its state if it does not."""
    integration = (await connection_of(integrations, user_id)).value
    assert_syncing(integration)
    return integration


def assert_syncing(integration: Integration) -> None:
    """Raise ``StateConflict`` with the connection's state if it does not sync."""
    if not integration.syncing:
        raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
