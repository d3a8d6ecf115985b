"""Requests that are kept in flight until the test lets them go, however fast or slow the machine is."""

import asyncio
from typing import Any

from tests.local.graph.conftest import Far
from tests.local.graph.subscribing import advance

HELD = "held=1"
_MINUTES = 30


async def hold(graph: Far, count: int) -> None:
    """Keep the next so many requests that say ``held=1`` waiting by the stand's clock, with their slots."""
    order = {"action": "latency", "path": HELD, "seconds": _MINUTES * 60, "count": count}
    await graph.control("POST", "/faults", order)


async def in_flight(graph: Far, count: int) -> None:
    """Wait until so many slots of Rose's mailbox are taken; ten seconds, for against an empty 200 they never are."""
    for _ in range(500):
        box: dict[str, Any] = (await graph.control("GET", "/mailboxes"))["mailboxes"][0]
        if box["mostConcurrent"] >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{box['mostConcurrent']} of {count} requests came")


async def let_go(graph: Far) -> None:
    """Answer what was kept."""
    await advance(graph, minutes=_MINUTES, seconds=1)
