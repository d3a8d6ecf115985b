"""Queue triggers: one polling loop for each function, as the storage extension runs it.

Read in QueueListener.cs, QueueProcessor.cs and QueuesOptions.cs of the storage extension. The SDK's own base64 policy
is not used: azure-storage-queue 12.18.1 raises AttributeError on a message that is not base64.
"""

import asyncio
import base64
import binascii
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.concurrency import DynamicConcurrency
from local.host.configuration import QueueOptions
from local.host.functions import Function
from local.host.invoker import Call, Run
from local.host.renewal import next_renewal
from local.host.values import text
from local.simkit.pauses import pause

VISIBILITY_SECONDS = 600
_SHORTEST_RENEWAL = 60.0
_MOST_MESSAGES = 32
_logger = logging.getLogger("Host.Triggers.Queue")


@dataclass(kw_only=True)
class Lease:
    """The hold on one received message; ``pop_receipt`` changes with each renewal, which ``lock`` serialises."""

    id: str
    pop_receipt: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class QueueListener:
    """Polls one queue for one function until it is stopped."""

    def __init__(
        self,
        function: Function,
        *,
        queue: QueueClient,
        poison: QueueClient | None,
        options: QueueOptions,
        run: Run,
        visibility_seconds: int = VISIBILITY_SECONDS,
        concurrency: DynamicConcurrency | None = None,
    ) -> None:
        self.function = function
        self.queue_name: str = queue.queue_name
        self._queue = queue
        self._poison = poison
        self._options = options
        self._run = run
        self._visibility = visibility_seconds
        self._concurrency = concurrency
        self._woken = asyncio.Event()
        self._one_done = asyncio.Event()
        self._stopping = False
        self._handling: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at the queue now: this host has just written to it."""
        self._woken.set()

    def start(self) -> None:
        """Allow polling (again) for the next ``run``."""
        self._stopping = False

    def stop(self) -> None:
        """Receive nothing more; what was received is finished."""
        self._stopping = True
        self._woken.set()
        self._one_done.set()

    async def finish(self) -> None:
        """Wait until every received message has been deleted, handed back or moved."""
        while self._handling:
            await asyncio.wait(self._handling)

    async def run(self) -> None:
        """Poll until stopped: at once after messages, else with pauses that double up to the longest."""
        wait = 0.0
        while not self._stopping:
            batch = await self._batch()
            messages = await self._receive(batch) if batch else []
            for message in messages:
                task = asyncio.create_task(self._handle(message))
                self._handling.add(task)
                task.add_done_callback(self._on_done)
            if messages:
                wait = 0.0
                await self._room()
            else:
                wait = next_pause(
                    wait, self._options.max_polling_interval, shortest=self._options.shortest_polling_interval
                )
                await pause(wait, self._woken)
                self._woken.clear()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._handling.discard(task)
        self._one_done.set()
        if not task.cancelled() and task.exception() is not None:
            _logger.error("message handling failed in queue %s", self.queue_name, exc_info=task.exception())

    async def _batch(self) -> int:
        """Return how many messages to ask for; with dynamic concurrency wait until that is one at least."""
        if self._concurrency is None:
            return self._options.batch_size
        while not self._stopping:
            available = self._concurrency.available(len(self._handling))
            if available:
                return min(available, _MOST_MESSAGES)
            await self._one_more_done(1.0)
        return 0

    async def _one_more_done(self, seconds: float) -> None:
        self._one_done.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._one_done.wait(), seconds)

    async def _room(self) -> None:
        if self._concurrency is not None:
            return
        while not self._stopping and len(self._handling) > self._options.new_batch_threshold:
            self._one_done.clear()
            await self._one_done.wait()

    async def _receive(self, batch: int) -> list[QueueMessage]:
        pages = self._queue.receive_messages(messages_per_page=batch, visibility_timeout=self._visibility).by_page()
        try:
            async for page in pages:
                return [message async for message in page]
        except ResourceNotFoundError:
            return []
        except AzureError as error:
            _logger.warning("could not read queue %s: %s", self.queue_name, error)
        return []

    async def _handle(self, message: QueueMessage) -> None:
        lease = Lease(id=str(message.id), pop_receipt=str(message.pop_receipt))
        body = decode(message.content, is_base64=self._options.base64)
        if body is None:
            _logger.error(
                "Message decoding has failed! Check MessageEncoding settings. MessageId: %s, queue: %s",
                lease.id,
                self.queue_name,
            )
            await self._to_poison(message, lease)
        elif (message.dequeue_count or 0) > self._options.max_dequeue_count:
            await self._to_poison(message, lease)
        else:
            await self._run_function(message, lease, body)

    async def _run_function(self, message: QueueMessage, lease: Lease, body: bytes) -> None:
        began = time.monotonic()
        async with self._renewed(lease):
            outcome = await self._run(self.function, self._call(message, body))
        if self._concurrency is not None:
            self._concurrency.ended(time.monotonic() - began)
        if outcome.succeeded:
            await self._delete(lease)
        elif (message.dequeue_count or 0) >= self._options.max_dequeue_count:
            await self._to_poison(message, lease)
        else:
            await self._give_back(lease)

    def _call(self, message: QueueMessage, body: bytes) -> Call:
        content = body.decode("utf-8", errors="replace")
        metadata = {
            "Id": str(message.id),
            "DequeueCount": str(message.dequeue_count),
            "PopReceipt": str(message.pop_receipt),
            "QueueTrigger": content,
        }
        for name, moment in (
            ("ExpirationTime", message.expires_on),
            ("InsertionTime", message.inserted_on),
            ("NextVisibleTime", message.next_visible_on),
        ):
            if moment is not None:
                metadata[name] = moment.isoformat()
        inserted = metadata.get("InsertionTime", "")
        return Call(
            value=text(content),
            reason=f"New queue message detected on '{self.queue_name}'.",
            metadata=metadata,
            details=f"MessageId: {message.id}, DequeueCount: {message.dequeue_count}, InsertedOn: {inserted}",
        )

    @asynccontextmanager
    async def _renewed(self, lease: Lease) -> AsyncIterator[None]:
        """Hold the message while its function runs, renewing at half of the visibility."""
        renewal = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            renewal.cancel()
            (ended,) = await asyncio.gather(renewal, return_exceptions=True)
            if isinstance(ended, Exception):
                # What the function did counts all the same: its message is deleted, or given back.
                _logger.error("a message of queue %s was renewed no more", self.queue_name, exc_info=ended)

    async def _renew(self, lease: Lease) -> None:
        interval = normal = self._visibility / 2
        while True:
            await pause(interval)
            # Not to be cut off between the answer and the new receipt: the delete needs it.
            succeeded = await asyncio.shield(self._update(lease, self._visibility))
            interval = next_renewal(interval, normal=normal, least=_SHORTEST_RENEWAL, succeeded=succeeded)

    async def _update(self, lease: Lease, visibility: float) -> bool:
        async with lease.lock:
            try:
                answer = await self._queue.update_message(
                    lease.id, pop_receipt=lease.pop_receipt, visibility_timeout=int(visibility)
                )
            except AzureError as error:
                return _is_gone("update", self.queue_name, error)
            lease.pop_receipt = str(answer.pop_receipt)
            return True

    async def _give_back(self, lease: Lease) -> None:
        await self._update(lease, self._options.visibility_timeout)

    async def _delete(self, lease: Lease) -> None:
        async with lease.lock:
            try:
                await self._queue.delete_message(lease.id, pop_receipt=lease.pop_receipt)
            except AzureError as error:
                _is_gone("delete", self.queue_name, error)

    async def _to_poison(self, message: QueueMessage, lease: Lease) -> None:
        if self._poison is None:
            # No poison queue for a poison queue: the message stays invisible for the rest of its time.
            return
        _logger.warning(
            "Message has reached MaxDequeueCount of %d or cannot be read. Moving message to queue '%s'.",
            self._options.max_dequeue_count,
            self._poison.queue_name,
        )
        try:
            await self._add_to_poison(self._poison, str(message.content))
        except AzureError as error:
            _logger.error("could not write to queue %s: %s", self._poison.queue_name, error)
            return
        await self._delete(lease)

    async def _add_to_poison(self, poison: QueueClient, content: str) -> None:
        try:
            await poison.send_message(content)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                await poison.create_queue()
            await poison.send_message(content)


def decode(content: str, *, is_base64: bool) -> bytes | None:
    """Return a message's body, or None when it is not the base64 that it should be."""
    if not is_base64:
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def next_pause(previous: float, longest: float, *, shortest: float = QueueOptions.shortest_polling_interval) -> float:
    """Return the next pause of an idle loop: double the last, 20 % more or less, between 100 ms and ``longest``."""
    if previous <= 0:
        return shortest
    return max(shortest, min(longest, previous * 2 * random.uniform(0.8, 1.2)))


def _is_gone(verb: str, queue: str, error: AzureError) -> bool:
    """Say whether a message is gone or another's by now, which is no failure; anything else is logged as one."""
    gone = isinstance(error, HttpResponseError) and error.status_code in {400, 404}
    if not gone:
        _logger.error("could not %s a message of queue %s: %s", verb, queue, error)
    return gone
