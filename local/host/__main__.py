"""``python -m local.host --app-root DIR``: run a function app until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from local.host import log
from local.host.configuration import load_host_json
from local.host.errors import StartupError
from local.host.script_host import ScriptHost
from local.host.settings import apply_local_settings
from local.host.web import ANSWER_SECONDS
from local.host.worker_process import WorkerProcess

Listening = list[tuple[socket.socket, Path | None]]

_DEFAULT_PORT = 7071
_logger = logging.getLogger("Host.Startup")


class _Server(uvicorn.Server):
    """Leaves the signals to the host, which drains first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Run the host; the exit code is 1 when the app cannot start or had to be abandoned."""
    arguments = _arguments()
    categories = log.configure()
    try:
        code = asyncio.run(_run(arguments, categories))
    except StartupError as error:
        print(f"The host cannot start: {error}", file=sys.stderr, flush=True)
        code = 1
    sys.stdout.flush()
    # Threads of sync functions that never end would otherwise hold the process at exit.
    os._exit(code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app-root", type=Path, required=True, help="the folder of host.json and function_app.py")
    parser.add_argument("--port", type=int, help=f"HTTP port ({_DEFAULT_PORT})")
    parser.add_argument("--address", help="address to listen on (127.0.0.1)")
    parser.add_argument("--https-port", type=int, help="HTTPS port; needs --certificate")
    parser.add_argument("--certificate", type=Path, help="PEM file of the key and the certificate chain")
    parser.add_argument("--settings", type=Path, help="local.settings.json of the app folder, unless given")
    parser.add_argument("--enable-auth", action="store_true", help="enforce access keys")
    parser.add_argument("--keys", type=Path, help="JSON file of access keys; blobs unless given")
    parser.add_argument("--drain-seconds", type=float, default=30.0, help="how long to wait for running functions")
    parser.add_argument(
        "--answer-seconds", type=float, default=ANSWER_SECONDS, help="when the load balancer gives up on an answer"
    )
    arguments = parser.parse_args()
    if (arguments.https_port is None) != (arguments.certificate is None):
        parser.error("--https-port and --certificate go together")
    return arguments


async def _run(arguments: argparse.Namespace, categories: log.Categories) -> int:
    app_root: Path = arguments.app_root.resolve()
    certificate: Path | None = arguments.certificate.resolve() if arguments.certificate else None
    local = apply_local_settings(arguments.settings or app_root / "local.settings.json", os.environ)
    address = arguments.address or local.address or "127.0.0.1"
    port = arguments.port or local.port or _DEFAULT_PORT
    _set_environment(port)
    options = load_host_json(app_root, os.environ)
    categories.levels = options.log_levels
    worker = WorkerProcess(app_root, levels=options.log_levels)
    with contextlib.ExitStack() as stack:
        listening: Listening = [(stack.enter_context(_listen(address, port)), None)]
        if certificate is not None:
            listening.append((stack.enter_context(_listen(address, arguments.https_port)), certificate))
        host = ScriptHost(
            app_root,
            options=options,
            environment=os.environ,
            worker=worker,
            keys=arguments.keys.resolve() if arguments.keys else None,
            enforce_keys=arguments.enable_auth,
            local=local,
            answer_seconds=arguments.answer_seconds,
        )
        try:
            host.load(await worker.start())
            return await _serve(host, worker, listening, drain_seconds=arguments.drain_seconds)
        finally:
            await worker.stop(1.0)


async def _serve(
    host: ScriptHost,
    worker: WorkerProcess,
    listening: Listening,
    *,
    drain_seconds: float,
) -> int:
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
    await asyncio.wait(serving, timeout=1 if left else 5)
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


def _set_environment(port: int) -> None:
    runtime = os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    if runtime != "python":
        raise StartupError(f"FUNCTIONS_WORKER_RUNTIME is '{runtime}'; this host runs python")
    os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    os.environ.setdefault("WEBSITE_HOSTNAME", f"localhost:{port}")


def _announce(host: ScriptHost, listening: Listening) -> None:
    addresses = ", ".join(
        f"{'https' if certificate else 'http'}://localhost:{sock.getsockname()[1]}" for sock, certificate in listening
    )
    _logger.info("Found the following functions (%d), at %s:", len(host.functions), addresses)
    for function in host.functions:
        _logger.info("Host.Functions.%s (%s)", function.name, function.trigger.type)


if __name__ == "__main__":
    main()
