"""What runs, jobs and users do in between each other: found by ``tests/machine``, told as short stories."""

from collections.abc import Awaitable, Callable

import pytest

from shared.core.event import Field, Side
from shared.core.jobs import EventJob, Glance, RunKind, UpkeepJob, UpkeepKind
from shared.core.states import ConflictState
from shared.store import messages
from shared.usecases.choices import ConflictSuperseded
from shared.usecases.resolve_conflict import Choice
from tests.support.pair import Pair
from tests.support.world import World

GUEST, SECOND_GUEST = (
    {"emailAddress": {"address": f"{name}@example.test", "name": name}, "type": "required"} for name in ("one", "two")
)


async def unheard(world: World) -> None:
    """Lose the notices: only a run will find what changed."""
    await world.quiet()
    world.post.clear()


def during(world: World, step: str, act: Callable[[], Awaitable[object]]) -> None:
    """Have something done to its end just before the next such step."""

    async def watch(name: str) -> None:
        if name == step:
            world.steps.watch = None
            await act()

    world.steps.watch = watch


def overtaken(world: World, step: str, job: EventJob) -> None:
    """Let a job run to its end just before the next such step."""
    during(world, step, lambda: world.app.settle_events.run(job))


async def choose(world: World, pair: Pair, field: str, use: str) -> None:
    choice = Choice(field=field, use=use)
    await world.app.resolve_conflict.run(world.planner.user_id, pair.wedsync_id, [choice])


async def test_a_run_that_was_overtaken_still_sees_that_the_event_left_the_calendar(world: World, theirs: Pair) -> None:
    await theirs.here(title="Dentist, upper floor")
    await world.outlook.move(theirs.outlook_id)
    await unheard(world)
    edit = EventJob(
        integration_id=world.integration_id, side=Side.WEDSYNC, events=(Glance(event_id=theirs.wedsync_id),)
    )
    overtaken(world, "before transact OutlookConflicts", edit)

    await world.sync(RunKind.INCREMENTAL)

    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK


async def test_an_older_notice_does_not_bring_back_what_left_the_calendar(world: World, theirs: Pair) -> None:
    await world.outlook.move(theirs.outlook_id)
    await world.settle()
    late = EventJob(
        integration_id=world.integration_id, side=Side.OUTLOOK, events=(Glance(event_id=theirs.outlook_id),)
    )

    await world.queue.put(late)
    await world.settle()

    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK
    await world.outlook.move(theirs.outlook_id, (await world.outlook.calendars())[0]["id"])
    await world.settle()
    assert await world.open_conflicts() == ()


async def test_a_copy_made_before_the_create_was_noted_is_an_event_of_its_own(world: World) -> None:
    await world.connect()
    await world.wedsync.add("Tasting")
    await world.kill_after("graph POST")
    await unheard(world)
    (ours,) = await world.outlook.events()

    copy = await world.outlook.copy(ours["id"])
    await world.outlook.change(copy["id"], subject="Lunch")
    await world.settle()

    assert sorted(event["title"] for event in await world.wedsync.events()) == ["Lunch", "Tasting"]
    await world.assert_equal()


async def test_an_event_that_left_before_it_was_looked_at_is_not_imported(world: World) -> None:
    await world.connect()
    item = await world.outlook.add("Dentist")
    await world.quiet()
    late = list(world.post)
    await world.outlook.move(item["id"])
    await unheard(world)
    await world.sync(RunKind.INCREMENTAL)

    world.post += late
    await world.settle()

    assert await world.wedsync.events() == []


async def test_who_could_not_connect_because_of_a_crash_connects_again(world: World) -> None:
    await world.wedsync.add("Tasting")
    stored: list[str] = []

    async def die(name: str) -> None:
        if name == "after insert OutlookIntegrations":
            stored.append(name)
            world.steps.watch = None
            world.steps.deadly_from = 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(world.connect, at=1_000_000)
    assert len(stored) == 1

    await world.connect()

    await world.assert_equal()


async def test_two_that_subscribe_at_once_leave_one_subscription_and_no_failed_job(world: World) -> None:
    await world.connect()
    (first,) = await world.outlook.subscriptions()
    await world.outlook.end_subscription(first["id"])
    for row in await world.ports.rows.of_integration(world.integration_id):
        await world.ports.rows.remove(row.value.subscription_id)
    job = UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.SUBSCRIBE)
    text = messages.to_texts(job)[0]

    async def other_first(name: str) -> None:
        if name == "before graph POST /v1.0/subscriptions":
            world.steps.watch = None
            await world.run_job(text)

    world.steps.watch = other_first
    await world.run_job(text)
    await world.settle()

    assert len(await world.outlook.subscriptions()) == 1


async def test_a_write_that_came_half_way_does_not_take_its_own_beginning_for_an_edit(
    world: World, theirs: Pair
) -> None:
    await theirs.there(subject="Dentist, new")
    await theirs.here(description="Upper floor")
    await world.quiet()
    world.post = [letter for letter in world.post if letter.sender == "graph"]  # WedSync's notice comes later

    async def meanwhile(name: str) -> None:
        if name.startswith("before graph PATCH"):
            world.steps.watch = None
            await theirs.there(body={"contentType": "text", "content": "Ground floor"})

    world.steps.watch = meanwhile
    await world.settle()

    assert await theirs.titles() == ("Dentist, new", "Dentist, new")
    assert [conflict.field for conflict in await world.open_conflicts()] == [Field.DESCRIPTION]
    await world.assert_equal()


# --- Questions ------------------------------------------------------------------------------------------------------


async def test_an_answer_stays_though_another_worker_thought_the_question_over(world: World, ours: Pair) -> None:
    await ours.there(attendees=[GUEST])
    await world.settle()
    (asked,) = await world.open_conflicts()
    await ours.there(attendees=[GUEST, SECOND_GUEST])
    await unheard(world)
    during(world, "before transact OutlookConflicts", lambda: choose(world, ours, "attendees", "outlook"))

    await world.sync(RunKind.INCREMENTAL)

    answered = await world.ports.conflicts.get(world.integration_id, asked.conflict_id)
    assert answered is not None
    assert (answered.state, answered.choice) == (ConflictState.APPLIED, "outlook")


async def test_a_choice_is_not_lost_to_a_worker_that_asks_the_same(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Wine tasting")
    await unheard(world)
    look = EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=(Glance(event_id=ours.wedsync_id),))

    async def asked_and_answered() -> None:
        await world.app.settle_events.run(look)
        await world.outlook.fault(action="status", status=503, method="PATCH", path="/events/", count=50)
        await choose(world, ours, "title", "wedsync")

    during(world, "before transact OutlookConflicts", asked_and_answered)
    await world.app.settle_events.run(look)

    (chosen,) = await world.open_conflicts()
    assert (chosen.state, chosen.choice) == (ConflictState.RESOLVED, "wedsync")
    await world.outlook.clear_faults()
    await world.settle()
    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    assert await world.open_conflicts() == ()


async def test_what_is_over_cannot_be_answered(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Wine tasting")
    await world.settle()
    await ours.there(subject="WedSync: Cake tasting")
    await world.quiet()
    during(world, "before put outlook-event-jobs", world.settle)

    with pytest.raises(ConflictSuperseded):
        await choose(world, ours, "title", "outlook")

    await world.settle()
    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    assert await world.open_conflicts() == ()
