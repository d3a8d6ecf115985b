"""The host's own process once its worker is on its way: sockets, servers, the app, and how all of it stops."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from local.host.errors import StartupError
from local.host.script_host import ScriptHost
from local.host.worker_process import WorkerProcess

Listening = list[tuple[socket.socket, Path | None]]

_logger = logging.getLogger("Host.Startup")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to listen; ``certificate`` is the PEM file of the HTTPS port."""

    host: str
    port: int
    https_port: int | None = None
    certificate: Path | None = None


class _Server(uvicorn.Server):
    """Leaves the signals to the host, which drains first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(host: ScriptHost, worker: WorkerProcess, address: Address, *, drain_seconds: float) -> int:
    """Listen, load the app and run it until a signal; return the exit code."""
    with contextlib.ExitStack() as stack:
        listening: Listening = [(stack.enter_context(_listen(address.host, address.port)), None)]
        if address.certificate is not None and address.https_port is not None:
            secure = stack.enter_context(_listen(address.host, address.https_port))
            listening.append((secure, address.certificate))
        host.load(await worker.functions())
        return await _run(host, worker, listening, drain_seconds)


async def _run(host: ScriptHost, worker: WorkerProcess, listening: Listening, drain_seconds: float) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    app = host.asgi()
    servers = [_server(app, certificate, drain_seconds) for _, certificate in listening]
    serving = [
        asyncio.create_task(server.serve(sockets=[sock])) for server, (sock, _) in zip(servers, listening, strict=True)
    ]
    _announce(host, listening)
    host.listen()
    await _first_of(stopping, worker.given_up)
    _logger.info("Stopping: %d invocations in flight.", host.invoker.in_flight)
    for server in servers:
        server.should_exit = True
    left = await host.stop(drain_seconds)
    # Not for the servers: a client that keeps a connection open and does not read never ends its side of TLS.
    if answers := [task for server in servers for task in server.server_state.tasks]:
        await asyncio.wait(answers, timeout=1 if left else 5)
    for task in serving:
        task.cancel()
    if left:
        _logger.error("%d invocations did not end within %.0f s and were abandoned.", left, drain_seconds)
    _logger.info("Stopped.")
    return 1 if left or worker.given_up.is_set() else 0


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _server(app: ASGIApp, certificate: Path | None, drain_seconds: float) -> _Server:
    pem = str(certificate) if certificate else None
    return _Server(
        uvicorn.Config(
            app,
            ssl_certfile=pem,
            ssl_keyfile=pem,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(drain_seconds),
        )
    )


def _listen(address: str, port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's delay off only where it sees IPPROTO_TCP.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise StartupError(
            f"Port {port} is unavailable ({error.strerror}). Close the process using that port, or give another."
        ) from None
    sock.listen(2048)
    return sock


def _announce(host: ScriptHost, listening: Listening) -> None:
    addresses = ", ".join(
        f"{'https' if certificate else 'http'}://localhost:{sock.getsockname()[1]}" for sock, certificate in listening
    )
    _logger.info("Found the following functions (%d), at %s:", len(host.functions), addresses)
    for function in host.functions:
        _logger.info("Host.Functions.%s (%s)", function.name, function.trigger.type)
