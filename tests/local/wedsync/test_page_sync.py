"""Connecting, status, conflicts and disconnecting on the page, with the sync service as a fake."""

import contextlib
import html
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from local.wedsync.app import Options, wedsync_app
from local.wedsync.page.words import CONNECT_ERRORS
from tests.local.wedsync.conftest import Stand, free_port, serving
from tests.local.wedsync.page_steps import connected, csrf, sign_in, submit

TITLE = {"title": "Busy", "status": 503, "code": "busy", "detail": "Another service asks us to wait."}


def last(stand: Stand, method: str, path: str) -> Any:
    found = [call for call in stand.functions.calls if (call.method, call.path) == (method, path)]
    assert found, f"no {method} {path}"
    return found[-1]


async def test_not_connected_offers_to_connect(stand: Stand) -> None:
    page = await sign_in(stand)
    assert "Outlook is not connected" in page.text
    assert "Connect Outlook" in page.text


async def test_the_planners_token_goes_with_every_call(stand: Stand) -> None:
    await sign_in(stand, "planner-marco")
    token = last(stand, "GET", "calendar/outlook/sync").headers["authorization"].removeprefix("Bearer ")
    keys = jwt.PyJWKSet.from_dict((await stand.control.get("/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="wedsync-outlook-sync", issuer=stand.url)
    assert claims["sub"] == "planner-marco"


async def test_connecting_warns_once_and_then_leads_to_the_start_url(stand: Stand) -> None:
    start = "https://localhost:7443/api/integrations/outlook/auth?ticket=t"
    answer = {"authUrl": "https://login", "state": "s", "startUrl": start}
    stand.functions.answers["GET", "calendar/outlook/auth"] = (200, answer)
    await sign_in(stand)
    page = await submit(stand, "/connect")
    assert "Before you go to Microsoft" in page.text
    assert "https://localhost:7443/api/health" in page.text
    for understood in ("yes", ""):
        answer_page = await submit(stand, "/connect", follow=False, understood=understood)
        assert (answer_page.status_code, answer_page.headers["location"]) == (303, start)


@pytest.mark.parametrize("answer", [(503, TITLE), (200, {}), (200, {"startUrl": "javascript:alert(1)"}), (200, [])])
async def test_a_failing_connect_is_shown(stand: Stand, answer: tuple[int, Any]) -> None:
    stand.functions.answers["GET", "calendar/outlook/auth"] = answer
    await sign_in(stand)
    page = await submit(stand, "/connect", understood="yes")
    assert page.status_code == 200
    assert 'class="notice bad"' in page.text


async def test_returning_connected(stand: Stand) -> None:
    await sign_in(stand)
    page = await stand.browser.get("/settings/integrations", params={"connected": "outlook"})
    assert "Outlook is connected." in page.text


@pytest.mark.parametrize("code", [*CONNECT_ERRORS, "something_new", "<b>"])
async def test_returning_with_an_error(stand: Stand, code: str) -> None:
    await sign_in(stand)
    page = await stand.browser.get("/settings/integrations", params={"error": code})
    expected = CONNECT_ERRORS.get(code, f"Outlook was not connected ({code}). Please try again.")
    assert expected in html.unescape(page.text)
    assert "<b>" not in page.text


async def test_an_administrator_who_approved_is_told_so(stand: Stand) -> None:
    page = await stand.browser.get("/settings/integrations?approved=outlook")
    assert "approved for your organisation" in page.text


async def test_a_fragment_is_completed_with_the_planners_token(stand: Stand) -> None:
    stand.functions.answers["POST", "calendar/outlook/auth/callback"] = (200, {"success": True})
    await sign_in(stand)
    page = await stand.browser.get("/settings/integrations")
    fields = {"csrf": csrf(page), "fragment": "code=a%2Fb%2Bc&state=s1&evil=x"}
    page = await stand.browser.post("/settings/integrations/complete", data=fields)
    assert "Outlook is connected." in page.text
    call = last(stand, "POST", "calendar/outlook/auth/callback")
    assert json.loads(call.body) == {"code": "a/b+c", "state": "s1"}
    assert call.headers["authorization"].startswith("Bearer ")


async def test_a_fragment_that_fails_says_why(stand: Stand) -> None:
    await sign_in(stand)
    refusals = [("account_in_use", CONNECT_ERRORS["account_in_use"]), ("odd", "Outlook was not connected. Odd: Why.")]
    for code, said in refusals:
        problem = {"title": "Odd", "status": 409, "code": code, "detail": "Why."}
        stand.functions.answers["POST", "calendar/outlook/auth/callback"] = (409, problem)
        page = await submit(stand, "/settings/integrations/complete", fragment="#error=x&state=s")
        assert (page.status_code, said in page.text) == (409, True)
    page = await submit(stand, "/settings/integrations/complete", fragment="code=only")
    assert page.status_code == 400


async def test_status_and_conflicts_are_shown(stand: Stand) -> None:
    connected(stand)
    page = await sign_in(stand)
    for text in ("Outlook is connected", "both ways", "full sync", "2.3 s", "Conflicts to settle", "deleted here"):
        assert text in page.text
    assert "Tasting &lt;b&gt;A&lt;/b&gt;" in page.text
    assert last(stand, "GET", "calendar/outlook/events").query["syncStatuses"] == "conflict"


async def test_a_dead_connection_offers_to_reconnect_and_not_to_sync(stand: Stand) -> None:
    connected(stand)
    assert 'id="sync-now"' in (await sign_in(stand)).text
    _, status = stand.functions.answers["GET", "calendar/outlook/sync"]
    dead = status | {"integration": status["integration"] | {"status": "needs_reconnect"}}
    stand.functions.answers["GET", "calendar/outlook/sync"] = (200, dead)
    page = await stand.browser.get("/")
    assert 'id="connect"' in page.text
    assert 'id="sync-now"' not in page.text
    assert "not active" in page.text


async def test_the_connected_mailbox_is_the_one_shown(stand: Stand) -> None:
    connected(stand)
    page = await sign_in(stand, "planner-marco")
    assert "rose@havenweddings.example" in page.text.split('id="outlook-heading"')[1]


async def test_resolving_sends_the_choice(stand: Stand) -> None:
    connected(stand)
    stand.functions.answers["POST", "calendar/outlook/events/e 1/x/resolve"] = (200, {"success": True})
    await sign_in(stand)
    fields = {"eventId": "e 1/x", "field": "title", "useValue": "outlook", "conflictId": "c1"}
    token = csrf(await stand.browser.get("/"))
    page = await stand.browser.post("/conflicts/resolve", data={"csrf": token} | fields)
    assert "The Outlook value of title was chosen." in page.text
    call = last(stand, "POST", "calendar/outlook/events/e 1/x/resolve")
    assert json.loads(call.body) == {"resolutions": {"title": {"useValue": "outlook", "conflictId": "c1"}}}
    fields.pop("conflictId")
    await stand.browser.post("/conflicts/resolve", data={"csrf": token} | fields)
    call = last(stand, "POST", "calendar/outlook/events/e 1/x/resolve")
    assert json.loads(call.body) == {"resolutions": {"title": {"useValue": "outlook"}}}


async def test_a_refused_resolution_shows_the_problems_title(stand: Stand) -> None:
    await sign_in(stand)
    problem = {"title": "Conflict superseded", "status": 409, "code": "conflict_superseded"}
    stand.functions.answers["POST", "calendar/outlook/events/e/resolve"] = (409, problem)
    page = await submit(stand, "/conflicts/resolve", eventId="e", field="title", useValue="wedsync")
    assert "The conflict was not resolved. Conflict superseded" in page.text


async def test_sync_now(stand: Stand) -> None:
    await sign_in(stand)
    stand.functions.answers["POST", "calendar/outlook/sync"] = (202, {"syncId": "s", "status": "queued"})
    page = await submit(stand, "/sync")
    assert "A full sync has been started." in page.text
    assert json.loads(last(stand, "POST", "calendar/outlook/sync").body) == {"syncType": "full_sync"}
    stand.functions.answers["POST", "calendar/outlook/sync"] = (503, TITLE)
    page = await submit(stand, "/sync")
    assert "Busy: Another service asks us to wait." in page.text


async def test_disconnect_asks_first_and_shows_the_counts(stand: Stand) -> None:
    connected(stand)
    await sign_in(stand)
    page = await stand.browser.get("/disconnect")
    assert "42 events are linked" in page.text
    counts = {
        "success": True,
        "eventsDeleted": 120,
        "mappingsDeleted": 300,
        "webhookUnsubscribed": True,
        "status": "in_progress",
        "eventsLeft": 2,
    }
    stand.functions.answers["DELETE", "calendar/outlook/integration"] = (200, counts)
    page = await submit(stand, "/disconnect")
    for text in ("120 events removed", "300 links removed", "notifications stopped", "2 of our events stay"):
        assert text in page.text
    stand.functions.answers["DELETE", "calendar/outlook/integration"] = (500, "no json object")
    page = await submit(stand, "/disconnect")
    assert "Outlook was not disconnected. The sync service answered 500" in page.text


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500, 503])
async def test_problems_of_the_sync_service_are_shown(stand: Stand, status: int) -> None:
    stand.functions.answers["GET", "calendar/outlook/sync"] = (status, TITLE | {"status": status})
    page = await sign_in(stand)
    assert page.status_code == 200
    assert "Another service asks us to wait." in page.text
    assert (await stand.browser.get("/fragments/sync")).status_code == 200
    assert (await stand.browser.get("/disconnect")).status_code == 200


@contextlib.asynccontextmanager
async def alone() -> AsyncIterator[httpx.AsyncClient]:
    """WedSync with nobody around it."""
    port, nobody = free_port(), f"http://localhost:{free_port()}"
    url = f"http://localhost:{port}"
    options = Options(
        base_url=url,
        functions_url=nobody,
        browser_functions_url=nobody,
        graph_url=nobody,
        service_token="t",
        webhook_secret="whsec_AAAA",
        back_off=(),
    )
    with serving({port: wedsync_app(options)}):
        async with httpx.AsyncClient(base_url=url, trust_env=False, follow_redirects=True) as browser:
            yield browser


async def test_neighbours_that_are_not_there_are_named() -> None:
    async with alone() as browser:
        token = csrf(await browser.get("/"))
        page = await browser.post("/sign-in", data={"csrf": token, "user": "planner-rose"})
        assert page.status_code == 200
        assert "The sync service cannot be reached." in page.text
        assert "The simulated Outlook cannot be reached." in page.text
        token = csrf(page)
        for where in ("/connect", "/sync", "/disconnect"):
            page = await browser.post(where, data={"csrf": token})
            assert page.status_code == 200
            assert "The sync service cannot be reached." in page.text
