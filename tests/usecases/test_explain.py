"""Every rule is named where it decides; nothing is written; and what was done before is told."""

import pytest

from shared.core.actions import EXPLAINED, Rule
from shared.core.event import Field, Side
from shared.core.explain import Standing
from shared.core.history import ChangeKind
from shared.core.states import IntegrationState
from shared.errors import NotFound
from shared.usecases.explain_event import Explanation
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.counting import CALENDAR, EVENT, counted
from tests.usecases.explained import BESIDE, SCENES, UNNAMED, named


async def explain(world: World, event_id: str) -> Explanation:
    return await world.app.explain_event.run(world.planner.user_id, event_id)


@pytest.mark.parametrize("rule", list(SCENES))
async def test_the_rule_is_named_and_nothing_is_written(world: World, rule: Rule) -> None:
    event_id = await SCENES[rule](world)
    await world.quiet()
    before = world.tables.contents()
    waiting = list(world.queue.kept)

    found = await explain(world, event_id)

    assert rule in named(found) if rule in BESIDE else found.rule is rule
    assert found.reason
    assert found.next_step
    assert world.tables.contents() == before
    assert world.queue.kept == waiting


def test_every_rule_that_can_be_named_is() -> None:
    assert SCENES.keys() | UNNAMED.keys() == set(Rule)
    assert not SCENES.keys() & UNNAMED.keys()
    assert EXPLAINED.keys() == set(Rule)


async def test_both_sides_are_read_and_nothing_else_is_asked(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await explain(world, ours.wedsync_id)
    assert counts.graph == {f"GET {EVENT}": 1, f"GET {EVENT}/calendar": 1}
    assert counts.wedsync == {"GET /v1/users/{id}/events/{id}": 1}

    await world.outlook.remove(ours.outlook_id)
    async with counted(world) as counts:
        await explain(world, ours.wedsync_id)
    assert counts.graph == {f"GET {EVENT}": 1, CALENDAR: 1}


async def test_an_event_is_known_by_each_of_its_ids(world: World, ours: Pair) -> None:
    mapping = await world.mapping_of(ours.wedsync_id)
    for event_id in (ours.wedsync_id, ours.outlook_id, mapping.mapping_id):
        found = await explain(world, event_id)
        assert (found.event_id, found.outlook_id) == (ours.wedsync_id, ours.outlook_id)
        assert found.synced
        assert found.state == "linked"


async def test_each_field_is_told_by_itself(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Wine tasting")
    await world.settle()
    await ours.here(description="Lots")
    await ours.there(location={"displayName": "Barn"})
    await world.quiet()

    found = await explain(world, ours.wedsync_id)

    told = {each.field: (each.standing, each.rule) for each in found.fields}
    assert told == {
        Field.TITLE: (Standing.HELD, Rule.CLASH),
        Field.DESCRIPTION: (Standing.TO_OUTLOOK, Rule.CARRY),
        Field.LOCATION: (Standing.TO_WEDSYNC, Rule.CARRY),
        Field.TIME: (Standing.AGREED, Rule.AGREED),
        Field.PRIVATE: (Standing.AGREED, Rule.AGREED),
        Field.ATTENDEES: (Standing.AGREED, Rule.AGREED),
    }
    assert [conflict.field for conflict in found.conflicts] == [Field.TITLE]
    assert found.rule is Rule.CARRY


async def test_what_was_done_is_told_newest_first_with_its_run(world: World, ours: Pair) -> None:
    await world.advance(seconds=1)
    await ours.here(title="Cake tasting")
    await world.settle()

    found = await explain(world, ours.wedsync_id)

    newest, first = found.changes
    assert (newest.kind, newest.side, newest.fields, newest.rule) == (
        ChangeKind.UPDATED,
        Side.OUTLOOK,
        (Field.TITLE,),
        Rule.CARRY,
    )
    assert newest.before is not None
    assert newest.after is not None
    assert (newest.before.title, newest.after.title) == ("Tasting", "Cake tasting")
    run = await world.app.request_sync.status(world.planner.user_id, newest.run_id)
    assert run.tally.updated == 1
    assert (first.kind, first.rule) == (ChangeKind.CREATED, Rule.WEDSYNC_NEW)


async def test_what_is_explained_is_what_happens_next(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.quiet()
    before = await explain(world, ours.wedsync_id)
    await world.settle()
    after = await explain(world, ours.wedsync_id)
    assert (before.rule, after.rule) == (Rule.CARRY, Rule.ECHO)
    assert after.changes[0].rule == before.rule


async def test_a_connection_that_lost_its_grant_is_told_without_asking_anybody(world: World, ours: Pair) -> None:
    await world.change_integration(state=IntegrationState.NEEDS_RECONNECT, reason="Sign in again.")
    async with counted(world) as counts:
        found = await explain(world, ours.wedsync_id)
    assert not counts.graph
    assert (found.rule, found.synced) == (Rule.PAUSED, False)
    assert found.reason == f"{EXPLAINED[Rule.PAUSED]} Sign in again."
    assert found.changes


async def test_only_what_nobody_knows_is_not_found(world: World, ours: Pair) -> None:
    for event_id in (
        "unknown",
        ".",
        "..",
        "../sync",
        "a/b",
        "evt_00000000000000000000000000000000",
        ours.outlook_id[:-5] + "AAAA=",
    ):
        with pytest.raises(NotFound):
            await explain(world, event_id)
    with pytest.raises(NotFound):
        await world.app.explain_event.run("planner-marco", ours.wedsync_id)
