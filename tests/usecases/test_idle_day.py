"""What a connection costs in a day in which nothing happens: the figures that docs/scaling.md multiplies."""

from datetime import timedelta

from tests.support.figures import GRAPH_IDLE, JOBS_A_DAY, LISTS_A_DAY, RUNS_A_DAY, STORED_IDLE, WEDSYNC_IDLE
from tests.support.world import World
from tests.usecases.counting import CALENDAR_DELTA, counted

MINUTES = 24 * 60
TIMERS_ONLY = {"query OutlookDue": 2, "query OutlookAuthStates": 1, "query OutlookRateLimits": 1}
"""What the timers read, which does not grow with the connections; beside each page of what is due one more row."""


async def test_a_day_in_which_nothing_happens(world: World) -> None:
    await world.connect()
    await world.advance(hours=1)
    await world.timers()
    await world.settle(within=timedelta(seconds=20))
    async with counted(world) as counts:
        for _ in range(MINUTES):
            await world.advance(minutes=1)
            await world.timers()
            await world.settle(within=timedelta(seconds=20))

    assert RUNS_A_DAY * 0.85 <= counts.graph[CALENDAR_DELTA] <= RUNS_A_DAY
    assert counts.graph["GET /v1.0/subscriptions"] == LISTS_A_DAY
    assert counts.graph.total() <= GRAPH_IDLE
    assert counts.wedsync.total() <= WEDSYNC_IDLE
    assert (
        counts.storage.total() - sum(counts.storage[name] * rows for name, rows in TIMERS_ONLY.items()) <= STORED_IDLE
    )
    assert counts.storage["put outlook-run-jobs"] <= RUNS_A_DAY
    # Alone in the tables, each connection has its timers' messages for itself.
    assert counts.storage["put outlook-upkeep-jobs"] <= JOBS_A_DAY
    await world.assert_equal()
