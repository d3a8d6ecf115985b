"""The whole way, over HTTP only: connect, both calendars in step, conflicts, disconnect."""

import pytest

from local.stand import Stand
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import (
    both_equal,
    edit_both_ways,
    only_foreign_left,
    open_a_conflict,
    wedsync_event,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


async def test_two_ways_and_back(stand: Stand, rose: Planner) -> None:
    foreign = {item["id"]: item for item in await rose.outlook_items()}
    await rose.connect()
    run = await rose.first_run_ended()
    assert run["syncStatus"] == "completed", run
    listed = (await rose.call("GET", "calendar/outlook/calendars")).raise_for_status().json()
    chosen = next(calendar for calendar in listed["calendars"] if calendar["id"] == listed["calendarId"])
    assert chosen["isDefaultCalendar"]
    assert chosen["canEdit"]
    await eventually(lambda: both_equal(rose), "the season is on both sides")

    event_id = await edit_both_ways(rose)
    await eventually(lambda: both_equal(rose), "still equal")
    await open_a_conflict(rose, stand, event_id)
    await both_equal(rose, but=frozenset({event_id}))

    resolved = await rose.call(
        "POST", f"calendar/outlook/events/{event_id}/resolve", json={"resolutions": {"title": {"useValue": "outlook"}}}
    )
    assert resolved.status_code == 200, resolved.text
    await eventually(lambda: both_equal(rose), "equal after the choice")
    assert (await wedsync_event(rose, event_id))["title"] == "Tasting (Outlook)"

    gone = await rose.call("DELETE", "calendar/outlook/integration")
    assert gone.status_code == 200, gone.text
    await eventually(lambda: only_foreign_left(rose, foreign), "only foreign events remain")
    assert await rose.outbox() == []
    assert (await rose.call("GET", "calendar/outlook/sync")).status_code == 404


async def test_the_outbox_would_tell(stand: Stand, rose: Planner) -> None:
    """A planted change of a meeting mails its guests: the proof that an empty outbox proves something."""
    meeting = next(item for item in await rose.outlook_items() if item["attendees"] and item["isOrganizer"])
    await rose.change_in_outlook(meeting["id"], subject="Planted")
    assert await rose.outbox()
