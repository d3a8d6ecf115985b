"""A choice that is to hold for conflicts to come: what it decides, what it never decides, and how it is taken back."""

import pytest

from shared.core.event import EventType, Field, Side
from shared.core.history import SyncChange
from shared.core.rules import ResolutionRule
from shared.core.settings_change import SettingsChange
from shared.core.states import ConflictState
from shared.errors import Unprocessable
from shared.store.rows import Table
from shared.usecases.choices import Choice
from tests.support.calendars import at
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}


async def pair(world: World, *, kind: str = "client_meeting") -> tuple[str, str]:
    event = await world.wedsync.add("Tasting", type=kind)
    await world.settle()
    return event["id"], str((await world.mapping_of(event["id"])).outlook_id)


async def clash(world: World, ids: tuple[str, str], number: int = 0) -> None:
    await world.wedsync.change(ids[0], title=f"Cake {number}")
    await world.outlook.change(ids[1], subject=f"WedSync: Wine {number}")
    await world.settle()


async def titles(world: World, ids: tuple[str, str]) -> tuple[str, str]:
    return (await world.wedsync.read(ids[0]))["title"], (await world.outlook.read(ids[1]))["subject"]


async def with_rule(world: World, use: Side, *, kind: EventType = EventType.CLIENT_MEETING) -> ResolutionRule:
    return await world.app.resolution_rules.add(world.integration_id, which=Field.TITLE, event_type=kind, use=use)


async def ruled(world: World, event_id: str) -> list[SyncChange]:
    mapping = await world.mapping_of(event_id)
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    return [row for row in rows if row.rule == "resolution_rule"]


async def questions(world: World) -> int:
    """How many conflicts all runs and jobs together say that they opened."""
    runs = await world.ports.runs.history(world.integration_id, 100)
    return sum(stored.value.tally.conflicts for stored in runs)


@pytest.mark.parametrize("lane", ["events", "run"])
@pytest.mark.parametrize(("use", "title", "lost"), [("wedsync", "Cake 1", "Wine 1"), ("outlook", "Wine 1", "Cake 1")])
async def test_a_choice_made_the_default_decides_the_next_clash(
    world: World, lane: str, use: str, title: str, lost: str
) -> None:
    await world.connect()
    first, second = await pair(world), await pair(world)
    await clash(world, first)
    await world.app.resolve_conflict.run(
        world.planner.user_id, first[0], [Choice(field="title", use=use)], set_as_default=True
    )
    await world.settle()
    (rule,) = await world.app.resolution_rules.list(world.integration_id)
    assert (rule.field, rule.event_type, rule.use) == (Field.TITLE, EventType.CLIENT_MEETING, Side(use))
    told = await questions(world)

    if lane == "run":
        await world.wedsync.change(second[0], title="Cake 1")
        await world.outlook.change(second[1], subject="WedSync: Wine 1")
        await world.quiet()
        world.post.clear()
        await world.sync()
    else:
        await clash(world, second, 1)

    assert await titles(world, second) == (title, f"WedSync: {title}")
    assert await world.open_conflicts() == ()
    (row,) = await ruled(world, second[0])
    assert row.before is not None
    assert (row.fields, row.before.title, row.side) == ((Field.TITLE,), lost, Side(use).other)
    assert await questions(world) == told
    await world.assert_equal()
    await world.sync()
    assert len(await ruled(world, second[0])) == 1


async def test_a_rule_decides_nothing_else(world: World) -> None:
    await world.connect()
    await with_rule(world, Side.OUTLOOK)
    wedding = await pair(world, kind="wedding_ceremony")
    await clash(world, wedding)
    assert [row.field for row in await world.open_conflicts()] == [Field.TITLE]

    meeting = await pair(world)
    await world.wedsync.change(meeting[0], title="Cake", start="2026-08-05T18:00:00", end="2026-08-05T19:00:00")
    await world.outlook.change(
        meeting[1], subject="WedSync: Wine", start=at("2026-08-05T09:00:00"), end=at("2026-08-05T10:00:00")
    )
    await world.settle()
    assert await titles(world, meeting) == ("Wine", "WedSync: Wine")
    mapping = await world.mapping_of(meeting[0])
    assert [row.field for row in await world.open_conflicts() if row.mapping_id == mapping.mapping_id] == [Field.TIME]


async def test_a_rule_never_mails_guests(world: World) -> None:
    await world.connect()
    await with_rule(world, Side.WEDSYNC)
    ids = await pair(world)
    await world.outlook.change(ids[1], attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()
    await clash(world, ids)
    world.graph.outbox.mails.clear()
    await world.sync()
    assert {row.field for row in await world.open_conflicts()} == {Field.TITLE, Field.ATTENDEES}
    assert await world.outlook.sent() == []
    assert await titles(world, ids) == ("Cake 0", "WedSync: Wine 0")

    with pytest.raises(Unprocessable):
        await world.app.resolve_conflict.run(
            world.planner.user_id,
            ids[0],
            [Choice(field="title", use="wedsync")],
            set_as_default=True,
            mail_guests=True,
        )


async def test_a_rule_never_decides_a_deletion(world: World) -> None:
    await world.connect()
    await with_rule(world, Side.OUTLOOK)
    ids = await pair(world)
    await world.wedsync.change(ids[0], title="Cake")
    await world.outlook.remove(ids[1])
    await world.settle()
    assert [row.field for row in await world.open_conflicts()] == [None]


async def test_a_later_choice_replaces_the_rule_and_removing_it_asks_again(world: World) -> None:
    await world.connect()
    await with_rule(world, Side.OUTLOOK)
    rule = await with_rule(world, Side.WEDSYNC)
    assert await world.app.resolution_rules.list(world.integration_id) == (rule,)
    ids = await pair(world)
    await clash(world, ids)
    assert (await titles(world, ids))[1] == "WedSync: Cake 0"

    with pytest.raises(Unprocessable):
        await world.app.resolution_rules.assert_known(world.integration_id, [rule.rule_id, "unknown"])
    assert await world.app.resolution_rules.remove(world.integration_id, [rule.rule_id, "unknown"]) == 1
    await clash(world, ids, 1)
    assert len(await world.open_conflicts()) == 1


async def test_an_open_conflict_is_not_decided_by_a_rule_made_later(world: World) -> None:
    await world.connect()
    first, second = await pair(world), await pair(world)
    await clash(world, first)
    await clash(world, second)
    await world.app.resolve_conflict.run(
        world.planner.user_id, first[0], [Choice(field="title", use="outlook")], set_as_default=True
    )
    await world.sync()
    assert len(await world.open_conflicts()) == 1
    assert await titles(world, second) == ("Cake 0", "WedSync: Wine 0")

    await world.wedsync.change(second[0], title="Cake 2")
    await world.settle()
    assert await world.open_conflicts() == ()
    assert await titles(world, second) == ("Wine 0", "WedSync: Wine 0")


async def test_a_disconnect_forgets_the_rules(world: World) -> None:
    await world.connect()
    await with_rule(world, Side.OUTLOOK)
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert await world.ports.rules.of_integration(world.integration_id) == ()


async def test_killed_at_each_step_a_ruled_clash_ends_alike_and_keeps_what_lost() -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as world:
            await world.connect()
            await with_rule(world, Side.OUTLOOK)
            ids = await pair(world)
            await world.wedsync.change(ids[0], title="Cake 0")
            await world.outlook.change(ids[1], subject="WedSync: Wine 0")
            await world.quiet()

            died = await world.crashes(world.settle, at=step)
            where = f"killed {world.steps.killed}"
            await world.settle()
            await world.sync()
            assert await titles(world, ids) == ("Wine 0", "WedSync: Wine 0"), where
            assert await world.open_conflicts() == (), where
            rows = [row for row in world.tables.contents()[Table.CONFLICTS] if row.key.startswith("c|")]
            assert any(row.columns["state"] == ConflictState.APPLIED for row in rows), where
            await world.assert_equal()


async def test_a_change_of_settings_tells_of_the_rules_that_are_left(world: World) -> None:
    """The frontend takes its integration from the answer."""
    await world.connect()
    kept, dropped = await with_rule(world, Side.OUTLOOK), await with_rule(world, Side.WEDSYNC, kind=EventType.DEADLINE)
    changed = await world.app.change_settings.run(world.planner.user_id, SettingsChange())
    assert changed.rules == (kept, dropped)
    without = SettingsChange(remove_rules=(dropped.rule_id,))
    assert (await world.app.change_settings.run(world.planner.user_id, without)).rules == (kept,)
