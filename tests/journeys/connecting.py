"""Steps of connecting, over HTTP, and what must be true after them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from local.entra.state import Directory
from local.simkit.clock import Clock
from local.stand import CALLBACK_PATH, Stand
from tests.journeys.evidence import subscriptions_of, tables_of, token_secrets
from tests.journeys.planner import Planner, eventually

PAGE = "/settings/integrations"
RIGHT_SECRET = Directory(clock=Clock(), redirect_uris=()).client.secret


async def end(planner: Planner) -> None:
    """Disconnect if need be, and let Entra forget what was arranged."""
    await planner.no_faults()
    await entra(planner, "client", secret=RIGHT_SECRET)

    async def gone() -> bool:
        return (await planner.call("DELETE", "calendar/outlook/integration")).status_code == 404

    await eventually(gone, "the planner is disconnected")
    await entra(planner, "reset")
    await planner.close()


async def entra(planner: Planner, order: str, **members: Any) -> None:
    (await planner.http.post(f"{planner.urls.entra}/_control/{order}", json=members)).raise_for_status()


async def begin(planner: Planner) -> dict[str, str]:
    answer = await planner.call("GET", "calendar/outlook/auth")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def by_browser(planner: Planner, *, upn: str = "", decision: str = "accept") -> str:
    """Return the page's query after the way through the browser."""
    target = await planner.walk(
        (await begin(planner))["startUrl"], upn=upn or planner.person.account.upn, decision=decision
    )
    parts = urlsplit(target)
    assert (f"{parts.scheme}://{parts.netloc}", parts.path, parts.fragment) == (planner.urls.wedsync, PAGE, "")
    return parts.query


async def handed_over(planner: Planner, *, upn: str = "", decision: str = "accept") -> dict[str, str]:
    """Return what the page finds in its fragment after the way without a ticket."""
    target = await planner.walk(
        (await begin(planner))["authUrl"], upn=upn or planner.person.account.upn, decision=decision
    )
    parts = urlsplit(target)
    assert (f"{parts.scheme}://{parts.netloc}", parts.path, parts.query) == (planner.urls.wedsync, PAGE, "")
    return {name: values[0] for name, values in parse_qs(parts.fragment).items()}


async def complete(planner: Planner, handed: dict[str, str]) -> httpx.Response:
    return await planner.call("POST", "calendar/outlook/auth/callback", json=handed)


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == status
    assert body["type"].endswith(code)
    assert body["title"]
    return dict(body)


async def nothing_kept(planner: Planner, stand: Stand) -> None:
    """Assert that a failed attempt left neither tokens nor a connection nor the account taken."""
    tables = await tables_of(stand)
    assert tables["OutlookAccounts"] == []
    assert [row for row in tables["OutlookIntegrations"] if row.get("state") == "connected"] == []
    assert [item["name"] for item in await token_secrets(planner) if not item["deleted"]] == []
    assert await subscriptions_of(planner) == []
    assert (await planner.call("GET", "calendar/outlook/sync")).status_code == 404


async def callback_of(planner: Planner, stand: Stand) -> str:
    """Bind the browser and go through Microsoft's pages in another one; return the URL that the first has to open."""
    bound, start = planner.http, (await begin(planner))["startUrl"]
    started = await bound.get(start)
    async with httpx.AsyncClient(verify=stand.trust, trust_env=False) as other:
        planner.http = other
        target = await planner.walk(started.headers["location"], upn=planner.person.account.upn)
    planner.http = bound
    return f"{planner.urls.public}{CALLBACK_PATH}?{urlsplit(target).fragment}"
