"""The status: what it says of the next sync, and what it counts."""

from dataclasses import replace
from datetime import datetime

from shared.core.event import Field
from shared.core.mapping import Role
from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState, MappingState
from shared.usecases.report_status import Counts
from tests.support.values import conflict
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
    """One that is set aside, too, and one whose deletion is asked about; not one that has ended, nor a travel block."""
    events = [await world.wedsync.add(f"Tasting {number}") for number in range(7)]
    await world.connect()
    changes = (
        {"quarantine": "refused"},
        {"held": frozenset({Field.TITLE})},
        {"state": MappingState.UNLINKED},
        {"state": MappingState.ENDED},
    )
    for event, change in zip(events, changes, strict=False):
        stored = await world.ports.mappings.by_wedsync(world.integration_id, event["id"])
        assert stored is not None
        await world.ports.mappings.save([replace(stored, value=replace(stored.value, **change))])  # type: ignore[arg-type]
    asked = (await world.mapping_of(events[4]["id"])).mapping_id
    await world.ports.conflicts.ask(conflict(integration_id=world.integration_id, mapping_id=asked))
    block = await world.ports.mappings.by_wedsync(world.integration_id, events[5]["id"])
    assert block is not None
    await world.ports.mappings.save([replace(block, value=replace(block.value, role=Role.TRAVEL))])
    counts = (await world.app.report_status.run(world.planner.user_id)).counts
    assert counts == Counts(total=5, synced=1, pending=1, conflicted=2, failed=1)
