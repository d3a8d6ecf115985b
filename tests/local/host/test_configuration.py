"""host.json and its overrides: functions.md 2.1, 2.2, 2.5."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.host.configuration import HostOptions, load_host_json
from local.host.errors import StartupError
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources


def load(folder: Path, content: dict[str, Any], **environment: str) -> HostOptions:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    return load_host_json(folder, environment)


@behaviour("H72", Grade.DOCUMENTED, sources.QUEUES, sources.HTTP_OPTIONS, sources.SINGLETON)
def test_h72_defaults_are_the_hosts(tmp_path: Path) -> None:
    options = load(tmp_path, {})
    assert options.http.route_prefix == "api"
    assert options.http.body_limit == 104_857_600
    assert options.function_timeout == 1800
    queues = options.queues
    assert (queues.batch_size, queues.max_polling_interval, queues.max_dequeue_count) == (16, 60, 5)
    assert (queues.visibility_timeout, queues.base64) == (0, True)
    assert (options.singleton.lock_period, options.singleton.recovery_interval) == (60, 60)


def test_members_are_read_without_case(tmp_path: Path) -> None:
    options = load(
        tmp_path,
        {
            "functionTimeout": "-1",
            "extensions": {
                "HTTP": {"routeprefix": "", "customHeaders": {"X-Frame-Options": "DENY"}},
                "queues": {
                    "batchSize": 4,
                    "newBatchThreshold": 1,
                    "maxPollingInterval": "00:00:00.5",
                    "messageEncoding": "none",
                },
            },
            "logging": {"logLevel": {"default": "Warning"}},
        },
    )
    assert options.function_timeout is None
    assert (options.http.route_prefix, options.http.custom_headers) == ("", {"x-frame-options": "DENY"})
    queues = options.queues
    assert (queues.batch_size, queues.new_batch_threshold, queues.base64) == (4, 1, False)
    assert queues.max_polling_interval == 0.5
    assert options.log_levels == {"default": "Warning"}


@behaviour("H41", Grade.DOCUMENTED, sources.QUEUES)
def test_h41_the_defaults_of_queues(tmp_path: Path) -> None:
    queues = load(tmp_path, {}).queues
    assert (queues.batch_size, queues.max_polling_interval, queues.visibility_timeout) == (16, 60, 0)
    assert (queues.max_dequeue_count, queues.base64) == (5, True)
    assert queues.new_batch_threshold == 8 * (os.cpu_count() or 1)
    assert load(tmp_path, {"extensions": {"queues": {"batchSize": 32}}}).queues.batch_size == 32


@behaviour("H74", Grade.DOCUMENTED, sources.BUNDLE)
@pytest.mark.parametrize("bundle", [{"id": "x"}, {"version": "[4.*, 5.0.0)"}, {"id": "x", "version": "4.0"}])
def test_h74_a_bundle_has_an_id_and_a_range_of_versions(tmp_path: Path, bundle: dict[str, str]) -> None:
    with pytest.raises(StartupError, match=r"property in extensionBundle section of host\.json file is invalid"):
        load(tmp_path, {"extensionBundle": bundle})
    assert load(tmp_path, {"extensionBundle": {"id": "a.b", "version": "[4.*, 5.0.0)"}}).bundled


@behaviour("H72", Grade.DOCUMENTED, sources.HOST_JSON, sources.HOST_JSON_PAGE)
def test_h72_the_environment_overrides_the_file(tmp_path: Path) -> None:
    options = load(
        tmp_path,
        {"extensions": {"queues": {"maxDequeueCount": 7}}},
        AzureFunctionsJobHost__extensions__queues__maxDequeueCount="9",
        AzureFunctionsJobHost__extensions__queues__batchSize="2",
    )
    assert (options.queues.max_dequeue_count, options.queues.batch_size) == (9, 2)


@behaviour("H73", Grade.DOCUMENTED, sources.QUEUES)
@pytest.mark.parametrize(
    "queues",
    [
        {"batchSize": 0},
        {"batchSize": "many"},
        {"newBatchThreshold": -1},
        {"maxPollingInterval": "00:00:00.050"},
        {"maxPollingInterval": "2 seconds"},
        {"maxDequeueCount": 0},
        {"messageEncoding": "utf8"},
    ],
)
def test_h73_values_out_of_range_are_refused(tmp_path: Path, queues: dict[str, Any]) -> None:
    with pytest.raises(StartupError, match=next(iter(queues))):
        load(tmp_path, {"extensions": {"queues": queues}})


@behaviour("H73", Grade.DOCUMENTED, sources.LOG_LEVELS)
@pytest.mark.parametrize("level", ["Warn", "Info", "verbose"])
def test_h73_a_log_level_that_is_none_is_refused(tmp_path: Path, level: str) -> None:
    with pytest.raises(StartupError, match=f"Configuration value '{level}' is not supported"):
        load(tmp_path, {"logging": {"logLevel": {"default": "information", "Function": level}}})
    assert load(tmp_path, {"logging": {"logLevel": {"default": "", "Function": None}}}).log_levels == {}


@behaviour("H73", Grade.ASSUMED, sources.TEMPLATE_PARSER)
def test_h73_a_route_prefix_that_is_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="extensions:http:routePrefix"):
        load(tmp_path, {"extensions": {"http": {"routePrefix": "api/{"}}})


@behaviour("H73", Grade.DOCUMENTED, sources.HOST_JSON)
def test_h73_a_missing_or_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"no host\.json"):
        load_host_json(tmp_path, {})
    (tmp_path / "host.json").write_text('{"version": "1.0"}')
    with pytest.raises(StartupError, match="version"):
        load_host_json(tmp_path, {})


def test_the_repositorys_own_host_json_is_valid() -> None:
    root = Path(__file__).resolve().parents[3]
    options = load_host_json(root, {})
    assert (options.queues.max_polling_interval, options.queues.visibility_timeout) == (0.5, 10)
