"""Run the simulated Graph: ``python -m local.graph --port 7102 --tls-folder .local/tls --jwks-url URL``."""

import argparse
import asyncio
import ssl
from pathlib import Path

import httpx

from local.graph.app import create_app
from local.graph.auth import RemoteKeys
from local.simkit.serve import server
from local.simkit.tls import certificates

JWKS_URL = "https://localhost:7101/common/discovery/v2.0/keys"


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="local.graph", description=__doc__)
    parser.add_argument("--port", type=int, default=7102)
    parser.add_argument("--tls-folder", type=Path, default=Path(".local/tls"))
    parser.add_argument("--jwks-url", default=JWKS_URL, help="where Entra publishes its keys")
    parser.add_argument("--ca", type=Path, help="the CA to trust; the TLS folder's own by default")
    options = parser.parse_args()
    made = certificates(options.tls_folder)
    trust = ssl.create_default_context(cafile=str(options.ca or made.ca_file))
    client = httpx.AsyncClient(verify=trust, trust_env=False, limits=httpx.Limits(max_connections=50))
    app = create_app(RemoteKeys(options.jwks_url, client), client=client)
    asyncio.run(server(app, port=options.port, certificate=made.server_file).serve())


if __name__ == "__main__":
    main()
