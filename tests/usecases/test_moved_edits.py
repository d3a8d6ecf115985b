"""What its owner has edited in a copy, and nobody has read, is not overwritten because the copy was moved meanwhile."""

from shared.core.event import Field, Side
from shared.core.jobs import EventJob, Glance
from tests.support.pair import Pair
from tests.support.settings import move
from tests.support.world import World


async def test_an_edit_that_moved_along_unread_is_asked_about(world: World, ours: Pair) -> None:
    await ours.there(location={"displayName": "Barn"})
    await ours.here(location={"name": "Hall", "address": ""})
    await world.quiet()
    world.post.clear()
    glance = Glance(event_id=ours.wedsync_id)
    job = EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=(glance,))

    met: list[str] = []

    async def meanwhile(name: str) -> None:
        if name.startswith("before graph GET") and "calendarView/delta" in name:
            world.steps.watch = None
            met.append(name)
            await world.app.settle_events.run(job)

    await move(world, settle=False)
    world.steps.watch = meanwhile
    await world.settle()

    assert met
    assert [conflict.field for conflict in await world.open_conflicts()] == [Field.LOCATION]
    (item,) = await world.outlook.events()
    assert item["location"]["displayName"] == "Barn"
    assert (await world.wedsync.read(ours.wedsync_id))["location"]["name"] == "Hall"
