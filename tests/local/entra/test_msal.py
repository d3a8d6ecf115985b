"""Microsoft's own client, unmodified, against the simulator."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import msal
import pytest

from tests.local.entra.sources import ERRORS, MSAL
from tests.local.entra.stranger import MARCO, REDIRECT, ROSE, Stranger, answer
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
