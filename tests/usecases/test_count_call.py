"""Counting calls: who is refused and for how long, what it costs, races, and storage that does not answer."""

import asyncio
import json
import logging
from datetime import datetime, timedelta

import pytest

from shared.core.rate_limit import RateLimit, Spent
from shared.errors import OperatorFault, StoreFault, Throttled, TooManyRequests, Unavailable
from shared.ports import Stored
from shared.service import build
from shared.store.rows import Table
from shared.usecases.count_call import CountCall
from tests.support.world import SETTINGS, World

LIMIT = RateLimit(name="runs", burst=5, every=timedelta(seconds=10))


async def called(count: CountCall, user_id: str = "ann", limit: RateLimit = LIMIT) -> int:
    """Call; return zero, or how many seconds to wait."""
    try:
        await count.run(user_id, limit)
    except TooManyRequests as refusal:
        return refusal.retry_after
    return 0


async def test_after_the_burst_a_call_waits_and_then_goes_through(world: World) -> None:
    count = world.app.count_call
    assert [await called(count) for _ in range(6)] == [0] * 5 + [10]
    await world.advance(seconds=3.5)
    assert await called(count) == 7
    await world.advance(seconds=7)
    assert [await called(count), await called(count)] == [0, 10]


async def test_users_and_limits_do_not_touch_each_other(world: World) -> None:
    count = world.app.count_call
    assert [await called(count) for _ in range(6)][-1] == 10
    assert await called(count, "marco") == 0
    assert await called(count, limit=RateLimit(name="looks", burst=5, every=timedelta(seconds=10))) == 0


async def test_a_call_costs_a_read_and_a_write_and_a_refusal_the_read(world: World) -> None:
    def asked() -> list[str]:
        found = [name.removeprefix("before ") for name in world.steps.names if name.startswith("before")]
        world.steps.names.clear()
        return found

    table = Table.RATE_LIMITS.value
    asked()
    assert await called(world.app.count_call) == 0
    assert asked() == [f"get {table}", f"insert {table}"]
    assert await called(world.app.count_call) == 0
    assert asked() == [f"get {table}", f"replace {table}"]
    for _ in range(3):
        await called(world.app.count_call)
    asked()
    assert await called(world.app.count_call) == 10
    assert asked() == [f"get {table}"]


async def test_a_flood_in_one_process_gets_the_burst_and_costs_one_read_each(world: World) -> None:
    world.steps.names.clear()
    waits = await asyncio.gather(*(called(world.app.count_call) for _ in range(100)))
    assert sorted(waits) == [0] * 5 + [10] * 95
    asked = [name for name in world.steps.names if name.startswith("before")]
    assert len(asked) == 100 + 5
    assert not world.app.count_call.turns, "nobody waits, and nothing is kept of anybody"


async def test_processes_share_the_count(world: World) -> None:
    counts = [build(SETTINGS, world.ports).count_call for _ in range(20)]
    waits = await asyncio.gather(*(called(count) for count in counts))
    assert waits.count(0) == 5, "five of twenty that come at the same moment to a process each"
    assert await called(counts[0]) == 10


async def test_five_processes_at_the_same_moment_lose_no_call(world: World) -> None:
    wide = RateLimit(name="wide", burst=100, every=timedelta(seconds=1))
    counts = [build(SETTINGS, world.ports).count_call for _ in range(5)]
    assert await asyncio.gather(*(called(count, limit=wide) for count in counts)) == [0] * 5


async def test_who_loses_every_race_is_one_of_a_flood(world: World) -> None:
    wide = RateLimit(name="wide", burst=100, every=timedelta(seconds=1))
    counts = [build(SETTINGS, world.ports).count_call for _ in range(30)]
    waits = await asyncio.gather(*(called(count, limit=wide) for count in counts))
    assert set(waits) == {0, 1}
    stored = await world.ports.limits.get("ann", "wide")
    assert stored is not None
    assert stored.value.full_at - world.clock.now() == waits.count(0) * wide.every


@pytest.mark.parametrize("fault", [Unavailable("tables"), Throttled("tables"), OperatorFault("tables"), StoreFault()])
@pytest.mark.parametrize("operation", ["get", "insert"])
async def test_storage_that_does_not_answer_lets_the_call_go_ahead_and_tells_operators(
    world: World, caplog: pytest.LogCaptureFixture, fault: Exception, operation: str
) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")

    def refuse(asked: str, table: str) -> None:
        if (asked, table) == (operation, Table.RATE_LIMITS):
            raise fault

    world.tables.before = refuse
    for _ in range(9):
        assert await called(world.app.count_call) == 0
    (line, *_) = (json.loads(record.getMessage()) for record in caplog.records if record.levelno == logging.ERROR)
    assert line == {"action": "call_not_counted", "limit": "runs", "kind": type(fault).__name__}

    world.tables.before = lambda _operation, _table: None
    assert [await called(world.app.count_call) for _ in range(6)] == [0] * 5 + [10]


async def test_a_refusal_is_logged_without_saying_who(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    for _ in range(6):
        await called(world.app.count_call, "planner-rose")
    assert "planner-rose" not in caplog.text
    assert '{"action": "call_refused", "limit": "runs", "wait_seconds": 10, "count": 1}' in caplog.text


async def test_of_a_flood_of_refusals_one_line_a_minute_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    wide = RateLimit(name="wide", burst=1, every=timedelta(hours=1))
    for _ in range(501):
        await called(world.app.count_call, limit=wide)
    await world.advance(seconds=61)
    assert await called(world.app.count_call, limit=wide)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["count"] for line in lines if line["action"] == "call_refused"] == [1, 500]


async def test_a_row_of_a_clock_that_was_ahead_keeps_nobody_out(world: World) -> None:
    spent = Spent(user_id="ann", limit="runs", full_at=world.clock.now() + timedelta(hours=1))
    await world.ports.limits.put(spent, replaces=None)
    assert await called(world.app.count_call) == 10
    await world.advance(seconds=10)
    assert [await called(world.app.count_call) for _ in range(2)] == [0, 10]


async def test_storage_that_hangs_keeps_none_of_many_calls_waiting_longer_than_counting_may_take(world: World) -> None:
    limits = _Hanging()
    count = CountCall(limits=limits, clock=world.clock)
    began = world.clock.now()
    assert set(await asyncio.gather(*(called(count) for _ in range(10)))) == {0}
    assert world.clock.now() - began <= timedelta(seconds=2)
    assert limits.asked == 1, "the others wait for their turn"
    assert not count.turns


class _Hanging:
    """``RateLimits`` of a storage that takes a request and never answers."""

    asked = 0

    async def get(self, user_id: str, limit: str) -> Stored[Spent] | None:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError(user_id, limit)

    async def put(self, spent: Spent, *, replaces: Stored[Spent] | None) -> Stored[Spent]:
        raise AssertionError(spent, replaces)

    async def forget_full(self, before: datetime, *, limit: int = 1000) -> int:
        raise AssertionError(before, limit)


async def test_what_counts_no_more_goes_at_night(world: World) -> None:
    for user_id in ("ann", "marco"):
        await called(world.app.count_call, user_id)
    await world.advance(seconds=9)
    await called(world.app.count_call, "marco")
    await world.advance(seconds=2)
    await world.timers()
    assert [row.columns["userId"] for row in world.tables.contents()[Table.RATE_LIMITS]] == ["marco"]
    assert await called(world.app.count_call) == 0


async def test_a_night_forgets_all_users_a_page_at_a_time(world: World) -> None:
    for number in range(2500):
        spent = Spent(user_id=f"user-{number}", limit="runs", full_at=world.clock.now())
        await world.ports.limits.put(spent, replaces=None)
    await world.advance(seconds=1)
    world.steps.names.clear()
    assert await world.app.count_call.forget_full() == 2500
    assert world.tables.contents().get(Table.RATE_LIMITS, []) == []
    asked = [name for name in world.steps.names if name.startswith("before")]
    assert asked.count(f"before query {Table.RATE_LIMITS}") <= 2 * 3
    assert len(asked) <= 2500 + 6
    assert await world.app.count_call.forget_full() == 0
