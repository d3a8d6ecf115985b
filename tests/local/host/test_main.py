"""Starting: what the host reads, and what it says when it cannot start."""

import json
import re
import shutil
import socket
from pathlib import Path

import httpx
import pytest

from local.host.errors import StartupError
from local.host.worker_process import WorkerProcess
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import ROOT, SAMPLE_APP, Starter

APP = "import azure.functions as func\napp = func.FunctionApp()\n"


def app_folder(folder: Path, code: str | None, host_json: str = '{"version": "2.0"}') -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "host.json").write_text(host_json)
    if code is not None:
        (folder / "function_app.py").write_text(code)
    return folder


@behaviour("H36", Grade.DOCUMENTED, sources.WORKER)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (None, "there is no function_app.py"),
        ("import nothing_like_this", "Cannot find module"),
        ("x = 1", "Could not find top level function app instances"),
        (
            APP + "@app.route(route='a')\ndef a(wrong: func.HttpRequest) -> str: return ''",
            "the worker could not index function_app.py: FunctionLoadError",
        ),
        (
            APP + "@app.queue_trigger('msg', 'q', 'C')\ndef a(msg: func.HttpRequest): pass",
            "the worker could not index function_app.py: FunctionLoadError",
        ),
        (
            APP + "@app.route(route='a')\ndef a(req): return ''\n@app.route(route='b', methods=['GET'])\n"
            "@app.function_name('a')\ndef b(req): return ''",
            "does not have a unique function name",
        ),
    ],
)
async def test_h36_an_app_that_the_worker_cannot_index_fails_as_a_whole(
    tmp_path: Path, code: str | None, message: str
) -> None:
    worker = WorkerProcess(app_folder(tmp_path, code), levels={})
    await worker.begin()
    with pytest.raises(StartupError, match=re.escape(message)):
        await worker.functions()
    await worker.stop(5)


def test_a_host_without_functions_says_why_it_cannot_start(run_host: Starter, tmp_path: Path) -> None:
    host = run_host(app_root=app_folder(tmp_path, "import nothing_like_this"), wait=False)
    assert host.process.wait(timeout=30) == 1
    assert "The host cannot start: the worker could not index function_app.py" in host.log


@behaviour("H73", Grade.DOCUMENTED, sources.QUEUES)
def test_h73_a_wrong_host_json_is_named(run_host: Starter, tmp_path: Path) -> None:
    wrong = '{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}'
    host = run_host(app_root=app_folder(tmp_path, APP, wrong), wait=False)
    assert host.process.wait(timeout=30) == 1
    assert "host.json: extensions:queues:batchSize must be between 1 and 32, not 33" in host.log


@behaviour("H79", Grade.DOCUMENTED, sources.CORE_TOOLS)
def test_h79_timers_and_queues_need_host_storage(run_host: Starter) -> None:
    host = run_host(wait=False, AzureWebJobsStorage="")
    assert host.process.wait(timeout=30) == 1
    assert "Missing value for AzureWebJobsStorage" in host.log


def test_a_taken_port_is_named(run_host: Starter) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        host = run_host("--port", str(port), wait=False)
        assert host.process.wait(timeout=30) == 1
    assert f"Port {port} is unavailable" in host.log


@behaviour("H75", Grade.DOCUMENTED, sources.CORE_TOOLS, sources.LOCAL_PAGE)
def test_h75_local_settings_are_read_and_the_environment_wins(run_host: Starter, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(SAMPLE_APP, app)
    settings = {
        "IsEncrypted": False,
        "Values": {"LENDING_QUEUE": "from-file", "AzureWebJobs.gone.Disabled": "true"},
        "Host": {"CORS": "https://app.example"},
    }
    (app / "local.settings.json").write_text(json.dumps(settings))
    host = run_host(app_root=app)
    assert "Skipping 'LENDING_QUEUE' from local settings as it's already defined" in host.log
    assert httpx.get(f"{host.url}/api/gone", trust_env=False).status_code == 404
    allowed = httpx.get(f"{host.url}/api/page", headers={"Origin": "https://app.example"}, trust_env=False)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"


@behaviour("H81", Grade.DOCUMENTED, sources.CORE_TOOLS, sources.LOCAL_PAGE)
def test_h81_without_cors_settings_the_app_answers_preflights(client: httpx.Client) -> None:
    asked = client.options("/api/page", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"})
    assert "access-control-allow-origin" not in asked.headers
    assert asked.text == "1"


def test_nothing_in_the_host_names_this_product() -> None:
    for file in (ROOT / "local" / "host").rglob("*.py"):
        text = file.read_text().lower()
        for word in ("wedsync", "outlook", "graph", "entra", "from shared", "import shared"):
            assert word not in text, f"{file} names {word}"
