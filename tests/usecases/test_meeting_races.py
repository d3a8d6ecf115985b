"""Meetings that somebody else is at in the same moment, and those that are not there to be changed or cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from shared.core.event import Place, Side
from shared.core.history import ChangeKind
from shared.core.integration import Direction, ImportOutlookEvents, OnOutlookDelete, Preferences
from shared.core.jobs import UpkeepKind
from shared.core.states import MappingState
from shared.errors import CalendarGone, NotFound, StateConflict, Unavailable
from shared.ports import Stored
from shared.usecases.meeting_frame import MeetingMails
from tests.support.world import World
from tests.usecases.test_change_meetings import CLEO, both, cancel, change, invite, made
from tests.usecases.test_meeting_crashes import died_after
from tests.usecases.test_meeting_elsewhere import synced_calendar
from tests.usecases.test_meetings import ANN, BEN, mails


def when(world: World, step: str, act: Callable[[], Awaitable[object]]) -> None:
    """Do this once, as soon as the service comes to such a step."""

    async def watch(name: str) -> None:
        if name.startswith(step):
            world.steps.watch = None
            await act()

    world.steps.watch = watch


async def unnoticed(world: World) -> None:
    """Lose the notices of what was done just now."""
    await world.quiet()
    world.post.clear()


# --- changing ---------------------------------------------------------------------------------------------------------


async def test_a_write_that_is_refused_for_its_version_is_made_anew(world: World) -> None:
    meeting = await made(world)
    await world.outlook.knobs(spurious412=1)
    assert (await change(world, meeting.event_id, title="Wine tasting")).fields == ("title",)
    assert await mails(world) == [("update", ANN.email), ("update", BEN.email)]


async def test_all_who_were_mailed_are_named_though_it_took_two_rounds(world: World) -> None:
    """The second tells those who are left; who was taken off was told by the first."""
    meeting = await made(world)
    everybody = (ANN.email, BEN.email, CLEO.email)

    async def both_owners() -> None:
        await world.wedsync.change(meeting.event_id, description="Mine")
        await world.outlook.change(meeting.meeting.event.event_id, subject="Theirs")

    when(world, "before wedsync PATCH", both_owners)
    changed = await change(world, meeting.event_id, title="Wine tasting", guests=(ANN, CLEO), named=everybody)
    assert changed.mailed == everybody
    assert (await world.outlook.events())[0]["subject"] == "Wine tasting"


async def test_texts_and_places_can_be_taken_away(world: World) -> None:
    meeting = await made(world)
    changed = await change(world, meeting.event_id, description="", location=Place())
    assert changed.fields == ("description", "location")
    await world.settle()
    here, there = await both(world)
    assert (here["description"], here["location"]["name"], there["location"]["displayName"]) == ("", "", "")


async def test_what_else_has_moved_is_judged_though_no_notice_told_of_it(world: World) -> None:
    meeting = await made(world)
    await world.wedsync.change(meeting.event_id, description="Bring both lists")
    await unnoticed(world)
    await change(world, meeting.event_id, title="Wine tasting")
    await unnoticed(world)
    await world.settle()
    assert [row.field for row in await world.open_conflicts()] == ["description"]


async def test_the_same_call_ends_at_once_what_another_process_began(world: World) -> None:
    meeting = await made(world)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))
    again = await change(world, meeting.event_id, title="Wine tasting", mail_guests=False)
    assert (again.fields, again.mailed) == ((), ())
    assert [event["title"] for event in await world.wedsync.events()] == ["Wine tasting"]


async def test_both_writes_of_a_change_are_in_the_history(world: World) -> None:
    meeting = await made(world)
    changed = await change(world, meeting.event_id, title="Wine tasting")
    (mapping,) = await world.mappings()
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    told = {
        (row.side, row.kind, row.before.title if row.before else "", row.after.title if row.after else "")
        for row in rows
        if row.run_id == changed.run_id
    }
    assert told == {(side, ChangeKind.UPDATED, "Menu tasting", "Wine tasting") for side in Side}


async def test_of_what_is_masked_its_owner_can_change_what_they_do_not_see(world: World) -> None:
    await world.outlook.add("Dentist", body={"contentType": "text", "content": "Tooth"})
    await world.connect()
    await world.change_integration(preferences=Preferences(import_outlook_events=ImportOutlookEvents.BUSY))
    await world.sync()
    (event,) = await world.wedsync.events()
    assert event["title"] == "Busy"
    assert (await change(world, event["id"], description="")).fields == ("description",)
    assert (await world.outlook.events())[0]["subject"] == "Dentist"


# --- cancelling -------------------------------------------------------------------------------------------------------


async def test_a_cancellation_is_made_once_though_wedsync_moves_meanwhile(world: World) -> None:
    meeting = await made(world)
    await world.outlook.requests()
    when(world, "before wedsync DELETE", lambda: world.wedsync.change(meeting.event_id, description="Mine"))
    assert await cancel(world, meeting.event_id) == (ANN.email, BEN.email)
    asked = [each.partition(" ")[0] for each in await world.outlook.requests()]
    assert asked == ["GET", "POST"]
    assert await world.wedsync.events() == []


async def test_who_is_invited_while_an_event_is_deleted_is_named_first(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    when(world, "before graph DELETE", lambda: invite(world, ANN))
    with pytest.raises(MeetingMails) as refusal:
        await cancel(world, event["id"], mail_guests=False)
    assert refusal.value.addresses == (ANN.email,)
    assert await mails(world) == []
    assert len(await world.outlook.events()) == 1


async def test_what_its_owner_deletes_in_the_same_moment_is_gone_on_both_sides(world: World) -> None:
    meeting = await made(world)
    when(world, "before graph POST", lambda: world.outlook.remove(meeting.meeting.event.event_id))
    assert await cancel(world, meeting.event_id) == ()
    assert [*await world.outlook.events(), *await world.wedsync.events()] == []


async def test_what_wedsync_has_newer_than_we_know_is_deleted_all_the_same(world: World) -> None:
    meeting = await made(world)
    await world.wedsync.change(meeting.event_id, title="Newer")
    await unnoticed(world)
    await cancel(world, meeting.event_id)
    assert await world.wedsync.events() == []


async def test_questions_about_what_is_cancelled_are_over(world: World) -> None:
    meeting = await made(world)
    await world.wedsync.change(meeting.event_id, title="Mine")
    await world.settle()
    (row,) = await world.open_conflicts()
    await cancel(world, meeting.event_id)
    kept = await world.ports.conflicts.get(world.integration_id, row.conflict_id)
    assert kept is not None
    assert kept.closed_at is not None


async def test_both_deletions_are_in_the_history(world: World) -> None:
    meeting = await made(world)
    (mapping,) = await world.mappings()
    await cancel(world, meeting.event_id)
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    assert {row.side for row in rows if row.kind is ChangeKind.DELETED} == set(Side)


async def test_a_travel_block_goes_with_its_event_though_no_notice_told_of_it(world: World) -> None:
    event = await world.wedsync.add("Visit", travelMinutes=45)
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await world.sync()
    assert len(await world.outlook.events()) == 2
    block = next(each for each in await world.mappings() if each.role.value == "travel")
    for act in (partial(change, title="Mine"), cancel):
        with pytest.raises(StateConflict) as refusal:
            await act(world, block.mapping_id)
        assert refusal.value.code == "travel_block"
    await cancel(world, event["id"])
    await unnoticed(world)
    await world.settle()
    assert await world.outlook.events() == []


# --- not there --------------------------------------------------------------------------------------------------------


async def test_what_was_deleted_in_wedsync_and_stays_in_outlook_is_no_meeting_here(world: World) -> None:
    await world.outlook.add("Dentist")
    await world.connect()
    (event,) = await world.wedsync.events()
    await world.wedsync.remove(event["id"])
    await world.settle()
    (mapping,) = await world.mappings()
    assert mapping.state is MappingState.HIDDEN
    for act in (partial(change, title="Mine"), cancel):
        with pytest.raises(NotFound):
            await act(world, mapping.mapping_id)
    assert [item["subject"] for item in await world.outlook.events()] == ["Dentist"]


async def test_a_copy_on_its_way_to_another_calendar_is_left_alone(world: World) -> None:
    meeting = await made(world)
    (stored,) = [stored async for stored in world.ports.mappings.all(world.integration_id)]
    moving = replace(stored.value, moved_from="earlier")
    await world.ports.mappings.save([Stored(value=moving, tag=stored.tag)])
    for act in (partial(change, title="Mine"), cancel):
        with pytest.raises(Unavailable):
            await act(world, meeting.event_id)
    assert [item["subject"] for item in await world.outlook.events()] == ["Menu tasting"]
    await world.outlook.remove(meeting.meeting.event.event_id)
    finish, integration = world.app.keep_up.finish_meeting, await world.integration()
    with pytest.raises(Unavailable):  # it comes again when the copy has arrived
        await finish.run(integration, UpkeepKind.MEETING_CANCELLED, moving.mapping_id)
    assert len(await world.wedsync.events()) == 1


@pytest.mark.parametrize("looked", [False, True], ids=["cancelled", "looked at"])
async def test_a_calendar_that_does_not_answer_proves_nothing(world: World, looked: bool) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    first = await synced_calendar(world, "First")
    await world.outlook.control("DELETE", f"{world.outlook._box}/calendars/{first}")
    (mapping,) = await world.mappings()
    finish, integration = world.app.keep_up.finish_meeting, await world.integration()
    look = partial(finish.run, integration, UpkeepKind.MEETING_CANCELLED, mapping.mapping_id)
    with pytest.raises(CalendarGone):
        await (look() if looked else cancel(world, event["id"]))
    assert len(await world.wedsync.events()) == 1


# --- the look ---------------------------------------------------------------------------------------------------------


async def test_the_look_leaves_the_call_a_minute(world: World) -> None:
    meeting = await made(world)
    await change(world, meeting.event_id, title="Wine tasting")
    await cancel(world, meeting.event_id)
    now = asyncio.get_running_loop().time()
    waits = [message.due - now for message in world.queue.kept if '"meeting_' in message.text]
    assert len(waits) == 2
    assert all(50 < wait <= 60 for wait in waits)


@pytest.mark.parametrize("gone", ["outlook", "wedsync"])
async def test_what_is_gone_when_it_is_looked_at_is_for_the_sync(
    world: World, gone: str, caplog: pytest.LogCaptureFixture
) -> None:
    meeting = await made(world)
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    (mapping,) = await world.mappings()
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))
    (item,) = await world.outlook.events()
    if gone == "outlook":
        await world.outlook.remove(item["id"])
    else:
        await world.wedsync.remove(meeting.event_id)
    await unnoticed(world)
    (look,) = [message.text for message in world.queue.kept if "meeting_changed" in message.text]
    await world.run_job(look)
    assert await world.mappings() == [mapping]
    await world.settle()
    assert world.errors == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_look_at_an_event_that_was_taken_out_of_the_sync_does_nothing(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.change_integration(
        preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK), direction=Direction.TO_OUTLOOK
    )
    (item,) = await world.outlook.events()
    await world.outlook.remove(item["id"])
    await world.settle()
    mapping = await world.mapping_of(event["id"])
    assert mapping.state is MappingState.UNLINKED
    finish, integration = world.app.keep_up.finish_meeting, await world.integration()
    await finish.run(integration, UpkeepKind.MEETING_CANCELLED, mapping.mapping_id)
    assert len(await world.wedsync.events()) == 1
