"""When WedSync's client asks again, and when it must not."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from shared.errors import OutcomeUnknown, Rejected, Throttled, Unavailable
from shared.store.memory import MemorySecrets
from shared.wedsync import protocol
from shared.wedsync.client import WedSyncClient
from tests.wedsync.conftest import URL, Pauses

Step = httpx.Response | Exception
READ = protocol.read_event("u/1", "e 1")
CREATE = protocol.create_event("u", '{"title":"é"}', "key-1")
PATCH = protocol.change_event("u", "e", version=7, body="{}")
DELETE = protocol.delete_event("u", "e", version=7)


@dataclass
class Far:
    """A far end that follows a script and keeps what it was sent."""

    steps: list[Step]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps[min(len(self.requests), len(self.steps)) - 1]
        if isinstance(step, Exception):
            raise step
        return step


Dial = Callable[..., tuple[WedSyncClient, Far]]


@pytest.fixture
def dial(pauses: Pauses, vault: MemorySecrets) -> Dial:
    def made(*steps: Step) -> tuple[WedSyncClient, Far]:
        far = Far(list(steps))
        client = WedSyncClient(base_url=f"{URL}/", secrets=vault, sleep=pauses, transport=httpx.MockTransport(far))
        return client, far

    return made


async def test_requests_are_put_together_safely(dial: Dial) -> None:
    client, far = dial(httpx.Response(200, json={}))
    await client.send(READ)
    await client.send(CREATE)
    await client.send(PATCH)
    read, create, patch = far.requests
    assert str(read.url) == f"{URL}/v1/users/u%2F1/events/e%201"
    assert read.headers["authorization"] == "Bearer the-service-token"
    assert create.headers["idempotency-key"] == "key-1"
    assert create.content == '{"title":"é"}'.encode()
    assert (patch.headers["if-match"], patch.headers["content-type"]) == ("7", "application/json")


async def test_reads_are_repeated_and_given_up(dial: Dial, pauses: Pauses) -> None:
    client, far = dial(httpx.ReadTimeout("t"), httpx.Response(500), httpx.Response(200, json={}))
    await client.send(READ)
    assert len(far.requests) == 3
    assert len(pauses.taken) == 2
    client, far = dial(httpx.ConnectError("c"))
    with pytest.raises(Unavailable):
        await client.send(READ)
    assert len(far.requests) == 4


async def test_throttling_is_waited_for_or_handed_back(dial: Dial, pauses: Pauses) -> None:
    client, _ = dial(httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(204))
    await client.send(DELETE)
    assert pauses.taken == [2.0]
    for headers, seconds in (({"Retry-After": "9"}, 9.0), ({"Retry-After": "Sat, 21 Nov"}, 5.0), ({}, 5.0)):
        client, far = dial(httpx.Response(429, headers=headers))
        with pytest.raises(Throttled) as caught:
            await client.send(READ)
        assert caught.value.retry_after == seconds
        assert len(far.requests) == 1
    client, far = dial(httpx.Response(503, headers={"Retry-After": "1"}))
    with pytest.raises(Throttled):
        await client.send(READ)
    assert len(far.requests) == 3


@pytest.mark.parametrize("request_", [PATCH, DELETE])
async def test_a_lost_answer_to_a_write_may_have_happened(dial: Dial, request_: protocol.WedSyncRequest) -> None:
    client, far = dial(httpx.ReadError("r"))
    with pytest.raises(OutcomeUnknown):
        await client.send(request_)
    client, far = dial(httpx.ConnectError("r"))
    with pytest.raises(Unavailable):
        await client.send(request_)
    assert len(far.requests) == 1


@pytest.mark.parametrize("then", [httpx.ConnectError("c"), httpx.Response(503)])
async def test_a_create_is_repeated_once_under_its_key(dial: Dial, then: Step) -> None:
    client, far = dial(httpx.ReadError("r"), httpx.Response(201, json={}))
    await client.send(CREATE)
    assert {request.headers["idempotency-key"] for request in far.requests} == {"key-1"}
    client, far = dial(httpx.ReadError("r"), then)
    with pytest.raises(OutcomeUnknown):
        await client.send(CREATE)
    assert len(far.requests) == 2


async def test_redirects_and_pages_of_something_in_between(dial: Dial) -> None:
    client, far = dial(httpx.Response(302, headers={"Location": "https://evil.example"}))
    with pytest.raises(Rejected):
        await client.send(READ)
    assert len(far.requests) == 1
    client, _ = dial(httpx.Response(200, html="<h1>proxy</h1>"))
    assert (await client.send(READ)).body is None


async def test_public_documents_are_fetched_without_the_token(dial: Dial) -> None:
    client, far = dial(httpx.Response(200, json={"keys": []}))
    assert await client.fetch(f"{URL}/.well-known/jwks.json") == {"keys": []}
    assert "authorization" not in far.requests[0].headers
    for step in (httpx.Response(404), httpx.Response(200, text="x"), httpx.ReadTimeout("t")):
        client, _ = dial(step)
        with pytest.raises(Unavailable):
            await client.fetch(f"{URL}/.well-known/jwks.json")
        await client.close()
