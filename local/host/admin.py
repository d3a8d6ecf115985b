"""The admin API: ping, status, the list of functions, running one by hand, drain.

Read in HostController.cs and FunctionsController.cs of the host.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.host.functions import Function
from local.host.invoker import Invoker
from local.host.keys import KeyRing
from local.host.web import given_key

VERSION = "4.1052.200"


@dataclass(kw_only=True)
class Admin:
    """Answers below ``/admin``. ``run_by_hand`` starts a queue or timer function with an input.

    ``isolated``: only the platform itself may ask; a client gets 403 even with the master key.
    """

    host_id: str
    functions: list[Function]
    errors: dict[str, str]
    route_prefix: str
    invoker: Invoker
    keys: KeyRing | None
    run_by_hand: Callable[[Function, str], Awaitable[None]]
    drain: Callable[[], None]
    resume: Callable[[], None]
    is_disabled: Callable[[str], bool]
    isolated: bool = False
    drain_asked: bool = False
    began: float = field(default_factory=time.monotonic)

    async def __call__(self, request: Request, path: str) -> Response:
        """Answer one request; everything but ping needs the master key where keys are enforced."""
        path = path.lower()
        if path == "host/ping" and request.method in {"GET", "POST"}:
            return Response(status_code=200, headers={"Cache-Control": "no-store, no-cache"})
        if self.keys and not await self.keys.allows(required="ADMIN", given=given_key(request)):
            return Response(status_code=401)
        if self.isolated:
            return Response(status_code=403)
        if path.startswith("functions/") and request.method == "POST":
            return await self._invoke(request, path.removeprefix("functions/"))
        known: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "host/status"): self._status,
            ("GET", "functions"): self._list,
            ("POST", "host/drain"): self._drain,
            ("GET", "host/drain/status"): self._drain_status,
            ("POST", "host/resume"): self._resume,
        }
        answer = known.get((request.method, path))
        return answer(request) if answer else Response(status_code=404)

    def _status(self, _: Request) -> Response:
        members: dict[str, Any] = {
            "id": self.host_id,
            "state": "Running",
            "version": VERSION,
            "versionDetails": VERSION,
            "platformVersion": "",
            "instanceId": "",
            "computerName": "",
            "processUptime": int((time.monotonic() - self.began) * 1000),
        }
        if self.errors:
            members["errors"] = [f"The '{name}' function is in error: {why}" for name, why in self.errors.items()]
        return JSONResponse(members)

    def _list(self, request: Request) -> Response:
        base = str(request.base_url)
        prefix = f"{self.route_prefix}/" if self.route_prefix else ""
        return JSONResponse(
            [
                {
                    "name": function.name,
                    "language": "python",
                    "isDisabled": self.is_disabled(function.name),
                    "config": {"bindings": [binding.members for binding in function.bindings]},
                    "invoke_url_template": f"{base}{prefix}{function.route}" if function.is_http else None,
                }
                for function in self.functions
            ]
        )

    async def _invoke(self, request: Request, name: str) -> Response:
        function = next((item for item in self.functions if item.name.lower() == name), None)
        if function is None:
            return Response(status_code=404)
        try:
            content = await request.json()
        except ValueError:
            content = {}
        if function.is_http or not isinstance(content, dict):
            return Response(status_code=400)
        await self.run_by_hand(function, str(content.get("input", "")))
        return Response(status_code=202)

    def _drain(self, _: Request) -> Response:
        self.drain_asked = True
        self.drain()
        return Response(status_code=202)

    def _drain_status(self, _: Request) -> Response:
        state = "Disabled"
        if self.drain_asked:
            state = "InProgress" if self.invoker.in_flight else "Completed"
        return JSONResponse(
            {
                "state": state,
                "outstandingInvocations": self.invoker.in_flight,
                "outstandingRetries": self.invoker.retries_waiting,
            }
        )

    def _resume(self, _: Request) -> Response:
        if self.drain_asked:
            self.drain_asked = False
            self.resume()
        return JSONResponse({"state": "Running"})
