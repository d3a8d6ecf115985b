"""Requests that are kept in flight until the test lets them go, however fast or slow the machine is."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.local.graph.conftest import Far
from tests.local.graph.subscribing import advance

HELD = "held=1"
_MINUTES = 30


@asynccontextmanager
async def holding(
    graph: Far, *calls: Coroutine[Any, Any, Any], slots: int = 0
) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Keep calls whose path says ``held=1`` in flight, with their slots, until the block ends; whatever fails in it.

    ``slots``: how many of the mailbox's slots they take, if not one each.
    """
    count = slots or len(calls)
    order = {"action": "latency", "path": HELD, "seconds": _MINUTES * 60, "count": count}
    await graph.control("POST", "/faults", order)
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        await _in_flight(graph, count, tasks)
        yield tasks
    finally:
        await advance(graph, minutes=_MINUTES, seconds=1)
        await asyncio.wait(tasks)


async def _in_flight(graph: Far, count: int, tasks: list[asyncio.Task[Any]]) -> None:
    for _ in range(1500):
        assert not any(task.done() for task in tasks), "answered at once"
        box: dict[str, Any] = (await graph.control("GET", "/mailboxes"))["mailboxes"][0]
        if box["mostConcurrent"] >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{box['mostConcurrent']} of {count} requests came")
