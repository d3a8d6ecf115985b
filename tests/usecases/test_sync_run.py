import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.history import SyncRun
from shared.core.integration import LastSyncStatus
from shared.core.jobs import RunJob, RunKind, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping
from shared.core.states import IntegrationState, RunState
from shared.errors import ReconnectNeeded, Rejected, Unavailable
from shared.ports import Stored
from shared.usecases.dead_runs import ABANDONED
from shared.usecases.sync_run import LEASE
from tests.support.values import run as a_run
from tests.usecases.bench import Bench, new_bench, tasting


@pytest.fixture
async def bench() -> Bench:
    return await new_bench()


async def queue(bench: Bench, kind: RunKind = RunKind.FULL) -> RunJob:
    await bench.app.request_sync.start(bench.connection, kind=kind, triggered_by=TriggeredBy.MANUAL)
    return bench.run_jobs()[0]


async def row(bench: Bench, job: RunJob) -> SyncRun:
    stored = await bench.ports.runs.get(job.integration_id, job.run_id)
    assert stored
    return stored.value


async def die_in_the_middle(bench: Bench, job: RunJob) -> None:
    """Leave what a killed process leaves: a lease that lasts on, and a row that does not beat any more."""
    held = await bench.ports.leases.acquire(job.integration_id, owner="the dead", until=bench.clock.now() + LEASE)
    assert held
    stored = await bench.ports.runs.get(job.integration_id, job.run_id)
    assert stored
    died = a_run(
        run_id=job.run_id,
        integration_id=job.integration_id,
        request=stored.value.request,
        state=RunState.IN_PROGRESS,
        started_at=bench.clock.now(),
        heartbeat_at=bench.clock.now(),
    )
    await bench.ports.runs.save(Stored(value=died, tag=stored.tag))


async def test_a_run_reads_both_sides_and_commits_the_cursors(bench: Bench) -> None:
    bench.outlook.put("o-1", tasting())
    job = await queue(bench)
    await bench.app.sync_run.run(job)
    assert (await row(bench, job)).state is RunState.COMPLETED
    assert [event.content.title for event in bench.wedsync.events.values()] == ["Tasting"]
    connection = await bench.connected()
    assert (connection.delta_link, connection.wedsync_cursor) == ("https://graph/next", "next")
    assert connection.last_sync_status is LastSyncStatus.SUCCESS


async def test_a_busy_integration_hands_the_message_back(bench: Bench) -> None:
    dead, job = await queue(bench), await queue(bench)
    await die_in_the_middle(bench, dead)
    await bench.app.sync_run.run(job)
    assert (await row(bench, job)).state is RunState.QUEUED
    assert bench.run_jobs() == [job]
    assert (await row(bench, dead)).state is RunState.IN_PROGRESS


async def test_a_run_that_died_is_shown_as_failed_and_its_work_is_done(bench: Bench) -> None:
    dead, job = await queue(bench), await queue(bench)
    await die_in_the_middle(bench, dead)
    bench.clock.advance(seconds=LEASE.total_seconds())
    await bench.app.sync_run.run(job)
    assert (await row(bench, job)).state is RunState.COMPLETED
    buried = await row(bench, dead)
    assert (buried.state, buried.outcome) == (RunState.FAILED, ABANDONED)
    assert bench.run_jobs() == []

    await bench.app.sync_run.run(dead)  # its message comes back in the end
    assert await row(bench, dead) == buried


async def test_what_a_smaller_run_does_not_do_is_asked_for_again(bench: Bench) -> None:
    await bench.change(delta_link="https://graph/next", wedsync_cursor="next")
    dead, job = await queue(bench), await queue(bench, RunKind.INCREMENTAL)
    await die_in_the_middle(bench, dead)
    bench.clock.advance(seconds=LEASE.total_seconds())
    await bench.app.sync_run.run(job)
    assert (await row(bench, dead)).state is RunState.FAILED
    (again,) = bench.run_jobs()
    assert (await row(bench, again)).request == RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.MANUAL)


async def test_a_dead_run_begins_anew_when_its_own_message_comes_first(bench: Bench) -> None:
    dead = await queue(bench)
    await die_in_the_middle(bench, dead)
    bench.clock.advance(minutes=10)
    await bench.app.sync_run.run(dead)
    assert (await row(bench, dead)).state is RunState.COMPLETED


async def test_a_run_that_beats_may_end_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each beat gives the row a new tag, which the end of the run has to take up."""
    monkeypatch.setattr("shared.usecases.sync_run.LEASE", timedelta(milliseconds=30))
    bench.outlook.put("o-1", tasting())
    job = await queue(bench)
    stored = await bench.ports.runs.get(job.integration_id, job.run_id)
    assert stored
    slow = bench.outlook.delta

    async def delta(*args: object, **options: object) -> object:
        await asyncio.sleep(0.1)
        return await slow(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.outlook, "delta", delta)
    await bench.app.sync_run.run(job)
    ended = await row(bench, job)
    assert ended.state is RunState.COMPLETED
    assert ended.heartbeat_at


def unavailable(what: str) -> None:
    if what == "create":
        raise Unavailable("wedsync", status=503)


async def test_what_was_not_reached_is_tried_again_and_never_passed_by(bench: Bench) -> None:
    bench.outlook.put("o-1", tasting())
    bench.wedsync.before = unavailable
    job = await queue(bench)
    for attempt in range(1, 4):
        await bench.app.sync_run.run(job)
        assert (await row(bench, job)).state is RunState.IN_PROGRESS
        (job,) = bench.run_jobs()
        assert job.attempt == attempt
    await bench.app.sync_run.run(job)
    ended = await row(bench, job)
    assert (ended.state, [failure.retryable for failure in ended.failures]) == (RunState.COMPLETED, [True])
    connection = await bench.connected()
    assert (connection.delta_link, connection.last_sync_status) == ("", LastSyncStatus.PARTIAL)

    bench.wedsync.before = lambda what: None
    job = await queue(bench, RunKind.INCREMENTAL)
    await bench.app.sync_run.run(job)
    assert bench.outlook.requests[-1] == "delta of everything"
    assert len(bench.wedsync.events) == 1
    assert (await bench.connected()).delta_link


async def test_an_incremental_run_leaves_the_cursors_before_what_was_not_reached(bench: Bench) -> None:
    await bench.change(delta_link="https://graph/before", wedsync_cursor="before")
    bench.outlook.put("o-1", tasting())
    bench.wedsync.before = unavailable
    job = await queue(bench, RunKind.INCREMENTAL)
    for _ in range(4):
        await bench.app.sync_run.run(job)
        job = (bench.run_jobs() or [job])[0]
    connection = await bench.connected()
    assert (connection.delta_link, connection.wedsync_cursor) == ("https://graph/before", "before")


async def test_what_is_refused_holds_up_nothing(bench: Bench) -> None:
    bench.outlook.put("o-1", tasting())

    def refused(what: str) -> None:
        if what == "create":
            raise Rejected("wedsync", status=422, code="no")

    bench.wedsync.before = refused
    job = await queue(bench)
    await bench.app.sync_run.run(job)
    assert (await row(bench, job)).state is RunState.COMPLETED
    assert (await bench.connected()).delta_link == "https://graph/next"


async def test_a_dead_grant_stops_the_connection_and_the_run(bench: Bench) -> None:
    """Also when it is found out in the middle of work on pairs."""
    bench.outlook.put("o-1", tasting())
    await bench.app.sync_run.run(await queue(bench))
    (event,) = bench.wedsync.events.values()
    bench.wedsync.put(event.event_id, tasting("Retitled"), external_id=event.external_id)

    def dead(what: str) -> None:
        if what == "update":
            raise ReconnectNeeded("Sign in again.")

    bench.outlook.before = dead
    job = await queue(bench)
    await bench.app.sync_run.run(job)
    assert (await row(bench, job)).state is RunState.FAILED
    connection = await bench.connected()
    assert (connection.state, connection.reason) == (IntegrationState.NEEDS_RECONNECT, "Sign in again.")


async def test_a_pair_that_moved_during_the_run_is_looked_at_again(bench: Bench) -> None:
    """An event job writes the mapping between the run's reading and its writing: the run's own news is not lost."""
    bench.outlook.put("o-1", tasting())
    await bench.app.sync_run.run(await queue(bench))
    (event,) = bench.wedsync.events.values()
    bench.wedsync.put(event.event_id, tasting("Retitled"), external_id=event.external_id)
    integration_id = bench.connection.integration_id
    before = await bench.ports.mappings.by_outlook(integration_id, "o-1")
    assert before
    await bench.ports.mappings.save([Stored(value=replace(before.value, quarantine="moved"), tag=before.tag)])
    real = bench.ports.mappings.all
    as_read = Stored(value=before.value, tag=before.tag)

    async def stale(_: str) -> AsyncIterator[Stored[EventMapping]]:
        yield as_read

    bench.ports.mappings.all = stale  # type: ignore[method-assign,assignment]
    job = await queue(bench)
    await bench.app.sync_run.run(job)
    bench.ports.mappings.all = real  # type: ignore[method-assign]
    assert (await row(bench, job)).failures == ()
    assert bench.outlook.events["o-1"].content.title == "Retitled"
    after = await bench.ports.mappings.by_outlook(integration_id, "o-1")
    assert after
    assert after.value.base_o == bench.outlook.events["o-1"].content
