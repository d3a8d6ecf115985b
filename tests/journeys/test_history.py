"""What was done, over HTTP: every kind of run in the history, undone, explained, and events brought back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.planner import Planner, eventually

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

DAY = datetime.now(UTC).date() + timedelta(days=30)
TITLES = ["Tasting", "Fitting", "Rehearsal dinner"]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand(work_folder=tmp_path, season=False) as running:
        yield running


@pytest.fixture
async def rose(stand: Stand) -> AsyncIterator[Planner]:
    planner = Planner(stand, PLANNERS[0])
    for title in TITLES:
        await add(planner, title)
    await planner.connect()
    await planner.first_run_ended()
    yield planner
    assert await planner.outbox() == []
    await planner.close()


async def add(rose: Planner, title: str) -> str:
    made = await rose.add_in_wedsync(
        type="client_meeting", title=title, start=f"{DAY}T12:00:00", end=f"{DAY}T13:00:00", timeZone="Europe/Rome"
    )
    return str(made["id"])


async def get(rose: Planner, path: str) -> dict[str, Any]:
    return dict((await rose.call("GET", f"calendar/outlook/{path}")).raise_for_status().json())


async def post(rose: Planner, path: str) -> tuple[int, dict[str, Any]]:
    answer = await rose.call("POST", f"calendar/outlook/{path}")
    return answer.status_code, dict(answer.json())


async def subjects(rose: Planner) -> list[str]:
    return sorted(str(item["subject"]) for item in await rose.outlook_items())


async def seen(rose: Planner, wanted: list[str]) -> None:
    async def look() -> bool:
        return await subjects(rose) == wanted

    await eventually(look, f"Outlook shows {wanted}")


async def recorded(rose: Planner, kind: str, but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Wait for a run of this kind in the history that was not there before."""

    async def look() -> dict[str, Any] | None:
        history = (await rose.status())["recentSyncHistory"]
        return next((item for item in history if item["syncType"] == kind and item["id"] not in but), None)

    return dict(await eventually(look, f"a {kind} is in the history"))


def mine(rose_events: list[dict[str, Any]], title: str) -> str:
    return str(next(event["id"] for event in rose_events if event["title"] == title))


async def test_a_run_is_read_back_undone_and_explained(rose: Planner) -> None:
    event_id = mine(await rose.wedsync_events(), "Tasting")
    await rose.change_in_wedsync(event_id, title="Cake tasting")
    item = await recorded(rose, "webhook_triggered")
    assert (item["triggeredBy"], item["syncStatus"], item["eventsUpdated"]) == ("webhook", "completed", 1)
    assert (item["eventsProcessed"], item["syncDirection"]) == (1, "bidirectional")
    assert item["syncDurationMs"] >= 0
    assert item["completedAt"] >= item["startedAt"]
    assert "errors" not in item

    told = await get(rose, f"events/{event_id}/explain")
    assert (told["synced"], told["state"], told["rule"]) == (True, "linked", "echo")
    newest = told["lastChanges"][0]
    assert (newest["runId"], newest["rule"], newest["fields"]) == (item["id"], "carry", ["title"])
    assert (newest["before"], newest["after"]) == ({"title": "Tasting"}, {"title": "Cake tasting"})
    assert {field["state"] for field in told["fields"]} == {"agreed"}

    status, undone = await post(rose, f"sync/{item['id']}/undo")
    assert status == 200
    assert (undone["success"], undone["status"], undone["undone"], undone["skipped"]) == (True, "completed", 1, [])
    assert "WedSync: Tasting" in await subjects(rose)
    shown = next(each for each in (await rose.status())["recentSyncHistory"] if each["id"] == undone["syncId"])
    assert (shown["syncType"], shown["purpose"], shown["undoes"]) == ("single_event", "undo", item["id"])

    told = await get(rose, f"events/{event_id}/explain")
    assert told["rule"] == "held"
    (conflict,) = told["conflicts"]
    assert (conflict["field"], conflict["suggestedResolution"]) == ("title", "use_outlook")
    title = next(field for field in told["fields"] if field["field"] == "title")
    assert (title["state"], title["rule"]) == ("held", "undone")

    status, problem = await post(rose, f"sync/{item['id']}/undo")
    assert (status, problem["code"]) == (409, "already_undone")
    status, again = await post(rose, f"sync/{undone['syncId']}/undo")
    assert (status, again["undone"]) == (200, 1)
    assert "WedSync: Cake tasting" in await subjects(rose)
    assert await rose.conflicts() == []


async def test_the_first_run_is_undone_and_its_events_are_brought_back_one_by_one(rose: Planner) -> None:
    events = await rose.wedsync_events()
    first = await recorded(rose, "full_sync")
    assert (first["triggeredBy"], first["eventsCreated"]) == ("auto", 3)
    changed = mine(events, "Fitting")
    await rose.change_in_wedsync(changed, title="Dress fitting")
    await seen(rose, ["WedSync: Dress fitting", "WedSync: Rehearsal dinner", "WedSync: Tasting"])
    await rose.deliveries_done()

    status, undone = await post(rose, f"sync/{first['id']}/undo")
    assert (status, undone["undone"]) == (200, 2)
    assert undone["skipped"] == [{"eventId": changed, "reason": "changed_since"}]
    assert await subjects(rose) == ["WedSync: Dress fitting"]
    await rose.sync()
    assert await subjects(rose) == ["WedSync: Dress fitting"], "what was undone is not done again"

    pending = await get(rose, "events?syncStatuses=pending")
    assert {event["reason"] for event in pending["events"]} == {"unlinked"}
    event_id = mine(events, "Tasting")
    told = await get(rose, f"events/{event_id}/explain")
    assert (told["synced"], told["rule"]) == (False, "opted_out")
    status, restored = await post(rose, f"events/{event_id}/restore")
    assert (status, restored["restored"], restored["eventId"]) == (200, True, event_id)
    assert await subjects(rose) == ["WedSync: Dress fitting", "WedSync: Tasting"]
    single = await recorded(rose, "single_event", frozenset({undone["syncId"]}))
    assert (single["id"], single["eventsCreated"], single["triggeredBy"]) == (restored["syncId"], 1, "manual")
    status, again = await post(rose, f"events/{event_id}/restore")
    assert (status, again["restored"], "syncId" in again) == (200, False, False)


async def test_what_cannot_be_is_refused_with_a_reason(stand: Stand, rose: Planner) -> None:
    events = await rose.wedsync_events()
    status, problem = await post(rose, "sync/00000000-0000-4000-8000-000000000000/undo")
    assert (status, problem["code"]) == (404, "sync_not_found")
    status, problem = await post(rose, "events/unknown/restore")
    assert (status, problem["code"]) == (404, "event_not_found")
    answer = await rose.call("GET", "calendar/outlook/events/unknown/explain")
    assert (answer.status_code, answer.json()["code"]) == (404, "event_not_found")

    marco = Planner(stand, PLANNERS[1])
    for path in (f"events/{events[0]['id']}/restore", "sync/x/undo"):
        status, _ = await post(marco, path)
        assert status == 404
    await marco.close()

    item = next(each for each in await rose.outlook_items() if each["subject"] == "WedSync: Tasting")
    await rose.delete_in_outlook(item["id"])
    event_id = mine(events, "Tasting")

    async def asked() -> bool:
        return [event["wedSyncEventId"] for event in await rose.conflicts()] == [event_id]

    await eventually(asked, "the missing copy is asked about")
    status, problem = await post(rose, f"events/{event_id}/restore")
    assert (status, problem["code"]) == (409, "conflicts_open")
