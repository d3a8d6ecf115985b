"""While lost mappings are looked for, whoever else is on the event loop has their turn: a notification waits for it."""

import asyncio
from uuid import NAMESPACE_URL, uuid5

from shared.core.mapping import MOST_GENERATIONS
from shared.usecases.rebuild_mappings import Reading
from tests.core.strategies import outlook_state, wedsync_state
from tests.support.world import World


async def test_others_have_their_turn(world: World) -> None:
    await world.connect()
    events = {name: wedsync_state(event_id=name) for name in (f"w{number}" for number in range(30))}
    strangers = outlook_state(event_id="o", transaction_id=str(uuid5(NAMESPACE_URL, "of another program")))
    reading = Reading(known=(), wedsync=events, outlook={"o": strangers})
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(somebody_else())
    found = await world.app.preview_sync.rebuild.from_reading(await world.integration(), reading, work=None)
    other.cancel()
    assert found == reading
    assert turns >= MOST_GENERATIONS
