"""A copy that was moved away and replaced, and that its owner moves back later: it is neither a new event nor ours."""

import pytest

from shared.core.actions import Rule
from shared.core.event import Side
from shared.core.integration import Direction
from shared.usecases.resolve_conflict import Choice
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.test_explain import explain
from tests.usecases.test_rebuild import lose, reconcile

SYNCED = "Calendar"


async def replaced(world: World, ours: Pair, how: str = "choice") -> str:
    """Move the copy away and have another made in its place; return the new one's id."""
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    if how == "choice":
        choice = Choice(field="event", use="wedsync")
        await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice])
    else:
        await world.app.force_sync.run(
            world.planner.user_id, ours.wedsync_id, Direction.TO_OUTLOOK, overwrite_conflicts=True
        )
    await world.settle()
    (mapping,) = await world.mappings()
    assert mapping.outlook_id not in (None, ours.outlook_id)
    return str(mapping.outlook_id)


@pytest.mark.parametrize("noticed", ["at once", "by a run", "by a reconciliation", "after the table was lost"])
@pytest.mark.parametrize("how", ["choice", "force"])
async def test_it_is_left_alone(world: World, ours: Pair, noticed: str, how: str) -> None:
    present = await replaced(world, ours, how)

    await world.outlook.move(ours.outlook_id, SYNCED)
    await world.quiet()
    if noticed != "at once":
        world.post.clear()
    if noticed == "after the table was lost":
        lose(world, lambda key: True)
    if noticed in ("by a run", "after the table was lost"):
        await world.sync()
    if noticed == "by a reconciliation":
        await reconcile(world)
    await world.settle()
    await world.sync()
    await reconcile(world)

    assert [event["id"] for event in await world.wedsync.events()] == [ours.wedsync_id]
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id, present}
    assert await world.open_conflicts() == ()
    assert (await explain(world, ours.outlook_id)).rule is Rule.EARLIER_COPY
    assert (await explain(world, ours.wedsync_id)).outlook_id == present


async def test_only_the_present_copy_is_carried(world: World, ours: Pair) -> None:
    present = await replaced(world, ours)
    await world.outlook.move(ours.outlook_id, SYNCED)
    await world.settle()

    await world.outlook.change(ours.outlook_id, subject="WedSync: Of the earlier one")
    await world.outlook.change(present, location={"displayName": "Barn"})
    await world.settle()

    event = await world.wedsync.read(ours.wedsync_id)
    assert (event["title"], event["location"]["name"]) == ("Tasting", "Barn")
    await ours.here(title="Cake tasting")
    await world.settle()
    assert await ours.subject() == "WedSync: Of the earlier one"
    assert (await world.outlook.read(present))["subject"] == "WedSync: Cake tasting"


async def test_it_is_left_alone_while_the_other_is_made(world: World, ours: Pair) -> None:
    """The new copy is on its way and has no id yet when the earlier one shows up with an edit of its own."""
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    choice = Choice(field="event", use="wedsync")

    async def choose() -> None:
        await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice])

    async def die(name: str) -> None:
        if name.startswith("before graph POST"):
            world.steps.watch, world.steps.deadly_from = None, 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(choose, at=1_000_000)
    await world.outlook.change(ours.outlook_id, subject="WedSync: Of the earlier one")
    await world.outlook.move(ours.outlook_id, SYNCED)
    await world.settle()
    await world.sync()

    (event,) = await world.wedsync.events()
    assert event["title"] == "Tasting"
    (mapping,) = await world.mappings()
    assert mapping.outlook_id not in (None, ours.outlook_id)


async def test_the_question_says_where_the_copy_is(world: World, ours: Pair) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    (question,) = await world.open_conflicts()
    assert question.absent is Side.OUTLOOK
    assert "another calendar" in question.reason

    await world.outlook.remove(ours.outlook_id)
    other = await world.wedsync.add("Fitting")
    await world.settle()
    await world.outlook.remove(str((await world.mapping_of(other["id"])).outlook_id))
    await world.settle()
    reasons = {each.mapping_id: each.reason for each in await world.open_conflicts()}
    assert "another calendar" not in reasons[(await world.mapping_of(other["id"])).mapping_id]
