"""What the simulators tell a benchmark, and what it orders of them: latency, silence, empty calendars."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.floors import Span
from tests.journeys.planner import Planner


async def be_late(planner: Planner, seconds: float) -> None:
    """Let Graph take so long for each request on a mailbox, those in a ``$batch`` included; its envelope takes none."""
    order = {"action": "latency", "path": "/v1.0/me/", "seconds": seconds}
    (await planner.http.post(f"{planner.urls.graph}/_control/faults", json=order)).raise_for_status()


@asynccontextmanager
async def silence(planner: Planner, *, latency: float) -> AsyncIterator[None]:
    """Lose Graph's notifications meanwhile, so that what is put there is for a run to find."""
    (await planner.http.post(f"{planner.urls.graph}/_control/faults", json={"action": "lose"})).raise_for_status()
    yield
    await planner.deliveries_done()
    (await planner.http.delete(f"{planner.urls.graph}/_control/faults")).raise_for_status()
    await be_late(planner, latency)


async def empty_mailbox(planner: Planner, upn: str) -> None:
    """Take every event out of a mailbox."""
    url = f"{planner.urls.graph}/_control/mailboxes/{upn}/events"
    (await planner.http.put(url, json={"events": []})).raise_for_status()


async def events_in(planner: Planner, upn: str) -> int:
    """Count the events of a mailbox."""
    answer = await planner.http.get(f"{planner.urls.graph}/_control/mailboxes/{upn}/events")
    return len(answer.raise_for_status().json()["events"])


async def forget_requests(planner: Planner) -> None:
    """Begin new request logs."""
    for url in (planner.urls.graph, planner.urls.wedsync):
        (await planner.http.get(f"{url}/_control/requests", params={"clear": "1"})).raise_for_status()


async def requests_to(planner: Planner, url: str) -> Sequence[Mapping[str, Any]]:
    """Return a simulator's request log."""
    answer = await planner.http.get(f"{url}/_control/requests")
    return list(answer.raise_for_status().json()["requests"])


def spans_of(requests: Sequence[Mapping[str, Any]], *, method: str, path: str) -> list[Span]:
    """Return when requests that a client sent by themselves were worked on; the log notes their end and length."""
    return [
        Span(begin=request["at"] - request["milliseconds"] / 1000, end=request["at"])
        for request in requests
        if request["method"] == method and request["part_of"] is None and path in request["path"]
    ]
