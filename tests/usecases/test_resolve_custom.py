"""Values of the user's own, several fields at once, guests by their owner's word, choices that outlive a crash."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.core.conflicts import resolved
from shared.core.event import AllDay, Place, Timed
from shared.core.history import Conflict
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import ConflictState, MappingState, RunState
from shared.errors import NotFound, StateConflict, Unprocessable
from shared.usecases.choices import Choice, ConflictSuperseded, GuestsWouldBeMailed
from tests.support.calendars import at
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
SECOND = {"emailAddress": {"address": "second@example.test", "name": "Second"}, "type": "required"}


class Clash:
    """One event that both sides have changed in every field."""

    def __init__(self, world: World, wedsync_id: str, outlook_id: str) -> None:
        self.world, self.wedsync_id, self.outlook_id = world, wedsync_id, outlook_id

    async def choose(self, *choices: Choice, **options: Any) -> dict[str, str]:
        answer = await self.world.app.resolve_conflict.run(
            self.world.planner.user_id, self.wedsync_id, choices, **options
        )
        await self.world.settle()
        return dict(answer)

    async def here(self) -> dict[str, Any]:
        return await self.world.wedsync.read(self.wedsync_id)

    async def there(self) -> dict[str, Any]:
        return await self.world.outlook.read(self.outlook_id)

    async def asked(self) -> dict[str, Conflict]:
        return {str(row.field): row for row in await self.world.open_conflicts()}


async def clash(world: World, **guests: Any) -> Clash:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    found = Clash(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))
    await world.wedsync.change(
        event["id"],
        title="Cake tasting",
        description="Three cakes",
        location={"name": "Mill", "address": "1 Mill Lane"},
        start="2026-08-05T18:00:00",
        end="2026-08-05T19:00:00",
    )
    await world.outlook.change(
        found.outlook_id,
        subject="WedSync: Wine tasting",
        body={"contentType": "text", "content": "Three wines"},
        location={"displayName": "Barn"},
        start=at("2026-08-05T09:00:00"),
        end=at("2026-08-05T10:00:00"),
        **guests,
    )
    await world.settle()
    world.graph.outbox.mails.clear()
    return found


OWN = [
    Choice(field="title", use="custom", custom="Cheese tasting"),
    Choice(field="description", use="custom", custom="Three cheeses"),
    Choice(field="location", use="custom", custom=Place(name="Dairy", address="2 Cow Lane")),
    Choice(
        field="dateTime",
        use="custom",
        custom=Timed(
            start=datetime(2026, 8, 6, 12, tzinfo=UTC), end=datetime(2026, 8, 6, 13, tzinfo=UTC), zone="Europe/Rome"
        ),
    ),
]


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


# --- superseded -----------------------------------------------------------------------------------------------------


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


# --- guests -----------------------------------------------------------------------------------------------------------


async def test_guests_are_mailed_once_by_the_users_word(world: World) -> None:
    pair = await clash(world, attendees=[GUEST, SECOND])
    with pytest.raises(GuestsWouldBeMailed) as refusal:
        await pair.choose(Choice(field="title", use="wedsync"))
    assert refusal.value.guests == 2
    assert "2 guests" in refusal.value.detail
    assert await world.outlook.sent() == []

    await pair.choose(Choice(field="title", use="wedsync"), mail_guests=True)

    assert (await pair.there())["subject"] == "WedSync: Cake tasting"
    assert [mail["kind"] for mail in await world.outlook.sent()] == ["update"] * len(await world.outlook.sent())
    told = {to for mail in await world.outlook.sent() for to in mail["to"]}
    assert told == {"guest@example.test", "second@example.test"}
    sent = len(await world.outlook.sent())
    await world.sync()
    assert len(await world.outlook.sent()) == sent


async def test_a_value_of_ones_own_mails_guests_only_by_the_users_word(world: World) -> None:
    pair = await clash(world, attendees=[GUEST])
    with pytest.raises(GuestsWouldBeMailed):
        await pair.choose(OWN[0])
    assert (await pair.here())["title"] == "Cake tasting"
    await pair.choose(OWN[0], mail_guests=True)
    assert ((await pair.here())["title"], (await pair.there())["subject"]) == (
        "Cheese tasting",
        "WedSync: Cheese tasting",
    )
    assert {mail["kind"] for mail in await world.outlook.sent()} == {"update"}


async def test_outlooks_value_mails_nobody(world: World) -> None:
    pair = await clash(world, attendees=[GUEST])
    await pair.choose(Choice(field="title", use="outlook"))
    assert (await pair.here())["title"] == "Wine tasting"
    assert await world.outlook.sent() == []


@pytest.mark.parametrize("use", ["wedsync", "custom"])
async def test_a_word_about_some_guests_does_not_cover_others(world: World, use: str) -> None:
    pair = await clash(world, attendees=[GUEST])
    await world.outlook.change(pair.outlook_id, attendees=[GUEST, SECOND])
    await world.quiet()
    world.post.clear()
    world.graph.outbox.mails.clear()

    with pytest.raises(ConflictSuperseded) as refusal:
        await pair.choose(Choice(field="title", use=use, custom="Own" if use == "custom" else None), mail_guests=True)

    assert refusal.value.conflict is not None
    assert await world.outlook.sent() == []
    assert ((await pair.here())["title"], (await pair.there())["subject"]) == ("Cake tasting", "WedSync: Wine tasting")
    await pair.choose(Choice(field="title", use=use, custom="Own" if use == "custom" else None), mail_guests=True)
    assert (await pair.there())["subject"] == ("WedSync: Own" if use == "custom" else "WedSync: Cake tasting")


async def test_cancelling_a_meeting_tells_the_guests_by_the_users_word(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.outlook.change(item_id, attendees=[GUEST])
    await world.settle()
    await world.wedsync.remove(event["id"])
    await world.settle()
    world.graph.outbox.mails.clear()
    choice = Choice(field="event", use="wedsync")
    with pytest.raises(StateConflict) as refusal:
        await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice])
    assert refusal.value.code == "guests_would_be_mailed"
    assert await world.outlook.sent() == []

    await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice], mail_guests=True)

    assert {mail["kind"] for mail in await world.outlook.sent()} == {"cancellation"}
    assert await world.outlook.events() == []
    assert await world.open_conflicts() == ()


# --- crashes and faults ---------------------------------------------------------------------------------------------


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


# --- what a run leaves behind -----------------------------------------------------------------------------------------


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
    await world.ports.conflicts.put(replace(asked["title"], conflict_id="left-over", mapping_id="gone"))
    await world.ports.conflicts.put(replace(asked["title"], conflict_id="apart", mapping_id="apart"))
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
    await world.ports.conflicts.put(resolved(asked["title"], choice="outlook"))

    await world.sync(RunKind.INCREMENTAL)

    assert (await pair.here())["title"] == "Wine tasting"
    assert "title" not in await pair.asked()
