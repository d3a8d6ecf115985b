"""Access keys, enforced: functions.md 2.1 and 2.5."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from local.host.identifiable import FUNCTION_SEED, MASTER_SEED, checksum, marvin, new_key
from local.host.keys import KeyRing, Keys
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter


@pytest.fixture(scope="module")
def guarded(run_host: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Ask a host that enforces the keys of a file."""
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    content = {
        "masterKey": "master",
        "systemKeys": {"x": "system"},
        "hostKeys": {"default": "host"},
        "functionKeys": {"guarded": {"default": "own"}, "fail": {"default": "other"}},
    }
    keys.write_text(json.dumps(content))
    host = run_host("--enable-auth", "--keys", str(keys), **{"AzureWebJobs.switched_off.Disabled": "1"})
    with httpx.Client(base_url=host.url, trust_env=False, timeout=20) as client:
        yield client


def status(client: httpx.Client, path: str, key: str) -> int:
    return client.get(path, headers={"x-functions-key": key}).status_code


@behaviour("H11", Grade.DOCUMENTED, sources.KEY_LEVELS, sources.AUTHORIZATION)
@pytest.mark.parametrize(
    ("key", "expected"),
    [("", 401), ("wrong", 401), ("other", 401), ("system", 401), ("host", 200), ("own", 200), ("master", 200)],
)
def test_h11_a_function_takes_its_own_key_the_hosts_or_the_master(
    guarded: httpx.Client, key: str, expected: int
) -> None:
    by_query = guarded.get(f"/api/guarded?code={key}")
    assert (by_query.status_code, status(guarded, "/api/guarded", key)) == (expected, expected)
    if expected == 401:
        assert by_query.content == b""


@behaviour("H12", Grade.DOCUMENTED, sources.KEY_LEVELS)
def test_h12_the_headers_key_comes_first_and_a_wrong_one_is_no_harm_where_none_is_asked(guarded: httpx.Client) -> None:
    assert guarded.get("/api/guarded?code=own", headers={"x-functions-key": "wrong"}).status_code == 401
    assert guarded.get("/api/guarded?code=wrong", headers={"x-functions-key": "own"}).status_code == 200
    assert guarded.get("/api/page?code=wrong").status_code == 200


@behaviour("H8", Grade.DOCUMENTED, sources.INVOCATION, sources.AUTHORIZATION)
def test_h08_no_route_comes_before_no_key_and_no_key_before_the_run(guarded: httpx.Client) -> None:
    assert status(guarded, "/api/nowhere", "wrong") == 404
    assert status(guarded, "/api/guarded", "wrong") == 401
    assert status(guarded, "/api/switched-off", "wrong") == 404
    assert status(guarded, "/api/fail", "wrong") == 500


@behaviour("H9", Grade.DOCUMENTED, sources.INVOCATION, sources.HOST_API)
def test_h09_the_master_key_alone_opens_a_disabled_function_and_the_admin_api(guarded: httpx.Client) -> None:
    for path, refusal in (("/api/switched-off", 404), ("/admin/host/status", 401), ("/admin/functions", 401)):
        assert (status(guarded, path, "host"), status(guarded, path, "master")) == (refusal, 200)
    assert status(guarded, "/admin/host/ping", "") == 200


@behaviour("H14", Grade.DOCUMENTED, sources.SECRETS, sources.KEY_LEVELS)
async def test_h14_an_unknown_key_has_them_read_again_once_a_minute() -> None:
    now, reads, stored = [0.0], [0], Keys(host={"default": "first"})

    async def read() -> Keys:
        reads[0] += 1
        return stored

    ring = KeyRing(read, clock=lambda: now[0])
    assert await ring.level("first") == "FUNCTION"
    stored = Keys(host={"default": "second"})
    now[0] = 59
    assert (await ring.level("second"), await ring.level("first"), reads) == ("ANONYMOUS", "FUNCTION", [1])
    now[0] = 60
    assert (await ring.level("second"), await ring.level("first"), reads) == ("FUNCTION", "ANONYMOUS", [2])


@behaviour("H15", Grade.DOCUMENTED, sources.KEY_BLOBS, sources.SECRETS)
def test_h15_keys_are_blobs_that_the_first_use_makes(strict: RunningHost, azurite: Azurite) -> None:
    with ContainerClient.from_connection_string(azurite.connection_string, "azure-webjobs-secrets") as container:
        assert not list(container.list_blobs("strictsite/")) if container.exists() else True
        assert ask(strict, "/api/guarded", "wrong") == 401
        host = json.loads(container.download_blob("strictsite/host.json").readall())
        own = json.loads(container.download_blob("strictsite/guarded.json").readall())
    master, default = host["masterKey"]["value"], host["functionKeys"][0]["value"]
    assert (host["masterKey"]["name"], host["functionKeys"][0]["name"], host["systemKeys"]) == ("master", "default", [])
    assert [ask(strict, "/api/guarded", key) for key in (master, default, own["keys"][0]["value"])] == [200] * 3


def ask(host: RunningHost, path: str, key: str) -> int:
    return httpx.get(f"{host.url}{path}", headers={"x-functions-key": key}, trust_env=False).status_code


@pytest.fixture(scope="module")
def strict(run_host: Starter) -> RunningHost:
    """Start a host of a site that enforces the keys in its blobs and lets nobody administer it."""
    return run_host("--enable-auth", WEBSITE_SITE_NAME="StrictSite", FUNCTIONS_ADMIN_ISOLATION_ENABLED="1")


@behaviour("H33", Grade.DOCUMENTED, sources.ISOLATION, sources.ISOLATION_PROPERTY)
def test_h33_an_isolated_admin_api_refuses_even_the_master_key(strict: RunningHost, azurite: Azurite) -> None:
    assert ask(strict, "/admin/host/status", "wrong") == 401
    with ContainerClient.from_connection_string(azurite.connection_string, "azure-webjobs-secrets") as container:
        host = json.loads(container.download_blob("strictsite/host.json").readall())
    assert ask(strict, "/admin/host/status", host["masterKey"]["value"]) == 403
    assert ask(strict, "/admin/host/ping", "") == 200


@behaviour("H15", Grade.DOCUMENTED, sources.SECRET_GENERATOR)
def test_h15_a_key_has_forty_bytes_a_mark_and_a_checksum() -> None:
    assert re.fullmatch(r"[\w-]{44}AzFu[\w-]{5}[AQgw]==", new_key(MASTER_SEED))
    assert checksum(b"x" * 36, MASTER_SEED) != checksum(b"x" * 36, FUNCTION_SEED)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("", 0x30ED35C100CD3C7D), ("af", 0x48E73FC77D75DDC1), ("e70f", 0xB5F6E1FC485DBFF8)],
)
def test_the_checksum_is_marvin(content: str, expected: int) -> None:
    # The vectors that .NET tests its own implementation with.
    low, high = marvin(bytes.fromhex(content), 0x004FB61A001BDBCC)
    assert high << 32 | low == expected
