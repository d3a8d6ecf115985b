"""Settings changed by their user: what is saved, what follows, and what a change does to the calendars."""

import asyncio
from datetime import timedelta

import pytest

from shared.core.event import EventType, Field, Side
from shared.core.integration import Direction, ImportOutlookEvents, OnOutlookDelete
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import IntegrationState, MappingState, RunState
from shared.errors import NotFound, StateConflict, Unprocessable
from tests.support.pair import Pair
from tests.support.settings import GUEST, change, changed
from tests.support.world import World


async def copies(world: World) -> list[str]:
    return sorted(str(item["subject"]) for item in await world.outlook.events())


# --- What is saved, and what follows --------------------------------------------------------------------------------


async def test_nobody_without_a_connection_has_settings(world: World) -> None:
    with pytest.raises(NotFound):
        await change(world, event_prefix="")


async def test_what_changes_nothing_starts_nothing(ours: Pair) -> None:
    runs = len(await ours.world.runs())
    answer = await changed(ours.world, sync_enabled=True, direction=Direction.BIDIRECTIONAL, sync_deadlines=True)

    assert (answer.full_resync, answer.sync_id, answer.schedule_changed) == (False, "", False)
    assert len(await ours.world.runs()) == runs


async def test_a_preference_that_only_later_events_heed_is_saved_alone(ours: Pair) -> None:
    runs = len(await ours.world.runs())
    answer = await changed(ours.world, on_outlook_delete=OnOutlookDelete.UNLINK, notification_minutes=(30, 60, 5))

    assert (answer.full_resync, answer.sync_id, answer.unrepresentable) == (False, "", (60, 5))
    preferences = (await ours.world.integration()).preferences
    assert (preferences.on_outlook_delete, preferences.notification_minutes) == (OnOutlookDelete.UNLINK, (30, 60, 5))
    assert len(await ours.world.runs()) == runs


async def test_two_quick_changes_are_carried_out_by_one_run_ten_seconds_after_the_last(ours: Pair) -> None:
    world, runs = ours.world, len(await ours.world.runs())
    first = await change(world, event_prefix="Ours: ")
    await world.advance(seconds=6)
    second = await change(world, sync_deadlines=False)
    at = world.clock.now()

    assert first.sync_id == second.sync_id != ""
    await world.settle()
    assert len(await world.runs()) == runs + 1
    run = (await world.runs())[0]
    assert (run.run_id, run.state, run.request.kind) == (second.sync_id, RunState.COMPLETED, RunKind.FULL)
    assert run.started_at is not None
    assert timedelta(seconds=10) <= run.started_at - at < timedelta(seconds=12)
    assert await ours.subject() == "Ours: Tasting"


async def test_changes_at_the_same_time_do_not_lose_each_other(ours: Pair) -> None:
    world, runs = ours.world, len(await ours.world.runs())
    answers = await asyncio.gather(
        change(world, event_prefix="A: "),
        change(world, sync_deadlines=False),
        change(world, on_outlook_delete=OnOutlookDelete.DELETE),
        change(world, direction=Direction.TO_OUTLOOK),
    )
    await world.settle()

    after = await world.integration()
    assert after.preferences.event_prefix == "A: "
    assert not after.preferences.sync_deadlines
    assert after.preferences.on_outlook_delete is OnOutlookDelete.DELETE
    assert after.direction is Direction.TO_OUTLOOK
    assert len({answer.sync_id for answer in answers if answer.sync_id}) == 1
    assert len(await world.runs()) == runs + 1


async def test_a_change_whose_run_is_lost_is_found_by_the_next(ours: Pair) -> None:
    world = ours.world
    await change(world, event_prefix="Later: ")
    world.queue.kept.clear()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()

    assert await ours.subject() == "Later: Tasting"
    assert not (await world.integration()).unsettled


async def test_a_change_that_dies_anywhere_is_done_or_not_begun_and_can_be_repeated(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    at, died = 0, True
    while died:
        at += 1
        prefix = f"{at}: "
        died = await world.crashes(lambda: change(world, event_prefix=prefix), at=at)  # noqa: B023
        saved = (await world.integration()).preferences.event_prefix == prefix
        assert died or saved
        await world.settle()
        if saved:
            await world.advance(minutes=16)
            await world.timers()
            await world.settle()
            item = await world.outlook.read(str((await world.mapping_of(event["id"])).outlook_id))
            assert item["subject"] == f"{prefix}Tasting", at
    assert world.errors == []
    assert at > 10


async def test_rules_are_removed_by_their_ids_and_only_known_ones(ours: Pair) -> None:
    world, rules = ours.world, ours.world.app.resolution_rules
    kept, gone = [
        await rules.add(world.integration_id, which=which, event_type=EventType.DEADLINE, use=Side.OUTLOOK)
        for which in (Field.TITLE, Field.TIME)
    ]
    with pytest.raises(Unprocessable) as refused:
        await change(world, remove_rules=(gone.rule_id, "unknown"), sync_deadlines=False)
    assert refused.value.code == "rule_not_found"
    assert (await world.integration()).preferences.sync_deadlines
    await change(world, remove_rules=(gone.rule_id,), sync_deadlines=False)
    assert await rules.list(world.integration_id) == (kept,)
    assert not (await world.integration()).preferences.sync_deadlines


# --- Paused, and without notifications ------------------------------------------------------------------------------


async def test_nothing_is_applied_while_paused_and_nothing_is_lost(ours: Pair) -> None:
    world = ours.world
    answer = await changed(world, sync_enabled=False)
    assert (answer.schedule_changed, answer.sync_id) == (True, "")
    assert (await world.integration()).state is IntegrationState.PAUSED

    await ours.there(location={"displayName": "Barn"})
    await ours.here(description="Bring samples")
    new = await world.wedsync.add("While paused")
    foreign = await world.outlook.add("Also while paused")
    await world.settle()
    await world.advance(minutes=30)
    await world.timers()
    await world.settle()
    assert (await world.wedsync.read(ours.wedsync_id))["location"]["name"] == "Mill"
    assert [each.wedsync_id for each in await world.mappings()] == [ours.wedsync_id]

    answer = await changed(world, sync_enabled=True)
    assert (answer.schedule_changed, answer.full_resync) == (True, False)
    run = await world.app.request_sync.status(world.planner.user_id, answer.sync_id)
    assert run.request.kind is RunKind.INCREMENTAL
    await world.assert_equal()
    assert (await world.wedsync.read(ours.wedsync_id))["location"]["name"] == "Barn"
    assert {new["id"], foreign["id"]} <= {
        each for item in await world.mappings() for each in (item.wedsync_id, item.outlook_id)
    }


async def test_a_run_under_way_stops_with_the_pause_and_its_rest_is_done_after_it(world: World) -> None:
    await world.connect()
    for number in range(120):
        await world.wedsync.add(f"Meeting {number}")
    await world.quiet()
    world.post.clear()
    started = await world.app.request_sync.start(
        await world.integration(), kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL
    )

    async def pause(name: str) -> None:
        if name == "after graph POST /v1.0/$batch":
            world.steps.watch = None
            await change(world, sync_enabled=False)
            await world.advance(seconds=12)  # a run looks at its row as it beats

    world.steps.watch = pause
    await world.settle()
    run = await world.app.request_sync.status(world.planner.user_id, started.run_id)
    assert run.state is RunState.CANCELLED
    assert 0 < len(await copies(world)) < 120
    await changed(world, sync_enabled=True)
    await world.assert_equal()
    assert len(await copies(world)) == 120


async def test_after_a_pause_whose_cursors_are_gone_everything_is_read(ours: Pair) -> None:
    world = ours.world
    await changed(world, sync_enabled=False)
    await ours.there(subject="WedSync: Moved on")
    await world.outlook.expire_delta()
    await world.wedsync.expire_cursors()
    await world.advance(days=8)
    await changed(world, sync_enabled=True)

    assert await ours.titles() == ("Moved on", "WedSync: Moved on")
    assert len([each for each in await world.outlook.subscriptions() if not each["expired"]]) == 1
    await world.assert_equal()


async def test_what_is_changed_during_a_pause_is_done_after_it(ours: Pair) -> None:
    world = ours.world
    await changed(world, sync_enabled=False)
    answer = await changed(world, event_prefix="New: ")
    assert (answer.full_resync, answer.sync_id) == (True, "")
    assert await ours.subject() == "WedSync: Tasting"

    answer = await changed(world, sync_enabled=True)
    assert answer.full_resync
    assert await ours.subject() == "New: Tasting"


async def test_the_timers_go_on_after_a_pause(ours: Pair) -> None:
    world = ours.world
    await changed(world, sync_enabled=False)
    await world.advance(minutes=40)
    await world.timers()
    await changed(world, sync_enabled=True)
    await world.advance(minutes=16)
    runs = len(await world.runs())
    await world.timers()
    await world.settle()
    assert len(await world.runs()) == runs + 1


async def test_a_connection_that_needs_its_user_is_not_switched_on_here(ours: Pair) -> None:
    await ours.world.change_integration(state=IntegrationState.NEEDS_RECONNECT, reason="Sign in again.")
    with pytest.raises(StateConflict) as refused:
        await change(ours.world, sync_enabled=True)
    assert (refused.value.code, refused.value.detail) == ("needs_reconnect", "Sign in again.")
    await change(ours.world, sync_enabled=False, sync_deadlines=False)
    assert (await ours.world.integration()).state is IntegrationState.NEEDS_RECONNECT


async def test_without_notifications_the_safety_sync_covers(ours: Pair) -> None:
    world = ours.world
    answer = await changed(world, webhooks=False)
    assert (answer.subscription_updated, answer.full_resync, answer.sync_id) == (True, False, "")
    assert await world.outlook.subscriptions() == []
    status = await world.app.report_status.run(world.planner.user_id)
    assert (status.subscription, status.renewal_needed) == (None, False)

    await ours.there(subject="WedSync: By the timer")
    await world.settle()
    assert (await ours.titles())[0] == "Tasting"
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()
    assert (await ours.titles())[0] == "By the timer"
    assert await world.outlook.subscriptions() == []

    answer = await changed(world, webhooks=True)
    assert answer.subscription_updated
    assert len(await world.outlook.subscriptions()) == 1
    await ours.there(subject="WedSync: At once")
    await world.settle(within=timedelta(seconds=5))
    assert (await ours.titles())[0] == "At once"


async def test_a_subscription_goes_during_a_pause_as_well(ours: Pair) -> None:
    await changed(ours.world, sync_enabled=False)
    await changed(ours.world, webhooks=False)
    assert await ours.world.outlook.subscriptions() == []


async def test_a_lost_word_about_the_subscription_is_made_up_for(ours: Pair) -> None:
    world = ours.world
    await change(world, webhooks=False)
    world.queue.kept.clear()
    await world.advance(minutes=11)
    await world.timers()
    await world.settle()
    assert await world.outlook.subscriptions() == []


# --- Types ----------------------------------------------------------------------------------------------------------


async def test_a_type_that_is_switched_off_leaves_outlook_and_comes_back(ours: Pair) -> None:
    world = ours.world
    ceremony = await world.wedsync.add("Ceremony", type="wedding_ceremony")
    await world.settle()
    answer = await changed(world, sync_client_meetings=False)

    assert (answer.full_resync, answer.copies.removed, answer.copies.left) == (True, 1, ())
    assert await copies(world) == ["WedSync: Ceremony"]
    assert not (await world.wedsync.read(ours.wedsync_id))["deleted"]
    assert (await world.mapping_of(ours.wedsync_id)).state is MappingState.UNLINKED

    answer = await changed(world, sync_client_meetings=True)
    assert (answer.full_resync, answer.copies.removed) == (True, 0)
    assert await copies(world) == ["WedSync: Ceremony", "WedSync: Tasting"]
    assert (await world.mapping_of(ours.wedsync_id)).generation == 2
    assert (await world.mapping_of(ceremony["id"])).generation == 1
    await world.assert_equal()


async def test_so_many_copies_go_at_once_as_the_user_asked_for(world: World) -> None:
    for number in range(12):
        await world.wedsync.add(f"Meeting {number}")
    await world.connect()
    answer = await changed(world, sync_client_meetings=False)

    assert answer.copies.removed == 12
    assert await copies(world) == []
    assert len([event for event in await world.wedsync.events() if not event["deleted"]]) == 12


async def test_meetings_stay_and_are_listed(ours: Pair) -> None:
    world = ours.world
    other = await world.wedsync.add("Second tasting")
    await world.settle()
    await ours.there(attendees=[GUEST])
    await world.settle()
    mails = len(await world.outlook.sent())
    answer = await changed(world, sync_client_meetings=False)

    assert answer.copies.removed == 1
    assert [(left.event_id, left.title, left.reason) for left in answer.copies.left] == [
        (ours.wedsync_id, "Tasting", "guests")
    ]
    assert await copies(world) == ["WedSync: Tasting"]
    assert (await world.mapping_of(other["id"])).state is MappingState.UNLINKED
    assert len(await world.outlook.sent()) == mails


async def test_opted_out_events_stay_out_when_their_type_comes_back(ours: Pair) -> None:
    world = ours.world
    await changed(world, on_outlook_delete=OnOutlookDelete.UNLINK)
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await changed(world, sync_client_meetings=False)
    await changed(world, sync_client_meetings=True)
    assert await copies(world) == []


# --- Prefix ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["Hochzeit: ", "", "*"])
async def test_a_new_prefix_renames_what_came_from_wedsync_and_nothing_else(world: World, prefix: str) -> None:
    await world.wedsync.add("Tasting")
    meeting = await world.wedsync.add("Meeting")
    bare = await world.wedsync.add("Bare")
    await world.outlook.add("Dentist")
    await world.connect()
    meeting_id, bare_id = [str((await world.mapping_of(each["id"])).outlook_id) for each in (meeting, bare)]
    await world.outlook.change(meeting_id, attendees=[GUEST])
    await world.outlook.change(bare_id, subject="Bare")
    await world.settle()
    mails = len(await world.outlook.sent())

    answer = await changed(world, event_prefix=prefix)
    assert answer.full_resync
    assert await copies(world) == sorted([f"{prefix}Tasting", "WedSync: Meeting", "Bare", "Dentist"])
    titles = sorted(event["title"] for event in await world.wedsync.events())
    assert titles == ["Bare", "Dentist", "Meeting", "Tasting"]
    assert len(await world.outlook.sent()) == mails
    await world.wedsync.add("Later")
    await world.settle()
    assert f"{prefix}Later" in await copies(world)


# --- Imports --------------------------------------------------------------------------------------------------------


async def test_busy_hides_what_was_imported_and_full_shows_it_again(theirs: Pair) -> None:
    world = theirs.world
    answer = await changed(world, import_outlook_events=ImportOutlookEvents.BUSY)
    assert answer.full_resync
    assert await theirs.titles() == ("Busy", "Dentist")

    answer = await changed(world, import_outlook_events=ImportOutlookEvents.FULL)
    assert answer.full_resync
    assert await theirs.titles() == ("Dentist", "Dentist")
    await world.assert_equal()


async def test_none_keeps_what_was_imported_and_imports_nothing_more(theirs: Pair) -> None:
    world = theirs.world
    answer = await changed(world, import_outlook_events=ImportOutlookEvents.NONE)
    assert (answer.full_resync, answer.sync_id) == (False, "")
    await world.outlook.add("Not for WedSync")
    await theirs.there(subject="Dentist at ten")
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist at ten"]

    answer = await changed(world, import_outlook_events=ImportOutlookEvents.FULL)
    assert answer.full_resync
    await world.assert_equal()
    assert len(await world.wedsync.events()) == 2


async def test_what_was_hidden_stays_hidden_when_imports_end(theirs: Pair) -> None:
    world = theirs.world
    await changed(world, import_outlook_events=ImportOutlookEvents.BUSY)
    await changed(world, import_outlook_events=ImportOutlookEvents.NONE)
    await theirs.there(location={"displayName": "Clinic"})
    await world.sync()
    assert (await theirs.titles())[0] == "Busy"
    assert (await world.wedsync.read(theirs.wedsync_id))["location"]["name"] == ""


# --- Reminders and privacy ------------------------------------------------------------------------------------------


async def test_reminders_are_those_of_the_settings_when_a_copy_is_made(ours: Pair) -> None:
    world = ours.world
    await changed(world, notification_minutes=(45, 5))
    new = await world.wedsync.add("Fitting")
    await world.settle()
    made = await world.outlook.read(str((await world.mapping_of(new["id"])).outlook_id))
    assert (made["isReminderOn"], made["reminderMinutesBeforeStart"]) == (True, 45)
    assert (await world.outlook.read(ours.outlook_id))["reminderMinutesBeforeStart"] == 15

    await changed(world, notification_minutes=())
    silent = await world.wedsync.add("Silent")
    await world.settle()
    made = await world.outlook.read(str((await world.mapping_of(silent["id"])).outlook_id))
    assert made["isReminderOn"] is False


# --- Direction ------------------------------------------------------------------------------------------------------


async def test_narrowing_the_direction_is_plain(ours: Pair) -> None:
    world = ours.world
    answer = await changed(world, direction=Direction.TO_OUTLOOK)
    assert (answer.full_resync, answer.sync_id) == (False, "")
    await ours.there(subject="WedSync: Not carried")
    await world.outlook.add("Not imported")
    await world.settle()
    assert (await world.wedsync.read(ours.wedsync_id))["title"] == "Tasting"
    assert len(await world.wedsync.events()) == 1
    assert "title" in {each.value for each in (await world.mapping_of(ours.wedsync_id)).drifted}


async def test_widening_the_direction_makes_drift_a_conflict_and_imports(ours: Pair) -> None:
    world = ours.world
    await changed(world, direction=Direction.TO_OUTLOOK)
    await ours.there(subject="WedSync: Theirs")
    await world.outlook.add("New in Outlook")
    await world.settle()
    answer = await changed(world, direction=Direction.BIDIRECTIONAL)

    assert answer.full_resync
    (conflict,) = await world.open_conflicts()
    assert conflict.wedsync is not None
    assert conflict.outlook is not None
    assert (conflict.wedsync.title, conflict.outlook.title) == ("Tasting", "Theirs")
    assert sorted(event["title"] for event in await world.wedsync.events()) == ["New in Outlook", "Tasting"]
    assert await world.differences() == []


async def test_the_active_sides_next_change_of_a_drifted_field_wins(ours: Pair) -> None:
    world = ours.world
    await changed(world, direction=Direction.TO_OUTLOOK)
    await ours.there(subject="WedSync: Theirs")
    await world.settle()
    await ours.here(title="Ours again")
    await world.settle()
    assert await ours.titles() == ("Ours again", "WedSync: Ours again")
    answer = await changed(world, direction=Direction.BIDIRECTIONAL)
    assert answer.full_resync
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_turning_the_direction_round_is_a_widening(ours: Pair) -> None:
    await changed(ours.world, direction=Direction.TO_OUTLOOK)
    await ours.world.outlook.add("New in Outlook")
    await ours.world.settle()
    answer = await changed(ours.world, direction=Direction.FROM_OUTLOOK)
    assert answer.full_resync
    assert len(await ours.world.wedsync.events()) == 2
