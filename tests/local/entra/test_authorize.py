"""S2, S5, S6, S11: the authorization endpoint and its pages, over plain HTTPS."""

import re
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.local.entra.sources import AUTH_CODE, ERRORS, OIDC
from tests.local.entra.stranger import IVY, MARCO, PERSONAL, REDIRECT, ROSE, WORK, Stranger, answer, read_page
from tests.local.evidence import Grade, behaviour


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
@behaviour("S2", Grade.ASSUMED, ERRORS)
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
        ({"response_mode": "carrier_pigeon"}, "invalid_request", 70007),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "Calendars.Juggle"}, "invalid_scope", 70011),
        ({"scope": "https://vault.azure.net/user_impersonation"}, "invalid_resource", 650057),
        ({"code_challenge": "too-short"}, "invalid_request", 50147),
        ({"code_challenge": None}, "invalid_request", 50147),
    ],
)
@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s02_other_faults_go_back_to_the_application_with_its_state(
    stranger: Stranger, changed: dict[str, str | None], error: str, number: int
) -> None:
    back = answer(stranger.authorize(**changed))
    assert back["error"] == error
    assert back["error_description"].startswith(f"AADSTS{number}: ")
    assert back["state"] == "state-1"


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"prompt": "maybe"}, 90023),
        ({"prompt": "select_account", "login_hint": ROSE}, 90023),
        ({"code_challenge_method": "S512"}, 50147),
    ],
)
@behaviour("S2", Grade.ASSUMED, AUTH_CODE, OIDC)
def test_s02_what_is_not_allowed_is_an_invalid_request(
    stranger: Stranger, changed: dict[str, str | None], number: int
) -> None:
    back = answer(stranger.authorize(**changed))
    assert (back["error"], back["state"]) == ("invalid_request", "state-1")
    assert back["error_description"].startswith(f"AADSTS{number}: ")


@pytest.mark.parametrize(
    ("response_type", "number", "named"),
    [("id_token", 700054, "id_token"), ("code id_token", 700054, "id_token"), ("token", 70005, "token")],
)
@behaviour("S2", Grade.DOCUMENTED, ERRORS, OIDC, AUTH_CODE)
def test_s02_hybrid_and_implicit_are_refused_without_the_implicit_grant(
    stranger: Stranger, response_type: str, number: int, named: str
) -> None:
    back = answer(stranger.authorize(response_type=response_type, response_mode="query"))
    assert (back["error"], back["state"]) == ("unsupported_response_type", "state-1")
    assert back["error_description"].startswith(f"AADSTS{number}: ")
    assert (
        f"esponse type '{named}'" in back["error_description"]
        or f"response_type '{named}'" in back["error_description"]
    )


@behaviour("S2", Grade.ASSUMED, AUTH_CODE)
def test_s02_the_refusal_of_a_hybrid_request_goes_into_the_fragment(stranger: Stranger) -> None:
    location = urlsplit(stranger.authorize(response_type="code id_token").headers["location"])
    assert location.query == ""
    assert parse_qs(location.fragment)["error"] == ["unsupported_response_type"]
    assert parse_qs(location.fragment)["state"] == ["state-1"]


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE, OIDC)
def test_s02_errors_take_the_response_mode_too(stranger: Stranger, mode: str) -> None:
    page = stranger.send(stranger.send(stranger.authorize(response_mode=mode), upn=ROSE), decision="decline")
    if mode == "form_post":
        assert read_page(page).action == REDIRECT
        found = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))
    else:
        location = urlsplit(page.headers["location"])
        found = {key: values[0] for key, values in parse_qs(getattr(location, mode)).items()}
    assert (found["error"], found["state"]) == ("access_denied", "state-1")
    assert {"code", "session_state"}.isdisjoint(found)


@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE)
def test_s02_state_comes_back_untouched(stranger: Stranger) -> None:
    strange = "ä &=+%/#?\"'<>"
    consent = stranger.send(stranger.authorize(state=strange), upn=ROSE)
    assert answer(stranger.send(consent, decision="accept"))["state"] == strange


@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE)
def test_s02_without_state_none_comes_back(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(state=None), upn=ROSE)
    assert "state" not in answer(stranger.send(consent, decision="accept"))


@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE)
def test_s02_response_mode_form_post_sends_a_form(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(response_mode="form_post"), upn=ROSE)
    page = stranger.send(consent, decision="accept")
    form = read_page(page)
    assert form.action == REDIRECT
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.text))
    assert fields["state"] == "state-1"
    assert stranger.redeem(fields["code"]).status_code == 200


@behaviour("S2", Grade.DOCUMENTED, AUTH_CODE)
def test_s02_response_mode_fragment_hides_the_answer_from_the_server(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(response_mode="fragment"), upn=ROSE)
    location = urlsplit(stranger.send(consent, decision="accept").headers["location"])
    assert location.query == ""
    assert "code" in parse_qs(location.fragment)


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s05_a_declined_consent_is_access_denied(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(), upn=ROSE)
    back = answer(stranger.send(consent, decision="decline"))
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS65004: ")
    assert back["state"] == "state-1"


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE)
def test_s05_a_cancelled_sign_in_is_access_denied(stranger: Stranger) -> None:
    back = answer(stranger.send(stranger.authorize(), decision="cancel"))
    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE, OIDC)
def test_s05_prompt_none_without_a_session_is_login_required(stranger: Stranger) -> None:
    assert answer(stranger.authorize(prompt="none"))["error"] == "login_required"


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE)
def test_s05_prompt_none_with_session_and_consent_gives_a_code(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert "code" in answer(stranger.authorize(prompt="none"))


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE, knobs=("silentConsentError",))
def test_s05_prompt_none_needs_consent_for_more(stranger: Stranger) -> None:
    stranger.code(ROSE)
    back = answer(stranger.authorize(prompt="none", scope="MailboxSettings.Read"))
    assert (back["error"], back["state"]) == ("interaction_required", "state-1")
    stranger.order("knobs", {"silentConsentError": "consent_required"})
    assert answer(stranger.authorize(prompt="none", scope="MailboxSettings.Read"))["error"] == "consent_required"


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE, OIDC)
def test_s05_prompt_none_needs_exactly_one_person(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.code(MARCO, prompt="select_account")
    assert answer(stranger.authorize(prompt="none"))["error"] == "login_required"
    assert "code" in answer(stranger.authorize(prompt="none", login_hint=MARCO))
    assert answer(stranger.authorize(prompt="none", login_hint=IVY))["error"] == "login_required"
    assert "code" in answer(stranger.authorize("consumers", prompt="none"))


@behaviour("S5", Grade.ASSUMED, AUTH_CODE, knobs=("errorNames",))
def test_s05_a_missing_session_may_be_called_interaction_required(stranger: Stranger) -> None:
    stranger.order("knobs", {"errorNames": {"50058": "interaction_required"}})
    back = answer(stranger.authorize(prompt="none"))
    assert back["error"] == "interaction_required"
    assert back["error_description"].startswith("AADSTS50058: ")


@behaviour("S5", Grade.DOCUMENTED, OIDC)
def test_s05_signing_out_ends_the_session_by_get_and_by_post(stranger: Stranger) -> None:
    home = {"post_logout_redirect_uri": REDIRECT}
    for method in ("GET", "POST"):
        stranger.code(ROSE)
        assert "code" in answer(stranger.authorize(prompt="none"))
        in_query, in_body = (home, None) if method == "GET" else (None, home)
        away = stranger.web.request(method, "/common/oauth2/v2.0/logout", params=in_query, data=in_body)
        assert (away.status_code, away.headers["location"]) == (302, REDIRECT)
        assert answer(stranger.authorize(prompt="none"))["error"] == "login_required"


@behaviour("S5", Grade.DOCUMENTED, OIDC)
def test_s05_signing_out_never_leads_to_a_stranger(stranger: Stranger) -> None:
    stranger.code(ROSE)
    for parameters in ({"post_logout_redirect_uri": "https://evil.example"}, {}):
        away = stranger.web.get("/common/oauth2/v2.0/logout", params=parameters)
        assert away.status_code == 200
        assert read_page(away).heading == "You signed out of your account"
    assert answer(stranger.authorize(prompt="none"))["error"] == "login_required"


@behaviour("S5", Grade.DOCUMENTED, AUTH_CODE)
def test_s05_prompt_none_needs_mfa(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.order("grants/mfa", {"upn": ROSE})
    assert answer(stranger.authorize(prompt="none"))["error"] == "interaction_required"
    assert read_page(stranger.authorize()).heading == "Pick an account"


@behaviour("S6", Grade.DOCUMENTED, AUTH_CODE, OIDC)
def test_s06_each_prompt_shows_its_own_page(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert read_page(stranger.authorize(prompt="select_account")).heading == "Pick an account"
    assert read_page(stranger.authorize(prompt="login")).heading == "Sign in"
    assert read_page(stranger.authorize(prompt="consent")).heading == "Permissions requested"
    assert "code" in answer(stranger.authorize())


@behaviour("S6", Grade.DOCUMENTED, AUTH_CODE)
def test_s06_consent_lists_what_is_asked(stranger: Stranger) -> None:
    page = read_page(stranger.send(stranger.authorize(scope="openid Calendars.ReadWrite"), upn=ROSE))
    assert "Have full access to your calendars" in page.text
    assert "Read your mailbox settings" not in page.text


@behaviour("S6", Grade.DOCUMENTED, AUTH_CODE)
def test_s06_login_hint_fills_in_the_account(stranger: Stranger) -> None:
    page = read_page(stranger.authorize(login_hint=MARCO))
    assert page.heading == "Sign in"
    assert f'value="{MARCO}"' in page.text


@behaviour("S6", Grade.ASSUMED, AUTH_CODE, OIDC)
def test_s06_domain_hint_narrows_whom_to_pick(stranger: Stranger) -> None:
    def offered(hint: str) -> set[str]:
        return set(re.findall(r'name="upn" value="([^"]+)"', stranger.authorize(domain_hint=hint).text))

    assert offered("consumers") == {MARCO}
    assert offered("organizations") == offered("havenweddings.example") == offered(WORK) == {ROSE, IVY}
    assert offered("nowhere.example") == {ROSE, MARCO, IVY}


@behaviour("S6", Grade.ASSUMED, OIDC)
def test_s06_domain_hint_chooses_among_those_signed_in(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.code(MARCO, prompt="select_account")
    back = answer(stranger.authorize(domain_hint="consumers"))
    claims = jwt.decode(stranger.redeem(back["code"]).json()["id_token"], options={"verify_signature": False})
    assert claims["preferred_username"] == MARCO


@behaviour("S6", Grade.DOCUMENTED, OIDC)
def test_s06_login_hint_skips_the_pages_of_a_signed_in_account(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.code(MARCO, prompt="select_account")
    assert read_page(stranger.authorize()).heading == "Pick an account"
    assert "code" in answer(stranger.authorize(login_hint=MARCO))


@behaviour("S6", Grade.DOCUMENTED, AUTH_CODE)
def test_s06_consent_is_asked_once(stranger: Stranger) -> None:
    stranger.code(ROSE)
    assert "code" in answer(stranger.authorize())
    page = read_page(stranger.authorize(scope="Calendars.ReadWrite OnlineMeetings.ReadWrite"))
    assert page.heading == "Permissions requested"


@behaviour("S11", Grade.DOCUMENTED, OIDC)
def test_s11_the_tenant_decides_which_accounts_may_come(stranger: Stranger) -> None:
    def offered(tenant: str) -> set[str]:
        return set(re.findall(r'name="upn" value="([^"]+)"', stranger.authorize(tenant).text))

    assert offered("common") == {ROSE, MARCO, IVY}
    assert offered("organizations") == offered(WORK) == {ROSE, IVY}
    assert offered("consumers") == offered(PERSONAL) == {MARCO}


@behaviour("S11", Grade.DOCUMENTED, ERRORS)
def test_s11_an_account_of_the_wrong_kind_is_turned_away_on_the_page(stranger: Stranger) -> None:
    page = read_page(stranger.send(stranger.authorize("organizations"), upn=MARCO))
    assert page.heading == "Sign in"
    assert "AADSTS500208: " in page.text
    assert "AADSTS500208: " in stranger.send(stranger.authorize("consumers"), upn=ROSE).text
    assert "AADSTS50020: " in stranger.send(stranger.authorize(WORK), upn=MARCO).text
    assert "AADSTS50034: " in stranger.send(stranger.authorize(), upn="nobody@nowhere.example").text


def test_a_finished_page_is_dead(stranger: Stranger) -> None:
    consent = stranger.send(stranger.authorize(), upn=ROSE)
    stranger.send(consent, decision="accept")
    form = read_page(consent)
    again = stranger.web.post(form.action, data={"ctx": form.ctx, "decision": "accept"})
    assert again.status_code == 400
    assert "location" not in again.headers


def test_a_revoked_person_must_sign_in_again(stranger: Stranger) -> None:
    stranger.code(ROSE)
    stranger.order("grants/revoke", {"upn": ROSE})
    assert read_page(stranger.authorize()).heading == "Pick an account"


def test_pages_escape_what_they_are_given(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn='"><script>alert(1)</script>')
    assert "<script>alert" not in page.text
    assert page.headers["cache-control"].startswith("no-store")
