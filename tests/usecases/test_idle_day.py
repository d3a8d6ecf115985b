"""What a connection costs in a day in which nothing happens: the figures that docs/scaling.md multiplies."""

from datetime import timedelta

from tests.support.world import World
from tests.usecases.counting import CALENDAR_DELTA, counted

MINUTES = 24 * 60
SAFETY_RUNS = MINUTES // 15
GRAPH_A_DAY = 100
STORAGE_A_RUN = 31
"""Storage operations for a scheduled run that finds nothing, from the timer's message to the next entry."""


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

    assert SAFETY_RUNS * 0.85 <= counts.graph[CALENDAR_DELTA] <= SAFETY_RUNS
    assert counts.graph["GET /v1.0/subscriptions"] == 1, "compared once a day"
    assert counts.graph.total() <= GRAPH_A_DAY
    assert counts.wedsync.total() <= SAFETY_RUNS

    # Beside what the timers read, which does not grow with the connections.
    own = counts.storage.total() - counts.storage["query OutlookDue"] * 2 - counts.storage["query OutlookAuthStates"]
    assert own <= SAFETY_RUNS * STORAGE_A_RUN
    assert counts.storage["put outlook-run-jobs"] + counts.storage["put outlook-upkeep-jobs"] <= 2 * SAFETY_RUNS + 4
    await world.assert_equal()
