"""Requests to the simulated Graph as fast as it answers: clients over HTTPS, each at work on one mailbox.

A cycle is a POST, two GETs (one event, a list), a PATCH, a delta round and a ``$batch`` of four GETs; every event is
deleted again, so that the mailboxes stay as they are.
"""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.processes import processor_seconds
from local.entra.state import CLIENT_SECRET
from local.simkit.people import ACCOUNTS, Account
from local.stand import CALLBACK_PATH, CLIENT_ID, Stand

_WINDOW = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z"
_EVENT = {
    "subject": "Cake tasting",
    "body": {"contentType": "text", "content": "Bring the list.\nAnd samples."},
    "start": {"dateTime": "2026-06-20T14:00:00", "timeZone": "Europe/London"},
    "end": {"dateTime": "2026-06-20T15:30:00", "timeZone": "Europe/London"},
    "location": {"displayName": "Sugar & Crumb"},
    "categories": ["client_meeting"],
}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What a number of clients got through in a second; ``parts`` counts the items of batches instead of the batches.

    ``milliseconds`` is the simulator's processor time for one request.
    """

    clients: int
    requests: float
    parts: float
    milliseconds: float


class Client:
    """One client of Graph, with one person's token."""

    def __init__(self, http: aiohttp.ClientSession, *, base: str, token: str) -> None:
        self._http = http
        self._base = base
        self._headers = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
        self.requests = 0
        self.parts = 0

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request; anything but a success is an error of the measurement."""
        url = path if path.startswith("https:") else f"{self._base}/v1.0{path}"
        async with self._http.request(method, url, json=body, headers=self._headers) as answer:
            content = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
            self.requests += 1
            self.parts += len(body["requests"]) if path == "/$batch" else 1
            return None if answer.status == 204 else await answer.json(content_type=None)

    async def delta_link(self) -> str:
        """Read a first delta round to its end."""
        page = await self.call("GET", f"/me/calendarView/delta?{_WINDOW}")
        while "@odata.nextLink" in page:
            page = await self.call("GET", page["@odata.nextLink"])
        return str(page["@odata.deltaLink"])

    async def work(self, until: float) -> None:
        """Go through cycles until a ``time.perf_counter()``."""
        link = await self.delta_link()
        self.requests = self.parts = 0
        for number in itertools.count():
            if time.perf_counter() > until:
                return
            made = await self.call("POST", "/me/events", _EVENT | {"subject": f"Cake tasting {number}"})
            path = f"/me/events/{made['id']}"
            await self.call("GET", path)
            await self.call("PATCH", path, {"subject": f"Cake tasting {number}, moved"})
            await self.call("GET", "/me/events?$top=10")
            link = (await self.call("GET", link)).get("@odata.deltaLink", link)
            parts = [{"id": str(item), "method": "GET", "url": path} for item in range(4)]
            await self.call("POST", "/$batch", {"requests": parts})
            await self.call("DELETE", path)


class GraphLoad:
    """Clients with tokens of simulated Entra, one for each account."""

    def __init__(self, stand: Stand, http: aiohttp.ClientSession, tokens: dict[str, str]) -> None:
        self._stand = stand
        self._http = http
        self._tokens = tokens

    async def rate(self, clients: int, seconds: float) -> Rate:
        """Let so many clients work, spread over the mailboxes."""
        tokens = itertools.cycle(self._tokens.values())
        made = [Client(self._http, base=self._stand.urls.graph, token=next(tokens)) for _ in range(clients)]
        simulator = self._stand.pids()["graph"]
        began, used = time.perf_counter(), processor_seconds(simulator)
        await asyncio.gather(*(client.work(began + seconds) for client in made))
        taken = time.perf_counter() - began
        count = sum(client.requests for client in made)
        return Rate(
            clients=clients,
            requests=count / taken,
            parts=sum(client.parts for client in made) / taken,
            milliseconds=(processor_seconds(simulator) - used) / count * 1000,
        )


@asynccontextmanager
async def graph_load(stand: Stand) -> AsyncIterator[GraphLoad]:
    """Sign everybody in, and lift the limits that the simulator puts on one app at one mailbox."""
    trust = ssl.create_default_context(cafile=str(stand.ca_file))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as http:
        knobs = {"concurrentRequests": 1000, "requestsPerTenMinutes": 10**9}
        await http.post(f"{stand.urls.graph}/_control/knobs", json=knobs)
        tokens = {account.upn: await access_token(stand, http, account) for account in ACCOUNTS}
        yield GraphLoad(stand, http, tokens)


async def access_token(stand: Stand, http: aiohttp.ClientSession, account: Account) -> str:
    """Return what simulated Entra gives a person's app, by its control API instead of its pages."""
    redirect = stand.urls.public + CALLBACK_PATH
    asked = {"upn": account.upn, "redirect_uri": redirect}
    async with http.post(f"{stand.urls.entra}/_control/codes", json=asked) as answer:
        code = (await answer.json())["code"]
    form = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
    }
    async with http.post(f"{stand.urls.entra}/common/oauth2/v2.0/token", data=form) as answer:
        return str((await answer.json())["access_token"])
