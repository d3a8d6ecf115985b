"""What goes wrong at the far ends, by name: orders for the simulators, and knobs of Graph's."""

from collections.abc import Mapping
from typing import Any

from tests.machine.reached import Reached
from tests.support.calendars import OutlookCalendar, WedSyncCalendar

_WRITES = "POST|PATCH|DELETE"
_EVENTS = "/events"

Order = dict[str, Any]

GRAPH: Mapping[str, Order] = {
    "429 soon": {"action": "status", "status": 429, "retry_after": 1, "count": 2},
    "429 later": {"action": "status", "status": 429, "retry_after": 25, "count": 3},
    "503": {"action": "status", "status": 503, "code": "serviceNotAvailable", "count": 4},
    "503 on writes": {"action": "status", "status": 503, "method": _WRITES, "path": r"/events|/\$batch", "count": 2},
    "time-out after commit": {
        "action": "hang_after_commit",
        "method": _WRITES,
        "path": r"/events|/\$batch",
        "count": 1,
    },
    "error after commit": {
        "action": "fail_after_commit",
        "method": _WRITES,
        "path": r"/events|/\$batch",
        "status": 504,
        "count": 1,
    },
    "dropped": {"action": "drop_connection", "count": 2},
    "slow": {"action": "latency", "seconds": 8, "count": 3},
    "412": {"action": "status", "method": "PATCH", "status": 412, "code": "ErrorIrresolvableConflict", "count": 1},
    "batch item 429": {"action": "status", "item": ".*", "status": 429, "retry_after": 2, "every": 2, "count": 3},
}
WEDSYNC: Mapping[str, Order] = {
    "429": {"action": "status", "status": 429, "retry_after": 1, "count": 2},
    "503": {"action": "status", "status": 503, "count": 4},
    "time-out after commit": {"action": "hang_after_commit", "method": _WRITES, "path": _EVENTS, "count": 1},
    "error after commit": {
        "action": "fail_after_commit",
        "method": _WRITES,
        "path": _EVENTS,
        "status": 504,
        "count": 1,
    },
    "dropped": {"action": "drop_connection", "count": 2},
    "slow": {"action": "latency", "seconds": 8, "count": 3},
    "412": {"action": "status", "method": "PATCH", "status": 412, "count": 1},
}
KNOBS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "lists that lag": ({"visibilitySeconds": 60.0, "visibilitySeed": 3}, {"visibilitySeconds": 0.0}),
    "delta shuffled and replayed": (
        {"deltaShuffle": 5, "deltaReplay": 6, "deltaEmptyPages": True},
        {"deltaShuffle": 0, "deltaReplay": 0, "deltaEmptyPages": False},
    ),
    "tombstones of occurrences": ({"deltaOccurrenceTombstones": True}, {"deltaOccurrenceTombstones": False}),
    "spurious 412": ({"spurious412": 2}, {"spurious412": 0}),
    "two at a time": ({"concurrentRequests": 2}, {"concurrentRequests": 4}),
    "short pages": ({"deltaMostPerPage": 2}, {"deltaMostPerPage": 1000}),
}
"""What is turned, and how it is turned back."""

POST: Mapping[str, Order] = {
    "notices lost": {"action": "lose", "count": 2},
    "notices doubled": {"action": "double", "count": 2},
    "notices out of order": {"action": "reorder", "seconds": 1, "count": 1},
}
"""What becomes of the notices of either side where they are sent over HTTP."""

LETTERS = tuple(f"{service} {name}" for service in ("graph", "wedsync") for name in POST)
NAMES = tuple(sorted({f"graph {name}" for name in GRAPH} | {f"wedsync {name}" for name in WEDSYNC}))


class Misfortune:
    """Orders faults, counts what they hit, and ends them."""

    def __init__(self, outlook: OutlookCalendar, wedsync: WedSyncCalendar, reached: Reached) -> None:
        self._outlook, self._wedsync, self._reached = outlook, wedsync, reached
        self._ordered: dict[tuple[str, int], str] = {}
        self._turned: set[str] = set()

    async def order(self, name: str, *, after: int = 0) -> None:
        """Order a fault; ``after`` so many requests that it could hit."""
        service, _, kind = name.partition(" ")
        orders, far_end = (GRAPH, self._outlook) if service == "graph" else (WEDSYNC, self._wedsync)
        order = (orders.get(kind) or POST[kind]) | {"after": after}
        standing = (await far_end.control("POST", "/faults", order))["faults"]
        self._ordered[service, int(standing[-1]["number"])] = name

    async def turn(self, name: str) -> None:
        """Turn a knob."""
        self._turned.add(name)
        await self._outlook.knobs(**KNOBS[name][0])
        self._reached.add("fault", name)

    async def end(self) -> None:
        """End every fault, and count those that struck."""
        for service, far_end in (("graph", self._outlook), ("wedsync", self._wedsync)):
            for order in (await far_end.control("GET", "/faults"))["faults"]:
                name = self._ordered.pop((service, int(order["number"])), "")
                if name and order["hits"]:
                    self._reached.add("fault", name, order["hits"])
            await far_end.clear_faults()
        for name in sorted(self._turned):
            await self._outlook.knobs(**KNOBS[name][1])
        self._turned.clear()
