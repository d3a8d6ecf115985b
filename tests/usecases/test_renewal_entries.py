"""What the list of due things holds of subscriptions: one entry for the one that lives, none for any that is gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.jobs import UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState
from shared.ports import Due
from shared.store.messages import to_texts
from shared.store.rows import Row, Table
from shared.usecases.due_kinds import CHECK, RENEWAL, SAFETY
from shared.usecases.renew_token import IDLE
from tests.support.world import World

GRAPH_RENEWS = "graph PATCH /v1.0/subscriptions"


def entries(world: World, kind: str) -> list[Row]:
    """The entries and what remembers them, but not how far the timer has come."""
    found = [row for row in world.tables.contents()[Table.DUE] if not row.partition.startswith("h|")]
    return [row for row in found if kind in row.partition or row.key.startswith(kind)]


async def the_subscription(world: World) -> str:
    (row,) = await world.ports.rows.of_integration(world.integration_id)
    return row.value.subscription_id


async def ticks(world: World, count: int, *, twice: bool = False) -> None:
    """Let timers fire every half hour; ``twice``: each of their messages is delivered a second time, after all else."""
    for _ in range(count):
        await world.advance(minutes=30)
        await world.timers()
        messages = [message.text for message in world.queue.kept]
        await world.settle(within=timedelta(minutes=1))
        for text in messages if twice else ():
            await world.run_job(text)
        await world.settle(within=timedelta(minutes=1))


@pytest.mark.parametrize("twice", [False, True])
async def test_of_subscriptions_that_were_lost_no_entry_is_left(world: World, twice: bool) -> None:
    """One is lost each week and another made; what timers hand out may be delivered again when all is done."""
    await world.connect()
    for _ in range(5):
        lost = await the_subscription(world)
        await world.outlook.end_subscription(lost)
        await world.advance(days=6)
        await ticks(world, 6, twice=twice)
        assert await the_subscription(world) != lost
        assert [row for row in entries(world, RENEWAL) if lost in row.key] == []
        assert len(entries(world, RENEWAL)) == 2, "the entry, and what remembers it"


async def test_a_renewal_that_ends_before_its_turn_does_leaves_no_entry_for_long(world: World) -> None:
    """The job finds the subscription gone and takes the entry away; then the turn, which put the job, enters it."""
    await world.connect()
    lost = await the_subscription(world)
    await world.outlook.end_subscription(lost)
    await world.advance(days=6)
    overtaken: list[str] = []

    async def at_once(name: str) -> None:
        if name == "after put outlook-upkeep-jobs" and any('"renew"' in each.text for each in world.queue.kept):
            world.steps.watch = None
            overtaken.append(lost)
            (message,) = [each for each in world.queue.kept if '"renew"' in each.text]
            await world.carry_out(message)

    world.steps.watch = at_once
    await world.timers()
    await world.settle(within=timedelta(minutes=1))
    assert overtaken == [lost]
    await ticks(world, 4)
    assert [row for row in entries(world, RENEWAL) if lost in row.key] == []
    await world.outlook.requests()
    await ticks(world, 8)
    assert [asked for asked in await world.outlook.requests() if "PATCH" in asked] == []


async def test_of_a_connection_that_has_ended_no_entry_is_left(world: World) -> None:
    await world.connect()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert (await world.integration()).state is IntegrationState.DISCONNECTED
    assert entries(world, RENEWAL) == [], "at once, and not only when its turn comes"
    await world.advance(days=8)
    await ticks(world, 3, twice=True)
    assert [entries(world, kind) for kind in (RENEWAL, CHECK, SAFETY)] == [[], [], []]


async def test_many_reconnections_leave_one_entry(world: World) -> None:
    for _ in range(4):
        await world.connect()
        await world.app.disconnect.by_user(world.planner.user_id)
        await world.settle()
    await world.connect()
    await world.advance(days=8)
    await ticks(world, 3, twice=True)
    (row,) = [row for row in entries(world, RENEWAL) if row.partition.startswith("d|")]
    assert await the_subscription(world) in row.key


async def test_what_a_crash_left_half_entered_is_handed_out(world: World) -> None:
    """The entry was written and the process died before it was remembered: nobody knows better, so it stands."""
    entry = Due(kind=RENEWAL, integration_id="i", at=world.clock.now())
    assert await world.crashes(lambda: world.ports.due.put(entry), at=5)
    assert world.steps.killed == "before insert OutlookDue"
    assert len(entries(world, RENEWAL)) == 1
    assert await world.ports.due.stands(entry)
    await world.ports.due.done(entry)
    assert not await world.ports.due.stands(entry)


@pytest.mark.parametrize("at", range(1, 26, 2))
async def test_a_turn_is_taken_although_its_process_died(world: World, at: int) -> None:
    """First it is seen to, then it is entered anew: whoever dies in between leaves it standing, and it comes again."""
    await world.connect()
    await world.advance(minutes=16)
    assert await world.app.enqueue_due.safety_runs() == 1
    (message,) = world.queue.kept
    await world.crashes(lambda: world.run_job(message.text), at=at)
    await world.settle(within=timedelta(minutes=1))
    assert len(await world.runs()) >= 2, "the first was the one of connecting"
    assert len([row for row in entries(world, SAFETY) if row.partition.startswith("d|")]) == 1


async def test_who_replaces_an_entry_does_not_take_away_the_same_one_entered_anew(world: World) -> None:
    """It was moved on, and moved back before the old entry could be removed: what is there now is another's."""
    early = Due(kind=RENEWAL, integration_id="i", at=world.clock.now())
    late = replace(early, at=early.at + timedelta(hours=1))
    await world.ports.due.put(early)

    async def moved_back(name: str) -> None:
        if name == "before delete OutlookDue":
            world.steps.watch = None
            await world.ports.due.put(early)

    world.steps.watch = moved_back
    await world.ports.due.put(late)
    (row,) = [row for row in entries(world, RENEWAL) if row.partition.startswith("d|")]
    assert row.columns["at"] == next(row.columns["at"] for row in entries(world, RENEWAL) if row.partition == "p|i")


async def test_a_disconnect_that_failed_for_good_goes_on_later(world: World) -> None:
    await world.connect()
    job = UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.DISCONNECT, subject="run")
    (text,) = to_texts(job)
    await world.app.recover_poison.run(text)
    assert world.queue.kept == [], "it is connected: there is nothing to go on with"
    await world.change_integration(state=IntegrationState.DISCONNECTING)
    await world.app.recover_poison.run(text)
    (message,) = world.queue.kept
    assert world.app.jobs.parse(message.text) == replace(job, attempt=1)
    assert message.due - asyncio.get_running_loop().time() == 300


def test_a_dozen_attempts_fit_before_an_idle_grant_ends() -> None:
    """https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime"""
    assert timedelta(days=90) / 12 > IDLE
