"""The service's clock may be ahead of Graph's: what is the longest life of a subscription here is longer there."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.jobs import UpkeepJob, UpkeepKind
from shared.service import build
from tests.support.world import SETTINGS, World


class Ahead:
    """A quarter of an hour ahead."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.clock.now() + timedelta(minutes=15)


async def test_a_subscription_is_made_that_graph_grants(world: World) -> None:
    await world.connect()
    (first,) = await world.outlook.subscriptions()
    await world.outlook.end_subscription(first["id"])
    await world.ports.rows.remove(first["id"])
    app = build(SETTINGS, replace(world.ports, clock=Ahead(world)))

    await app.keep_up.run(UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.SUBSCRIBE))

    (second,) = await world.outlook.subscriptions()
    assert second["id"] != first["id"]
