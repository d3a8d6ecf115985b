"""Disconnecting while Graph asks us to wait: in one go, without deleting anything twice."""

from tests.support.world import World


async def test_every_third_request_is_throttled_and_it_ends_all_the_same(world: World) -> None:
    for number in range(25):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.add("Dentist")
    await world.connect()
    await world.outlook.fault(action="status", method="DELETE", every=3, status=429, retry_after=0)
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    assert removal.finished
    assert (removal.events_deleted, removal.mappings_deleted) == (25, 26)
    assert [item["subject"] for item in await world.outlook.events()] == ["Dentist"]
    deletes = [item for item in world.graph.frame.requests if item.method == "DELETE" and "events" in item.path]
    assert len([item for item in deletes if item.status == 204]) == 25
    assert not [item for item in deletes if item.status in (400, 404)]
