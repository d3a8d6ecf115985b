"""A process that dies in the middle of a change or a cancellation: what it had told the guests reaches WedSync.

Nobody calls again here: a look that was enqueued before Outlook was written to ends it, and mails nobody.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from shared.core.event import Field
from shared.core.integration import Direction
from shared.core.jobs import UpkeepKind
from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState
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


async def changed_and_died(world: World) -> None:
    """A meeting whose guests were told of a change that WedSync does not have, in a sync that goes to Outlook only."""
    meeting = await made(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await died_after(world, "graph PATCH", lambda: change(world, meeting.event_id, title="Wine tasting"))


async def test_a_pause_holds_back_nothing_that_guests_were_told(world: World) -> None:
    await changed_and_died(world)
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=False))
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Wine tasting"]


async def test_a_meeting_made_before_a_pause_is_shown_in_wedsync(world: World) -> None:
    await world.connect()
    await died_after(world, "graph POST", lambda: make(world))
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=False))
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Menu tasting"]


@pytest.mark.parametrize("begun", ["change", "make"])
async def test_who_has_to_reconnect_first_gets_it_then(world: World, begun: str) -> None:
    if begun == "change":
        await changed_and_died(world)
    else:
        await world.connect()
        await died_after(world, "graph POST", lambda: make(world))
    await world.change_integration(state=IntegrationState.NEEDS_RECONNECT)
    await world.settle(within=timedelta(hours=30))
    before = [event["title"] for event in await world.wedsync.events()]
    assert before == (["Menu tasting"] if begun == "change" else [])
    await world.change_integration(state=IntegrationState.CONNECTED)
    await world.settle(within=timedelta(hours=2))
    wanted = "Wine tasting" if begun == "change" else "Menu tasting"
    assert [event["title"] for event in await world.wedsync.events()] == [wanted]
    assert world.queue.kept == []


async def test_a_grant_that_never_comes_back_is_waited_for_no_longer_than_ninety_days(world: World) -> None:
    await changed_and_died(world)
    await world.change_integration(state=IntegrationState.NEEDS_RECONNECT)
    began = world.clock.now()
    await world.settle(within=timedelta(days=100), most=5000)
    assert timedelta(days=89) < world.clock.now() - began < timedelta(days=91)


async def test_a_connection_that_was_ended_is_not_looked_at(world: World) -> None:
    await changed_and_died(world)
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert [event["title"] for event in await world.wedsync.events()] == ["Menu tasting"]


async def test_a_disconnect_in_the_middle_of_the_look_is_no_alarm(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.connect()
    await died_after(world, "graph POST", lambda: make(world))

    reached: list[str] = []

    async def disconnect(name: str) -> None:
        if name.startswith("after graph GET") and not reached:
            reached.append(name)
            await world.app.disconnect.by_user(world.planner.user_id)

    (look,) = (message.text for message in world.queue.kept if '"meeting"' in message.text)
    world.steps.watch = disconnect
    await world.run_job(look)
    assert reached
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
