"""A user who changes settings, and what a change of calendar has to come to."""

from typing import Any

from shared.core.integration import Integration
from shared.core.settings_change import SettingsChange
from shared.usecases.change_settings import SettingsChanged
from tests.support.world import World

GUEST = {"emailAddress": {"address": "mia@example.com", "name": "Mia"}, "type": "required"}
PREFIX = "WedSync: "


async def change(world: World, **members: Any) -> SettingsChanged:
    """Change settings; what is no member of the request by itself is a preference."""
    own = {name: members.pop(name) for name in list(members) if name in SettingsChange.__dataclass_fields__}
    return await world.app.change_settings.run(world.planner.user_id, SettingsChange(preferences=members, **own))


async def changed(world: World, **members: Any) -> SettingsChanged:
    """Change settings and let everything come to rest."""
    answer = await change(world, **members)
    await world.settle()
    return answer


async def calendar_named(world: World, name: str) -> str:
    return str(next(each["id"] for each in await world.outlook.calendars() if each["name"] == name))


async def move(world: World, name: str = "Private", *, settle: bool = True) -> SettingsChanged:
    """Choose another calendar."""
    answer = await change(world, calendar_id=await calendar_named(world, name))
    if settle:
        await world.settle()
    return answer


async def inside(world: World, name: str) -> list[str]:
    """Return the subjects in a calendar."""
    calendar = await calendar_named(world, name)
    return sorted(str(item["subject"]) for item in await world.outlook.events() if item["calendarId"] == calendar)


async def assert_moved(world: World, name: str = "Private") -> Integration:
    """The calendar that is synced holds one copy of each of WedSync's own events, and nothing else."""
    await world.settle()
    own = [event for event in await world.wedsync.events() if not event["deleted"] and event["source"] == "wedsync"]
    assert await inside(world, name) == sorted(f"{PREFIX}{event['title']}" for event in own)
    return await assert_settled(world, name)


async def assert_settled(world: World, name: str) -> Integration:
    """The calendar of this name is synced, and nothing is on its way any more."""
    integration = await world.integration()
    target = await calendar_named(world, name)
    assert (integration.calendar_id, integration.calendar_name, integration.moves) == (target, name, False)
    for mapping in await world.mappings():
        assert (mapping.calendar_id, mapping.moved_from, mapping.intent) == (target, None, None)
    (kept,) = [each for each in await world.outlook.subscriptions() if not each["expired"]]
    assert target in kept["resource"]
    assert await world.outlook.sent() == []
    assert world.errors == []
    return integration


async def drop_calendar(world: World, name: str) -> None:
    box = f"/mailboxes/{world.planner.account.upn}"
    await world.outlook.control("DELETE", f"{box}/calendars/{await calendar_named(world, name)}")
