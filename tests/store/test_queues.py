"""The queues: the contract, delays, the form that the host expects, and a service that fails."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite
from shared.core.jobs import RunJob
from shared.errors import OperatorFault, StoreFault, Throttled, Unavailable
from shared.ports import JobQueue
from shared.store.memory import MemoryJobQueue
from shared.store.messages import to_texts
from shared.store.queues import StorageJobQueue
from tests.contracts.queues import RUN_QUEUE, JobQueueContract, Received
from tests.support.far_end import FarEnd, connection_string

JOB = RunJob(integration_id="i", run_id="r")


class TestInMemory(JobQueueContract):
    """In memory."""

    @pytest.fixture
    def queue(self) -> MemoryJobQueue:
        return MemoryJobQueue()

    @pytest.fixture
    def received(self, queue: MemoryJobQueue) -> Received:
        async def texts(name: str) -> list[str]:
            return [message.text for message in queue.waiting if message.queue == name]

        return texts

    async def test_take(self, queue: MemoryJobQueue) -> None:
        await queue.put(JOB, delay_seconds=3)
        assert [message.delay_seconds for message in queue.waiting] == [3]
        assert queue.take("outlook-event-jobs") == ()
        assert queue.take() == (JOB,)
        assert queue.take() == ()

    async def test_a_fault_to_order(self, queue: MemoryJobQueue) -> None:
        queue.fault = Unavailable("queue")
        with pytest.raises(Unavailable):
            await queue.put(JOB)


@pytest.mark.azurite
class TestOnAzurite(JobQueueContract):
    """On the emulator."""

    @pytest.fixture
    def prefix(self) -> str:
        return f"t{uuid4().hex[:8]}-"

    @pytest.fixture
    async def raw(self, azurite: Azurite) -> AsyncIterator[QueueServiceClient]:
        async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
            yield service

    @pytest.fixture
    async def queue(self, azurite: Azurite, prefix: str) -> AsyncIterator[JobQueue]:
        queue = StorageJobQueue(connection_string=azurite.connection_string, prefix=prefix)
        yield queue
        await queue.close()

    @pytest.fixture
    def received(self, raw: QueueServiceClient, prefix: str) -> Received:
        async def texts(name: str) -> list[str]:
            known = [queue.name async for queue in raw.list_queues(name_starts_with=prefix)]
            if prefix + name not in known:
                return []
            client = raw.get_queue_client(prefix + name)
            return [base64.b64decode(message.content).decode() async for message in client.receive_messages()]

        return texts

    async def test_a_delay_hides_the_message(
        self, queue: JobQueue, received: Received, raw: QueueServiceClient, prefix: str
    ) -> None:
        await queue.put(JOB, delay_seconds=600)
        assert await received(RUN_QUEUE) == []
        properties = await raw.get_queue_client(prefix + RUN_QUEUE).get_queue_properties()
        assert properties.approximate_message_count == 1

    async def test_a_delay_that_is_too_long_is_shortened(
        self, queue: JobQueue, raw: QueueServiceClient, prefix: str
    ) -> None:
        await queue.put(JOB, delay_seconds=30 * 24 * 3600)
        properties = await raw.get_queue_client(prefix + RUN_QUEUE).get_queue_properties()
        assert properties.approximate_message_count == 1


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (429, "TooManyRequests", Throttled),
        (503, "ServerBusy", Throttled),
        (500, "InternalError", Unavailable),
        (500, "OperationTimedOut", Unavailable),
        (403, "AuthorizationPermissionMismatch", OperatorFault),
        (409, "QueueBeingDeleted", Unavailable),
        (413, "RequestBodyTooLarge", StoreFault),
    ],
)
async def test_what_a_refusal_becomes(far_end: FarEnd, status: int, code: str, fault: type[Exception]) -> None:
    far_end.answer(status, code=code)
    queue = StorageJobQueue(connection_string=connection_string(far_end.url), retries=0)
    with pytest.raises(fault):
        await queue.put(JOB)
    await queue.close()


@pytest.mark.parametrize("made", [201, 204, 409])
async def test_a_queue_that_somebody_else_has_just_made_is_written_to(far_end: FarEnd, made: int) -> None:
    """204 where it looks as it was wanted: https://learn.microsoft.com/rest/api/storageservices/create-queue4#remarks"""
    far_end.answer(404, code="QueueNotFound")
    far_end.instead["PUT"] = made
    queue = StorageJobQueue(connection_string=connection_string(far_end.url), retries=0)
    with pytest.raises(Unavailable):  # this far end never has it
        await queue.put(JOB)
    await queue.close()
    assert [request.split()[0] for request in far_end.requests] == ["POST", "PUT", "POST"]


async def test_nobody_there(unused_url: str) -> None:
    queue = StorageJobQueue(connection_string=connection_string(unused_url), retries=0)
    with pytest.raises(Unavailable):
        await queue.put(JOB)
    await queue.close()


async def test_a_queue_that_refuses_is_given_up_while_graph_still_waits(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graph waits 3 s: https://learn.microsoft.com/graph/change-notifications-delivery-webhooks"""
    pauses: list[float] = []

    async def sleep(_: object, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)
    far_end.answer(503, code="ServerBusy")
    queue = StorageJobQueue(connection_string=connection_string(far_end.url))
    with pytest.raises(Throttled):
        await queue.put(JOB)
    await queue.close()
    assert len(far_end.requests) == 4
    assert len(pauses) == 3
    assert 0 < sum(pauses) < 2


async def test_without_a_way_to_sign_in() -> None:
    with pytest.raises(OperatorFault):
        await StorageJobQueue(endpoint="https://account.queue.core.windows.net").put(JOB)


@pytest.mark.azurite
async def test_queues_are_within_reach_before_anything_was_put_on_them(azurite: Azurite) -> None:
    queue = StorageJobQueue(connection_string=azurite.connection_string, prefix=f"t{uuid4().hex[:8]}-")
    await queue.reach()
    await queue.close()


async def test_queues_out_of_reach(far_end: FarEnd) -> None:
    far_end.answer(500, code="InternalError")
    queue = StorageJobQueue(connection_string=connection_string(far_end.url), retries=0)
    with pytest.raises(Unavailable):
        await queue.reach()
    await queue.close()


@pytest.mark.azurite
async def test_messages_go_back_to_their_queue(azurite: Azurite) -> None:
    queues = StorageJobQueue(connection_string=azurite.connection_string, prefix=f"t{uuid4().hex[:8]}-")
    assert await queues.set_aside(RUN_QUEUE) == ()
    assert await queues.replay(RUN_QUEUE, limit=5) == 0
    await queues.put(RunJob(integration_id="i", run_id="made"))
    poison = queues._client(f"{RUN_QUEUE}-poison")
    await poison.create_queue()
    texts = [to_texts(RunJob(integration_id="i", run_id=f"r{number}"))[0] for number in range(3)]
    for text in texts:
        await poison.send_message(text)
    assert sorted(await queues.set_aside(RUN_QUEUE)) == texts
    assert await queues.replay(RUN_QUEUE, limit=2) == 2
    assert len(await queues.set_aside(RUN_QUEUE)) == 1
    got = [queues.parse(found.content) async for found in queues._client(RUN_QUEUE).receive_messages()]
    assert len(got) == 3
    assert all(isinstance(job, RunJob) for job in got)
    await queues.close()


@pytest.mark.azurite
async def test_nothing_goes_back_to_a_queue_that_is_not_there(azurite: Azurite) -> None:
    """As with the settings of another storage account: what was found there stays, and somebody is told."""
    queues = StorageJobQueue(connection_string=azurite.connection_string, prefix=f"t{uuid4().hex[:8]}-")
    poison = queues._client(f"{RUN_QUEUE}-poison")
    await poison.create_queue()
    await poison.send_message(to_texts(JOB)[0], visibility_timeout=0)
    with pytest.raises(StoreFault, match="outlook-run-jobs is not there"):
        await queues.replay(RUN_QUEUE, limit=5)
    assert (await poison.get_queue_properties()).approximate_message_count == 1
    await queues.close()
