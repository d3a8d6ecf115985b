"""Limits and batches: S56-S58, S65 of the fact sheet, over HTTP."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.local.graph.conftest import APP_ID, Far, event, token


async def test_s56_four_in_flight_per_app_and_mailbox(graph: Far, marco: Any) -> None:
    await graph.knobs(latencySeconds=0.3)
    calls = [graph.call("GET", "/me/events") for _ in range(6)]
    others = [graph.call("GET", "/me/events", who=marco), graph.call("GET", "/me", bearer=token(app_id="other"))]
    answers = await asyncio.gather(*calls, *others)
    codes = sorted(answer.status_code for answer in answers[:6])
    assert codes == [200] * 4 + [429] * 2
    assert [answer.status_code for answer in answers[6:]] == [200, 200]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "ApplicationThrottled"
    assert refused.json()["error"]["message"] == "Application is over its MailboxConcurrency limit."
    assert refused.headers["Retry-After"] == "1"
    box = (await graph.control("GET", "/mailboxes"))["mailboxes"][0]
    assert box["mostConcurrent"] == 4


async def test_s56_503_as_a_knob(graph: Far) -> None:
    await graph.knobs(latencySeconds=0.3, concurrentRequests=1, concurrencyStatus=503, retryAfterSeconds=7)
    answers = await asyncio.gather(*(graph.call("GET", "/me/events") for _ in range(2)))
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["Retry-After"] == "7"


async def test_s56_rate_in_ten_minutes(graph: Far) -> None:
    await graph.knobs(requestsPerTenMinutes=3)
    codes = [(await graph.call("GET", "/me/events")).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    await graph.control("POST", "/clock", {"advanceSeconds": 601})
    fresh = token(exp=int(time.time()) + 7200)
    await graph.call("GET", "/me/events", bearer=fresh, status=200)


async def test_s57_retry_after_counts_down_and_an_early_retry_is_refused(graph: Far) -> None:
    """Seconds until the window is over; who does not wait is refused again. docs: graph/throttling."""
    await graph.knobs(requestsPerTenMinutes=1)
    fresh = token(exp=int(time.time()) + 7200)
    await graph.call("GET", "/me/events", bearer=fresh, status=200)
    first = await graph.call("GET", "/me/events", bearer=fresh, status=429)
    assert 595 <= int(first.headers["Retry-After"]) <= 600
    await graph.control("POST", "/clock", {"advanceSeconds": 300})
    early = await graph.call("GET", "/me/events", bearer=fresh, status=429)
    assert 295 <= int(early.headers["Retry-After"]) <= 300
    await graph.control("POST", "/clock", {"advanceSeconds": int(early.headers["Retry-After"]) + 1})
    await graph.call("GET", "/me/events", bearer=fresh, status=200)


def part(number: int, method: str, url: str, **members: Any) -> dict[str, Any]:
    given = {"id": str(number), "method": method, "url": url, **members}
    if "body" in members:
        given.setdefault("headers", {})["Content-Type"] = "application/json"
    return given


async def batch(graph: Far, *parts: dict[str, Any], status: int = 200) -> dict[str, dict[str, Any]]:
    answer = await graph.call("POST", "/$batch", {"requests": list(parts)}, status=status)
    return {item["id"]: item for item in answer.json().get("responses", [])}


async def test_s58_batch_answers_each_item_for_itself(graph: Far) -> None:
    made = await graph.create()
    parts = [part(n, "POST", "/me/events", body=event(subject=str(n))) for n in range(17)]
    stale = part(17, "PATCH", f"/me/events/{made['id']}", body={"subject": "x"}, headers={"If-Match": 'W/"AAAA"'})
    answers = await batch(
        graph, *parts, stale, part(18, "GET", "me/nonsense"), part(19, "DELETE", f"/me/events/{made['id']}")
    )
    assert {answers[str(n)]["status"] for n in range(17)} == {201}
    assert (answers["17"]["status"], answers["18"]["status"], answers["19"]["status"]) == (412, 400, 204)
    assert answers["3"]["body"]["subject"] == "3"
    assert "body" not in answers["19"]


async def test_s58_more_than_twenty_and_malformed_items_are_refused(graph: Far) -> None:
    many = [part(n, "GET", "/me") for n in range(21)]
    await batch(graph, *many, status=400)
    await batch(graph, part(1, "GET", "/me"), part(1, "GET", "/me"), status=400)
    absolute = await batch(graph, part(1, "GET", "https://graph.microsoft.com/v1.0/me"))
    assert absolute["1"]["status"] == 400
    assert "Resource not found for the segment" in absolute["1"]["body"]["error"]["message"]
    bare = {"id": "1", "method": "POST", "url": "/me/events", "body": event()}
    await batch(graph, bare, status=400)


async def test_s58_answers_are_shuffled(graph: Far) -> None:
    parts = [part(n, "GET", "/me") for n in range(20)]
    answer = await graph.call("POST", "/$batch", {"requests": parts}, status=200)
    order = [item["id"] for item in answer.json()["responses"]]
    assert order != [str(n) for n in range(20)]
    assert sorted(order, key=int) == [str(n) for n in range(20)]


async def test_s58_failed_dependency_answers_424(graph: Far) -> None:
    answers = await batch(
        graph,
        part(1, "GET", "/me/events/nonsense"),
        part(2, "GET", "/me", dependsOn=["1"]),
        part(3, "GET", "/me"),
        part(4, "GET", "/me", dependsOn=["3"]),
    )
    assert {name: item["status"] for name, item in answers.items()} == {"1": 400, "2": 424, "3": 200, "4": 200}


async def test_s58_batch_holds_four_slots_until_answered(graph: Far) -> None:
    await graph.knobs(latencySeconds=0.2)
    running = asyncio.create_task(batch(graph, *(part(n, "GET", "/me/events") for n in range(8))))
    await asyncio.sleep(0.1)
    await graph.call("GET", "/me/events", status=429)
    second = await batch(graph, part(1, "GET", "/me/events"))
    assert second["1"]["status"] == 429
    assert second["1"]["headers"]["Retry-After"] == "1"
    assert {item["status"] for item in (await running).values()} == {200}
    await graph.call("GET", "/me/events", status=200)


async def test_s58_items_are_noted_and_struck_one_by_one(graph: Far) -> None:
    await graph.control(
        "POST", "/faults", {"action": "status", "status": 429, "path": "/me/events", "every": 3, "retry_after": 2}
    )
    answers = await batch(graph, *(part(n, "GET", "/me/events") for n in range(6)))
    assert sorted(item["status"] for item in answers.values()) == [200] * 4 + [429] * 2
    noted = (await graph.control("GET", "/requests"))["requests"]
    assert [item["part_of"] is not None for item in noted] == [True] * 6 + [False]
    assert noted[0]["path"] == "/v1.0/me/events"
    assert noted[-1]["path"] == "/v1.0/$batch"


async def test_s65_create_that_times_out_yet_persists(graph: Far) -> None:
    order = {"action": "hang_after_commit", "method": "POST", "path": "/me/events", "count": 1, "seconds": 30}
    await graph.control("POST", "/faults", order)
    with pytest.raises(httpx.ReadTimeout):
        await graph.http.post(
            "/v1.0/me/events",
            json=event(transactionId="t-65"),
            headers={"Authorization": f"Bearer {token()}"},
            timeout=0.3,
        )
    again = await graph.create(transactionId="t-65")
    assert again["transactionId"] == "t-65"
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 1


async def test_dropped_connection_commits_nothing(graph: Far) -> None:
    await graph.control("POST", "/faults", {"action": "drop_connection", "method": "POST", "count": 1})
    with pytest.raises(httpx.TransportError):
        await graph.call("POST", "/me/events", event())
    assert (await graph.call("GET", "/me/events")).json()["value"] == []


async def test_calendars_are_made_renamed_and_deleted(graph: Far) -> None:
    made = (await graph.call("POST", "/me/calendars", {"name": "WedSync"}, status=201)).json()
    assert made["isDefaultCalendar"] is False
    await graph.call("POST", "/me/calendars", {"name": "WedSync"}, status=409)
    path = f"/me/calendars/{made['id']}"
    assert (await graph.call("PATCH", path, {"name": "Weddings"}, status=200)).json()["name"] == "Weddings"
    await graph.call("DELETE", path, status=204)
    answer = await graph.call("GET", path, status=404)
    assert answer.json()["error"]["code"] == "ErrorItemNotFound"
    default = (await graph.call("GET", "/me/calendar", status=200)).json()
    await graph.call("DELETE", f"/me/calendars/{default['id']}", status=400)


async def test_me_and_settings(graph: Far, rose: Any, marco: Any) -> None:
    assert (await graph.call("GET", "/me")).json()["id"] == rose.graph_id
    assert len((await graph.call("GET", "/me", who=marco)).json()["id"]) == 16
    settings = (await graph.call("GET", "/me/mailboxSettings")).json()
    assert settings["timeZone"] == rose.time_zone
    assert APP_ID
    zone = (await graph.call("GET", "/me/mailboxSettings/timeZone")).json()
    assert zone["value"] == rose.time_zone
