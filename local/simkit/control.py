"""The control API that every simulator has, outside the real service's paths.

``POST /_control/reset`` (``{"seed": n}``: what the ids and tokens of the coming run are drawn from, 0 unless told) ·
``GET /_control/requests`` (each request received: method, path with query, status, seconds since the epoch,
milliseconds taken; the latest ``REQUESTS_KEPT``; ``?clear=1`` empties the list after reading) · ``GET, POST, DELETE
/_control/faults`` · ``POST /_control/clock`` (``{"advanceSeconds": n}`` or ``{"reset": true}``) · ``GET
/_control/health``. A simulator adds routes of its own beside these.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simkit.bodies import read_body, read_object, whole
from local.simkit.clock import Clock
from local.simkit.faults import Faults
from local.simkit.seeded import Source

REQUESTS_KEPT = 10_000
"""How many requests a simulator remembers, so that a stand left running for days does not grow."""

FURTHEST = 10 * 366 * 86_400
"""By how many seconds the clock is moved at most in one call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request as the simulator saw it. ``part_of`` is set on the items of a ``$batch``.

    ``number`` counts the requests in the order in which they were begun; ``faults`` are the numbers of the orders that
    hit this one.
    """

    number: int
    method: str
    path: str
    status: int
    at: float
    milliseconds: float
    part_of: int | None = None
    faults: tuple[int, ...] = ()


class Begun(int):
    """A request's number, and the run that it belongs to: ``era`` counts the resets before it."""

    era: int

    def __new__(cls, number: int, era: int) -> "Begun":
        """Make the number."""
        made = super().__new__(cls, number)
        made.era = era
        return made


@dataclass(kw_only=True)
class Frame:
    """What a simulator shares with its control API."""

    reset: Callable[[], None]
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    source: Source = field(default_factory=Source)
    requests: deque[Received] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))

    begun: int = 0
    era: int = 0

    def begin(self) -> Begun:
        """Give a request its number, before anything is awaited: it is the order that faults go by."""
        self.begun += 1
        return Begun(self.begun, self.era)

    def note(
        self,
        method: str,
        path: str,
        *,
        status: int,
        began: float,
        part_of: int | None = None,
        number: Begun,
    ) -> None:
        """Remember a request; ``began`` is a ``time.perf_counter()`` reading, ``number`` what ``begin`` gave it.

        One that was begun before a reset is no part of this run.
        """
        if number.era != self.era:
            return
        taken = (time.perf_counter() - began) * 1000
        self.requests.append(
            Received(
                number=int(number),
                method=method,
                path=path,
                status=status,
                at=time.time(),
                milliseconds=round(taken, 2),
                part_of=part_of,
                faults=self.faults.that_hit(number),
            )
        )


def control_routes(frame: Frame) -> list[Route]:
    """Return the routes that are the same in every simulator."""
    control = _Control(frame)
    return [
        Route("/_control/reset", control.reset, methods=["POST"]),
        Route("/_control/requests", control.requests),
        Route("/_control/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/_control/clock", control.clock, methods=["GET", "POST"]),
        Route("/_control/health", control.health),
    ]


@dataclass(frozen=True)
class _Control:
    frame: Frame

    async def reset(self, request: Request) -> JSONResponse:
        try:
            seed = whole(await read_object(request), "seed", 0)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        self.frame.faults.reset()
        self.frame.requests.clear()
        self.frame.begun = 0
        self.frame.era += 1
        self.frame.clock.reset_own()
        self.frame.source.restart(seed)
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
                self.frame.faults.add(await read_body(request))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        orders = self.frame.faults.orders
        shown = [order.shown for order in orders]
        return JSONResponse({"faults": shown})

    async def clock(self, request: Request) -> JSONResponse:
        clock = self.frame.clock
        if request.method == "POST":
            try:
                _move(clock, await read_body(request))
            except (ValueError, OverflowError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        offset = round(clock.offset.total_seconds(), 3)
        return JSONResponse({"now": clock.now().isoformat(), "offsetSeconds": offset, "shared": clock.shared})

    async def health(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})


def _move(clock: Clock, body: Any) -> None:
    """Do what a clock order says; ValueError if it says something else."""
    match body:
        case {"reset": True, **rest} if not rest:
            clock.reset()
        case {"advanceSeconds": int() | float() as seconds, **rest} if not rest and not isinstance(seconds, bool):
            if not abs(seconds) <= FURTHEST:
                raise ValueError(f"advanceSeconds must be at most {FURTHEST}")
            clock.advance(seconds)
        case _:
            raise ValueError('the body is {"advanceSeconds": number} or {"reset": true}')
