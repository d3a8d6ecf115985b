"""Microsoft's own client, unmodified, against the simulator."""

import hashlib
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msal
import pytest
import requests
from requests.adapters import HTTPAdapter

from local.simkit.tls import Certificates
from tests.local.entra.sources import ERRORS, MSAL, REFRESH, SUBERRORS
from tests.local.entra.stranger import CLIENT_ID, MARCO, REDIRECT, ROSE, SECRET, Stranger, answer
from tests.local.evidence import Grade, behaviour

# The callback is a GET, so the default response_mode=query is wanted.
pytestmark = pytest.mark.filterwarnings("ignore:response_mode")
SCOPES = ["Calendars.ReadWrite", "User.Read"]


def signed_in(app: msal.ConfidentialClientApplication, stranger: Stranger, upn: str) -> dict[str, object]:
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=upn)
    back = answer(stranger.send(picked, decision="accept"))
    result: dict[str, object] = app.acquire_token_by_auth_code_flow(flow, back)
    return result


@pytest.mark.parametrize("upn", [ROSE, MARCO])
@behaviour("S1", Grade.DOCUMENTED, MSAL)
def test_s01_msal_signs_in_through_the_real_pages(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger, upn: str
) -> None:
    result = signed_in(msal_app, stranger, upn)
    assert result["token_type"] == "Bearer"
    assert {"access_token", "refresh_token", "id_token", "client_info"} <= result.keys()
    assert msal_app.get_accounts()[0]["username"] == upn


@behaviour("S10", Grade.DOCUMENTED, MSAL)
def test_s10_msal_finds_the_account_by_client_info_and_the_nonce_as_sent(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    flow = msal_app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    sent = parse_qs(urlsplit(flow["auth_uri"]).query)["nonce"][0]
    assert sent == hashlib.sha256(flow["nonce"].encode()).hexdigest()
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=ROSE)
    result = msal_app.acquire_token_by_auth_code_flow(flow, answer(stranger.send(picked, decision="accept")))
    assert result["id_token_claims"]["nonce"] == sent
    account = msal_app.get_accounts()[0]
    assert account["home_account_id"] == ("2b7f1c7e-0f63-4f0c-9a53-5c3f4b8e1a01.84bd8158-6d4d-4958-8b9f-9d6445542f95")


@behaviour("S8", Grade.DOCUMENTED, MSAL)
def test_s08_msal_answers_from_its_cache_then_refreshes(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    first = signed_in(msal_app, stranger, ROSE)
    account = msal_app.get_accounts()[0]
    cached = msal_app.acquire_token_silent(SCOPES, account)
    assert cached["token_source"] == "cache"
    assert cached["access_token"] == first["access_token"]
    renewed = msal_app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert renewed["token_source"] == "identity_provider"
    assert renewed["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("order", "number"),
    [("revoke", 50173), ("expire", 700082), ("mfa", 50076), ("withdraw-consent", 65001), ("disable", 50057)],
)
@behaviour("S9", Grade.DOCUMENTED, MSAL, ERRORS)
def test_s09_msal_reports_a_dead_grant(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger, order: str, number: int
) -> None:
    signed_in(msal_app, stranger, ROSE)
    stranger.order(f"grants/{order}", {"upn": ROSE})
    result = msal_app.acquire_token_silent_with_error(SCOPES, msal_app.get_accounts()[0], force_refresh=True)
    assert result["error"] == "invalid_grant"
    assert result["error_codes"] == [number]


@behaviour("S5", Grade.DOCUMENTED, MSAL, ERRORS)
def test_s05_msal_hands_on_a_declined_consent(msal_app: msal.ConfidentialClientApplication, stranger: Stranger) -> None:
    flow = msal_app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=ROSE)
    result = msal_app.acquire_token_by_auth_code_flow(flow, answer(stranger.send(picked, decision="decline")))
    assert result["error"] == "access_denied"
    assert result["error_description"].startswith("AADSTS65004: ")


def test_msal_gets_an_application_token(
    entra_url: str, msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    app = msal.ConfidentialClientApplication(
        "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
        client_credential="stand-client-secret",
        authority=f"{entra_url}/84bd8158-6d4d-4958-8b9f-9d6445542f95",
        instance_discovery=False,
        http_client=msal_app.http_client,
    )
    result = app.acquire_token_for_client(["https://vault.azure.net/.default"])
    assert result["token_type"] == "Bearer"


@behaviour("S1", Grade.DOCUMENTED, MSAL)
def test_s01_msal_refuses_an_unknown_tenant(entra_url: str, msal_app: msal.ConfidentialClientApplication) -> None:
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.ConfidentialClientApplication(
            "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
            client_credential="stand-client-secret",
            authority=f"{entra_url}/11111111-1111-1111-1111-111111111111",
            instance_discovery=False,
            http_client=msal_app.http_client,
        )


@behaviour("S3", Grade.DOCUMENTED, MSAL)
def test_s03_msal_proves_itself_with_pkce(msal_app: msal.ConfidentialClientApplication, stranger: Stranger) -> None:
    flow = msal_app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    sent = parse_qs(urlsplit(flow["auth_uri"]).query)
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["client_info"] == ["1"]
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=ROSE)
    back = answer(stranger.send(picked, decision="accept"))
    wrong = msal_app.acquire_token_by_auth_code_flow({**flow, "code_verifier": "v" * 43}, back)
    assert (wrong["error"], wrong["error_codes"]) == ("invalid_grant", [501481])
    assert msal_app.acquire_token_by_auth_code_flow(flow, back)["token_type"] == "Bearer"


@behaviour("S2", Grade.DOCUMENTED, MSAL)
def test_s02_msal_takes_a_form_post(msal_app: msal.ConfidentialClientApplication, stranger: Stranger) -> None:
    flow = msal_app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, response_mode="form_post")
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=MARCO)
    page = stranger.send(picked, decision="accept")
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)}
    result = msal_app.acquire_token_by_auth_code_flow(flow, fields)
    assert result["id_token_claims"]["preferred_username"] == MARCO


@behaviour("S8", Grade.DOCUMENTED, MSAL, knobs=("accessTokenSeconds",))
def test_s08_msal_renews_an_expired_token_and_keeps_the_rotated_one(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    stranger.order("knobs", {"accessTokenSeconds": 60})
    first = signed_in(msal_app, stranger, ROSE)
    account = msal_app.get_accounts()[0]
    renewed = msal_app.acquire_token_silent(SCOPES, account)
    assert renewed["token_source"] == "identity_provider"
    assert renewed["access_token"] != first["access_token"]
    kept = [item["secret"] for item in msal_app.token_cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)]
    assert len(kept) == 1
    assert kept != [first["refresh_token"]]
    assert msal_app.acquire_token_silent(SCOPES, account)["access_token"] != renewed["access_token"]


@behaviour("S8", Grade.DOCUMENTED, MSAL, REFRESH)
def test_s08_msal_dies_ninety_days_after_the_last_use(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    signed_in(msal_app, stranger, ROSE)
    account = msal_app.get_accounts()[0]
    stranger.order("clock", {"advanceSeconds": 80 * 86400})
    assert msal_app.acquire_token_silent(SCOPES, account, force_refresh=True)["token_source"] == "identity_provider"
    stranger.order("clock", {"advanceSeconds": 91 * 86400})
    result = msal_app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert result["error_codes"] == [700082]


@pytest.mark.parametrize(
    ("number", "error", "classification"),
    [
        (50173, "invalid_grant", ""),
        (70000, "invalid_grant", ""),
        (70043, "invalid_grant", ""),
        (50076, "invalid_grant", "basic_action"),
        (50079, "invalid_grant", "basic_action"),
        (50158, "interaction_required", "basic_action"),
        (53003, "interaction_required", "message_only"),
        (65001, "invalid_grant", "consent_required"),
        (50055, "invalid_grant", "user_password_expired"),
        (90094, "consent_required", None),
        (7000222, "invalid_client", None),
    ],
)
@behaviour("S9", Grade.ASSUMED, MSAL, SUBERRORS)
def test_s09_msal_classifies_by_suberror(
    msal_app: msal.ConfidentialClientApplication,
    stranger: Stranger,
    number: int,
    error: str,
    classification: str | None,
) -> None:
    signed_in(msal_app, stranger, ROSE)
    stranger.order("refusals", {"number": number, "upn": ROSE})
    result = msal_app.acquire_token_silent_with_error(SCOPES, msal_app.get_accounts()[0], force_refresh=True)
    assert (result["error"], result["error_codes"]) == (error, [number])
    assert result.get("classification") == classification
    assert msal_app.acquire_token_silent(SCOPES, msal_app.get_accounts()[0], force_refresh=True) is None


@behaviour("S9", Grade.DOCUMENTED, MSAL)
def test_s09_msal_hands_on_the_claims_of_a_policy(
    msal_app: msal.ConfidentialClientApplication, stranger: Stranger
) -> None:
    signed_in(msal_app, stranger, ROSE)
    stranger.order("grants/mfa", {"upn": ROSE})
    result = msal_app.acquire_token_silent_with_error(SCOPES, msal_app.get_accounts()[0], force_refresh=True)
    flow = msal_app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, claims_challenge=result["claims"])
    picked = stranger.send(stranger.web.get(flow["auth_uri"]), upn=ROSE)
    assert msal_app.acquire_token_by_auth_code_flow(flow, answer(picked))["token_type"] == "Bearer"


@behaviour("S9", Grade.DOCUMENTED, MSAL)
def test_s09_msal_raises_for_a_server_error(msal_app: msal.ConfidentialClientApplication, stranger: Stranger) -> None:
    signed_in(msal_app, stranger, MARCO)
    stranger.order("refusals", {"number": 70012, "upn": MARCO})
    with pytest.raises((msal.exceptions.MsalServiceError, requests.HTTPError)):
        msal_app.acquire_token_silent_with_error(SCOPES, msal_app.get_accounts()[0], force_refresh=True)


class Cloud(HTTPAdapter):
    """Leads Microsoft's host names to the simulator, as a resolver would; MSAL notices nothing."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        request.url = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **kwargs)


@pytest.fixture
def cloud(entra_url: str, tls: Certificates, stranger: Stranger) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(tls.ca_file)
        session.mount("https://login.microsoftonline.com", Cloud(entra_url))
        yield session


@pytest.mark.parametrize("tenant", ["common", "consumers", "84bd8158-6d4d-4958-8b9f-9d6445542f95"])
@behaviour("S1", Grade.DOCUMENTED, MSAL)
def test_s01_msal_with_all_its_defaults_discovers_the_public_cloud(
    cloud: requests.Session, stranger: Stranger, tenant: str
) -> None:
    app = msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=SECRET,
        authority=f"https://login.microsoftonline.com/{tenant}",
        http_client=cloud,
    )
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    uri = urlsplit(flow["auth_uri"])
    assert (uri.netloc, uri.path) == ("login.microsoftonline.com", f"/{tenant}/oauth2/v2.0/authorize")
    picked = stranger.send(stranger.web.get(f"{uri.path}?{uri.query}"), upn=MARCO if tenant == "consumers" else ROSE)
    result = app.acquire_token_by_auth_code_flow(flow, answer(stranger.send(picked, decision="accept")))
    claims = result["id_token_claims"]
    assert claims["iss"] == f"https://login.microsoftonline.com/{claims['tid']}/v2.0"
    account = app.get_accounts()[0]
    assert account["environment"] == "login.microsoftonline.com"
    assert app.acquire_token_silent(SCOPES, account, force_refresh=True)["token_source"] == "identity_provider"


@behaviour("S1", Grade.DOCUMENTED, MSAL)
def test_s01_msal_asks_instance_discovery_and_takes_its_no(cloud: requests.Session, stranger: Stranger) -> None:
    with pytest.raises(ValueError, match="invalid_instance"):
        msal.ConfidentialClientApplication(
            CLIENT_ID,
            client_credential=SECRET,
            authority="https://login.evil.example/common",
            http_client=cloud,
        )
    seen = stranger.web.get("/_control/requests").json()["requests"]
    assert [(entry["path"].split("?")[0], entry["status"]) for entry in seen] == [("/common/discovery/instance", 400)]
