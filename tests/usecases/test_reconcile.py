"""The weekly reconciliation: what it finds, what it costs, and when it comes."""

from dataclasses import replace
from datetime import timedelta

from shared.core.history import SyncRun
from shared.core.integration import Preferences
from shared.core.jobs import RunKind, RunPurpose
from shared.core.stagger import WEEK, next_turn
from shared.core.states import IntegrationState, MappingState, RunState
from shared.store.rows import Table
from shared.usecases.list_events import EventFilter
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.counting import CALENDAR_DELTA, counted

FAR = 1460 + 3
"""Days ahead of the first day that lie outside of the first window, and inside of the next."""


async def reconcile(world: World) -> SyncRun:
    run = await world.app.request_sync.reconcile(await world.integration())
    await world.settle()
    return await world.app.request_sync.status(world.planner.user_id, run.run_id)


async def unheard(world: World) -> None:
    """What was done until now is told to nobody, by a notice or by a cursor."""
    await world.quiet()
    world.post.clear()
    integration = await world.integration()
    window = world.app.settle_events._window()
    link = cursor = ""
    while True:
        outlook = world.ports.outlook
        page = await outlook.delta(world.integration_id, calendar_id=integration.calendar_id, window=window, link=link)
        link = page.delta_link or page.next_link
        if page.delta_link:
            break
    more = True
    while more:
        read = await world.ports.wedsync.changes(
            world.planner.user_id, cursor=cursor, window=None if cursor else window
        )
        cursor, more = read.cursor, read.more
    await world.change_integration(delta_link=link, wedsync_cursor=cursor)


def day(world: World, ahead: int) -> str:
    return (world.clock.now() + timedelta(days=ahead)).date().isoformat()


# --- What was missed ----------------------------------------------------------------------------------------------


async def test_what_notices_and_cursors_have_passed_by_is_repaired_and_noted(world: World, ours: Pair) -> None:
    theirs = await world.outlook.add("Dentist")
    doomed = await world.outlook.add("Doomed")
    lost = await world.wedsync.add("Cancelled")
    await world.settle()
    await ours.here(title="Cake tasting")
    await world.outlook.change(theirs["id"], location={"displayName": "Upper Street"})
    await world.outlook.remove(doomed["id"])
    await world.wedsync.remove(lost["id"])
    await world.wedsync.add("New here")
    await world.outlook.add("New there")
    await unheard(world)
    await world.sync(RunKind.INCREMENTAL)
    assert len(await world.differences()) >= 6

    run = await reconcile(world)

    await world.assert_equal()
    assert run.tally.repaired == 6


async def test_repairs_are_told_from_news(world: World, ours: Pair) -> None:
    doomed, theirs = await world.outlook.add("Doomed"), await world.outlook.add("Dentist")
    await world.settle()
    await ours.here(title="Cake tasting")
    await world.outlook.remove(doomed["id"])
    await world.wedsync.add("Missed")
    await unheard(world)
    await world.outlook.change(theirs["id"], location={"displayName": "Harbour"})
    await world.outlook.add("New")
    await world.quiet()
    world.post.clear()

    run = await reconcile(world)

    await world.assert_equal()
    changes = await world.ports.changes.of_run(world.integration_id, run.run_id)
    told = {(change.kind.value, change.side.value, change.repair) for change in changes}
    assert told == {
        ("updated", "outlook", True),
        ("deleted", "wedsync", True),
        ("created", "outlook", True),
        ("updated", "wedsync", False),
        ("created", "wedsync", False),
    }
    assert run.tally.repaired == 3
    assert (run.tally.created, run.tally.updated, run.tally.deleted) == (2, 2, 1)
    again = await reconcile(world)
    assert (again.tally.repaired, again.tally.created, again.tally.updated) == (0, 0, 0)


async def test_a_run_that_was_only_half_applied(world: World) -> None:
    for number in range(5):
        await world.wedsync.add(f"Tasting {number}")
    await world.connect(settle=False)
    await world.kill_after("graph POST /v1.0/$batch")
    await unheard(world)
    world.queue.kept.clear()
    await world.advance(minutes=1)

    run = await reconcile(world)

    await world.assert_equal()
    assert run.tally.repaired == 5
    assert len(await world.outlook.events()) == 5


async def test_a_deletion_without_proof_waits_for_it(world: World, theirs: Pair) -> None:
    await world.outlook.remove(theirs.outlook_id)
    await unheard(world)
    await world.outlook.knobs(mailboxNotEnabled=world.planner.account.upn)
    await reconcile(world)
    assert len(await world.wedsync.events()) == 1
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT


async def test_an_event_that_was_refused_is_visible_blocks_nothing_and_is_tried_again(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", method="PATCH", status=400, code="ErrorX")
    await ours.here(title="Cake tasting")
    await world.wedsync.add("Another")
    await world.settle()
    page = await world.app.list_events.run(world.planner.user_id, EventFilter(statuses=("error",)), page=1, page_size=9)
    (shown,) = page.events
    assert shown.mapping.wedsync_id == ours.wedsync_id
    assert "ErrorX" in shown.mapping.quarantine or shown.mapping.quarantine
    assert len(await world.outlook.events()) == 2

    still = await reconcile(world)
    assert (still.state, still.tally.errors) == (RunState.COMPLETED, 1)
    await world.outlook.clear_faults()
    run = await reconcile(world)
    assert run.tally.errors == 0
    assert (await world.mapping_of(ours.wedsync_id)).quarantine == ""
    await world.assert_equal()


async def test_a_refused_event_is_tried_again_when_it_changes(world: World, ours: Pair) -> None:
    await world.outlook.fault(action="status", method="PATCH", status=400, code="ErrorX")
    await ours.here(title="Cake tasting")
    await world.settle()
    await world.outlook.clear_faults()
    await ours.here(location={"name": "Mill", "address": "Lane 1"})
    await world.settle()
    assert (await world.mapping_of(ours.wedsync_id)).quarantine == ""
    await world.assert_equal()


async def test_a_copy_moved_away_whose_event_is_deleted_and_which_is_moved_back(world: World, ours: Pair) -> None:
    """It has no event any more, and nobody deleted it: it is known, it stays, and it is not imported."""
    await world.outlook.move(ours.outlook_id)
    await world.settle()
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    await world.outlook.move(ours.outlook_id, "Calendar")
    await world.settle()
    await reconcile(world)
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    assert await world.wedsync.events() == []
    assert [each.state for each in await world.mappings()] == [MappingState.HIDDEN]


async def test_in_small_portions(world: World) -> None:
    """The time of a message ends again and again, and the run goes on in a further one."""
    await world.connect()
    for number in range(30):
        await world.wedsync.add(f"Tasting {number}")
    await unheard(world)
    await world.outlook.knobs(latencySeconds=0.4)
    runner = replace(world.app.sync_run, budget=timedelta(seconds=2))
    world.app = replace(world.app, sync_run=runner)
    world.calls.clear()
    run = await reconcile(world)
    await world.assert_equal()
    readings = [call for call in world.calls if call.template.endswith("/delta")]
    assert len(readings) > 2, "more than one message was needed"
    assert (run.state, run.tally.repaired) == (RunState.COMPLETED, 30)


async def test_while_graph_wants_to_be_left_alone(world: World) -> None:
    """What was not begun is no reason to go on from here: the run comes back when Graph said."""
    await world.connect()
    for number in range(45):
        await world.wedsync.add(f"Tasting {number}", travelMinutes=20)
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await unheard(world)
    await world.outlook.fault(
        action="status", method="POST", status=429, retry_after=40, code="ApplicationThrottled", count=30
    )
    run = await reconcile(world)
    await world.outlook.clear_faults()
    await world.assert_equal()
    assert (run.state, run.tally.errors) == (RunState.COMPLETED, 0)
    assert len(await world.outlook.events()) == 90


# --- The window ---------------------------------------------------------------------------------------------------


async def test_what_comes_into_range_is_taken_in_and_is_no_repair(world: World) -> None:
    await world.wedsync.add("Far", start=f"{day(world, FAR)}T10:00:00", end=f"{day(world, FAR)}T11:00:00")
    far = {"start": at(f"{day(world, FAR)}T14:00:00"), "end": at(f"{day(world, FAR)}T15:00:00")}
    await world.outlook.add("Far too", **far)
    await world.connect()
    assert await world.mappings() == []

    await world.advance(days=8)
    run = await reconcile(world)

    assert len(await world.mappings()) == 2
    assert (run.tally.created, run.tally.repaired) == (2, 0)
    changes = await world.ports.changes.of_run(world.integration_id, run.run_id)
    assert [change.repair for change in changes] == [False, False]
    await world.assert_equal()


async def test_the_timer_alone_slides_it(world: World) -> None:
    await world.wedsync.add("Far", start=f"{day(world, FAR)}T10:00:00", end=f"{day(world, FAR)}T11:00:00")
    await world.connect()
    for _ in range(8 * 24):
        await world.advance(hours=1)
        await world.app.enqueue_due.reconciliations()
        await world.settle(within=timedelta(minutes=10))
    assert len(await world.mappings()) == 1
    await world.assert_equal()


async def test_what_has_left_the_window_is_not_absent(world: World) -> None:
    past = "2026-01-10T10:00:00"
    await world.wedsync.add("Old", start=past, end="2026-01-10T11:00:00")
    await world.outlook.add("Old too", start=at(past), end=at("2026-01-10T11:00:00"))
    await world.connect()
    assert len(await world.mappings()) == 2

    for _ in range(6):
        await world.advance(days=20)
        run = await reconcile(world)
        assert (run.tally.deleted, run.tally.conflicts, run.tally.repaired) == (0, 0, 0)

    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == 2
    assert len(await world.mappings()) == 2


# --- When it comes ------------------------------------------------------------------------------------------------


async def reconciled(world: World) -> int:
    return len([run for run in await world.runs() if run.request.purpose is RunPurpose.RECONCILE])


async def test_once_a_week_at_the_turn_of_the_connection(world: World) -> None:
    await world.connect()
    turn = next_turn(world.integration_id, world.clock.now())
    await world.advance(seconds=(turn - world.clock.now()).total_seconds() - 60)
    assert await world.app.enqueue_due.reconciliations() == 0

    for week in range(1, 4):
        await world.advance(minutes=2)
        assert await world.app.enqueue_due.reconciliations() == 1
        assert await world.app.enqueue_due.reconciliations() == 0
        await world.settle()
        assert await reconciled(world) == week
        await world.advance(seconds=(WEEK - timedelta(minutes=2)).total_seconds())


async def test_a_stopped_connection_keeps_its_turn(world: World) -> None:
    await world.connect()
    await world.change_integration(state=IntegrationState.PAUSED)
    await world.advance(days=8)
    assert await world.app.enqueue_due.reconciliations() == 1
    await world.settle()
    assert await reconciled(world) == 0
    await world.change_integration(state=IntegrationState.CONNECTED)
    await world.advance(days=7)
    assert await world.app.enqueue_due.reconciliations() == 1
    await world.settle()
    assert await reconciled(world) == 1


async def test_a_connection_that_is_no_more_has_none(world: World) -> None:
    await world.connect()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    await world.advance(days=8)
    await world.timers()
    await world.settle()
    entries = [
        row.partition + row.key for row in world.tables.contents().get(Table.DUE, []) if row.partition[0] in "dp"
    ]
    assert all("prune-history" in entry for entry in entries), "only what is kept of it is looked after"


async def test_what_it_costs_when_nothing_is_amiss(world: World, ours: Pair) -> None:
    await world.outlook.add("Dentist")
    await world.settle()
    await reconcile(world)
    async with counted(world) as counts:
        await reconcile(world)
    assert counts.graph == {CALENDAR_DELTA: 2}, "what is new, and all of it"
