"""App settings, ``%NAME%`` and connections: functions.md 1.1, 2.5."""

import json
import re
from pathlib import Path

import pytest

from local.host.errors import FunctionError, StartupError
from local.host.script_host import host_id
from local.host.settings import LocalHost, apply_local_settings, is_disabled, resolve
from local.host.storage import Storage
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources


@behaviour("H75", Grade.DOCUMENTED, sources.CORE_TOOLS, sources.LOCAL_PAGE)
def test_h75_values_fill_the_environment_where_nothing_is_set(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    values = {"A": "file", "B": "file", "EMPTY": "", "NULL": None}
    host = {"LocalHttpPort": 7072, "CORS": "https://a.example, https://b.example", "CORSCredentials": True}
    file.write_text(json.dumps({"IsEncrypted": False, "Values": values, "Host": host}))
    environment = {"B": "environment"}
    local = apply_local_settings(file, environment)
    assert environment == {"A": "file", "B": "environment", "EMPTY": ""}
    assert local == LocalHost(port=7072, cors_origins=("https://a.example", "https://b.example"), cors_credentials=True)


def test_no_file_is_no_settings(tmp_path: Path) -> None:
    assert apply_local_settings(tmp_path / "absent.json", {}) == LocalHost()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"IsEncrypted": true}',
        '{"Values": {"A": 1}}',
        '{"Values": ["A"]}',
        '{"Host": "localhost"}',
        '{"Host": {"LocalHttpPort": "none"}}',
        '{"Host": {"LocalHttpPort": 0}}',
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(content)
    with pytest.raises(StartupError, match=r"local\.settings\.json"):
        apply_local_settings(file, {})


@behaviour("H76", Grade.DOCUMENTED, sources.SETTING_NAMES)
def test_h76_names_between_percent_signs_are_settings() -> None:
    assert resolve("a-%Q%-b", {"Q": "queue"}) == "a-queue-b"
    with pytest.raises(FunctionError, match="'%Q%' does not resolve to a value"):
        resolve("%Q%", {})
    with pytest.raises(FunctionError, match="The '%' at position 1 does not have a closing '%'"):
        resolve("a%Q", {"Q": "queue"})
    with pytest.raises(FunctionError, match="'%%' does not resolve to a value"):
        resolve("a%%b", {})


@behaviour("H9", Grade.ASSUMED, sources.DISABLE_PAGE)
@pytest.mark.parametrize(("value", "disabled"), [("1", True), ("True", True), ("0", False), ("", False)])
def test_h09_a_function_is_disabled_by_a_setting(value: str, disabled: bool) -> None:
    assert is_disabled("f", {"AzureWebJobs.f.Disabled": value}) is disabled
    assert is_disabled("f", {"AzureWebJobs_f_Disabled": value}) is disabled


@behaviour("H80", Grade.DOCUMENTED, sources.HOST_ID, sources.HOST_ID_COLLISION)
def test_h80_the_host_id_is_as_set_or_the_sites_or_the_machines(tmp_path: Path) -> None:
    assert host_id(tmp_path, {"AzureFunctionsWebHost__hostid": "given", "WEBSITE_SITE_NAME": "site"}) == "given"
    assert host_id(tmp_path, {"WEBSITE_SITE_NAME": "My-Site", "WEBSITE_SLOT_NAME": "Staging"}) == "my-site-staging"
    # Cut at 32 characters, two long names become one: their timers then share a lease.
    assert host_id(tmp_path, {"WEBSITE_SITE_NAME": "x" * 31 + "-one"}) == "x" * 31
    assert re.fullmatch(r"[a-z0-9]{1,20}-\d{1,10}", host_id(tmp_path, {}))
    assert host_id(tmp_path, {}) != host_id(tmp_path / "other", {})


@behaviour("H80", Grade.ASSUMED, sources.HOST_ID)
@pytest.mark.parametrize("given", ["Upper", "x" * 33, "-x", "x-", "a--b", "a_b"])
def test_h80_a_host_id_that_is_no_host_id_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(StartupError, match="between 1 and 32 characters"):
        host_id(tmp_path, {"AzureFunctionsWebHost__hostid": given})


@behaviour("H77", Grade.DOCUMENTED, sources.SETTING_NAMES)
async def test_h77_a_connection_is_looked_up_with_the_prefix_first() -> None:
    template = "DefaultEndpointsProtocol=https;AccountName={};AccountKey=a2V5;EndpointSuffix=core.windows.net"
    storage = Storage({"AzureWebJobsX": template.format("first"), "X": template.format("second")})
    assert storage.queue("X", "q").account_name == "first"
    await storage.close()


@behaviour("H78", Grade.DOCUMENTED, sources.CONNECTIONS_PAGE)
async def test_h78_an_identity_connection_is_known_by_its_uri_or_account() -> None:
    storage = Storage(
        {
            "A__accountName": "account",
            "B__queueServiceUri": "https://other.queue.core.windows.net",
            "B__credential": "managedidentity",
            "B__clientId": "some-id",
        }
    )
    assert storage.has("A")
    assert storage.queue("A", "q").url == "https://account.queue.core.windows.net/q"
    assert storage.queue("B", "q").url == "https://other.queue.core.windows.net/q"
    await storage.close()


def test_a_connection_without_settings_is_an_error_of_the_function() -> None:
    assert not Storage({}).has("X")
    with pytest.raises(FunctionError, match="'AzureWebJobsX' does not exist"):
        Storage({}).queue("X", "q")
