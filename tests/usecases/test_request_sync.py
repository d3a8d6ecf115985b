"""A run that is asked for: once for a key, once while the same waits, whoever asks at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared.core.history import SyncRun
from shared.core.integration import Direction
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.states import IntegrationState, RunState
from shared.errors import StateConflict, Unprocessable
from tests.support.values import run
from tests.support.world import World

FULL = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
CHANGES = replace(FULL, kind=RunKind.INCREMENTAL)


def starter(world: World, request: RunRequest = FULL) -> Callable[..., Awaitable[SyncRun]]:
    return partial(world.app.request_sync.by_user, world.planner.user_id, request)


async def waiting(world: World) -> list[str]:
    return [run.run_id for run in await world.runs() if run.state is RunState.QUEUED]


async def test_a_repeated_key_returns_its_run_whatever_became_of_it(world: World) -> None:
    await world.connect()
    start = starter(world)
    first = await start(idempotency_key="once")
    assert (await start(idempotency_key="once")).run_id == first.run_id
    await world.settle()
    after = await start(idempotency_key="once")
    assert (after.run_id, after.state) == (first.run_id, RunState.COMPLETED)
    assert await waiting(world) == []
    await world.advance(days=80)
    assert (await start(idempotency_key="once")).run_id == first.run_id
    assert (await start(idempotency_key="twice")).run_id != first.run_id


async def test_a_key_stands_for_one_request(world: World) -> None:
    await world.connect()
    await starter(world)(idempotency_key="k")
    await world.settle()
    with pytest.raises(Unprocessable, match="another sync") as refused:
        await starter(world, CHANGES)(idempotency_key="k")
    assert refused.value.code == "idempotency_key_reused"
    assert await waiting(world) == []


async def test_what_a_caller_leaves_open_may_be_filled_in_otherwise(world: World) -> None:
    """The same body, after the connection was set to one direction."""
    await world.connect()
    first = await starter(world)(idempotency_key="k", asked="{}")
    narrowed = replace(FULL, direction=Direction.TO_OUTLOOK)
    assert (await starter(world, narrowed)(idempotency_key="k", asked="{}")).run_id == first.run_id


async def test_fresh_keys_join_the_run_that_waits(world: World) -> None:
    await world.connect()
    asked = [await starter(world)(idempotency_key=f"key {n}") for n in range(20)]
    asked.append(await starter(world)())
    (run_id,) = {run.run_id for run in asked}
    assert await waiting(world) == [run_id]
    other = await starter(world, CHANGES)(idempotency_key="another wish")
    assert set(await waiting(world)) == {run_id, other.run_id}
    await world.settle()
    # A key that joined goes on standing for the run that it joined.
    assert {(await starter(world)(idempotency_key=f"key {n}")).run_id for n in range(20)} == {run_id}
    with pytest.raises(Unprocessable):
        await starter(world, CHANGES)(idempotency_key="key 7")


@pytest.mark.parametrize("keys", [("a", "a"), ("a", "b"), ("", "a"), ("", ""), ("a", "b", "", "a", "c")])
async def test_calls_at_the_same_time_make_one_run(world: World, keys: tuple[str, ...]) -> None:
    await world.connect()
    for turn in range(3):  # and again once that has ended
        start = starter(world)
        runs = await asyncio.gather(*(start(idempotency_key=key and f"{key} {turn}") for key in keys))
        (run_id,) = {run.run_id for run in runs}
        assert await waiting(world) == [run_id]
        await world.settle()
        (done,) = [run for run in await world.runs() if run.run_id == run_id]
        assert done.state is RunState.COMPLETED


async def test_one_key_for_two_wishes_at_the_same_time_starts_one_of_them(world: World) -> None:
    await world.connect()
    both = (starter(world)(idempotency_key="k"), starter(world, CHANGES)(idempotency_key="k"))
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert [type(each).__name__ for each in answers].count("Unprocessable") == 1
    assert len(await waiting(world)) == 1


async def test_different_wishes_at_the_same_time_are_different_runs(world: World) -> None:
    await world.connect()
    full, changes = await asyncio.gather(starter(world)(), starter(world, CHANGES)())
    assert full.run_id != changes.run_id
    assert set(await waiting(world)) == {full.run_id, changes.run_id}


async def test_a_run_that_has_begun_is_not_joined(world: World) -> None:
    await world.connect()
    first = await starter(world)()
    stored = await world.ports.runs.get(world.integration_id, first.run_id)
    assert stored is not None
    await world.ports.runs.save(replace(stored, value=replace(first, state=RunState.IN_PROGRESS)))
    assert (await starter(world)()).run_id != first.run_id


async def test_a_run_that_ended_out_of_sight_is_not_taken_for_a_new_one(world: World) -> None:
    """Runs that a clock ahead of ours has dated hide it: what is seen is what was seen when it was begun."""
    await world.connect()
    ahead = world.clock.now() + timedelta(hours=1)
    for _ in range(10):
        hiding = run(integration_id=world.integration_id, queued_at=ahead, state=RunState.COMPLETED)
        await world.ports.runs.insert(hiding)
    first = await starter(world)()
    await world.settle(within=timedelta(minutes=10))
    assert (await starter(world)()).run_id != first.run_id
    assert (await starter(world)(idempotency_key="k")).run_id != first.run_id


async def test_a_run_whose_message_was_lost_is_woken_by_the_next_call(world: World) -> None:
    await world.connect()
    first = await starter(world)()
    world.queue.kept.clear()
    assert (await starter(world)()).run_id == first.run_id
    await world.settle()
    assert await waiting(world) == []


@pytest.mark.parametrize("at", range(16))
async def test_a_crash_in_between_leaves_a_key_that_can_be_used_again(world: World, at: int) -> None:
    await world.connect()
    start = partial(starter(world), idempotency_key="k")
    await world.crashes(start, at=at)
    run = await start()
    assert await waiting(world) == [run.run_id]
    await world.settle()
    assert (await start()).state is RunState.COMPLETED
    assert len([each for each in await world.runs() if each.request == FULL]) == 1


async def test_a_repeated_key_is_answered_while_the_sync_is_paused(world: World) -> None:
    """The answer of the first call is what its caller did not get."""
    await world.connect()
    first = await starter(world)(idempotency_key="k")
    await world.settle()
    stored = await world.ports.integrations.of_user(world.planner.user_id)
    assert stored is not None
    await world.ports.integrations.save(replace(stored, value=replace(stored.value, state=IntegrationState.PAUSED)))
    assert (await starter(world)(idempotency_key="k")).run_id == first.run_id
    with pytest.raises(StateConflict, match="not syncing"):
        await starter(world)(idempotency_key="another")
    with pytest.raises(StateConflict, match="not syncing"):
        await starter(world)()


@pytest.mark.parametrize("at", range(16))
async def test_a_key_whose_run_a_crash_prevented_starts_none_while_the_sync_is_paused(world: World, at: int) -> None:
    await world.connect()
    start = partial(starter(world), idempotency_key="k")
    await world.crashes(start, at=at)
    stored = await world.ports.integrations.of_user(world.planner.user_id)
    assert stored is not None
    await world.ports.integrations.save(replace(stored, value=replace(stored.value, state=IntegrationState.PAUSED)))
    before = [run.run_id for run in await world.runs()]
    with suppress(StateConflict):
        assert (await start()).run_id in before
    assert [run.run_id for run in await world.runs()] == before


async def test_a_key_of_an_earlier_connection_stands_for_nothing(world: World) -> None:
    await world.connect()
    first = await starter(world)(idempotency_key="k")
    await world.settle()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    await world.connect()
    again = await starter(world)(idempotency_key="k")
    assert again.run_id != first.run_id
    assert again.state is RunState.QUEUED


async def test_keys_are_forgotten_with_the_history(world: World) -> None:
    await world.connect()
    first = await starter(world)(idempotency_key="k")
    await world.settle()
    before = world.clock.now() + timedelta(seconds=1)
    assert await world.ports.runs.forget_before(world.integration_id, before) > 1
    again = await starter(world, CHANGES)(idempotency_key="k")
    assert again.run_id != first.run_id
