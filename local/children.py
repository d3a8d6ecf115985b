"""Child processes of the stand: started, watched until they answer, logged to a file, ended."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from local import lifeline

ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0


class StandError(RuntimeError):
    """A part of the stand does not run; the message says which and what it said."""


@dataclass(kw_only=True)
class Child:
    """One running Python module. ``log_file`` collects what it prints, over restarts too."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-25:]).strip()

    def obituary(self) -> str:
        """Say how the process ended."""
        how = f"{self.name} ended with code {self.process.returncode}"
        return f"{how}. Its log, {self.log_file}, ends with:\n{self.tail()}"

    def terminate(self) -> None:
        """Ask the process to stop."""
        if self.alive:
            self.process.terminate()

    def wait_stopped(self) -> None:
        """Wait for the end of the process; one that does not come to it is killed."""
        try:
            self.process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once, as a crash of the machine would."""
        if self.alive:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_ready(self, url: str, trust: ssl.SSLContext) -> None:
        """Wait until ``url`` answers 200; StandError when the process dies or takes too long."""
        deadline = time.monotonic() + _READY_SECONDS
        with httpx.Client(verify=trust, trust_env=False, timeout=5) as client:
            while True:
                if not self.alive:
                    raise StandError(self.obituary())
                try:
                    if client.get(url).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                if time.monotonic() > deadline:
                    raise StandError(
                        f"{self.name} did not answer at {url} within {_READY_SECONDS:.0f} s\n{self.tail()}"
                    )
                time.sleep(0.05)


def start_child(
    name: str, arguments: list[str], *, log_file: Path, environment: Mapping[str, str] | None = None
) -> Child:
    """Start ``python -m`` with ``arguments`` in a session of its own, so that Ctrl-C reaches the stand alone.

    It does not outlive this process.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {}), lifeline.VARIABLE: "1"},
            stdin=lifeline.reading_end(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name=name, process=process, log_file=log_file)
