"""The vault as a stranger meets it: plain HTTPS."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.keyvault.app import build
from local.simkit.background import Background
from tests.local.evidence import Grade, behaviour
from tests.local.keyvault.conftest import Stand, identity_token
from tests.local.keyvault.sources import (
    ABOUT,
    AUTHENTICATION,
    CHALLENGE_SEEN,
    LIMITS,
    LIST,
    PARAMETERS,
    POLICY_SEEN,
    SDK,
    SET,
    SOFT_DELETE,
    THROTTLING,
)

Form = dict[str, Any]


@behaviour("K1", Grade.REPORTED, CHALLENGE_SEEN, AUTHENTICATION)
def test_k01_a_request_without_token_is_challenged(web: httpx.Client) -> None:
    response = web.put("/secrets/a", params={"api-version": "7.6"})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "Unauthorized"
    assert response.headers["www-authenticate"] == (
        'Bearer authorization="https://login.windows.net/84bd8158-6d4d-4958-8b9f-9d6445542f95", '
        'resource="https://vault.azure.net"'
    )


def forged(stand: Stand, **changed: Any) -> str:
    """Return a token that claims everything right, signed by a stranger's key."""
    real = jwt.decode(identity_token(stand), options={"verify_signature": False})
    header = jwt.get_unverified_header(identity_token(stand))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode({**real, **changed}, stranger, algorithm="RS256", headers={"kid": header["kid"]})


def unsigned(stand: Stand) -> str:
    real = jwt.decode(identity_token(stand), options={"verify_signature": False})
    return jwt.encode(
        real, "", algorithm="none", headers={"kid": jwt.get_unverified_header(identity_token(stand))["kid"]}
    )


@behaviour("K1", Grade.DOCUMENTED, AUTHENTICATION)
def test_k01_forged_unsigned_and_garbled_tokens_are_refused(stand: Stand, web: httpx.Client) -> None:
    for token in (forged(stand), unsigned(stand), "not-a-jwt", identity_token(stand)[:-8] + "AAAAAAAA"):
        response = web.get("/secrets", params={"api-version": "7.6"}, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, response.text
        assert "www-authenticate" in response.headers


@behaviour("K1", Grade.REPORTED, AUTHENTICATION, CHALLENGE_SEEN)
def test_k01_a_token_for_another_resource_is_refused(stand: Stand, web: httpx.Client) -> None:
    token = identity_token(stand, "https://graph.microsoft.com")
    response = web.get("/secrets", params={"api-version": "7.6"}, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert response.json()["error"]["message"].startswith("AKV10022: Invalid audience.")


@behaviour("K1", Grade.DOCUMENTED, AUTHENTICATION)
def test_k01_an_expired_token_is_refused(web: httpx.Client, bearer: Form) -> None:
    assert web.get("/secrets", **bearer).status_code == 200
    web.post("/_control/clock", json={"advanceSeconds": 25 * 3600})
    assert web.get("/secrets", **bearer).status_code == 401


@behaviour("K1", Grade.ASSUMED, AUTHENTICATION)
def test_k01_keys_may_roll_over(stand: Stand, web: httpx.Client, bearer: Form) -> None:
    assert web.get("/secrets", **bearer).json()["value"] == []
    web.post(f"{stand.entra}/_control/keys/rotate")
    fresh = {"Authorization": f"Bearer {identity_token(stand)}"}
    assert web.get("/secrets", params=bearer["params"], headers=fresh).json()["value"] == []
    assert web.get("/secrets", **bearer).json()["value"] == []


@pytest.mark.parametrize("version", [None, "1.0", "tomorrow"])
@behaviour("K2", Grade.DOCUMENTED, PARAMETERS)
def test_k02_the_api_version_is_required(web: httpx.Client, bearer: Form, version: str | None) -> None:
    params = {"api-version": version} if version else {}
    response = web.get("/secrets", params=params, headers=bearer["headers"])
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BadParameter"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"value": 1}',
        '{"value": "x", "attributes": {"enabled": "yes"}}',
        '{"value": "x", "attributes": {"nbf": 20, "exp": 10}}',
        '{"value": "x", "tags": {"a": 1}}',
    ],
)
@behaviour("K6", Grade.ASSUMED, SET)
def test_k06_bad_bodies_change_nothing(web: httpx.Client, bearer: Form, body: str) -> None:
    assert web.put("/secrets/a", content=body, **bearer).status_code == 400
    assert web.get("/_control/secrets").json() == {"secrets": []}


@behaviour("K6", Grade.DOCUMENTED, ABOUT)
def test_k06_sixteen_tags_are_one_too_many(web: httpx.Client, bearer: Form) -> None:
    tags = {f"tag{number}": "x" for number in range(16)}
    assert web.put("/secrets/a", json={"value": "x", "tags": tags}, **bearer).status_code == 400


@behaviour("K11", Grade.DOCUMENTED, ABOUT, knobs=("refuseOutsideWindow",))
def test_k11_an_expired_secret_is_readable_unless_the_knob_says_otherwise(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/old", json={"value": "x", "attributes": {"exp": 1000}}, **bearer)
    assert web.get("/secrets/old/", **bearer).json()["attributes"]["exp"] == 1000
    web.post("/_control/knobs", json={"refuseOutsideWindow": True})
    assert web.get("/secrets/old/", **bearer).status_code == 403


@behaviour("K10", Grade.DOCUMENTED, LIST)
def test_k10_page_size_is_between_1_and_25(web: httpx.Client, bearer: Form) -> None:
    for size in ("0", "26", "x"):
        params = {**bearer["params"], "maxresults": size}
        assert web.get("/secrets", params=params, headers=bearer["headers"]).status_code == 400
    params = {**bearer["params"], "$skiptoken": "made-up"}
    assert web.get("/secrets", params=params, headers=bearer["headers"]).status_code == 400


@behaviour("K12", Grade.DOCUMENTED, THROTTLING, LIMITS, knobs=("requestsPerTenSeconds",))
def test_k12_a_busy_vault_throttles_with_retry_after(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/knobs", json={"requestsPerTenSeconds": 2})
    answers = [web.get("/secrets", **bearer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["code"] == "Throttled"
    assert int(answers[2].headers["retry-after"]) >= 1
    web.post("/_control/clock", json={"advanceSeconds": 11})
    assert web.get("/secrets", **bearer).status_code == 200


def test_a_fault_may_be_ordered(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/faults", json={"action": "status", "status": 429, "retry_after": 3, "count": 1})
    hit = web.get("/secrets", **bearer)
    assert (hit.status_code, hit.headers["retry-after"]) == (429, "3")
    assert web.get("/secrets", **bearer).status_code == 200
    web.post("/_control/faults", json={"action": "drop_connection", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        web.get("/secrets", **bearer)
    statuses = [entry["status"] for entry in web.get("/_control/requests").json()["requests"]]
    assert statuses == [429, 200, 0]


@behaviour("K14", Grade.ASSUMED, SDK)
def test_k14_a_write_may_be_kept_though_its_answer_is_lost(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/faults", json={"action": "hang_after_commit", "seconds": 0.1, "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        web.put("/secrets/kept", json={"value": "x"}, **bearer)
    assert web.get("/secrets/kept", **bearer).json()["value"] == "x"


@behaviour("K13", Grade.REPORTED, POLICY_SEEN, knobs=("deniedOperations",))
def test_k13_operations_may_be_denied(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/knobs", json={"deniedOperations": ["purge"]})
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    assert web.delete("/secrets/a", **bearer).status_code == 200
    refused = web.delete("/deletedsecrets/a", **bearer)
    assert refused.status_code == 403
    assert refused.json()["error"]["innererror"] == {"code": "ForbiddenByPolicy"}
    assert web.post("/_control/knobs", json={"deniedOperations": ["fly"]}).status_code == 400
    assert web.post("/_control/knobs", json={"noSuchKnob": 1}).status_code == 400


@behaviour("K7", Grade.DOCUMENTED, SOFT_DELETE, knobs=("retentionDays",))
def test_k07_retention_ends_in_a_purge(web: httpx.Client, stand: Stand, bearer: Form) -> None:
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    web.delete("/secrets/a", **bearer)
    for base in (stand.vault, stand.entra):
        web.post(f"{base}/_control/clock", json={"advanceSeconds": 91 * 86400})
    later = {"Authorization": f"Bearer {identity_token(stand)}"}
    assert web.get("/deletedsecrets/a", params=bearer["params"], headers=later).status_code == 404
    assert web.put("/secrets/a", json={"value": "y"}, params=bearer["params"], headers=later).status_code == 200


@behaviour("K7", Grade.DOCUMENTED, SOFT_DELETE, knobs=("retentionDays",))
def test_k07_the_retention_may_be_a_week(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/knobs", json={"retentionDays": 7})
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    gone = web.delete("/secrets/a", **bearer).json()
    assert gone["scheduledPurgeDate"] - gone["deletedDate"] == 7 * 86400
    assert gone["attributes"]["recoverableDays"] == 7


def test_control_counts_versions_and_shows_values_only_when_asked(web: httpx.Client, bearer: Form) -> None:
    assert web.post("/_control/secrets", json={"azure-client-secret": "planted"}).status_code == 200
    web.post("/_control/secrets", json={"azure-client-secret": "planted"})
    web.put("/secrets/a", json={"value": "one"}, **bearer)
    web.put("/secrets/A", json={"value": "two"}, **bearer)
    web.delete("/secrets/a", **bearer)
    shown = web.get("/_control/secrets")
    assert shown.json() == {
        "secrets": [
            {"name": "a", "versions": 2, "deleted": True},
            {"name": "azure-client-secret", "versions": 1, "deleted": False},
        ]
    }
    assert web.get("/_control/secrets?values=1").json()["secrets"][0]["values"] == ["one", "two"]


@pytest.fixture
def restarted(stand: Stand, tmp_path: Path) -> Any:
    """Return a way to run a vault over one state file, time and again."""
    trust = ssl.create_default_context(cafile=str(stand.tls.ca_file))

    def run(work: Any) -> Any:
        vault = build(
            jwks_url=f"{stand.entra}/common/discovery/v2.0/keys",
            ca_file=stand.tls.ca_file,
            state_file=tmp_path / "vault.json",
        )
        with (
            Background(vault.app, certificate=stand.tls.server_file) as url,
            httpx.Client(base_url=url, verify=trust, trust_env=False) as client,
        ):
            return work(client)

    return run


def test_secrets_outlive_a_restart(restarted: Any, bearer: Form, tmp_path: Path) -> None:
    def first(client: httpx.Client) -> None:
        client.put("/secrets/a", json={"value": "one", "tags": {"k": "v"}}, **bearer)
        client.put("/secrets/a", json={"value": "two"}, **bearer)
        client.put("/secrets/b", json={"value": "x"}, **bearer)
        client.delete("/secrets/b", **bearer)

    def second(client: httpx.Client) -> Any:
        return client.get("/_control/secrets?values=1").json()["secrets"]

    restarted(first)
    assert restarted(second) == [
        {"name": "a", "versions": 2, "deleted": False, "values": ["one", "two"]},
        {"name": "b", "versions": 1, "deleted": True, "values": ["x"]},
    ]
    assert (tmp_path / "vault.json").stat().st_mode & 0o077 == 0


@behaviour("K3", Grade.DOCUMENTED, SET)
def test_k03_dates_are_whole_seconds(web: httpx.Client, bearer: Form) -> None:
    attributes = web.put("/secrets/a", json={"value": "x"}, **bearer).json()["attributes"]
    assert isinstance(attributes["created"], int)
