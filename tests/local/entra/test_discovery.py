"""S1, S10: metadata, keys, instance discovery and user info, over plain HTTPS."""

from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from tests.local.entra.sources import ERRORS, MSAL, OIDC, ROLLOVER, USER_INFO
from tests.local.entra.stranger import MARCO, PERSONAL, ROSE, WORK, Stranger, claims
from tests.local.evidence import Grade, behaviour

DOMAIN = "havenweddings.example"


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", WORK, PERSONAL, DOMAIN])
@behaviour("S1", Grade.DOCUMENTED, OIDC, MSAL)
def test_s01_metadata_names_https_endpoints_of_the_tenant(stranger: Stranger, entra_url: str, tenant: str) -> None:
    body = stranger.web.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert entra_url.startswith("https://")
    assert body["authorization_endpoint"] == f"{entra_url}/{tenant}/oauth2/v2.0/authorize"
    assert body["token_endpoint"] == f"{entra_url}/{tenant}/oauth2/v2.0/token"
    assert body["end_session_endpoint"] == f"{entra_url}/{tenant}/oauth2/v2.0/logout"
    assert stranger.web.get(body["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"
    assert {"client_secret_post", "private_key_jwt"} <= set(body["token_endpoint_auth_methods_supported"])
    assert set(body["response_modes_supported"]) == {"query", "fragment", "form_post"}
    assert "code" in body["response_types_supported"]
    assert {"openid", "profile", "email", "offline_access"} <= set(body["scopes_supported"])
    assert body["subject_types_supported"] == ["pairwise"]
    assert body["id_token_signing_alg_values_supported"] == ["RS256"]
    assert urlsplit(body["userinfo_endpoint"]).path == "/oidc/userinfo"


@pytest.mark.parametrize(
    ("tenant", "issuer"),
    [
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", PERSONAL),
        (PERSONAL, PERSONAL),
        (WORK, WORK),
        (DOMAIN, WORK),
    ],
)
@behaviour("S1", Grade.ASSUMED, OIDC)
def test_s01_the_issuer_of_a_shared_segment_is_a_template(
    stranger: Stranger, entra_url: str, tenant: str, issuer: str
) -> None:
    body = stranger.web.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert body["issuer"] == f"{entra_url}/{issuer}/v2.0"


@behaviour("S1", Grade.DOCUMENTED, ERRORS)
def test_s01_an_unknown_tenant_is_refused(stranger: Stranger) -> None:
    for path in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"):
        response = stranger.web.get(f"/nowhere.example/{path}")
        assert response.status_code == 400
        assert response.json()["error_codes"] == [90002]


@behaviour("S1", Grade.DOCUMENTED, MSAL)
def test_s01_instance_discovery_knows_this_host(stranger: Stranger, entra_url: str) -> None:
    asked = {"api-version": "1.1", "authorization_endpoint": f"{entra_url}/common/oauth2/v2.0/authorize"}
    body = stranger.web.get("/common/discovery/instance", params=asked).json()
    assert body["tenant_discovery_endpoint"].startswith(f"{entra_url}/common/")
    assert body["metadata"][0]["aliases"] == [urlsplit(entra_url).netloc]


@pytest.mark.parametrize(
    ("asked", "error", "number"),
    [
        (
            {"api-version": "1.1", "authorization_endpoint": "https://evil.example/common/oauth2/v2.0/authorize"},
            "invalid_instance",
            50049,
        ),
        ({"api-version": "1.1"}, "invalid_request", 50050),
        ({"authorization_endpoint": "https://login.windows.net/common"}, "invalid_request", 50050),
    ],
)
@behaviour("S1", Grade.DOCUMENTED, ERRORS, MSAL)
def test_s01_instance_discovery_refuses_other_hosts_and_half_questions(
    stranger: Stranger, asked: dict[str, str], error: str, number: int
) -> None:
    response = stranger.web.get("/common/discovery/instance", params=asked)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.json()["error_codes"] == [number]


def kids(stranger: Stranger, tenant: str = "common") -> set[str]:
    return {key["kid"] for key in stranger.web.get(f"/{tenant}/discovery/v2.0/keys").json()["keys"]}


@behaviour("S1", Grade.DOCUMENTED, ROLLOVER)
def test_s01_a_rollover_keeps_the_old_key_published(stranger: Stranger) -> None:
    old = stranger.tokens()["id_token"]
    kid = stranger.order("keys/rotate")["kid"]
    new = stranger.tokens()["id_token"]
    assert jwt.get_unverified_header(new)["kid"] == kid
    assert {jwt.get_unverified_header(old)["kid"], kid} <= kids(stranger)
    assert kids(stranger) == kids(stranger, WORK) == kids(stranger, "consumers")


@behaviour("S1", Grade.DOCUMENTED, ROLLOVER)
def test_s01_a_client_that_caches_keys_survives_even_an_emergency_rollover(stranger: Stranger) -> None:
    """As the documentation asks of clients: an unknown ``kid`` means that the keys are to be read anew."""
    held: dict[str, Any] = {}
    fetched = 0

    def check(token: str) -> str:
        nonlocal fetched
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in held:
            fetched += 1
            held.clear()
            published = stranger.web.get("/common/discovery/v2.0/keys").json()
            held.update({str(key.key_id): key for key in jwt.PyJWKSet.from_dict(published).keys})
        decoded = jwt.decode(token, held[kid], algorithms=["RS256"], options={"verify_aud": False})
        return str(decoded["preferred_username"])

    old = stranger.tokens()["id_token"]
    assert (check(old), check(old), fetched) == (ROSE, ROSE, 1)
    stranger.order("keys/rotate", {"withdraw": True})
    assert (check(stranger.tokens()["id_token"]), fetched) == (ROSE, 2)
    assert jwt.get_unverified_header(old)["kid"] not in kids(stranger)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("upn", "family", "given"), [(ROSE, "Haven", "Rose"), (MARCO, "Sposi", "Marco")])
@behaviour("S10", Grade.DOCUMENTED, USER_INFO)
def test_s10_user_info_repeats_the_id_token(stranger: Stranger, method: str, upn: str, family: str, given: str) -> None:
    body = stranger.tokens(upn, scope="openid profile email User.Read")
    endpoint = stranger.web.get("/common/v2.0/.well-known/openid-configuration").json()["userinfo_endpoint"]
    shown = stranger.web.request(method, endpoint, headers={"Authorization": f"Bearer {body['access_token']}"}).json()
    identity = claims(body["id_token"], stranger, "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10")
    assert shown == {
        "sub": identity["sub"],
        "name": f"{given} {family}",
        "family_name": family,
        "given_name": given,
        "picture": "https://graph.microsoft.com/v1.0/me/photo/$value",
        "email": upn,
    }


@behaviour("S10", Grade.DOCUMENTED, USER_INFO)
def test_s10_user_info_needs_openid_and_shows_what_was_consented(stranger: Stranger) -> None:
    token = stranger.tokens(scope="openid User.Read")["access_token"]
    shown = stranger.web.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"}).json()
    assert {"name", "family_name", "given_name", "email"}.isdisjoint(shown)
    assert shown["sub"]
    token = stranger.tokens(scope="User.Read")["access_token"]
    assert stranger.web.get("/oidc/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 403


@behaviour("S10", Grade.ASSUMED, USER_INFO)
def test_s10_user_info_refuses_missing_foreign_and_expired_tokens(stranger: Stranger) -> None:
    tokens = stranger.tokens()
    vault = stranger.token(WORK, grant_type="client_credentials", scope="https://vault.azure.net/.default").json()
    for header in ("", "Bearer", f"Bearer {tokens['id_token']}", f"Bearer {vault['access_token']}", "Bearer x.y.z"):
        response = stranger.web.get("/oidc/userinfo", headers={"Authorization": header})
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "InvalidAuthenticationToken"
    stranger.order("clock", {"advanceSeconds": 3700})
    late = stranger.web.get("/oidc/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert late.status_code == 401
