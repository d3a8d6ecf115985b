"""Users' access tokens, good and forged."""

import json
from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from shared.errors import NotSignedIn, Unavailable
from shared.store.memory import MemorySecrets
from shared.wedsync.client import WedSyncClient
from shared.wedsync.tokens import JwtUserTokens
from tests.support.values import StandingClock
from tests.wedsync.conftest import URL, USER, Pauses, Planner

AUDIENCE = "wedsync-outlook-sync"
KEYS = f"{URL}/.well-known/jwks.json"


class Publisher:
    """WedSync's key server, whose keys the test changes."""

    def __init__(self) -> None:
        self.fetches = 0
        self.down = False
        self.extra: list[Any] = []
        self.private: dict[str, Any] = {}

    def add(self, key_id: str, *, algorithm: str = "ES256") -> None:
        self.private[key_id] = (
            ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
        )

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.fetches += 1
        if self.down:
            raise httpx.ConnectError("down")
        keys = []
        for key_id, private in self.private.items():
            curved = isinstance(private, ec.EllipticCurvePrivateKey)
            jwk = (ECAlgorithm if curved else RSAAlgorithm).to_jwk(private.public_key())
            keys.append(json.loads(jwk) | {"kid": key_id, "use": "sig", "alg": "ES256" if curved else "RS256"})
        return httpx.Response(200, json={"keys": [*keys, *self.extra]})


@pytest.fixture
def publisher() -> Publisher:
    made = Publisher()
    made.add("k1")
    return made


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def tokens(publisher: Publisher, clock: StandingClock, pauses: Pauses) -> JwtUserTokens:
    client = WedSyncClient(
        base_url=URL, secrets=MemorySecrets(), sleep=pauses, transport=httpx.MockTransport(publisher)
    )
    return JwtUserTokens(client, jwks_url=KEYS, issuer=URL, audience=AUDIENCE, clock=clock)


def mint(publisher: Publisher, clock: StandingClock, *, key_id: str = "k1", **claims: Any) -> str:
    now = int(clock.now().timestamp())
    given = {"iss": URL, "aud": AUDIENCE, "sub": USER, "exp": now + 600} | claims
    kept = {name: value for name, value in given.items() if value is not None}
    private = publisher.private[key_id]
    algorithm = "ES256" if isinstance(private, ec.EllipticCurvePrivateKey) else "RS256"
    return jwt.encode(kept, private, algorithm=algorithm, headers={"kid": key_id})


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_simulated_wedsyncs_own_tokens(client: WedSyncClient, planner: Planner, algorithm: str) -> None:
    shown = await planner.control("POST", "/clock", {"reset": True})
    clock = StandingClock(datetime.fromisoformat(shown["now"]))
    tokens = JwtUserTokens(client, jwks_url=KEYS, issuer=URL, audience=AUDIENCE, clock=clock)
    assert await tokens.user_of(await planner.token(algorithm=algorithm)) == USER
    for kind in ("none", "hs256-with-public-key", "wrong-key", "expired"):
        with pytest.raises(NotSignedIn):
            await tokens.user_of(await planner.token(kind=kind))
    for claims in ({"audience": "another"}, {"issuer": "https://elsewhere.example"}):
        with pytest.raises(NotSignedIn):
            await tokens.user_of(await planner.token(**claims))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_a_good_token_names_its_user(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock, algorithm: str
) -> None:
    publisher.add("k2", algorithm=algorithm)
    assert await tokens.user_of(mint(publisher, clock, key_id="k2")) == USER
    assert await tokens.user_of(mint(publisher, clock, key_id="k2", aud=["x", AUDIENCE])) == USER
    assert publisher.fetches == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"nbf": "x"},
    ],
)
async def test_each_claim_counts(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock, claims: dict[str, Any]
) -> None:
    with pytest.raises(NotSignedIn):
        await tokens.user_of(mint(publisher, clock, **claims))


async def test_clocks_may_differ_by_half_a_minute(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock
) -> None:
    now = int(clock.now().timestamp())
    assert await tokens.user_of(mint(publisher, clock, exp=now - 29, nbf=now + 29)) == USER
    with pytest.raises(NotSignedIn) as caught:
        await tokens.user_of(mint(publisher, clock, exp=now - 30))
    assert caught.value.code == "token_expired"
    with pytest.raises(NotSignedIn):
        await tokens.user_of(mint(publisher, clock, nbf=now + 31))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "x" * 10_000, "e30.e30.e30"])
async def test_what_is_no_token_asks_nobody(tokens: JwtUserTokens, publisher: Publisher, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await tokens.user_of(token)
    assert publisher.fetches == 0


async def test_forgeries(tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock) -> None:
    good = mint(publisher, clock)
    head, body, signature = good.split(".")
    publisher.add("k2", algorithm="RS256")
    claims = jwt.decode(good, options={"verify_signature": False})
    now_known = mint(publisher, clock, key_id="k2")
    assert await tokens.user_of(now_known) == USER
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"kid": "k1"}),
        f"eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{body}.",
        jwt.encode(claims, publisher.private["k1"], algorithm="ES256", headers={"kid": "k2"}),
        jwt.encode(claims, publisher.private["k1"], algorithm="ES256"),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k1"}),
    ]
    for token in forged:
        with pytest.raises(NotSignedIn):
            await tokens.user_of(token)


async def test_an_unknown_key_fetches_them_anew_but_rarely(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock
) -> None:
    await tokens.user_of(mint(publisher, clock))
    publisher.add("k2")
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            await tokens.user_of(mint(publisher, clock, key_id="k2"))
    assert publisher.fetches == 1
    clock.advance(seconds=30)
    assert await tokens.user_of(mint(publisher, clock, key_id="k2")) == USER
    assert publisher.fetches == 2


async def test_a_withdrawn_key_is_refused_within_the_hour(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock
) -> None:
    await tokens.user_of(mint(publisher, clock))
    token = mint(publisher, clock, exp=int(clock.now().timestamp()) + 90_000)
    publisher.private.clear()
    clock.advance(minutes=59)
    assert await tokens.user_of(token) == USER
    clock.advance(minutes=1)
    with pytest.raises(NotSignedIn):
        await tokens.user_of(token)


async def test_known_keys_serve_on_while_wedsync_is_down(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock
) -> None:
    publisher.down = True
    with pytest.raises(Unavailable):
        await tokens.user_of(mint(publisher, clock))
    publisher.down = False
    assert await tokens.user_of(mint(publisher, clock)) == USER
    publisher.down = True
    clock.advance(hours=2)
    assert await tokens.user_of(mint(publisher, clock)) == USER


async def test_keys_that_are_none_are_left_out(
    tokens: JwtUserTokens, publisher: Publisher, clock: StandingClock
) -> None:
    publisher.extra = [None, 5, {}, {"kty": "oct", "k": "c2VjcmV0", "kid": "k9", "alg": "HS256"}, {"kty": "EC"}]
    assert await tokens.user_of(mint(publisher, clock)) == USER
    with pytest.raises(NotSignedIn):
        await tokens.user_of(jwt.encode({"sub": USER}, "secret" * 10, algorithm="HS256", headers={"kid": "k9"}))
