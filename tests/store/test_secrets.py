"""The secrets: the contract, in memory and on the simulated vault, through the managed identity."""

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.entra.app import build as build_entra
from local.keyvault.app import build as build_vault
from local.simkit.background import Background
from local.simkit.tls import Certificates, certificates
from shared.errors import OperatorFault, Rejected, StoreFault, Throttled, Unavailable
from shared.ports import Secrets
from shared.store.azure import AppIdentity
from shared.store.memory import MemorySecrets
from shared.store.secrets import VaultSecrets
from tests.contracts.secrets import SecretsContract
from tests.support.values import StandingClock

CONSENT_APP = "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A vault, the Entra that it trusts, the managed identity's endpoint."""

    entra: str
    identity: str
    vault: str
    tls: Certificates

    def control(self, method: str, path: str, **options: Any) -> Any:
        trust = ssl.create_default_context(cafile=str(self.tls.ca_file))
        with httpx.Client(base_url=self.vault, verify=trust, trust_env=False) as client:
            return client.request(method, f"/_control/{path}", **options).raise_for_status().json()

    @property
    def vault_calls(self) -> list[str]:
        """The requests that the vault carried out or refused for cause, without the challenge that comes first."""
        requests = self.control("GET", "requests")["requests"]
        return [f"{item['method']} {item['path'].split('?')[0]}" for item in requests if item["status"] != 401]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    tls = certificates(tmp_path_factory.mktemp("tls"))
    entra = build_entra(["https://localhost:7443/api/integrations/outlook/callback"])
    with (
        Background(entra.app, certificate=tls.server_file) as entra_url,
        Background(entra.identity) as identity_url,
    ):
        vault = build_vault(jwks_url=f"{entra_url}/common/discovery/v2.0/keys", ca_file=tls.ca_file)
        with Background(vault.app, certificate=tls.server_file) as vault_url:
            yield Stand(entra=entra_url, identity=identity_url, vault=vault_url, tls=tls)


@pytest.fixture
def stand(running: Stand, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """The stand, emptied, and the environment that the app has in Azure: the consent app's ids are in it too."""
    running.control("POST", "reset")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{running.identity}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "stand-identity-header")
    monkeypatch.setenv("AZURE_CLIENT_ID", CONSENT_APP)
    monkeypatch.setenv("AZURE_TENANT_ID", "common")
    return running


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def secrets(stand: Stand, clock: StandingClock) -> AsyncIterator[VaultSecrets]:
    identity = AppIdentity(ca_file=str(stand.tls.ca_file))
    secrets = VaultSecrets(
        vault_url=stand.vault,
        credential=identity.credential,
        clock=clock,
        verify_challenge_resource=False,
        ca_file=str(stand.tls.ca_file),
        retries=0,
    )
    yield secrets
    await secrets.close()
    await identity.close()


class TestInMemory(SecretsContract):
    """In memory."""

    @pytest.fixture
    def secrets(self) -> Secrets:
        return MemorySecrets()


class TestOnTheVault(SecretsContract):
    """On the simulated vault; the module's ``secrets``."""


class TestOnAVaultWithPurgeProtection(SecretsContract):
    """The same where nothing may be purged: names are recovered."""

    @pytest.fixture
    def secrets(self, secrets: VaultSecrets, stand: Stand) -> Secrets:
        stand.control("POST", "knobs", json={"purgeProtection": True})
        return secrets


class TestOnAVaultThatDeniesPurging(SecretsContract):
    """The same where the role does not allow purging."""

    @pytest.fixture
    def secrets(self, secrets: VaultSecrets, stand: Stand) -> Secrets:
        stand.control("POST", "knobs", json={"deniedOperations": ["purge"]})
        return secrets


async def test_removed_means_purged_where_allowed(secrets: VaultSecrets, stand: Stand) -> None:
    await secrets.put("outlook-token-1", "x")
    await secrets.remove("outlook-token-1")
    assert stand.control("GET", "secrets")["secrets"] == []


async def test_each_put_is_a_version(secrets: VaultSecrets, stand: Stand) -> None:
    for value in ("a", "b"):
        await secrets.put("outlook-token-1", value)
    (held,) = stand.control("GET", "secrets")["secrets"]
    assert held["versions"] == 2


async def test_the_services_own_secrets_are_remembered(
    secrets: VaultSecrets, stand: Stand, clock: StandingClock
) -> None:
    name = "wedsync-service-token"
    stand.control("POST", "secrets", json={name: "old"})
    assert await secrets.get(name) == "old"
    stand.control("POST", "secrets", json={name: "new"})
    clock.advance(minutes=9)
    assert await secrets.get(name) == "old"
    assert stand.vault_calls.count(f"GET /secrets/{name}/") == 1
    clock.advance(minutes=1)
    assert await secrets.get(name) == "new"
    await secrets.put(name, "newest")
    assert await secrets.get(name) == "newest"
    await secrets.remove(name)
    assert await secrets.get(name) is None


async def test_users_tokens_are_not_remembered(secrets: VaultSecrets, stand: Stand) -> None:
    stand.control("POST", "secrets", json={"outlook-token-1": "old"})
    assert await secrets.get("outlook-token-1") == "old"
    stand.control("POST", "secrets", json={"outlook-token-1": "new"})
    assert await secrets.get("outlook-token-1") == "new"


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ({"status": 429, "code": "Throttled", "retry_after": 7}, Throttled),
        ({"status": 503}, Throttled),
        ({"status": 500}, Unavailable),
    ],
)
async def test_a_vault_in_trouble(
    secrets: VaultSecrets, stand: Stand, order: dict[str, Any], fault: type[Exception]
) -> None:
    assert await secrets.get("outlook-token-1") is None
    stand.control("POST", "faults", json={"action": "status", "path": "^/(deleted)?secrets", **order})
    for attempt in (secrets.get("x"), secrets.put("x", "y"), secrets.remove("x")):
        with pytest.raises(fault) as raised:
            await attempt
        if "retry_after" in order:
            assert getattr(raised.value, "retry_after", 0) == order["retry_after"]


async def test_without_permission(secrets: VaultSecrets, stand: Stand) -> None:
    stand.control("POST", "knobs", json={"deniedOperations": ["get", "set", "delete"]})
    for attempt in (secrets.get("x"), secrets.put("x", "y"), secrets.remove("x")):
        with pytest.raises(OperatorFault):
            await attempt


async def test_nobody_there(unused_url: str, clock: StandingClock, stand: Stand) -> None:
    identity = AppIdentity()
    secrets = VaultSecrets(
        vault_url=unused_url.replace("http:", "https:"), credential=identity.credential, clock=clock, retries=0
    )
    for attempt in (secrets.get("x"), secrets.put("x", "y"), secrets.remove("x")):
        with pytest.raises(Unavailable):
            await attempt
    await secrets.close()


async def test_a_certificate_that_is_not_trusted(stand: Stand, clock: StandingClock) -> None:
    identity = AppIdentity()
    secrets = VaultSecrets(
        vault_url=stand.vault,
        credential=identity.credential,
        clock=clock,
        verify_challenge_resource=False,
        retries=0,
    )
    with pytest.raises(Unavailable):
        await secrets.get("x")
    await secrets.close()
    await identity.close()


async def test_a_vault_that_asks_for_tokens_of_another_domain(stand: Stand, clock: StandingClock) -> None:
    ca_file = str(stand.tls.ca_file)
    identity = AppIdentity()
    secrets = VaultSecrets(
        vault_url=stand.vault, credential=identity.credential, clock=clock, ca_file=ca_file, retries=0
    )
    for attempt in (secrets.get("x"), secrets.put("x", "y"), secrets.remove("x")):
        with pytest.raises(OperatorFault):
            await attempt
    await secrets.close()
    await identity.close()


async def test_the_extra_ca_comes_beside_the_usual_ones(stand: Stand) -> None:
    from shared.store.azure import client_options  # noqa: PLC0415 - only this test looks inside

    transport = client_options(retries=0, ca_file=str(stand.tls.ca_file))["transport"]
    context = transport.session.connector._ssl
    usual = ssl.create_default_context().cert_store_stats()["x509_ca"]
    assert context.cert_store_stats()["x509_ca"] == usual + 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    await transport.close()


async def test_the_identity_is_not_the_app_that_users_consent_to(stand: Stand, secrets: VaultSecrets) -> None:
    # The endpoint refuses every client id but the identity's, and the environment names the consent app's.
    await secrets.put("outlook-token-1", "x")
    assert await secrets.get("outlook-token-1") == "x"


async def test_the_identity_that_is_named(far_end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{far_end.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "h")
    monkeypatch.setenv("AZURE_CLIENT_ID", CONSENT_APP)
    monkeypatch.setenv("AZURE_TENANT_ID", "11111111-2222-4333-8444-555555555555")
    far_end.answer(
        200,
        body=b'{"access_token":"t","expires_on":"4102444800","resource":"r","token_type":"Bearer"}',
        kind="application/json",
    )
    for named, expected in (("mine", "client_id=mine"), ("", "")):
        identity = AppIdentity(managed_identity_client_id=named)
        assert identity.credential() is identity.credential()
        token = await identity.credential().get_token("https://vault.azure.net/.default")
        assert token.token == "t"
        asked = far_end.requests[-1]
        assert expected in asked
        assert ("client_id" in asked) == bool(named)
        assert CONSENT_APP not in asked
        await identity.close()


async def test_what_is_checked_before_it_is_sent(secrets: VaultSecrets, stand: Stand) -> None:
    with pytest.raises(StoreFault):
        await secrets.put("a/b", "x")
    assert stand.vault_calls == []


@pytest.mark.parametrize("recovery", [{}, {"status": 500}, {"status": 409}])
async def test_a_name_that_stays_taken(secrets: VaultSecrets, stand: Stand, recovery: dict[str, Any]) -> None:
    assert await secrets.get("x") is None
    stand.control(
        "POST",
        "faults",
        json={"action": "status", "method": "PUT", "path": "^/secrets", "status": 409, "code": "Conflict"},
    )
    if recovery:
        stand.control("POST", "faults", json={"action": "status", "path": "^/deletedsecrets", **recovery})
    with pytest.raises(Unavailable):
        await secrets.put("x", "y")


async def test_a_request_that_the_vault_does_not_take(secrets: VaultSecrets, stand: Stand) -> None:
    assert await secrets.get("x") is None
    stand.control(
        "POST", "faults", json={"action": "status", "path": "^/secrets", "status": 400, "code": "BadParameter"}
    )
    with pytest.raises(Rejected):
        await secrets.put("x", "y")
