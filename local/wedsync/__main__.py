"""``python -m local.wedsync``: serve simulated WedSync on loopback."""

import argparse
import asyncio
from pathlib import Path

from local.simkit.serve import server
from local.wedsync.app import Options, wedsync_app


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local.wedsync", description=__doc__)
    parser.add_argument("--port", type=int, default=7104)
    parser.add_argument("--base-url", default="http://localhost:7104", help="this server's address and token issuer")
    parser.add_argument("--functions-url", default="http://localhost:7071", help="the sync service, for this server")
    parser.add_argument("--browser-functions-url", default="https://localhost:7443", help="the same, for the browser")
    parser.add_argument("--graph-url", default="https://localhost:7102", help="the Graph simulator's root")
    parser.add_argument("--ca", type=Path, help="PEM file of the CA to trust")
    parser.add_argument("--service-token", required=True, help="what the sync service presents to the Events API")
    parser.add_argument("--webhook-secret", required=True, help="Standard Webhooks secret (whsec_…)")
    given = parser.parse_args()
    options = Options(
        base_url=given.base_url.rstrip("/"),
        functions_url=given.functions_url.rstrip("/"),
        browser_functions_url=given.browser_functions_url.rstrip("/"),
        graph_url=given.graph_url.rstrip("/"),
        service_token=given.service_token,
        webhook_secret=given.webhook_secret,
        ca_file=given.ca,
    )
    asyncio.run(server(wedsync_app(options), port=given.port).serve())


if __name__ == "__main__":
    main()
