"""Runs: what the first one imports, what a second finds, and what they mend."""

from datetime import timedelta

import pytest

from shared.core.history import ChangeKind
from shared.core.integration import LastSyncStatus
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import IntegrationState, RunState
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import START, World

WRITES = ("POST", "PATCH", "DELETE", "PUT")
WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 4, "recurrenceTimeZone": "UTC"},
}


async def mixed(world: World) -> None:
    """A little of everything on both sides."""
    await world.wedsync.add("Tasting", description="Two lines\nof text", location={"name": "Mill", "address": "Lane 1"})
    days = {"start": "2026-09-05T00:00:00", "end": "2026-09-06T00:00:00", "allDay": True}
    await world.wedsync.add("Wedding", type="wedding_ceremony", **days)
    await world.wedsync.add("Ä" * 300, timeZone="America/New_York")
    await world.wedsync.add("Private", private=True)
    await world.outlook.add("Dentist", body={"contentType": "html", "content": "<p>Upper <b>left</b></p>"})
    await world.outlook.add("Holiday", start=at("2026-08-10T00:00:00"), end=at("2026-08-15T00:00:00"), isAllDay=True)
    await world.outlook.add("Doctor", sensitivity="private")
    await world.outlook.add("Choir", recurrence=WEEKLY)


async def writes(world: World) -> list[str]:
    return [each for each in await world.outlook.requests() + await world.wedsync.requests() if each.startswith(WRITES)]


async def test_the_first_run_brings_everything_over(world: World) -> None:
    await mixed(world)
    await world.connect()

    await world.assert_equal()
    assert len(await world.mappings()) == 4 + 3 + 4
    (run,) = await world.runs()
    assert (run.state, run.tally.created, run.tally.errors) == (RunState.COMPLETED, 11, 0)
    assert (await world.integration()).last_sync_status is LastSyncStatus.SUCCESS


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
async def test_a_second_run_writes_nothing(world: World, kind: RunKind) -> None:
    await mixed(world)
    await world.connect()
    before = {mapping.mapping_id: mapping for mapping in await world.mappings()}
    await writes(world)

    run = await world.sync(kind)

    assert await writes(world) == []
    assert (run.state, run.tally.created, run.tally.updated, run.tally.deleted) == (RunState.COMPLETED, 0, 0, 0)
    assert {mapping.mapping_id: mapping for mapping in await world.mappings()} == before


async def test_an_incremental_run_without_changes_asks_graph_once(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.connect()
    await world.sync(RunKind.INCREMENTAL)
    world.calls.clear()

    await world.sync(RunKind.INCREMENTAL)

    assert [call.template for call in world.calls] == ["/me/calendars/{id}/calendarView/delta"]


async def test_an_expired_delta_link_leads_to_a_full_reading(world: World) -> None:
    await mixed(world)
    await world.connect()
    await world.outlook.expire_delta()
    await world.outlook.add("New")
    await world.quiet()
    world.post.clear()

    run = await world.sync(RunKind.INCREMENTAL)

    assert (run.state, run.tally.created) == (RunState.COMPLETED, 1)
    await world.assert_equal()


async def test_an_expired_cursor_of_wedsync_leads_to_a_full_reading(world: World) -> None:
    await mixed(world)
    await world.connect()
    await world.wedsync.expire_cursors()
    await world.wedsync.add("New")
    world.post.clear()

    run = await world.sync(RunKind.INCREMENTAL)

    assert run.tally.created == 1
    await world.assert_equal()


async def test_a_run_finds_all_that_notices_would_have_told(world: World) -> None:
    await mixed(world)
    await world.connect()
    events = {event["title"]: event for event in await world.wedsync.events()}
    items = {item["subject"]: item for item in await world.outlook.events()}
    await world.wedsync.change(events["Tasting"]["id"], title="Cake tasting")
    await world.wedsync.remove(events["Wedding"]["id"])
    await world.outlook.change(items["Dentist"]["id"], subject="Dentist again")
    await world.outlook.remove(items["Holiday"]["id"])
    await world.quiet()
    world.post.clear()

    run = await world.sync(RunKind.INCREMENTAL)

    assert (run.tally.updated, run.tally.deleted) == (2, 2)
    await world.assert_equal()
    kinds = [change.kind for change in await world.ports.changes.of_run(world.integration_id, run.run_id)]
    assert sorted(kinds) == sorted([ChangeKind.UPDATED] * 2 + [ChangeKind.DELETED] * 2)


async def test_a_full_run_finds_what_the_cursors_have_passed_by(world: World) -> None:
    """Deletions that no cursor tells any more are missing in the full reading, and are proved one by one."""
    await mixed(world)
    await world.connect()
    events = {event["title"]: event for event in await world.wedsync.events()}
    items = {item["subject"]: item for item in await world.outlook.events()}
    await world.wedsync.remove(events["Tasting"]["id"])
    await world.outlook.remove(items["Dentist"]["id"])
    await world.quiet()
    world.post.clear()
    await world.outlook.expire_delta()
    await world.wedsync.expire_cursors()

    await world.sync(RunKind.INCREMENTAL)

    await world.assert_equal()
    assert len(await world.mappings()) == 9


async def test_editing_and_deleting_occurrences(world: World) -> None:
    choir = await world.outlook.add("Choir", recurrence=WEEKLY)
    await world.connect()
    assert len(await world.wedsync.events()) == 4
    days = await world.outlook.view("2026-08-01", "2026-09-01")

    await world.outlook.change(days[1]["id"], subject="Choir, concert")
    await world.outlook.remove(days[2]["id"])
    await world.settle()
    assert sorted(event["title"] for event in await world.wedsync.events()) == ["Choir", "Choir", "Choir, concert"]
    await world.assert_equal()

    event = next(event for event in await world.wedsync.events() if event["start"].startswith("2026-08-25"))
    await world.wedsync.change(event["id"], title="Choir, last time")
    await world.settle()
    await world.assert_equal()
    assert (await world.outlook.read(choir["id"]))["subject"] == "Choir"

    await world.outlook.remove(choir["id"])
    await world.settle()
    await world.sync()
    assert await world.wedsync.events() == []
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_what_the_window_has_passed_is_not_taken_for_deleted(world: World) -> None:
    await world.wedsync.add("Old", start="2026-01-10T10:00:00", end="2026-01-10T11:00:00")
    await world.outlook.add("Old too", start=at("2026-01-11T14:00:00"), end=at("2026-01-11T15:00:00"))
    await world.connect()
    assert len(await world.mappings()) == 2

    await world.advance(days=60)
    await world.sync()

    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == 2
    assert await world.open_conflicts() == ()


async def test_a_failed_event_makes_the_run_partial_and_stops_no_other(world: World) -> None:
    await world.wedsync.add("Good")
    await world.wedsync.add("Unlucky")
    await world.connect()
    for event in await world.wedsync.events():
        await world.wedsync.change(event["id"], location={"name": "Mill", "address": ""})
    world.post.clear()
    await world.outlook.fault(action="status", method="PATCH", status=400, code="ErrorX", count=1)

    run = await world.sync()

    assert (run.state, run.tally.updated, run.tally.errors) == (RunState.COMPLETED, 1, 1)
    assert [failure.retryable for failure in run.failures] == [False]
    assert (await world.integration()).last_sync_status is LastSyncStatus.PARTIAL
    await world.sync()
    await world.assert_equal()


async def test_a_dead_grant_fails_the_run_and_stops_the_connection(world: World) -> None:
    await world.connect()
    world.entra.revoked.add(world.integration_id)

    run_id = (
        await world.app.request_sync.start(
            await world.integration(), kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL
        )
    ).run_id
    await world.settle()

    run = await world.app.request_sync.status(world.planner.user_id, run_id)
    assert run.state is RunState.FAILED
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT


async def test_one_run_at_a_time(world: World) -> None:
    for number in range(5):
        await world.wedsync.add(f"Tasting {number}")
    await world.connect(settle=False)
    await world.app.request_sync.start(await world.integration(), kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)
    jobs = [message for message in world.queue.kept if "run" in message.queue]
    for message in jobs:
        world.queue.kept.remove(message)

    await world.run_at_once([message.text for message in jobs])
    await world.settle()

    assert {run.state for run in await world.runs()} == {RunState.COMPLETED}
    assert len(await world.outlook.events()) == 5
    await world.assert_equal()


async def test_a_run_waits_while_another_one_is_at_work(world: World) -> None:
    await world.connect()
    await world.wedsync.add("Tasting")
    await world.quiet()
    world.post.clear()
    a_while = world.clock.now() + timedelta(minutes=2)
    hold = await world.ports.leases.acquire(world.integration_id, owner="another", until=a_while)
    assert hold is not None
    run = await world.app.request_sync.start(
        await world.integration(), kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL
    )

    await world.settle(within=timedelta(minutes=1))
    assert (await world.app.request_sync.status(world.planner.user_id, run.run_id)).state is RunState.QUEUED
    assert await world.outlook.events() == []

    await world.ports.leases.release(hold)
    await world.settle()
    assert (await world.app.request_sync.status(world.planner.user_id, run.run_id)).state is RunState.COMPLETED
    await world.assert_equal()


async def test_edits_during_a_run_are_not_lost(world: World) -> None:
    """The edit arrives between reading and writing; the run's writes are conditional, and it looks again."""
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.wedsync.change(event["id"], title="Cake tasting")
    world.post.clear()

    async def meddle(name: str) -> None:
        if name.startswith("before graph POST /v1.0/$batch"):
            world.steps.watch = None
            await world.outlook.change(item_id, location={"displayName": "Harbour"})

    world.steps.watch = meddle
    await world.sync(RunKind.INCREMENTAL)

    await world.assert_equal()
    assert (await world.outlook.read(item_id))["subject"] == "WedSync: Cake tasting"
    assert (await world.wedsync.read(event["id"]))["location"]["name"] == "Harbour"


async def test_cursors_are_committed_after_what_they_stand_for(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.quiet()
    world.post.clear()

    async def die(name: str) -> None:
        if name.startswith("before graph POST"):
            world.steps.watch = None
            world.steps.deadly_from = 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(lambda: world.sync(RunKind.INCREMENTAL), at=1_000_000)
    assert await ours.subject() == "WedSync: Tasting"

    await world.advance(minutes=1)
    await world.sync(RunKind.INCREMENTAL)
    assert await ours.subject() == "WedSync: Cake tasting"


async def test_an_update_that_never_got_through_is_found_by_the_next_run(world: World, ours: Pair) -> None:
    await ours.there(subject="WedSync: Cake tasting")
    await world.quiet()
    world.post.clear()
    await world.wedsync.fault(action="status", method="PATCH", status=503)
    run = await world.sync(RunKind.INCREMENTAL)
    assert (run.state, run.tally.errors) == (RunState.COMPLETED, 1)

    await world.wedsync.clear_faults()
    await world.sync(RunKind.INCREMENTAL)
    assert (await ours.titles())[0] == "Cake tasting"


async def test_throttled_all_the_way_it_still_ends(world: World) -> None:
    await mixed(world)
    await world.outlook.fault(action="status", status=429, retry_after=1, every=3, code="ApplicationThrottled")
    await world.wedsync.fault(action="status", status=503, every=4)

    await world.connect()
    await world.outlook.clear_faults()
    await world.wedsync.clear_faults()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()

    await world.assert_equal()


async def test_a_run_that_was_killed_is_done_by_the_next(world: World) -> None:
    await mixed(world)
    await world.connect(settle=False)
    assert await world.crashes(world.settle, at=90)
    assert world.clock.now() - START < timedelta(minutes=1)

    await world.advance(minutes=1)
    await world.sync()

    await world.assert_equal()
    assert RunState.IN_PROGRESS not in {run.state for run in await world.runs()}
