"""``python -m local.host --app-root DIR``: run a function app until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from local.host import log
from local.host.configuration import ANSWER_SECONDS, load_host_json
from local.host.errors import StartupError
from local.host.settings import apply_local_settings
from local.host.worker_process import WorkerProcess

_DEFAULT_PORT = 7071


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
    local = apply_local_settings(arguments.settings or app_root / "local.settings.json", os.environ)
    port = arguments.port or local.port or _DEFAULT_PORT
    _set_environment(port)
    options = load_host_json(app_root, os.environ)
    categories.levels = options.log_levels
    worker = WorkerProcess(app_root, levels=options.log_levels)
    try:
        await worker.begin()
        # Imported now, while the worker imports the app: these are two thirds of the time that a start takes.
        from local.host.script_host import ScriptHost  # noqa: PLC0415
        from local.host.serving import Address, serve  # noqa: PLC0415

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
        address = Address(
            host=arguments.address or local.address or "127.0.0.1",
            port=port,
            https_port=arguments.https_port,
            certificate=arguments.certificate.resolve() if arguments.certificate else None,
        )
        return await serve(host, worker, address, drain_seconds=arguments.drain_seconds)
    finally:
        await worker.stop(1.0)


def _set_environment(port: int) -> None:
    runtime = os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    if runtime != "python":
        raise StartupError(f"FUNCTIONS_WORKER_RUNTIME is '{runtime}'; this host runs python")
    os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    os.environ.setdefault("WEBSITE_HOSTNAME", f"localhost:{port}")


if __name__ == "__main__":
    main()
