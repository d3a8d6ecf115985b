"""A process that dies in the middle of a change or a cancellation: what it had told the guests reaches WedSync.

Nobody calls again here: a look that was enqueued before Outlook was written to ends it, and mails nobody.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from shared.core.event import Field
from shared.core.integration import Direction
from shared.core.jobs import UpkeepKind
from shared.core.settings_change import SettingsChange
from tests.support.world import World
from tests.usecases.test_change_meetings import CLEO, both, cancel, change, made
from tests.usecases.test_meetings import ANN, BEN, mails, make

MAILED = [("update", ANN.email), ("update", BEN.email)]


async def died_after(world: World, request: str, work: Callable[[], Awaitable[object]]) -> None:
    """Have a process die as soon as it has sent this, before it learns of the answer."""

    async def die(name: str) -> None:
        if name.startswith(f"after {request}"):
            world.steps.watch = None
            world.steps.deadly_from = 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(work, at=1_000_000)


async def worlds_in_which_it_dies(
    direction: Direction, work: Callable[[World, str], Awaitable[object]]
) -> AsyncIterator[tuple[World, str]]:
    """Let the process die at each step of the work in turn, then let everything come to rest; yield where."""
    died, step = True, 0
    while died:
        step += 1
        async with World() as world:
            meeting = await made(world)
            await world.change_integration(direction=direction)
            died = await world.crashes(partial(work, world, meeting.event_id), at=step)
            await world.settle()
            yield world, f"at step {step}: {world.steps.killed}"
    assert step > 16


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_change_that_was_written_to_outlook_reaches_wedsync(direction: Direction) -> None:
    async for world, where in worlds_in_which_it_dies(direction, partial(change, title="Wine tasting")):
        here, there = await both(world)
        assert here["title"] == there["subject"], where
        assert await mails(world) == (MAILED if there["subject"] == "Wine tasting" else []), where
        assert await world.open_conflicts() == (), where
        assert (await world.mapping_of(here["id"])).drifted == frozenset(), where


@pytest.mark.parametrize("direction", list(Direction))
async def test_what_was_cancelled_in_outlook_is_gone_in_wedsync(direction: Direction) -> None:
    async for world, where in worlds_in_which_it_dies(direction, cancel):
        left = len(await world.outlook.events())
        assert (len(await world.wedsync.events()), len(await world.mappings())) == (left, left), where
        assert len(await mails(world)) == (0 if left else 2), where
        assert await world.open_conflicts() == (), where


async def test_other_guests_reach_wedsync_too(world: World) -> None:
    meeting = await made(world)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, guests=(ANN, CLEO)))
    await world.settle()
    here, there = await both(world)
    assert [each["emailAddress"]["address"] for each in there["attendees"]] == [ANN.email, CLEO.email]
    assert sorted(person["email"] for person in here["attendees"]) == [ANN.email, CLEO.email]
    assert await world.open_conflicts() == ()


async def test_what_its_owner_has_written_in_wedsync_since_is_not_overwritten(world: World) -> None:
    meeting = await made(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))
    await world.wedsync.change(meeting.event_id, title="Mine")
    await world.settle()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Mine", "Wine tasting")
    assert [row.field for row in await world.open_conflicts()] == [Field.TITLE]
    assert await mails(world) == MAILED


async def test_what_its_owner_has_written_in_outlook_since_is_theirs(world: World) -> None:
    """In a sync that goes to Outlook only it stays there: it is not what was asked for here."""
    meeting = await made(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))
    await world.outlook.change((await both(world))[1]["id"], subject="Theirs")
    await world.settle()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Menu tasting", "Theirs")


async def test_what_its_owner_has_written_since_a_cancellation_is_a_question(world: World) -> None:
    meeting = await made(world)
    await died_after(world, "graph POST", lambda: cancel(world, meeting.event_id))
    await world.wedsync.change(meeting.event_id, title="Mine")
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Mine"]
    assert [row.absent for row in await world.open_conflicts()] == ["outlook"]


async def test_a_meeting_that_outlook_shows_as_cancelled_still_is_gone(world: World) -> None:
    meeting = await made(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await world.outlook.change(meeting.meeting.event.event_id, isCancelled=True)
    await world.quiet()
    world.post.clear()
    (mapping,) = await world.mappings()
    await world.app.keep_up.finish_meeting.run(
        await world.integration(), UpkeepKind.MEETING_CANCELLED, mapping.mapping_id
    )
    assert await world.wedsync.events() == []


async def test_a_look_at_what_is_done_already_asks_nobody(world: World) -> None:
    meeting = await made(world)
    other = await make(world, key="key-2")
    await change(world, meeting.event_id, title="Wine tasting")
    await cancel(world, other.event_id)
    looks = [message.text for message in world.queue.kept if '"meeting_' in message.text]
    await world.settle()
    await world.outlook.requests()
    assert len(looks) == 2
    for text in looks:
        await world.run_job(text)
    assert await world.outlook.requests() == []


@pytest.mark.parametrize("state", ["paused", "disconnected"])
async def test_a_connection_that_has_stopped_is_not_looked_at(world: World, state: str) -> None:
    meeting = await made(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))
    if state == "paused":
        await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=False))
    else:
        await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Menu tasting"]
