"""Values of the user's own, several fields at once, and refusals that show what there is to choose from now."""

from datetime import date

import pytest

from shared.core.event import AllDay, Place
from shared.core.states import ConflictState
from shared.errors import NotFound, Unprocessable
from shared.usecases.choices import Choice, ConflictSuperseded
from tests.support.world import World
from tests.usecases.clash import OWN, clash


async def test_values_of_ones_own_come_to_both_sides_in_one_write_each(world: World) -> None:
    pair = await clash(world)
    assert set(await pair.asked()) == {"title", "description", "location", "dateTime"}
    await world.outlook.requests()
    await world.wedsync.requests()

    assert await pair.choose(*OWN) == dict.fromkeys(("title", "description", "location", "dateTime"), "applied")

    here, there = await pair.here(), await pair.there()
    assert (here["title"], there["subject"]) == ("Cheese tasting", "WedSync: Cheese tasting")
    assert (here["description"], here["location"]["name"]) == ("Three cheeses", "Dairy")
    assert (here["start"], here["timeZone"]) == ("2026-08-06T14:00:00", "Europe/Rome")
    assert "Three cheeses" in there["body"]["content"]
    assert await world.open_conflicts() == ()
    await world.assert_equal()
    writes = [each for each in await world.outlook.requests() + await world.wedsync.requests() if "PATCH" in each]
    assert len(writes) == 2
    await world.sync()
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_each_field_by_itself_and_the_rest_goes_on_waiting(world: World) -> None:
    pair = await clash(world)

    await pair.choose(Choice(field="title", use="wedsync"), Choice(field="location", use="outlook"))

    assert set(await pair.asked()) == {"description", "dateTime"}
    assert (await pair.there())["subject"] == "WedSync: Cake tasting"
    assert (await pair.here())["location"]["name"] == "Barn"
    assert (await pair.here())["description"] == "Three cakes"
    assert (await pair.there())["start"]["dateTime"].startswith("2026-08-05T09:00")


async def test_what_loses_stays_in_the_history(world: World) -> None:
    pair = await clash(world)
    mapping = await world.mapping_of(pair.wedsync_id)

    await pair.choose(Choice(field="title", use="wedsync"), Choice(field="description", use="outlook"))

    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    lost = {row.side.value: row.before for row in rows if row.rule == "resolved"}
    assert lost["outlook"] is not None
    assert lost["wedsync"] is not None
    assert (lost["outlook"].title, lost["wedsync"].description) == ("Wine tasting", "Three cakes")


async def test_an_all_day_of_ones_own(world: World) -> None:
    pair = await clash(world)
    day = AllDay(start=date(2026, 8, 7), end=date(2026, 8, 8), zone="Europe/Rome")
    await pair.choose(Choice(field="dateTime", use="custom", custom=day))
    assert (await pair.there())["isAllDay"]
    assert (await pair.here())["allDay"]
    await world.assert_equal()


@pytest.mark.parametrize(
    ("choice", "options", "code"),
    [
        (Choice(field="title", use="custom"), {}, "custom_value"),
        (Choice(field="title", use="custom", custom=Place(name="Mill")), {}, "custom_value"),
        (Choice(field="dateTime", use="custom", custom="noon"), {}, "custom_value"),
        (Choice(field="title", use="custom", custom="Own"), {"set_as_default": True}, "no_rule"),
    ],
)
async def test_what_cannot_be_chosen_changes_nothing(
    world: World, choice: Choice, options: dict[str, bool], code: str
) -> None:
    pair = await clash(world)
    with pytest.raises(Unprocessable) as refusal:
        await pair.choose(Choice(field="location", use="outlook"), choice, **options)
    assert refusal.value.code == code
    assert len(await pair.asked()) == 4
    assert (await pair.here())["location"]["name"] == "Mill"
    assert await world.ports.rules.of_integration(world.integration_id) == ()


@pytest.mark.parametrize("options", [{}, {"set_as_default": True}])
async def test_a_deletion_has_no_third_way_and_no_rule(world: World, options: dict[str, bool]) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.outlook.remove(str((await world.mapping_of(event["id"])).outlook_id))
    await world.settle()
    use = "outlook" if options else "custom"
    with pytest.raises(Unprocessable):
        await world.app.resolve_conflict.run(
            world.planner.user_id, event["id"], [Choice(field="event", use=use, custom="x")], **options
        )
    assert len(await world.open_conflicts()) == 1
    assert len(await world.wedsync.events()) == 1


@pytest.mark.parametrize("side", ["wedsync", "outlook"])
@pytest.mark.parametrize("lane", ["events", "run"])
@pytest.mark.parametrize("use", ["wedsync", "outlook", "custom"])
async def test_the_refusal_brings_the_new_values(world: World, side: str, lane: str, use: str) -> None:
    pair = await clash(world)
    seen = (await pair.asked())["title"]
    if side == "outlook":
        await world.outlook.change(pair.outlook_id, subject="WedSync: Ham tasting")
    else:
        await world.wedsync.change(pair.wedsync_id, title="Ham tasting")
    if lane == "run":
        await world.quiet()
        world.post.clear()
        await world.sync()
    await world.settle()

    custom = "Cheese tasting" if use == "custom" else None
    with pytest.raises(ConflictSuperseded) as refusal:
        await pair.choose(Choice(field="title", use=use, custom=custom, conflict_id=seen.conflict_id))

    now = refusal.value.conflict
    assert now == (await pair.asked())["title"]
    assert now is not None
    shown = now.outlook if side == "outlook" else now.wedsync
    assert shown is not None
    assert shown.title == "Ham tasting"
    kept = await world.ports.conflicts.get(world.integration_id, seen.conflict_id)
    assert kept is not None
    assert kept.state is ConflictState.SUPERSEDED
    assert {(await pair.here())["title"], (await pair.there())["subject"]} <= {
        "Cake tasting",
        "Ham tasting",
        "WedSync: Wine tasting",
        "WedSync: Ham tasting",
    }


@pytest.mark.parametrize("use", ["wedsync", "custom"])
async def test_the_refusal_brings_new_values_that_nobody_had_noticed(world: World, use: str) -> None:
    pair = await clash(world)
    await world.outlook.change(pair.outlook_id, subject="WedSync: Ham tasting")
    await world.quiet()
    world.post.clear()

    with pytest.raises(ConflictSuperseded) as refusal:
        await pair.choose(Choice(field="title", use=use, custom="Cheese tasting" if use == "custom" else None))

    assert refusal.value.conflict is not None
    assert refusal.value.conflict.outlook is not None
    assert refusal.value.conflict.outlook.title == "Ham tasting"
    assert (await pair.there())["subject"] == "WedSync: Ham tasting"


async def test_a_deletion_that_came_between_is_what_the_refusal_shows(world: World) -> None:
    pair = await clash(world)
    await world.outlook.remove(pair.outlook_id)
    await world.quiet()
    world.post.clear()

    with pytest.raises(ConflictSuperseded) as refusal:
        await pair.choose(Choice(field="title", use="wedsync"))

    assert refusal.value.conflict is not None
    assert refusal.value.conflict.field is None
    assert [row.field for row in await world.open_conflicts()] == [None]


async def test_another_fields_conflict_is_not_answered_by_mistake(world: World) -> None:
    pair = await clash(world)
    asked = await pair.asked()
    with pytest.raises(Unprocessable):
        await pair.choose(Choice(field="title", use="outlook", conflict_id=asked["location"].conflict_id))
    with pytest.raises(NotFound):
        await pair.choose(Choice(field="attendees", use="outlook"))
