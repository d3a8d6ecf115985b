"""Simulated WedSync on a free port, with a sync service and a Graph simulator in front of it that are fakes."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.simkit.serve import server
from local.wedsync.app import Options, wedsync_app
from tests.local.wedsync.neighbours import FakeFunctions, FakeGraph

TRUST = ssl.create_default_context()
"""Made once: httpx would read all authorities anew for each client."""
SERVICE_TOKEN = "test-service-token"
WEBHOOK_SECRET = "whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA="


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def serve_all(apps: dict[int, Any], started: threading.Event, stop: threading.Event) -> None:
    """Serve each app on its port until told to stop."""
    running = [server(app, port=port) for port, app in apps.items()]
    tasks = [asyncio.create_task(one.serve()) for one in running]
    while not all(one.started for one in running):
        assert not any(task.done() for task in tasks), "a server ended before it started"
        await asyncio.sleep(0.01)
    started.set()
    await asyncio.to_thread(stop.wait)
    for one in running:
        one.should_exit = True
    await asyncio.gather(*tasks)


@contextlib.contextmanager
def serving(apps: dict[int, Any]) -> Iterator[None]:
    """Serve in a thread of their own, so that one start is enough for many tests."""
    started, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve_all(apps, started, stop)))
    thread.start()
    started.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@dataclass(kw_only=True)
class Stand:
    """What a test works with. ``api`` carries the service token, ``browser`` keeps cookies."""

    url: str
    api: httpx.AsyncClient
    control: httpx.AsyncClient
    browser: httpx.AsyncClient
    functions: FakeFunctions
    graph: FakeGraph

    async def token(self, **wanted: Any) -> str:
        answer = await self.control.post("/_control/tokens", json={"userId": "planner-rose"} | wanted)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token


@pytest.fixture(scope="session")
def simulators() -> Iterator[tuple[str, FakeFunctions, FakeGraph]]:
    functions, graph = FakeFunctions(), FakeGraph()
    ports = [free_port() for _ in range(3)]
    url, functions_url, graph_url = (f"http://localhost:{port}" for port in ports)
    options = Options(
        base_url=url,
        functions_url=functions_url,
        browser_functions_url="https://localhost:7443",
        graph_url=graph_url,
        service_token=SERVICE_TOKEN,
        webhook_secret=WEBHOOK_SECRET,
        back_off=(0.02, 0.02, 0.02),
    )
    with serving({ports[0]: wedsync_app(options), ports[1]: functions.app(), ports[2]: graph.app()}):
        yield url, functions, graph


@pytest.fixture
async def stand(simulators: tuple[str, FakeFunctions, FakeGraph]) -> AsyncIterator[Stand]:
    url, functions, graph = simulators
    async with contextlib.AsyncExitStack() as stack:

        async def client(**more: Any) -> httpx.AsyncClient:
            return await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, trust_env=False, verify=TRUST, **more)
            )

        made = Stand(
            url=url,
            api=await client(headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}),
            control=await client(),
            browser=await client(follow_redirects=True),
            functions=functions,
            graph=graph,
        )
        await made.control.post("/_control/reset")
        functions.reset()
        graph.reset()
        yield made


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something happens; the test's own time limit ends a wait in vain."""
    while True:
        met = condition()
        if await met if isinstance(met, Awaitable) else met:
            return
        await asyncio.sleep(0.01)
