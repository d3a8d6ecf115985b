"""Meetings made in WedSync whose guests have all left: they stay what a person made them, and no copies of ours."""

import pytest

from shared.core.event import Side
from shared.core.integration import Preferences
from shared.core.settings_change import SettingsChange
from tests.support.world import World
from tests.usecases.test_change_meetings import both, invite, made
from tests.usecases.test_meetings import mails
from tests.usecases.test_resolve import choose


async def everybody_leaves(world: World, event_id: str) -> None:
    """Their owner takes all guests off in Outlook, who are told by that, and the people off WedSync's event too."""
    await invite(world)
    await world.settle()
    await choose(world, event_id, "outlook", "attendees")
    mapping = await world.mapping_of(event_id)
    assert mapping.base_o is not None
    assert mapping.base_o.attendees == ()


async def test_a_meeting_without_guests_is_still_its_owners_at_a_disconnect(world: World) -> None:
    """It was made by their word, as the guests' who might come again: no copy of WedSync's."""
    meeting = await made(world)
    await everybody_leaves(world, meeting.event_id)
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert [(left.event_id, left.title) for left in removal.left] == [(meeting.event_id, "Menu tasting")]
    assert [item["subject"] for item in await world.outlook.events()] == ["Menu tasting"]
    await world.connect()
    here, there = await both(world)
    assert (here["id"], here["title"], there["subject"]) == (meeting.event_id, "Menu tasting", "Menu tasting")
    assert await mails(world) == []


async def test_a_meeting_without_guests_stays_when_its_type_is_switched_off(world: World) -> None:
    meeting = await made(world)
    await everybody_leaves(world, meeting.event_id)
    await world.app.change_settings.run(
        world.planner.user_id, SettingsChange(preferences={"sync_client_meetings": False})
    )
    await world.settle()
    await world.outlook.change((await both(world))[1]["id"], subject="Wine tasting")
    await world.settle()
    await world.sync()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Wine tasting", "Wine tasting")
    assert await world.open_conflicts() == ()


@pytest.mark.parametrize("switched_off", [False, True])
async def test_a_meeting_that_is_brought_back_is_a_copy_like_any_other(world: World, switched_off: bool) -> None:
    """Nobody is invited to it again; and it is there by a person's word, whatever becomes of its type."""
    meeting = await made(world)
    await world.change_integration(preferences=Preferences(sync_client_meetings=not switched_off))
    await world.outlook.remove(meeting.meeting.event.event_id)
    await world.settle()
    (row,) = await world.open_conflicts()
    assert row.absent is Side.OUTLOOK
    world.graph.outbox.mails.clear()
    await choose(world, meeting.event_id, "wedsync", "event")
    await world.sync()
    here, there = await both(world)
    assert (here["id"], there["subject"], there["attendees"]) == (meeting.event_id, "Menu tasting", [])
    assert await mails(world) == []
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert (removal.events_left, await world.outlook.events()) == (0, [])


async def test_a_meeting_without_guests_stays_in_its_calendar(world: World) -> None:
    meeting = await made(world)
    await everybody_leaves(world, meeting.event_id)
    other = await world.outlook.control("POST", f"{world.outlook._box}/calendars", {"name": "Other"})
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(calendar_id=other["id"]))
    await world.settle()
    _, there = await both(world)
    assert there["id"] == meeting.meeting.event.event_id
    assert (await world.integration()).calendar_id == other["id"]
