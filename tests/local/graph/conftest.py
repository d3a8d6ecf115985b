"""A simulated Graph over HTTP, with tokens of a local key, and an endpoint that takes notifications."""

import asyncio
import contextlib
import importlib
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.graph.app import create_app
from local.simkit.people import MARCO, ROSE, Account
from local.simkit.serve import server
from local.simkit.tls import Certificates, certificates
from tests.local.hollow import Hollow

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
APP_ID = "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"
SCOPES = "User.Read Calendars.ReadWrite MailboxSettings.Read"
MARKER = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name WedSyncId"


class LocalKeys:
    """Stands in for Entra's published keys."""

    async def key(self, key_id: str) -> Any | None:
        return KEY.public_key() if key_id == "test" else None


def token(account: Account = ROSE, *, scopes: str = SCOPES, app_id: str = APP_ID, **claims: Any) -> str:
    now = int(time.time())
    made = {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{account.tid}/",
        "appid": app_id,
        "oid": account.oid,
        "tid": account.tid,
        "upn": account.upn,
        "scp": scopes,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
    }
    return jwt.encode(made | claims, KEY, algorithm="RS256", headers={"kid": "test"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(app: Any, certificate: Path | None = None) -> Iterator[int]:
    """Serve an app from a thread of its own until the block ends."""
    port = free_port()
    running: uvicorn.Server = server(app, port=port, certificate=certificate)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def trust(tls: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.ca_file))


@pytest.fixture(scope="session")
def graph_url(tls: Certificates, trust: ssl.SSLContext, hollow: bool) -> Iterator[str]:
    app = create_app(LocalKeys(), client=httpx.AsyncClient(verify=trust, trust_env=False))
    with serving(Hollow(app) if hollow else app, tls.server_file) as port:
        yield f"https://localhost:{port}"


@dataclass
class Far:
    """The simulated Graph as a client sees it: requests as a person, and the control API."""

    http: httpx.AsyncClient

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: Account = ROSE,
        headers: dict[str, str] | None = None,
        status: int | None = None,
        bearer: str = "",
    ) -> httpx.Response:
        """Send one request under /v1.0 (or to a full link); ``status`` is what must come back."""
        url = path if path.startswith("http") else f"/v1.0{path}"
        given = {"Authorization": f"Bearer {bearer or token(who)}", **(headers or {})}
        answer = await self.http.request(method, url, json=body, headers=given)
        if status is not None:
            assert answer.status_code == status, answer.text
        return answer

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_control{path}", json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def knobs(self, **wanted: Any) -> None:
        await self.control("POST", "/knobs", wanted)

    async def create(self, path: str = "/me/events", **members: Any) -> dict[str, Any]:
        answer = await self.call("POST", path, event(**members), status=201)
        made: dict[str, Any] = answer.json()
        return made

    async def delta(self, link: str, **options: Any) -> tuple[list[dict[str, Any]], str]:
        """Follow a round to its end; returns all items and the delta link."""
        items: list[dict[str, Any]] = []
        while True:
            page = (await self.call("GET", link, status=200, **options)).json()
            items += page["value"]
            if "@odata.deltaLink" in page:
                return items, page["@odata.deltaLink"]
            link = page["@odata.nextLink"]


def at(clock: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": clock, "timeZone": zone}


def event(**members: Any) -> dict[str, Any]:
    """An event body; a member given as None is left out."""
    body = {"subject": "Cake tasting", "start": at("2026-08-04T14:00:00"), "end": at("2026-08-04T15:00:00"), **members}
    return {name: value for name, value in body.items() if value is not None}


def series(pattern: dict[str, Any], span: dict[str, Any], **members: Any) -> dict[str, Any]:
    return event(recurrence={"pattern": pattern, "range": span}, **members)


WINDOW = "startDateTime=2026-07-01T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"


@pytest.fixture(scope="session")
def schema(hollow: bool) -> Any:
    """The checks of bodies against the public schema; importing its models takes seconds. None for a hollow service,
    which has to fail by what the tests themselves say."""
    return None if hollow else importlib.import_module("tests.local.graph.schema_answers")


def checked_by(schema: Any) -> dict[str, list[Any]]:
    """Return the hooks with which a client checks every answer of Graph against the public schema."""

    async def check(response: httpx.Response) -> None:
        if schema is not None and not response.request.url.path.startswith("/_control"):
            await response.aread()
            assert not (found := schema.answer_problems(response)), "\n".join(found)

    return {"response": [check]}


@pytest.fixture
async def graph(graph_url: str, trust: ssl.SSLContext, schema: Any) -> AsyncIterator[Far]:
    """The simulated Graph, reset; every answer is checked against the public schema."""
    async with httpx.AsyncClient(
        base_url=graph_url, verify=trust, trust_env=False, timeout=30, event_hooks=checked_by(schema)
    ) as http:
        far = Far(http)
        await far.control("POST", "/reset")
        yield far
        await far.control("POST", "/reset")


@pytest.fixture
async def roses(graph: Far, graph_url: str, trust: ssl.SSLContext, schema: Any) -> AsyncIterator[Any]:
    """Rose's mailbox as Microsoft's own client sees it."""
    microsoft = importlib.import_module("tests.local.graph.microsoft")
    async with microsoft.client_of(ROSE, graph_url, trust, schema) as client:
        yield client


@pytest.fixture
async def marcos(graph: Far, graph_url: str, trust: ssl.SSLContext, schema: Any) -> AsyncIterator[Any]:
    """Marco's mailbox, a personal one, as Microsoft's own client sees it."""
    microsoft = importlib.import_module("tests.local.graph.microsoft")
    async with microsoft.client_of(MARCO, graph_url, trust, schema) as client:
        yield client


async def became(condition: Callable[[], bool]) -> None:
    """Wait until something is so; other threads work on it, so that an event would not do."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)


@dataclass
class Endpoint:
    """Takes notifications as a Functions app would; how it answers can be changed.

    ``mode`` is how it answers a validation (at the path ``mode_path`` only, if that is given), ``failures`` how many
    notifications it refuses first, ``seconds`` how long it takes over each; 0 lets go those that wait, as does another
    ``mode`` than ``held``.
    """

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    validations: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    mode: str = "good"
    mode_path: str = ""
    failures: int = 0
    seconds: float = 0.0

    def restart(self) -> None:
        """Forget everything."""
        for kept in (self.posts, self.validations, self.asked):
            kept.clear()
        self.mode, self.mode_path, self.failures, self.seconds = "good", "", 0, 0.0

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for post in self.posts for item in post["value"]]

    async def take(self, request: Request) -> Response:
        asked = request.query_params.get("validationToken")
        if asked is not None:
            self.validations.append(str(request.url.path))
            self.asked.append((request.url.query, request.headers.get("content-type", ""), await request.body()))
            return await self._echo(asked, self.mode if self.mode_path in ("", request.url.path) else "good")
        if self.failures > 0:
            self.failures -= 1
            return Response(status_code=503)
        post = json.loads(await request.body())
        if self.seconds:
            await self._wait()
            if await request.is_disconnected():
                return Response()
        self.posts.append(post)
        return Response(status_code=202)

    async def _wait(self) -> None:
        """Take one's time, or until the test lets go."""
        over = time.monotonic() + self.seconds
        await became(lambda: not self.seconds or time.monotonic() >= over)

    async def asked_for(self, count: int) -> None:
        """Wait until so many validations have come."""
        await became(lambda: len(self.validations) >= count)

    async def _echo(self, token: str, mode: str) -> Response:
        await became(lambda: self.mode != "held")
        if mode == "html":
            return Response(token, media_type="text/html")
        written = {"wrong": "wrong", "encoded": quote(token, safe=""), "padded": f"{token}\n"}.get(mode, token)
        return PlainTextResponse(written, status_code=202 if mode == "accepted" else 200)

    async def until(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Wait until so many items have come."""
        for _ in range(int(seconds / 0.02)):
            if len(self.items) >= count:
                return self.items
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(self.items)} of {count} notifications came")


@pytest.fixture(scope="session")
def listening(tls: Certificates) -> Iterator[Endpoint]:
    taking = Endpoint()
    app = Starlette(routes=[Route("/{rest:path}", taking.take, methods=["POST"])])
    with serving(app, tls.server_file) as port:
        taking.url = f"https://localhost:{port}"
        yield taking


@pytest.fixture
def endpoint(listening: Endpoint, schema: Any) -> Iterator[Endpoint]:
    """The endpoint as if it had just started; every notification is checked against the public schema."""
    listening.restart()
    yield listening
    found = [each for post in listening.posts for each in schema.notification_problems(post)] if schema else []
    assert not found, "\n".join(found)


@pytest.fixture
def rose() -> Account:
    return ROSE


@pytest.fixture
def marco() -> Account:
    return MARCO
