"""What Entra's errors mean, and which hosts MSAL is told not to ask about."""

import pytest

from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, Unavailable
from shared.graph.entra import SCOPES, EntraApp, consent_fault, missing_scopes, refresh_fault

APP = EntraApp(client_id="app-1")


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required", "consent_required", "login_required"])
def test_a_dead_grant_needs_its_user(error: str) -> None:
    fault = refresh_fault(APP, {"error": error, "error_description": "AADSTS50173: …", "suberror": "bad_token"})
    assert isinstance(fault, ReconnectNeeded)
    assert fault.code == error
    assert "AADSTS" not in fault.reason
    assert fault.reason.endswith(".")


def test_a_withdrawn_consent_is_told_apart() -> None:
    plain, withdrawn = (
        refresh_fault(APP, {"error": "invalid_grant", "suberror": suberror}) for suberror in ("x", "consent_required")
    )
    assert isinstance(plain, ReconnectNeeded)
    assert isinstance(withdrawn, ReconnectNeeded)
    assert plain.reason != withdrawn.reason


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "invalid_scope"])
def test_our_own_faults_are_the_operators(error: str) -> None:
    assert isinstance(refresh_fault(APP, {"error": error}), OperatorFault)
    assert isinstance(consent_fault(APP, {"error": error}), OperatorFault)


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", "something_new", ""])
def test_anything_else_may_pass(error: str) -> None:
    assert isinstance(refresh_fault(APP, {"error": error}), Unavailable)


@pytest.mark.parametrize("number", [90094, 90093, 90095])
@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required", "consent_required"])
def test_a_refresh_that_an_administrator_has_to_approve_says_so(error: str, number: int) -> None:
    fault = refresh_fault(APP, {"error": error, "error_description": f"AADSTS{number}: Something happened."})
    assert isinstance(fault, ReconnectNeeded)
    assert (fault.code, fault.link) == ("admin_approval_required", APP.admin_consent_url)
    assert "administrator" in fault.reason
    assert "AADSTS" not in fault.reason


@pytest.mark.parametrize(
    ("error", "number", "code"),
    [
        ("access_denied", 65004, "access_denied"),
        ("consent_required", 65004, "access_denied"),
        ("access_denied", None, "access_denied"),
        ("access_denied", 90094, "admin_approval_required"),
        ("consent_required", 65001, "admin_approval_required"),
        ("invalid_grant", 90093, "admin_approval_required"),
        ("consent_required", None, "admin_approval_required"),
        ("invalid_request", 50020, "account_unsupported"),
        ("unauthorized_client", 50194, "account_unsupported"),
        ("invalid_grant", 54005, "consent_failed"),
        ("interaction_required", 50076, "consent_failed"),
        ("server_error", None, "consent_failed"),
    ],
)
def test_the_way_back_from_consent_names_a_page(error: str, number: int | None, code: str) -> None:
    description = f"AADSTS{number}: Something happened." if number else ""
    fault = consent_fault(APP, {"error": error, "error_description": description})
    assert isinstance(fault, ConsentFault)
    assert fault.code == code
    assert bool(fault.link) == (code == "admin_approval_required")


@pytest.mark.parametrize(("tenant", "shown"), [("common", "organizations"), ("contoso.example", "contoso.example")])
def test_an_administrator_consents_for_an_organization(tenant: str, shown: str) -> None:
    app = EntraApp(client_id="a b", tenant_id=tenant, authority_host="https://login.microsoftonline.com/")
    assert app.admin_consent_url == f"https://login.microsoftonline.com/{shown}/adminconsent?client_id=a+b"
    assert app.authority == f"https://login.microsoftonline.com/{tenant}"


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("", frozenset()),
        (" ".join(SCOPES), frozenset()),
        ("openid https://graph.microsoft.com/Calendars.ReadWrite USER.READ mailboxsettings.read", frozenset()),
        ("User.Read MailboxSettings.Read", frozenset({"Calendars.ReadWrite"})),
        ("Calendars.Read User.Read MailboxSettings.Read", frozenset({"Calendars.ReadWrite"})),
    ],
)
def test_granted_scopes_are_compared_without_prefix_and_case(granted: str, missing: frozenset[str]) -> None:
    assert missing_scopes(granted) == missing
