"""WedSync's clients in front of simulated WedSync, in one process and without sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.wedsync.app import Options, wedsync_app
from shared.store.memory import MemorySecrets
from shared.wedsync.client import WedSyncClient
from shared.wedsync.events import WedSyncApi

URL = "http://wedsync.test"
SERVICE_TOKEN = "the-service-token"
USER = "planner-rose"


@dataclass
class Pauses:
    """Remembers how long the client wanted to wait, and does not."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@dataclass
class Planner:
    """Rose, who edits her events in WedSync."""

    http: httpx.AsyncClient

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_control{path}", json=body)
        assert answer.status_code < 400, answer.text
        return answer.json()

    async def add(self, **members: Any) -> dict[str, Any]:
        body = {
            "type": "client_meeting",
            "title": "Tasting",
            "start": "2026-08-04T16:00:00",
            "end": "2026-08-04T17:00:00",
            "timeZone": "Europe/Rome",
        }
        made: dict[str, Any] = await self.control("POST", f"/users/{USER}/events", body | members)
        return made

    async def change(self, event_id: str, **members: Any) -> dict[str, Any]:
        changed: dict[str, Any] = await self.control("PATCH", f"/users/{USER}/events/{event_id}", members)
        return changed

    async def remove(self, event_id: str) -> None:
        await self.control("DELETE", f"/users/{USER}/events/{event_id}")

    async def read(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.control("GET", f"/users/{USER}/events/{event_id}")
        return found

    async def expire_cursors(self) -> None:
        await self.control("POST", "/cursors/expire")

    async def token(self, **wanted: Any) -> str:
        made: str = (await self.control("POST", "/tokens", {"userId": USER} | wanted))["token"]
        return made

    async def requests(self) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = (await self.control("GET", "/requests?clear=1"))["requests"]
        return received


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def vault() -> MemorySecrets:
    return MemorySecrets({"wedsync-service-token": SERVICE_TOKEN})


@pytest.fixture
async def planner() -> AsyncIterator[Planner]:
    options = Options(
        base_url=URL,
        functions_url="http://functions.test",
        browser_functions_url="http://functions.test",
        graph_url="https://graph.test",
        service_token=SERVICE_TOKEN,
        webhook_secret="whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA=",
    )
    async with httpx.AsyncClient(base_url=URL, transport=httpx.ASGITransport(app=wedsync_app(options))) as http:
        yield Planner(http)


@pytest.fixture
async def client(planner: Planner, vault: MemorySecrets, pauses: Pauses) -> AsyncIterator[WedSyncClient]:
    made = WedSyncClient(base_url=URL, secrets=vault, sleep=pauses, transport=planner.http._transport)
    yield made
    await made.close()


@pytest.fixture
def wedsync(client: WedSyncClient) -> WedSyncApi:
    return WedSyncApi(client, page_size=20)
