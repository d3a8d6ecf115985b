"""Puts the simulated vault together."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from local.keyvault.auth import Doorkeeper
from local.keyvault.control import Control
from local.keyvault.errors import VaultError
from local.keyvault.keep import StateFile
from local.keyvault.routes import SecretsApi
from local.keyvault.state import Vault
from local.simkit.control import Frame, control_routes
from local.simkit.faults import ON_REQUESTS, Fault, Faults
from local.simkit.observe import App, Observed


@dataclass(frozen=True, kw_only=True)
class KeyVault:
    """The app and what stands behind it."""

    app: App
    vault: Vault
    frame: Frame


def build(*, jwks_url: str, ca_file: Path, state_file: Path | None = None) -> KeyVault:
    """Return the simulator. It trusts the keys at ``jwks_url``, read over TLS under ``ca_file``."""
    frame = Frame(reset=lambda: None, faults=Faults(ON_REQUESTS))
    vault = Vault(frame.clock, frame.source)
    keeper = StateFile(state_file, vault) if state_file else None
    if keeper:
        keeper.load()

    def changed() -> None:
        if keeper:
            keeper.save()

    def reset() -> None:
        vault.clear()
        api.clear()
        changed()

    frame.reset = reset
    trust = ssl.create_default_context(cafile=str(ca_file))
    doorkeeper = Doorkeeper(jwks_url=jwks_url, trust=trust, clock=frame.clock)
    api = SecretsApi(vault, doorkeeper=doorkeeper, clock=frame.clock, changed=changed)
    routes = [*control_routes(frame), *Control(vault, changed).routes, *api.routes]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return KeyVault(app=Observed(app, frame, _error_body), vault=vault, frame=frame)


def _error_body(fault: Fault) -> dict[str, Any]:
    code = fault.code or {429: "Throttled", 503: "ServiceUnavailable"}.get(fault.status, "InternalServerError")
    return VaultError(fault.status, code, fault.message or "The service cannot answer at this moment.").body
