"""What notices led to is in the history: one run for each job that changed something, and none for an echo."""

from dataclasses import replace

import pytest

from shared.core.event import Field, Side
from shared.core.history import ChangeKind, SyncChange, SyncRun
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.jobs import EventJob, Glance, RunKind, RunPurpose, TriggeredBy
from shared.core.states import IntegrationState, RunState
from shared.errors import NotFound
from shared.usecases.record_jobs import run_id_of
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.counting import counted


async def recorded(world: World) -> list[SyncRun]:
    """The runs that event jobs recorded, the newest first."""
    found = await world.ports.runs.history(world.integration_id, 100)
    return [stored.value for stored in found if stored.value.request.purpose is RunPurpose.EVENT]


async def changes_of(world: World, run: SyncRun) -> tuple[SyncChange, ...]:
    return await world.ports.changes.of_run(world.integration_id, run.run_id)


async def test_an_edit_of_either_side_is_a_run_with_its_change(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.settle()
    await world.advance(seconds=1)
    await ours.there(location={"displayName": "Barn"})
    await world.settle()

    second, first = await recorded(world)
    for run in (first, second):
        assert run.request.kind is RunKind.WEBHOOK
        assert run.request.triggered_by is TriggeredBy.WEBHOOK
        assert run.state is RunState.COMPLETED
        assert (run.tally.total, run.tally.handled, run.tally.updated) == (1, 1, 1)
        assert run.completed_at is not None
        assert run.started_at is not None
    (one,), (other,) = await changes_of(world, first), await changes_of(world, second)
    assert (one.side, one.kind, one.fields) == (Side.OUTLOOK, ChangeKind.UPDATED, (Field.TITLE,))
    assert one.before is not None
    assert one.after is not None
    assert (one.before.title, one.after.title) == ("Tasting", "Cake tasting")
    assert (other.side, other.fields) == (Side.WEDSYNC, (Field.LOCATION,))
    assert other.before is not None
    assert other.after is not None
    assert (other.before.location.name, other.after.location.name) == ("Mill", "Barn")
    assert one.correlation != ""


async def test_an_echo_is_no_run_and_costs_no_more(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.settle()
    before = await recorded(world)
    async with counted(world) as counts:
        job = EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=(Glance(event_id="unknown"),))
        await world.app.settle_events.run(job)
        again = EventJob(
            integration_id=world.integration_id, side=Side.OUTLOOK, events=(Glance(event_id=ours.outlook_id),)
        )
        await world.app.settle_events.run(again)
    assert await recorded(world) == before
    assert not any(step.endswith("OutlookSyncHistory") for step in counts.storage)


async def test_a_change_costs_one_insert(world: World, ours: Pair) -> None:
    async with counted(world) as counts:
        await ours.here(title="Cake tasting")
        await world.settle()
    assert {step: n for step, n in counts.storage.items() if "History" in step} == {"transact OutlookSyncHistory": 1}


async def test_creations_keep_what_was_made(world: World) -> None:
    await world.connect()
    await world.wedsync.add("Tasting")
    await world.outlook.add("Dentist")
    await world.settle()

    kept = [change for run in await recorded(world) for change in await changes_of(world, run)]
    made = {change.side: change.after for change in kept if change.kind is ChangeKind.CREATED}
    assert {side: event.title for side, event in made.items() if event} == {
        Side.OUTLOOK: "Tasting",
        Side.WEDSYNC: "Dentist",
    }
    assert [run.tally.created for run in await recorded(world)] == [1, 1]


@pytest.mark.parametrize("from_wedsync", [True, False])
async def test_a_deletion_keeps_all_that_is_needed_to_make_it_again(
    world: World, ours: Pair, from_wedsync: bool
) -> None:
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    mapping = await world.mapping_of(ours.wedsync_id)
    if from_wedsync:
        await world.wedsync.remove(ours.wedsync_id)
    else:
        await world.outlook.remove(ours.outlook_id)
    await world.settle()

    run = (await recorded(world))[0]
    change = next(each for each in await changes_of(world, run) if each.kind is ChangeKind.DELETED)
    assert run.tally.deleted == 1
    assert change.before is not None
    assert (change.before.title, change.before.description, change.before.location.name) == (
        "Tasting",
        "Samples",
        "Mill",
    )
    assert change.pair is not None
    assert change.pair.event_type is mapping.event_type
    assert (change.pair.mapping_id, change.pair.prefix) == (mapping.mapping_id, "WedSync: ")
    assert change.pair.base_w is not None
    assert change.pair.base_w.time == mapping.base_w.time if mapping.base_w else False


async def test_a_conflict_and_an_opt_out_are_recorded(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await ours.there(subject="WedSync: Wine tasting")
    await world.settle()
    assert sum(run.tally.conflicts for run in await recorded(world)) == 1

    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK))
    event = await world.wedsync.add("Venue visit")
    await world.settle()
    await world.advance(seconds=1)
    await world.outlook.remove(str((await world.mapping_of(event["id"])).outlook_id))
    await world.settle()
    newest = (await recorded(world))[0]
    assert newest.tally.noted == 1
    assert [change.kind for change in await changes_of(world, newest)] == [ChangeKind.UNLINKED]


async def test_what_was_done_before_the_connection_had_to_stop_is_recorded(world: World, ours: Pair) -> None:
    other = await world.wedsync.add("Rehearsal")
    await world.settle()
    before = await recorded(world)
    await ours.here(title="Cake tasting")
    await world.wedsync.change(other["id"], title="Dress rehearsal")

    async def revoked(name: str) -> None:
        if name.startswith("after graph PATCH"):
            world.entra.revoked.add(world.integration_id)

    world.steps.watch = revoked
    glances = (Glance(event_id=ours.wedsync_id), Glance(event_id=other["id"]))
    await world.app.settle_events.run(EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=glances))
    world.steps.watch = None
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT
    (run, *earlier) = await recorded(world)
    assert earlier == before
    assert run.tally.updated == 1
    assert [row.fields for row in await changes_of(world, run)] == [(Field.TITLE,)]


async def test_a_refused_event_is_a_failed_run_with_its_reason(world: World, ours: Pair) -> None:
    await world.outlook.fault(
        action="status", status=400, code="ErrorInvalidRequest", method="PATCH", path="/events/", count=20
    )
    await ours.here(title="Cake tasting")
    await world.settle()

    (run,) = await recorded(world)
    assert run.state is RunState.FAILED
    (failure,) = run.failures
    assert failure.event_id == ours.wedsync_id
    assert failure.retryable is False
    assert "refuses" in failure.message
    assert "Cake tasting" not in failure.message


async def test_a_job_that_ran_twice_is_recorded_once(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.quiet()
    while world.post:
        await world.deliver(world.post[0])
    texts = [message.text for message in world.queue.kept]
    world.queue.kept.clear()
    await world.run_at_once(texts * 2)
    await world.settle()
    await world.run_at_once(texts)

    (run,) = await recorded(world)
    assert run.tally.updated == 1
    assert len(await changes_of(world, run)) == 1


async def test_killed_anywhere_a_job_is_recorded_at_most_once_and_its_change_is_kept(world: World) -> None:
    step, died = 0, True
    while died:
        step += 1
        async with World(seed=step) as one:
            event = await one.wedsync.add("Tasting")
            await one.connect()
            mapping = await one.mapping_of(event["id"])
            await one.wedsync.change(event["id"], title="Cake tasting")
            died = await one.crashes(one.settle, at=step)
            await one.settle()
            assert len(await recorded(one)) <= 1, one.steps.killed
            known = await one.ports.changes.of_mapping(one.integration_id, mapping.mapping_id)
            updates = [change for change in known if change.kind is ChangeKind.UPDATED]
            assert len(updates) <= 1, one.steps.killed
            await one.assert_equal()


async def test_looks_that_no_notice_asked_for_are_runs_of_their_own(world: World, ours: Pair) -> None:
    job = EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=(Glance(event_id=ours.wedsync_id),))
    for title in ("Cake tasting", "Wine tasting"):
        await ours.here(title=title)
        await world.quiet()
        world.post.clear()
        await world.app.settle_events.run(job)
    runs = await recorded(world)
    assert [run.tally.updated for run in runs] == [1, 1]
    assert {run.request.triggered_by for run in runs} == {TriggeredBy.AUTO}


def test_what_is_handed_back_is_another_run() -> None:
    job = EventJob(integration_id="i", side=Side.OUTLOOK, events=(Glance(event_id="e"),), correlation="c")
    assert run_id_of(job) == run_id_of(replace(job))
    others = [
        replace(job, attempt=1),
        replace(job, correlation="d"),
        replace(job, side=Side.WEDSYNC),
        replace(job, events=(Glance(event_id="f"),)),
        replace(job, integration_id="j"),
    ]
    assert len({run_id_of(each) for each in (job, *others)}) == 6


# --- A process that dies before the run is inserted -----------------------------------------------------------------


async def test_a_notice_s_run_is_recorded_when_its_message_comes_again(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.kill_after("transact OutlookChanges")
    assert await recorded(world) == []

    await world.settle()

    (run,) = await recorded(world)
    assert (run.request.kind, run.request.triggered_by) == (RunKind.WEBHOOK, TriggeredBy.WEBHOOK)
    assert (run.state, run.tally.updated, run.tally.total) == (RunState.COMPLETED, 1, 1)
    assert [change.fields for change in await changes_of(world, run)] == [(Field.TITLE,)]
    undone = await world.app.undo_sync.run(world.planner.user_id, run.run_id, carry_on=world.app.sync_run.run)
    assert undone.undone == 1
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")


async def test_what_is_done_after_the_death_is_added(world: World) -> None:
    await world.connect()
    events = [await world.wedsync.add(f"Fitting {number}") for number in range(2)]
    await world.quiet()
    world.post.clear()
    both = tuple(Glance(event_id=event["id"]) for event in events)
    await world.queue.put(
        EventJob(integration_id=world.integration_id, side=Side.WEDSYNC, events=both, correlation="notice")
    )
    await world.kill_after("transact OutlookChanges")
    world.post.clear()  # else the notice of the copy is quicker than the message that comes again

    await world.settle()

    (run,) = await recorded(world)
    assert run.tally.created == len(await changes_of(world, run)) == 2
    await world.assert_equal()


async def test_what_a_person_wanted_can_be_undone_though_the_process_died(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting")
    await world.quiet()
    world.post.clear()
    forced = world.app.force_sync

    async def force() -> None:
        await forced.run(world.planner.user_id, ours.wedsync_id, Direction.TO_OUTLOOK, overwrite_conflicts=False)

    async def die(name: str) -> None:
        if name == "after transact OutlookChanges":
            world.steps.watch, world.steps.deadly_from = None, 0
            await world.steps.reach(name)

    world.steps.watch = die
    assert await world.crashes(force, at=1_000_000)
    await world.settle()
    assert await recorded(world) == []
    mapping = await world.mapping_of(ours.wedsync_id)
    (change,) = [
        each
        for each in await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
        if each.kind is ChangeKind.UPDATED
    ]
    user_id = world.planner.user_id
    with pytest.raises(NotFound):  # who knows whether it is at work still
        await world.app.undo_sync.run(user_id, change.run_id, carry_on=world.app.sync_run.run)

    await world.advance(minutes=2)
    undone = await world.app.undo_sync.run(user_id, change.run_id, carry_on=world.app.sync_run.run)

    assert undone.undone == 1
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting")
    (run,) = await recorded(world)
    assert (run.run_id, run.request.kind, run.request.triggered_by) == (
        change.run_id,
        RunKind.SINGLE,
        TriggeredBy.MANUAL,
    )
    assert (await world.app.request_sync.status(user_id, run.run_id)).tally.updated == 1
    with pytest.raises(NotFound):
        await world.app.undo_sync.run(user_id, "nothing-of-the-kind", carry_on=world.app.sync_run.run)


@pytest.mark.parametrize("side", list(Side))
async def test_wherever_the_process_dies_no_change_is_without_its_run(side: Side) -> None:
    deaths, step = 0, 1
    while await dies_in_an_edit(side, at=step):
        deaths, step = deaths + 1, step + 1
    assert deaths > 15


async def dies_in_an_edit(side: Side, *, at: int) -> bool:
    """Let the process die at one step of carrying an edit over, and look at the history; return whether it died."""
    async with World() as world:
        event = await world.wedsync.add("Tasting")
        await world.connect()
        mapping = await world.mapping_of(event["id"])
        if side is Side.WEDSYNC:
            await world.wedsync.change(event["id"], title="Cake tasting")
        else:
            await world.outlook.change(str(mapping.outlook_id), subject="WedSync: Cake tasting")
        died = await world.crashes(world.settle, at=at)
        await world.settle()
        await world.assert_equal()
        runs = {run.value.run_id for run in await world.ports.runs.history(world.integration_id, 100)}
        changes = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
        assert {change.run_id for change in changes} <= runs, f"step {at}: {world.steps.killed}"
        return died
