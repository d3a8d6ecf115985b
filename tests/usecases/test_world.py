"""The world itself: it connects, settles, and shows a difference where there is one."""

import asyncio

from tests.support.world import START, World


async def test_five_events_are_on_both_sides_after_connecting(world: World) -> None:
    for number in range(3):
        await world.wedsync.add(f"Tasting {number}")
    for number in range(2):
        await world.outlook.add(f"Dentist {number}")

    await world.connect()

    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 5
    await world.assert_equal()


async def test_a_difference_is_seen(world: World) -> None:
    await world.connect()
    await world.wedsync.add()

    assert await world.differences() == [
        "1 WedSync events have 0 copies",
        next(line for line in await world.differences() if line.startswith("missing in Outlook")),
    ]


async def test_hours_take_no_time(world: World) -> None:
    await asyncio.sleep(3600)

    assert (world.clock.now() - START).total_seconds() == 3600
