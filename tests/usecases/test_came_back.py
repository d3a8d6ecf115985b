"""An event that is back in the calendar before its owner says that it shall come back is not made a second time."""

import pytest

from shared.usecases.choices import Choice, ConflictSuperseded
from tests.support.pair import Pair
from tests.support.world import World


async def test_what_was_moved_back_unheard_is_not_made_again(world: World, ours: Pair) -> None:
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    (conflict,) = await world.open_conflicts()
    await world.outlook.move(ours.outlook_id, (await world.outlook.calendars())[0]["id"])
    await world.quiet()
    world.post.clear()

    choice = Choice(field="event", use="wedsync", conflict_id=conflict.conflict_id)
    with pytest.raises(ConflictSuperseded):
        await world.app.resolve_conflict.run(world.planner.user_id, ours.wedsync_id, [choice])
    await world.settle()

    assert len(await world.outlook.events()) == 1
    assert await world.open_conflicts() == ()
    await world.assert_equal()
