"""What deployment makes in Azure before the app first runs: tables, queues, and the secrets that an operator sets."""

import asyncio
import os
import ssl
import sys
from collections.abc import Mapping

import httpx
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.entra.identity import API_VERSION, IDENTITY_HEADER

QUEUES = ("outlook-event-jobs", "outlook-run-jobs", "outlook-upkeep-jobs")
TABLES = (
    "OutlookIntegrations",
    "OutlookAccounts",
    "OutlookEventMappings",
    "OutlookSyncHistory",
    "OutlookRunItems",
    "OutlookChanges",
    "OutlookConflicts",
    "OutlookRules",
    "OutlookMeetings",
    "OutlookConfirmations",
    "OutlookSubscriptions",
    "OutlookAuthStates",
    "OutlookDue",
    "OutlookRateLimits",
)
SECRETS: Mapping[str, str] = {
    "azure-client-secret": "stand-client-secret",
    "wedsync-service-token": "stand-service-token",
    "wedsync-webhook-secret": "whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA=",
}
_VAULT_API = "2026-04-01"


async def create_storage(connection_string: str) -> None:
    """Make the tables, the queues and their poison queues; what exists stays."""
    async with TableServiceClient.from_connection_string(connection_string) as tables:
        for table in TABLES:
            await tables.create_table_if_not_exists(table)
    async with QueueServiceClient.from_connection_string(connection_string) as queues:
        for queue in QUEUES:
            for name in (queue, f"{queue}-poison"):
                try:
                    await queues.create_queue(name)
                except ResourceExistsError:
                    continue


async def set_secrets(*, vault_url: str, identity_endpoint: str, trust: ssl.SSLContext) -> None:
    """Put the secrets into the vault through its REST API, with a managed identity's token as an operator's script."""
    async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=10) as client:
        answer = await client.get(
            identity_endpoint,
            params={"api-version": API_VERSION, "resource": "https://vault.azure.net"},
            headers={"X-IDENTITY-HEADER": IDENTITY_HEADER},
        )
        token = answer.raise_for_status().json()["access_token"]
        for name, value in SECRETS.items():
            stored = await client.put(
                f"{vault_url}/secrets/{name}",
                params={"api-version": _VAULT_API},
                headers={"Authorization": f"Bearer {token}"},
                json={"value": value},
            )
            stored.raise_for_status()


def main() -> int:
    """Make tables and queues in the storage account that ``SyncStorage`` names (a connection string)."""
    given = os.environ.get("SyncStorage", "")  # noqa: SIM112 - the setting's name
    if not given:
        print("Set SyncStorage to the storage account's connection string first.", file=sys.stderr)
        return 2
    asyncio.run(create_storage(given))
    print(f"{len(TABLES)} tables and {2 * len(QUEUES)} queues are there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
