"""One new event on its way, and all that can go wrong meanwhile: in the end there is exactly one on each side."""

import json
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from shared.core.event import Side
from shared.core.integration import OnOutlookDelete, Preferences
from shared.core.jobs import RunKind
from shared.usecases.resolve_conflict import Choice
from tests.support.world import World

Arrange = Callable[[World], Awaitable[object]]


async def new_in_wedsync(world: World) -> object:
    return await world.wedsync.add("Tasting", description="Bring the samples", location={"name": "Mill", "address": ""})


async def new_in_outlook(world: World) -> object:
    return await world.outlook.add(
        "Dentist", body={"contentType": "text", "content": "Upper left"}, location={"displayName": "High Street 4"}
    )


async def steps_of(arrange: Arrange, work: Callable[[World], Awaitable[object]]) -> int:
    """Return how many steps the work takes when nothing happens to it."""
    async with World() as world:
        await world.connect()
        await arrange(world)
        before = len(world.steps.names)
        await work(world)
        return len(world.steps.names) - before


async def assert_one_pair(world: World, where: str) -> None:
    await world.assert_equal()
    events, items, mappings = await world.wedsync.events(), await world.outlook.events(), await world.mappings()
    assert (len(events), len(items), len(mappings)) == (1, 1, 1), where
    mapping = mappings[0]
    assert (mapping.wedsync_id, mapping.outlook_id) == (events[0]["id"], items[0]["id"]), where
    assert mapping.state == "linked", where
    assert mapping.intent is None, where
    assert await world.open_conflicts() == (), where


@pytest.mark.parametrize("arrange", [new_in_wedsync, new_in_outlook])
async def test_killed_at_each_step_an_event_job_makes_one_event(arrange: Arrange) -> None:
    total = await steps_of(arrange, World.settle)
    for step in range(1, total + 1):
        async with World(seed=step) as world:
            await world.connect()
            await arrange(world)

            assert await world.crashes(world.settle, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await assert_one_pair(world, where)

            world.steps.names.clear()
            await world.sync()
            await assert_one_pair(world, where)


@pytest.mark.parametrize("arrange", [new_in_wedsync, new_in_outlook])
async def test_killed_at_each_step_a_run_makes_one_event(arrange: Arrange) -> None:
    async def run(world: World) -> None:
        world.post.clear()  # no notice arrived: the run alone finds it
        await world.sync(RunKind.INCREMENTAL)

    total = await steps_of(arrange, run)
    for step in range(1, total + 1):
        async with World(seed=step) as world:
            await world.connect()
            await arrange(world)
            await world.quiet()

            died = await world.crashes(partial(run, world), at=step)
            where = f"killed {world.steps.killed}" if died else "not killed"
            await world.settle()
            await world.sync()
            await assert_one_pair(world, where)


async def test_many_new_events_survive_a_kill_at_each_step_of_the_batches() -> None:
    async def arrange(world: World) -> None:
        for number in range(25):
            await world.wedsync.add(f"Tasting {number}")
        for number in range(3):
            await world.outlook.add(f"Dentist {number}")

    async def run(world: World) -> None:
        world.post.clear()
        await world.sync(RunKind.INCREMENTAL)

    total = await steps_of(arrange, run)
    for step in range(2, total + 1, 9):
        async with World(seed=step) as world:
            await world.connect()
            await arrange(world)
            await world.quiet()

            await world.crashes(partial(run, world), at=step)
            await world.settle()
            await world.sync()

            await world.assert_equal()
            assert len(await world.mappings()) == 28


# --- Answers that are lost ----------------------------------------------------------------------------------------


async def test_a_create_in_outlook_whose_answer_never_comes_is_made_once(world: World) -> None:
    await world.connect()
    await world.outlook.fault(action="hang_after_commit", method="POST", path="/calendars/.*/events", count=1)

    await new_in_wedsync(world)
    await world.settle()

    await assert_one_pair(world, "hang")


async def test_a_create_in_wedsync_whose_answer_never_comes_is_made_once(world: World) -> None:
    await world.connect()
    await world.wedsync.fault(action="hang_after_commit", method="POST", path="/v1/users/.*/events", count=3)

    await new_in_outlook(world)
    await world.settle()

    await assert_one_pair(world, "hang")


async def test_a_create_that_was_edited_before_its_answer_was_noted_keeps_the_edit(world: World) -> None:
    """The repeated POST is then ``ErrorDuplicateTransactionId``, or answers with what is there: the marker finds it."""
    await world.connect()
    await world.outlook.fault(action="hang_after_commit", method="POST", path="/calendars/.*/events", count=4)
    await world.wedsync.add("Tasting")
    while not await world.outlook.events():
        await world.settle_one()
    (made,) = await world.outlook.events()
    await world.outlook.change(made["id"], location={"displayName": "The old mill"})

    await world.settle()

    await assert_one_pair(world, "edited")
    assert (await world.wedsync.events())[0]["location"]["name"] == "The old mill"


async def test_a_batch_whose_answer_is_lost_makes_no_event_twice(world: World) -> None:
    for number in range(25):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.fault(action="hang_after_commit", method="POST", path="batch", every=2, count=2)

    await world.connect()

    await world.assert_equal()
    assert len(await world.outlook.events()) == 25


async def test_a_refused_create_is_reported_and_blocks_nothing(world: World) -> None:
    await world.connect()
    bad = await world.wedsync.add("Unlucky")
    await world.outlook.fault(
        action="status", method="POST", path="/calendars/.*/events", status=400, code="ErrorX", count=1
    )
    await world.settle()
    good = await world.wedsync.add("Lucky")
    await world.settle()

    assert [item["subject"] for item in await world.outlook.events()] == ["WedSync: Lucky"]
    assert (await world.mapping_of(bad["id"])).quarantine
    assert not (await world.mapping_of(good["id"])).quarantine

    await world.wedsync.change(bad["id"], title="Luckier")  # whoever changes it has it tried again
    await world.settle()
    await world.assert_equal()
    assert not (await world.mapping_of(bad["id"])).quarantine


async def test_two_jobs_at_once_make_one_event(world: World) -> None:
    await world.connect()
    made = await world.wedsync.add("Tasting")
    await world.deliver(world.post[0])
    text = world.queue.kept.pop().text
    assert made["id"] in json.loads(text)["events"][0]["eventId"]

    await world.run_at_once([text] * 3)
    await world.settle()

    await assert_one_pair(world, "at once")


@pytest.mark.parametrize("use", ["wedsync", "outlook"])
async def test_a_copy_that_was_deleted_before_its_answer_was_noted_is_asked_about(world: World, use: str) -> None:
    """Graph remembers the transaction, and no event bears the marker: the owner was quicker than the retry."""
    await world.connect()
    preferences = Preferences(on_outlook_delete=OnOutlookDelete.DELETE)
    await world.change_integration(preferences=preferences)
    event = await world.wedsync.add("Tasting")
    await world.kill_after("graph POST")
    (made,) = await world.outlook.events()
    await world.outlook.remove(made["id"])
    await world.settle()
    await world.sync()

    (conflict,) = await world.open_conflicts()
    assert (conflict.field, conflict.absent) == (None, Side.OUTLOOK)
    assert await world.outlook.events() == []
    assert len(await world.wedsync.events()) == 1, "nothing proves a deletion, whatever the user prefers"
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.settle()
    await world.sync()
    assert len(await world.open_conflicts()) == 1

    choice = Choice(field="event", use=use)
    await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice], set_as_default=False)
    await world.settle()
    await world.sync()
    await world.assert_equal()
    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == (1 if use == "wedsync" else 0)
    assert await world.open_conflicts() == ()


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
@pytest.mark.parametrize("status", [400, 409])
async def test_a_repeated_create_that_graph_takes_for_another_event_is_settled_once_lists_show_it(
    world: World, status: int, named: bool
) -> None:
    """Facts C14 and S64: an event that no list shows yet is not gone for good."""
    await world.connect()
    await world.outlook.knobs(
        duplicateTransactionStatus=status,
        duplicateTransactionNamesEvent=named,
        visibilitySeconds=90.0,
        visibilitySeed=3,
    )
    await world.wedsync.add("Tasting")
    await world.kill_after("graph POST")
    used = world.graph.mailbox(world.planner.account.upn).transactions
    used.update({key: (item, "other content") for key, (item, _) in used.items()})
    await world.quiet()
    world.post.clear()
    await world.settle()
    assert [conflict.absent for conflict in await world.open_conflicts()] == ([] if named else [Side.OUTLOOK])

    await world.advance(seconds=100)
    await world.sync(RunKind.INCREMENTAL)
    await world.sync(RunKind.FULL)

    assert await world.open_conflicts() == ()
    assert len(await world.outlook.events()) == 1
    await world.assert_equal()


async def test_a_named_event_that_is_gone_by_now_is_asked_about(world: World) -> None:
    await world.connect()
    await world.outlook.knobs(duplicateTransactionNamesEvent=True)
    await world.wedsync.add("Tasting")
    await world.kill_after("graph POST")
    (made,) = await world.outlook.events()
    await world.outlook.remove(made["id"])

    await world.settle()

    assert [conflict.absent for conflict in await world.open_conflicts()] == [Side.OUTLOOK]
    assert await world.outlook.events() == []
