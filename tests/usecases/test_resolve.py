"""A person chooses, and the choice is carried out at once, or refused before anything is written."""

import pytest

from shared.core.integration import GuestUpdates, Preferences
from shared.core.states import ConflictState, MappingState
from shared.errors import NotFound, StateConflict, Throttled, Unprocessable
from shared.usecases.resolve_conflict import Choice
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}


async def clashing(world: World) -> tuple[str, str]:
    """One event with two titles; return its ids."""
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.outlook.change(item_id, subject="WedSync: Wine tasting")
    await world.settle()
    return event["id"], item_id


async def choose(world: World, event_id: str, use: str, which: str = "title", conflict_id: str = "") -> None:
    choice = Choice(field=which, use=use, conflict_id=conflict_id)
    await world.app.resolve_conflict.run(world.planner.user_id, event_id, [choice], set_as_default=False)
    await world.settle()


@pytest.mark.parametrize(("use", "title"), [("wedsync", "Cake tasting"), ("outlook", "Wine tasting")])
async def test_the_chosen_title_is_on_both_sides(world: World, use: str, title: str) -> None:
    event_id, item_id = await clashing(world)
    (conflict,) = await world.open_conflicts()

    await choose(world, event_id, use)

    assert (await world.wedsync.read(event_id))["title"] == title
    assert (await world.outlook.read(item_id))["subject"] == f"WedSync: {title}"
    assert await world.open_conflicts() == ()
    kept = await world.ports.conflicts.get(world.integration_id, conflict.conflict_id)
    assert kept is not None
    assert kept.state is ConflictState.APPLIED
    await world.assert_equal()
    await world.sync()
    assert await world.open_conflicts() == ()


async def test_a_choice_between_values_that_nobody_sees_any_more_is_refused(world: World) -> None:
    event_id, item_id = await clashing(world)
    (seen,) = await world.open_conflicts()
    await world.outlook.change(item_id, subject="WedSync: Cheese tasting")
    await world.settle()

    with pytest.raises(StateConflict) as refusal:
        await choose(world, event_id, "outlook", conflict_id=seen.conflict_id)
    assert refusal.value.code == "conflict_superseded"
    assert (await world.wedsync.read(event_id))["title"] == "Cake tasting"


@pytest.mark.parametrize("use", ["wedsync", "outlook"])
async def test_a_side_that_moved_on_unnoticed_is_not_overwritten(world: World, use: str) -> None:
    event_id, item_id = await clashing(world)
    if use == "wedsync":
        await world.outlook.change(item_id, subject="WedSync: Cheese tasting")
    else:
        await world.wedsync.change(event_id, title="Cheese tasting")

    with pytest.raises(StateConflict):
        await choose(world, event_id, use)

    titles = {(await world.wedsync.read(event_id))["title"], (await world.outlook.read(item_id))["subject"]}
    assert titles & {"Cheese tasting", "WedSync: Cheese tasting"}
    await world.settle()
    (conflict,) = await world.open_conflicts()
    assert conflict.wedsync is not None
    assert conflict.outlook is not None
    assert "Cheese tasting" in (conflict.wedsync.title, conflict.outlook.title)


async def test_guests_are_not_mailed_without_a_word(world: World) -> None:
    event_id, item_id = await clashing(world)
    await world.outlook.change(item_id, attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()

    with pytest.raises(StateConflict) as refusal:
        await choose(world, event_id, "wedsync")
    assert refusal.value.code == "guests_would_be_mailed"
    assert await world.outlook.sent() == []

    await world.change_integration(preferences=Preferences(guest_updates=GuestUpdates.SEND))
    await choose(world, event_id, "wedsync")
    assert (await world.outlook.read(item_id))["subject"] == "WedSync: Cake tasting"
    assert [mail["kind"] for mail in await world.outlook.sent()] == ["update"]


async def test_guests_invited_a_moment_ago_are_not_mailed_either(world: World) -> None:
    event_id, item_id = await clashing(world)
    await world.outlook.change(item_id, attendees=[GUEST])
    world.graph.outbox.mails.clear()

    with pytest.raises(StateConflict):
        await choose(world, event_id, "wedsync")
    assert await world.outlook.sent() == []


async def deleted_in_outlook(world: World) -> str:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.outlook.remove(str((await world.mapping_of(event["id"])).outlook_id))
    await world.settle()
    return str(event["id"])


async def test_a_deleted_copy_is_brought_back(world: World) -> None:
    event_id = await deleted_in_outlook(world)

    await choose(world, event_id, "wedsync", "event")

    await world.assert_equal()
    assert len(await world.outlook.events()) == 1
    assert await world.open_conflicts() == ()
    await world.sync()
    assert len(await world.outlook.events()) == 1


async def test_a_deleted_copy_takes_its_event_along(world: World) -> None:
    event_id = await deleted_in_outlook(world)

    await choose(world, event_id, "outlook", "event")

    assert await world.wedsync.events() == []
    assert await world.mappings() == []
    assert await world.open_conflicts() == ()


async def test_an_edited_event_is_imported_anew_after_its_deletion_in_wedsync(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.outlook.change(item_id, subject="WedSync: Wine tasting")
    await world.wedsync.remove(event["id"])
    world.post.reverse()
    await world.settle()

    await choose(world, event["id"], "outlook", "event")

    (again,) = await world.wedsync.events()
    assert again["title"] == "WedSync: Wine tasting" or again["title"] == "Wine tasting"
    await world.sync()
    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == len(await world.mappings()) == 1


async def test_what_is_not_open_or_not_offered_is_refused(world: World) -> None:
    event_id, _ = await clashing(world)

    with pytest.raises(NotFound):
        await choose(world, "unknown", "outlook")
    with pytest.raises(NotFound):
        await choose(world, event_id, "outlook", "location")
    with pytest.raises(Unprocessable):
        await choose(world, event_id, "custom")


async def test_somebody_elses_event_is_not_found(world: World) -> None:
    event_id, _ = await clashing(world)

    with pytest.raises(NotFound):
        await world.app.resolve_conflict.run(
            "planner-marco", event_id, [Choice(field="title", use="outlook")], set_as_default=False
        )


async def test_killed_at_each_step_a_choice_can_be_made_again() -> None:
    async with World() as world:
        event_id, _ = await clashing(world)
        before = len(world.steps.names)
        await choose(world, event_id, "wedsync")
        total = len(world.steps.names) - before
    for step in range(1, total + 1):
        async with World(seed=step) as world:
            event_id, item_id = await clashing(world)

            async def act(world: World = world, event_id: str = event_id) -> None:
                await choose(world, event_id, "wedsync")

            await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await world.sync()
            if await world.open_conflicts():
                await choose(world, event_id, "wedsync")
            assert (await world.outlook.read(item_id))["subject"] == "WedSync: Cake tasting", where
            assert await world.open_conflicts() == (), where
            await world.assert_equal()


async def test_a_disconnect_mails_no_guests_who_were_invited_before_the_deletion_in_wedsync(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.outlook.change(str((await world.mapping_of(event["id"])).outlook_id), attendees=[GUEST])
    world.post.clear()
    await world.wedsync.remove(event["id"])
    world.post.clear()
    await world.sync()
    world.graph.outbox.mails.clear()

    await world.app.disconnect.by_user(world.planner.user_id)

    assert await world.outlook.sent() == []
    assert len(await world.outlook.events()) == 1


async def test_an_event_that_left_the_calendar_is_kept_in_wedsync_and_not_made_twice(world: World) -> None:
    await world.connect()
    item = await world.outlook.add("Yoga")
    await world.settle()
    await world.outlook.move(item["id"])
    await world.settle()
    (mapping,) = await world.mappings()

    await choose(world, str(mapping.wedsync_id), "wedsync", "event")
    await world.sync()

    assert [each["id"] for each in await world.outlook.events()] == [item["id"]]
    assert [each["title"] for each in await world.wedsync.events()] == ["Yoga"]
    assert [each.state for each in await world.mappings()] == [MappingState.UNLINKED]
    assert await world.open_conflicts() == ()


async def test_outlooks_event_that_was_edited_here_and_deleted_there_returns_without_a_prefix(world: World) -> None:
    await world.connect()
    item = await world.outlook.add("Yoga")
    await world.settle()
    (mapping,) = await world.mappings()
    await world.wedsync.change(str(mapping.wedsync_id), title="Pilates")
    world.post.clear()
    await world.outlook.remove(item["id"])
    await world.settle()

    await choose(world, str(mapping.wedsync_id), "wedsync", "event")

    await world.sync()
    assert [each["subject"] for each in await world.outlook.events()] == ["Pilates"]
    assert [each["title"] for each in await world.wedsync.events()] == ["Pilates"]
    assert len(await world.mappings()) == 1
    assert await world.open_conflicts() == ()


async def test_a_value_that_came_while_the_choice_was_on_its_way_is_not_overwritten(world: World) -> None:
    event_id, item_id = await clashing(world)
    before: list[str] = []

    async def meanwhile(name: str) -> None:
        if name == "after query OutlookConflicts" and not before:
            before.append(name)
            await world.outlook.change(item_id, subject="WedSync: Cheese tasting")
            await world.settle()

    world.steps.watch = meanwhile
    with pytest.raises(StateConflict) as refusal:
        await choose(world, event_id, "wedsync")
    world.steps.watch = None

    assert refusal.value.code == "conflict_superseded"
    assert (await world.outlook.read(item_id))["subject"] == "WedSync: Cheese tasting"
    (conflict,) = await world.open_conflicts()
    assert conflict.outlook is not None
    assert conflict.outlook.title == "Cheese tasting"


async def test_what_is_gone_on_both_sides_is_not_brought_back(world: World) -> None:
    event_id = await deleted_in_outlook(world)
    await world.wedsync.remove(event_id)
    letters = list(world.post)
    world.post.clear()

    with pytest.raises(StateConflict):
        await choose(world, event_id, "wedsync", "event")
    assert await world.outlook.events() == []

    world.post.extend(letters)
    await world.settle()
    assert await world.open_conflicts() == ()
    assert await world.mappings() == []


async def test_a_choice_that_was_held_up_is_carried_out_when_it_is_made_again(world: World) -> None:
    event_id = await deleted_in_outlook(world)

    async def throttle(name: str) -> None:
        if name.startswith("before graph POST"):
            raise Throttled("graph", retry_after=30)

    world.steps.watch = throttle
    with pytest.raises(Throttled):
        await choose(world, event_id, "wedsync", "event")
    world.steps.watch = None
    assert len(await world.open_conflicts()) == 1

    await choose(world, event_id, "wedsync", "event")

    assert len(await world.outlook.events()) == 1
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def edited_and_deleted(world: World) -> str:
    """Edited in Outlook, deleted in WedSync, and asked about."""
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.outlook.change(item_id, subject="WedSync: Wine tasting")
    await world.wedsync.remove(event["id"])
    await world.quiet()
    world.post.clear()
    await world.sync()
    return str(event["id"])


@pytest.mark.parametrize(("use", "left"), [("outlook", 1), ("wedsync", 0)])
async def test_killed_at_each_step_the_answer_to_a_deletion_loses_nothing(use: str, left: int) -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            event_id = await edited_and_deleted(world)

            async def act(world: World = world, event_id: str = event_id) -> None:
                await choose(world, event_id, use, "event")

            died = await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await world.sync()
            if await world.open_conflicts():
                await choose(world, event_id, use, "event")
            await world.sync()
            assert await world.open_conflicts() == (), where
            counts = [len(await world.wedsync.events()), len(await world.outlook.events()), len(await world.mappings())]
            assert counts == [left] * 3, where
            assert [each["title"] for each in await world.wedsync.events()] == ["Wine tasting"] * left, where
            assert [each["subject"] for each in await world.outlook.events()] == ["Wine tasting"] * left, where
            assert await world.outlook.sent() == [], where
