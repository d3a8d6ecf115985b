"""The control API that every simulator has, outside the real service's paths.

``POST /_control/reset`` · ``GET /_control/requests`` (each request received: method, path with query, status,
seconds since the epoch, milliseconds taken; ``?clear=1`` empties the list after reading) · ``GET, POST, DELETE
/_control/faults`` · ``POST /_control/clock`` (``{"advanceSeconds": n}`` or ``{"reset": true}``) · ``GET
/_control/health``. A simulator adds routes of its own beside these.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simkit.clock import Clock
from local.simkit.faults import Faults


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as the simulator saw it. ``part_of`` is set on the items of a ``$batch``."""

    method: str
    path: str
    status: int
    at: float
    milliseconds: float
    part_of: int | None = None


@dataclass(kw_only=True)
class Frame:
    """What a simulator shares with its control API."""

    reset: Callable[[], None]
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    requests: list[Received] = field(default_factory=list)

    def note(self, method: str, path: str, *, status: int, began: float, part_of: int | None = None) -> None:
        """Remember a request; ``began`` is a ``time.perf_counter()`` reading."""
        taken = (time.perf_counter() - began) * 1000
        self.requests.append(
            Received(
                method=method, path=path, status=status, at=time.time(), milliseconds=round(taken, 2), part_of=part_of
            )
        )


def control_routes(frame: Frame) -> list[Route]:
    """Return the routes that are the same in every simulator."""
    control = _Control(frame)
    return [
        Route("/_control/reset", control.reset, methods=["POST"]),
        Route("/_control/requests", control.requests),
        Route("/_control/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/_control/clock", control.clock, methods=["POST"]),
        Route("/_control/health", control.health),
    ]


@dataclass(frozen=True)
class _Control:
    frame: Frame

    async def reset(self, _: Request) -> JSONResponse:
        self.frame.faults.clear()
        self.frame.requests.clear()
        self.frame.clock.reset()
        self.frame.reset()
        return JSONResponse({"reset": True})

    async def requests(self, request: Request) -> JSONResponse:
        answer = [asdict(item) for item in self.frame.requests]
        if request.query_params.get("clear"):
            self.frame.requests.clear()
        return JSONResponse({"requests": answer})

    async def faults(self, request: Request) -> JSONResponse:
        if request.method == "DELETE":
            self.frame.faults.clear()
        elif request.method == "POST":
            try:
                body: Any = await request.json()
                self.frame.faults.add(body)
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        orders = self.frame.faults.orders
        shown = [{"action": f.action, "path": f.path, "matched": f.matched, "hits": f.hits} for f in orders]
        return JSONResponse({"faults": shown})

    async def clock(self, request: Request) -> JSONResponse:
        body = await request.json()
        if body.get("reset"):
            self.frame.clock.reset()
        self.frame.clock.advance(float(body.get("advanceSeconds", 0)))
        return JSONResponse({"now": self.frame.clock.now().isoformat()})

    async def health(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})
