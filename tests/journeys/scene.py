"""Two connected planners with little in their calendars, and what must not change when bad input comes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.evidence import picture, queued
from tests.journeys.planner import Planner, eventually
from tests.journeys.routes import ENDPOINTS, Caller


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Two connected planners, and what belongs to each: an event on both sides, and a run."""

    stand: Stand
    rose: Planner
    marco: Planner
    events: dict[str, str]
    runs: dict[str, str]

    async def call(self, name: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        """Call an endpoint; ``token`` None means Rose's good one, empty none at all."""
        endpoint = ENDPOINTS[name]
        path = str(options.pop("path", endpoint.route))
        path = path.replace("{syncId}", self.runs["planner-rose"]).replace("{eventId}", self.events["planner-rose"])
        path = path.replace("{*path}", "health")
        given = options.pop("headers", {}).items()
        headers = {name: value if isinstance(value, bytes) else value.encode() for name, value in given}
        token = await self.rose.token() if token is None else token
        if endpoint.caller is Caller.USER and token:
            headers["Authorization"] = f"Bearer {token}".encode()
        query = options.pop("query", endpoint.good_query)
        url = httpx.URL(f"{self.rose.urls.host}/api/{path}" + (f"?{query}" if query else ""))
        return await self.rose.http.request(endpoint.method, url, headers=headers, **options)

    async def token(self, **wanted: Any) -> str:
        body = {"userId": "planner-rose", **wanted}
        answer = await self.rose.http.post(f"{self.rose.urls.wedsync}/_control/tokens", json=body)
        return str(answer.raise_for_status().json()["token"])

    def jobs_run(self) -> int:
        """Return how many queue functions have been started so far."""
        return len(re.findall(r"Executing 'Functions\.\w+_jobs", self.stand.log()))


@asynccontextmanager
async def open_scene(work_folder: Path) -> AsyncIterator[Scene]:
    """Bring up a stand without the season, connect both planners, and wait until all is quiet."""
    async with Stand(work_folder=work_folder, season=False) as stand:
        rose, marco = (Planner(stand, person) for person in PLANNERS[:2])
        events = {planner.person.user_id: await prepared(planner) for planner in (rose, marco)}
        runs = {
            planner.person.user_id: (await planner.status())["recentSyncHistory"][0]["id"] for planner in (rose, marco)
        }
        scene = Scene(stand=stand, rose=rose, marco=marco, events=events, runs=runs)
        await all_quiet(scene)
        yield scene
        await rose.close()
        await marco.close()


async def prepared(planner: Planner) -> str:
    """Connect, with an event that comes to be on both sides; return its id in WedSync."""
    event = await planner.add_in_wedsync(
        type="client_meeting",
        title=f"Tasting with {planner.person.name}",
        start="2027-03-01T14:00:00",
        end="2027-03-01T15:00:00",
        timeZone="Europe/London",
        allDay=False,
        private=False,
    )
    await planner.connect()
    await planner.first_run_ended()

    async def synced() -> bool:
        status = await planner.status()
        assert (status["syncStats"]["syncedEvents"], status["webhookStatus"]["isActive"]) == (1, True)
        return True

    await eventually(synced, "the event is on both sides")
    return str(event["id"])


async def all_quiet(scene: Scene) -> None:
    """Wait until nothing is delivered, queued or run any more: our own writes come back as notices, and late."""
    calm, ran = 0, -1
    while calm < 5:
        await scene.rose.deliveries_done()
        await eventually(lambda: idle(scene), "the queues are empty")
        calm, ran = (calm + 1 if scene.jobs_run() == ran else 0), scene.jobs_run()
        await asyncio.sleep(0.3)


@asynccontextmanager
async def unchanged(scene: Scene, *, jobs: bool = False) -> AsyncIterator[None]:
    """Assert that nothing changes anywhere, and, unless ``jobs`` may run, that none was enqueued."""
    before, ran = await picture(scene.stand, scene.rose), scene.jobs_run()
    yield
    await eventually(lambda: idle(scene), "the queues are empty")
    after = await picture(scene.stand, scene.rose)
    for place in before.keys() | after.keys():
        assert before.get(place) == after.get(place), place
    if not jobs:
        assert scene.jobs_run() == ran, "a job was started"


async def idle(scene: Scene) -> bool:
    return await queued(scene.stand) == 0


def problem(answer: httpx.Response, status: int, *codes: str) -> dict[str, Any]:
    """Assert that the answer is a problem document (RFC 9457) and return it."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body = dict(answer.json())
    assert body["status"] == status
    assert body["type"] == f"urn:wedsync:outlook-sync:problem:{body['code']}"
    assert body["title"]
    assert not codes or body["code"] in codes, body
    assert "Traceback" not in answer.text
    return body
