"""History that is older than it is kept goes, a bounded piece at a time; what is open, or younger, stays."""

from datetime import timedelta

import pytest

from shared.core.jobs import UpkeepJob, UpkeepKind
from shared.core.states import ConflictState, IntegrationState, RunState
from shared.ports import Due
from shared.store.rows import Table
from shared.usecases import prune_history
from shared.usecases.due_kinds import PRUNE
from tests.support.values import change, conflict, run
from tests.support.world import SETTINGS, World

KEPT = timedelta(days=SETTINGS.history_retention_days)


def count(world: World, table: Table) -> int:
    return len(world.tables.contents().get(table, []))


async def prune(world: World) -> None:
    await world.queue.put(UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.PRUNE))
    await world.settle(within=timedelta(minutes=1))


async def test_old_history_goes_and_young_history_stays(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    (first,) = await world.runs()
    assert await world.ports.changes.of_run(world.integration_id, first.run_id)
    asked = conflict(integration_id=world.integration_id, opened_at=world.clock.now())
    closed = conflict(integration_id=world.integration_id, opened_at=world.clock.now())
    for each in (asked, closed):
        await world.ports.conflicts.ask(each)
    done = await world.ports.conflicts.get(world.integration_id, closed.conflict_id)
    assert done is not None
    await world.ports.conflicts.move(
        conflict(
            conflict_id=closed.conflict_id,
            integration_id=closed.integration_id,
            mapping_id=closed.mapping_id,
            state=ConflictState.APPLIED,
            opened_at=closed.opened_at,
            closed_at=world.clock.now(),
        )
    )
    await world.advance(days=KEPT.days - 1)
    await prune(world)
    assert [each.run_id for each in await world.runs()] == [first.run_id]
    await world.wedsync.add("Venue visit")
    await world.settle(within=timedelta(minutes=1))
    young = await world.ports.runs.history(world.integration_id)

    await world.advance(days=2)
    await prune(world)
    assert await world.ports.runs.get(world.integration_id, first.run_id) is None
    assert await world.ports.changes.of_run(world.integration_id, first.run_id) == ()
    left = await world.ports.runs.history(world.integration_id)
    assert {each.value.run_id for each in left} == {each.value.run_id for each in young} - {first.run_id}
    assert left
    assert await world.ports.changes.of_run(world.integration_id, left[0].value.run_id)
    assert await world.ports.conflicts.get(world.integration_id, closed.conflict_id) is None
    assert await world.ports.conflicts.get(world.integration_id, asked.conflict_id)


async def test_the_timer_hands_out_every_connection_once_a_week(world: World) -> None:
    await world.connect()
    handed_out = []
    for _ in range(28):
        await world.advance(days=1)
        handed_out.append(await world.app.enqueue_due.prunings())
        await world.settle(within=timedelta(minutes=5))
    assert sum(handed_out) == 4


async def test_much_history_is_removed_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_history, "AT_ONCE", 100)
    await world.connect()
    home, early = world.integration_id, world.clock.now() - KEPT - timedelta(days=1)
    await world.ports.changes.append([change(integration_id=home, at=early) for _ in range(150)])
    for _ in range(130):
        await world.ports.runs.insert(run(integration_id=home, queued_at=early, state=RunState.COMPLETED))
    await world.app.prune_history.run(await world.integration())
    assert count(world, Table.CHANGES) == 200  # of 150, each with a row for its pair and one for its run
    assert len(world.queue.kept) == 1
    await world.settle(within=timedelta(minutes=1))
    assert count(world, Table.CHANGES) == 0
    assert len(await world.ports.runs.history(home, 1000)) == 1


@pytest.mark.parametrize("at", range(0, 24, 2))
async def test_a_crash_in_between_is_made_good(world: World, at: int) -> None:
    await world.connect()
    home, early = world.integration_id, world.clock.now() - KEPT - timedelta(days=1)
    old = run(integration_id=home, queued_at=early, state=RunState.COMPLETED)
    await world.ports.runs.insert(old)
    await world.ports.changes.append([change(integration_id=home, run_id=old.run_id, at=early) for _ in range(3)])
    integration = await world.integration()
    await world.crashes(lambda: world.app.prune_history.run(integration), at=at)
    await prune(world)
    assert await world.ports.runs.get(home, old.run_id) is None
    assert await world.ports.changes.of_run(home, old.run_id) == ()
    assert [row for row in world.tables.contents()[Table.HISTORY] if old.run_id in row.key] == []


async def test_of_an_ended_connection_nothing_is_left_to_look_at(world: World) -> None:
    await world.connect()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert (await world.integration()).state is IntegrationState.DISCONNECTED
    assert count(world, Table.HISTORY) > 0
    for _ in range(KEPT.days + 9):
        await world.advance(days=1)
        await world.timers()
        await world.settle(within=timedelta(minutes=5))
    assert count(world, Table.HISTORY) == count(world, Table.CHANGES) == 0
    assert [
        row
        for row in world.tables.contents()[Table.DUE]
        if "prune" in row.partition + row.key + str(row.columns) and not row.partition.startswith("h|")
    ] == []
    assert [row for row in world.tables.contents()[Table.INTEGRATIONS] if row.key == "lease"] == []


async def test_sign_ins_that_broke_off_are_forgotten(world: World) -> None:
    for _ in range(3):
        await world.app.begin_connect.run(world.planner.user_id)
    assert count(world, Table.AUTH_STATES) == 6
    await world.advance(minutes=5)
    assert await world.app.prune_history.sign_ins() == 3  # the tickets
    await world.advance(minutes=6)
    assert await world.app.prune_history.sign_ins() == 3
    assert count(world, Table.AUTH_STATES) == 0


async def test_an_entry_of_a_connection_that_is_not_there_goes(world: World) -> None:
    await world.ports.due.put(Due(kind=PRUNE, integration_id="unknown", at=world.clock.now()))
    await world.timers()
    await world.settle()
    assert [row for row in world.tables.contents()[Table.DUE] if "unknown" in row.key] == []
