"""The singleton of a timer: a blob lease, so that one instance alone runs it.

Read in the WebJobs SDK's SingletonManager.cs: the listener's lock lasts 60 s and is renewed at half of that; others try
again every 60 s. A host that was killed leaves its lease to run out; one that stops gives it back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, ContainerClient

from local.host.configuration import SingletonOptions
from local.host.renewal import next_renewal
from local.simkit.pauses import pause

_SHORTEST_RENEWAL = 1.0
_logger = logging.getLogger("Host.Singleton")


class Singleton:
    """A lease on ``locks/{hostId}/{name}``."""

    def __init__(self, container: ContainerClient, *, host_id: str, name: str, options: SingletonOptions) -> None:
        self._container = container
        self._path = f"locks/{host_id}/{name}"
        self._options = options
        self.lost = asyncio.Event()

    @asynccontextmanager
    async def held(self, stopping: asyncio.Event) -> AsyncIterator[bool]:
        """Wait for the lease and hold it for the block; False is given when ``stopping`` came first.

        ``lost`` is set when a renewal fails.
        """
        lease = await self._acquire(stopping)
        if lease is None:
            yield False
            return
        self.lost.clear()
        renewal = asyncio.create_task(self._renew(lease))
        try:
            yield True
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal
            try:
                await lease.release()
            except AzureError as error:
                _logger.warning("could not release %s: %s", self._path, error)

    async def _acquire(self, stopping: asyncio.Event) -> BlobLeaseClient | None:
        while not stopping.is_set():
            try:
                return await self._try()
            except ResourceExistsError:
                _logger.info("Unable to acquire Singleton lock (%s).", self._path)
            except AzureError as error:
                _logger.warning("could not ask for %s: %s", self._path, error)
            await pause(self._options.recovery_interval, stopping)
        return None

    async def _try(self) -> BlobLeaseClient:
        blob = await ensure_blob(self._container, self._path)
        lease: BlobLeaseClient = await blob.acquire_lease(lease_duration=self._options.lock_period)
        _logger.info("Singleton lock acquired (%s)", self._path)
        return lease

    async def _renew(self, lease: BlobLeaseClient) -> None:
        interval = normal = self._options.renewal_interval
        while True:
            await pause(interval)
            succeeded = False
            try:
                await lease.renew()
                succeeded = True
            except AzureError as error:
                if isinstance(error, HttpResponseError) and (error.status_code or 500) < 500:
                    _logger.error("lost the Singleton lock (%s): %s", self._path, error)
                    self.lost.set()
                    return
                _logger.warning("could not renew the Singleton lock (%s): %s", self._path, error)
            interval = next_renewal(interval, normal=normal, least=_SHORTEST_RENEWAL, succeeded=succeeded)


async def ensure_blob(container: ContainerClient, path: str) -> BlobClient:
    """Return a client of a blob that exists, making it empty and its container where they are missing."""
    with suppress(ResourceExistsError):
        await container.create_container()
    blob = container.get_blob_client(path)
    with suppress(ResourceExistsError):
        await blob.upload_blob(b"", overwrite=False)
    return blob
