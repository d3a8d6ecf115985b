"""Deletions and moves away: what needs proof, what is asked, what follows by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.event import Side
from shared.core.integration import OnOutlookDelete, Preferences
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.states import IntegrationState, MappingState
from shared.usecases.resolve_conflict import Choice
from tests.support.pair import Pair
from tests.support.world import World


async def test_ours_deleted_in_wedsync_goes_in_outlook(world: World, ours: Pair) -> None:
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()

    assert await world.outlook.events() == []
    assert await world.mappings() == []


async def test_ours_deleted_in_outlook_asks(world: World, ours: Pair) -> None:
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await world.sync()

    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, Side.OUTLOOK)
    assert len(await world.wedsync.events()) == 1
    assert await world.outlook.events() == [], "not recreated in silence"


@pytest.mark.parametrize(
    ("wish", "left", "state"),
    [(OnOutlookDelete.DELETE, 0, []), (OnOutlookDelete.UNLINK, 1, [MappingState.UNLINKED])],
)
async def test_ours_deleted_in_outlook_as_the_user_prefers(
    world: World, ours: Pair, wish: OnOutlookDelete, left: int, state: list[MappingState]
) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=wish))
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await world.sync()

    assert len(await world.wedsync.events()) == left
    assert [mapping.state for mapping in await world.mappings()] == state
    assert await world.outlook.events() == []


async def test_theirs_deleted_in_outlook_goes_in_wedsync(world: World, theirs: Pair) -> None:
    await world.outlook.remove(theirs.outlook_id)
    await world.settle()

    assert await world.wedsync.events() == []
    assert await world.mappings() == []


async def test_theirs_deleted_in_wedsync_stays_in_outlook_and_is_not_imported_again(world: World, theirs: Pair) -> None:
    await world.wedsync.remove(theirs.wedsync_id)
    await world.settle()
    await world.outlook.change(theirs.outlook_id, subject="Dentist, moved")
    await world.settle()
    await world.sync()

    assert [item["subject"] for item in await world.outlook.events()] == ["Dentist, moved"]
    assert await world.wedsync.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]


async def test_edited_here_and_deleted_there_is_a_conflict(world: World, theirs: Pair) -> None:
    await theirs.here(title="Dentist, important")
    await world.outlook.remove(theirs.outlook_id)
    world.post.reverse()
    await world.settle()

    (conflict,) = await world.open_conflicts()
    assert conflict.field is None
    assert len(await world.wedsync.events()) == 1


async def test_deleted_here_and_edited_there_is_a_conflict(world: World, ours: Pair) -> None:
    await ours.there(subject="WedSync: Tasting at Mill")
    await world.wedsync.remove(ours.wedsync_id)
    world.post.reverse()
    await world.settle()

    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, Side.WEDSYNC)
    assert len(await world.outlook.events()) == 1


async def test_gone_on_both_sides_ends_the_pair(world: World, ours: Pair) -> None:
    await world.wedsync.remove(ours.wedsync_id)
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await world.sync()

    assert await world.mappings() == []
    assert await world.open_conflicts() == ()


async def test_a_missing_event_proves_nothing_while_the_mailbox_does_not_answer(world: World, theirs: Pair) -> None:
    await world.outlook.remove(theirs.outlook_id)
    await world.outlook.knobs(mailboxNotEnabled=world.planner.account.upn)
    await world.settle()

    integration = await world.integration()
    assert integration.state is IntegrationState.NEEDS_RECONNECT
    assert integration.reason
    assert len(await world.wedsync.events()) == 1


async def test_a_deleted_calendar_stops_the_connection_and_deletes_nothing(world: World, theirs: Pair) -> None:
    default = world.graph.store.mailboxes[world.planner.account.upn].default_calendar
    await world.outlook.remove(theirs.outlook_id)
    default.immutable_id = default.immutable_id[:-6] + "gone9="  # as if another calendar had taken its place
    await world.settle()

    integration = await world.integration()
    assert (integration.state, bool(integration.reason)) == (IntegrationState.NEEDS_RECONNECT, True)
    assert len(await world.wedsync.events()) == 1


async def test_ours_moved_to_another_calendar_asks(world: World, ours: Pair) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    await world.sync()

    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK
    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 1


async def test_theirs_moved_to_another_calendar_asks_and_may_come_back(world: World, theirs: Pair) -> None:
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    assert len(await world.open_conflicts()) == 1
    assert len(await world.wedsync.events()) == 1

    await world.outlook.move(theirs.outlook_id, "Calendar")
    await world.settle()
    assert await world.open_conflicts() == ()
    await world.assert_equal()


# --- What stays while it exists -----------------------------------------------------------------------------------


async def test_ours_moved_away_and_deleted_in_wedsync_is_not_imported_when_it_comes_back(
    world: World, ours: Pair
) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]
    assert await world.open_conflicts() == ()
    assert len(await world.outlook.events()) == 1, "what the user keeps in another calendar is the user's"

    await world.outlook.move(ours.outlook_id, "Calendar")
    await world.settle()
    await world.sync()
    assert await world.wedsync.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]

    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await world.sync()
    assert await world.mappings() == []


async def test_theirs_moved_away_and_deleted_in_wedsync_is_not_imported_when_it_comes_back(
    world: World, theirs: Pair
) -> None:
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    await world.wedsync.remove(theirs.wedsync_id)
    await world.settle()
    await world.outlook.move(theirs.outlook_id, "Calendar")
    await world.settle()
    await world.sync()

    assert await world.wedsync.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]


async def test_ours_moved_away_where_that_deletes_it_in_wedsync_is_known_when_it_comes_back(
    world: World, ours: Pair
) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    assert await world.wedsync.events() == []
    await world.outlook.move(ours.outlook_id, "Calendar")
    await world.settle()
    await world.sync()

    assert await world.wedsync.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]


async def test_ours_moved_away_whose_deletion_the_user_wants_is_known_when_it_comes_back(
    world: World, ours: Pair
) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    (conflict,) = await world.open_conflicts()
    choice = Choice(field="event", use="outlook", conflict_id=conflict.conflict_id)
    await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice], set_as_default=False)
    await world.settle()
    assert await world.wedsync.events() == []
    await world.outlook.move(ours.outlook_id, "Calendar")
    await world.settle()
    await world.sync()

    assert await world.wedsync.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.HIDDEN]


async def test_an_opted_out_copy_that_was_moved_away_keeps_its_mapping(world: World, ours: Pair) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK))
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.UNLINKED]
    await world.outlook.move(ours.outlook_id, "Calendar")
    await world.settle()
    await world.sync()
    assert await world.wedsync.events() == []


async def test_a_move_that_only_a_412_tells_of_is_not_written_over(world: World, ours: Pair) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.quiet()
    world.post.clear()
    await ours.here(title="Tasting at noon")
    await world.settle()

    assert (await world.outlook.read(ours.outlook_id))["subject"] == "WedSync: Tasting"
    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK


# --- Opt-outs and types --------------------------------------------------------------------------------------------


async def test_an_opt_out_survives_its_type_being_switched_off_and_on(world: World, ours: Pair) -> None:
    wish = Preferences(on_outlook_delete=OnOutlookDelete.UNLINK)
    await world.change_integration(preferences=wish)
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    for on in (False, True):
        await world.change_integration(preferences=replace(wish, sync_client_meetings=on))
        await world.sync()

    assert await world.outlook.events() == []
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.UNLINKED]


async def test_an_opt_out_after_its_type_was_off_and_on_is_one(world: World, ours: Pair) -> None:
    wish = Preferences(on_outlook_delete=OnOutlookDelete.UNLINK)
    for on in (False, True):
        await world.change_integration(preferences=replace(wish, sync_client_meetings=on))
        await world.sync()
    (copy,) = await world.outlook.events()
    await world.outlook.remove(copy["id"])
    await world.settle()
    await world.sync()

    assert await world.outlook.events() == [], "it is not made again in silence"
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.UNLINKED]


async def test_what_lies_outside_the_window_is_not_absent(world: World, theirs: Pair) -> None:
    far = {"dateTime": "2035-08-04T14:00:00", "timeZone": "UTC"}, {"dateTime": "2035-08-04T15:00:00", "timeZone": "UTC"}
    await theirs.there(start=far[0], end=far[1])
    await world.settle()
    await world.sync()
    await world.sync()

    assert len(await world.wedsync.events()) == 1
    assert await world.open_conflicts() == ()


async def test_a_reading_that_breaks_off_makes_nothing_absent(world: World, theirs: Pair) -> None:
    await world.outlook.remove(theirs.outlook_id)
    await world.wedsync.add("New")
    await world.quiet()
    world.post.clear()
    await world.outlook.fault(action="status", path="calendarView/delta", status=503)
    await world.app.request_sync.by_user(
        world.planner.user_id, RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
    )
    await world.settle(within=timedelta(minutes=3))

    assert len(await world.wedsync.events()) == 2
    await world.outlook.clear_faults()
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["New"]
