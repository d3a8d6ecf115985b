"""K15: the managed identity endpoint as a stranger meets it, and ``azure-identity`` unmodified against it."""

from typing import Any

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

from tests.local.entra.stranger import Stranger
from tests.local.evidence import Grade, behaviour

REST = "https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference"
SDK = "https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/identity/azure-identity"
MSAL = "https://github.com/AzureAD/microsoft-authentication-library-for-python/blob/1.39.0/msal/managed_identity.py"
VAULT = "https://vault.azure.net"
ASSIGNED = "3f9b2c64-8f0e-4a51-b6d3-0c7e5a914d20"


def identity(url: str, *, header: str | None = "stand-identity-header", **changed: str | None) -> httpx.Response:
    given = {"api-version": "2019-08-01", "resource": VAULT, **changed}
    params = {name: value for name, value in given.items() if value is not None}
    headers = {} if header is None else {"X-IDENTITY-HEADER": header}
    return httpx.get(f"{url}/msi/token", params=params, headers=headers, trust_env=False)


@behaviour("K15", Grade.DOCUMENTED, REST)
def test_k15_the_managed_identity_gets_a_token(identity_url: str) -> None:
    body = identity(identity_url).json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert body["token_type"] == "Bearer"
    assert body["expires_on"] == str(claims["exp"])
    assert claims["aud"] == body["resource"] == VAULT


@behaviour("K15", Grade.DOCUMENTED, REST)
def test_k15_the_token_is_signed_by_the_published_keys(identity_url: str, stranger: Stranger) -> None:
    keys = jwt.PyJWKSet.from_dict(stranger.web.get("/common/discovery/v2.0/keys").json()).keys
    token = identity(identity_url).json()["access_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in keys if key.key_id == kid)
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=VAULT)
    assert (claims["idtyp"], claims["appid"]) == ("app", ASSIGNED)


@pytest.mark.parametrize("header", [None, "", "guessed"])
@behaviour("K15", Grade.DOCUMENTED, REST)
def test_k15_without_the_header_no_token_comes(identity_url: str, header: str | None) -> None:
    refused = identity(identity_url, header=header)
    assert refused.status_code >= 400
    assert "access_token" not in refused.json()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"header": "guessed"}, 401),
        ({"header": ""}, 401),
        ({"api-version": None}, 400),
        ({"api-version": "2017-09-01"}, 400),
        ({"resource": None}, 400),
        ({"client_id": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"}, 400),
        ({"object_id": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"}, 400),
        ({"mi_res_id": "/subscriptions/x"}, 400),
        ({"resource": "https://unknown.example"}, 500),
    ],
)
@behaviour("K15", Grade.ASSUMED, REST, MSAL)
def test_k15_the_status_of_each_refusal(identity_url: str, changed: dict[str, Any], status: int) -> None:
    response = identity(identity_url, **changed)
    body = response.json()
    assert (response.status_code, body["statusCode"]) == (status, status)
    assert body["message"]


@behaviour("K15", Grade.ASSUMED, REST)
def test_k15_any_other_path_is_404(identity_url: str) -> None:
    headers = {"X-IDENTITY-HEADER": "stand-identity-header"}
    params = {"api-version": "2019-08-01", "resource": VAULT}
    for path in ("/msi/tokens", "/metadata/identity/oauth2/token"):
        assert httpx.get(f"{identity_url}{path}", params=params, headers=headers, trust_env=False).status_code == 404


@pytest.fixture
def hosted(identity_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """As on the Functions host: endpoint and header in the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "stand-identity-header")
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
    return identity_url


@pytest.mark.parametrize("client_id", [None, ASSIGNED])
@behaviour("K15", Grade.DOCUMENTED, SDK, MSAL)
def test_k15_the_credential_gets_a_token_and_keeps_it(hosted: str, stranger: Stranger, client_id: str | None) -> None:
    with ManagedIdentityCredential(client_id=client_id) as credential:
        first = credential.get_token(f"{VAULT}/.default")
        assert credential.get_token(f"{VAULT}/.default").token == first.token
        claims = jwt.decode(first.token, options={"verify_signature": False})
        assert (claims["aud"], abs(first.expires_on - claims["exp"]) <= 5) == (VAULT, True)
    seen = [entry["path"] for entry in stranger.web.get("/_control/requests").json()["requests"]]
    assert [path.split("?")[0] for path in seen] == ["/msi/token"]


@behaviour("K15", Grade.DOCUMENTED, SDK)
async def test_k15_the_async_credential_too(hosted: str) -> None:
    async with AsyncManagedIdentityCredential() as credential:
        token = await credential.get_token("https://storage.azure.com/.default")
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert claims["aud"] == "https://storage.azure.com"


@behaviour("K15", Grade.DOCUMENTED, SDK)
def test_k15_the_default_chain_finds_the_endpoint(hosted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    with DefaultAzureCredential() as credential:
        token = credential.get_token(f"{VAULT}/.default").token
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == VAULT


@pytest.mark.parametrize(
    ("header", "client_id", "scope", "message"),
    [
        ("guessed", None, f"{VAULT}/.default", "X-IDENTITY-HEADER"),
        ("stand-identity-header", "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10", f"{VAULT}/.default", "No User Assigned"),
        ("stand-identity-header", None, "https://unknown.example/.default", "AADSTS500011"),
    ],
)
@behaviour("K15", Grade.DOCUMENTED, SDK, MSAL)
def test_k15_the_credential_reports_what_the_endpoint_refuses(
    hosted: str, monkeypatch: pytest.MonkeyPatch, header: str, client_id: str | None, scope: str, message: str
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", header)
    with (
        ManagedIdentityCredential(client_id=client_id, retry_total=0) as credential,
        pytest.raises(ClientAuthenticationError, match=message),
    ):
        credential.get_token(scope)


@behaviour("K15", Grade.DOCUMENTED, SDK)
def test_k15_the_credential_tries_again_when_the_endpoint_is_busy(hosted: str, stranger: Stranger) -> None:
    stranger.order("faults", {"action": "status", "path": "/msi/token", "status": 503, "retry_after": 0, "count": 1})
    with ManagedIdentityCredential() as credential:
        assert credential.get_token(f"{VAULT}/.default").token
    seen = [entry["status"] for entry in stranger.web.get("/_control/requests").json()["requests"]]
    assert seen == [503, 200]
