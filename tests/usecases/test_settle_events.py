"""The rules, as a planner would see them: an edit here, an edit there, and what both calendars say afterwards."""

from typing import Any

import pytest

from shared.core.event import Field, Side
from shared.core.integration import Direction
from shared.core.jobs import EventJob, Glance
from shared.core.states import IntegrationState, MappingState
from shared.errors import Rejected
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import World

# --- One edit --------------------------------------------------------------------------------------------------------


async def test_an_edit_in_wedsync_takes_one_request(world: World, ours: Pair) -> None:
    world.calls.clear()
    await ours.here(title="Cake tasting")
    await world.settle()

    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    assert [call.method for call in world.calls] == ["PATCH"]
    await world.assert_equal()


async def test_an_edit_in_outlook_takes_one_request(world: World, ours: Pair) -> None:
    world.calls.clear()
    rome = "W. Europe Standard Time"
    await ours.there(start=at("2026-08-06T09:00:00", rome), end=at("2026-08-06T10:30:00", rome))
    await world.settle()

    event = await world.wedsync.read(ours.wedsync_id)
    assert (event["start"], event["timeZone"]) == ("2026-08-06T09:00:00", "Europe/Rome")
    assert [call.method for call in world.calls] == ["GET"]
    await world.assert_equal()


async def test_different_fields_of_both_sides_are_merged(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(location={"displayName": "Harbour"})
    await world.settle()

    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    assert (await world.wedsync.read(ours.wedsync_id))["location"]["name"] == "Harbour"
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_the_same_value_on_both_sides_is_agreed(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Cake tasting")
    await world.settle()

    assert await world.open_conflicts() == ()
    await world.assert_equal()


# --- Conflicts -------------------------------------------------------------------------------------------------------


async def clash(world: World, pair: Pair) -> None:
    await pair.here(title="Cake tasting")
    await pair.there(subject="WedSync: Wine tasting")
    await world.settle()


async def test_the_same_field_of_both_sides_is_a_conflict_and_nothing_is_lost(world: World, ours: Pair) -> None:
    await clash(world, ours)

    (conflict,) = await world.open_conflicts()
    assert conflict.field is Field.TITLE
    assert conflict.wedsync is not None
    assert conflict.outlook is not None
    assert (conflict.wedsync.title, conflict.outlook.title) == ("Cake tasting", "Wine tasting")
    assert await ours.titles() == ("Cake tasting", "WedSync: Wine tasting")

    await world.sync()
    assert [each.conflict_id for each in await world.open_conflicts()] == [conflict.conflict_id]
    assert await ours.titles() == ("Cake tasting", "WedSync: Wine tasting")


async def test_other_fields_go_on_while_one_waits(world: World, ours: Pair) -> None:
    await clash(world, ours)
    await ours.there(location={"displayName": "Harbour"})
    await ours.here(description="Bring forks")
    await world.settle()

    event, item = await world.wedsync.read(ours.wedsync_id), await world.outlook.read(ours.outlook_id)
    assert (event["location"]["name"], item["bodyText"]) == ("Harbour", "Bring forks")
    assert len(await world.open_conflicts()) == 1


async def test_a_new_value_supersedes_the_conflict(world: World, ours: Pair) -> None:
    await clash(world, ours)
    (before,) = await world.open_conflicts()
    await ours.here(title="Cheese tasting")
    await world.settle()

    (after,) = await world.open_conflicts()
    assert after.conflict_id != before.conflict_id
    assert after.wedsync is not None
    assert after.wedsync.title == "Cheese tasting"


async def test_a_conflict_ends_when_a_side_comes_round(world: World, ours: Pair) -> None:
    await clash(world, ours)
    await ours.there(subject="WedSync: Cake tasting")
    await world.settle()

    assert await world.open_conflicts() == ()
    assert (await world.mapping_of(ours.wedsync_id)).held == frozenset()
    await world.assert_equal()


# --- Notices late, twice, in the wrong order -------------------------------------------------------------------------


async def test_notices_may_come_twice_and_in_any_order(world: World, ours: Pair) -> None:
    for number in range(4):
        await ours.here(title=f"Tasting {number}")
        await ours.there(location={"displayName": f"Room {number}"})
    await world.quiet()
    world.post[:] = [*reversed(world.post), *world.post]
    await world.settle()

    assert await ours.titles() == ("Tasting 3", "WedSync: Tasting 3")
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_an_old_notice_brings_nothing_old_back(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    old = list(world.post)
    await world.settle()
    await ours.here(title="Wine tasting")
    await world.settle()
    world.calls.clear()

    world.post += old
    await world.settle()

    assert await ours.titles() == ("Wine tasting", "WedSync: Wine tasting")
    assert world.calls == []


async def test_a_lost_notice_is_made_up_for_by_the_next_run(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(location={"displayName": "Harbour"})
    await world.quiet()
    world.post.clear()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()

    await world.assert_equal()


# --- Trouble ---------------------------------------------------------------------------------------------------------


async def test_throttling_hands_back_with_the_delay_that_was_asked_for(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", method="PATCH", status=429, retry_after=90, count=1)
    await ours.here(title="Cake tasting")
    await world.deliver(world.post[0])
    began = world.clock.now()
    message = world.queue.kept[0]
    await world.carry_out(message)

    (again,) = world.queue.kept
    job = world.app.jobs.parse(again.text)
    assert isinstance(job, EventJob)
    assert job.attempt == 1
    assert again.due - (world.clock.now() - began).total_seconds() >= 90

    await world.settle()
    await world.assert_equal()


async def test_an_event_that_never_holds_still_is_quarantined_and_blocks_nothing(world: World, ours: Pair) -> None:
    other = await world.wedsync.add("Other")
    await world.settle()
    await world.outlook.knobs(spurious412=1000)
    await ours.here(title="Cake tasting")
    await world.settle()
    assert (await world.mapping_of(ours.wedsync_id)).quarantine
    await world.outlook.knobs(spurious412=0)
    await world.wedsync.change(other["id"], title="Another")
    await world.settle()
    assert not (await world.mapping_of(other["id"])).quarantine

    await world.sync()
    assert not (await world.mapping_of(ours.wedsync_id)).quarantine
    await world.assert_equal()


async def test_one_412_is_settled_at_once(world: World, ours: Pair) -> None:
    await world.outlook.knobs(spurious412=1)
    world.calls.clear()
    await ours.here(title="Cake tasting")
    await world.settle()

    assert [call.method for call in world.calls] == ["PATCH", "GET", "PATCH"]
    await world.assert_equal()


async def test_a_refused_write_is_quarantined_with_its_reason(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", method="PATCH", status=400, code="ErrorPropertyUpdate", count=1)
    await ours.here(title="Cake tasting")
    await world.settle()

    assert "ErrorPropertyUpdate" in (await world.mapping_of(ours.wedsync_id)).quarantine
    assert (await world.integration()).state is IntegrationState.CONNECTED


async def test_a_dead_grant_stops_the_connection_with_its_reason(world: World, ours: Pair) -> None:
    world.entra.revoked.add(world.integration_id)
    await ours.here(title="Cake tasting")
    await world.settle()
    integration = await world.integration()
    assert integration.state is IntegrationState.NEEDS_RECONNECT
    assert integration.reason

    world.entra.revoked.clear()
    await world.connect()
    assert await ours.titles() == ("Cake tasting", "WedSync: Cake tasting")
    await world.assert_equal()


async def test_a_write_whose_answer_is_lost_is_no_edit_of_the_owner(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="hang_after_commit", method="PATCH", count=1)
    await ours.here(title="Cake tasting")
    await world.settle()

    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_a_deletion_whose_answer_is_lost_ends_the_pair(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="hang_after_commit", method="DELETE", count=1)
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()

    assert await world.outlook.events() == []
    assert await world.mappings() == []
    assert await world.open_conflicts() == ()


async def test_a_hundred_events_in_one_job(world: World) -> None:
    await world.connect()
    ids = [(await world.wedsync.add(f"Tasting {number}"))["id"] for number in range(100)]
    world.post.clear()
    glances = tuple(Glance(event_id=each, hint="1") for each in ids)
    await world.queue.put(EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=glances))
    assert len(world.queue.kept) == 1
    await world.settle()

    assert len(await world.outlook.events()) == 100
    await world.assert_equal()


async def test_in_a_one_way_connection_nothing_goes_the_other_way(world: World, ours: Pair) -> None:
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await ours.there(location={"displayName": "Harbour"})
    await world.outlook.add("Dentist")
    await world.settle()
    assert (await world.wedsync.read(ours.wedsync_id))["location"]["name"] == "Mill"
    assert len(await world.wedsync.events()) == 1

    await ours.here(title="Cake tasting")
    await world.settle()
    assert await ours.subject() == "WedSync: Cake tasting"


# --- Killed in the middle --------------------------------------------------------------------------------------------


async def _edit_here(pair: Pair) -> None:
    await pair.here(title="Cake tasting")


async def _edit_there(pair: Pair) -> None:
    await pair.there(subject="WedSync: Cake tasting", location={"displayName": "Harbour"})


async def _edit_both(pair: Pair) -> None:
    await pair.here(title="Cake tasting")
    await pair.there(location={"displayName": "Harbour"})


async def _delete_here(pair: Pair) -> None:
    await pair.world.wedsync.remove(pair.wedsync_id)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("edit", [_edit_here, _edit_there, _edit_both, _delete_here])
async def test_killed_at_each_step_an_edit_arrives_without_a_conflict(edit: Any) -> None:
    async def arranged(world: World) -> None:
        event = await world.wedsync.add("Tasting", location={"name": "Mill", "address": ""})
        await world.connect()
        await edit(Pair(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id)))

    async with World() as world:
        await arranged(world)
        before = len(world.steps.names)
        await world.settle()
        total = len(world.steps.names) - before
    for step in range(1, total + 1):
        async with World(seed=step) as world:
            await arranged(world)
            assert await world.crashes(world.settle, at=step)
            await world.settle()
            await world.sync()
            assert await world.open_conflicts() == (), f"killed {world.steps.killed}"
            assert await world.differences() == [], f"killed {world.steps.killed}"
            await world.assert_equal()


# --- Creates that are refused ----------------------------------------------------------------------------------------


def refusing(world: World, side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the far end refuse whatever has BAD in it."""
    end: Any = world.ports.outlook if side is Side.OUTLOOK else world.ports.wedsync
    real = end.create

    async def create(*args: Any, **named: Any) -> Any:
        if any("BAD" in str(part) for part in args):
            raise Rejected("graph", status=400, code="ErrorPropertyValidation")
        return await real(*args, **named)

    monkeypatch.setattr(end, "create", create)


async def test_a_refused_copy_is_made_once_its_event_is_mended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.connect()
    refusing(world, Side.OUTLOOK, monkeypatch)
    event = await world.wedsync.add("BAD title")
    await world.settle()
    await world.sync()
    assert [(each.state, bool(each.quarantine)) for each in await world.mappings()] == [(MappingState.INTENT, True)]

    await world.wedsync.change(event["id"], title="BAD again")
    await world.settle()
    assert [(each.state, bool(each.quarantine)) for each in await world.mappings()] == [(MappingState.INTENT, True)]
    await world.wedsync.change(event["id"], title="Good title")
    await world.settle()

    assert [(each.state, each.quarantine) for each in await world.mappings()] == [(MappingState.LINKED, "")]
    assert [each["subject"] for each in await world.outlook.events()] == ["WedSync: Good title"]
    await world.sync()
    await world.assert_equal()


async def test_a_refused_import_is_made_once_its_event_is_mended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.connect()
    refusing(world, Side.WEDSYNC, monkeypatch)
    item = await world.outlook.add("BAD title")
    await world.settle()
    assert await world.wedsync.events() == []

    await world.outlook.change(item["id"], subject="Good title")
    await world.settle()

    assert [each["title"] for each in await world.wedsync.events()] == ["Good title"]
    await world.sync()
    assert len(await world.mappings()) == 1
    await world.assert_equal()


async def test_a_refused_copy_is_given_up_with_its_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.connect()
    refusing(world, Side.OUTLOOK, monkeypatch)
    event = await world.wedsync.add("BAD title")
    await world.settle()

    await world.wedsync.remove(event["id"])
    await world.settle()

    assert await world.mappings() == []
    await world.sync()
    await world.assert_equal()
