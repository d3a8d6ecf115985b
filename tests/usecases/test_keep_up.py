"""Subscriptions and safety: what timers find due, and what has become of a subscription meanwhile."""

from datetime import datetime, timedelta

import pytest

from shared.core.jobs import RunKind, TurnsJob
from shared.core.states import IntegrationState
from shared.errors import Unavailable
from shared.store.rows import Table
from shared.usecases.due_kinds import CHECK, RENEWAL
from tests.support.world import START, World


async def only_subscription(world: World) -> str:
    (kept,) = await world.outlook.subscriptions()
    (row,) = await world.ports.rows.of_integration(world.integration_id)
    assert row.value.subscription_id == kept["id"]
    return str(kept["id"])


def handed_out(world: World) -> list[TurnsJob]:
    jobs = [world.app.jobs.parse(message.text) for message in world.queue.kept]
    return [job for job in jobs if isinstance(job, TurnsJob)]


async def timers_every_five_minutes(world: World, span: timedelta) -> None:
    for _ in range(int(span / timedelta(minutes=5))):
        await world.advance(minutes=5)
        await world.timers()
        await world.settle(within=timedelta(minutes=1))


async def test_a_subscription_is_renewed_a_day_before_it_ends(world: World) -> None:
    await world.connect()
    before = await only_subscription(world)

    await world.advance(days=5, hours=11)
    await world.timers()
    await world.settle()
    (kept,) = await world.outlook.subscriptions()
    assert datetime.fromisoformat(kept["expirationDateTime"]) < START + timedelta(days=7)

    await world.advance(hours=13)
    await world.app.enqueue_due.renewals()
    await world.settle()
    (kept,) = await world.outlook.subscriptions()
    assert await only_subscription(world) == before
    assert not kept["expired"]
    await world.advance(days=2)
    assert not (await world.outlook.subscriptions())[0]["expired"]


async def test_renewals_do_not_pile_up(world: World) -> None:
    await world.connect()
    path = f"subscriptions/{await only_subscription(world)}"
    await world.advance(days=6, hours=1)
    for _ in range(5):
        await world.app.enqueue_due.renewals()
    assert sorted(job.kind for job in handed_out(world)) == [CHECK, RENEWAL]
    await world.outlook.requests()
    await world.settle()
    assert [asked for asked in await world.outlook.requests() if "PATCH" in asked] == [f"PATCH /v1.0/{path}"]


async def test_a_lapsed_subscription_is_replaced(world: World) -> None:
    await world.connect()
    before = await only_subscription(world)
    await world.outlook.end_subscription(before)
    await world.advance(days=6, hours=1)
    await world.app.enqueue_due.renewals()
    await world.settle()

    assert await only_subscription(world) != before
    await world.outlook.add("Dentist")
    await world.settle()
    await world.assert_equal()
    await world.advance(days=30)
    await world.timers()
    await world.settle()
    await world.timers()
    assert [row for row in world.tables.contents()[Table.DUE] if before in str(row.columns)] == []


async def test_a_subscription_that_nobody_remembers_is_cleared(world: World) -> None:
    """Its creation was answered, and the process died before that was noted: the next attempt meets a 409."""
    await world.connect(settle=False)
    await world.kill_after("graph POST /v1.0/subscriptions")
    assert len(await world.outlook.subscriptions()) == 1
    assert await world.ports.rows.of_integration(world.integration_id) == ()

    await world.settle()
    await only_subscription(world)
    await world.outlook.add("Dentist")
    await world.settle()
    await world.assert_equal()


async def test_a_safety_run_comes_when_nothing_confirmed_the_connection(world: World) -> None:
    await world.connect()
    await world.advance(minutes=14)
    await world.app.enqueue_due.safety_runs()
    assert world.queue.kept == []

    await world.advance(minutes=2)
    assert await world.app.enqueue_due.safety_runs() == 1
    await world.settle()
    assert (await world.runs())[0].request.kind is RunKind.INCREMENTAL
    assert await world.app.enqueue_due.safety_runs() == 0


async def test_a_run_puts_the_next_safety_run_off(world: World) -> None:
    await world.connect()
    await world.advance(minutes=10)
    await world.sync(RunKind.INCREMENTAL)
    await world.advance(minutes=10)

    assert await world.app.enqueue_due.safety_runs() == 0


async def test_a_stopped_connection_is_left_alone(world: World) -> None:
    await world.connect()
    world.entra.revoked.add(world.integration_id)
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT
    world.calls.clear()

    await world.advance(days=8)
    await world.timers()
    await world.settle()
    assert world.calls == []


async def test_a_week_passes(world: World) -> None:
    """Whatever is lost meanwhile, every quarter of an hour both sides are equal again."""
    await world.connect()
    for day in range(8):
        await world.wedsync.add(f"Tasting {day}")
        await world.outlook.add(f"Dentist {day}")
        await world.quiet()
        world.post.clear()
        await timers_every_five_minutes(world, timedelta(minutes=25))
        await world.assert_equal()
        await world.advance(hours=23, minutes=30)
        await world.timers()
        await world.settle()
    assert len(await world.outlook.subscriptions()) == 1
    assert not (await world.outlook.subscriptions())[0]["expired"]


async def forgotten(world: World) -> str:
    """Graph has our subscription, and we know nothing of it, as after a crash; return its id."""
    made = await only_subscription(world)
    await world.ports.rows.remove(made)
    return made


async def test_a_subscription_that_another_worker_has_just_made_is_adopted(world: World) -> None:
    """Its row is not there yet: to somebody who is refused for it, it looks like one that was forgotten."""
    await world.connect()
    integration = await world.integration()
    await world.outlook.end_subscription(await only_subscription(world))
    await world.app.keep_up.subscribe.remove_all(world.integration_id, at_graph=False)
    found: list[bool] = []

    async def another(name: str) -> None:
        if name == "after graph POST /v1.0/subscriptions":
            world.steps.watch = None
            found.append(await world.app.keep_up.subscribe.ensure(integration))

    world.steps.watch = another
    await world.app.keep_up.subscribe.ensure(integration)

    assert found == [True]
    made = await only_subscription(world)
    await world.app.keep_up.subscribe.ensure(integration)
    assert await only_subscription(world) == made
    await world.outlook.add("Dentist")
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist"]


async def test_one_that_was_just_made_stays_where_its_client_state_cannot_be_read(world: World) -> None:
    """Some tenants take the ``clientState`` out of what is read back; its maker is about to note it."""
    await world.connect()
    integration = await world.integration()
    made = await forgotten(world)
    world.graph.subscriptions.kept[made].client_state = None

    with pytest.raises(Unavailable, match="SubscriptionContended"):
        await world.app.keep_up.subscribe.ensure(integration)
    await world.advance(minutes=2)
    assert await world.app.keep_up.subscribe.ensure(integration)
    assert await only_subscription(world) != made


async def test_what_a_crash_has_left_is_adopted(world: World) -> None:
    """409 names a subscription whose row was never written: its ``clientState`` is read back, and it works."""
    await world.connect()
    integration = await world.integration()
    await world.outlook.end_subscription(await only_subscription(world))
    await world.app.keep_up.subscribe.remove_all(world.integration_id, at_graph=False)
    await world.app.keep_up.subscribe.enqueue(integration.integration_id)
    await world.kill_after("graph POST /v1.0/subscriptions")
    (left,) = await world.outlook.subscriptions()
    await world.outlook.add("While nobody listened")
    await world.quiet()
    world.post.clear()
    await world.settle(within=timedelta(minutes=3))

    assert await only_subscription(world) == left["id"]
    await world.assert_equal()
    await world.outlook.add("Dentist")
    await world.settle()
    await world.assert_equal()


async def test_a_turn_that_fails_stands_and_is_handed_out_again(world: World) -> None:
    """Storage refuses once; ten minutes later the timer comes upon the entry once more."""
    await world.connect()
    await world.advance(minutes=16)
    assert await world.app.enqueue_due.safety_runs() == 1

    async def refuse(name: str) -> None:
        if name == "before get OutlookIntegrations":
            world.steps.watch = None
            raise Unavailable("tables")

    world.steps.watch = refuse
    await world.settle()
    assert len(await world.runs()) == 1
    await world.advance(minutes=5)
    assert await world.app.enqueue_due.safety_runs() == 0
    await world.advance(minutes=5)
    assert await world.app.enqueue_due.safety_runs() == 1
    await world.settle()
    assert len(await world.runs()) == 2


async def test_a_message_that_comes_twice_is_taken_once(world: World) -> None:
    """Queues deliver at least once; what was done has another time by then."""
    await world.connect()
    await world.advance(minutes=16)
    await world.app.enqueue_due.safety_runs()
    (message,) = world.queue.kept
    await world.settle()
    await world.run_job(message.text)
    await world.settle()
    assert len(await world.runs()) == 2


async def test_a_lost_message_of_turns_is_made_up_for(world: World) -> None:
    """It was buried after five attempts, or never arrived: within ten minutes and a tick its turns come up again."""
    await world.connect()
    await world.advance(minutes=16)
    await world.app.enqueue_due.safety_runs()
    (message,) = world.queue.kept
    world.queue.kept.clear()
    await world.app.recover_poison.run(message.text)
    assert world.queue.kept == []
    await world.advance(minutes=11)
    await world.app.enqueue_due.safety_runs()
    await world.settle()
    assert len(await world.runs()) == 2
