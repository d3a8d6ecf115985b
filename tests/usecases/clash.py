"""One event that both sides have changed in every field, and how its user answers for it."""

from datetime import UTC, datetime
from typing import Any

from shared.core.event import Place, Timed
from shared.core.history import Conflict
from shared.usecases.choices import Choice
from tests.support.calendars import at
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
SECOND = {"emailAddress": {"address": "second@example.test", "name": "Second"}, "type": "required"}


class Clash:
    """One event that both sides have changed in every field."""

    def __init__(self, world: World, wedsync_id: str, outlook_id: str) -> None:
        self.world, self.wedsync_id, self.outlook_id = world, wedsync_id, outlook_id

    async def choose(self, *choices: Choice, **options: Any) -> dict[str, str]:
        answer = await self.world.app.resolve_conflict.run(
            self.world.planner.user_id, self.wedsync_id, choices, **options
        )
        await self.world.settle()
        return dict(answer)

    async def here(self) -> dict[str, Any]:
        return await self.world.wedsync.read(self.wedsync_id)

    async def there(self) -> dict[str, Any]:
        return await self.world.outlook.read(self.outlook_id)

    async def asked(self) -> dict[str, Conflict]:
        return {str(row.field): row for row in await self.world.open_conflicts()}


async def clash(world: World, **guests: Any) -> Clash:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    found = Clash(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))
    await world.wedsync.change(
        event["id"],
        title="Cake tasting",
        description="Three cakes",
        location={"name": "Mill", "address": "1 Mill Lane"},
        start="2026-08-05T18:00:00",
        end="2026-08-05T19:00:00",
    )
    await world.outlook.change(
        found.outlook_id,
        subject="WedSync: Wine tasting",
        body={"contentType": "text", "content": "Three wines"},
        location={"displayName": "Barn"},
        start=at("2026-08-05T09:00:00"),
        end=at("2026-08-05T10:00:00"),
        **guests,
    )
    await world.settle()
    world.graph.outbox.mails.clear()
    return found


OWN = [
    Choice(field="title", use="custom", custom="Cheese tasting"),
    Choice(field="description", use="custom", custom="Three cheeses"),
    Choice(field="location", use="custom", custom=Place(name="Dairy", address="2 Cow Lane")),
    Choice(
        field="dateTime",
        use="custom",
        custom=Timed(
            start=datetime(2026, 8, 6, 12, tzinfo=UTC), end=datetime(2026, 8, 6, 13, tzinfo=UTC), zone="Europe/Rome"
        ),
    ),
]
