"""Jobs onto Storage queues.

Messages are base64 text, as the host's queue trigger expects them, and live for seven days. A queue that is not there
is made when something is put on it.
"""

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.core.jobs import Message
from shared.errors import OperatorFault, RowChanged, RowExists, StoreFault, Unavailable
from shared.store import messages
from shared.store.azure import DEADLINE_SECONDS, client_options, fault_of
from shared.store.rows import OnOperation
from shared.store.tables import quiet

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.queue.aio import QueueClient, QueueServiceClient

_LIFETIME = 7 * 24 * 3600
_RETRY_SECONDS = (0.4, 0.2)
"""How long to wait before each retry, and by how much more or less at random."""

_LONGEST_DELAY = _LIFETIME - 24 * 3600  # a message has to become visible well before it expires


class StorageJobQueue:
    """``JobQueue`` on Azure Storage queues, or the emulator's. One client per process, made at first use."""

    def __init__(
        self,
        *,
        connection_string: str = "",
        endpoint: str = "",
        credential: "Callable[[], AsyncTokenCredential] | None" = None,
        ca_file: str = "",
        prefix: str = "",
        retries: int = 3,
        on_operation: OnOperation = quiet,
    ) -> None:
        self._connection_string = connection_string
        self._endpoint = endpoint
        self._credential = credential
        self._ca_file = ca_file
        self._prefix = prefix
        self._retries = retries
        self._on_operation = on_operation
        self._service: QueueServiceClient | None = None
        self._clients: dict[str, QueueClient] = {}

    async def put(self, job: Message, *, delay_seconds: float = 0) -> None:
        """Enqueue on the queue of the job's kind, invisible for the delay (whole seconds, six days at the most)."""
        name = messages.queue_of(job)
        invisible = min(max(math.ceil(delay_seconds), 0), _LONGEST_DELAY)
        for text in messages.to_texts(job):
            await self._send(name, text, invisible)

    def parse(self, text: str) -> Message:
        """Return the job in a message's text; ``InvalidInput`` if it is none."""
        return messages.parse(text)

    async def set_aside(self, queue: str) -> tuple[str, ...]:
        """Return the texts of up to 32 messages that failed for good and that nobody has taken from there yet."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return tuple(str(found.content) for found in await self._poison(queue).peek_messages(max_messages=32))
        except Exception as error:
            if getattr(error, "status_code", None) == 404:
                return ()
            raise _fault(error) from error

    async def replay(self, queue: str, *, limit: int) -> int:
        """Put up to so many of them back on the queue that they came from; return how many.

        Sent first, then deleted: a message that comes twice is harmless, one that is lost is not.
        """
        replayed, poison = 0, self._poison(queue)
        waiting = aiter(poison.receive_messages(visibility_timeout=60, max_messages=limit))
        while True:
            try:
                found = await anext(waiting)
            except StopAsyncIteration:
                return replayed
            except Exception as error:
                if getattr(error, "status_code", None) == 404:  # nothing has ever failed for good
                    return replayed
                raise _fault(error) from error
            await self._put_back(queue, str(found.content))
            try:
                await poison.delete_message(found)
            except Exception as error:
                raise _fault(error) from error
            replayed += 1

    async def _put_back(self, queue: str, text: str) -> None:
        """Send it, if there is such a queue: one that nobody made is one that nobody reads."""
        try:
            await self._client(queue).send_message(text, time_to_live=_LIFETIME)
        except Exception as error:
            if getattr(error, "status_code", None) == 404:
                raise StoreFault(f"the queue {queue} is not there: is this the storage of the app?") from error
            raise _fault(error) from error

    async def reach(self) -> None:
        """Return if the queues answer; one that nothing was ever put on may be missing."""
        client = self._client(messages.UPKEEP_QUEUE)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await client.get_queue_properties()
        except Exception as error:
            if getattr(error, "status_code", None) != 404:
                raise _fault(error) from error

    async def close(self) -> None:
        """Close the connections; the next call opens them again."""
        service, self._service = self._service, None
        self._clients.clear()
        if service is not None:
            await service.close()

    async def _send(self, name: str, text: str, invisible: int) -> None:
        client = self._client(name)
        for last in (False, True):
            self._on_operation("put", name)
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await client.send_message(text, visibility_timeout=invisible, time_to_live=_LIFETIME)
                return
            except Exception as error:
                if last or getattr(error, "status_code", None) != 404:
                    raise _fault(error) from error
            await self._make(client)

    async def _make(self, client: "QueueClient") -> None:
        try:
            await client.create_queue()
        except Exception as error:
            if getattr(error, "status_code", None) not in (204, 409):  # somebody else was quicker
                raise _fault(error) from error

    def _poison(self, queue: str) -> "QueueClient":
        return self._client(f"{queue}-poison")

    def _client(self, name: str) -> "QueueClient":
        client = self._clients.get(name)
        if client is None:
            from azure.storage.queue import (  # noqa: PLC0415 - heavy, so at first use
                TextBase64DecodePolicy,
                TextBase64EncodePolicy,
            )

            if self._service is None:
                self._service = self._open()
            client = self._clients[name] = self._service.get_queue_client(
                self._prefix + name,
                message_encode_policy=TextBase64EncodePolicy(),
                message_decode_policy=TextBase64DecodePolicy(),
            )
        return client

    def _open(self) -> "QueueServiceClient":
        from azure.storage.queue.aio import QueueServiceClient  # noqa: PLC0415 - heavy, so at first use

        options = client_options(retries=self._retries, ca_file=self._ca_file)
        # Storage's own policy waits 15 s before its first retry and longer each time; Graph waits 3 s in all for our
        # answer, and a queue that still refuses then is answered 503, so that Graph delivers again.
        pause, spread = _RETRY_SECONDS
        options |= {"initial_backoff": pause, "increment_base": 0, "random_jitter_range": spread}
        if self._connection_string:
            return QueueServiceClient.from_connection_string(self._connection_string, **options)
        if self._credential is None:
            raise OperatorFault("queue", code="no_credential")
        return QueueServiceClient(self._endpoint, credential=self._credential(), **options)


def _fault(error: Exception) -> Exception:
    """Return the error of ours; a queue that refuses for the moment is ``Unavailable``."""
    fault = fault_of(error, "queue")
    if isinstance(fault, RowExists | RowChanged):
        return Unavailable("queue", status=int(getattr(error, "status_code", 0) or 0))
    if isinstance(fault, StoreFault):
        return StoreFault("the queue refused a message")
    return fault
