"""Writes that become visible later (S64), creates that time out and persist (S65), over HTTPS."""

from typing import Any

import httpx
import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, event, token
from tests.local.graph.sources import api, concept
from tests.local.graph.subscribing import BOX, advance, lasting

DELAYS = (concept("delta-query-overview"), api("event-delta"))
KNOBS = ("visibilitySeconds", "visibilitySeed")
VIEW, DELTA = f"/me/calendarView?{WINDOW}", f"/me/calendarView/delta?{WINDOW}"
ODOO = "https://github.com/odoo/odoo/issues/229646"


async def subjects(graph: Far, path: str, bearer: str) -> list[str]:
    found = (await graph.call("GET", path, bearer=bearer, status=200)).json()["value"]
    return sorted(item["subject"] for item in found if "@removed" not in item)


@behaviour("S64", Grade.ASSUMED, *DELAYS, knobs=KNOBS)
@pytest.mark.parametrize("path", ["/me/events", VIEW, DELTA])
async def test_s64_a_get_by_id_sees_what_a_list_does_not_yet(graph: Far, path: str) -> None:
    bearer = lasting()
    old = await graph.create(subject="old")
    gone = await graph.create(subject="gone")
    await graph.knobs(visibilitySeconds=600, visibilitySeed=3)
    new = await graph.create(subject="new")
    await graph.call("PATCH", f"/me/events/{old['id']}", {"subject": "older"}, bearer=bearer, status=200)
    await graph.call("DELETE", f"/me/events/{gone['id']}", bearer=bearer, status=204)
    for event_id, subject in ((new["id"], "new"), (old["id"], "older")):
        assert (await graph.call("GET", f"/me/events/{event_id}", status=200)).json()["subject"] == subject
    await graph.call("GET", f"/me/events/{gone['id']}", bearer=bearer, status=404)
    assert await subjects(graph, path, bearer) == ["gone", "old"]
    await advance(graph, minutes=11)
    assert await subjects(graph, path, bearer) == ["new", "older"]


@behaviour("S64", Grade.DOCUMENTED, *DELAYS, knobs=KNOBS)
async def test_s64_a_delta_link_of_meanwhile_misses_nothing(graph: Far) -> None:
    bearer = lasting()
    _, link = await graph.delta(DELTA, bearer=bearer)
    await graph.knobs(visibilitySeconds=3600, visibilitySeed=5)
    made = [(await graph.create(subject=str(number)))["id"] for number in range(6)]
    found: list[list[str]] = []
    for _ in range(13):
        items, link = await graph.delta(link, bearer=bearer)
        found.append([item["id"] for item in items])
        await advance(graph, minutes=5)
    seen = [event_id for each in found for event_id in each]
    assert sorted(seen) == sorted(made)
    assert seen != made
    assert sum(map(bool, found)) > 1


async def _order(graph: Far, seed: int) -> list[str]:
    await graph.control("POST", "/reset")
    await graph.knobs(visibilitySeconds=60, visibilitySeed=seed)
    _, link = await graph.delta(DELTA)
    for number in range(8):
        await graph.create(subject=str(number))
    await advance(graph, seconds=61)
    return [item["subject"] for item in (await graph.delta(link))[0]]


@behaviour("S64", Grade.DOCUMENTED, *DELAYS, knobs=KNOBS)
async def test_s64_the_same_seed_gives_the_same_delays(graph: Far) -> None:
    first = await _order(graph, 11)
    assert first != sorted(first)
    assert await _order(graph, 11) == first
    assert await _order(graph, 12) != first


@behaviour("S64", Grade.ASSUMED, *DELAYS, knobs=KNOBS)
async def test_s64_of_one_event_an_older_state_never_comes_after_a_newer(graph: Far) -> None:
    bearer = lasting()
    await graph.knobs(visibilitySeconds=600, visibilitySeed=1)
    made = await graph.create(subject="0")
    for number in range(1, 10):
        await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": str(number)}, bearer=bearer, status=200)
    shown = [await subjects(graph, VIEW, bearer)]
    for _ in range(22):
        await advance(graph, seconds=30)
        shown.append(await subjects(graph, VIEW, bearer))
    assert shown == sorted(shown)
    assert shown[-1] == ["9"]


@behaviour("S64", Grade.DOCUMENTED, *DELAYS, knobs=KNOBS)
async def test_s64_by_default_a_write_is_seen_at_once(graph: Far) -> None:
    bearer = lasting()
    await graph.knobs(visibilitySeconds=600)
    await graph.create(subject="late")
    await graph.knobs(visibilitySeconds=0)
    assert await subjects(graph, VIEW, bearer) == ["late"]
    _, link = await graph.delta(DELTA)
    await graph.create(subject="now")
    assert await subjects(graph, VIEW, bearer) == ["late", "now"]
    assert [item["subject"] for item in (await graph.delta(link))[0]] == ["now"]


@behaviour("S64", Grade.DOCUMENTED, *DELAYS, knobs=KNOBS)
async def test_s64_a_move_is_seen_in_each_calendar_for_itself(graph: Far) -> None:
    bearer = lasting()
    made = await graph.create()
    private = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    there = f"/me/calendars/{private}/calendarView?{WINDOW}"
    await graph.knobs(visibilitySeconds=600)
    await graph.control("POST", f"{BOX}/events/{made['id']}/move", {"calendarId": private})
    assert (await subjects(graph, VIEW, bearer), await subjects(graph, there, bearer)) == (["Cake tasting"], [])
    await advance(graph, minutes=11)
    assert (await subjects(graph, VIEW, bearer), await subjects(graph, there, bearer)) == ([], ["Cake tasting"])


async def hung_create(graph: Far, **members: Any) -> None:
    """POST an event whose answer never comes."""
    order = {"action": "hang_after_commit", "method": "POST", "path": "/me/events", "count": 1, "seconds": 30}
    await graph.control("POST", "/faults", order)
    with pytest.raises(httpx.ReadTimeout):
        await graph.http.post(
            "/v1.0/me/events", json=event(**members), headers={"Authorization": f"Bearer {token()}"}, timeout=0.5
        )


@behaviour("S65", Grade.REPORTED, ODOO, knobs=("fault: hang_after_commit",))
async def test_s65_a_create_that_times_out_yet_persists(graph: Far) -> None:
    await hung_create(graph)
    assert len((await graph.call("GET", "/me/events", status=200)).json()["value"]) == 1
    await graph.create()
    assert len((await graph.call("GET", "/me/events", status=200)).json()["value"]) == 2


@behaviour("S65", Grade.REPORTED, ODOO, "https://blog.rykoma.net/", knobs=("fault: hang_after_commit",))
async def test_s65_a_transaction_id_finds_it_again(graph: Far) -> None:
    await hung_create(graph, transactionId="t-65")
    again = await graph.create(transactionId="t-65")
    assert again["transactionId"] == "t-65"
    listed = (await graph.call("GET", "/me/events", status=200)).json()["value"]
    assert [item["id"] for item in listed] == [again["id"]]


async def test_dropped_connection_commits_nothing(graph: Far) -> None:
    await graph.control("POST", "/faults", {"action": "drop_connection", "method": "POST", "count": 1})
    with pytest.raises(httpx.TransportError):
        await graph.call("POST", "/me/events", event())
    assert (await graph.call("GET", "/me/events")).json()["value"] == []
