"""A scenario, killed at any I/O.

A point is an I/O number: the process dies as it is about to send it, all before it having been sent. To die when the
answer to an I/O arrives is to die before the next one is sent, so that only the last of all has that point too. For
each point: arrange, let a process work and die there, start another one and let it work until nothing is left, then
read both calendars.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.crash.outside import Forks, Outside
from tests.crash.scenarios import Scenario
from tests.support.patient_loop import PatientLoop
from tests.support.world import World


class Mark(StrEnum):
    """How it ended."""

    CLEAN = "."
    ASKED_AGAIN = "u"
    BY_TIMER = "t"
    DIRTY = "X"


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where the process dies; ``sent`` tells the arrival of the answer from the moment before the request."""

    io: int
    sent: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of it. ``at`` names the I/O; ``findings`` say what was wrong where it is dirty."""

    point: Point
    mark: Mark
    at: str
    findings: tuple[str, ...] = ()


async def uncrashed(scenario: Scenario, forks: Forks) -> list[str]:
    """Return the names of all I/O of a process that nothing happens to; it must end clean."""
    async with World() as world:
        await scenario.arrange(world)
        outside = Outside(world, forks)
        await outside.work_off(asking=await scenario.request(world))
        assert (found := await scenario.faults(world)) == [], found
        return outside.ios


async def crashed(scenario: Scenario, forks: Forks, point: Point) -> Result:
    """Die at the point, start again, and read what came of it."""
    async with World() as world:
        await scenario.arrange(world)
        outside = Outside(world, forks)
        request = await scenario.request(world)
        died = await outside.work_off(asking=request, io=point.io, sent=point.sent)
        at = outside.ios[-1] if outside.ios else "nothing"
        assert died, f"{scenario.name}: no I/O has the number {point.io}"
        await outside.work_off()
        if not (found := await scenario.faults(world)):
            return Result(point=point, mark=Mark.CLEAN, at=at)
        if request is not None:
            await outside.work_off(asking=await scenario.request(world))
            if not (found := await scenario.faults(world)):
                return Result(point=point, mark=Mark.ASKED_AGAIN, at=at)
        await world.advance(minutes=16)
        await outside.work_off(asking=("timers", None))
        found = await scenario.faults(world)
        return Result(point=point, mark=Mark.DIRTY if found else Mark.BY_TIMER, at=at, findings=tuple(found))


def all_points(names: list[str]) -> list[Point]:
    """Return every point of a process that does these I/Os."""
    return [*(Point(io=number) for number in range(1, len(names) + 1)), Point(io=len(names), sent=True)]


def run(scenario: Scenario, points: Iterable[Point]) -> list[Result]:
    """Carry out some points in this process."""

    async def each() -> list[Result]:
        with Forks() as forks:
            return [await crashed(scenario, forks, point) for point in points]

    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(each())


def names_of(scenario: Scenario) -> list[str]:
    """Return the I/O of the scenario when nothing happens to it."""

    async def look() -> list[str]:
        with Forks() as forks:
            return await uncrashed(scenario, forks)

    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(look())
