"""S8, S11, S12: kinds of accounts, audiences, single-page apps; over plain HTTPS."""

import re
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.graph.app import create_app
from local.graph.auth import RemoteKeys
from local.simkit.background import Background
from local.simkit.tls import Certificates
from tests.local.entra.sources import AUTH_CODE, ERRORS, ID_TOKEN, ME_CAPTURE, OIDC, PERMISSIONS, REFRESH
from tests.local.entra.stranger import (
    CLIENT_ID,
    IVY,
    MARCO,
    PERSONAL,
    REDIRECT,
    ROSE,
    VERIFIER,
    WORK,
    Stranger,
    claims,
    refused,
)
from tests.local.evidence import Grade, behaviour

SPA = "https://localhost:7443/app"
ORIGIN = "https://localhost:7443"
GRAPH = "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("upn", "tid", "segments"),
    [
        (ROSE, WORK, ("common", "organizations", WORK, "havenweddings.example")),
        (IVY, WORK, ("organizations",)),
        (MARCO, PERSONAL, ("common", "consumers", PERSONAL)),
    ],
)
@behaviour("S11", Grade.DOCUMENTED, OIDC, ID_TOKEN)
def test_s11_both_kinds_sign_in_under_the_segments_that_are_theirs(
    stranger: Stranger, upn: str, tid: str, segments: tuple[str, ...]
) -> None:
    stranger.order("knobs", {"adminApproval": []})
    for segment in segments:
        consent = stranger.send(stranger.authorize(segment, prompt="login"), upn=upn)
        back = stranger.send(consent, decision="accept") if consent.status_code == 200 else consent
        code = httpx.URL(back.headers["location"]).params["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        body = stranger.token(segment, **form).json()
        assert claims(body["id_token"], stranger, CLIENT_ID)["tid"] == tid
        assert (
            stranger.token(segment, grant_type="refresh_token", refresh_token=body["refresh_token"]).status_code == 200
        )


@behaviour("S11", Grade.CAPTURED, ME_CAPTURE)
def test_s11_a_personal_object_id_ends_in_sixteen_hex_digits(stranger: Stranger) -> None:
    """What ``/me`` of a personal account answers as ``id`` are these sixteen digits without the dash."""
    oid = claims(stranger.tokens(MARCO)["id_token"], stranger, CLIENT_ID)["oid"]
    assert re.fullmatch(r"00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}", oid)


@pytest.fixture
def graph_url(entra_url: str, tls: Certificates, trust: ssl.SSLContext) -> Iterator[str]:
    client = httpx.AsyncClient(verify=trust, trust_env=False)
    graph = create_app(RemoteKeys(f"{entra_url}/common/discovery/v2.0/keys", client), client=client)
    with Background(graph, certificate=tls.server_file) as url:
        yield url


@behaviour("S11", Grade.CAPTURED, ME_CAPTURE)
def test_s11_graph_knows_a_personal_account_by_sixteen_hex_digits(stranger: Stranger, graph_url: str) -> None:
    tokens = stranger.tokens(MARCO)
    me = stranger.web.get(f"{graph_url}/v1.0/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    assert re.fullmatch(r"[0-9a-f]{16}", me["id"])
    oid = claims(tokens["id_token"], stranger, CLIENT_ID)["oid"]
    assert oid.replace("-", "").endswith(me["id"])
    assert me["userPrincipalName"] == MARCO


@behaviour("S11", Grade.DOCUMENTED, REFRESH)
def test_s11_a_grant_is_bound_to_no_tenant_segment(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    for segment in ("common", "organizations", WORK):
        assert stranger.token(segment, grant_type="refresh_token", refresh_token=token).status_code == 200
    refused(stranger.token("consumers", grant_type="refresh_token", refresh_token=token), "invalid_request", 500208)


@behaviour("S11", Grade.DOCUMENTED, ERRORS)
def test_s11_an_application_of_one_tenant_is_refused_on_common(stranger: Stranger) -> None:
    stranger.order("client", {"signInAudience": "AzureADMyOrg"})
    for segment in ("common", "organizations"):
        page = stranger.authorize(segment)
        assert page.status_code == 400
        assert "AADSTS50194: " in page.text
    refused(stranger.token(grant_type="refresh_token", refresh_token="x"), "invalid_request", 50194)
    assert stranger.authorize(WORK).status_code == 200


@behaviour("S11", Grade.DOCUMENTED, ERRORS, OIDC)
def test_s11_an_application_for_work_accounts_turns_personal_ones_away(stranger: Stranger) -> None:
    token = stranger.tokens(MARCO)["refresh_token"]
    stranger.order("client", {"signInAudience": "AzureADMultipleOrgs"})
    assert "AADSTS9002332: " in stranger.authorize("consumers").text
    assert "AADSTS500208: " in stranger.send(stranger.authorize(prompt="login"), upn=MARCO).text
    refused(stranger.refresh(token), "invalid_request", 500208)
    assert stranger.code(ROSE, prompt="login")


@pytest.mark.parametrize(
    "scope", ["OnlineMeetings.Read", "OnlineMeetings.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"]
)
@behaviour("S12", Grade.DOCUMENTED, PERMISSIONS)
def test_s12_the_access_token_of_a_personal_account_lacks_work_scopes(stranger: Stranger, scope: str) -> None:
    asked = f"{scope} Calendars.ReadWrite User.Read MailboxSettings.ReadWrite"
    token = stranger.tokens(MARCO, scope=asked)["access_token"]
    held = claims(token, stranger, GRAPH)["scp"].split()
    assert held == ["Calendars.ReadWrite", "User.Read", "MailboxSettings.ReadWrite"]
    token = stranger.tokens(ROSE, scope=asked, prompt="select_account")["access_token"]
    assert scope in claims(token, stranger, GRAPH)["scp"].split()


def spa_code(stranger: Stranger) -> str:
    stranger.order("client", {"spaRedirectUris": [SPA]})
    consent = stranger.send(stranger.authorize(redirect_uri=SPA, response_mode="fragment", prompt="login"), upn=ROSE)
    back = stranger.send(consent, decision="accept") if consent.status_code == 200 else consent
    location = back.headers["location"]
    assert location.startswith(f"{SPA}#code="), location
    return str(httpx.URL(location.replace("#", "?")).params["code"])


def spa_token(stranger: Stranger, origin: str | None = ORIGIN, **fields: str) -> httpx.Response:
    headers = {"Origin": origin} if origin else {}
    return stranger.web.post("/common/oauth2/v2.0/token", data={"client_id": CLIENT_ID, **fields}, headers=headers)


def redeemed(code: str) -> dict[str, Any]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": SPA, "code_verifier": VERIFIER}


@behaviour("S8", Grade.DOCUMENTED, AUTH_CODE)
def test_s08_a_single_page_app_needs_an_origin_and_no_secret(stranger: Stranger) -> None:
    code = spa_code(stranger)
    refused(spa_token(stranger, origin=None, **redeemed(code)), "invalid_request", 9002327)
    assert spa_token(stranger, client_secret="stand-client-secret", **redeemed(code)).status_code in (400, 401)
    assert spa_token(stranger, **redeemed(code)).json()["refresh_token"]


@behaviour("S8", Grade.DOCUMENTED, REFRESH, ERRORS, knobs=("spaRefreshTokenHours",))
def test_s08_the_tokens_of_a_single_page_app_end_after_a_day_however_often_renewed(stranger: Stranger) -> None:
    first = spa_token(stranger, **redeemed(spa_code(stranger))).json()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": 23 * 3600})
    second = spa_token(stranger, grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": 2 * 3600})
    late = refused(spa_token(stranger, grant_type="refresh_token", refresh_token=second), "invalid_grant", 700084)
    assert "1.00:00:00" in late["error_description"]
    stranger.order("knobs", {"spaRefreshTokenHours": 48})
    assert spa_token(stranger, grant_type="refresh_token", refresh_token=second).status_code == 200


@behaviour("S8", Grade.DOCUMENTED, REFRESH)
def test_s08_the_tokens_of_a_web_app_outlive_a_day(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": 89 * 86400})
    assert stranger.refresh(token).status_code == 200
