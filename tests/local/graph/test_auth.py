"""Tokens and the error envelope: S13 and S59 of the fact sheet, over HTTPS."""

import re
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.simkit.people import ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, event, token
from tests.local.graph.sources import ALLODIA, ERRORS, api, concept

CLAIMS = jwt.decode(token(), options={"verify_signature": False})
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def forged(key: Any, algorithm: str, kid: str = "test") -> str:
    return jwt.encode(CLAIMS, key, algorithm=algorithm, headers={"kid": kid})


@behaviour("S13", Grade.CAPTURED, ALLODIA, ERRORS)
@pytest.mark.parametrize("bearer", ["nonsense", "EwBwA8l6BAAU-opaque", "a.b"])
async def test_s13_a_token_that_is_no_jwt_answers_401(graph: Far, bearer: str) -> None:
    answer = await graph.call("GET", "/me/events", bearer=bearer, status=401)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.json()["error"]["message"].startswith("IDX14100: JWT is not well formed")


@behaviour("S13", Grade.ASSUMED, ALLODIA, ERRORS)
async def test_s13_the_words_for_an_expired_token(graph: Far) -> None:
    answer = await graph.call("GET", "/me/events", bearer=token(exp=int(time.time()) - 10), status=401)
    assert answer.json()["error"]["message"] == "Lifetime validation failed, the token is expired."


@behaviour("S13", Grade.DOCUMENTED, ERRORS)
@pytest.mark.parametrize(
    "bearer",
    [
        pytest.param(token(exp=int(time.time()) - 10), id="expired"),
        pytest.param(token(nbf=int(time.time()) + 7200, exp=int(time.time()) + 9000), id="not yet valid"),
        pytest.param(token(aud="https://vault.azure.net"), id="for another audience"),
        pytest.param(token(aud="7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"), id="an id token"),
        pytest.param(token()[:-20] + "AAAAAAAAAAAAAAAAAAAA", id="tampered with"),
        pytest.param(forged(STRANGER, "RS256"), id="signed by a stranger"),
        pytest.param(forged(STRANGER, "RS256", kid="other"), id="of an unknown key"),
        pytest.param(forged("a secret of at least thirty-two bytes", "HS256"), id="with a shared secret"),
        pytest.param(forged(None, "none"), id="unsigned"),
        pytest.param("a.b.c", id="three parts of nothing"),
    ],
)
async def test_s13_a_bad_token_answers_401(graph: Far, bearer: str) -> None:
    answer = await graph.call("GET", "/me/events", bearer=bearer, status=401)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    batch = {"requests": [{"id": "1", "method": "GET", "url": "/me/events"}]}
    await graph.call("POST", "/$batch", batch, bearer=bearer, status=401)


@behaviour("S13", Grade.DOCUMENTED, ERRORS)
@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic cm9zZTpzZWNyZXQ="])
async def test_s13_no_token_answers_401(graph: Far, header: str | None) -> None:
    answer = await graph.http.get("/v1.0/me/events", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


@behaviour("S13", Grade.DOCUMENTED, ERRORS)
async def test_s13_a_token_that_was_good_expires(graph: Far) -> None:
    bearer = token()
    await graph.call("GET", "/me/events", bearer=bearer, status=200)
    await graph.control("POST", "/clock", {"advanceSeconds": 3601})
    answer = await graph.call("GET", "/me/events", bearer=bearer, status=401)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"


@behaviour("S13", Grade.DOCUMENTED, api("user-post-events"), api("user-list-events"), api("event-update"))
async def test_s13_a_missing_scope_answers_403(graph: Far) -> None:
    made = await graph.create()
    reading, neither = token(scopes="User.Read Calendars.Read"), token(scopes="User.Read")
    path = f"/me/events/{made['id']}"
    await graph.call("GET", path, bearer=reading, status=200)
    refused: list[tuple[str, str, Any, str]] = [
        ("POST", "/me/events", event(), reading),
        ("PATCH", path, {"subject": "x"}, reading),
        ("DELETE", path, None, reading),
        ("GET", "/me/mailboxSettings", None, reading),
        ("GET", path, None, neither),
        ("GET", "/me/events", None, neither),
        ("GET", "/me/calendarView?startDateTime=2026-01-01&endDateTime=2026-02-01", None, neither),
        ("GET", "/me", None, token(scopes="Calendars.Read")),
    ]
    for method, where, body, bearer in refused:
        answer = await graph.call(method, where, body, bearer=bearer, status=403)
        assert answer.json()["error"]["code"] == "ErrorAccessDenied"


@behaviour("S59", Grade.CAPTURED, ALLODIA, ERRORS)
@pytest.mark.parametrize(
    ("path", "bearer", "status"),
    [
        ("/me/events/nonsense", "", 400),
        ("/me/events", "nonsense", 401),
        ("/me/events", token(scopes="User.Read"), 403),
        ("/me/calendars/nonsense/events", "", 404),
    ],
)
async def test_s59_the_error_envelope(graph: Far, path: str, bearer: str, status: int) -> None:
    answer = await graph.call("GET", path, bearer=bearer, headers={"client-request-id": "c-1"}, status=status)
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "innerError"}
    assert error["code"]
    assert error["message"]
    inner = error["innerError"]
    assert set(inner) == {"date", "request-id", "client-request-id"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner["date"])
    assert GUID.fullmatch(inner["request-id"])
    assert inner["request-id"] == answer.headers["request-id"]
    assert inner["client-request-id"] == "c-1"
    assert answer.headers["client-request-id"] == "c-1"


@behaviour("S59", Grade.DOCUMENTED, ERRORS, concept("best-practices-concept"))
async def test_s59_successes_carry_the_ids_too(graph: Far) -> None:
    answer = await graph.call("GET", "/me/events", headers={"client-request-id": "c-2"}, status=200)
    assert answer.headers["client-request-id"] == "c-2"
    assert GUID.fullmatch(answer.headers["request-id"])
    assert answer.headers["Date"]
    other = await graph.call("GET", "/me/events", status=200)
    assert "client-request-id" not in other.headers
    assert other.headers["request-id"] != answer.headers["request-id"]
    assert answer.json()["@odata.context"]


@behaviour("S59", Grade.CAPTURED, ALLODIA)
async def test_s59_without_an_id_of_the_client_the_servers_stands_in(graph: Far) -> None:
    inner = (await graph.call("GET", "/me/events/nonsense", status=400)).json()["error"]["innerError"]
    assert inner["client-request-id"] == inner["request-id"]


async def test_the_caller_is_who_the_token_names(graph: Far, marco: Any) -> None:
    assert (await graph.call("GET", "/me", status=200)).json()["userPrincipalName"] == ROSE.upn
    await graph.call("GET", f"/users/{marco.graph_id}/events", status=403)
