"""A run that turned out to be wrong is undone: where nobody worked on it since, and with nothing done behind a back."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from shared.core.event import Field
from shared.core.history import ChangeKind, Suggestion
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind, RunPurpose
from shared.core.states import MappingState, RunState
from shared.errors import NotFound, StateConflict
from shared.usecases.choices import Choice
from shared.usecases.undo_run import KeptEvent, Undone
from tests.support.pair import Pair
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}


async def newest(world: World) -> str:
    """The id of the run that was recorded last."""
    return (await world.ports.runs.history(world.integration_id, 1))[0].value.run_id


async def run_of(world: World, act: Callable[[], Awaitable[object]]) -> str:
    """Let the post lie, do it, and let a run find it; return the run's id."""
    await act()
    await world.quiet()
    world.post.clear()
    await world.advance(seconds=1)
    return (await world.sync(RunKind.INCREMENTAL)).run_id


async def ask(world: World, run_id: str, *, user_id: str = "") -> Undone:
    """Do what the endpoint does."""
    app = world.app
    return await app.undo_sync.run(user_id or world.planner.user_id, run_id, carry_on=app.sync_run.run)


async def undo(world: World, run_id: str) -> Undone:
    await world.advance(seconds=1)
    undone = await ask(world, run_id)
    await world.settle()
    return undone


async def nothing_moves(world: World) -> None:
    """Whatever comes next, nothing is done again: the difference waits for a person."""
    before = await world.wedsync.events(), await world.outlook.events(), await world.open_conflicts()
    for kind in (RunKind.INCREMENTAL, RunKind.FULL):
        await world.sync(kind)
    assert (await world.wedsync.events(), await world.outlook.events(), await world.open_conflicts()) == before
    assert await world.outlook.sent() == []


# --- Fields -----------------------------------------------------------------------------------------------------


async def test_a_title_that_was_carried_goes_back_and_is_a_question_from_then_on(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting"))
    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")

    undone = await undo(world, run_id)

    assert (undone.run.state, undone.undone, undone.kept) == (RunState.COMPLETED, 1, ())
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")
    (conflict,) = await world.open_conflicts()
    assert conflict.field is Field.TITLE
    assert conflict.suggestion is Suggestion.USE_OUTLOOK
    assert conflict.wedsync is not None
    assert conflict.outlook is not None
    assert (conflict.wedsync.title, conflict.outlook.title) == ("Cake tasting", "Tasting")
    assert "undone" in conflict.reason
    assert (await world.mapping_of(ours.wedsync_id)).held == {Field.TITLE}
    await nothing_moves(world)


async def test_it_goes_back_in_wedsync_too(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: ours.there(subject="WedSync: Wine tasting", location={"displayName": "Barn"}))

    undone = await undo(world, run_id)

    assert undone.undone == 1
    event = await world.wedsync.read(ours.wedsync_id)
    assert (event["title"], event["location"]["name"]) == ("Tasting", "Mill")
    assert {conflict.field for conflict in await world.open_conflicts()} == {Field.TITLE, Field.LOCATION}
    assert {conflict.suggestion for conflict in await world.open_conflicts()} == {Suggestion.USE_WEDSYNC}
    await nothing_moves(world)


@pytest.mark.parametrize(("use", "title"), [("wedsync", "Cake tasting"), ("outlook", "Tasting")])
async def test_the_question_is_answered_either_way(world: World, ours: Pair, use: str, title: str) -> None:
    await undo(world, await run_of(world, lambda: ours.here(title="Cake tasting")))

    choice = Choice(field="title", use=use)
    await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice], set_as_default=False)
    await world.settle()

    assert await ours.titles() == (title, f"WedSync: {title}")
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_a_new_edit_flows_again(world: World, ours: Pair) -> None:
    await undo(world, await run_of(world, lambda: ours.here(title="Cake tasting")))
    await ours.here(title="Wine tasting")
    await world.settle()

    assert await ours.titles() == ("Wine tasting", "WedSync: Wine tasting")
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_other_fields_go_on_syncing(world: World, ours: Pair) -> None:
    await undo(world, await run_of(world, lambda: ours.here(title="Cake tasting")))
    await ours.here(location={"name": "Barn", "address": ""})
    await world.settle()

    assert (await world.outlook.read(ours.outlook_id))["location"]["displayName"] == "Barn"
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")


@pytest.mark.parametrize("settled", [True, False])
async def test_what_was_changed_since_stays(world: World, ours: Pair, settled: bool) -> None:
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting", description="Lots"))
    await ours.there(subject="WedSync: Wine tasting")
    await world.quiet()
    if settled:
        await world.settle()
    else:
        world.post.clear()

    undone = await undo(world, run_id)

    assert undone.kept == (KeptEvent(event_id=ours.wedsync_id, reason="changed_since"),)
    assert undone.undone == 1, "the description is back"
    assert await ours.subject() == "WedSync: Wine tasting"
    assert {conflict.field for conflict in await world.open_conflicts()} == {Field.DESCRIPTION}
    await world.sync()
    assert await ours.titles() == ("Wine tasting", "WedSync: Wine tasting")


async def test_who_gave_the_former_value_again_is_not_asked_about_it(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting"))
    await ours.there(subject="WedSync: Tasting")

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (0, (KeptEvent(event_id=ours.wedsync_id, reason="changed_since"),))
    assert await ours.titles() == ("Tasting", "WedSync: Tasting")
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_a_meeting_stays_and_is_listed(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting"))
    await ours.there(attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (0, (KeptEvent(event_id=ours.wedsync_id, reason="guests"),))
    assert await ours.subject() == "WedSync: Cake tasting"
    assert await world.outlook.sent() == []


async def test_one_way_nothing_is_done_again_either(world: World, ours: Pair) -> None:
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await undo(world, await run_of(world, lambda: ours.here(title="Cake tasting")))

    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")
    await nothing_moves(world)


async def test_a_choice_of_a_third_value_goes_back_to_the_two(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Wine tasting")
    await world.settle()
    choice = Choice(field="title", use="custom", custom="Tea tasting")
    await world.advance(seconds=1)
    await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice], set_as_default=False)
    run_id = await newest(world)
    await world.settle()
    assert await ours.titles() == ("Tea tasting", "WedSync: Tea tasting")

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (1, ())
    assert await ours.titles() == ("Cake tasting", "WedSync: Wine tasting")
    (conflict,) = await world.open_conflicts()
    assert conflict.wedsync is not None
    assert conflict.outlook is not None
    assert (conflict.wedsync.title, conflict.outlook.title) == ("Cake tasting", "Wine tasting")
    await nothing_moves(world)


# --- Events -----------------------------------------------------------------------------------------------------


async def test_a_copy_that_was_made_is_taken_away_and_not_made_again(world: World) -> None:
    await world.connect()
    run_id = await run_of(world, world.wedsync.add)
    assert len(await world.outlook.events()) == 1

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (1, ())
    assert await world.outlook.events() == []
    assert len(await world.wedsync.events()) == 1
    (mapping,) = await world.mappings()
    assert mapping.state is MappingState.UNLINKED
    await nothing_moves(world)


async def test_an_import_is_taken_away_and_not_imported_again(world: World) -> None:
    await world.connect()
    run_id = await run_of(world, world.outlook.add)

    undone = await undo(world, run_id)

    assert undone.undone == 1
    assert await world.wedsync.events() == []
    assert len(await world.outlook.events()) == 1
    (mapping,) = await world.mappings()
    assert mapping.state is MappingState.HIDDEN
    await nothing_moves(world)


async def test_the_first_run_is_undone_but_for_what_was_worked_on(world: World) -> None:
    mine = await world.wedsync.add("Tasting")
    await world.wedsync.add("Fitting", start="2026-08-07T16:00:00", end="2026-08-07T17:00:00")
    await world.outlook.add("Dentist")
    await world.connect()
    (first,) = await world.runs()
    await world.wedsync.change(mine["id"], title="Cake tasting")
    await world.settle()

    undone = await undo(world, first.run_id)

    assert undone.undone == 2
    assert undone.kept == (KeptEvent(event_id=mine["id"], reason="changed_since"),)
    assert sorted(event["title"] for event in await world.wedsync.events()) == ["Cake tasting", "Fitting"]
    assert sorted(item["subject"] for item in await world.outlook.events()) == ["Dentist", "WedSync: Cake tasting"]
    await nothing_moves(world)


async def test_a_travel_block_goes_with_its_event_and_neither_comes_back(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    run_id = await run_of(world, lambda: world.wedsync.add("Tasting", travelMinutes=30))
    assert len(await world.outlook.events()) == 2

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (2, ())
    assert await world.outlook.events() == []
    await nothing_moves(world)


async def test_an_earlier_connections_run_touches_nothing_of_this_one(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    first = (await world.runs())[-1]
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.advance(minutes=5)
    await world.settle()
    await world.connect()
    assert len(await world.outlook.events()) == 1

    undone = await undo(world, first.run_id)

    assert (undone.undone, [kept.reason for kept in undone.kept]) == (0, ["not_synced"])
    assert len(await world.outlook.events()) == 1
    assert (await world.mapping_of(event["id"])).state is MappingState.LINKED


async def test_a_copy_with_guests_is_left(world: World) -> None:
    await world.connect()
    run_id = await run_of(world, world.wedsync.add)
    (item,) = await world.outlook.events()
    await world.outlook.change(item["id"], attendees=[GUEST])
    await world.quiet()
    world.post.clear()
    world.graph.outbox.mails.clear()

    undone = await undo(world, run_id)

    assert [kept.reason for kept in undone.kept] == ["guests"]
    assert len(await world.outlook.events()) == 1
    assert await world.outlook.sent() == []


async def test_a_deleted_copy_is_made_again_and_asked_about(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: world.wedsync.remove(ours.wedsync_id))
    assert await world.outlook.events() == []

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (1, ())
    (item,) = await world.outlook.events()
    assert item["subject"] == "WedSync: Tasting"
    assert item["location"]["displayName"] == "Mill"
    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, "wedsync")
    await nothing_moves(world)

    choice = Choice(field="event", use="outlook")
    await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice], set_as_default=False)
    await world.settle()
    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == len(await world.mappings()) == 1
    assert await world.open_conflicts() == ()


async def test_an_event_deleted_in_wedsync_is_made_again_and_asked_about(world: World, theirs: Pair) -> None:
    run_id = await run_of(world, lambda: world.outlook.remove(theirs.outlook_id))
    assert await world.wedsync.events() == []

    undone = await undo(world, run_id)

    assert undone.undone == 1
    (event,) = await world.wedsync.events()
    assert event["title"] == "Dentist"
    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, "outlook")
    await nothing_moves(world)

    choice = Choice(field="event", use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice], set_as_default=False)
    await world.settle()
    assert [item["subject"] for item in await world.outlook.events()] == ["Dentist"]
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist"]
    assert await world.open_conflicts() == ()
    await nothing_moves(world)


async def test_wedsyncs_own_event_is_made_again_with_its_type(world: World) -> None:
    event = await world.wedsync.add("Venue visit", type="venue_visit")
    await world.connect()
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    run_id = await run_of(world, lambda: world.outlook.remove(item_id))
    assert await world.wedsync.events() == []

    undone = await undo(world, run_id)

    assert undone.undone == 1
    (again,) = await world.wedsync.events()
    assert (again["title"], again["type"], again["start"]) == ("Venue visit", "venue_visit", event["start"])
    assert len(await world.open_conflicts()) == 1
    await nothing_moves(world)


async def test_copies_of_a_type_that_is_off_stay_away(world: World, ours: Pair) -> None:
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    run_id = (await world.sync()).run_id
    assert await world.outlook.events() == []

    undone = await undo(world, run_id)

    assert (undone.undone, undone.kept) == (0, (KeptEvent(event_id=ours.wedsync_id, reason="type_off"),))
    assert await world.outlook.events() == []


async def test_an_opt_out_is_taken_back_and_asked_about(world: World, ours: Pair) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK))
    run_id = await run_of(world, lambda: world.outlook.remove(ours.outlook_id))
    assert (await world.mapping_of(ours.wedsync_id)).state is MappingState.UNLINKED

    undone = await undo(world, run_id)

    assert undone.undone == 1
    assert (await world.mapping_of(ours.wedsync_id)).state is MappingState.LINKED
    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, "outlook")
    await nothing_moves(world)


async def test_hiding_is_taken_back_and_asked_about(world: World, theirs: Pair) -> None:
    run_id = await run_of(world, lambda: world.wedsync.remove(theirs.wedsync_id))
    assert (await world.mappings())[0].state is MappingState.HIDDEN

    undone = await undo(world, run_id)

    assert undone.undone == 1
    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, "wedsync")
    await nothing_moves(world)


# --- Undo of an undo ----------------------------------------------------------------------------------------------


async def test_undoing_the_undo_carries_the_title_again(world: World, ours: Pair) -> None:
    undone = await undo(world, await run_of(world, lambda: ours.here(title="Cake tasting")))

    again = await undo(world, undone.run.run_id)

    assert (again.undone, again.kept) == (1, ())
    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    assert await world.open_conflicts() == ()
    await world.assert_equal()
    await nothing_moves(world)


@pytest.mark.parametrize("from_wedsync", [True, False])
async def test_undoing_the_undo_of_a_creation_makes_it_again(world: World, from_wedsync: bool) -> None:
    await world.connect()
    undone = await undo(world, await run_of(world, world.wedsync.add if from_wedsync else world.outlook.add))

    again = await undo(world, undone.run.run_id)

    assert (again.undone, again.kept) == (1, ())
    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 1
    assert [mapping.state for mapping in await world.mappings()] == [MappingState.LINKED]
    await world.assert_equal()
    await nothing_moves(world)


@pytest.mark.parametrize("from_wedsync", [True, False])
async def test_undoing_the_undo_of_a_deletion_deletes_again(world: World, from_wedsync: bool) -> None:
    if from_wedsync:
        event_id = (await world.wedsync.add("Tasting"))["id"]
        await world.connect()
        run_id = await run_of(world, lambda: world.wedsync.remove(event_id))
    else:
        item_id = (await world.outlook.add("Dentist"))["id"]
        await world.connect()
        run_id = await run_of(world, lambda: world.outlook.remove(item_id))
    undone = await undo(world, run_id)

    again = await undo(world, undone.run.run_id)

    assert (again.undone, again.kept) == (1, ())
    assert await world.outlook.events() == await world.wedsync.events() == []
    assert await world.open_conflicts() == ()
    await world.sync()
    assert await world.mappings() == []


@pytest.mark.parametrize("wish", [OnOutlookDelete.UNLINK])
async def test_undoing_the_undo_of_an_opt_out_opts_out_again(world: World, ours: Pair, wish: OnOutlookDelete) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=wish))
    undone = await undo(world, await run_of(world, lambda: world.outlook.remove(ours.outlook_id)))

    again = await undo(world, undone.run.run_id)

    assert again.undone == 1
    assert (await world.mapping_of(ours.wedsync_id)).state is MappingState.UNLINKED
    assert await world.open_conflicts() == ()
    await nothing_moves(world)


# --- What can be undone, and how it is told ---------------------------------------------------------------------------


async def test_what_a_notice_led_to_is_undone_like_a_run(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.settle()

    undone = await undo(world, await newest(world))

    assert undone.undone == 1
    assert undone.run.request.kind is RunKind.SINGLE
    assert undone.run.request.purpose is RunPurpose.UNDO
    assert await ours.subject() == "WedSync: Tasting"
    kinds = [row.kind for row in await world.ports.changes.of_run(world.integration_id, undone.run.run_id)]
    assert kinds == [ChangeKind.UPDATED]


async def test_unknown_unfinished_and_undone_runs_are_refused(world: World, ours: Pair) -> None:
    with pytest.raises(NotFound):
        await undo(world, "unknown")
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting"))
    await undo(world, run_id)
    with pytest.raises(StateConflict) as refusal:
        await undo(world, run_id)
    assert refusal.value.code == "already_undone"
    with pytest.raises(NotFound):
        await ask(world, run_id, user_id="planner-marco")

    queued = await world.app.request_sync.start(
        await world.integration(), kind=RunKind.FULL, triggered_by=(await world.runs())[0].request.triggered_by
    )
    with pytest.raises(StateConflict) as early:
        await ask(world, queued.run_id)
    assert early.value.code == "sync_in_progress"


async def test_while_a_run_is_at_work_the_undo_waits_for_its_turn(world: World, ours: Pair) -> None:
    run_id = await run_of(world, lambda: ours.here(title="Cake tasting"))
    now = world.clock.now()
    hold = await world.ports.leases.acquire(world.integration_id, owner="another", until=now.replace(year=2027))
    assert hold is not None

    waiting = await ask(world, run_id)
    assert (waiting.run.state, waiting.undone) == (RunState.QUEUED, 0)
    await world.ports.leases.release(hold)
    await world.settle()

    done = await world.app.request_sync.status(world.planner.user_id, waiting.run.run_id)
    assert done.state is RunState.COMPLETED
    assert await ours.subject() == "WedSync: Tasting"


@pytest.mark.parametrize("what", ["title", "created", "imported", "deleted"])
async def test_killed_at_each_step_an_undo_is_finished_later_and_done_once(what: str) -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            run_id = await _scene(world, what)

            async def act(world: World = world, run_id: str = run_id) -> None:
                await ask(world, run_id)

            died = await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await world.advance(minutes=5)
            with suppress(StateConflict):  # it is undone already
                await ask(world, run_id)
            await world.settle()
            await world.sync()
            found = (
                [event["title"] for event in await world.wedsync.events()],
                [item["subject"] for item in await world.outlook.events()],
                [conflict.field for conflict in await world.open_conflicts()],
                [mapping.state for mapping in await world.mappings()],
            )
            assert found == _EXPECTED[what], where
            assert await world.outlook.sent() == [], where


_EXPECTED = {
    "title": (["Cake tasting"], ["WedSync: Tasting"], [Field.TITLE], [MappingState.LINKED]),
    "created": (["Tasting"], [], [], [MappingState.UNLINKED]),
    "imported": ([], ["Cake tasting"], [], [MappingState.HIDDEN]),
    "deleted": ([], ["WedSync: Tasting"], [None], [MappingState.LINKED]),
}


async def _scene(world: World, what: str) -> str:
    """Return the id of a run that carried a title, made a copy, imported an event, or deleted a copy."""
    if what in ("created", "imported"):
        await world.connect()
        return await run_of(world, world.wedsync.add if what == "created" else world.outlook.add)
    event = await world.wedsync.add("Tasting")
    await world.connect()
    if what == "title":
        return await run_of(world, lambda: world.wedsync.change(event["id"], title="Cake tasting"))
    return await run_of(world, lambda: world.wedsync.remove(event["id"]))
