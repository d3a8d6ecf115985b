"""The stand as an object and as ``make run``: what it makes, what it says when something is wrong, how it ends."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite, free_port, is_free
from local.children import ROOT, StandError
from local.entra.identity import API_VERSION, IDENTITY_HEADER
from local.provision import QUEUES, SECRETS, TABLES, create_storage
from local.simkit.trust import trust_command
from local.stand import Ports, Stand

SAMPLE_APP = ROOT / "tests" / "local" / "host" / "sample_app"


def sample_settings(folder: Path) -> dict[str, str]:
    return {
        "SAMPLE_NOTES": str(folder / "notes"),
        "LENDING_QUEUE": "lending",
        "CLOSING_SCHEDULE": "0 0 0 1 1 *",
        "RETRY_SCHEDULE": "0 0 0 1 1 *",
        "SampleStorage": "UseDevelopmentStorage=true",
    }


async def test_the_stand_brings_up_everything_and_hosts_come_and_go(tmp_path: Path) -> None:
    stand = Stand(work_folder=tmp_path, app_root=SAMPLE_APP, host_environment=sample_settings(tmp_path))
    async with stand:
        assert stand.dead() is None
        async with httpx.AsyncClient(verify=stand.trust, trust_env=False) as client:
            token = await client.get(
                stand.urls.identity,
                params={"api-version": API_VERSION, "resource": "https://vault.azure.net"},
                headers={"X-IDENTITY-HEADER": IDENTITY_HEADER},
            )
            bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
            for name, value in SECRETS.items():
                secret = await client.get(
                    f"{stand.urls.vault}/secrets/{name}/", params={"api-version": "2026-04-01"}, headers=bearer
                )
                assert secret.json()["value"] == value
            assert (await client.get(f"{stand.urls.public}/api/page")).text == "1"

            second = free_port(consecutive=2)
            await stand.start_host("host-2", port=second, https_port=second + 1)
            stand.kill_host()
            assert (await client.get(f"http://localhost:{second}/api/page")).text == "1"
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{stand.urls.host}/api/page")
            await stand.start_host()
            assert (await client.get(f"{stand.urls.host}/api/page")).text == "1"
            await stand.stop_host("host-2")
        assert "Functions.page" in stand.log("host-2")
        stand.children["graph"].kill()
        assert "graph ended with code -9" in (stand.dead() or "")
    assert [port for port in stand.ports.named().values() if not is_free(port)] == []


async def test_deployments_tables_and_queues_exist_and_a_second_time_is_no_error(azurite: Azurite) -> None:
    await create_storage(azurite.connection_string)
    await create_storage(azurite.connection_string)
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        assert set(TABLES) <= {table.name for table in tables.list_tables()}
    with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
        names = {item.name for item in queues.list_queues()}
    assert {*QUEUES, *(f"{name}-poison" for name in QUEUES)} <= names


async def test_a_taken_port_is_named_with_its_user(tmp_path: Path) -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.vault))
        other.listen()
        with pytest.raises(StandError, match=f"port {ports.vault}, which simulated Key Vault needs, is taken"):
            async with Stand(work_folder=tmp_path, ports=ports):
                pass
    assert is_free(ports.blob)


async def test_a_host_that_does_not_start_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    stand = Stand(work_folder=tmp_path, app_root=tmp_path / "app", season=False)
    with pytest.raises(StandError, match=r"(?s)host ended with code 1.*there is no host\.json"):
        async with stand:
            pass
    assert [port for port in stand.ports.named().values() if not is_free(port)] == []


class Up:
    """``python -m local.up`` as a person runs it, with what it prints."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        arguments = ["--free-ports", "--no-season", "--work-folder", str(folder), "--app-root", str(SAMPLE_APP)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.up", *arguments],
            cwd=ROOT,
            env={**os.environ, **sample_settings(folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str) -> None:
        while True:
            line = self._lines.get(timeout=90)
            assert line is not None, "".join(self.printed)
            if text in line:
                return

    def end(self) -> str:
        """Wait for the end and return everything printed."""
        self.process.wait(timeout=60)
        while self._lines.get(timeout=10) is not None:
            pass
        return "".join(self.printed)

    def left(self) -> list[int]:
        """Return the processes that carry this stand's environment: what it has left behind."""
        mark = f"SAMPLE_NOTES={self.folder}/notes".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if mark in environment.split(b"\0"):
                    found.append(int(entry.name))
        return found

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            self._lines.put(line)
        self._lines.put(None)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    yield up
    if up.process.poll() is None:
        up.process.terminate()
        up.process.wait(timeout=60)


def test_make_run_prints_where_everything_is_and_ends_cleanly_on_ctrl_c(running: Up) -> None:
    running.wait_for("Ctrl-C stops everything")
    running.process.send_signal(signal.SIGINT)
    printed = running.end()
    assert running.process.returncode == 0
    assert "Azurite: tables, queues and blobs" in printed
    assert "Open:         http://localhost:" in printed
    assert f"CA file:      {running.folder}/tls/ca.pem" in printed
    assert "fingerprint:  SHA-256 " in printed
    assert printed.endswith("stopping …\nstopped\n")
    assert running.left() == []


def test_ctrl_c_while_it_starts_leaves_nothing_behind(running: Up) -> None:
    running.wait_for("simulated entra")
    running.process.send_signal(signal.SIGINT)
    printed = running.end()
    assert running.process.returncode == 130
    assert "stopped before it was up" in printed
    assert running.left() == []


def test_a_part_that_dies_is_named_and_the_rest_is_stopped(running: Up) -> None:
    running.wait_for("Ctrl-C stops everything")
    entra = next(pid for pid in running.left() if b"local.entra" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(entra, signal.SIGKILL)
    printed = running.end()
    assert running.process.returncode == 1
    assert "The stand stopped: entra ended with code -9" in printed
    assert running.left() == []


def test_what_is_killed_takes_everything_along(running: Up) -> None:
    running.wait_for("Ctrl-C stops everything")
    assert len(running.left()) >= 8
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + 20
    while left := running.left():
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        time.sleep(0.1)


def test_make_run_without_node_says_so(tmp_path: Path) -> None:
    up = Up(tmp_path, PATH=str(tmp_path))
    printed = up.end()
    assert up.process.returncode == 1
    assert "Node.js was not found on the PATH; install Node.js 20 or newer" in printed


def test_make_run_repeats_why_azurite_did_not_start(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo v20.1.0; else echo no memory left; exit 3; fi\n')
    node.chmod(0o755)
    up = Up(tmp_path, PATH=str(tmp_path))
    printed = up.end()
    assert up.process.returncode == 1
    assert "Azurite ended at once with code 3. no memory left" in printed


def test_the_command_to_trust_the_ca_is_quoted() -> None:
    assert "'/tmp/a b/ca.pem'" in trust_command(Path("/tmp/a b/ca.pem"))
