"""Azurite, Microsoft's storage emulator, as a child process on three consecutive ports.

Facts: Azurite's ports are fixed by the caller (it knows no port 0); ``--skipApiVersionCheck`` is needed because the
current SDKs send an API version that no published Azurite accepts. Everything is kept in memory: the simulators beside
it keep nothing over a restart either, and half a memory would be worse than none.
"""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import lifeline
from local.simkit.clock import VARIABLE

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
MOVED_DATE = ROOT / "local" / "simkit" / "moved_date.cjs"
LIFELINE = ROOT / "local" / "lifeline.cjs"
OLDEST_NODE = 20
ACCOUNT = "devstoreaccount1"
# Published by Microsoft for every emulator; it protects nothing.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzuriteError(RuntimeError):
    """Azurite cannot run here; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Azurite:
    """A running Azurite. ``connection_string`` is what the storage SDKs take."""

    blob_port: int
    process: subprocess.Popen[bytes]

    @property
    def connection_string(self) -> str:
        """The connection string that names all three services."""
        return connection_string(self.blob_port)

    def stop(self) -> None:
        """End the process; Azurite answers SIGTERM within some 20 ms."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connection_string(blob_port: int) -> str:
    """Return the connection string of an Azurite whose three ports begin at ``blob_port``."""
    services = ("Blob", "Queue", "Table")
    endpoints = "".join(
        f"{name}Endpoint=http://127.0.0.1:{blob_port + offset}/{ACCOUNT};" for offset, name in enumerate(services)
    )
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(*, consecutive: int = 1) -> int:
    """Return the first of ``consecutive`` free loopback ports, below the range that the kernel hands out itself."""
    for _ in range(200):
        first = random.randrange(20000, 32000)
        if all(is_free(first + offset) for offset in range(consecutive)):
            return first
    raise AzuriteError("found no free loopback ports between 20000 and 32000")


def find_node() -> str:
    """Return the path of a Node.js that is new enough, or raise ``AzuriteError`` saying what is missing."""
    node = shutil.which("node")
    if node is None:
        raise AzuriteError(f"Node.js was not found on the PATH; install Node.js {OLDEST_NODE} or newer")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = answer.stdout.strip()
    major = version.removeprefix("v").split(".")[0]
    if not major.isdigit():
        raise AzuriteError(f"{node} --version did not answer with a version: {answer.stdout}{answer.stderr}")
    if int(major) < OLDEST_NODE:
        raise AzuriteError(f"{node} is Node.js {version}; Azurite needs {OLDEST_NODE} or newer")
    return node


def start(
    *,
    blob_port: int,
    log_file: Path | None = None,
    wait_seconds: float = 30,
    environment: Mapping[str, str] | None = None,
) -> Azurite:
    """Start Azurite at ``blob_port`` and the next two, and wait until all three accept connections.

    ``environment`` is added to this process's own; a clock file named there is followed. Azurite does not outlive this
    process.
    """
    node = find_node()
    if not SCRIPT.exists():
        raise AzuriteError("the npm package azurite is not installed; run: npm ci")
    ports = range(blob_port, blob_port + 3)
    for port in ports:
        if not is_free(port):
            raise AzuriteError(f"port {port}, which Azurite needs, is taken by another process")
    whole = {**os.environ, **(environment or {}), lifeline.VARIABLE: "1"}
    preloaded = ["--require", str(MOVED_DATE)] if whole.get(VARIABLE) else []
    command = [
        node,
        "--require",
        str(LIFELINE),
        *preloaded,
        str(SCRIPT),
        "--inMemoryPersistence",
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    for name, port in zip(("blob", "queue", "table"), ports, strict=True):
        command += [f"--{name}Port", str(port)]
    with log_file.open("ab") if log_file else subprocess_null() as output:
        process = subprocess.Popen(
            command,
            env=whole,
            stdin=lifeline.reading_end(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Azurite(blob_port=blob_port, process=process)
    try:
        _wait(running, seconds=wait_seconds, log_file=log_file)
    except BaseException:
        running.stop()
        raise
    return running


@contextmanager
def azurite(*, blob_port: int | None = None, log_file: Path | None = None) -> Iterator[Azurite]:
    """Run Azurite for the length of a ``with`` block, on free ports unless ``blob_port`` is given."""
    running = start(blob_port=blob_port or free_port(consecutive=3), log_file=log_file)
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def subprocess_null() -> Iterator[int]:
    """Give ``subprocess.DEVNULL`` the shape of an open file."""
    yield subprocess.DEVNULL


def _wait(running: Azurite, *, seconds: float, log_file: Path | None) -> None:
    deadline = time.monotonic() + seconds
    waiting = list(range(running.blob_port, running.blob_port + 3))
    while waiting:
        if running.process.poll() is not None:
            said = log_file.read_text(errors="replace").strip()[-2000:] if log_file else ""
            raise AzuriteError(f"Azurite ended at once with code {running.process.returncode}. {said}".strip())
        if time.monotonic() > deadline:
            raise AzuriteError(f"Azurite did not open its ports {waiting} within {seconds:.0f} s")
        waiting = [port for port in waiting if not _answers(port)]
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
