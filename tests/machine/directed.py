"""Short plays that are known to come upon what chance may miss: each cell, each fault, each state."""

import asyncio
from collections.abc import Mapping

from shared.core.jobs import RunKind, UpkeepJob, UpkeepKind
from shared.core.settings_change import SettingsChange
from tests.machine.faults import KNOBS, NAMES
from tests.machine.play import Play
from tests.machine.process import BUSY, REPEATED, UNANSWERED
from tests.machine.scenes import OURS, THEIRS, Scene, busy, edit, remove, unheard
from tests.machine.sight import OUTLOOK, SIDES, WEDSYNC
from tests.machine.wished import WISHED


def cell(ours: str, theirs: str) -> Scene:
    """Bring about one cell of the decision table, for an event of each side."""

    async def scene(play: Play) -> None:
        for key in (OURS, THEIRS):
            for side, change in ((WEDSYNC, ours), (OUTLOOK, theirs)):
                if change == "changed":
                    await edit(play, key, side, "title")
                elif change == "gone":
                    await remove(play, key, side)
        await unheard(play)
        await play.run(RunKind.FULL, 0)

    return scene


def faulty(name: str) -> Scene:
    """Work while a fault strikes."""

    async def scene(play: Play) -> None:
        await play.fault(name, 0)
        await edit(play, THEIRS, OUTLOOK, "title")
        await edit(play, OURS, WEDSYNC, "title")
        for _ in range(3):
            await play.users.add(WEDSYNC)
        await unheard(play)
        await play.run(RunKind.INCREMENTAL, 0)
        await play.service.to_the_end()
        await busy(play)

    return scene


def turned(name: str) -> Scene:
    """Work with a knob turned."""

    async def scene(play: Play) -> None:
        await play.turn(name)
        await busy(play)

    return scene


async def season(play: Play) -> None:
    """Events come, change, clash, go, and are asked about."""
    await busy(play)
    await play.rest()
    await play.edit(WEDSYNC, "time", 3, 1)
    await play.edit(OUTLOOK, "time", 2, 0)
    await play.clash("title", 1, same=False)
    await play.clash("title", 1, same=True)
    await play.edit_and_delete(OUTLOOK, "text", 4)
    await play.move_away(0)
    await play.copy(OUTLOOK, 1)
    await play.rest()
    for side in SIDES:
        await play.resolve(0, side, 0)
        await play.rest()
    await play.prefer("delete with Outlook", 1)
    await play.remove(OUTLOOK, 0)
    await play.remove_series(0)
    await play.rest()


async def questions(play: Play) -> None:
    """Choose each side in each kind of question, and let one be overtaken."""
    for number in range(3):
        await play.users.add(SIDES[number % 2])
    await play.rest()
    for side in SIDES:
        for ask in ("clash", "edited and deleted", "moved"):
            await _ask(play, ask)
            await play.rest()
            await play.resolve(0, side, 0)
            await play.rest()
    await play.clash("place", 0, same=False)
    await play.rest()
    await play.edit(WEDSYNC, "place", 0, 1)
    await play.rest()


async def _ask(play: Play, kind: str) -> None:
    if kind == "clash":
        await play.clash("title", 0, same=False)
    elif kind == "moved":
        await play.move_away(0)
    else:
        await play.edit_and_delete(WEDSYNC, "text", 0)


async def flood(play: Play) -> None:
    """So many deletions at once that they are asked about: first they are not meant, then they are."""
    for _ in range(4):
        await play.users.add(OUTLOOK)
    await play.rest()
    for accept in (False, True):
        for _ in range(4):
            await play.remove(OUTLOOK, 0)
        await play.service.drain()
        await play.answer(0, accept=accept)
        await play.rest()


async def opted_out(play: Play) -> None:
    """Copies that are deleted stay out; then they are asked about; then their events go too."""
    for wish in ("opt out by deletion", "ask about deletions", "delete with Outlook"):
        word = await play.users.add(WEDSYNC)
        await play.prefer(wish, 0)
        await play.rest()
        await remove(play, word, OUTLOOK)
        await play.rest()
    await remove(play, OURS, WEDSYNC)
    await remove(play, THEIRS, WEDSYNC)
    await play.rest()
    await remove(play, THEIRS, OUTLOOK)


async def paused(play: Play) -> None:
    """The user switches the sync off, works on, and switches it on again."""
    play.service.change(SettingsChange(sync_enabled=False), 0)
    await play.service.drain()
    await busy(play)
    play.service.change(SettingsChange(sync_enabled=True), 0)


async def reconnected(play: Play) -> None:
    """The mailbox cannot be reached for a while, and the user connects again."""
    await play.world.outlook.knobs(mailboxNotEnabled=play.world.planner.account.upn)
    await play.run(RunKind.FULL, 0)
    await play.service.drain()
    await busy(play)
    await play.world.outlook.knobs(mailboxNotEnabled="")
    await play.service.connect()


async def renewed(play: Play) -> None:
    """Days pass; then the user switches notifications off and on, and one subscription is forgotten."""
    await play.wait(6.2 * 86_400)
    await play.timers(0)
    await play.service.drain()
    for wanted in (False, True):
        play.service.change(SettingsChange(webhooks=wanted), 0)
        await play.service.drain()
    for row in await play.world.ports.rows.of_integration(play.world.integration_id):
        await play.world.ports.rows.remove(row.value.subscription_id)
    await play.world.queue.put(UpkeepJob(integration_id=play.world.integration_id, kind=UpkeepKind.SUBSCRIBE))


async def died(play: Play) -> None:
    """A run's process dies in the middle of it, and the other one takes over."""
    await edit(play, THEIRS, OUTLOOK, "text")
    await play.run(RunKind.FULL, 0)
    await play.wait(0.5)
    play.service.perils.deadly.append("after graph GET /v1.0/me/calendars/{id}/calendarView/delta")
    await play.work(0, 0, 4)
    await play.wait(60)
    await play.run(RunKind.INCREMENTAL, 1)


async def out_of_turn(play: Play) -> None:
    """Notices come late, twice, in another order, or not at all; the clock is wrong; places are forgotten."""
    for minutes in (15, -15):
        await play.skew(minutes)
        await busy(play)
    for fate in ("reordered", "doubled", "lost"):
        await edit(play, THEIRS, OUTLOOK, "text")
        await edit(play, THEIRS, WEDSYNC, "place")
        await play.world.quiet()
        await play.post(1, 0, fate)
    await play.wait(5)
    for side in SIDES:
        await play.forget_places(side)
    await play.storage(BUSY, 2)
    await play.timers(0)
    await play.work(0, 0, 4)
    await play.lapse()
    await play.hide(0)


def forgetful(fault: str) -> Scene:
    """Storage loses its answers, one now and then, while something of everything is done."""

    async def scene(play: Play) -> None:
        for key, side in ((THEIRS, OUTLOOK), (OURS, WEDSYNC)):
            await edit(play, key, side, "title")
        for word in range(3):
            await play.users.add(SIDES[word % 2])
        await play.run(RunKind.FULL, 0)
        for _ in range(8):
            await play.storage(fault, 1)
            await play.work(0, 0, 2)
            await play.wait(0.1)
        await busy(play)
        for _ in range(8):
            await play.storage(fault, 1)
            await play.wait(0.3)
            await play.work(1, 1, 2)

    return scene


SCENES: Mapping[str, Scene] = {
    **{
        f"{ours}/{theirs}": cell(ours, theirs)
        for ours in ("same", "changed", "gone")
        for theirs in ("same", "changed", "gone")
    },
    **{name: faulty(name) for name in NAMES},
    **{name: turned(name) for name in KNOBS},
    **{name: forgetful(name) for name in (UNANSWERED, REPEATED)},
    "season": season,
    "questions": questions,
    "flood": flood,
    "opted out": opted_out,
    "paused": paused,
    "reconnected": reconnected,
    "renewed": renewed,
    "died": died,
    "out of turn": out_of_turn,
    **WISHED,
}
LONG: tuple[str, ...] = ("season", "questions", "flood", "opted out", "paused", "reconnected", "renewed", "out of turn")
"""The scenes in which a process may be told to die at a step of any kind."""


async def perform(play: Play, scene: Scene) -> None:
    """Play a scene to its end, and judge."""
    try:
        await play.begin()
        await scene(play)
        await play.rest()
    finally:
        await play.end()
        await asyncio.sleep(0)
