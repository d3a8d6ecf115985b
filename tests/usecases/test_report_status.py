"""The status: what it says of the next sync."""

from datetime import datetime

from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState
from tests.support.world import World


async def next_sync(world: World) -> datetime | None:
    return (await world.app.report_status.run(world.planner.user_id)).next_sync_at


async def test_the_next_sync_is_never_over(world: World) -> None:
    await world.connect()
    soon = await next_sync(world)
    assert soon is not None
    assert soon > world.clock.now()
    await world.advance(hours=3)  # the timers have not come
    assert await next_sync(world) == world.clock.now()


async def test_none_comes_while_the_sync_is_off_or_waits_for_its_user(world: World) -> None:
    await world.connect()
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=False))
    assert await next_sync(world) is None
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=True))
    assert await next_sync(world) is not None
    await world.change_integration(state=IntegrationState.NEEDS_RECONNECT, reason="Sign in again.")
    assert await next_sync(world) is None
