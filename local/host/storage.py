"""Storage connections by setting name, and the clients that listeners and bindings share."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.errors import FunctionError

HOST_STORAGE = "AzureWebJobsStorage"
HOST_CONTAINER = "azure-webjobs-hosts"
_RETRIES: dict[str, Any] = {"retry_total": 2, "initial_backoff": 1, "increment_base": 1}


class Storage:
    """Clients by connection name, opened at first use and closed together.

    ``AzureWebJobs<Name>`` is looked up before ``<Name>``; a plain value is a connection string, otherwise
    ``<Name>__queueServiceUri`` (or ``__accountName``) with an identity. Clients give up after two short retries, so
    that an outage is seen by the loop that polls and not swallowed in waits.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._stack = AsyncExitStack()
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: BlobServiceClient | None = None

    def has(self, connection: str) -> bool:
        """Say whether the settings name such a connection at all."""
        return any(self._find(connection, suffix) for suffix in ("", "__accountName", "__queueServiceUri"))

    def queue(self, connection: str, name: str) -> QueueClient:
        """Return a client whose messages stay as they are on the wire; encoding is the caller's."""
        if connection not in self._queues:
            where, options = self._target(connection, "queue")
            if "credential" in options:
                client = QueueServiceClient(where, **options, **_RETRIES)
            else:
                client = QueueServiceClient.from_connection_string(where, **_RETRIES)
            self._stack.push_async_callback(client.close)
            self._queues[connection] = client
        return self._queues[connection].get_queue_client(name)

    def host_container(self, name: str = HOST_CONTAINER) -> ContainerClient:
        """Return a container of the host's own storage: that of leases and timer status, unless named."""
        if self._blobs is None:
            where, options = self._target(HOST_STORAGE, "blob")
            if "credential" in options:
                self._blobs = BlobServiceClient(where, **options, **_RETRIES)
            else:
                self._blobs = BlobServiceClient.from_connection_string(where, **_RETRIES)
            self._stack.push_async_callback(self._blobs.close)
        return self._blobs.get_container_client(name)

    async def close(self) -> None:
        """Close every client."""
        await self._stack.aclose()

    def _find(self, connection: str, suffix: str) -> str:
        for name in (f"AzureWebJobs{connection}{suffix}", f"{connection}{suffix}"):
            if self._environment.get(name):
                return self._environment[name]
        return ""

    def _target(self, connection: str, service: str) -> tuple[str, dict[str, Any]]:
        plain = self._find(connection, "")
        if plain:
            return plain, {}
        account = self._find(connection, "__accountName")
        where = self._find(connection, f"__{service}ServiceUri")
        if not where and account:
            where = f"https://{account}.{service}.core.windows.net"
        if not where:
            raise FunctionError(f"Storage account connection string 'AzureWebJobs{connection}' does not exist.")
        credential = self._credential(connection)
        self._stack.push_async_callback(credential.close)
        return where, {"credential": credential}

    def _credential(self, connection: str) -> DefaultAzureCredential | ManagedIdentityCredential:
        if self._find(connection, "__credential").lower() == "managedidentity":
            return ManagedIdentityCredential(client_id=self._find(connection, "__clientId") or None)
        return DefaultAzureCredential()
