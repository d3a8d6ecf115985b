"""A run while it is at work: what goes on at the same time, what is sent again, and what becomes of it when it dies."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from shared.core.history import SyncRun
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import MappingState, RunState
from shared.store.rows import Table
from shared.usecases.dead_runs import ABANDONED
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.test_run_goes_on import row_of, slow, started

BATCH = "graph POST /v1.0/$batch"


async def pushes(world: World, count: int) -> None:
    """So many new events of WedSync's, of which nobody was told."""
    await world.connect()
    for number in range(count):
        await world.wedsync.add(f"Tasting {number}")
    await world.quiet()
    world.post.clear()


# --- At the same time -------------------------------------------------------------------------------------------


async def test_one_batch_is_in_flight_while_its_neighbours_are_stored(world: World) -> None:
    """Ten batches of half a second each; storage takes its time too, and none of it is waited for between them."""
    await pushes(world, 200)
    await slow(world)
    clock = asyncio.get_running_loop().time
    flying, most, spans = 0, 0, []

    async def watch(name: str) -> None:
        nonlocal flying, most
        if name == f"before {BATCH}":
            flying, most = flying + 1, max(most, flying + 1)
            spans.append([clock()])
        elif name == f"after {BATCH}":
            flying -= 1
            spans[-1].append(clock())
        elif name.startswith("before transact"):
            await asyncio.sleep(0.15)

    world.steps.watch = watch
    await world.sync()
    world.steps.watch = None

    assert most == 1, "one $batch at a time"
    assert len(spans) == 10
    at_work = sum(end - start for start, end in spans)
    assert at_work == pytest.approx(200 * 0.1 / 4, abs=0.01)
    assert spans[-1][1] - spans[0][0] == pytest.approx(at_work, abs=0.1), "nothing is waited for between two batches"
    await world.assert_equal()


async def test_the_next_is_prepared_and_the_last_is_noted_meanwhile(world: World) -> None:
    await pushes(world, 100)
    await slow(world)
    flights: list[Counter[MappingState]] = []
    flying = False

    async def watch(name: str) -> None:
        nonlocal flying
        if name == f"before {BATCH}":
            flying = True
            flights.append(Counter())
        elif name == f"after {BATCH}":
            flying = False
            flights[-1].update(each.state for each in await world.mappings())

    world.steps.watch = watch
    await world.sync()
    world.steps.watch = None
    linked = [flight[MappingState.LINKED] for flight in flights]
    intents = [flight[MappingState.INTENT] for flight in flights]
    assert linked == [0, 20, 40, 60, 80], "what the batch before has made is noted by the time that one ends"
    assert intents == [40, 40, 40, 40, 20], "its own, and those of the next"
    await world.assert_equal()


# --- Sent again -------------------------------------------------------------------------------------------------


async def batches(world: World) -> list[list[tuple[str, int]]]:
    """Return what each batch since the log was cleared held: method and status of its items."""
    found: dict[int, list[tuple[str, int]]] = {}
    for request in (await world.outlook.control("GET", "/requests"))["requests"]:
        if request["part_of"] is not None:
            found.setdefault(request["part_of"], []).append((request["method"], request["status"]))
    return [sorted(items) for _, items in sorted(found.items())]


@pytest.mark.parametrize("wait", [1, 4, 5])
async def test_only_the_items_that_were_throttled_are_sent_again(world: World, wait: int) -> None:
    await pushes(world, 20)
    await world.outlook.fault(
        action="status", method="POST", status=429, code="ApplicationThrottled", retry_after=wait, item=".*", after=17
    )
    await world.outlook.control("GET", "/requests?clear=1")
    run = await started(world)
    message = world.queue.next()
    assert message is not None

    async def relent(name: str) -> None:
        if name == f"after {BATCH}":
            world.steps.watch = None
            await world.outlook.clear_faults()

    world.steps.watch = relent
    await world.carry_out(message)

    assert await batches(world) == [[("POST", 201)] * 17 + [("POST", 429)] * 3, [("POST", 201)] * 3]
    assert (await row_of(world, run)).tally.created == 20
    assert len(await world.outlook.events()) == 20
    await world.settle()
    await world.assert_equal()


async def test_a_write_that_finds_another_version_again_and_again_waits_longer_each_time(
    world: World, ours: Pair
) -> None:
    """Once again at once, then after 2, 10 and 60 seconds; then it is set aside."""
    await world.outlook.knobs(spurious412=1000)
    await ours.here(title="Cake tasting")
    await world.quiet()
    for letter in list(world.post):
        await world.deliver(letter)
    world.calls.clear()
    delays: list[int] = []
    tries: list[list[str]] = []
    while (message := world.queue.next()) is not None:
        delays.append(round(message.due - asyncio.get_running_loop().time()))
        await world._next_job(world.clock.now() + timedelta(hours=1))
        tries.append([call.method for call in world.calls])
        world.calls.clear()

    assert delays == [0, 2, 10, 60]
    assert tries == [["PATCH", "GET", "PATCH"]] * 4
    assert (await world.mapping_of(ours.wedsync_id)).quarantine == "It keeps changing while it is synced."
    await world.outlook.knobs(spurious412=0)
    await world.sync()
    await world.assert_equal()


# --- A token that Graph cannot read -----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["abc", ""])
async def test_a_malformed_token_leads_to_a_full_round(world: World, ours: Pair, theirs: Pair, token: str) -> None:
    link = (await world.integration()).delta_link
    address, _, whole = link.partition("$deltatoken=")
    assert whole
    await ours.here(title="Cake tasting")
    await theirs.there(subject="Dentist, upper floor")
    await world.outlook.remove((await world.outlook.add("Never heard of"))["id"])
    await world.quiet()
    world.post.clear()
    await world.change_integration(delta_link=f"{address}$deltatoken={token or whole[:-3]}")
    await world.outlook.control("GET", "/requests?clear=1")

    run = await world.sync(RunKind.INCREMENTAL)

    assert (run.state, run.tally.updated, run.tally.errors) == (RunState.COMPLETED, 2, 0)
    asked: list[dict[str, Any]] = (await world.outlook.control("GET", "/requests"))["requests"]
    rounds = [each["status"] for each in asked if "calendarView/delta" in each["path"]]
    assert rounds == [400, 200], "refused once, then read from the beginning"
    await world.assert_equal()
    run = await world.sync(RunKind.INCREMENTAL)
    assert (run.tally.updated, run.tally.graph_requests) == (0, 1), "the new token is good"


# --- Dead -------------------------------------------------------------------------------------------------------


async def died(world: World, kind: RunKind) -> SyncRun:
    """Have a run die with its process in the middle of its writes; its message is lost as well."""
    await pushes(world, 45)
    run = await started(world, kind)
    await world.kill_after(BATCH)
    world.queue.kept.clear()
    assert (await row_of(world, run)).state is RunState.IN_PROGRESS
    await world.advance(minutes=3)
    return run


async def test_a_dead_run_is_shown_as_failed_and_what_nobody_else_does_is_asked_for_again(world: World) -> None:
    dead = await died(world, RunKind.FULL)
    integration = await world.integration()
    after = await world.app.request_sync.start(
        integration, kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.SCHEDULED
    )
    await world.settle()

    ended = await row_of(world, dead)
    assert (ended.state, ended.outcome) == (RunState.FAILED, ABANDONED)
    assert ended.completed_at is not None
    runs = await world.runs()
    again = [run for run in runs if run.request == dead.request and run.run_id != dead.run_id]
    assert [run.state for run in again] == [RunState.COMPLETED], "a full run was asked for, and is made"
    assert again[0].queued_at >= after.queued_at
    await world.assert_equal()


async def test_a_dead_run_is_not_asked_for_again_where_the_next_does_its_work(world: World) -> None:
    dead = await died(world, RunKind.INCREMENTAL)
    known = {run.run_id for run in await world.runs()}
    after = await started(world, RunKind.FULL)
    await world.settle()

    ended = await row_of(world, dead)
    assert (ended.state, ended.outcome) == (RunState.FAILED, ABANDONED)
    new = [run for run in await world.runs() if run.run_id not in known]
    assert [run.run_id for run in new if run.request.kind is not RunKind.WEBHOOK] == [after.run_id]
    assert Table.RUN_ITEMS not in world.tables.contents()
    await world.assert_equal()
