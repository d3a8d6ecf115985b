"""Faults over HTTP: who and what is hit, what is shown of it, and that the same orders hit the same requests again."""

import asyncio
from typing import Any

import pytest

from local.simkit.people import MARCO, ROSE
from tests.local.graph.conftest import Far, at
from tests.local.graph.holding import HELD, holding
from tests.local.graph.subscribing import advance

NEW = {"subject": "Tasting", "start": at("2027-03-01T09:00:00"), "end": at("2027-03-01T10:00:00")}


async def order(graph: Far, **members: Any) -> dict[str, Any]:
    answer = await graph.control("POST", "/faults", members)
    return dict(answer["faults"][-1])


async def requests(graph: Far) -> list[dict[str, Any]]:
    return list((await graph.control("GET", "/requests"))["requests"])


async def test_an_order_for_one_person_leaves_others_alone(graph: Far) -> None:
    await order(graph, action="status", person="rose@.*", status=503)
    await graph.call("GET", "/me/calendar", status=503)
    await graph.call("GET", "/me/calendar", who=MARCO, status=200)


async def test_one_item_of_a_batch_is_hit_and_marked(graph: Far) -> None:
    made = await order(graph, action="status", item="2", status=429, code="TooManyRequests", retry_after=3)
    parts = [{"id": str(number), "method": "GET", "url": "/me/calendar"} for number in (1, 2, 3)]
    answers = (await graph.call("POST", "/$batch", {"requests": parts}, status=200)).json()["responses"]
    assert {each["id"]: each["status"] for each in answers} == {"1": 200, "2": 429, "3": 200}
    assert next(each["headers"]["Retry-After"] for each in answers if each["id"] == "2") == "3"
    struck = [each for each in await requests(graph) if each["faults"]]
    assert [(each["path"], each["status"], each["faults"]) for each in struck] == [
        ("/v1.0/me/calendar", 429, [made["number"]])
    ]
    shown = (await graph.control("GET", "/faults"))["faults"][0]
    assert (shown["hits"], shown["hit"]) == (1, [struck[0]["number"]])
    assert shown["order"]["item"] == "2"


@pytest.mark.parametrize("batched", [False, True])
async def test_a_create_that_persists_and_fails(graph: Far, batched: bool) -> None:
    await order(graph, action="fail_after_commit", method="POST", path="/me/events$", status=504, count=1)
    if batched:
        part = {
            "id": "1",
            "method": "POST",
            "url": "/me/events",
            "body": NEW,
            "headers": {"Content-Type": "application/json"},
        }
        answer = (await graph.call("POST", "/$batch", {"requests": [part]}, status=200)).json()["responses"][0]
        assert answer["status"] == 504
    else:
        await graph.call("POST", "/me/events", NEW, status=504)
    listed = (await graph.call("GET", "/me/events", status=200)).json()["value"]
    assert [each["subject"] for each in listed] == ["Tasting"]


async def test_a_delta_token_expires_for_the_person_whose_request_is_hit(graph: Far) -> None:
    window = "/me/calendarView/delta?startDateTime=2027-01-01T00:00:00Z&endDateTime=2027-12-31T00:00:00Z"
    links = {
        who: (await graph.delta(window, **({"who": MARCO} if who == "marco" else {})))[1] for who in ("rose", "marco")
    }
    await order(graph, action="expire_delta", path="deltatoken", person="rose@.*", count=1)
    await graph.call("GET", links["rose"], status=410)
    await graph.call("GET", links["marco"], who=MARCO, status=200)


async def run_of(graph: Far) -> list[tuple[str, str, int]]:
    """Send forty requests of two people, eight at a time, and return which were hit and how."""
    await graph.control("POST", "/reset")
    await order(graph, action="status", probability=0.3, seed=11, status=503)
    lanes = asyncio.Semaphore(8)

    async def one(number: int) -> None:
        async with lanes:
            who = MARCO if number % 2 else ROSE
            await graph.call("GET", f"/me/calendar?$select=name&n={number}", who=who)

    await asyncio.gather(*(one(number) for number in range(40)))
    return sorted((each["method"], each["path"], each["status"]) for each in await requests(graph) if each["faults"])


async def test_a_run_replays_though_its_requests_overtake_each_other(graph: Far) -> None:
    first = await run_of(graph)
    assert 3 < len(first) < 30
    assert await run_of(graph) == first


async def test_numbers_follow_the_order_in_which_requests_began(graph: Far) -> None:
    async with holding(graph, graph.call("GET", f"/me/calendar?{HELD}&n=1")):
        await graph.call("GET", "/me/calendar?n=2")
    noted = {each["path"][-1]: each["number"] for each in await requests(graph)}
    assert noted["1"] < noted["2"]


async def test_a_batch_as_a_whole_can_be_late(graph: Far) -> None:
    await order(graph, action="latency", method="POST", path=r"\$batch", seconds=1800)
    parts = [{"id": "1", "method": "GET", "url": "/me/calendar"}]
    late = asyncio.create_task(graph.call("POST", "/$batch", {"requests": parts}, status=200))
    await asyncio.wait([late], timeout=1)
    assert (await graph.control("GET", "/faults"))["faults"][0]["hits"] == 1
    assert not late.done()
    await advance(graph, minutes=30, seconds=1)
    assert [each["status"] for each in (await late).json()["responses"]] == [200]


async def test_a_bad_order_is_refused_in_words(graph: Far) -> None:
    refused = await graph.http.post("/_control/faults", json={"action": "status", "mailbox": "rose"})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("unknown member 'mailbox'; one of action, method, path, person, item")
    refused = await graph.http.post("/_control/faults", json={"action": "revoke_grant"})
    assert refused.json()["error"].startswith("unknown action 'revoke_grant'")
    refused = await graph.http.post("/_control/faults", content=b"{")
    assert refused.status_code == 400
    assert (await graph.control("GET", "/faults"))["faults"] == []
