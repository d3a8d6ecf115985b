"""The vault's own control routes, beside those that every simulator has.

- ``GET /_control/secrets``: ``{"secrets": [{"name", "versions", "deleted"}]}``, soft-deleted ones included;
  ``?values=1`` adds ``values``, oldest first, for leak tests.
- ``POST /_control/secrets`` ``{"name": value, …}``: sets secrets as an operator would at the start of the stand, no
  token needed; a name whose newest value is the same keeps its versions.
- ``GET, POST /_control/knobs``: see ``knobs.py``.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.keyvault.errors import VaultError
from local.keyvault.state import Vault, check_name
from local.simkit.bodies import read_object, text


class Control:
    """Arranges and shows the vault."""

    def __init__(self, vault: Vault, changed: Callable[[], None]) -> None:
        self._vault = vault
        self._changed = changed

    @property
    def routes(self) -> list[Route]:
        """The routes listed above."""
        return [
            Route("/_control/secrets", self.show, methods=["GET"]),
            Route("/_control/secrets", self.plant, methods=["POST"]),
            Route("/_control/knobs", self.knobs, methods=["GET", "POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Count versions by name."""
        shown: list[dict[str, Any]] = []
        for secret in sorted(self._vault.secrets.values(), key=lambda secret: secret.name):
            entry: dict[str, Any] = {
                "name": secret.name,
                "versions": len(secret.versions),
                "deleted": secret.deleted is not None,
            }
            if request.query_params.get("values"):
                entry["values"] = [version.value for version in secret.versions]
            shown.append(entry)
        return JSONResponse({"secrets": shown})

    async def plant(self, request: Request) -> Response:
        """Set secrets."""
        try:
            wanted = await read_object(request)
            for name in wanted:
                check_name(name)
                text(wanted, name)
            for name, value in wanted.items():
                held = self._vault.secrets.get(name.lower())
                if held is None or held.deleted is not None or held.current.value != value:
                    self._vault.set(name, {"value": value})
        except VaultError as error:
            return JSONResponse(error.body, status_code=400)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        self._changed()
        return await self.show(request)

    async def knobs(self, request: Request) -> Response:
        """Show or turn the knobs."""
        if request.method == "POST":
            try:
                self._vault.knobs = self._vault.knobs.turned(await read_object(request))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(self._vault.knobs.shown)
