"""The specification's success criteria 2, 3, 4 and 6, over HTTP. Where it names a time, that is how long is waited."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
import pytest_asyncio

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import PREFIX, is_ours, squeezed
from tests.journeys.loads import at_rest, equal, load, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

CHANGE_WITHIN = 30.0
BULK_WITHIN = 120.0
BULK = 120
LATENCY = 0.1
"""Seconds that Graph takes for a request in the bulk journey."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with Stand(work_folder=tmp_path_factory.mktemp("criteria"), season=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rose(stand: Stand) -> AsyncIterator[Planner]:
    """Connected, with six events on each side, and nothing under way."""
    planner = Planner(stand, PLANNERS[0])
    await load(planner, wedsync=wedsync_events(6, "Booking"), outlook=outlook_events(6, "Appointment"))
    await planner.connect()
    assert (await planner.first_run_ended())["syncStatus"] == "completed"
    await at_rest(stand, planner)
    yield planner
    await planner.close()


# --- 2. Events sync bidirectionally within 30 seconds of changes ------------------------------------------------


async def soon(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    return await eventually(look, what, CHANGE_WITHIN)


def times(hour: int) -> dict[str, str]:
    day = datetime.now(UTC).date() + timedelta(days=12)
    return {"start": f"{day}T{hour:02}:00:00", "end": f"{day}T{hour + 1:02}:00:00"}


def outlook_times(hour: int) -> dict[str, Any]:
    return {name: {"dateTime": clock, "timeZone": "UTC"} for name, clock in times(hour).items()}


async def item_called(planner: Planner, subject: str) -> dict[str, Any]:
    found = [item for item in await planner.outlook_items() if squeezed(item["subject"]) == subject]
    assert len(found) == 1, f"{len(found)} are called so"
    return found[0]


async def event_called(planner: Planner, title: str) -> dict[str, Any]:
    found = [event for event in await planner.wedsync_events() if event["title"] == title]
    assert len(found) == 1, f"{len(found)} are called so"
    return found[0]


async def absent(planner: Planner, *, item_id: str = "", event_id: str = "") -> bool:
    assert item_id not in {item["id"] for item in await planner.outlook_items()}
    assert event_id not in {event["id"] for event in await planner.wedsync_events()}
    return True


async def test_2_what_is_done_in_wedsync_is_in_outlook_within_30_seconds(stand: Stand, rose: Planner) -> None:
    plain = {"type": "client_meeting", "timeZone": "UTC", "allDay": False, "private": False}
    event = await rose.add_in_wedsync(title="Tuesday consultation", **plain, **times(14))
    copy = await soon(lambda: item_called(rose, f"{PREFIX}Tuesday consultation"), "the new event is in Outlook")

    await rose.change_in_wedsync(event["id"], **times(17))

    async def moved() -> bool:
        item = await item_called(rose, f"{PREFIX}Tuesday consultation")
        assert item["start"]["dateTime"][:19] == times(17)["start"]
        assert item["id"] == copy["id"]
        return True

    await soon(moved, "the new time is in Outlook")
    await rose.delete_in_wedsync(event["id"])
    await soon(lambda: absent(rose, item_id=copy["id"]), "the copy is gone")
    await at_rest(stand, rose)


async def test_2_what_is_done_in_outlook_is_in_wedsync_within_30_seconds(stand: Stand, rose: Planner) -> None:
    item = await rose.add_in_outlook(subject="Dentist", **outlook_times(9))
    event = await soon(lambda: event_called(rose, "Dentist"), "the new event is in WedSync")

    await rose.change_in_outlook(item["id"], **outlook_times(11))

    async def moved() -> bool:
        assert (await wedsync_event(rose, event["id"]))["start"][:19] == times(11)["start"]
        return True

    await soon(moved, "the new time is in WedSync")
    await rose.delete_in_outlook(item["id"])
    await soon(lambda: absent(rose, event_id=event["id"]), "it is gone from WedSync")
    await at_rest(stand, rose)


# --- 3. Sync conflicts are clearly presented with resolution options ------------------------------------------


CHOICES = (
    ({"useValue": "wedsync"}, "By WedSync 0"),
    ({"useValue": "outlook"}, "By Outlook 1"),
    ({"useValue": "custom", "customValue": "By hand"}, "By hand"),
)


async def test_3_conflicts_show_what_each_side_says_and_are_resolved_as_chosen(stand: Stand, rose: Planner) -> None:
    events = [event for event in await rose.wedsync_events() if not event["externalId"]][: len(CHOICES)]
    await _edit_both_sides_unheard(stand, rose, events)
    assert (await rose.sync("incremental"))["status"] == "completed"

    listed = {item["wedSyncEventId"]: item for item in await rose.conflicts()}
    assert listed.keys() == {event["id"] for event in events}
    assert (await rose.status())["syncStats"]["conflictedEvents"] == len(CHOICES)
    for number, (event, (choice, title)) in enumerate(zip(events, CHOICES, strict=True)):
        assert listed[event["id"]]["syncStatus"] == "conflict"
        (conflict,) = listed[event["id"]]["syncConflicts"]
        assert (conflict["field"], conflict["conflictType"]) == ("title", "title")
        sides = (conflict["wedSyncValue"], conflict["outlookValue"])
        assert sides == (f"By WedSync {number}", f"By Outlook {number}")
        assert conflict["base"] == event["title"]
        assert conflict["suggestedResolution"] in ("use_wedsync", "use_outlook", "manual_review")
        assert conflict["reason"]

        path = f"calendar/outlook/events/{event['id']}/resolve"
        answer = await rose.call("POST", path, json={"resolutions": {"title": choice}})
        assert answer.status_code == 200, answer.text
        await eventually(partial(item_called, rose, PREFIX + title), "the choice is in Outlook")
        assert (await wedsync_event(rose, event["id"]))["title"] == title
    assert await rose.conflicts() == []
    await at_rest(stand, rose)
    assert await rose.outbox() == []


async def _edit_both_sides_unheard(stand: Stand, rose: Planner, events: list[dict[str, Any]]) -> None:
    """Change titles on both sides, so that one look sees both edits: all notices of them are lost."""
    items = [await item_called(rose, PREFIX + event["title"]) for event in events]
    for url in (stand.urls.graph, stand.urls.wedsync):
        (await rose.http.post(f"{url}/_control/faults", json={"action": "lose"})).raise_for_status()
    for number, (event, item) in enumerate(zip(events, items, strict=True)):
        await rose.change_in_wedsync(event["id"], title=f"By WedSync {number}")
        await rose.change_in_outlook(item["id"], subject=f"{PREFIX}By Outlook {number}")
    await rose.deliveries_done()
    await rose.no_faults()


# --- 4. Webhook updates trigger near-real-time synchronization ------------------------------------------------


async def test_4_notices_alone_carry_a_change_without_any_run(stand: Stand, rose: Planner) -> None:
    """No run and no timer has a part in it: all that Graph is asked for is the one event."""
    assert (await rose.status())["webhookStatus"]["isActive"]
    runs = await planned_runs(rose)
    await rose.graph_requests(clear=True)
    item = next(each for each in await rose.outlook_items() if each["subject"] == "Appointment 3")
    event = await event_called(rose, "Appointment 3")

    await rose.change_in_outlook(item["id"], subject="Appointment 3, moved", **outlook_times(8))

    async def arrived() -> bool:
        now = await wedsync_event(rose, event["id"])
        assert (now["title"], now["start"][:19]) == ("Appointment 3, moved", times(8)["start"])
        return True

    await soon(arrived, "the change is in WedSync")
    await at_rest(stand, rose)
    log = await rose.graph_requests()
    asked = [f"{request['method']} {unquote(request['path'].split('?')[0])}" for request in log]
    assert asked == [f"GET /v1.0/me/events/{item['id']}"]
    assert await planned_runs(rose) == runs
    told = (await rose.http.get(f"{stand.urls.graph}/_control/notifications")).json()["sent"]
    assert told, "Graph has notified the service"


async def planned_runs(planner: Planner) -> list[str]:
    """Return the runs that read a whole side; what one notice did is listed as another kind."""
    history = (await planner.status())["recentSyncHistory"]
    return [run["id"] for run in history if run["syncType"] in ("full_sync", "incremental")]


# --- 6. Bulk sync operations complete within 2 minutes for 100+ events ----------------------------------------


async def test_6_a_bulk_sync_of_more_than_100_events_each_way_ends_within_2_minutes(
    stand: Stand, rose: Planner
) -> None:
    knobs = {"latencySeconds": LATENCY}
    (await rose.http.post(f"{stand.urls.graph}/_control/knobs", json=knobs)).raise_for_status()
    await rose.deliveries_done()
    await load(rose, wedsync=wedsync_events(BULK, "Wedding"), outlook=outlook_events(BULK, "Errand"))
    started = (
        (await rose.call("POST", "calendar/outlook/sync", json={"syncType": "full_sync"})).raise_for_status().json()
    )
    assert started["status"] in ("started", "queued")

    async def ended() -> dict[str, Any] | None:
        run = (await rose.call("GET", f"calendar/outlook/sync/{started['syncId']}")).raise_for_status().json()
        return None if run["status"] == "in_progress" else dict(run)

    run = await eventually(ended, "the run ends", BULK_WITHIN)
    assert run["status"] == "completed"
    assert run["progress"]["errorEvents"] == 0
    copies = [item for item in await rose.outlook_items() if is_ours(item) and "Wedding" in item["subject"]]
    assert len(copies) == BULK, "all that is new in WedSync is there when the run says that it is done"
    await eventually(lambda: equal(rose), "both sides are equal", BULK_WITHIN)
    took = next(each for each in (await rose.status())["recentSyncHistory"] if each["id"] == started["syncId"])
    assert took["syncDurationMs"] <= BULK_WITHIN * 1000
    (await rose.http.post(f"{stand.urls.graph}/_control/knobs", json={"latencySeconds": 0.0})).raise_for_status()
