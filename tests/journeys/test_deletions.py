"""What is deleted, moved away and brought back, and what a second connection finds: over HTTP only."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stand import Stand
from tests.journeys.compare import is_ours
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal, choose_event, copy_of, only_foreign_left, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


async def gone_in_wedsync(planner: Planner, event_id: str) -> bool:
    assert event_id not in {event["id"] for event in await planner.wedsync_events()}
    return True


async def gone_in_outlook(planner: Planner, item_id: str) -> bool:
    assert item_id not in {item["id"] for item in await planner.outlook_items()}
    return True


async def imported(planner: Planner, item_id: str) -> dict[str, Any]:
    found = [e for e in await planner.wedsync_events() if str(e["externalId"] or "").endswith(f":{item_id}")]
    assert len(found) == 1, f"imported {len(found)} times"
    return found[0]


async def add_single_in_outlook(planner: Planner, subject: str) -> dict[str, Any]:
    day = datetime.now(UTC).date() + timedelta(days=20)
    return await planner.add_in_outlook(
        subject=subject,
        body={"contentType": "text", "content": "from Outlook"},
        start={"dateTime": f"{day}T09:00:00", "timeZone": "GMT Standard Time"},
        end={"dateTime": f"{day}T10:00:00", "timeZone": "GMT Standard Time"},
    )


async def test_deleting_moving_and_connecting_again(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "the season is on both sides")

    await wedsync_born_deleted_in_wedsync(rose)
    await outlook_born_deleted_in_outlook(rose)
    await outlook_born_deleted_in_wedsync(rose)
    asked = await wedsync_born_deleted_in_outlook(rose)
    moved = await wedsync_born_moved_away(rose)
    await both_choices(rose, asked, moved)
    assert await rose.outbox() == []

    # What the user moved to another calendar is the user's: it stays there.
    foreign = {
        item["id"]: item
        for item in await rose.outlook_items()
        if not is_ours(item) or item["calendarName"] == "Private"
    }
    assert (await rose.call("DELETE", "calendar/outlook/integration")).status_code == 200
    await eventually(lambda: only_foreign_left(rose, foreign), "only foreign events remain")
    before = len(await rose.wedsync_events())
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    assert len(await rose.wedsync_events()) == before + 1  # the hidden one was forgotten with the connection
    assert await rose.conflicts() == []


async def wedsync_born_deleted_in_wedsync(rose: Planner) -> None:
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await rose.delete_in_wedsync(event["id"])
    await eventually(lambda: gone_in_outlook(rose, copy["id"]), "our copy is deleted")


async def outlook_born_deleted_in_outlook(rose: Planner) -> None:
    item = await add_single_in_outlook(rose, "Florist calls")
    event = await eventually(lambda: imported(rose, item["id"]), "the Outlook event is in WedSync")
    await rose.delete_in_outlook(item["id"])
    await eventually(lambda: gone_in_wedsync(rose, event["id"]), "it is deleted in WedSync")


async def outlook_born_deleted_in_wedsync(rose: Planner) -> None:
    item = await add_single_in_outlook(rose, "Band calls")
    event = await eventually(lambda: imported(rose, item["id"]), "the Outlook event is in WedSync")
    await rose.deliveries_done()
    await rose.delete_in_wedsync(event["id"])
    await rose.deliveries_done()
    await rose.sync()
    assert item["id"] in {kept["id"] for kept in await rose.outlook_items()}
    await gone_in_wedsync(rose, event["id"])


async def wedsync_born_deleted_in_outlook(rose: Planner) -> str:
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await rose.deliveries_done()
    await rose.delete_in_outlook(copy["id"])
    await eventually(lambda: asked_about(rose, event["id"]), "the user is asked")
    assert await wedsync_event(rose, event["id"])
    return str(event["id"])


async def wedsync_born_moved_away(rose: Planner) -> str:
    event = await rose.add_in_wedsync(
        **{**(await _plain(rose)), "title": "Menu tasting", "type": "vendor_meeting"},
    )
    copy = await eventually(lambda: copy_of(rose, "Menu tasting"), "the new event is in Outlook")
    await rose.deliveries_done()
    await rose.move_in_outlook(copy["id"], "Private")
    await eventually(lambda: asked_about(rose, event["id"]), "the user is asked")
    return str(event["id"])


async def _plain(rose: Planner) -> dict[str, Any]:
    day = datetime.now(UTC).date() + timedelta(days=40)
    return {
        "start": f"{day}T12:00:00",
        "end": f"{day}T13:00:00",
        "timeZone": "Europe/Rome",
        "allDay": False,
        "description": "",
        "location": {"name": "", "address": ""},
        "private": False,
    }


async def asked_about(rose: Planner, event_id: str) -> bool:
    found = [item for item in await rose.conflicts() if item["wedSyncEventId"] == event_id]
    assert found
    conflict = found[0]["syncConflicts"][0]
    assert (conflict["field"], conflict["kind"]) == ("event", "deleted")
    assert conflict["outlookValue"] is None
    return True


async def both_choices(rose: Planner, back: str, away: str) -> None:
    """One event is brought back to Outlook, the deletion of the other is carried to WedSync."""
    for event_id, choice in ((back, "wedsync"), (away, "outlook")):
        answer = await rose.call(
            "POST",
            f"calendar/outlook/events/{event_id}/resolve",
            json={"resolutions": {"event": {"useValue": choice}}},
        )
        assert answer.status_code == 200, answer.text
    title = (await wedsync_event(rose, back))["title"]
    await eventually(lambda: copy_of(rose, title), "it is back in Outlook")
    await eventually(lambda: gone_in_wedsync(rose, away), "it is deleted in WedSync")
    assert await rose.conflicts() == []
