"""A run that replays exactly: the same requests get the same ids, tokens and faults, after a reset and in another
process."""

import ssl
from typing import Any

import httpx
import pytest

from local.graph.app import create_app
from local.simkit.people import MARCO, ROSE, Account
from local.simkit.tls import Certificates
from tests.local.graph.conftest import WINDOW, Endpoint, Far, LocalKeys, event, series, serving, token
from tests.local.graph.subscribing import wanted

FAULTS: list[dict[str, Any]] = [
    {"action": "status", "probability": 0.25, "seed": 5, "status": 503, "method": "GET|DELETE"},
    {"action": "fail_after_commit", "probability": 0.2, "seed": 6, "status": 504, "method": "PATCH|DELETE"},
    {"action": "expire_delta", "probability": 0.1, "seed": 7, "path": "deltatoken"},
]
WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
Log = list[tuple[Any, ...]]


class Script:
    """A client that goes on whatever it is answered, and asks for what the answers name."""

    def __init__(self, far: Far, who: Account) -> None:
        self.far, self.who = far, who

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token(self.who)}", "Prefer": "odata.maxpagesize=2"}
        url = path if path.startswith("http") else f"/v1.0{path}"
        answer = await self.far.http.request(method, url, json=body, headers=headers)
        return dict(answer.json()) if answer.content else {}

    async def run(self, endpoint: Endpoint) -> None:
        calendar = (await self.call("POST", "/me/calendars", {"name": "WedSync"}))["id"]
        home = f"/me/calendars/{calendar}"
        made = [(await self.call("POST", f"{home}/events", event(subject=f"n {n}")))["id"] for n in range(5)]
        span = {"type": "noEnd", "startDate": "2026-08-04"}
        made.append((await self.call("POST", "/me/events", series(WEEKLY, span)))["id"])
        for path in ("/me/calendar", home):
            subscribed = await self.call("POST", "/subscriptions", wanted(endpoint, resource=f"{path}/events"))
            await self.call("GET", f"/subscriptions/{subscribed.get('id', 'none')}")
        for _ in range(2):
            await self.round(f"{home}/calendarView/delta?{WINDOW}")
            await self.round(f"/me/calendarView/delta?{WINDOW}")
        for own in made:
            await self.call("PATCH", f"/me/events/{own}", {"subject": "later"})
            await self.call("GET", f"/me/events/{own}")
        for own in made[:3]:
            await self.call("DELETE", f"/me/events/{own}")

    async def round(self, link: str) -> None:
        for _ in range(6):
            page = await self.call("GET", link)
            following = page.get("@odata.nextLink") or page.get("@odata.deltaLink")
            if not following:
                return
            link = following


async def run_of(far: Far, endpoint: Endpoint, seed: int | None = None) -> Log:
    await far.control("POST", "/reset", None if seed is None else {"seed": seed})
    for order in FAULTS:
        await far.control("POST", "/faults", order)
    for who in (ROSE, MARCO):
        await Script(far, who).run(endpoint)
    log = (await far.control("GET", "/requests"))["requests"]
    host = str(far.http.base_url)
    return [(each["method"], each["path"].replace(host, ""), each["status"], each["faults"]) for each in log]


@pytest.fixture
async def other(tls: Certificates, trust: ssl.SSLContext) -> Any:
    """A second simulator that has served nobody."""
    app = create_app(LocalKeys(), client=httpx.AsyncClient(verify=trust, trust_env=False))
    with serving(app, tls.server_file) as port:
        async with httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust, trust_env=False) as http:
            yield Far(http)


async def test_the_same_requests_replay_exactly(graph: Far, other: Far, endpoint: Endpoint) -> None:
    first = await run_of(graph, endpoint)
    assert len(first) >= 60
    assert {number for each in first for number in each[3]} == {1, 2, 3}
    assert any("$skiptoken" in each[1] for each in first)
    assert any("$deltatoken" in each[1] for each in first)
    assert await run_of(graph, endpoint) == first
    assert await run_of(other, endpoint) == first


async def test_another_seed_gives_other_ids(graph: Far, endpoint: Endpoint) -> None:
    first, second = await run_of(graph, endpoint), await run_of(graph, endpoint, 8)
    assert {each[1] for each in first if "/me/events/" in each[1]}.isdisjoint(each[1] for each in second)
    assert await run_of(graph, endpoint, 8) == second
    assert await run_of(graph, endpoint) == first


async def test_a_token_that_knows_more_than_has_happened_is_gone(graph: Far) -> None:
    """It was handed out before a reset."""
    for _ in range(3):
        await graph.create()
    _, link = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    await graph.control("POST", "/reset")
    await graph.call("GET", link, status=410)


@pytest.mark.parametrize("body", [[], "1", {"seed": "1"}, {"seed": -1}, {"seed": None}, {"seed": True}])
async def test_a_seed_is_a_whole_number(graph: Far, body: Any) -> None:
    answer = await graph.http.post("/_control/reset", json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
