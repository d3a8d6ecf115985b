"""What a simulated Graph that runs for days keeps, and when it forgets: all of it has a documented end."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.graph import state, subscriptions
from local.graph.app import create_app
from local.graph.service import Graph
from local.simkit import faults
from tests.local.graph.conftest import WINDOW, Endpoint, Far, LocalKeys, event
from tests.local.graph.subscribing import BOX, advance, lasting, subscribe


async def deleted_items(graph: Far) -> int:
    shown = (await graph.control("GET", "/mailboxes"))["mailboxes"]
    return int(shown[0]["deletedItems"])


async def test_deleted_items_are_purged_for_good_by_the_stands_clock(graph: Far) -> None:
    bearer = lasting()
    own = [(await graph.create())["id"] for _ in range(2)]
    await graph.call("DELETE", f"/me/events/{own[0]}", status=204, bearer=bearer)
    await advance(graph, minutes=50)
    await graph.call("DELETE", f"/me/events/{own[1]}", status=204, bearer=bearer)
    assert await deleted_items(graph) == 2
    await advance(graph, minutes=11)
    assert await deleted_items(graph) == 1
    await graph.call("DELETE", f"/me/events/{own[0]}", status=404, bearer=bearer)
    await graph.call("DELETE", f"/me/events/{own[1]}", status=400, bearer=bearer)
    await advance(graph, minutes=-61)
    await graph.call("DELETE", f"/me/events/{own[0]}", status=404, bearer=bearer)


async def test_so_many_deleted_items_are_kept(graph: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "DELETED_KEPT", 2)
    own = [(await graph.create())["id"] for _ in range(3)]
    for each in own:
        await graph.call("DELETE", f"/me/events/{each}", status=204)
    assert await deleted_items(graph) == 2
    assert [(await graph.call("DELETE", f"/me/events/{each}")).status_code for each in own] == [404, 400, 400]


async def test_delta_forgets_the_oldest_departures_and_the_tokens_from_before(
    graph: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "DEPARTED_KEPT", 3)
    own = [(await graph.create())["id"] for _ in range(6)]
    _, link = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    for each in own[:3]:
        await graph.call("DELETE", f"/me/events/{each}", status=204)
    gone, later = await graph.delta(link)
    assert [item["id"] for item in gone] == own[:3]
    await graph.call("DELETE", f"/me/events/{own[3]}", status=204)
    await graph.call("GET", link, status=410)
    gone, _ = await graph.delta(later)
    assert [item["id"] for item in gone] == [own[3]]
    kept, _ = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    assert [item["id"] for item in kept] == own[4:]


async def test_an_event_that_comes_back_has_not_departed(graph: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "DEPARTED_KEPT", 1)
    calendars = (await graph.call("GET", "/me/calendars", status=200)).json()["value"]
    made = await graph.control("POST", f"{BOX}/events", event())
    for target in (calendars[1], calendars[0], calendars[1], calendars[0]):
        await graph.control("POST", f"{BOX}/events/{made['id']}/move", {"calendarId": target["id"]})
    _, link = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    for _ in range(3):
        other = await graph.create()
        await graph.call("DELETE", f"/me/events/{other['id']}", status=204)
    await graph.control("PATCH", f"{BOX}/events/{made['id']}", {"subject": "here"})
    await graph.call("GET", link, status=410)
    items, _ = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    assert [item["subject"] for item in items] == ["here"]


async def test_so_many_transaction_ids_are_remembered(graph: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "TRANSACTIONS_KEPT", 2)
    first, second, third = [await graph.create(transactionId=f"t{number}") for number in range(3)]
    assert (await graph.create(transactionId="t2"))["id"] == third["id"]
    assert (await graph.create(transactionId="t1"))["id"] == second["id"]
    assert (await graph.create(transactionId="t0"))["id"] != first["id"]


async def test_so_many_expired_subscriptions_are_shown(
    graph: Far, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "EXPIRED_KEPT", 1)
    bearer = lasting()
    for number in range(1, 4):
        await subscribe(graph, endpoint, bearer=bearer, minutes=60 * number)
        await advance(graph, hours=1, seconds=5)
    shown = (await graph.control("GET", "/subscriptions"))["subscriptions"]
    assert [each["expired"] for each in shown] == [True, True]


def test_an_order_counts_so_many_different_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SEEN_KEPT", 10)
    orders = faults.Faults()
    orders.add({"action": "status", "probability": 0.5})

    def struck() -> list[bool]:
        return [bool(orders.strike("GET", f"/{number % 15}", "status")) for number in range(150)]

    first = struck()
    assert struck() == first


async def test_a_day_of_work_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a simulator keeps per deleted event is bounded, the delayed visibility's as well."""
    for name in ("DELETED_KEPT", "DEPARTED_KEPT", "TRANSACTIONS_KEPT"):
        monkeypatch.setattr(state, name, 50)
    graph: Graph = create_app(LocalKeys()).state.graph
    graph.knobs.turn({"visibilitySeconds": 5.0})
    graph.settling.knobs_turned()
    mailbox = graph.store.mailboxes["rose@havenweddings.example"]
    for number in range(300):
        made: Any = mailbox.new_item(mailbox.default_calendar, span=_SPAN, props={"attendees": []})
        mailbox.written(made, "created")
        mailbox.remember(f"t{number}", made, "")
        mailbox.remove(made)
        graph.clock.advance(6)
        graph.settle()
    calendar = mailbox.default_calendar
    sizes = [len(mailbox.deleted), len(mailbox.transactions), len(calendar.log), len(calendar.departed)]
    assert sizes == [100, 50, 50, 50]
    assert (len(mailbox.by_id), len(calendar.items), len(calendar.listed)) == (0, 0, 0)
    assert graph.settling.remembered == 0
    await graph.client.aclose()


_SPAN = state.Span(
    start=datetime(2026, 8, 4, 14, tzinfo=UTC),
    end=datetime(2026, 8, 4, 15, tzinfo=UTC),
    start_zone="UTC",
    end_zone="UTC",
    all_day=False,
)
