"""``python -m local.entra --port 7101 --identity-port 7105 --tls-folder DIR --redirect-uri URI``."""

import argparse
import asyncio
from pathlib import Path

from local.entra.app import build
from local.simkit.serve import refuse_taken, server
from local.simkit.tls import certificates


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.entra", description="Simulated Entra ID")
    parser.add_argument("--port", type=int, default=7101)
    parser.add_argument("--identity-port", type=int, default=7105)
    parser.add_argument("--tls-folder", type=Path, required=True)
    parser.add_argument("--redirect-uri", action="append", default=[], help="registered redirect URI; repeatable")
    parser.add_argument("--state-file", type=Path, help="keeps consent and grants over a restart")
    chosen = parser.parse_args()
    refuse_taken(chosen.port, chosen.identity_port)
    asyncio.run(_serve(chosen))


async def _serve(chosen: argparse.Namespace) -> None:
    entra = build(chosen.redirect_uri, chosen.state_file)
    certificate = certificates(chosen.tls_folder).server_file
    servers = [
        server(entra.app, port=chosen.port, certificate=certificate),
        server(entra.identity, port=chosen.identity_port),
    ]
    running = [asyncio.create_task(item.serve()) for item in servers]
    # Whichever stops first (a signal, a port that is taken) stops the other.
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for item in servers:
        item.should_exit = True
    await asyncio.gather(*running)


if __name__ == "__main__":
    main()
