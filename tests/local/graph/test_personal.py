"""What personal accounts lack: S60 of the fact sheet, over HTTPS."""

import pytest

from local.simkit.people import IVY, MARCO, ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, token
from tests.local.graph.sources import ALLODIA, api, issue

UNSUPPORTED = "This API is not supported for MSA accounts (no addressUrl for Microsoft.DirectoryServices,False)."
SCOPES = "User.Read User.Read.All Group.Read.All OrgContact.Read.All OnlineMeetings.ReadWrite Calendars.ReadWrite"
PATHS = ["/organization", "/contacts", "/contacts/delta", "/users", "/users/delta", "/groups", "/me/memberOf"]


@behaviour("S60", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("path", ["/contacts/delta", "/organization"])
async def test_s60_a_workload_without_personal_accounts_answers_400(graph: Far, path: str) -> None:
    """error/contacts_msa_unsupported.json and error/organization_msa_unsupported.json."""
    refused = await graph.call("GET", path, bearer=token(MARCO, scopes=SCOPES), status=400)
    error = refused.json()["error"]
    assert (error["code"], error["message"]) == ("BadRequest", UNSUPPORTED)
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


@behaviour("S60", Grade.CAPTURED, ALLODIA)
async def test_s60_the_directory_answers_401_without_a_word(graph: Far) -> None:
    """error/contacts_directory_unauthorized.json."""
    refused = await graph.call("GET", "/users/delta", bearer=token(MARCO, scopes=SCOPES), status=401)
    error = refused.json()["error"]
    assert (error["code"], error["message"]) == ("UnknownError", "")


@behaviour("S60", Grade.REPORTED, issue(13612, "microsoftgraph/microsoft-graph-docs"))
async def test_s60_teams_meetings_answer_an_authentication_error(graph: Far) -> None:
    refused = await graph.call("GET", "/me/onlineMeetings", bearer=token(MARCO, scopes=SCOPES))
    assert refused.json()["error"]["code"] == "AuthenticationError"
    assert refused.json()["error"]["message"] == "Error authenticating with resource"


@behaviour("S60", Grade.ASSUMED, ALLODIA)
@pytest.mark.parametrize("path", [*PATHS, "/me/onlineMeetings"])
@pytest.mark.parametrize("scopes", [SCOPES, "User.Read Calendars.ReadWrite"], ids=["with scopes", "without"])
async def test_s60_it_is_never_403(graph: Far, path: str, scopes: str) -> None:
    refused = await graph.call("GET", path, bearer=token(MARCO, scopes=scopes))
    assert refused.status_code in (400, 401)


@behaviour("S60", Grade.CAPTURED, ALLODIA)
async def test_s60_the_same_token_goes_on_working_after_a_401(graph: Far) -> None:
    bearer = token(MARCO, scopes=SCOPES)
    await graph.call("GET", "/users/delta", bearer=bearer, status=401)
    assert (await graph.call("GET", "/me/events", bearer=bearer, status=200)).json()["value"] == []


@behaviour("S60", Grade.DOCUMENTED, api("user-list"), api("organization-list"), api("orgcontact-list"))
async def test_s60_work_accounts_have_them_with_the_scopes(graph: Far) -> None:
    bearer = token(ROSE, scopes=SCOPES)
    paths = [path for path in PATHS if not path.endswith("/delta")]
    found = {path: (await graph.call("GET", path, bearer=bearer, status=200)).json()["value"] for path in paths}
    assert {each["userPrincipalName"] for each in found["/users"]} == {ROSE.upn, IVY.upn}
    assert [each["id"] for each in found["/organization"]] == [ROSE.tid]
    assert found["/contacts"] == []
    refused = await graph.call("GET", "/users", status=403)
    assert refused.json()["error"]["code"] == "Authorization_RequestDenied"
