"""Choices that outlive crashes and absent far ends, and what stays in the history."""

from dataclasses import replace

import pytest

from shared.core.conflicts import resolved
from shared.core.history import ChangeKind
from shared.core.integration import Direction
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import ConflictState, MappingState, RunState
from shared.errors import Unprocessable
from shared.usecases.choices import Choice
from tests.support.calendars import at
from tests.support.world import World
from tests.usecases.clash import OWN, Clash, clash


@pytest.mark.parametrize("use", ["wedsync", "outlook", "custom"])
async def test_killed_at_each_step_a_choice_is_carried_out_without_being_made_again(use: str) -> None:
    """Once it is stored. Before that, the question is open still."""
    step, died, carried = 0, True, 0
    wanted = {"wedsync": "Cake tasting", "outlook": "Wine tasting", "custom": "Cheese tasting"}[use]
    while died:
        step += 1
        async with World(seed=step) as world:
            pair = await clash(world)
            custom = wanted if use == "custom" else None

            async def act(pair: Clash = pair, custom: str | None = custom) -> None:
                await pair.choose(Choice(field="title", use=use, custom=custom))

            died = await world.crashes(act, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            titles = ((await pair.here())["title"], (await pair.there())["subject"])
            if "title" in await pair.asked():
                assert titles == ("Cake tasting", "WedSync: Wine tasting"), where
                assert (await pair.asked())["title"].state is ConflictState.OPEN, where
                continue
            assert titles == (wanted, f"WedSync: {wanted}"), where
            carried += 1
    assert carried > step // 2


async def test_a_choice_waits_for_a_far_end_that_is_away(world: World) -> None:
    pair = await clash(world)
    await world.outlook.fault(action="status", method="PATCH", status=503, count=3)
    answer = await world.app.resolve_conflict.run(world.planner.user_id, pair.wedsync_id, [OWN[0]])
    assert answer == {"title": "queued"}
    (chosen,) = [row for row in await world.open_conflicts() if row.choice]
    assert (chosen.state, chosen.choice) == (ConflictState.RESOLVED, "custom")

    await world.settle()

    assert (await pair.there())["subject"] == "WedSync: Cheese tasting"
    assert (await pair.here())["title"] == "Cheese tasting"
    kept = await world.ports.conflicts.get(world.integration_id, chosen.conflict_id)
    assert kept is not None
    assert kept.state is ConflictState.APPLIED


async def test_a_value_that_is_refused_for_good_leaves_the_question_open(world: World) -> None:
    pair = await clash(world)
    await world.outlook.fault(
        action="status", method="PATCH", status=400, code="ErrorPropertyValidationFailure", count=9
    )
    with pytest.raises(Unprocessable) as refusal:
        await pair.choose(OWN[0])
    assert refusal.value.code == "value_refused"
    await world.outlook.clear_faults()
    await world.sync()
    asked = (await pair.asked())["title"]
    assert asked.state is ConflictState.OPEN
    assert asked.wedsync is not None
    assert asked.outlook is not None
    assert (asked.wedsync.title, asked.outlook.title) == ("Cheese tasting", "Wine tasting")

    await pair.choose(Choice(field="title", use="outlook"))
    assert (await pair.here())["title"] == "Wine tasting"


async def test_while_fields_wait_the_rest_goes_on_both_ways(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    pair = Clash(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))
    await world.wedsync.change(pair.wedsync_id, title="Cake tasting")
    await world.outlook.change(pair.outlook_id, subject="WedSync: Wine tasting")
    await world.settle()
    await world.wedsync.change(pair.wedsync_id, location={"name": "Mill", "address": ""})
    await world.settle()
    await world.outlook.change(pair.outlook_id, start=at("2026-08-05T09:00:00"), end=at("2026-08-05T10:00:00"))
    await world.settle()
    assert (await pair.there())["location"]["displayName"] == "Mill"
    here = await pair.here()
    assert (here["start"], here["timeZone"]) == ("2026-08-05T09:00:00", "UTC")
    assert set(await pair.asked()) == {"title"}
    await world.sync()
    assert set(await pair.asked()) == {"title"}


async def test_a_choice_is_a_run_of_its_own_in_the_history(world: World) -> None:
    pair = await clash(world)
    await pair.choose(Choice(field="title", use="wedsync"))
    recent = [stored.value for stored in await world.ports.runs.history(world.integration_id, 20)]
    (run,) = [run for run in recent if run.request.kind is RunKind.SINGLE]
    assert (run.state, run.tally.updated, run.request.triggered_by) == (
        RunState.COMPLETED,
        1,
        TriggeredBy.MANUAL,
    )
    (change,) = await world.ports.changes.of_run(world.integration_id, run.run_id)
    assert change.rule == "resolved"


@pytest.mark.parametrize("kind", list(RunKind)[:2])
async def test_a_question_about_a_pair_that_is_no_more_is_closed_by_a_run(world: World, kind: RunKind) -> None:
    pair = await clash(world)
    asked = await pair.asked()
    (stored,) = [each async for each in world.ports.mappings.all(world.integration_id)]
    await world.ports.conflicts.ask(replace(asked["title"], conflict_id="left-over", mapping_id="gone"))
    await world.ports.conflicts.ask(replace(asked["title"], conflict_id="apart", mapping_id="apart"))
    apart = replace(
        stored.value, mapping_id="apart", wedsync_id="w-apart", outlook_id=None, state=MappingState.UNLINKED
    )
    await world.ports.mappings.insert([apart])

    await world.sync(kind)

    assert {row.conflict_id for row in await world.open_conflicts()} == {row.conflict_id for row in asked.values()}
    for conflict_id in ("left-over", "apart"):
        kept = await world.ports.conflicts.get(world.integration_id, conflict_id)
        assert kept is not None
        assert kept.state is ConflictState.SUPERSEDED


async def test_a_choice_whose_job_got_lost_is_carried_out_by_the_next_run(world: World) -> None:
    pair = await clash(world)
    asked = await pair.asked()
    await world.ports.conflicts.move(resolved(asked["title"], choice="outlook"))

    await world.sync(RunKind.INCREMENTAL)

    assert (await pair.here())["title"] == "Wine tasting"
    assert "title" not in await pair.asked()


async def test_what_is_deleted_by_the_users_word_stays_in_the_history(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    mapping = await world.mapping_of(event["id"])
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.quiet()
    world.post.clear()
    await world.outlook.remove(str(mapping.outlook_id))
    await world.settle()
    await world.sync()

    choice = Choice(field="event", use="outlook")
    await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice])

    assert await world.wedsync.events() == []
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    (deleted,) = [row for row in rows if row.kind is ChangeKind.DELETED]
    assert deleted.before is not None
    assert deleted.before.title == "Cake tasting"


async def test_a_choice_that_waits_can_be_changed(world: World) -> None:
    pair = await clash(world)
    await world.outlook.fault(action="status", method="PATCH", status=503, count=50)
    choose = world.app.resolve_conflict.run
    assert await choose(world.planner.user_id, pair.wedsync_id, [Choice(field="title", use="wedsync")]) == {
        "title": "queued"
    }
    await pair.choose(Choice(field="title", use="outlook"))
    await world.outlook.clear_faults()
    await world.settle()
    assert ((await pair.here())["title"], (await pair.there())["subject"]) == ("Wine tasting", "WedSync: Wine tasting")


async def test_drift_that_is_overwritten_is_read_first_and_stays_in_the_history(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    mapping = await world.mapping_of(event["id"])
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await world.outlook.change(str(mapping.outlook_id), subject="WedSync: Wine tasting")
    await world.settle()
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.settle()
    assert (await world.outlook.read(str(mapping.outlook_id)))["subject"] == "WedSync: Cake tasting"
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    lost = [row.before.title for row in rows if row.kind is ChangeKind.UPDATED and row.before]
    assert lost == ["Wine tasting"]
    await world.assert_equal()
