"""One event that is on both sides."""

from typing import Any

from tests.support.world import World


class Pair:
    """Its ids, and how its owners edit it."""

    def __init__(self, world: World, wedsync_id: str, outlook_id: str) -> None:
        self.world = world
        self.wedsync_id, self.outlook_id = wedsync_id, outlook_id

    async def here(self, **members: Any) -> None:
        await self.world.wedsync.change(self.wedsync_id, **members)

    async def there(self, **members: Any) -> None:
        await self.world.outlook.change(self.outlook_id, **members)

    async def titles(self) -> tuple[str, str]:
        return (await self.world.wedsync.read(self.wedsync_id))["title"], await self.subject()

    async def subject(self) -> str:
        return str((await self.world.outlook.read(self.outlook_id))["subject"])
