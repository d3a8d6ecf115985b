"""S9: what only an administrator may grant, and the endpoint where one does; over plain HTTPS."""

import httpx
import pytest

from tests.local.entra.sources import ADMIN_CONSENT, AUTH_CODE, ERRORS
from tests.local.entra.stranger import CLIENT_ID, IVY, MARCO, REDIRECT, ROSE, WORK, Stranger, answer, read_page, refused
from tests.local.evidence import Grade, behaviour

ASKED = {
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT,
    "state": "s",
    "scope": "https://graph.microsoft.com/Calendars.ReadWrite https://graph.microsoft.com/User.Read",
}


def begin(stranger: Stranger, tenant: str = WORK, /, **changed: str | None) -> httpx.Response:
    sent = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    return stranger.web.get(f"/{tenant}/v2.0/adminconsent", params=sent)


@behaviour("S9", Grade.DOCUMENTED, ERRORS, AUTH_CODE, knobs=("adminApproval",))
def test_s09_a_person_may_need_an_administrators_approval(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    assert read_page(page).heading == "Need admin approval"
    assert "AADSTS90094" in page.text
    stranger.order("knobs", {"adminApproval": []})
    assert read_page(stranger.send(stranger.authorize(prompt="login"), upn=IVY)).heading == "Permissions requested"


@behaviour("S9", Grade.ASSUMED, ERRORS, knobs=("adminApprovalError",))
def test_s09_what_is_brought_back_without_approval_is_a_knob(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    back = answer(stranger.send(page, decision="return"))
    assert (back["error"], back["state"]) == ("consent_required", "state-1")
    assert back["error_description"].startswith("AADSTS90094: ")
    stranger.order("knobs", {"adminApprovalError": "access_denied"})
    page = stranger.send(stranger.authorize(prompt="login"), upn=IVY)
    assert answer(stranger.send(page, decision="return"))["error"] == "access_denied"


@behaviour("S9", Grade.DOCUMENTED, AUTH_CODE, ERRORS)
def test_s09_a_silent_sign_in_without_approval_needs_interaction(stranger: Stranger) -> None:
    stranger.send(stranger.authorize(), upn=IVY)
    back = answer(stranger.authorize(prompt="none"))
    assert back["error"] == "interaction_required"
    assert back["error_description"].startswith("AADSTS65001: ")


@behaviour("S9", Grade.ASSUMED, ADMIN_CONSENT)
def test_s09_approval_cannot_be_forged(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    assert read_page(stranger.send(page, decision="accept")).heading == "Need admin approval"
    admin = stranger.send(begin(stranger), upn=IVY)
    assert read_page(admin).heading == "Need admin approval"
    assert answer(stranger.send(admin, decision="accept"))["error"] == "consent_required"
    assert read_page(stranger.send(stranger.authorize(prompt="login"), upn=IVY)).heading == "Need admin approval"


def test_ivy_may_switch_to_another_account(stranger: Stranger) -> None:
    page = stranger.send(stranger.authorize(), upn=IVY)
    picker = stranger.send(page, decision="switch")
    assert read_page(picker).heading == "Pick an account"
    consent = stranger.send(picker, upn=ROSE)
    assert "code" in answer(stranger.send(consent, decision="accept"))


@pytest.mark.parametrize("tenant", ["organizations", WORK, "havenweddings.example"])
@behaviour("S9", Grade.DOCUMENTED, ADMIN_CONSENT)
def test_s09_an_administrator_consents_for_the_tenant(stranger: Stranger, tenant: str) -> None:
    consent = stranger.send(begin(stranger, tenant), upn=ROSE)
    back = answer(stranger.send(consent, decision="accept"))
    assert (back["admin_consent"], back["tenant"], back["state"]) == ("True", WORK, "s")
    assert back["scope"] == ASKED["scope"]
    granted = stranger.authorize(scope=ASKED["scope"], prompt="select_account")
    assert "code" in answer(stranger.send(granted, upn=IVY))
    more = stranger.authorize(scope="MailboxSettings.Read", prompt="select_account")
    assert read_page(stranger.send(more, upn=IVY)).heading == "Need admin approval"


@behaviour("S9", Grade.DOCUMENTED, ADMIN_CONSENT)
def test_s09_default_stands_for_all_registered_permissions(stranger: Stranger) -> None:
    consent = stranger.send(begin(stranger, scope="https://graph.microsoft.com/.default"), upn=ROSE)
    back = answer(stranger.send(consent, decision="accept"))
    assert "https://graph.microsoft.com/MailboxSettings.Read" in back["scope"].split()
    assert "code" in answer(stranger.send(stranger.authorize(prompt="select_account"), upn=IVY))


@behaviour("S9", Grade.DOCUMENTED, ADMIN_CONSENT)
def test_s09_a_declined_admin_consent_says_so(stranger: Stranger) -> None:
    consent = stranger.send(begin(stranger), upn=ROSE)
    back = answer(stranger.send(consent, decision="decline"))
    assert (back["admin_consent"], back["error"], back["state"]) == ("True", "consent_required", "s")
    assert back["error_description"].startswith("AADSTS65004: ")
    assert "Trace ID: " in back["error_description"]


@pytest.mark.parametrize("missing", ["client_id", "redirect_uri", "scope"])
@behaviour("S9", Grade.DOCUMENTED, ADMIN_CONSENT, ERRORS)
def test_s09_the_admin_consent_endpoint_needs_its_parameters(stranger: Stranger, missing: str) -> None:
    page = begin(stranger, **{missing: None})
    assert page.status_code == 400
    assert "AADSTS900144: " in page.text
    assert f"&#39;{missing}&#39;" in page.text


@behaviour("S9", Grade.DOCUMENTED, ADMIN_CONSENT)
def test_s09_a_personal_account_administers_no_tenant(stranger: Stranger) -> None:
    page = stranger.send(begin(stranger, "organizations"), upn=MARCO)
    assert page.status_code == 400
    assert "AADSTS50020: " in page.text


@behaviour("S9", Grade.DOCUMENTED, ERRORS)
def test_s09_withdrawn_admin_consent_ends_grants(stranger: Stranger) -> None:
    consent = stranger.send(begin(stranger, scope="https://graph.microsoft.com/.default"), upn=ROSE)
    stranger.send(consent, decision="accept")
    code = answer(stranger.send(stranger.authorize(prompt="select_account"), upn=IVY))["code"]
    token = stranger.redeem(code).json()["refresh_token"]
    assert stranger.refresh(token).status_code == 200
    stranger.order("grants/withdraw-consent", {"upn": IVY})
    refused(stranger.refresh(token), "invalid_grant", 65001)


def test_the_administrators_link_needs_no_redirect_uri(stranger: Stranger) -> None:
    asked = {"client_id": CLIENT_ID}
    consent = stranger.send(stranger.web.get("/organizations/adminconsent", params=asked), upn=ROSE)
    answered = stranger.send(consent, decision="accept")
    assert answered.headers["location"].startswith(f"{REDIRECT}?")
    assert answer(answered)["admin_consent"] == "True"
    assert stranger.web.get("/organizations/v2.0/adminconsent", params=asked).status_code == 400
