"""What is asked of Graph, of WedSync and of storage, as their own logs have it."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.world import World

STORAGE = ("get Outlook", "query ", "insert ", "replace ", "upsert ", "delete ", "transact ", "put outlook-")
"""How steps are called that are a billed storage operation: a request to a table, or a message put into a queue."""

BATCH = "POST /v1.0/$batch"
CALENDAR_DELTA = "GET /v1.0/me/calendars/{id}/calendarView/delta"
CALENDAR = "GET /v1.0/me/calendars/{id}"
CREATE = "POST /v1.0/me/calendars/{id}/events"
EVENT = "/v1.0/me/events/{id}"


@dataclass(kw_only=True)
class Counts:
    """``graph`` holds HTTP requests; ``items`` what ``$batch``es carried; ``storage`` table and queue requests."""

    graph: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    wedsync: Counter[str] = field(default_factory=Counter)
    storage: Counter[str] = field(default_factory=Counter)


def shape(text: str) -> str:
    """Return method and path without ids."""
    return re.sub(r"/(calendars|events|users)(/[^/]+|\('[^']+'\))", r"/\1/{id}", text.split("?", maxsplit=1)[0])


@asynccontextmanager
async def counted(world: World) -> AsyncIterator[Counts]:
    """Count what happens inside of the block, and from the calendars' owners only what reaches the service."""
    await world.quiet()
    await world.outlook.control("GET", "/requests?clear=1")
    await world.wedsync.requests()
    world.steps.names.clear()
    counts = Counts()
    yield counts
    steps = [name.removeprefix("before ") for name in world.steps.names if name.startswith("before ")]
    counts.storage.update(step for step in steps if step.startswith(STORAGE))
    for request in (await world.outlook.control("GET", "/requests"))["requests"]:
        counted_in = counts.graph if request["part_of"] is None else counts.items
        counted_in[shape(f"{request['method']} {request['path']}")] += 1
    counts.wedsync.update(shape(request) for request in await world.wedsync.requests())
