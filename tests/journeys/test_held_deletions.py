"""A flood of deletions in Outlook: most are held, and answered for by the planner. Over HTTP only."""

from typing import Any

import pytest

from local.stand import Stand
from tests.journeys.held import delete_all, many_in_outlook
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

CONFIRM = "calendar/outlook/sync/confirm"


async def present(planner: Planner, items: dict[str, str]) -> int:
    return len({event["id"] for event in await planner.wedsync_events()} & set(items.values()))


async def answer(planner: Planner, question: dict[str, Any], *, accept: bool) -> dict[str, Any]:
    body = {"confirmationId": question["confirmationId"], "accept": accept}
    begun = await planner.call("POST", CONFIRM, json=body)
    assert begun.status_code == 202, begun.text
    run = await planner.run_ended(begun.json()["syncId"])
    assert run["status"] == "completed"
    return run


async def test_many_deletions_wait_for_a_word(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "the season is on both sides")
    assert "confirmation" not in await rose.status()

    accepted = await the_deletions_are_meant(rose)
    await they_are_not(rose)
    await wrong_answers(rose, accepted)
    assert await rose.outbox() == []


async def the_deletions_are_meant(rose: Planner) -> dict[str, Any]:
    items = await many_in_outlook(rose, "Florist")
    mapped = (await rose.status())["syncStats"]["totalEvents"]
    question = await delete_all(rose, items)
    assert len(items) - await present(rose, items) <= max(5, mapped * 0.1)
    assert question["side"] == "wedsync"
    assert question["count"] == len(question["events"])
    assert {event["title"].split()[0] for event in question["events"]} == {"Florist"}
    assert question["openedAt"] < question["expiresAt"]
    assert question["reason"]
    listed = (await rose.call("GET", "calendar/outlook/events?syncStatuses=pending&pageSize=500")).json()["events"]
    waiting = {event["wedSyncEventId"] for event in listed if event["reason"] == "deletion_held"}
    assert waiting == {event["eventId"] for event in question["events"]}

    run = await answer(rose, question, accept=True)
    assert run["progress"]["processedEvents"] == question["count"]
    assert run["progress"]["deletedEvents"] > 0  # a notice that comes late may find the answer before the run does
    assert await present(rose, items) == 0
    assert "confirmation" not in await rose.status()
    return question


async def they_are_not(rose: Planner) -> None:
    items = await many_in_outlook(rose, "Caterer")
    question = await delete_all(rose, items)
    run = await rose.sync()
    assert run["confirmation"]["confirmationId"] == question["confirmationId"]

    await answer(rose, question, accept=False)
    titles = {event["title"] for event in question["events"]}
    assert await present(rose, items) == question["count"]
    assert {item["subject"] for item in await rose.outlook_items()} >= titles
    assert "confirmation" not in await rose.status()


async def wrong_answers(rose: Planner, earlier: dict[str, Any]) -> None:
    for body, status, code in (
        ({"confirmationId": earlier["confirmationId"], "accept": False}, 409, "confirmation_answered"),
        ({"confirmationId": "unknown", "accept": True}, 404, "confirmation_not_found"),
        ({"confirmationId": "unknown"}, 400, "invalid_body"),
    ):
        refused = await rose.call("POST", CONFIRM, json=body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
