"""The timetable: acts by a clock that somebody moves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from local.graph.timetable import Act, Timetable


class MovedClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


async def settled(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(500):
        if look():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


async def test_a_jump_of_the_clock_starts_what_is_due_in_its_order() -> None:
    clock, done = MovedClock(), list[str]()

    def noting(name: str) -> Act:
        async def act() -> None:
            done.append(name)

        return act

    timetable = Timetable(clock)
    for name, seconds in (("later", 7200), ("soon", 600), ("too late", 90_000)):
        timetable.at(clock() + timedelta(seconds=seconds), noting(name))
    clock.move(7200)
    await settled(lambda: len(done) == 2)
    assert done == ["soon", "later"]
    await settled(lambda: timetable.waiting == 1)
    await timetable.stop()
    assert timetable.waiting == 0


async def test_a_clock_that_is_set_back_postpones_nothing() -> None:
    clock, done = MovedClock(), asyncio.Event()

    async def act() -> None:
        done.set()

    timetable = Timetable(clock)
    timetable.at(clock() + timedelta(seconds=0.2), act)
    clock.move(-86_400)
    async with asyncio.timeout(5):
        await done.wait()
    await timetable.stop()


async def test_clearing_ends_what_runs() -> None:
    clock, begun, ended = MovedClock(), asyncio.Event(), asyncio.Event()

    async def act() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    timetable = Timetable(clock)
    timetable.at(clock(), act)
    await begun.wait()
    timetable.clear()
    async with asyncio.timeout(5):
        await ended.wait()
