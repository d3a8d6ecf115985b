"""``azure-keyvault-secrets`` with ``azure-identity``, unmodified, against the vault and the identity endpoint."""

import httpx
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from tests.local.evidence import Grade, behaviour
from tests.local.keyvault.conftest import Stand
from tests.local.keyvault.sources import (
    ABOUT,
    DELETED_NAME_SEEN,
    DISABLED_SEEN,
    ERROR_CODES,
    LIST,
    PURGE_PROTECTION_SEEN,
    SDK,
    SET,
    SETTLING_SEEN,
    SOFT_DELETE,
    THROTTLING,
)


@behaviour("K3", Grade.DOCUMENTED, SDK)
def test_k03_a_secret_is_set_read_and_versioned(client: SecretClient) -> None:
    first = client.set_secret("outlook-token-1", "one", tags={"owner": "rose"}, content_type="text/plain")
    second = client.set_secret("outlook-token-1", "two")
    read = client.get_secret("outlook-token-1")
    assert read.value == "two"
    assert read.properties.version == second.properties.version
    old = client.get_secret("outlook-token-1", first.properties.version)
    assert (old.value, old.properties.tags, old.properties.content_type) == ("one", {"owner": "rose"}, "text/plain")
    assert old.properties.recovery_level == "Recoverable+Purgeable"


@behaviour("K11", Grade.DOCUMENTED, SDK, ERROR_CODES)
def test_k11_missing_secrets_and_versions_are_not_found(client: SecretClient) -> None:
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        client.get_secret("never-set")
    client.set_secret("set", "x")
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("set", "0" * 32)


@behaviour("K10", Grade.DOCUMENTED, SDK, LIST)
def test_k10_lists_page_through_all_secrets_and_versions(client: SecretClient) -> None:
    names = {f"name-{number:02}" for number in range(27)}
    for name in names:
        client.set_secret(name, "x")
    for _ in range(2):
        client.set_secret("name-00", "y")
    pages = list(client.list_properties_of_secrets(max_page_size=10).by_page())
    seen = [[item.name for item in page] for page in pages]
    assert [len(page) for page in seen] == [10, 10, 7]
    assert {name for page in seen for name in page} == names
    versions = [item.version for item in client.list_properties_of_secret_versions("name-00")]
    assert len(versions) == 3
    assert versions == sorted(str(version) for version in versions)


@behaviour("K11", Grade.REPORTED, SDK, DISABLED_SEEN)
def test_k11_update_changes_attributes_and_never_the_value(client: SecretClient) -> None:
    made = client.set_secret("named", "kept")
    updated = client.update_secret_properties("named", enabled=False, tags={"a": "b"})
    assert updated.enabled is False
    assert updated.version == made.properties.version
    with pytest.raises(HttpResponseError, match="SecretDisabled") as refused:
        client.get_secret("named")
    assert refused.value.status_code == 403
    client.update_secret_properties("named", made.properties.version, enabled=True)
    assert client.get_secret("named").value == "kept"


@behaviour("K8", Grade.REPORTED, DELETED_NAME_SEEN, SOFT_DELETE)
def test_k08_soft_delete_blocks_the_name_until_recovered(client: SecretClient) -> None:
    client.set_secret("gone", "x")
    deleted = client.begin_delete_secret("gone").result()
    assert deleted.scheduled_purge_date is not None
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("gone")
    with pytest.raises(HttpResponseError, match="ObjectIsDeletedButRecoverable") as refused:
        client.set_secret("gone", "y")
    assert refused.value.status_code == 409
    assert [item.name for item in client.list_deleted_secrets()] == ["gone"]
    client.begin_recover_deleted_secret("gone").result()
    assert client.get_secret("gone").value == "x"


@behaviour("K9", Grade.DOCUMENTED, SOFT_DELETE)
def test_k09_purge_frees_the_name(client: SecretClient) -> None:
    client.set_secret("gone", "x")
    client.begin_delete_secret("gone").result()
    client.purge_deleted_secret("gone")
    with pytest.raises(ResourceNotFoundError):
        client.get_deleted_secret("gone")
    assert client.set_secret("gone", "anew").value == "anew"


@behaviour("K9", Grade.REPORTED, PURGE_PROTECTION_SEEN, SOFT_DELETE, knobs=("purgeProtection",))
def test_k09_purge_protection_refuses_a_purge(client: SecretClient, web: httpx.Client) -> None:
    web.post("/_control/knobs", json={"purgeProtection": True})
    client.set_secret("gone", "x")
    client.begin_delete_secret("gone").result()
    with pytest.raises(HttpResponseError, match="purge protection is enabled") as refused:
        client.purge_deleted_secret("gone")
    assert refused.value.status_code == 403
    assert client.get_deleted_secret("gone").properties.recovery_level == "Recoverable"


@pytest.mark.parametrize("name", ["with_underscore", "with/slash", "a" * 128])
@behaviour("K4", Grade.DOCUMENTED, SET)
def test_k04_bad_names_are_refused(client: SecretClient, name: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        client.set_secret(name, "x")
    assert refused.value.status_code in (400, 405)


@behaviour("K5", Grade.DOCUMENTED, ABOUT)
def test_k05_values_end_at_25_kilobytes(client: SecretClient) -> None:
    assert client.set_secret("long", "x" * 25600).value == "x" * 25600
    with pytest.raises(HttpResponseError, match="BadParameter"):
        client.set_secret("long", "ü" * 12801)


@behaviour("K3", Grade.DOCUMENTED, SDK)
async def test_k03_the_async_client_works_too(stand: Stand, web: httpx.Client, identity: None) -> None:
    async with (
        AsyncManagedIdentityCredential() as credential,
        AsyncSecretClient(
            vault_url=stand.vault,
            credential=credential,
            verify_challenge_resource=False,
            connection_verify=str(stand.tls.ca_file),
        ) as client,
    ):
        await client.set_secret("async", "x")
        assert (await client.get_secret("async")).value == "x"
        await client.delete_secret("async")
        assert [item.name async for item in client.list_deleted_secrets()] == ["async"]


@behaviour("K1", Grade.DOCUMENTED, SDK)
def test_k01_a_client_secret_credential_works_end_to_end(stand: Stand, web: httpx.Client) -> None:
    with (
        ClientSecretCredential(
            "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
            "stand-client-secret",
            authority=stand.entra,
            disable_instance_discovery=True,
            connection_verify=str(stand.tls.ca_file),
        ) as credential,
        SecretClient(
            vault_url=stand.vault,
            credential=credential,
            verify_challenge_resource=False,
            connection_verify=str(stand.tls.ca_file),
        ) as client,
    ):
        assert client.set_secret("mine", "x").value == "x"


def test_the_entra_client_id_names_no_managed_identity(stand: Stand, web: httpx.Client, identity: None) -> None:
    with (
        ManagedIdentityCredential(client_id="7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10") as credential,
        pytest.raises(ClientAuthenticationError, match="No User Assigned"),
    ):
        credential.get_token("https://vault.azure.net/.default")
    with ManagedIdentityCredential(client_id="3f9b2c64-8f0e-4a51-b6d3-0c7e5a914d20") as credential:
        assert credential.get_token("https://vault.azure.net/.default").token


@behaviour("K7", Grade.REPORTED, SETTLING_SEEN, SDK, knobs=("settleSeconds",))
def test_k07_a_slow_deletion_is_waited_for(client: SecretClient, web: httpx.Client) -> None:
    web.post("/_control/knobs", json={"settleSeconds": 3})
    client.set_secret("slow", "x")
    poller = client.begin_delete_secret("slow")
    with pytest.raises(HttpResponseError, match="ObjectIsBeingDeleted"):
        client.set_secret("slow", "y")
    with pytest.raises(ResourceNotFoundError):
        client.get_deleted_secret("slow")
    web.post("/_control/clock", json={"advanceSeconds": 4})
    poller.wait()
    assert client.get_deleted_secret("slow").name == "slow"


@behaviour("K1", Grade.DOCUMENTED, SDK)
def test_k01_the_client_trusts_no_challenge_for_another_host_by_itself(
    stand: Stand, web: httpx.Client, identity: None
) -> None:
    with (
        ManagedIdentityCredential() as credential,
        SecretClient(vault_url=stand.vault, credential=credential, connection_verify=str(stand.tls.ca_file)) as strict,
        pytest.raises(ValueError, match=r"vault\.azure\.net"),
    ):
        strict.get_secret("any")


@behaviour("K7", Grade.DOCUMENTED, SDK)
async def test_k07_the_async_client_deletes_recovers_and_purges(
    stand: Stand, web: httpx.Client, identity: None
) -> None:
    async with (
        AsyncManagedIdentityCredential() as credential,
        AsyncSecretClient(
            vault_url=stand.vault,
            credential=credential,
            verify_challenge_resource=False,
            connection_verify=str(stand.tls.ca_file),
        ) as client,
    ):
        await client.set_secret("a", "x", content_type="text/plain", tags={"k": "v"})
        gone = await client.delete_secret("a")
        assert (gone.name, gone.scheduled_purge_date is not None) == ("a", True)
        with pytest.raises(ResourceExistsError, match="ObjectIsDeletedButRecoverable"):
            await client.set_secret("a", "y")
        recovered = await client.recover_deleted_secret("a")
        assert (recovered.tags, recovered.content_type) == ({"k": "v"}, "text/plain")
        await client.delete_secret("a")
        await client.purge_deleted_secret("a")
        with pytest.raises(ResourceNotFoundError):
            await client.get_deleted_secret("a")
        names = {f"n{number}" for number in range(30)}
        for name in names:
            await client.set_secret(name, "x")
        assert {item.name async for item in client.list_properties_of_secrets()} == names


@behaviour("K12", Grade.DOCUMENTED, SDK, THROTTLING)
def test_k12_the_client_waits_as_told_and_tries_again(client: SecretClient, web: httpx.Client, stand: Stand) -> None:
    with (
        ManagedIdentityCredential() as credential,
        SecretClient(
            vault_url=stand.vault,
            credential=credential,
            verify_challenge_resource=False,
            connection_verify=str(stand.tls.ca_file),
        ) as patient,
    ):
        patient.set_secret("a", "x")
        web.post("/_control/faults", json={"action": "status", "status": 429, "retry_after": 0.2, "count": 2})
        assert patient.get_secret("a").value == "x"
    statuses = [entry["status"] for entry in web.get("/_control/requests").json()["requests"]]
    assert statuses[-3:] == [429, 429, 200]
    web.post("/_control/faults", json={"action": "status", "status": 429, "count": 1})
    with pytest.raises(HttpResponseError, match="Throttled"):
        client.get_secret("a")
