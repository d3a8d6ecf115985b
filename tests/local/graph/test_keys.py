"""Where the signing keys come from: fetched as soon as a token names one that was never looked for."""

from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.graph.auth import RemoteKeys

PUBLIC = jwt.algorithms.RSAAlgorithm.to_jwk(
    rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(), as_dict=True
)
URL = "https://login.example/keys"


class FakeEntra:
    """Publishes keys and counts how often they are read."""

    def __init__(self) -> None:
        self.published = ["old"]
        self.reads = 0
        self.down = False

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.reads += 1
        if self.down:
            return httpx.Response(503)
        return httpx.Response(200, json={"keys": [{**PUBLIC, "kid": kid, "use": "sig"} for kid in self.published]})


@pytest.fixture
def entra() -> FakeEntra:
    return FakeEntra()


@pytest.fixture
async def keys(entra: FakeEntra) -> AsyncIterator[RemoteKeys]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(entra)) as client:
        yield RemoteKeys(URL, client)


async def test_a_key_is_there_as_soon_as_it_signs(entra: FakeEntra, keys: RemoteKeys) -> None:
    assert await keys.key("old")
    for number in range(5):
        entra.published.append(f"new-{number}")
        assert await keys.key(f"new-{number}")
    assert entra.reads == 6
    assert await keys.key("old")
    assert entra.reads == 6


async def test_a_key_that_nobody_publishes_is_not_looked_for_again_and_again(
    entra: FakeEntra, keys: RemoteKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    for _ in range(20):
        assert await keys.key("forged") is None
    assert entra.reads == 1
    assert await keys.key("another") is None
    assert entra.reads == 2
    entra.published.append("forged")
    assert await keys.key("forged") is None
    now += 1.5
    assert await keys.key("forged")
    assert entra.reads == 3


async def test_a_failed_read_is_tried_again_by_the_next_token(entra: FakeEntra, keys: RemoteKeys) -> None:
    entra.down = True
    assert await keys.key("old") is None
    entra.down = False
    assert await keys.key("old")


async def test_names_that_were_looked_for_are_not_remembered_without_end(entra: FakeEntra, keys: RemoteKeys) -> None:
    for number in range(300):
        await keys.key(f"forged-{number}")
    assert entra.reads == 300
    assert len(keys.sought) <= 100
