"""S1-S7, S11: metadata, the authorization endpoint and its pages, over plain HTTPS."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.local.entra.stranger import IVY, MARCO, REDIRECT, ROSE, Stranger, answer, read_page

WORK = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", WORK, PERSONAL])
def test_s01_metadata_names_https_endpoints_of_the_tenant(stranger: Stranger, entra_url: str, tenant: str) -> None:
    body = stranger.web.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert body["authorization_endpoint"] == f"{entra_url}/{tenant}/oauth2/v2.0/authorize"
    assert body["token_endpoint"] == f"{entra_url}/{tenant}/oauth2/v2.0/token"
    assert stranger.web.get(body["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"
    issuer = {"common": "{tenantid}", "organizations": "{tenantid}", "consumers": PERSONAL}.get(tenant, tenant)
    assert body["issuer"] == f"{entra_url}/{issuer}/v2.0"
    assert {"client_secret_post", "private_key_jwt"} <= set(body["token_endpoint_auth_methods_supported"])


def test_s01_an_unknown_tenant_is_refused(stranger: Stranger) -> None:
    response = stranger.web.get("/nowhere/v2.0/.well-known/openid-configuration")
    assert response.status_code == 400
    assert response.json()["error_codes"] == [90002]


def test_s01_instance_discovery_knows_this_host(stranger: Stranger, entra_url: str) -> None:
    body = stranger.web.get("/common/discovery/instance", params={"api-version": "1.1"}).json()
    assert body["tenant_discovery_endpoint"].startswith(f"{entra_url}/common/")
    assert body["metadata"][0]["aliases"] == [urlsplit(entra_url).netloc]


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"redirect_uri": REDIRECT + "/"}, 50011),
        ({"redirect_uri": REDIRECT.upper()}, 50011),
        ({"redirect_uri": "https://evil.example/callback"}, 50011),
        ({"redirect_uri": None}, 900144),
        ({"client_id": "11111111-1111-1111-1111-111111111111"}, 700016),
        ({"client_id": None}, 900144),
    ],
)
def test_s02_a_bad_client_or_redirect_is_never_redirected(
    stranger: Stranger, changed: dict[str, str | None], number: int
) -> None:
    response = stranger.authorize(**changed)
    assert response.status_code == 400
    assert f"AADSTS{number}: " in response.text
    assert "location" not in response.headers


@pytest.mark.parametrize(
    ("changed", "error", "number"),
    [
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700054),
        ({"response_mode": "carrier_pigeon"}, "invalid_request", 90023),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "Calendars.Juggle"}, "invalid_scope", 70011),
        ({"scope": "https://vault.azure.net/user_impersonation"}, "invalid_resource", 650057),
        ({"prompt": "maybe"}, "invalid_request", 90023),
        ({"prompt": "select_account", "login_hint": ROSE}, "invalid_request", 90023),
        ({"code_challenge": "too-short"}, "invalid_request", 50147),
        ({"code_challenge_method": "S512"}, "invalid_request", 50147),
    ],
)
def test_s02_other_faults_go_back_to_the_application_with_its_state(
    stranger: Stranger, changed: dict[str, str | None], error: str, number: int
) -> None:
    back = answer(stranger.authorize(**changed))
    assert back["error"] == error
    assert back["error_description"].startswith(f"AADSTS{number}: ")
    assert back["state"] == "state-1"


def test_s02_state_comes_back_untouched(stranger: Stranger) -> None:
    strange = "ä &=+%/#?\"'<>"
    consent = stranger.send(stranger.authorize(state=strange), upn=ROSE)
    assert answer(stranger.send(consent, decision="accept"))["state"] == strange


def test_s02_without_state_none_comes_back(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(state=None), upn=ROSE)
    assert "state" not in answer(stranger.send(consent, decision="accept"))


def test_s02_response_mode_form_post_sends_a_form(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(response_mode="form_post"), upn=ROSE)
    page = stranger.send(consent, decision="accept")
    form = read_page(page)
    assert form.action == REDIRECT
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.text))
    assert fields["state"] == "state-1"
    assert stranger.redeem(fields["code"]).status_code == 200


def test_s02_response_mode_fragment_hides_the_answer_from_the_server(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(response_mode="fragment"), upn=ROSE)
    location = urlsplit(stranger.send(consent, decision="accept").headers["location"])
    assert location.query == ""
    assert "code" in parse_qs(location.fragment)


def test_s05_a_declined_consent_is_access_denied(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(), upn=ROSE)
    back = answer(stranger.send(consent, decision="decline"))
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS65004: ")
    assert back["state"] == "state-1"


def test_s05_a_cancelled_sign_in_is_access_denied(stranger: Stranger) -> None:
    back = answer(stranger.send(stranger.authorize(), decision="cancel"))
    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")


def test_s05_prompt_none_without_a_session_is_login_required(stranger: Stranger) -> None:
    assert answer(stranger.authorize(prompt="none"))["error"] == "login_required"


def test_s05_prompt_none_with_session_and_consent_gives_a_code(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert "code" in answer(stranger.authorize(prompt="none"))


def test_s05_prompt_none_needs_consent_for_more(stranger: Stranger) -> None:
    stranger.code(ROSE)
    back = answer(stranger.authorize(prompt="none", scope="MailboxSettings.Read"))
    assert back["error"] == "consent_required"


def test_s05_prompt_none_needs_mfa(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.order("grants/mfa", {"upn": ROSE})
    assert answer(stranger.authorize(prompt="none"))["error"] == "interaction_required"
    assert read_page(stranger.authorize()).heading == "Pick an account"


def test_s06_each_prompt_shows_its_own_page(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert read_page(stranger.authorize(prompt="select_account")).heading == "Pick an account"
    assert read_page(stranger.authorize(prompt="login")).heading == "Sign in"
    assert read_page(stranger.authorize(prompt="consent")).heading == "Permissions requested"
    assert "code" in answer(stranger.authorize())


def test_s06_consent_lists_what_is_asked(stranger: Stranger) -> None:
    page = read_page(stranger.send(stranger.authorize(scope="openid Calendars.ReadWrite"), upn=ROSE))
    assert "Have full access to your calendars" in page.text
    assert "Read your mailbox settings" not in page.text


def test_s06_login_hint_fills_in_the_account(stranger: Stranger) -> None:
    page = read_page(stranger.authorize(login_hint=MARCO))
    assert page.heading == "Sign in"
    assert f'value="{MARCO}"' in page.text


def test_s06_login_hint_skips_the_pages_of_a_signed_in_account(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.code(MARCO, prompt="select_account")
    assert read_page(stranger.authorize()).heading == "Pick an account"
    assert "code" in answer(stranger.authorize(login_hint=MARCO))


def test_s06_consent_is_asked_once(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert "code" in answer(stranger.authorize())
    page = read_page(stranger.authorize(scope="Calendars.ReadWrite OnlineMeetings.ReadWrite"))
    assert page.heading == "Permissions requested"


def test_s11_the_tenant_decides_which_accounts_may_come(stranger: Stranger) -> None:
    def offered(tenant: str) -> set[str]:
        return set(re.findall(r'name="upn" value="([^"]+)"', stranger.authorize(tenant).text))

    assert offered("common") == {ROSE, MARCO, IVY}
    assert offered("organizations") == offered(WORK) == {ROSE, IVY}
    assert offered("consumers") == offered(PERSONAL) == {MARCO}


def test_s11_an_account_of_the_wrong_kind_is_turned_away_on_the_page(stranger: Stranger) -> None:
    page = read_page(stranger.send(stranger.authorize("organizations"), upn=MARCO))
    assert page.heading == "Sign in"
    assert "AADSTS50020: " in page.text
    assert "AADSTS50034: " in stranger.send(stranger.authorize(), upn="nobody@nowhere.example").text


def test_ivy_needs_an_administrator_and_can_go_back(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    assert read_page(page).heading == "Need admin approval"
    assert "AADSTS90094" in page.text
    back = answer(stranger.send(page, decision="return"))
    assert back["error"] == "consent_required"
    assert back["error_description"].startswith("AADSTS90094: ")
    assert back["state"] == "state-1"


def test_ivy_cannot_accept_by_a_forged_form(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    again = stranger.send(page, decision="accept")
    assert read_page(again).heading == "Need admin approval"


def test_what_ivy_brings_back_is_a_knob(stranger: Stranger) -> None:
    stranger.order("knobs", {"adminApprovalError": "access_denied"})
    page = stranger.send(stranger.authorize(), upn=IVY)
    assert answer(stranger.send(page, decision="return"))["error"] == "access_denied"


def test_ivy_may_switch_to_another_account(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    picker = stranger.send(page, decision="switch")
    assert read_page(picker).heading == "Pick an account"
    consent = stranger.send(picker, upn=ROSE)
    assert "code" in answer(stranger.send(consent, decision="accept"))


def test_an_administrator_consents_for_ivy(stranger: Stranger) -> None:
    asked = {"client_id": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10", "redirect_uri": REDIRECT, "state": "s"}
    page = stranger.web.get("/common/adminconsent", params=asked)
    assert read_page(stranger.send(page, upn=IVY)).heading == "Need admin approval"
    consent = stranger.send(page, upn=ROSE)
    back = answer(stranger.send(consent, decision="accept"))
    assert (back["admin_consent"], back["tenant"], back["state"]) == ("True", WORK, "s")
    assert "code" in answer(stranger.send(stranger.authorize(prompt="select_account"), upn=IVY))


def test_the_administrators_link_needs_no_redirect_uri(stranger: Stranger) -> None:
    asked = {"client_id": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"}
    consent = stranger.send(stranger.web.get("/organizations/adminconsent", params=asked), upn=ROSE)
    answered = stranger.send(consent, decision="accept")
    assert answered.headers["location"].startswith(f"{REDIRECT}?")
    assert answer(answered)["admin_consent"] == "True"
    assert stranger.web.get("/organizations/v2.0/adminconsent", params=asked).status_code == 400


def test_a_refused_admin_consent_says_so(stranger: Stranger) -> None:
    asked = {"client_id": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10", "redirect_uri": REDIRECT, "state": "s"}
    consent = stranger.send(stranger.web.get(f"/{WORK}/v2.0/adminconsent", params=asked), upn=ROSE)
    back = answer(stranger.send(consent, decision="decline"))
    assert (back["error"], back["state"]) == ("consent_required", "s")
    assert back["error_description"].startswith("AADSTS65004: ")


def test_a_finished_page_is_dead(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(), upn=ROSE)
    stranger.send(consent, decision="accept")
    form = read_page(consent)
    again = stranger.web.post(form.action, data={"ctx": form.ctx, "decision": "accept"})
    assert again.status_code == 400
    assert "location" not in again.headers


def test_signing_out_ends_the_session(stranger: Stranger) -> None:
    stranger.code(ROSE)
    away = stranger.web.get("/common/oauth2/v2.0/logout", params={"post_logout_redirect_uri": "https://evil.example"})
    assert away.status_code == 200
    assert read_page(stranger.authorize()).heading == "Pick an account"


def test_a_revoked_person_must_sign_in_again(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.order("grants/revoke", {"upn": ROSE})
    assert read_page(stranger.authorize()).heading == "Pick an account"


def test_pages_escape_what_they_are_given(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn='"><script>alert(1)</script>')
    assert "<script>alert" not in page.text
    assert page.headers["cache-control"].startswith("no-store")
