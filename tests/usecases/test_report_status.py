"""The status: what it says of the next sync, and what it counts."""

from dataclasses import replace
from datetime import datetime

from shared.core.event import Field
from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState, MappingState
from shared.usecases.report_status import Counts
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


async def test_every_event_is_counted_under_its_status(world: World) -> None:
    """One that is set aside, too: the parts make the whole."""
    events = [await world.wedsync.add(f"Tasting {number}") for number in range(4)]
    await world.connect()
    changes = ({"quarantine": "refused"}, {"held": frozenset({Field.TITLE})}, {"state": MappingState.UNLINKED})
    for event, change in zip(events, changes, strict=False):
        stored = await world.ports.mappings.by_wedsync(world.integration_id, event["id"])
        assert stored is not None
        await world.ports.mappings.save([replace(stored, value=replace(stored.value, **change))])  # type: ignore[arg-type]
    counts = (await world.app.report_status.run(world.planner.user_id)).counts
    assert counts == Counts(total=4, synced=1, pending=1, conflicted=1, failed=1)
