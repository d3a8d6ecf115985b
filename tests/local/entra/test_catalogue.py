"""S9: every number of the catalogue, by the switches of an administrator, over plain HTTPS."""

import json
import re

import pytest

from tests.local.entra.sources import DEVICE_CODE, ERRORS, REFRESH, SUBERRORS
from tests.local.entra.stranger import CLIENT_ID, MARCO, ROSE, WORK, Stranger, answer, read_page, refused
from tests.local.evidence import Grade, behaviour

REFUSALS: dict[int, tuple[str, str | None, int]] = {
    50011: ("invalid_request", None, 400),
    50020: ("invalid_grant", None, 400),
    50055: ("invalid_grant", "user_password_expired", 400),
    50057: ("invalid_grant", None, 400),
    50074: ("interaction_required", "basic_action", 400),
    50076: ("invalid_grant", "basic_action", 400),
    50078: ("invalid_grant", "basic_action", 400),
    50079: ("invalid_grant", "basic_action", 400),
    50105: ("invalid_grant", None, 400),
    50132: ("invalid_grant", "bad_token", 400),
    50133: ("invalid_grant", "bad_token", 400),
    50147: ("invalid_grant", None, 400),
    50158: ("interaction_required", "basic_action", 400),
    50173: ("invalid_grant", "bad_token", 400),
    50194: ("invalid_request", None, 400),
    50196: ("invalid_grant", None, 400),
    500208: ("invalid_request", None, 400),
    501481: ("invalid_grant", None, 400),
    53000: ("interaction_required", "message_only", 400),
    53003: ("interaction_required", "message_only", 400),
    54005: ("invalid_grant", None, 400),
    65001: ("invalid_grant", "consent_required", 400),
    65004: ("access_denied", None, 400),
    650052: ("invalid_client", None, 400),
    650056: ("invalid_client", None, 400),
    70000: ("invalid_grant", "bad_token", 400),
    70001: ("unauthorized_client", None, 400),
    70002: ("invalid_client", None, 401),
    70008: ("invalid_grant", None, 400),
    70011: ("invalid_scope", None, 400),
    70012: ("server_error", None, 500),
    70043: ("invalid_grant", "token_expired", 400),
    700016: ("unauthorized_client", None, 400),
    700082: ("invalid_grant", None, 400),
    700084: ("invalid_grant", None, 400),
    7000215: ("invalid_client", None, 401),
    7000222: ("invalid_client", None, 401),
    90094: ("consent_required", None, 400),
}
"""What each number comes as: ``error``, ``suberror``, status. The pairing is nowhere documented as a whole."""

TEXTS = {
    50074: "Strong Authentication is required",
    50078: "must refresh your multi-factor authentication",
    50055: "The password is expired",
    50057: "The user account is disabled",
    50132: "password expiration or recent password change",
    50133: "The session is not valid due to password expiration or recent password change",
    50173: "The provided grant has expired due to it being revoked, a fresh auth token is needed",
    50194: "is not configured as a multi-tenant application",
    53003: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    54005: "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing",
    65001: "The user or administrator has not consented to use the application with ID",
    65004: "User declined to consent to access the app",
    700082: "The refresh token has expired due to inactivity. The token was issued on",
    700084: "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of",
    70043: "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access",
    700016: "was not found in the directory",
    7000222: "The provided client secret keys",
}
CURED = (50055, 50074, 50076, 50078, 50079, 50132, 50133, 50158, 70043)
BLOCKED = (50105, 53000, 53003, 650052, 650056)


@pytest.mark.parametrize("number", REFUSALS)
@behaviour("S9", Grade.ASSUMED, ERRORS, SUBERRORS)
def test_s09_each_number_comes_with_its_error_suberror_and_status(stranger: Stranger, number: int) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("refusals", {"number": number, "upn": ROSE})
    error, suberror, status = REFUSALS[number]
    body = refused(stranger.refresh(token), error, number, status)
    assert body.get("suberror") == suberror
    stranger.order("refusals", {"number": 0, "upn": ROSE})
    assert stranger.refresh(token).status_code == 200


@pytest.mark.parametrize("number", TEXTS)
@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_each_number_says_what_is_documented(stranger: Stranger, number: int) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("refusals", {"number": number})
    body = refused(stranger.refresh(token), REFUSALS[number][0], number, None)
    assert TEXTS[number] in body["error_description"]


@behaviour("S9", Grade.DOCUMENTED, ERRORS, knobs=("descriptionBreaks",))
def test_s09_the_description_ends_in_three_ids(stranger: Stranger) -> None:
    guid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    asked = stranger.token(grant_type="refresh_token", refresh_token="made-up").json()
    lines = asked["error_description"].split("\r\n")
    assert lines[0].startswith("AADSTS70000: ")
    assert re.fullmatch(rf"Trace ID: {guid}", lines[1])
    assert re.fullmatch(rf"Correlation ID: {guid}", lines[2])
    assert lines[3] == f"Timestamp: {asked['timestamp']}"
    assert (lines[1][10:], lines[2][16:]) == (asked["trace_id"], asked["correlation_id"])
    assert asked["error_uri"] == "https://login.microsoftonline.com/error?code=70000"
    stranger.order("knobs", {"descriptionBreaks": False})
    flat = stranger.token(grant_type="refresh_token", refresh_token="made-up").json()["error_description"]
    assert re.search(rf" Trace ID: {guid} Correlation ID: {guid} Timestamp: ", flat)


@pytest.mark.parametrize("number", [50074, 50076, 50078, 50079, 50158, 53003])
@behaviour("S9", Grade.ASSUMED, ERRORS)
def test_s09_policies_say_what_they_ask_for_in_claims(stranger: Stranger, number: int) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("refusals", {"number": number, "upn": ROSE})
    claims = json.loads(stranger.refresh(token).json()["claims"])
    assert claims["access_token"]["capolids"]["essential"] is True


@pytest.mark.parametrize("number", CURED)
@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_an_interactive_sign_in_cures(stranger: Stranger, number: int) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("refusals", {"number": number, "upn": ROSE})
    assert stranger.refresh(token).json()["error_codes"] == [number]
    assert answer(stranger.authorize(prompt="none"))["error"] == "interaction_required"
    stranger.tokens(prompt="login")
    assert stranger.refresh(token).status_code == 200


@pytest.mark.parametrize("number", BLOCKED)
@behaviour("S9", Grade.ASSUMED, ERRORS)
def test_s09_what_no_sign_in_cures_ends_on_a_page_of_entra(stranger: Stranger, number: int) -> None:
    stranger.order("refusals", {"number": number, "upn": ROSE})
    page = stranger.send(stranger.authorize(), upn=ROSE)
    assert page.status_code == 400
    assert f"AADSTS{number}" in page.text
    assert "location" not in page.headers
    assert read_page(stranger.send(stranger.authorize(prompt="select_account"), upn=MARCO)).heading == (
        "Permissions requested"
    )


@behaviour("S9", Grade.ASSUMED, ERRORS)
def test_s09_a_client_without_proof_gets_401(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    refused(stranger.refresh(token, client_secret="wrong"), "invalid_client", 7000215, 401)
    refused(stranger.refresh(token, client_secret=None), "invalid_client", 7000218, 401)
    stranger.order("client", {"secretExpired": True})
    refused(stranger.refresh(token), "invalid_client", 7000222, 401)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_a_disabled_person_is_50057_until_enabled(stranger: Stranger) -> None:
    token, code = stranger.tokens()["refresh_token"], stranger.code()
    stranger.order("grants/disable", {"upn": ROSE})
    refused(stranger.refresh(token), "invalid_grant", 50057)
    refused(stranger.redeem(code), "invalid_grant", 50057)
    assert "AADSTS50057: " in stranger.send(stranger.authorize(), upn=ROSE).text
    assert answer(stranger.authorize(prompt="none"))["error"] == "interaction_required"
    stranger.order("grants/disable", {"upn": ROSE, "disabled": False})
    assert stranger.refresh(token).status_code == 200


CHANGES = {
    "passwordExpires": (True, True),
    "passwordChangedByUser": (False, True),
    "selfServicePasswordReset": (False, True),
    "adminResetsPasswordInAzurePortal": (False, True),
    "adminResetsPasswordInEntraAdminCenter": (False, False),
    "userRevokes": (False, False),
    "adminRevokes": (False, False),
    "singleSignOut": (False, True),
}
"""Of refresh-tokens.md, "Token revocation": whether password-based cookie and confidential client token live."""


@pytest.mark.parametrize("change", CHANGES)
@behaviour("S9", Grade.DOCUMENTED, REFRESH)
def test_s09_what_revokes_the_tokens_of_a_confidential_client(stranger: Stranger, change: str) -> None:
    cookie, grant = CHANGES[change]
    token = stranger.tokens()["refresh_token"]
    stranger.order("grants/change", {"upn": ROSE, "change": change})
    answered = stranger.refresh(token).json()
    assert ("access_token" in answered) == grant
    assert grant or answered["error_codes"] == [50173]
    back = answer(stranger.authorize(prompt="none"))
    assert ("code" in back) == cookie
    assert cookie or back["error"] == "login_required"


@behaviour("S9", Grade.DOCUMENTED, DEVICE_CODE, ERRORS)
def test_s09_a_device_code_that_was_never_issued_is_refused(stranger: Stranger) -> None:
    device = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "made-up"}
    refused(stranger.token(client_secret=None, **device), "invalid_client", 7000218, None)
    refused(stranger.token(**device), "bad_verification_code", 70018)


@pytest.mark.parametrize("tenant", ["common", "consumers"])
@behaviour("S9", Grade.ASSUMED, ERRORS)
def test_s09_passwords_are_refused(stranger: Stranger, tenant: str) -> None:
    form: dict[str, str | None] = {"grant_type": "password", "username": ROSE, "password": "x", "scope": "User.Read"}
    refused(stranger.token(tenant, **form), "invalid_request", 9001023)
    refused(stranger.token(WORK, **form), "unsupported_grant_type", 70003)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_an_application_wide_refusal_strikes_everybody(stranger: Stranger) -> None:
    rose, marco = stranger.tokens()["refresh_token"], stranger.tokens(MARCO, prompt="select_account")["refresh_token"]
    stranger.order("refusals", {"number": 70001})
    refused(stranger.refresh(rose), "unauthorized_client", 70001)
    refused(stranger.refresh(marco), "unauthorized_client", 70001)
    page = stranger.authorize()
    assert page.status_code == 400
    assert "AADSTS70001" in page.text
    stranger.order("refusals", {"number": 0})
    assert stranger.refresh(rose, client_id=CLIENT_ID).status_code == 200


def test_a_number_that_is_not_in_the_catalogue_is_refused(stranger: Stranger) -> None:
    assert stranger.web.post("/_control/refusals", json={"number": 1}).status_code == 400
    assert stranger.web.post("/_control/grants/change", json={"upn": ROSE, "change": "x"}).status_code == 400
    assert stranger.web.post("/_control/client", json={"signInAudience": "everybody"}).status_code == 400
