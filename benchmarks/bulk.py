"""Runs of the service over many events, timed from the request to what was stored last."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from azure.data.tables.aio import TableServiceClient

from benchmarks import far_ends
from benchmarks.floors import Parts, Span, parts
from benchmarks.processes import family, processor_seconds
from local.stand import SERVICE_TOKEN, Stand
from tests.journeys.loads import load, nothing_due, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually

WEDSYNC_AT_ONCE = 8
"""How many events the service writes to WedSync at a time."""
PAGE = 200
"""How many events the service asks Graph for at a time."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at a run: each costs the host time that it could spend on the run."""
_PATIENCE = 900.0


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A run: ``stored`` is when the last mapping was, ``run`` when the run said so, in seconds from the request.

    ``parts`` divides ``stored`` by the requests that did the writing. ``processor`` is the processor time of each
    process of the stand meanwhile.
    """

    created: int
    stored: float
    run: float
    parts: Parts
    processor: dict[str, float]


async def push(stand: Stand, planner: Planner, *, count: int, name: str, begun: asyncio.Event | None = None) -> Timed:
    """Put new events into WedSync, telling nobody, and let a run carry them to Outlook; ``begun`` is set then."""
    await load(planner, wedsync=wedsync_events(count, name), outlook=[])
    return await _timed(stand, planner, url=planner.urls.graph, path="$batch", begun=begun)


async def pull(stand: Stand, planner: Planner, *, count: int, name: str, latency: float) -> Timed:
    """Put new events into Outlook, and lose the notifications of it; let a run carry them to WedSync."""
    async with far_ends.silence(planner, latency=latency):
        await load(planner, wedsync=[], outlook=outlook_events(count, name))
    return await _timed(stand, planner, url=planner.urls.wedsync, path="/events")


async def at_rest(stand: Stand, planner: Planner) -> None:
    """Wait until all is delivered, and nothing is left to do."""
    await planner.deliveries_done()
    await eventually(lambda: nothing_due(stand), "nothing is due", _PATIENCE)


async def _timed(stand: Stand, planner: Planner, *, url: str, path: str, begun: asyncio.Event | None = None) -> Timed:
    await at_rest(stand, planner)
    await far_ends.forget_requests(planner)
    used, began = _processor(stand), stand.now().timestamp()
    answer = await planner.call("POST", "calendar/outlook/sync", json={"syncType": "incremental"})
    if begun is not None:
        begun.set()
    run = await _ended(planner, str(answer.raise_for_status().json()["syncId"]))
    ended = datetime.fromisoformat(run["completedAt"]).timestamp()
    stored = max(moment for moment in await _stored_at(stand) if moment <= ended)
    spans = far_ends.spans_of(await far_ends.requests_to(planner, url), method="POST", path=path)
    within = [span for span in spans if began <= span.begin and span.end <= stored]
    return Timed(
        created=run["progress"]["createdEvents"],
        stored=stored - began,
        run=ended - began,
        parts=parts(Span(begin=began, end=stored), within),
        processor={name: round(seconds - used[name], 1) for name, seconds in _processor(stand).items()},
    )


async def _ended(planner: Planner, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(_PATIENCE):
        while True:
            run = (await planner.call("GET", f"calendar/outlook/sync/{run_id}")).raise_for_status().json()
            if run["status"] != "in_progress":
                break
            await asyncio.sleep(_LOOK_EVERY)
    if run["status"] != "completed" or run["progress"]["errorEvents"]:
        raise RuntimeError(f"the run ended as {run['status']}: {run.get('errors', [])[:2]}")
    return dict(run)


async def _stored_at(stand: Stand) -> list[float]:
    """Return when each mapping was stored last, by storage's own clock, which is the stand's."""
    columns = ["RowKey", "Timestamp"]
    async with TableServiceClient.from_connection_string(stand.connection_string) as service:
        rows = service.get_table_client("OutlookEventMappings").list_entities(select=columns)
        moments = [row.metadata["timestamp"] async for row in rows if str(row["RowKey"]).startswith("m|")]
    return [moment.timestamp() for moment in moments if moment is not None]


def _processor(stand: Stand) -> dict[str, float]:
    return {name: sum(processor_seconds(own) for own in family(pid)) for name, pid in stand.pids().items()}


async def wedsync_post(planner: Planner, *, count: int, at_once: int) -> float:
    """Return how many seconds WedSync takes for one of so many POSTs, by a client that does nothing else."""
    bodies = [
        {**event, "source": "outlook", "externalId": f"outlook:benchmark:{at_once}:{number}"}
        for number, event in enumerate(wedsync_events(count, f"Bare {at_once}"))
    ]
    url = f"{planner.urls.wedsync}/v1/users/{_OTHER_USER}/events"
    took: list[float] = []
    waiting = iter(bodies)
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:

        async def worker() -> None:
            took.extend([await _posted(http, url, body) for body in waiting])

        await asyncio.gather(*(worker() for _ in range(at_once)))
    return sum(took) / len(took)


_OTHER_USER = "planner-marco"
"""Whose calendar the bare POSTs go to: not that of the planner whom the benchmark follows."""


async def _posted(http: httpx.AsyncClient, url: str, body: dict[str, Any]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await http.post(url, json=body, headers={"Idempotency-Key": body["externalId"]})
    if answer.status_code != 201:
        raise RuntimeError(f"WedSync answered {answer.status_code}")
    return loop.time() - began
