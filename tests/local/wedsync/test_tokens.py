"""User tokens, judged with PyJWT by the published keys, and forgeries that must fail."""

import hmac
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.local.wedsync.conftest import Stand


async def verify(stand: Stand, token: str, algorithms: tuple[str, ...] = ("ES256", "RS256")) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict((await stand.control.get("/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    required = ["iss", "aud", "sub", "exp", "iat", "jti"]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=list(algorithms),
        audience="wedsync-outlook-sync",
        issuer=stand.url,
        options={"require": required},
    )
    return claims


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_a_good_token_names_its_user_for_fifteen_minutes(stand: Stand, algorithm: str) -> None:
    token = await stand.token(userId="planner-marco", algorithm=algorithm)
    claims = await verify(stand, token, (algorithm,))
    assert claims["sub"] == "planner-marco"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["jti"] != (await verify(stand, await stand.token()))["jti"]


async def test_the_key_set_holds_public_members_only(stand: Stand) -> None:
    keys = (await stand.control.get("/.well-known/jwks.json")).json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("EC", "ES256", "sig"), ("RSA", "RS256", "sig")]
    assert not any(set(key) & {"d", "p", "q", "dp", "dq", "qi"} for key in keys)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"kind": "expired"}, jwt.ExpiredSignatureError),
        ({"expiresInSeconds": -1}, jwt.ExpiredSignatureError),
        ({"kind": "wrong-key"}, jwt.InvalidSignatureError),
        ({"audience": "someone-else"}, jwt.InvalidAudienceError),
        ({"issuer": "https://elsewhere.example"}, jwt.InvalidIssuerError),
        ({"kind": "hs256-with-public-key"}, jwt.InvalidAlgorithmError),
    ],
)
async def test_a_verifier_refuses_the_others(stand: Stand, wanted: dict[str, Any], error: type[Exception]) -> None:
    token = await stand.token(**wanted)
    with pytest.raises(error):
        await verify(stand, token)


async def test_none_is_unsigned(stand: Stand) -> None:
    token = await stand.token(kind="none")
    assert token.endswith(".")
    assert jwt.get_unverified_header(token)["alg"] == "none"
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, "", algorithms=["ES256", "RS256", "HS256"], audience="wedsync-outlook-sync")


async def test_hs256_is_what_a_careless_verifier_would_take(stand: Stand) -> None:
    token = await stand.token(kind="hs256-with-public-key")
    keys = jwt.PyJWKSet.from_dict((await stand.control.get("/.well-known/jwks.json")).json())
    public = keys[jwt.get_unverified_header(token)["kid"]].key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed, _, signature = token.rpartition(".")
    made = hmac.new(pem, signed.encode(), "sha256").digest()
    assert jwt.utils.base64url_decode(signature) == made


async def test_the_clock_moves_tokens(stand: Stand) -> None:
    await stand.control.post("/_control/clock", json={"advanceSeconds": -3600})
    with pytest.raises(jwt.ExpiredSignatureError):
        await verify(stand, await stand.token())


@pytest.mark.parametrize("body", [{}, {"userId": ""}, {"userId": "u", "kind": "magic"}, {"userId": "u", "extra": 1}])
async def test_a_malformed_order_is_refused(stand: Stand, body: dict[str, Any]) -> None:
    assert (await stand.control.post("/_control/tokens", json=body)).status_code == 422
