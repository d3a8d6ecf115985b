"""``$batch``: each item for itself, dependencies, limits (S58), over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, event
from tests.local.graph.holding import HELD, holding
from tests.local.graph.sources import concept, issue

BATCHING, THROTTLING = concept("json-batching"), concept("throttling")


def part(number: int, method: str, url: str, **members: Any) -> dict[str, Any]:
    given = {"id": str(number), "method": method, "url": url, **members}
    if "body" in members:
        given.setdefault("headers", {})["Content-Type"] = "application/json"
    return given


async def batch(graph: Far, *parts: dict[str, Any], status: int = 200) -> dict[str, dict[str, Any]]:
    answer = await graph.call("POST", "/$batch", {"requests": list(parts)}, status=status)
    return {item["id"]: item for item in answer.json().get("responses", [])}


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
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


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_answers_are_shuffled(graph: Far) -> None:
    parts = [part(n, "GET", "/me") for n in range(20)]
    answer = await graph.call("POST", "/$batch", {"requests": parts}, status=200)
    order = [item["id"] for item in answer.json()["responses"]]
    assert order != [str(n) for n in range(20)]
    assert sorted(order, key=int) == [str(n) for n in range(20)]


async def test_a_replay_after_a_reset_is_shuffled_alike(graph: Far) -> None:
    orders = []
    for _ in range(2):
        await graph.control("POST", "/reset")
        for _ in range(2):
            answer = await graph.call("POST", "/$batch", {"requests": [part(n, "GET", "/me") for n in range(20)]})
            orders.append([item["id"] for item in answer.json()["responses"]])
    assert orders[:2] == orders[2:]
    assert orders[0] != orders[1]


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_failed_dependency_answers_424(graph: Far) -> None:
    """A failed one takes along what depends on it, and that what depends on that."""
    broken = part(1, "GET", "/me/events/nonsense")
    for before in (["1", "2"], ["1", "1"]):
        parts = [part(2, "GET", "/me", dependsOn=before[:1]), part(3, "GET", "/me", dependsOn=before[1:])]
        answers = await batch(graph, broken, *parts)
        assert {name: item["status"] for name, item in answers.items()} == {"1": 400, "2": 424, "3": 424}
    answers = await batch(graph, part(1, "GET", "/me"), part(2, "GET", "/me", dependsOn=["1"]))
    assert {name: item["status"] for name, item in answers.items()} == {"1": 200, "2": 200}


@behaviour("S58", Grade.ASSUMED, BATCHING, THROTTLING)
async def test_s58_batch_holds_four_slots_until_answered(graph: Far) -> None:
    eight = batch(graph, *(part(n, "GET", f"/me/events?{HELD}") for n in range(8)))
    async with holding(graph, eight, slots=4) as running:
        await graph.call("GET", "/me/events", status=429)
        second = await batch(graph, part(1, "GET", "/me/events"))
        assert second["1"]["status"] == 429
        assert second["1"]["headers"]["Retry-After"] == "1"
    assert {item["status"] for item in running[0].result().values()} == {200}
    await graph.call("GET", "/me/events", status=200)


@behaviour("S58", Grade.DOCUMENTED, BATCHING, THROTTLING, knobs=("fault: status",))
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


@behaviour("S58", Grade.ASSUMED, BATCHING)
@pytest.mark.parametrize(("count", "status"), [(20, 200), (21, 400)])
async def test_s58_twenty_items_and_no_more(graph: Far, count: int, status: int) -> None:
    answers = await batch(graph, *(part(n, "GET", "/me") for n in range(count)), status=status)
    assert len(answers) == (20 if status == 200 else 0)


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_malformed_items_are_refused(graph: Far) -> None:
    """Unique ids, a Content-Type with a body, dependencies that come before."""
    await batch(graph, part(1, "GET", "/me"), part(1, "GET", "/me"), status=400)
    await batch(graph, {"id": "1", "method": "POST", "url": "/me/events", "body": event()}, status=400)
    await batch(graph, part(1, "GET", "/me", dependsOn=["2"]), part(2, "GET", "/me"), status=400)
    assert (await graph.call("GET", "/me/events", status=200)).json()["value"] == []


@behaviour("S58", Grade.REPORTED, issue(1015, "microsoftgraph/msgraph-sdk-python"), BATCHING)
@pytest.mark.parametrize("url", ["https://graph.microsoft.com/v1.0/me", "/v1.0/me"])
async def test_s58_urls_are_relative_to_the_version(graph: Far, url: str) -> None:
    answer = (await batch(graph, part(1, "GET", url)))["1"]
    assert (answer["status"], answer["body"]["error"]["code"]) == (400, "RequestBroker--ParseUri")


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_items_that_depend_wait_for_each_other(graph: Far) -> None:
    """Each one is read by the one after it; a failed one takes all after it along."""
    await graph.knobs(latencySeconds=0.05)
    parts = [part(0, "POST", "/me/events", body=event(subject="0"))]
    for number in range(1, 5):
        before = [str(number - 1)]
        parts.append(part(number, "POST", "/me/events", body=event(subject=str(number)), dependsOn=before))
    answers = await batch(graph, *parts, part(5, "GET", "/me/events", dependsOn=["4"]))
    assert [item["subject"] for item in answers["5"]["body"]["value"]] == ["4", "3", "2", "1", "0"]
    broken = [part(0, "GET", "/me/nonsense"), part(1, "GET", "/me", dependsOn=["0"])]
    answers = await batch(graph, *broken, part(2, "GET", "/me", dependsOn=["1"]))
    assert [answers[str(number)]["status"] for number in range(3)] == [400, 424, 424]


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_a_batch_is_not_atomic(graph: Far) -> None:
    answers = await batch(
        graph, part(1, "POST", "/me/events", body=event()), part(2, "POST", "/me/events", body={"subject": "no times"})
    )
    assert (answers["1"]["status"], answers["2"]["status"]) == (201, 400)
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 1


@behaviour("S58", Grade.REPORTED, issue(2339), BATCHING)
@pytest.mark.parametrize(
    "depends",
    [
        {3: ["1"]},
        {2: ["1"], 4: ["3"]},
        {2: ["1"], 3: ["1", "2"], 4: ["3"]},
    ],
)
async def test_s58_a_batch_is_fully_sequential_or_fully_parallel(graph: Far, depends: dict[int, list[str]]) -> None:
    """Where one item depends on another, each but the first does; on one that comes before it."""
    parts = [part(n, "GET", "/me", **({"dependsOn": depends[n]} if n in depends else {})) for n in range(1, 5)]
    answer = await graph.call("POST", "/$batch", {"requests": parts}, status=400)
    assert answer.json()["error"]["message"] == "Batch should be either fully sequential or fully parallel."


@behaviour("S58", Grade.DOCUMENTED, BATCHING)
async def test_s58_ids_are_not_case_sensitive(graph: Far) -> None:
    one, same, after = ({"id": name, "method": "GET", "url": "/me"} for name in ("a", "A", "b"))
    await batch(graph, one, same, status=400)
    answers = await batch(graph, one, {**after, "dependsOn": ["A"]})
    assert {name: item["status"] for name, item in answers.items()} == {"a": 200, "b": 200}


@behaviour("S58", Grade.ASSUMED, BATCHING)
async def test_s58_a_body_has_the_type_that_its_header_says(graph: Far) -> None:
    answers = await batch(graph, part(1, "POST", "/me/events", body=event(), headers={}))
    assert answers["1"]["status"] == 201
    wrong = {
        "id": "1",
        "method": "POST",
        "url": "/me/events",
        "body": event(),
        "headers": {"Content-Type": "text/plain"},
    }
    assert (await batch(graph, wrong))["1"]["status"] == 400
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 1
