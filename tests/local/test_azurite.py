"""What the storage emulator does, and what it says when it cannot run."""

import socket
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from local import azurite as module
from local.azurite import Azurite, AzuriteError, free_port, start


def test_the_fixture_stores_messages(azurite: Azurite) -> None:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        queue = service.create_queue("azurite-fixture")
        queue.send_message("kept")
        assert [message.content for message in queue.receive_messages()] == ["kept"]


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
