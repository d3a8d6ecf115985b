"""How long a job that was handed back waits: as long as it was told to, not longer with each time it was told."""

from datetime import timedelta

import pytest

from tests.support.pair import Pair
from tests.support.world import World


@pytest.mark.parametrize(("refused", "at_most"), [(3, 15), (8, 140)])
async def test_a_busy_mailbox_is_asked_again_when_it_said(world: World, ours: Pair, refused: int, at_most: int) -> None:
    await world.outlook.fault(
        action="status", status=429, code="ApplicationThrottled", retry_after=3, method="PATCH", count=refused
    )
    began = world.clock.now()
    await ours.here(title="Moved")
    await world.settle()

    assert await ours.subject() == "WedSync: Moved"
    assert world.clock.now() - began <= timedelta(seconds=at_most)
    assert world.poisoned == []


async def test_a_long_wait_is_kept_to(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", status=429, retry_after=90, method="PATCH", count=1)
    began = world.clock.now()
    await ours.here(title="Moved")
    await world.settle()

    assert await ours.subject() == "WedSync: Moved"
    assert world.clock.now() - began >= timedelta(seconds=90)


async def test_a_run_that_is_told_to_wait_raises_nothing(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", status=429, retry_after=90, path="calendarView/delta", count=1)
    await ours.here(title="Moved")
    await world.quiet()
    world.post.clear()
    await world.sync()

    raised = [type(error) for error in world.errors]
    world.errors.clear()
    assert raised == []
    assert await ours.subject() == "WedSync: Moved"
