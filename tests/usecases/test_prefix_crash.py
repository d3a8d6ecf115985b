"""A process that dies when it has just written another prefix leaves a title that nobody may take for the user's."""

import pytest

from tests.support.pair import Pair
from tests.support.settings import change, changed
from tests.support.world import World


@pytest.mark.parametrize(("before", "after"), [("WedSync: ", "Wedding - "), ("WedSync: ", ""), ("", "Wedding - ")])
async def test_a_prefix_that_could_not_be_noted_any_more_is_not_taken_for_a_title(
    world: World, ours: Pair, before: str, after: str
) -> None:
    await changed(world, event_prefix=before)
    await change(world, event_prefix=after)
    await ours.here(title="Cake tasting")
    await lost(world)
    await world.kill_after("graph POST /v1.0/$batch")
    await lost(world)

    await world.sync()

    assert await ours.titles() == ("Cake tasting", f"{after}Cake tasting")
    await changed(world, event_prefix="Ours: ")
    assert await ours.titles() == ("Cake tasting", "Ours: Cake tasting")
    assert await world.open_conflicts() == ()


async def lost(world: World) -> None:
    """Lose the notices: only a run will find what changed."""
    await world.quiet()
    world.post.clear()
