"""How long a subscription lives is what Graph says, not what was asked for; half of it passes before it is renewed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.core.jobs import RunKind
from shared.core.states import IntegrationState, SubscriptionState
from shared.core.subscription import Subscription
from shared.store.rows import Table
from shared.usecases.due_kinds import PRUNE, RENEWAL
from tests.support.world import World


async def ours(world: World) -> Subscription:
    (row,) = await world.ports.rows.of_integration(world.integration_id)
    return row.value


async def at_graph(world: World) -> datetime:
    (there,) = await world.outlook.subscriptions()
    return datetime.fromisoformat(there["expirationDateTime"])


def due_at(world: World) -> datetime:
    rows = [row for row in world.tables.contents()[Table.DUE] if row.partition.startswith(f"d|{RENEWAL}|")]
    (row,) = rows
    return datetime.fromisoformat(str(row.columns["at"]))


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "clipped"])
async def test_its_end_is_the_one_that_graph_has_given_it(world: World, refused: bool) -> None:
    """It may be clipped without a word: whoever notes what they asked for renews one that has long ended."""
    await world.outlook.knobs(maxSubscriptionMinutes=2880, refuseLongSubscriptions=refused)
    await world.connect()
    made = await ours(world)
    assert made.expires_at == await at_graph(world) <= world.clock.now() + timedelta(days=2)
    assert world.clock.now() + timedelta(hours=11) < due_at(world) < made.expires_at

    await world.advance(days=1, hours=12)
    await world.timers()
    await world.settle(within=timedelta(minutes=1))
    renewed = await ours(world)
    assert renewed.subscription_id == made.subscription_id
    assert renewed.expires_at == await at_graph(world) > made.expires_at


async def test_each_life_is_lived_by_half_however_often_it_was_renewed(world: World) -> None:
    await world.outlook.knobs(maxSubscriptionMinutes=2880)
    await world.connect()
    for _ in range(6):
        before = await ours(world)
        while (await ours(world)).expires_at == before.expires_at:
            await world.advance(hours=1)
            await world.app.enqueue_due.renewals()
            await world.settle(within=timedelta(minutes=1))
        renewed = await ours(world)
        assert renewed.granted_at is not None
        assert world.clock.now() - renewed.granted_at <= timedelta(minutes=1)
        life = renewed.expires_at - renewed.granted_at
        assert due_at(world) - renewed.granted_at >= life / 2 - timedelta(minutes=1)


async def test_one_that_another_worker_makes_while_the_list_is_read_is_no_stray(world: World) -> None:
    """The daily comparison knew the one before it; the new one is in Graph's list, and was noted a moment later."""
    await world.connect()
    integration, subscribe = await world.integration(), world.app.keep_up.subscribe
    made: list[str] = []

    async def another(name: str) -> None:
        if name == "before graph GET /v1.0/subscriptions":
            world.steps.watch = None
            (row,) = await world.ports.rows.of_integration(world.integration_id)
            await world.ports.rows.put(replace(row.value, state=SubscriptionState.LAPSED))
            assert await subscribe.ensure(integration)
            made.append((await ours(world)).subscription_id)

    world.steps.watch = another
    assert not await subscribe.check(integration)
    assert made == [(await ours(world)).subscription_id]
    assert [each["id"] for each in await world.outlook.subscriptions() if not each["expired"]] == made


async def test_of_two_that_nobody_remembers_the_one_to_the_calendar_is_adopted(world: World) -> None:
    """The other is to a calendar that was synced before: what it tells of would be of no use."""
    await world.connect()
    integration, home = await world.integration(), world.integration_id
    await world.app.keep_up.subscribe.remove_all(home, at_graph=True)
    other = next(
        each for each in await world.ports.outlook.calendars(home) if each.calendar_id != integration.calendar_id
    )
    end = world.clock.now() + timedelta(days=3)
    made = [
        await world.ports.subscriptions.create(
            home, calendar_id=calendar_id, client_state=f"secret of {number}", expires_at=end
        )
        for number, calendar_id in enumerate((other.calendar_id, integration.calendar_id))
    ]
    await world.app.keep_up.subscribe.ensure(integration)
    adopted = await ours(world)
    assert adopted.subscription_id == made[1].subscription_id
    await world.outlook.add("Dentist")
    await world.settle(within=timedelta(minutes=1))
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist"]


async def unheard(world: World, subject: str) -> None:
    """Something happens in Outlook, and nobody is told of it for a while."""
    await world.outlook.add(subject)
    await world.quiet()
    world.post.clear()
    await world.advance(minutes=8)


async def test_a_run_that_its_user_asked_for_is_no_judge_of_the_channel(world: World) -> None:
    """They may have been quicker than the notification."""
    await world.connect()
    await unheard(world, "Dentist")
    assert (await world.sync(RunKind.INCREMENTAL)).tally.created == 1
    assert (await ours(world)).missed_at is None


@pytest.mark.parametrize("anew", [False, True])
async def test_a_channel_is_not_to_blame_for_what_was_before_it(world: World, anew: bool) -> None:
    await world.connect()
    before = await ours(world)
    await unheard(world, "Dentist")
    if anew:
        await world.outlook.end_subscription(before.subscription_id)
        await world.app.keep_up.subscribe.ensure(await world.integration(), renew=True)
    await world.advance(minutes=9)
    await world.app.enqueue_due.safety_runs()
    await world.settle(within=timedelta(seconds=20))
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist"]
    assert ((await ours(world)).missed_at is None) is anew


@pytest.mark.parametrize("doubted", [False, True])
async def test_one_that_is_doubted_is_renewed_though_graph_lists_it(world: World, doubted: bool) -> None:
    """Renewing authorizes it anew, which is what a muted one may need."""
    await world.connect()
    if doubted:
        await world.ports.rows.put(replace(await ours(world), missed_at=world.clock.now()))
    await world.outlook.requests()
    assert not await world.app.keep_up.subscribe.check(await world.integration())
    assert [line.split()[0] for line in await world.outlook.requests()] == ["GET", "PATCH"][: 1 + doubted]


async def test_a_paused_connection_without_history_is_pruned_again_when_there_is_some(world: World) -> None:
    await world.connect()
    await world.change_integration(state=IntegrationState.PAUSED)
    for _ in range(15):
        await world.advance(days=7)
        await world.app.enqueue_due.prunings()
        await world.settle(within=timedelta(minutes=1))
    assert await world.ports.runs.history(world.integration_id, 1) == ()
    rows = [row for row in world.tables.contents()[Table.DUE] if row.partition.startswith(f"d|{PRUNE}|")]
    assert len(rows) == 1
