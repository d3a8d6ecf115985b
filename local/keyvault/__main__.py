"""``python -m local.keyvault --port 7103 --tls-folder DIR --jwks-url URL``."""

import argparse
from pathlib import Path

from local.keyvault.app import build
from local.simkit.serve import refuse_taken, server
from local.simkit.tls import certificates


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.keyvault", description="Simulated Key Vault")
    parser.add_argument("--port", type=int, default=7103)
    parser.add_argument("--tls-folder", type=Path, required=True)
    parser.add_argument("--jwks-url", default="https://localhost:7101/common/discovery/v2.0/keys")
    parser.add_argument("--state-file", type=Path, help="keeps the secrets over a restart")
    chosen = parser.parse_args()
    refuse_taken(chosen.port)
    held = certificates(chosen.tls_folder)
    vault = build(jwks_url=chosen.jwks_url, ca_file=held.ca_file, state_file=chosen.state_file)
    server(vault.app, port=chosen.port, certificate=held.server_file).run()


if __name__ == "__main__":
    main()
