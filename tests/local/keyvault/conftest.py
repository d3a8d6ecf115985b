"""A running vault beside a running Entra, and Microsoft's client for it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from local.entra.app import build as build_entra
from local.keyvault.app import build
from local.simkit.background import Background
from local.simkit.tls import Certificates, certificates
from tests.local.hollow import Hollow

REDIRECT = "https://localhost:7443/api/integrations/outlook/callback"


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where everything listens."""

    entra: str
    identity: str
    vault: str
    tls: Certificates


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory, hollow: bool) -> Iterator[Stand]:
    tls = certificates(tmp_path_factory.mktemp("vault-tls"))
    entra = build_entra([REDIRECT])
    with (
        Background(entra.app, certificate=tls.server_file) as entra_url,
        Background(entra.identity) as identity_url,
    ):
        vault = build(jwks_url=f"{entra_url}/common/discovery/v2.0/keys", ca_file=tls.ca_file)
        app = Hollow(vault.app) if hollow else vault.app
        with Background(app, certificate=tls.server_file) as vault_url:
            yield Stand(entra=entra_url, identity=identity_url, vault=vault_url, tls=tls)


@pytest.fixture
def web(stand: Stand) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(stand.tls.ca_file))
    with httpx.Client(base_url=stand.vault, verify=trust, trust_env=False) as client:
        client.post("/_control/reset")
        client.post(f"{stand.entra}/_control/reset")
        yield client


@pytest.fixture
def identity(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{stand.identity}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "stand-identity-header")
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)


@pytest.fixture
def client(stand: Stand, web: httpx.Client, identity: None) -> Iterator[SecretClient]:
    with (
        ManagedIdentityCredential() as credential,
        SecretClient(
            vault_url=stand.vault,
            credential=credential,
            verify_challenge_resource=False,
            connection_verify=str(stand.tls.ca_file),
            retry_total=0,
        ) as secrets,
    ):
        yield secrets


def identity_token(stand: Stand, resource: str = "https://vault.azure.net") -> str:
    """Return a managed identity token, fetched without Microsoft's client."""
    response = httpx.get(
        f"{stand.identity}/msi/token",
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"X-IDENTITY-HEADER": "stand-identity-header"},
        trust_env=False,
    )
    token: str = response.json()["access_token"]
    return token


@pytest.fixture
def bearer(stand: Stand, web: httpx.Client) -> dict[str, Any]:
    """Headers and parameters of a well-formed request."""
    return {
        "headers": {"Authorization": f"Bearer {identity_token(stand)}"},
        "params": {"api-version": "7.6"},
    }
