"""The queue listener against real storage, with the user's function standing still or failing as told."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.azurite import Azurite
from local.host.configuration import QueueOptions
from local.host.errors import FunctionError
from local.host.functions import Binding, Function
from local.host.invoker import Call
from local.host.queue_names import poison_name, queue_name
from local.host.queues import VISIBILITY_SECONDS, QueueListener, decode, next_pause
from local.host.renewal import next_renewal
from local.host.values import Outcome
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources

FUNCTION = Function(
    name="f",
    function_id="f",
    bindings=(Binding(type="queueTrigger", name="msg", direction="IN", members={}),),
)
OPTIONS = QueueOptions(batch_size=4, new_batch_threshold=0, max_polling_interval=0.2, max_dequeue_count=2)
Body = Callable[[Call], Awaitable[bool]]


@asynccontextmanager
async def listening(
    azurite: Azurite,
    body: Body,
    *,
    visibility: int = 30,
    options: QueueOptions = OPTIONS,
    poison: bool = True,
    listeners: list[QueueListener] | None = None,
) -> AsyncIterator[tuple[QueueClient, QueueClient]]:
    """Run a listener whose function is ``body``; give its queue and the poison queue."""
    name = f"q-{uuid.uuid4().hex[:12]}"

    async def run(_: Function, call: Call) -> Outcome:
        return Outcome(succeeded=await body(call))

    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        queue, poisoned = service.get_queue_client(name), service.get_queue_client(f"{name}-poison")
        await queue.create_queue()
        listener = QueueListener(
            FUNCTION,
            queue=queue,
            poison=poisoned if poison else None,
            options=options,
            run=run,
            visibility_seconds=visibility,
        )
        if listeners is not None:
            listeners.append(listener)
        task = asyncio.create_task(listener.run())
        try:
            yield queue, poisoned
        finally:
            listener.stop()
            await task
            await listener.finish()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition was not met")


async def count(queue: QueueClient) -> int:
    return (await queue.get_queue_properties()).approximate_message_count or 0


@behaviour("H42", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
async def test_h42_a_message_is_held_by_renewal_while_its_function_runs(azurite: Azurite) -> None:
    release = asyncio.Event()
    calls: list[Call] = []

    async def body(call: Call) -> bool:
        calls.append(call)
        await release.wait()
        return True

    async with listening(azurite, body, visibility=2) as (queue, _):
        await queue.send_message(encoded("x"))
        await asyncio.sleep(3.2)
        # More than its visibility later nobody else sees the message, and the delete finds the renewed receipt.
        assert [message async for message in queue.receive_messages()] == []
        release.set()

        async def gone() -> bool:
            return await count(queue) == 0

        await until(gone)
    assert len(calls) == 1


@behaviour("H42", Grade.DOCUMENTED, sources.QUEUE_LISTENER, sources.RENEWAL)
def test_h42_a_renewal_that_fails_is_tried_again_sooner() -> None:
    pauses = [300.0]
    for succeeded in (False, False, False, False, True):
        pauses.append(next_renewal(pauses[-1], normal=300, least=60, succeeded=succeeded))
    assert pauses == [300, 150, 75, 60, 60, 300]


@behaviour("H42", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
async def test_h42_a_message_is_hidden_for_ten_minutes(azurite: Azurite) -> None:
    calls: asyncio.Queue[Call] = asyncio.Queue()

    async def body(call: Call) -> bool:
        await calls.put(call)
        return True

    async with listening(azurite, body, visibility=VISIBILITY_SECONDS) as (queue, _):
        await queue.send_message(encoded("x"))
        metadata = (await calls.get()).metadata
    # Both moments are the storage's.
    inserted, hidden_until = (datetime.fromisoformat(metadata[name]) for name in ("InsertionTime", "NextVisibleTime"))
    assert timedelta(seconds=599) <= hidden_until - inserted < timedelta(minutes=11)


@behaviour("H35", Grade.DOCUMENTED, sources.QUEUE_NAMES)
def test_h35_a_queue_name_is_lowered_and_checked() -> None:
    assert queue_name("Work-2") == "work-2"
    for name in ("ab", "a" * 64, "a_b", "-ab", "ab-", "a--b", "a b", ""):
        with pytest.raises(FunctionError, match="A queue name must be from 3 to 63 characters long"):
            queue_name(name)


@behaviour("H53", Grade.DOCUMENTED, sources.WORKER)
async def test_h53_the_metadata_is_what_the_worker_reads(azurite: Azurite) -> None:
    calls: list[Call] = []

    async def body(call: Call) -> bool:
        calls.append(call)
        return True

    async def seen() -> bool:
        return bool(calls)

    async with listening(azurite, body) as (queue, _):
        sent = await queue.send_message(encoded("x"))
        await until(seen)
    metadata = calls[0].metadata
    assert (metadata["Id"], metadata["DequeueCount"]) == (sent.id, "1")
    assert {"PopReceipt", "ExpirationTime", "InsertionTime", "NextVisibleTime"} <= set(metadata)


@behaviour("H43", Grade.DOCUMENTED, sources.QUEUES, sources.QUEUE_LISTENER)
async def test_h43_a_failed_message_reappears_after_the_visibility_timeout(azurite: Azurite) -> None:
    moments: list[float] = []
    loop = asyncio.get_running_loop()

    async def body(_: Call) -> bool:
        moments.append(loop.time())
        return len(moments) == 2

    async def twice() -> bool:
        return len(moments) == 2

    options = QueueOptions(max_polling_interval=0.2, visibility_timeout=2, max_dequeue_count=5)
    async with listening(azurite, body, options=options) as (queue, _):
        await queue.send_message(encoded("x"))
        await until(twice)
    # Storage counts in whole seconds.
    assert moments[1] - moments[0] >= 1


@behaviour("H45", Grade.DOCUMENTED, sources.QUEUES)
async def test_h45_a_message_over_the_limit_on_arrival_is_poisoned_without_running(azurite: Azurite) -> None:
    calls: list[Call] = []

    async def body(call: Call) -> bool:
        calls.append(call)
        return False

    name = f"q-{uuid.uuid4().hex[:12]}"
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        queue, poisoned = service.get_queue_client(name), service.get_queue_client(f"{name}-poison")
        await queue.create_queue()
        await queue.send_message(encoded("x"))
        for _ in range(2):
            held = [message async for message in queue.receive_messages()]
            await queue.update_message(held[0].id, pop_receipt=held[0].pop_receipt, visibility_timeout=0)

        async def run(_: Function, call: Call) -> Outcome:
            return Outcome(succeeded=await body(call))

        listener = QueueListener(FUNCTION, queue=queue, poison=poisoned, options=OPTIONS, run=run)
        task = asyncio.create_task(listener.run())

        async def gone() -> bool:
            return await count(queue) == 0

        await until(gone)
        listener.stop()
        await task
        assert await count(poisoned) == 1
    assert calls == []


@behaviour("H46", Grade.DOCUMENTED, sources.QUEUES, sources.QUEUE_LISTENER)
async def test_h46_without_a_poison_queue_a_failed_message_stays_hidden(azurite: Azurite) -> None:
    failures = 0

    async def body(_: Call) -> bool:
        nonlocal failures
        failures += 1
        return False

    async def failed_twice() -> bool:
        return failures == 2

    async with listening(azurite, body, poison=False) as (queue, _):
        await queue.send_message(encoded("x"))
        await until(failed_twice)
        await asyncio.sleep(0.5)
        assert failures == 2
        assert await count(queue) == 1


@behaviour("H46", Grade.DOCUMENTED, sources.QUEUES)
def test_h46_a_poison_queue_has_no_poison_queue() -> None:
    assert poison_name("work") == "work-poison"
    assert poison_name("work-poison") is None
    assert poison_name("w" * 57) is None


@behaviour("H47", Grade.DOCUMENTED, sources.QUEUES, sources.BASE64)
def test_h47_base64_is_checked_strictly() -> None:
    assert decode("eA==", is_base64=True) == b"x"
    assert decode("b'eA=='", is_base64=True) is None
    assert decode("plain", is_base64=False) == b"plain"


@behaviour("H48", Grade.DOCUMENTED, sources.QUEUES)
async def test_h48_a_message_that_is_gone_at_its_delete_is_no_error(
    azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    taken: asyncio.Queue[str] = asyncio.Queue()
    clients: list[QueueClient] = []

    async def body(call: Call) -> bool:
        # Another instance finished it meanwhile: the delete finds 404.
        await clients[0].delete_message(call.metadata["Id"], pop_receipt=call.metadata["PopReceipt"])
        await taken.put(call.metadata["Id"])
        return True

    async with listening(azurite, body) as (queue, _):
        clients.append(queue)
        for _ in range(2):
            await queue.send_message(encoded("x"))
            await taken.get()
    assert not [record for record in caplog.records if record.name.startswith("Host.")]


@behaviour("H51", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
async def test_h51_a_listener_that_is_woken_looks_at_once(azurite: Azurite) -> None:
    seen = asyncio.Event()

    async def body(_: Call) -> bool:
        seen.set()
        return True

    slow = replace(OPTIONS, max_polling_interval=600, shortest_polling_interval=600)
    woken: list[QueueListener] = []
    # Idle, it would look again in ten minutes.
    async with listening(azurite, body, options=slow, listeners=woken) as (queue, _):
        await asyncio.sleep(0.3)
        await queue.send_message(encoded("x"))
        woken[0].wake()
        await asyncio.wait_for(seen.wait(), 20)


@behaviour("H50", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h50_idle_pauses_double_up_to_the_longest() -> None:
    pauses = [0.0]
    for _ in range(12):
        pauses.append(next_pause(pauses[-1], 2.0))
    assert pauses[1] == 0.1
    for previous, following in pairwise(pauses[1:]):
        assert following == 2.0 or 1.6 <= following / previous <= 2.4 or following == pytest.approx(0.1)
    assert pauses[-1] == 2.0 or pauses[-1] >= 1.6
