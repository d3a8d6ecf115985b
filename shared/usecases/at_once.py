"""Several things at the same time, and the first error that matters."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def some_at_once(steps: Sequence[Callable[[], Awaitable[None]]], most: int) -> None:
    """Run all, so many at a time; the first error ends the rest."""
    todo = iter(steps)

    async def worker() -> None:
        for step in todo:
            await step()

    await all_of([worker() for _ in range(min(most, len(steps)))])


async def both(left: Awaitable[A], right: Awaitable[B]) -> tuple[A, B]:
    """Return what both return; an error in one ends the other."""
    answers: list[object] = [None, None]

    async def one(place: int, work: Awaitable[object]) -> None:
        answers[place] = await work

    await all_of([one(0, left), one(1, right)])
    return answers[0], answers[1]  # type: ignore[return-value]


async def all_of(work: Sequence[Awaitable[None]]) -> None:
    """Await all at the same time; the first error ends the others and is raised by itself."""

    async def one(each: Awaitable[None]) -> None:
        await each

    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(one(each))
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None  # the others are of its kind, or were cancelled for its sake
