"""A host as a child process with the sample app, and names that no other test uses."""

import itertools
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local import lifeline
from local.azurite import Azurite, free_port

ROOT = Path(__file__).resolve().parents[3]
SAMPLE_APP = Path(__file__).parent / "sample_app"
_numbers = itertools.count()


@dataclass(kw_only=True)
class RunningHost:
    """A host that runs, or ran, the sample app."""

    process: subprocess.Popen[bytes]
    url: str
    log_file: Path
    notes: Path
    queue: str

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def wait_for_note(self, text: str, seconds: float = 20) -> list[str]:
        """Wait until a note contains a text and return all notes."""
        deadline = time.monotonic() + seconds
        while not any(text in line for line in self.noted()):
            assert time.monotonic() < deadline, f"no note with {text!r} in {self.noted()}\n{self.log[-3000:]}"
            time.sleep(0.05)
        return self.noted()

    def wait_until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something that this host does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log[-3000:]
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


def has_ended(pid: int) -> bool:
    """Say whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


Starter = Callable[..., RunningHost]


@pytest.fixture(scope="session")
def run_host(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Start hosts; every one gets settings of its own unless they are given."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *arguments: str, app_root: Path = SAMPLE_APP, wait: bool = True, queue: str = "", **settings: str
    ) -> RunningHost:
        folder = tmp_path_factory.mktemp("host")
        port = free_port()
        queue = queue or f"lending-{uuid.uuid4().hex[:12]}"
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "SampleStorage": azurite.connection_string,
            "AzureFunctionsWebHost__hostid": f"host{next(_numbers)}",
            "LENDING_QUEUE": queue,
            "CLOSING_SCHEDULE": "0 0 0 1 1 *",
            "RETRY_SCHEDULE": "0 0 0 1 1 *",
            "SAMPLE_NOTES": str(folder / "notes"),
            **settings,
        }
        log_file = folder / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.host", "--app-root", str(app_root), "--port", str(port), *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment, lifeline.VARIABLE: "1"},
                stdin=lifeline.reading_end(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        host = RunningHost(
            process=process,
            url=f"http://127.0.0.1:{port}",
            log_file=log_file,
            notes=Path(environment["SAMPLE_NOTES"]),
            queue=queue,
        )
        if wait:
            _wait(host)
        return host

    yield start
    for process in started:
        process.kill()
        process.wait()


def _wait(host: RunningHost) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert host.process.poll() is None, host.log
        try:
            if httpx.get(f"{host.url}/admin/host/ping", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, host.log
        time.sleep(0.05)


@pytest.fixture(scope="session")
def host(run_host: Starter) -> RunningHost:
    """One host for all tests that leave it as it was."""
    return run_host(**{"AzureWebJobs.switched_off.Disabled": "true"})


@pytest.fixture
def client(host: RunningHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=host.url, trust_env=False, timeout=20) as client:
        yield client
