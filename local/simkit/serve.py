"""Serve an ASGI app on loopback, over TLS where a certificate is given."""

import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

Asgi = Callable[..., Awaitable[Any]]


def server(app: Asgi, *, port: int, certificate: Path | None = None) -> uvicorn.Server:
    """Return a server to be awaited with ``serve()``. ``certificate`` is a PEM file of key and chain."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(certificate) if certificate else None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    return uvicorn.Server(config)


def refuse_taken(*ports: int) -> None:
    """Exit with a plain sentence if somebody listens on one of these ports already."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                sys.exit(f"port {port} cannot be used: {error.strerror}")
