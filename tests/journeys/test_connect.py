"""Connecting Outlook over HTTP: both ways to finish, and every way to fail. Each ends on a page or in a problem."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio

from local.simkit.people import IVY, MARCO, PLANNERS, ROSE
from local.stand import CALLBACK_PATH, CLIENT_ID, Stand
from local.wedsync.page.words import CONNECT_ERRORS
from tests.journeys.connecting import (
    PAGE,
    RIGHT_SECRET,
    begin,
    by_browser,
    callback_of,
    complete,
    end,
    entra,
    handed_over,
    is_problem,
    nothing_kept,
)
from tests.journeys.evidence import subscriptions_of, token_secrets
from tests.journeys.planner import Planner, eventually, query_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

COOKIE = "__Host-wedsync-oauth"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with Stand(work_folder=tmp_path_factory.mktemp("connect"), season=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def rose(stand: Stand) -> AsyncIterator[Planner]:
    planner = Planner(stand, PLANNERS[0])
    yield planner
    await end(planner)


@pytest_asyncio.fixture(loop_scope="module")
async def marco(stand: Stand) -> AsyncIterator[Planner]:
    planner = Planner(stand, PLANNERS[1])
    yield planner
    await end(planner)


# --- It works -----------------------------------------------------------------------------------------------------


async def test_a_browser_connects_by_ticket_and_cookie(rose: Planner) -> None:
    since = datetime.now(UTC)
    begun = await begin(rose)
    assert set(begun) == {"authUrl", "state", "startUrl"}
    assert begun["startUrl"].startswith(f"{rose.urls.public}/api/integrations/outlook/auth?ticket=")
    started = await rose.http.get(begun["startUrl"])
    assert started.status_code == 302
    cookie = [part.strip() for part in started.headers["set-cookie"].split(";")]
    assert re.fullmatch(COOKIE + r"=[\w-]{43}", cookie[0])
    assert set(cookie[1:]) == {"Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax"}
    asked = query_of(started.headers["location"])
    assert started.headers["location"].startswith(f"{rose.urls.entra}/common/oauth2/v2.0/authorize?")
    assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT_ID, "code", "S256")
    assert asked["redirect_uri"] == rose.urls.public + CALLBACK_PATH
    assert {"offline_access", "Calendars.ReadWrite", "User.Read"} <= set(asked["scope"].split())
    assert asked["nonce"]
    assert asked["state"] not in ("", begun["state"])

    target = await rose.walk(started.headers["location"], upn=ROSE.upn)
    assert target == f"{rose.urls.wedsync}{PAGE}?connected=outlook"
    assert COOKIE not in rose.http.cookies
    await is_connected_once(rose, since)


async def settled(planner: Planner, since: datetime, *, runs: int = 1) -> dict[str, Any]:
    """Return the status once this many runs were begun by connecting and have ended; earlier ones do not count."""

    async def look() -> dict[str, Any] | None:
        status = await planner.status()
        mine = [item for item in status["recentSyncHistory"] if datetime.fromisoformat(item["startedAt"]) >= since]
        assert [(item["syncType"], item["syncStatus"]) for item in mine] == [("full_sync", "completed")] * runs
        return status if status["webhookStatus"]["isActive"] else None

    return dict(await eventually(look, "the runs that connecting began have ended"))


async def is_connected_once(rose: Planner, since: datetime) -> None:
    status = await settled(rose, since)
    connected = status["integration"]
    assert (connected["status"], connected["email"], connected["tenantId"]) == ("connected", ROSE.upn, ROSE.tid)
    assert connected["calendarId"] == await rose.default_calendar()
    secrets = await token_secrets(rose)
    assert [item["name"] for item in secrets if not item["deleted"]] == [f"outlook-token-{connected['id']}"]
    held = secrets[-1]["values"][-1]
    issued = (await rose.http.get(f"{rose.urls.entra}/_control/issued", params={"values": "1"})).json()["issued"]
    kinds = {item["kind"] for item in issued if item["value"] in held}
    assert "refresh_token" in kinds
    assert kinds.isdisjoint({"access_token", "id_token", "code", "code_verifier"})

    subscriptions = await subscriptions_of(rose)
    assert len(subscriptions) == 1
    api = f"{rose.urls.public}/api/calendar/outlook"
    assert subscriptions[0]["notificationUrl"] == f"{api}/webhook"
    assert subscriptions[0]["lifecycleNotificationUrl"] == f"{api}/lifecycle"
    assert connected["calendarId"] in subscriptions[0]["resource"]
    assert (status["webhookStatus"]["isActive"], status["webhookStatus"]["renewalNeeded"]) == (True, False)
    assert status["webhookStatus"]["subscriptionId"] == subscriptions[0]["id"]


async def test_a_page_connects_by_post(rose: Planner) -> None:
    since = datetime.now(UTC)
    handed = await handed_over(rose)
    assert {"code", "state"} <= set(handed)
    answer = await complete(rose, handed)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    assert body["integration"]["microsoftUserId"] == ROSE.oid
    chosen = [item for item in body["calendars"] if item["id"] == body["integration"]["calendarId"]]
    assert [item["isDefaultCalendar"] for item in chosen] == [True]
    assert chosen[0]["canEdit"] is True
    await is_connected_once(rose, since)


async def test_consenting_again_keeps_one_connection_and_one_subscription(rose: Planner) -> None:
    since = datetime.now(UTC)
    await rose.connect()
    before = (await settled(rose, since))["integration"]
    await rose.connect()
    after = (await settled(rose, since, runs=2))["integration"]
    assert (after["id"], after["calendarId"]) == (before["id"], before["calendarId"])
    assert len(await subscriptions_of(rose)) == 1
    assert len([item for item in await token_secrets(rose) if not item["deleted"]]) == 1


# --- The browser is bound -------------------------------------------------------------------------------------------


async def test_another_browser_hands_over_and_the_bound_one_still_completes(rose: Planner, stand: Stand) -> None:
    """Whoever lures a browser to a callback that it did not begin gets nothing done there."""
    callback = await callback_of(rose, stand)
    strangers = [{}, {"cookie": f"{COOKIE}={'A' * 43}"}, {"cookie": f"{COOKIE}="}]
    async with httpx.AsyncClient(verify=stand.trust, trust_env=False) as other:
        for headers in strangers:
            answer = await other.get(callback, headers=headers)
            assert answer.status_code == 302
            parts = urlsplit(answer.headers["location"])
            assert (parts.netloc, parts.path, parts.query) == (urlsplit(rose.urls.wedsync).netloc, PAGE, "")
            assert parse_qs(parts.fragment)["state"] == [query_of(callback)["state"]]
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "set-cookie" not in answer.headers
    await nothing_kept(rose, stand)
    answer = await rose.http.get(callback)
    assert answer.headers["location"] == f"{rose.urls.wedsync}{PAGE}?connected=outlook"


async def test_a_cookie_does_not_open_a_state_that_was_made_without_one(rose: Planner, stand: Stand) -> None:
    handed = await handed_over(rose)
    for value in ("", "A" * 43):
        rose.http.cookies.set(COOKIE, value)
        answer = await rose.http.get(f"{rose.urls.public}{CALLBACK_PATH}", params=handed)
        assert urlsplit(answer.headers["location"]).fragment
    await nothing_kept(rose, stand)
    assert (await complete(rose, handed)).status_code == 200


# --- It does not work -----------------------------------------------------------------------------------------------

REFUSALS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "declined": ({}, ROSE.upn, "decline", "access_denied"),
    "no refresh token": ({"withheldScopes": ["offline_access"]}, ROSE.upn, "accept", "missing_refresh_token"),
    "no calendar": ({"withheldScopes": ["Calendars.ReadWrite"]}, ROSE.upn, "accept", "missing_scope"),
    "no mailbox settings": ({"withheldScopes": ["MailboxSettings.Read"]}, ROSE.upn, "accept", "missing_scope"),
    "admin approval": ({}, IVY.upn, "return", "admin_approval_required"),
    "admin approval, worded otherwise": (
        {"adminApprovalError": "access_denied"},
        IVY.upn,
        "return",
        "admin_approval_required",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_microsoft_refuses_ends_on_a_page(rose: Planner, stand: Stand, case: str) -> None:
    knobs, upn, decision, code = REFUSALS[case]
    await entra(rose, "knobs", **knobs)
    assert await by_browser(rose, upn=upn, decision=decision) == f"error={code}"
    assert code in CONNECT_ERRORS
    assert COOKIE not in rose.http.cookies
    await nothing_kept(rose, stand)


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_microsoft_refuses_is_a_problem_for_the_page_that_posts(
    rose: Planner, stand: Stand, case: str
) -> None:
    knobs, upn, decision, code = REFUSALS[case]
    await entra(rose, "knobs", **knobs)
    handed = await handed_over(rose, upn=upn, decision=decision)
    problem = is_problem(await complete(rose, handed), 400, code)
    if code == "admin_approval_required":
        assert problem["link"].startswith(f"{rose.urls.entra}/organizations/adminconsent?")
    else:
        assert "link" not in problem
    is_problem(await complete(rose, handed), 400, "state_expired")
    await nothing_kept(rose, stand)


async def test_an_administrator_approves_by_the_link_and_the_planner_connects(rose: Planner) -> None:
    handed = await handed_over(rose, upn=IVY.upn, decision="return")
    link = is_problem(await complete(rose, handed), 400, "admin_approval_required")["link"]
    assert await approve(rose, link, decision="decline") == {"error": "admin_approval_required"}
    assert await approve(rose, link, decision="accept") == {"approved": "outlook"}
    assert await by_browser(rose, upn=IVY.upn) == "connected=outlook"


async def approve(planner: Planner, link: str, *, decision: str) -> dict[str, str]:
    """Answer as Rose, the administrator of the tenant; return what the page is told."""
    page = await planner.http.get(link)
    for given in ({"upn": ROSE.upn}, {"decision": decision}):
        assert page.status_code == 200, page.text
        action, ctx = (re.search(text, page.text) for text in (r'action="([^"]+)"', r'name="ctx"[^>]*value="([^"]+)"'))
        assert action
        assert ctx
        page = await planner.http.post(urljoin(str(page.url), action[1]), data={"ctx": ctx[1], **given})
    home = await planner.http.get(page.headers["location"])
    assert home.headers["location"].startswith(f"{planner.urls.wedsync}{PAGE}?")
    return query_of(home.headers["location"])


async def test_an_error_without_a_meaning_of_its_own_ends_on_a_page(rose: Planner, stand: Stand) -> None:
    for error, code in (("server_error", "consent_failed"), ("temporarily_unavailable", "consent_failed")):
        callback = await callback_of(rose, stand)
        state = query_of(callback)["state"]
        answer = await rose.http.get(callback.split("?")[0], params={"error": error, "state": state})
        assert query_of(answer.headers["location"]) == {"error": code}
        assert code in CONNECT_ERRORS
    await nothing_kept(rose, stand)


async def test_a_made_up_code_is_refused_without_blaming_the_service(rose: Planner, stand: Stand) -> None:
    for code in ("x", "1.Amade-up", "💒" * 100):
        is_problem(await complete(rose, {"code": code, "state": (await begin(rose))["state"]}), 400, "consent_failed")
    await nothing_kept(rose, stand)


async def test_an_answer_with_neither_code_nor_error_is_refused(rose: Planner, stand: Stand) -> None:
    answer = await complete(rose, {"state": (await begin(rose))["state"]})
    assert answer.status_code == 400
    is_problem(answer, 400, answer.json()["code"])
    assert answer.json()["code"] in CONNECT_ERRORS
    await nothing_kept(rose, stand)


async def test_somebody_elses_state_is_unknown_and_stays_theirs(rose: Planner, marco: Planner) -> None:
    handed = await handed_over(marco)
    is_problem(await complete(rose, handed), 400, "state_expired")
    assert (await complete(marco, handed)).status_code == 200
    assert (await rose.call("GET", "calendar/outlook/sync")).status_code == 404


async def test_a_state_works_once(rose: Planner) -> None:
    handed = await handed_over(rose)
    assert (await complete(rose, handed)).status_code == 200
    is_problem(await complete(rose, handed), 400, "state_expired")
    answer = await rose.http.get(f"{rose.urls.public}{CALLBACK_PATH}", params=handed)
    assert answer.headers["location"] == f"{rose.urls.wedsync}{PAGE}?error=state_expired"
    assert (await rose.status())["integration"]["status"] == "connected"


async def test_a_callback_works_once_in_the_bound_browser(rose: Planner, stand: Stand) -> None:
    callback = await callback_of(rose, stand)
    locations = [(await rose.http.get(callback)).headers["location"] for _ in range(2)]
    assert [urlsplit(location).query for location in locations] == ["connected=outlook", "error=state_expired"]


async def test_an_unknown_state_ends_on_the_page(rose: Planner) -> None:
    for given in ({"code": "x", "state": "unknown"}, {"code": "x"}, {}, {"error": "access_denied"}):
        answer = await rose.http.get(f"{rose.urls.public}{CALLBACK_PATH}", params=given)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{rose.urls.wedsync}{PAGE}?error=state_expired"


async def test_a_ticket_works_once(rose: Planner) -> None:
    start = (await begin(rose))["startUrl"]
    assert (await rose.http.get(start)).headers["location"].startswith(rose.urls.entra)
    for url in (start, start.split("?")[0], f"{start.split('?')[0]}?ticket=made-up"):
        answer = await rose.http.get(url)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{rose.urls.wedsync}{PAGE}?error=ticket_expired"
        assert COOKIE not in answer.headers.get("set-cookie", "")
    assert "ticket_expired" in CONNECT_ERRORS


async def test_a_state_is_no_ticket_and_a_ticket_no_state(rose: Planner) -> None:
    begun = await begin(rose)
    ticket = query_of(begun["startUrl"])["ticket"]
    answer = await rose.http.get(begun["startUrl"].split("?")[0], params={"ticket": begun["state"]})
    assert query_of(answer.headers["location"]) == {"error": "ticket_expired"}
    for state in (ticket, f"ticket:{ticket}"):
        is_problem(await complete(rose, {"code": "x", "state": state}), 400, "state_expired")
        answer = await rose.http.get(f"{rose.urls.public}{CALLBACK_PATH}", params={"code": "x", "state": state})
        assert query_of(answer.headers["location"]) == {"error": "state_expired"}


async def test_an_account_belongs_to_one_planner(rose: Planner, marco: Planner) -> None:
    await rose.connect()
    before = await token_secrets(rose)
    assert await by_browser(marco, upn=ROSE.upn) == "error=account_in_use"
    is_problem(await complete(marco, await handed_over(marco, upn=ROSE.upn)), 409, "account_in_use")
    assert await token_secrets(rose) == before
    assert (await marco.call("GET", "calendar/outlook/sync")).status_code == 404
    assert (await rose.status())["integration"]["status"] == "connected"
    assert "account_in_use" in CONNECT_ERRORS
    assert await by_browser(marco) == "connected=outlook"


async def test_a_connection_keeps_its_account(rose: Planner, marco: Planner) -> None:
    await rose.connect()
    before = await token_secrets(rose)
    assert await by_browser(rose, upn=MARCO.upn) == "error=different_account"
    is_problem(await complete(rose, await handed_over(rose, upn=MARCO.upn)), 409, "different_account")
    assert await token_secrets(rose) == before
    assert (await rose.status())["integration"]["email"] == ROSE.upn
    assert "different_account" in CONNECT_ERRORS
    assert await by_browser(marco) == "connected=outlook", "the refused account was not taken"


async def test_a_wrong_client_secret_is_ours_to_mend_and_leaks_nothing(rose: Planner, stand: Stand) -> None:
    await entra(rose, "client", secret="rotated-without-us")
    assert await by_browser(rose) == "error=configuration"
    assert "configuration" in CONNECT_ERRORS
    handed = await handed_over(rose)
    answer = await complete(rose, handed)
    is_problem(answer, 500, "configuration")
    for secret in (handed["code"], handed["state"], RIGHT_SECRET):
        assert secret not in answer.text
        assert secret not in stand.log()
    assert "operator_fault" in stand.log()
    await nothing_kept(rose, stand)
    await entra(rose, "client", secret=RIGHT_SECRET)
    assert await by_browser(rose) == "connected=outlook"


async def test_a_mailbox_that_graph_does_not_open_gives_everything_back(rose: Planner, stand: Stand) -> None:
    await rose.http.post(
        f"{rose.urls.graph}/_control/faults",
        json={"action": "status", "path": "/me/calendars", "status": 404, "code": "MailboxNotEnabledForRESTAPI"},
    )
    assert await by_browser(rose) == "error=calendar_unavailable"
    assert "calendar_unavailable" in CONNECT_ERRORS
    is_problem(await complete(rose, await handed_over(rose)), 409, "calendar_unavailable")
    await nothing_kept(rose, stand)
    await rose.no_faults()
    assert await by_browser(rose) == "connected=outlook"


async def test_microsoft_out_of_reach_ends_on_the_page(rose: Planner, stand: Stand) -> None:
    order = {"action": "status", "path": "/token$", "status": 503}
    await rose.http.post(f"{rose.urls.entra}/_control/faults", json=order)
    assert await by_browser(rose) == "error=unavailable"
    await nothing_kept(rose, stand)


async def test_microsoft_out_of_reach_at_the_start_ends_on_the_page(rose: Planner) -> None:
    start = (await begin(rose))["startUrl"]
    order = {"action": "status", "path": "openid-configuration", "status": 503}
    await rose.http.post(f"{rose.urls.entra}/_control/faults", json=order)
    is_problem(await rose.call("GET", "calendar/outlook/auth"), 503, "unavailable")
    answer = await rose.http.get(start)
    assert answer.headers["location"] == f"{rose.urls.wedsync}{PAGE}?error=unavailable"
    assert "set-cookie" not in answer.headers
