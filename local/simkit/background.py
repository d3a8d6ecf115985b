"""Serve an ASGI app from a thread of its own on a free port, for tests that talk to it over real sockets."""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType

from local.simkit.serve import Asgi, server

START_SECONDS = 10.0


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Background:
    """A running server: ``with Background(app, certificate=…) as base_url``. The thread ends with the block."""

    def __init__(self, app: Asgi, *, certificate: Path | None = None, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.port}"
        self._server = server(app, port=self.port, certificate=certificate)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the server on port {self.port} did not start")
            time.sleep(0.01)
        return self.url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
