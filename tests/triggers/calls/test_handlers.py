"""Handlers hand over what was sent, and nothing else: the members of bodies and queries, and what stands for them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.core.integration import Direction
from shared.core.jobs import RunKind
from shared.core.states import RunState
from tests.support.world import SETTINGS
from tests.triggers.calls.conftest import Answer, Caller

PAGE = f"{SETTINGS.wedsync_app_url}/settings/integrations"
COOKIE = "__Host-wedsync-oauth"


@pytest.fixture
async def connected(call: Caller) -> Caller:
    await call.world.connect()
    return call


# --- Runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "direction", "named"),
    [
        ({}, RunKind.INCREMENTAL, Direction.BIDIRECTIONAL, ()),
        ({"syncType": "full_sync"}, RunKind.FULL, Direction.BIDIRECTIONAL, ()),
        ({"syncDirection": "to_outlook"}, RunKind.INCREMENTAL, Direction.TO_OUTLOOK, ()),
        ({"syncType": "full_sync", "specificEvents": ["b", "a", "b"]}, RunKind.SINGLE, Direction.BIDIRECTIONAL, "ba"),
        ({"specificEvents": []}, RunKind.INCREMENTAL, Direction.BIDIRECTIONAL, ()),
    ],
)
async def test_a_run_is_what_was_asked_for(
    connected: Caller, body: dict[str, Any], kind: RunKind, direction: Direction, named: str
) -> None:
    answer = await connected("sync_start", body=body)
    assert (answer.status, answer.json["status"], answer.json["estimatedDuration"]) == (202, "queued", 1)
    stored = await connected.world.ports.runs.get(connected.world.integration_id, answer.json["syncId"])
    assert stored is not None
    request = stored.value.request
    assert (request.kind, request.direction, request.specific_events) == (kind, direction, tuple(named))
    assert request.triggered_by.value == "manual"
    assert answer.json["eventsToProcess"] == len(named)


async def test_a_key_gets_its_run_again_and_refuses_another_body(connected: Caller) -> None:
    first = await connected("sync_start", body={}, idempotency_key="k")
    await connected.world.settle()
    # The same request, with what it leaves open said: it is the body that counts, not its bytes.
    again = await connected("sync_start", body={"syncType": "incremental"}, idempotency_key="k")
    assert (again.status, again.json["syncId"], again.json["status"]) == (202, first.json["syncId"], "started")
    run = await connected.world.app.request_sync.status(connected.world.planner.user_id, first.json["syncId"])
    assert run.state is RunState.COMPLETED
    other = await connected("sync_start", body={"syncDirection": "to_outlook"}, idempotency_key="k")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


async def test_a_key_stands_for_a_body_whatever_direction_the_connection_has(connected: Caller) -> None:
    first = await connected("sync_start", body={}, idempotency_key="k")
    await connected("change_settings", body={"syncDirection": "from_outlook"})
    again = await connected("sync_start", body={}, idempotency_key="k")
    assert again.json["syncId"] == first.json["syncId"]


# --- The list of events -----------------------------------------------------------------------------------------------


async def test_a_page_is_of_the_days_that_were_asked_for(call: Caller) -> None:
    for day in ("03", "04", "05"):
        times = {"start": f"2026-08-{day}T10:00:00", "end": f"2026-08-{day}T11:00:00"}
        await call.world.wedsync.add(f"Tasting on {day}", **times)
    await call.world.connect()

    async def listed(query: str) -> list[str]:
        found = (await call("list_events", query)).json["events"]
        return [event["wedSyncEventDate"][-2:] for event in found]

    assert await listed("") == ["03", "04", "05"]
    assert await listed("?start=2026-08-04") == ["04", "05"]
    assert await listed("?end=2026-08-04") == ["03", "04"]
    assert await listed("?start=2026-08-04&end=2026-08-04") == ["04"]
    assert await listed("?pageSize=2") == ["03", "04"]
    assert await listed("?pageSize=2&page=2") == ["05"]
    assert await listed("?eventTypes=venue_visit") == []
    assert await listed("?syncStatuses=synced") == ["03", "04", "05"]
    assert await listed("?syncStatuses=conflict,error") == []
    for query in ("?start=2026-08-04x", "?start=x2026-08-04", "?end=2026-08-04%0A"):
        assert (await call("list_events", query)).json["code"] == "invalid_query"


async def test_a_page_holds_fifty_unless_asked_otherwise(call: Caller) -> None:
    for number in range(51):
        await call.world.wedsync.add(f"Tasting {number}")
    await call.world.connect()
    shown = (await call("list_events")).json
    assert (len(shown["events"]), shown["pagination"]) == (50, {"page": 1, "totalPages": 2, "totalEvents": 51})


# --- Connecting -------------------------------------------------------------------------------------------------------


async def bound(call: Caller) -> tuple[Answer, str, str]:
    """Begin in a browser; return the answer, the state and the cookie."""
    begun = (await call("begin_connect")).json
    start = urlsplit(begun["startUrl"])
    assert begun["startUrl"].startswith(f"{SETTINGS.public_base_url}/api/integrations/outlook/auth?")
    answer = await call("browser_begin_connect", f"integrations/outlook/auth?{start.query}", authorization=None)
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    return answer, state, answer.headers["Set-Cookie"].partition(";")[0]


def returned(call: Caller, state: str) -> str:
    return f"integrations/outlook/callback?code={call.world.planner.account.upn}&state={state}"


async def test_a_browser_is_bound_by_a_cookie_that_only_it_sends_back(call: Caller) -> None:
    answer, _, cookie = await bound(call)
    assert answer.status == 302
    assert answer.headers["Location"].startswith("https://login.test/authorize?")
    assert answer.headers["Set-Cookie"] == f"{cookie}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
    assert cookie.startswith(f"{COOKIE}=")
    assert len(cookie) > len(COOKIE) + 32


async def test_the_browser_that_began_ends_and_loses_its_cookie(call: Caller) -> None:
    _, state, cookie = await bound(call)
    answer = await call("browser_finish_connect", returned(call, state), authorization=None, cookie=cookie)
    assert (answer.status, answer.headers["Location"]) == (302, f"{PAGE}?connected=outlook")
    assert answer.headers["Set-Cookie"] == f"{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert (await call("sync_status")).status == 200


async def test_another_browser_hands_over_in_the_fragment_and_uses_nothing_up(call: Caller) -> None:
    """What is in a fragment is sent to no server, and stands in nobody's log."""
    _, state, cookie = await bound(call)
    answer = await call("browser_finish_connect", returned(call, state), authorization=None, cookie=f"{COOKIE}=other")
    place = urlsplit(answer.headers["Location"])
    assert (answer.status, place.query) == (302, "")
    handed = parse_qs(place.fragment)
    assert handed == {"code": [call.world.planner.account.upn], "state": [state]}
    assert "Set-Cookie" not in answer.headers
    answer = await call("browser_finish_connect", returned(call, state), authorization=None, cookie=cookie)
    assert answer.headers["Location"] == f"{PAGE}?connected=outlook"


async def test_a_sign_in_that_failed_says_why_and_leaves_no_cookie(call: Caller) -> None:
    _, _, cookie = await bound(call)
    answer = await call("browser_finish_connect", returned(call, "unknown"), authorization=None, cookie=cookie)
    assert answer.headers["Location"] == f"{PAGE}?error=state_expired"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    answer = await call("browser_begin_connect", "integrations/outlook/auth?ticket=unknown", authorization=None)
    assert answer.headers["Location"] == f"{PAGE}?error=ticket_expired"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("admin_consent=True&tenant=t", "approved=outlook"),
        ("admin_consent=True&error=x", "error=admin_approval_required"),
    ],
)
async def test_an_administrator_comes_back_to_the_page(call: Caller, query: str, told: str) -> None:
    answer = await call("browser_finish_connect", f"integrations/outlook/callback?{query}", authorization=None)
    assert answer.headers["Location"] == f"{PAGE}?{told}"


async def test_a_page_completes_with_what_it_was_handed(call: Caller) -> None:
    begun = (await call("begin_connect")).json
    body = {"code": call.world.planner.account.upn, "state": begun["state"], "error": "", "session_state": ""}
    answer = await call("finish_connect", body=body)
    assert (answer.status, answer.json["success"]) == (200, True)
    assert [calendar["isDefaultCalendar"] for calendar in answer.json["calendars"]].count(True) == 1
