"""S3, S4, S7-S9: the token endpoint over plain HTTPS."""

import pytest

from tests.local.entra.sources import AUTH_CODE, ERRORS, KEEPER, REFRESH, RFC6749
from tests.local.entra.stranger import (
    CHALLENGE,
    CLIENT_ID,
    IVY,
    MARCO,
    REDIRECT,
    ROSE,
    SECRET,
    VERIFIER,
    WORK,
    Stranger,
    claims,
    refused,
)
from tests.local.evidence import Grade, behaviour


@behaviour("S3", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s03_wrong_verifier_is_refused(stranger: Stranger) -> None:
    code = stranger.code()
    refused(stranger.redeem(code, code_verifier=VERIFIER + "x"), "invalid_grant", 501481)
    refused(stranger.redeem(code, code_verifier=None), "invalid_grant", 501481)
    assert stranger.redeem(code).status_code == 200


@behaviour("S3", Grade.DOCUMENTED, AUTH_CODE)
def test_s03_a_plain_challenge_may_be_named(stranger: Stranger) -> None:
    code = stranger.code(code_challenge=VERIFIER, code_challenge_method="plain")
    refused(stranger.redeem(code, code_verifier=CHALLENGE), "invalid_grant", 501481)
    assert stranger.redeem(code).status_code == 200


@behaviour("S3", Grade.ASSUMED, AUTH_CODE)
def test_s03_a_verifier_without_a_challenge_is_refused(stranger: Stranger) -> None:
    code = stranger.code(code_challenge=None, code_challenge_method=None)
    refused(stranger.redeem(code), "invalid_grant", 501481)
    assert stranger.redeem(code, code_verifier=None).status_code == 200


@behaviour("S3", Grade.DOCUMENTED, AUTH_CODE)
def test_s03_without_a_method_the_challenge_is_plain(stranger: Stranger) -> None:
    code = stranger.code(code_challenge=VERIFIER, code_challenge_method=None)
    assert stranger.redeem(code).status_code == 200


@behaviour("S4", Grade.DOCUMENTED, ERRORS, AUTH_CODE)
def test_s04_a_code_works_once(stranger: Stranger) -> None:
    code = stranger.code()
    assert stranger.redeem(code).status_code == 200
    refused(stranger.redeem(code), "invalid_grant", 54005)


@behaviour("S4", Grade.DOCUMENTED, AUTH_CODE, knobs=("codeSeconds",))
def test_s04_a_code_lives_ten_minutes(stranger: Stranger) -> None:
    early, late = stranger.code(), stranger.code()
    stranger.order("clock", {"advanceSeconds": 590})
    assert stranger.redeem(early).status_code == 200
    stranger.order("clock", {"advanceSeconds": 20})
    refused(stranger.redeem(late), "invalid_grant", 70008)
    stranger.order("knobs", {"codeSeconds": 60})
    shorter = stranger.code()
    stranger.order("clock", {"advanceSeconds": 70})
    refused(stranger.redeem(shorter), "invalid_grant", 70008)


@behaviour("S4", Grade.DOCUMENTED, ERRORS)
def test_s04_a_code_is_bound_to_its_tenant(stranger: Stranger) -> None:
    code = stranger.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    refused(stranger.token("organizations", **form), "invalid_grant", 700005)
    refused(stranger.token(WORK, **form), "invalid_grant", 700005)
    assert stranger.token("common", **form).status_code == 200


@behaviour("S4", Grade.DOCUMENTED, AUTH_CODE)
def test_s04_a_code_is_bound_to_its_redirect_uri(stranger: Stranger) -> None:
    stranger.order("client", {"redirectUris": [REDIRECT, REDIRECT + "2"]})
    code = stranger.code()
    assert stranger.redeem(code, redirect_uri=REDIRECT + "2").status_code == 400
    refused(stranger.redeem(code, redirect_uri=None), "invalid_request", 900144)
    assert stranger.redeem(code).status_code == 200


@behaviour("S4", Grade.ASSUMED, AUTH_CODE)
def test_s04_another_redirect_uri_is_500112(stranger: Stranger) -> None:
    stranger.order("client", {"redirectUris": [REDIRECT, REDIRECT + "2"]})
    refused(stranger.redeem(stranger.code(), redirect_uri=REDIRECT + "2"), "invalid_client", 500112)


@pytest.mark.parametrize("code", ["made-up", "1.Amade-up"])
@behaviour("S4", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s04_a_made_up_code_is_refused(stranger: Stranger, code: str) -> None:
    refused(stranger.redeem(code), "invalid_grant", 9002313)


@behaviour("S7", Grade.DOCUMENTED, AUTH_CODE)
def test_s07_a_refresh_token_needs_offline_access(stranger: Stranger) -> None:
    body = stranger.tokens(scope="openid Calendars.ReadWrite")
    assert "refresh_token" not in body
    assert "id_token" in body


@behaviour("S7", Grade.DOCUMENTED, AUTH_CODE)
def test_s07_an_id_token_needs_openid(stranger: Stranger) -> None:
    body = stranger.tokens(scope="offline_access Calendars.ReadWrite")
    assert "id_token" not in body
    assert "refresh_token" in body


@behaviour("S7", Grade.REPORTED, KEEPER, AUTH_CODE, knobs=("scopeForm",))
def test_s07_the_scope_of_the_answer_has_two_forms(stranger: Stranger) -> None:
    first = stranger.tokens()
    assert first["scope"] == "Calendars.ReadWrite User.Read openid profile"
    stranger.order("knobs", {"scopeForm": "qualified"})
    scope = stranger.refresh(first["refresh_token"]).json()["scope"]
    prefix = "https://graph.microsoft.com/"
    assert scope == f"{prefix}Calendars.ReadWrite {prefix}User.Read openid profile"


@behaviour("S7", Grade.ASSUMED, AUTH_CODE, knobs=("echoOfflineAccess",))
def test_s07_offline_access_is_echoed_by_a_knob_alone(stranger: Stranger) -> None:
    first = stranger.tokens()
    assert "offline_access" not in first["scope"].split()
    stranger.order("knobs", {"echoOfflineAccess": True})
    assert "offline_access" in stranger.refresh(first["refresh_token"]).json()["scope"].split()


@behaviour("S7", Grade.ASSUMED, AUTH_CODE)
def test_s07_scopes_may_be_asked_for_with_their_resource_and_in_any_case(stranger: Stranger) -> None:
    body = stranger.tokens(scope="https://graph.microsoft.com/calendars.readwrite OPENID")
    assert body["scope"] == "Calendars.ReadWrite openid"


@behaviour("S8", Grade.DOCUMENTED, REFRESH)
def test_s08_refreshing_rotates_and_the_old_token_keeps_working(stranger: Stranger) -> None:
    first = stranger.tokens()["refresh_token"]
    second = stranger.refresh(first).json()["refresh_token"]
    assert second != first
    assert stranger.refresh(first).status_code == 200
    assert stranger.refresh(second).status_code == 200


@behaviour("S8", Grade.DOCUMENTED, REFRESH, ERRORS, knobs=("refreshTokenDays",))
def test_s08_each_redemption_starts_ninety_days_anew(stranger: Stranger) -> None:
    first = stranger.tokens()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": 60 * 86400})
    second = stranger.refresh(first).json()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": 60 * 86400})
    body = refused(stranger.refresh(first), "invalid_grant", 700082)
    assert "90.00:00:00" in body["error_description"]
    assert stranger.refresh(second).status_code == 200
    stranger.order("knobs", {"refreshTokenDays": 7})
    body = refused(stranger.refresh(second), "invalid_grant", 700082)
    assert "7.00:00:00" in body["error_description"]


@behaviour("S8", Grade.DOCUMENTED, AUTH_CODE)
def test_s08_a_smaller_scope_may_be_refreshed(stranger: Stranger) -> None:
    first = stranger.tokens()
    body = stranger.refresh(first["refresh_token"], scope="Calendars.ReadWrite").json()
    assert body["scope"] == "Calendars.ReadWrite"
    assert "id_token" not in body


@behaviour("S9", Grade.DOCUMENTED, ERRORS, REFRESH)
def test_s09_a_revoked_grant_is_dead_and_a_new_sign_in_heals_it(stranger: Stranger) -> None:
    token, code = stranger.tokens()["refresh_token"], stranger.code()
    stranger.order("grants/revoke", {"upn": ROSE})
    refused(stranger.refresh(token), "invalid_grant", 50173)
    refused(stranger.redeem(code), "invalid_grant", 50173)
    fresh = stranger.tokens()["refresh_token"]
    assert stranger.refresh(fresh).status_code == 200


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_an_idle_grant_expires_on_demand(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("grants/expire", {"upn": ROSE})
    refused(stranger.refresh(token), "invalid_grant", 700082)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_mfa_is_asked_until_the_next_sign_in(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("grants/mfa", {"upn": ROSE})
    refused(stranger.refresh(token), "invalid_grant", 50076)
    stranger.tokens(prompt="login")
    assert stranger.refresh(token).status_code == 200


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_withdrawn_consent_is_65001(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("grants/withdraw-consent", {"upn": ROSE})
    refused(stranger.refresh(token), "invalid_grant", 65001)
    stranger.tokens(prompt="login")
    assert stranger.refresh(token).status_code == 200


@behaviour("S9", Grade.DOCUMENTED, AUTH_CODE)
def test_s09_a_code_redeemed_for_more_than_was_granted_is_consent_required(stranger: Stranger) -> None:
    refused(stranger.redeem(stranger.code(), scope="MailboxSettings.Read"), "consent_required", 65001)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_a_scope_never_consented_to_is_refused(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    refused(stranger.refresh(token, scope="MailboxSettings.ReadWrite"), "invalid_grant", 65001)


@behaviour("S9", Grade.DOCUMENTED, REFRESH)
def test_s09_another_person_is_untouched(stranger: Stranger) -> None:
    token = stranger.tokens(MARCO)["refresh_token"]
    stranger.order("grants/revoke", {"upn": ROSE})
    assert stranger.refresh(token).status_code == 200


@behaviour("S9", Grade.DOCUMENTED, ERRORS, AUTH_CODE)
def test_s09_a_wrong_secret_is_invalid_client(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    refused(stranger.refresh(token, client_secret="wrong"), "invalid_client", 7000215, None)
    refused(stranger.refresh(token, client_secret=None), "invalid_client", 7000218, None)
    stranger.order("client", {"secret": "rolled-over"})
    refused(stranger.refresh(token), "invalid_client", 7000215, None)
    assert stranger.refresh(token, client_secret="rolled-over").status_code == 200
    stranger.order("client", {"secretExpired": True})
    refused(stranger.refresh(token, client_secret="rolled-over"), "invalid_client", 7000222, None)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_an_unknown_or_disabled_application_is_unauthorized(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    unknown = "11111111-1111-1111-1111-111111111111"
    refused(stranger.refresh(token, client_id=unknown), "unauthorized_client", 700016)
    stranger.order("client", {"disabled": True})
    refused(stranger.refresh(token), "unauthorized_client", 7000112)


@behaviour("S9", Grade.ASSUMED, ERRORS, knobs=("errorNames",))
def test_s09_the_pairing_of_number_and_error_is_a_knob(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("knobs", {"errorNames": {"50076": "interaction_required"}})
    stranger.order("grants/mfa", {"upn": ROSE})
    refused(stranger.refresh(token), "interaction_required", 50076)


@pytest.mark.parametrize(
    ("fields", "error", "number"),
    [
        ({}, "invalid_request", 900144),
        ({"grant_type": "urn:example:juggling"}, "unsupported_grant_type", 70003),
        ({"grant_type": "refresh_token"}, "invalid_request", 900144),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, "invalid_grant", 70000),
        ({"grant_type": "authorization_code"}, "invalid_request", 900144),
        ({"grant_type": "refresh_token", "client_id": None}, "invalid_request", 900144),
    ],
)
@behaviour("S9", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s09_malformed_token_requests_are_refused(
    stranger: Stranger, fields: dict[str, str | None], error: str, number: int
) -> None:
    refused(stranger.token(**fields), error, number)


@behaviour("S9", Grade.ASSUMED, AUTH_CODE)
def test_s09_only_a_url_encoded_form_is_read(stranger: Stranger) -> None:
    fields = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "refresh_token"}
    fields["refresh_token"] = stranger.tokens()["refresh_token"]
    web, path = stranger.web, "/common/oauth2/v2.0/token"
    refused(web.post(path, files={name: (None, value) for name, value in fields.items()}), "invalid_request", 900144)
    refused(web.post(path, json=fields), "invalid_request", 900144)
    broken = web.post(path, content=b"junk", headers={"Content-Type": "multipart/form-data; boundary=x"})
    refused(broken, "invalid_request", 900144)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_an_unknown_tenant_has_no_token_endpoint(stranger: Stranger) -> None:
    refused(stranger.token("nowhere", grant_type="refresh_token"), "invalid_tenant", 90002)


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_get_is_refused(stranger: Stranger) -> None:
    refused(stranger.web.get("/common/oauth2/v2.0/token"), "invalid_request", 900561)


@behaviour("S9", Grade.DOCUMENTED, AUTH_CODE)
def test_s09_a_secret_with_an_origin_is_refused(stranger: Stranger) -> None:
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "refresh_token", "refresh_token": "x"}
    response = stranger.web.post(
        "/common/oauth2/v2.0/token", data=form, headers={"Origin": "https://app.wedsync.example"}
    )
    refused(response, "invalid_request", 9002326)


@behaviour("S9", Grade.DOCUMENTED, AUTH_CODE)
def test_s09_the_secret_may_come_by_basic(stranger: Stranger) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": stranger.tokens()["refresh_token"]}
    good = stranger.web.post("/common/oauth2/v2.0/token", data=form, auth=(CLIENT_ID, SECRET))
    assert good.status_code == 200
    bad = stranger.web.post("/common/oauth2/v2.0/token", data=form, auth=(CLIENT_ID, "wrong"))
    refused(bad, "invalid_client", 7000215, None)


@behaviour("S9", Grade.ASSUMED, ERRORS)
def test_s09_the_client_request_id_is_the_correlation_id(stranger: Stranger) -> None:
    ident = "9d1c6d5c-6d4c-4d38-9a43-6a5f3b9d8f10"
    response = stranger.web.post("/common/oauth2/v2.0/token", headers={"client-request-id": ident})
    assert response.json()["correlation_id"] == ident


@behaviour("S8", Grade.DOCUMENTED, AUTH_CODE, knobs=("accessTokenSeconds",))
def test_s08_the_life_of_an_access_token_is_a_knob(stranger: Stranger) -> None:
    stranger.order("knobs", {"accessTokenSeconds": 60})
    assert stranger.tokens()["expires_in"] == 59


@pytest.mark.parametrize(
    ("tenant", "scope", "error", "number"),
    [
        (WORK, "https://graph.microsoft.com/User.Read", "invalid_scope", 1002012),
        (WORK, "https://unknown.example/.default", "invalid_resource", 500011),
        ("common", "https://graph.microsoft.com/.default", "invalid_request", 50059),
    ],
)
def test_client_credentials_are_strict(stranger: Stranger, tenant: str, scope: str, error: str, number: int) -> None:
    refused(stranger.token(tenant, grant_type="client_credentials", scope=scope), error, number)


def test_client_credentials_name_no_user(stranger: Stranger) -> None:
    scope = "https://vault.azure.net/.default"
    body = stranger.token(WORK, grant_type="client_credentials", scope=scope).json()
    assert {"refresh_token", "id_token"}.isdisjoint(body)
    token = claims(body["access_token"], stranger, "https://vault.azure.net")
    assert (token["idtyp"], token["appid"]) == ("app", CLIENT_ID)


def test_ivy_gets_a_code_only_from_the_control_api(stranger: Stranger) -> None:
    order = {"upn": IVY, "scopes": ["Calendars.ReadWrite", "offline_access"], "redirect_uri": REDIRECT, "state": "s"}
    made = stranger.order("codes", order)
    assert made["state"] == "s"
    assert stranger.redeem(made["code"], code_verifier=None).status_code == 200


@behaviour("S7", Grade.DOCUMENTED, RFC6749, AUTH_CODE, knobs=("withheldScopes",))
def test_s07_scopes_can_be_withheld_by_a_knob(stranger: Stranger) -> None:
    stranger.order("knobs", {"withheldScopes": ["Calendars.ReadWrite"]})
    answer = stranger.redeem(stranger.code()).json()
    assert "Calendars.ReadWrite" not in answer["scope"].split()
    assert "Calendars.ReadWrite" not in claims(answer["access_token"], stranger, "https://graph.microsoft.com")["scp"]
    assert answer["refresh_token"]
    stranger.order("knobs", {"withheldScopes": ["offline_access"]})
    answer = stranger.redeem(stranger.code()).json()
    assert "Calendars.ReadWrite" in answer["scope"].split()
    assert "refresh_token" not in answer
