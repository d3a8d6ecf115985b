"""Another calendar: what moves, what stays, and that nothing is lost, doubled or mailed whenever the process dies."""

import pytest

from shared.core.event import Field, Side
from shared.core.integration import Direction, OnOutlookDelete
from shared.core.jobs import EventJob, Glance, RunPurpose
from shared.core.states import IntegrationState, RunState
from shared.errors import Unprocessable
from shared.usecases.list_events import EventFilter
from tests.support.pair import Pair
from tests.support.settings import GUEST, PREFIX, assert_moved, change, changed, drop_calendar, inside, move
from tests.support.world import World

# --- What moves -----------------------------------------------------------------------------------------------------


async def test_copies_move_and_the_calendars_own_events_stay(world: World) -> None:
    first = await world.wedsync.add("Tasting", description="Samples", location={"name": "Mill", "address": ""})
    await world.wedsync.add("All day", allDay=True, start="2026-08-05T00:00:00", end="2026-08-06T00:00:00")
    foreign = await world.outlook.add("Dentist")
    await world.connect()
    before = await world.mapping_of(first["id"])
    answer = await move(world)

    assert (answer.full_resync, answer.subscription_updated) == (True, True)
    assert (answer.copies.moved, answer.copies.removed, answer.copies.left) == (2, 0, ())
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert (run.request.purpose, run.state) == (RunPurpose.MOVE_CALENDAR, RunState.COMPLETED)
    assert (run.tally.created, run.tally.deleted, run.tally.noted) == (2, 2, 1)
    await assert_moved(world)
    assert await inside(world, "Calendar") == ["Dentist"]
    after = await world.mapping_of(first["id"])
    assert (after.mapping_id, after.generation) == (before.mapping_id, 2)
    assert after.outlook_id != before.outlook_id
    titles = sorted(event["title"] for event in await world.wedsync.events() if not event["deleted"])
    assert titles == ["All day", "Dentist", "Tasting"]
    assert foreign["id"] not in {mapping.outlook_id for mapping in await world.mappings()}


async def test_the_new_calendar_is_synced_and_the_earlier_one_is_not(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    foreign = await world.outlook.add("Dentist")
    theirs = await world.outlook.add("Pilates")
    await world.outlook.move(theirs["id"])
    await world.connect()
    await move(world)
    titles = sorted(each["title"] for each in await world.wedsync.events())
    assert titles == ["Dentist", "Pilates", "Tasting"]

    copy = str((await world.mapping_of(event["id"])).outlook_id)
    await world.outlook.change(copy, subject=f"{PREFIX}Cake tasting")
    await world.outlook.change(theirs["id"], subject="Yoga")
    await world.outlook.change(foreign["id"], subject="Dentist at ten")
    await world.outlook.add("New in the earlier one")
    await world.settle()
    await world.sync()
    titles = sorted(each["title"] for each in await world.wedsync.events())
    assert titles == ["Cake tasting", "Dentist", "Yoga"]


async def test_back_again_joins_what_was_left(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.outlook.add("Dentist")
    await world.connect()
    await move(world)
    await move(world, "Calendar")

    await world.assert_equal()
    assert len(await world.wedsync.events()) == 2
    assert await inside(world, "Calendar") == ["Dentist", f"{PREFIX}Tasting"]
    assert await inside(world, "Private") == []


async def test_a_late_notice_of_the_earlier_calendar_imports_nothing(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await move(world)
    late = await world.outlook.add("Written when the notice was on its way")
    await world.settle()
    look = EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=(Glance(event_id=late["id"]),))
    await world.queue.put(look)
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Tasting"]
    await assert_moved(world)


async def test_meetings_stay_where_they_are_and_nobody_is_mailed(ours: Pair) -> None:
    world = ours.world
    other = await world.wedsync.add("Second")
    await world.settle()
    await ours.there(attendees=[GUEST])
    await world.settle()
    mails = len(await world.outlook.sent())
    answer = await move(world)

    assert [(left.event_id, left.reason) for left in answer.copies.left] == [(ours.wedsync_id, "guests")]
    assert answer.copies.moved == 1
    assert await inside(world, "Calendar") == ["WedSync: Tasting"]
    assert await inside(world, "Private") == ["WedSync: Second"]
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert "copies_left=1" in run.outcome
    await world.sync()
    assert len(await world.outlook.sent()) == mails
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id
    assert {each.field for each in await world.open_conflicts()} == {Field.ATTENDEES}

    listed = await world.app.list_events.run(world.planner.user_id, EventFilter(), page=1, page_size=10)
    assert [event.mapping.wedsync_id for event in listed.events if event.elsewhere] == [ours.wedsync_id]

    await ours.here(title="Tasting at ten")
    await world.settle()
    assert {each.field for each in await world.open_conflicts()} == {Field.ATTENDEES, Field.TITLE}
    assert len(await world.outlook.sent()) == mails
    assert (await world.mapping_of(other["id"])).moved_from is None


async def test_edits_that_were_not_carried_yet_are_found_in_the_new_calendar(ours: Pair) -> None:
    world = ours.world
    await change(world, sync_enabled=False)
    await ours.there(subject=f"{PREFIX}Theirs", location={"displayName": "Barn"})
    await ours.here(description="Ours")
    await move(world, settle=False)
    await changed(world, sync_enabled=True)

    await assert_moved(world)
    event = await world.wedsync.read(ours.wedsync_id)
    assert (event["title"], event["location"]["name"], event["description"]) == ("Theirs", "Barn", "Ours")


async def test_open_conflicts_and_their_values_move_along(ours: Pair) -> None:
    world = ours.world
    await change(world, sync_enabled=False)
    await ours.there(subject=f"{PREFIX}Theirs")
    await ours.here(title="Ours")
    await changed(world, sync_enabled=True)
    (before,) = await world.open_conflicts()
    await move(world)

    (after,) = await world.open_conflicts()
    assert after.conflict_id == before.conflict_id
    assert await inside(world, "Private") == [f"{PREFIX}Theirs"]
    assert (await world.wedsync.read(ours.wedsync_id))["title"] == "Ours"


async def test_a_prefix_that_the_user_took_off_stays_off(ours: Pair) -> None:
    await ours.there(subject="Bare")
    await ours.world.settle()
    await move(ours.world)
    assert await inside(ours.world, "Private") == ["Bare"]
    assert (await ours.world.wedsync.read(ours.wedsync_id))["title"] == "Bare"


async def test_what_its_owner_made_of_a_copy_goes_along(ours: Pair) -> None:
    own = {"showAs": "free", "categories": ["Flowers", "Paid"], "isReminderOn": True, "reminderMinutesBeforeStart": 90}
    await ours.there(**own, sensitivity="private")
    await ours.world.settle()
    await move(ours.world)
    (copy,) = await ours.world.outlook.events()
    assert {name: copy[name] for name in own} == own
    assert copy["sensitivity"] == "private"


async def test_a_copy_without_a_reminder_gets_none(ours: Pair) -> None:
    await ours.there(isReminderOn=False)
    await ours.world.settle()
    await move(ours.world)
    assert (await ours.world.outlook.events())[0]["isReminderOn"] is False


async def test_a_copy_with_a_link_to_join_stays_where_the_link_is(ours: Pair) -> None:
    await ours.there(isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness")
    await ours.world.settle()
    await move(ours.world)
    assert await inside(ours.world, "Calendar") == [f"{PREFIX}Tasting"]
    assert await inside(ours.world, "Private") == []
    await ours.here(title="Tasting at ten")
    await ours.world.settle()
    assert await inside(ours.world, "Calendar") == [f"{PREFIX}Tasting at ten"]


async def test_what_was_opted_out_or_hidden_stays_so(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    foreign = await world.outlook.add("Dentist")
    await world.connect()
    await changed(world, on_outlook_delete=OnOutlookDelete.UNLINK)
    await world.outlook.remove(str((await world.mapping_of(event["id"])).outlook_id))
    await world.wedsync.remove(next(each["id"] for each in await world.wedsync.events() if each["title"] == "Dentist"))
    await world.settle()
    await move(world)
    assert await inside(world, "Private") == []
    await move(world, "Calendar")
    assert [item["id"] for item in await world.outlook.events()] == [foreign["id"]]
    assert [each["title"] for each in await world.wedsync.events() if not each["deleted"]] == ["Tasting"]


async def test_a_copy_that_its_owner_moved_there_already_is_taken_as_it_is(ours: Pair) -> None:
    world = ours.world
    await change(world, sync_enabled=False)
    await world.outlook.move(ours.outlook_id, "Private")
    await move(world, settle=False)
    await changed(world, sync_enabled=True)
    await assert_moved(world)
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id


async def test_a_copy_that_its_owner_deleted_is_asked_about(ours: Pair) -> None:
    world = ours.world
    await change(world, sync_enabled=False)
    await world.outlook.remove(ours.outlook_id)
    await move(world, settle=False)
    await changed(world, sync_enabled=True)
    (conflict,) = await world.open_conflicts()
    assert conflict.field is None
    assert not (await world.wedsync.read(ours.wedsync_id))["deleted"]


async def test_an_edit_between_copying_and_removing_goes_along(ours: Pair) -> None:
    world = ours.world
    await move(world, settle=False)

    async def edit(name: str) -> None:
        if name == "after graph POST /v1.0/$batch":
            world.steps.watch = None
            await ours.there(subject=f"{PREFIX}In between")

    world.steps.watch = edit
    await assert_moved(world)
    assert (await world.wedsync.read(ours.wedsync_id))["title"] == "In between"


async def test_guests_invited_between_copying_and_removing_keep_the_event(ours: Pair) -> None:
    world = ours.world
    await move(world, settle=False)

    async def invite(name: str) -> None:
        if name == "after graph POST /v1.0/$batch":
            world.steps.watch = None
            await ours.there(attendees=[GUEST])

    world.steps.watch = invite
    await world.settle()
    mails = len(await world.outlook.sent())
    assert await inside(world, "Calendar") == [f"{PREFIX}Tasting"]
    assert await inside(world, "Private") == []
    mapping = await world.mapping_of(ours.wedsync_id)
    assert (mapping.outlook_id, mapping.moved_from) == (ours.outlook_id, None)
    await world.sync()
    assert len(await world.outlook.sent()) == mails
    assert world.errors == []


async def test_work_during_the_move_is_not_lost(world: World) -> None:
    """A new event, an edit and a deletion in WedSync come in while copies are on their way."""
    kept, edited, deleted = [await world.wedsync.add(title) for title in ("Kept", "Edited", "Deleted")]
    await world.connect()
    await move(world, settle=False)

    async def work(name: str) -> None:
        if name == "after graph POST /v1.0/$batch":
            world.steps.watch = None
            await world.wedsync.add("New")
            await world.wedsync.change(edited["id"], title="Edited anew")
            await world.wedsync.remove(deleted["id"])
            texts = [message.text for message in world.queue.kept if message.queue == "outlook-event-jobs"]
            while world.post:
                await world.deliver(world.post[0])
            await world.run_at_once(texts)

    world.steps.watch = work
    await assert_moved(world)
    assert await inside(world, "Private") == [f"{PREFIX}{title}" for title in ("Edited anew", "Kept", "New")]
    assert kept["id"] in {mapping.wedsync_id for mapping in await world.mappings()}


async def test_many_copies_move_in_batches(world: World) -> None:
    for number in range(45):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    await world.outlook.requests()
    await move(world)
    asked = await world.outlook.requests()
    await assert_moved(world)
    assert asked.count("POST /v1.0/$batch") == 6  # three of creates and three of deletes
    assert not [each for each in asked if each.startswith(("PATCH", "DELETE /v1.0/me/events"))]


# --- Where to -------------------------------------------------------------------------------------------------------


async def test_a_calendar_that_is_not_there_or_cannot_be_edited_is_refused(ours: Pair) -> None:
    with pytest.raises(Unprocessable) as refused:
        await change(ours.world, calendar_id="AAMkAGNoSuchCalendar=")
    assert refused.value.code == "calendar_not_found"
    assert not (await ours.world.integration()).moves


async def test_a_calendar_that_is_deleted_before_the_move_is_given_up(ours: Pair) -> None:
    world = ours.world
    answer = await move(world, settle=False)
    await drop_calendar(world, "Private")
    await world.settle()

    integration = await world.integration()
    assert (integration.moves, integration.state) == (False, IntegrationState.CONNECTED)
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert "calendar_not_found" in run.outcome
    await world.assert_equal()


async def test_a_change_of_mind_moves_nothing_or_everything_back(ours: Pair) -> None:
    world = ours.world
    await move(world, settle=False)
    await move(world, "Calendar")
    await world.assert_equal()
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id

    await move(world, settle=False)
    await world.kill_after("graph POST /v1.0/$batch")
    await move(world, "Calendar")
    await world.settle()
    await world.assert_equal()
    assert await inside(world, "Private") == []


async def test_the_direction_does_not_keep_copies_where_they_are(ours: Pair) -> None:
    await changed(ours.world, direction=Direction.FROM_OUTLOOK)
    await move(ours.world)
    await assert_moved(ours.world)


async def test_a_lost_move_is_taken_up_by_the_next_run(ours: Pair) -> None:
    await move(ours.world, settle=False)
    ours.world.queue.kept.clear()
    await ours.world.advance(minutes=16)
    await ours.world.timers()
    await assert_moved(ours.world)
