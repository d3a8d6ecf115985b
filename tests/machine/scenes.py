"""What all plays that are written down have in common."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from shared.core.jobs import RunKind
from tests.machine.play import Play
from tests.machine.sight import OUTLOOK, SIDES
from tests.support.calendars import Vanished

Scene = Callable[[Play], Awaitable[None]]
OURS, THEIRS = "W1", "O2"
"""The events that every play begins with."""


async def unheard(play: Play) -> None:
    """Lose the notices: only a run will find what changed."""
    await play.world.quiet()
    while play.service.lose(0):
        play.reached.add("fault", "notification lost")


async def edit(play: Play, key: str, side: str, part: str) -> None:
    """Edit, if the event is there: a process that died may have left it on one side for now."""
    with suppress(Vanished):
        await play.users.edit(key, side, part)


async def remove(play: Play, key: str, side: str) -> None:
    """Delete, if the event is there."""
    with suppress(Vanished):
        await play.users.remove(key, side)


async def busy(play: Play) -> None:
    """Something of everything, in little time."""
    for side in SIDES:
        await edit(play, THEIRS, side, "text")
        await edit(play, OURS, side, "place")
        for _ in range(2):
            await play.users.add(side)
    await play.users.add(OUTLOOK, "series")
    await play.run(RunKind.INCREMENTAL, 0)
    for pick in range(4):
        await play.work(pick, pick, 4)
        await play.lapse()
        await play.wait(0.3)
