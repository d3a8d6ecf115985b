"""What the storage emulator does, and what it says when it cannot run."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from local import azurite as module
from local.azurite import ROOT, Azurite, AzuriteError, free_port, is_free, start


def test_the_fixture_stores_messages(azurite: Azurite) -> None:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        queue = service.create_queue("azurite-fixture")
        queue.send_message("kept")
        assert [message.content for message in queue.receive_messages()] == ["kept"]


def test_it_outlives_the_thread_that_started_it_and_not_the_process(tmp_path: Path) -> None:
    port = free_port(consecutive=3)
    script = f"""
import sys, threading
from local import azurite
started = []
thread = threading.Thread(target=lambda: started.append(azurite.start(blob_port={port})))
thread.start()
thread.join()
print("started", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        assert not is_free(port)
        parent.kill()
    deadline = time.monotonic() + 20
    while not is_free(port):
        assert time.monotonic() < deadline, "Azurite goes on"
        time.sleep(0.05)


def test_missing_node_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AzuriteError, match="was not found on the PATH"):
        start(blob_port=free_port(consecutive=3))


def test_too_old_node_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.19.1\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AzuriteError, match=r"v18\.19\.1; Azurite needs 20 or newer"):
        start(blob_port=free_port(consecutive=3))


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SCRIPT", tmp_path / "absent.js")
    with pytest.raises(AzuriteError, match="run: npm ci"):
        start(blob_port=free_port(consecutive=3))


def test_taken_port_is_named() -> None:
    first = free_port(consecutive=3)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + 1))
        other.listen()
        with pytest.raises(AzuriteError, match=f"port {first + 1}, which Azurite needs, is taken"):
            start(blob_port=first)


def test_what_azurite_said_before_dying_is_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "azurite.js"
    script.write_text("console.error('disk on fire'); process.exit(3)")
    monkeypatch.setattr(module, "SCRIPT", script)
    with pytest.raises(AzuriteError, match=r"code 3\. disk on fire"):
        start(blob_port=free_port(consecutive=3), log_file=tmp_path / "log")


def test_an_azurite_that_never_opens_its_ports_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "azurite.js"
    script.write_text("setInterval(() => {}, 1000)")
    monkeypatch.setattr(module, "SCRIPT", script)
    with pytest.raises(AzuriteError, match="did not open its ports"):
        start(blob_port=free_port(consecutive=3), wait_seconds=0.3)
