"""GraphOutlook in front of the simulated Graph, in one process and without sockets."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.graph.app import create_app
from local.simkit.people import ROSE, Account
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphCall, GraphClient
from tests.support.values import new_id

HOST = "https://graph.test"
BASE = f"{HOST}/v1.0"
INTEGRATION = "integration-of-rose"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class PublishedKeys:
    """Entra's published keys."""

    async def key(self, key_id: str) -> Any | None:
        return _KEY.public_key() if key_id == "test" else None


def graph_token(account: Account = ROSE, **claims: Any) -> str:
    now = int(time.time())
    made = {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{account.tid}/",
        "appid": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
        "oid": account.oid,
        "tid": account.tid,
        "upn": account.upn,
        "scp": "User.Read Calendars.ReadWrite MailboxSettings.Read",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
    }
    return jwt.encode(made | claims, _KEY, algorithm="RS256", headers={"kid": "test"})


class IssuedTokens:
    """Entra, as far as Graph's client sees it: hands out one token, and another when that is refused."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens) or [graph_token()]
        self.refused: list[str] = []

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        if refused:
            self.refused.append(refused)
        left = [token for token in self.tokens if token != refused]
        return left[0] if left else refused


@dataclass
class Pauses:
    """Remembers how long the client wanted to wait, and does not."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@dataclass
class Mailbox:
    """Rose's mailbox as she and the tests see it."""

    http: httpx.AsyncClient
    calls: list[GraphCall] = field(default_factory=list)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_control{path}", json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def knobs(self, **wanted: Any) -> None:
        await self.control("POST", "/knobs", wanted)

    async def fault(self, **order: Any) -> None:
        await self.control("POST", "/faults", order)

    async def add(self, **members: Any) -> dict[str, Any]:
        """Add an event as its owner would in Outlook."""
        body = {"subject": "Cake tasting", "start": at("2026-08-04T14:00:00"), "end": at("2026-08-04T15:00:00")}
        made: dict[str, Any] = await self.control("POST", f"/mailboxes/{ROSE.upn}/events", body | members)
        return made

    async def sent(self) -> list[dict[str, Any]]:
        """The mails that Exchange would have sent."""
        mails: list[dict[str, Any]] = (await self.control("GET", "/outbox"))["mails"]
        return mails


def at(clock: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": clock, "timeZone": zone}


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    app = create_app(PublishedKeys(), client=httpx.AsyncClient(transport=httpx.MockTransport(_handshake)))
    async with httpx.AsyncClient(base_url=HOST, transport=httpx.ASGITransport(app=app)) as http:
        yield Mailbox(http)
        await app.state.graph.sender.stop()


@pytest.fixture
async def client(mailbox: Mailbox, pauses: Pauses) -> AsyncIterator[GraphClient]:
    made = GraphClient(
        base_url=BASE,
        tokens=IssuedTokens(),
        new_id=new_id,
        on_request=mailbox.calls.append,
        sleep=pauses,
        transport=mailbox.http._transport,
    )
    yield made
    await made.close()


@pytest.fixture
def outlook(client: GraphClient) -> GraphOutlook:
    return GraphOutlook(client, page_size=20)


@pytest.fixture
async def calendar_id(outlook: GraphOutlook, mailbox: Mailbox) -> str:
    found = (await outlook.calendars(INTEGRATION))[0].calendar_id
    mailbox.calls.clear()
    return found


def _handshake(request: httpx.Request) -> httpx.Response:
    """Our notification endpoint: answers Graph's handshake, takes everything."""
    if token := request.url.params.get("validationToken"):
        return httpx.Response(200, text=token)
    return httpx.Response(202)
