"""Short plays about wishes: settings that come and go, and what is carried, brought or taken back by hand."""

from shared.core.jobs import RunKind
from tests.machine.play import Play
from tests.machine.scenes import OURS, THEIRS, Scene, busy, edit, remove, unheard
from tests.machine.sight import OUTLOOK, SIDES, WEDSYNC

ON_AND_OFF = (
    ("meetings off", "meetings on"),
    ("weddings off", "weddings on"),
    ("deadlines off", "deadlines on"),
    ("another prefix", "no prefix", "the usual prefix"),
    ("travel times on", "travel times off", "travel times on"),
    ("a calendar of its own", "the usual calendar"),
    ("to Outlook only", "both ways"),
    ("from Outlook only", "both ways"),
)
"""Settings that follow each other while people work on."""


def settings(*wishes: str) -> Scene:
    """Change settings one after the other, with work in between that is not at rest yet when the next comes."""

    async def scene(play: Play) -> None:
        for _ in range(4):
            await play.users.add(WEDSYNC)
        await play.travel(0, 30)
        await play.travel(1, 90)
        await play.service.drain()
        for wish in wishes:
            await play.prefer(wish, 0)
            await edit(play, OURS, WEDSYNC, "title")
            await edit(play, THEIRS, OUTLOOK, "place")
            await play.users.add(OUTLOOK)
            await play.service.drain()
            await edit(play, OURS, OUTLOOK, "text")
            await edit(play, THEIRS, WEDSYNC, "text")
            await play.travel(0, 90)
            await play.wait(0.2)
            await play.work(0, 0, 4)
        await play.rest()
        for wish in wishes:
            await play.prefer(wish, 1)
            await busy(play)

    return scene


async def by_hand(play: Play) -> None:
    """Carry single events over by hand, also over questions, and answer with values that neither side has."""
    for side in SIDES:
        for overwrite in (False, True):
            await play.clash("title", 0, same=False)
            await play.clash("place", 1, same=False)
            await play.service.drain()
            for pick in range(2):
                await play.force(pick, side, 0, overwrite=overwrite)
            await play.rest()
    for part in ("title", "text", "place", "time"):
        await play.clash(part, 0, same=False)
        await play.service.drain()
        for pick in range(2):
            await play.resolve_otherwise(pick, 0)
            await play.service.drain()
    await play.prefer("meetings off", 0)
    await play.prefer("deadlines off", 0)
    await play.service.drain()
    for pick in range(2):
        await play.force(pick, OUTLOOK, 0, overwrite=True)
    await edit(play, OURS, WEDSYNC, "text")


async def brought_back(play: Play) -> None:
    """Bring back what was taken out of the sync, and what is hidden."""
    await play.prefer("opt out by deletion", 0)
    await play.rest()
    await remove(play, OURS, OUTLOOK)
    await remove(play, THEIRS, WEDSYNC)
    await play.rest()
    await edit(play, THEIRS, OUTLOOK, "title")
    await edit(play, OURS, WEDSYNC, "title")
    await play.restore(0, 0)
    await play.service.drain()
    await play.restore(0, 1)
    await play.rest()
    await edit(play, THEIRS, WEDSYNC, "title")
    await edit(play, OURS, OUTLOOK, "text")


async def taken_back(play: Play) -> None:
    """Take back what runs did: edits that were carried, events that were made and deleted, and the undoing itself."""
    for change in ("title", "new", "deletion"):
        for key, side in ((OURS, WEDSYNC), (THEIRS, OUTLOOK)):
            if change == "title":
                await edit(play, key, side, "title")
            elif change == "new":
                await play.users.add(side)
            else:
                await remove(play, key, side)
        await unheard(play)
        await play.run(RunKind.INCREMENTAL, 0)
        await play.service.to_the_end()
        for _ in range(2):
            await play.undo(0, 0)
            await play.service.drain()
        await edit(play, OURS, WEDSYNC, "place")
        await play.rest()


async def read_anew(play: Play) -> None:
    """A week passes, with something missed in it; then everything is read anew."""
    for side in SIDES:
        await play.users.add(side)
    await edit(play, THEIRS, OUTLOOK, "text")
    await unheard(play)
    await play.wait(8 * 86_400)
    await play.timers(0)
    await play.service.drain()
    await play.reconcile(0)
    await play.wait(0.2)
    await busy(play)


async def called_off(play: Play) -> None:
    """Look at what runs would do, and call them off: while they wait, and while they work."""
    for _ in range(3):
        await play.users.add(WEDSYNC)
        await edit(play, THEIRS, OUTLOOK, "title")
        await unheard(play)
        await play.preview(RunKind.FULL, 0)
        await play.preview(RunKind.INCREMENTAL, 1)
        await play.wait(5)
        await play.run(RunKind.FULL, 0)
        await play.wait(0.5)
        await play.cancel(0, 1)
        await play.wait(0.5)
        await play.run(RunKind.INCREMENTAL, 0)
        await play.wait(0.5)
        await play.work(0, 0, 1)
        await play.wait(0.1)
        await play.cancel(0, 1)
        await play.service.to_the_end()
    await play.rest()


async def foreseen(play: Play) -> None:
    """A look at what a run would do leaves everything as it is."""
    await play.clash("title", 0, same=False)
    await play.users.add(WEDSYNC)
    await play.users.add(OUTLOOK, "series")
    await edit(play, OURS, WEDSYNC, "place")
    await unheard(play)
    before = await _everything(play)
    for kind in (RunKind.FULL, RunKind.INCREMENTAL):
        await play.preview(kind, 0)
        await play.wait(30)
    assert await _everything(play) == before, "a preview has changed something"


async def _everything(play: Play) -> object:
    return await play.users.see(), play.world.tables.contents(), list(play.world.queue.kept)


async def gone_and_back(play: Play) -> None:
    """Disconnect in the middle of work, work on alone, and connect again."""
    await busy(play)
    await play.leave(0)
    await play.wait(0.3)
    await play.work(0, 1, 4)
    await play.service.to_the_end()
    await edit(play, OURS, WEDSYNC, "title")
    await edit(play, THEIRS, OUTLOOK, "title")
    await edit(play, THEIRS, WEDSYNC, "place")
    await play.users.add(WEDSYNC)
    await play.come_back()
    await busy(play)


async def one_way(play: Play) -> None:
    """While one way is closed nothing is written that way."""
    for wish, closed in (("to Outlook only", WEDSYNC), ("from Outlook only", OUTLOOK)):
        await play.prefer(wish, 0)
        await play.service.drain()
        await _writes(play, closed)
        for side in SIDES:
            await edit(play, OURS, side, "title")
            await edit(play, THEIRS, side, "place")
            await play.users.add(side)
        await play.service.drain()
        assert await _writes(play, closed) == [], f"{wish}, and yet something was written to {closed}"
        await play.rest()


async def _writes(play: Play, side: str) -> list[str]:
    """Return what the service has written to a side's events since the last time."""
    end = play.world.wedsync if side == WEDSYNC else play.world.outlook
    return [each for each in await end.requests() if not each.startswith("GET ") and "/events" in each]


WISHED = {
    **{" / ".join(wishes): settings(*wishes) for wishes in ON_AND_OFF},
    "by hand": by_hand,
    "brought back": brought_back,
    "taken back": taken_back,
    "read anew": read_anew,
    "called off": called_off,
    "foreseen": foreseen,
    "gone and back": gone_and_back,
    "one way": one_way,
}
"""The plays by name."""
