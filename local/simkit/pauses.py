"""Pauses that a jump of the wall clock ends: a machine that slept, or a stand whose clock was moved."""

import asyncio
import time
from collections.abc import Callable

_LOOK_SECONDS = 0.25


async def pause(seconds: float, ended_by: asyncio.Event | None = None, now: Callable[[], float] = time.time) -> bool:
    """Wait until ``seconds`` have passed on the monotonic or on the wall clock; return whether the event came first."""
    event = ended_by or asyncio.Event()
    steady, wall = time.monotonic() + seconds, now() + seconds
    while not event.is_set():
        left = min(steady - time.monotonic(), wall - now())
        if left <= 0:
            return False
        try:
            await asyncio.wait_for(event.wait(), min(left, _LOOK_SECONDS))
        except TimeoutError:
            continue
    return True
