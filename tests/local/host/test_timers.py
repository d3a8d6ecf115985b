"""The timer listener against real storage: functions.md 2.3."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.storage.blob.aio import BlobLeaseClient, BlobServiceClient, ContainerClient

from local.azurite import Azurite
from local.host.configuration import SingletonOptions
from local.host.functions import Binding, Function
from local.host.invoker import Call
from local.host.leases import Singleton
from local.host.schedule import Schedule
from local.host.timers import Status, StatusStore, TimerListener, TimerOptions
from local.host.values import Outcome
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.support.far_end import FarEnd, connection_string

FUNCTION = Function(
    name="f",
    function_id="f",
    bindings=(Binding(type="timerTrigger", name="tick", direction="IN", members={}),),
)
HOURLY = "0 0 * * * *"


@dataclass(kw_only=True)
class Ticks:
    """What a timer function was given, call by call."""

    payloads: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    most: int = 0
    seconds: float = 0

    async def run(self, _: Function, call: Call) -> Outcome:
        self.running += 1
        self.most = max(self.most, self.running)
        self.payloads.append(json.loads(call.value.value))
        await asyncio.sleep(self.seconds)
        self.running -= 1
        return Outcome(succeeded=False)


def listener(
    container: ContainerClient,
    host_id: str,
    ticks: Ticks,
    schedule: str = HOURLY,
    *,
    startup: bool = False,
    monitored: bool = True,
) -> TimerListener:
    return TimerListener(
        FUNCTION,
        options=TimerOptions(schedule=Schedule(schedule), run_on_startup=startup, monitored=monitored),
        singleton=Singleton(
            container,
            host_id=host_id,
            name="Host.Functions.f.Listener",
            options=SingletonOptions(lock_period=15, recovery_interval=0.2, renewal_interval=0.5),
        ),
        statuses=StatusStore(container, host_id=host_id, function="f"),
        run=ticks.run,
    )


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the condition was not met")


async def recorded_status(store: StatusStore, wanted: Callable[[Status], bool]) -> Status:
    for _ in range(400):
        found = await store.read()
        if found is not None and wanted(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the status was not recorded")


async def stop(timer: TimerListener, task: "asyncio.Task[None]") -> None:
    timer.stop()
    await asyncio.wait_for(task, 10)


@pytest.fixture
def host_id() -> str:
    return uuid.uuid4().hex


@behaviour("H61", Grade.DOCUMENTED, sources.TIMERS)
async def test_h61_a_first_start_records_the_next_occurrence_and_waits(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks)
        task = asyncio.create_task(timer.run())
        store = StatusStore(container, host_id=host_id, function="f")
        status = await recorded_status(store, lambda _: True)
        await stop(timer, task)
        blob = container.get_blob_client(f"timers/{host_id}/Host.Functions.f/status")
        recorded = json.loads(await (await blob.download_blob()).readall())
    assert set(recorded) == {"Last", "Next", "LastUpdated"}
    assert status.next == Schedule(HOURLY).next_after(status.last_updated)
    assert ticks.payloads == []


@behaviour("H62", Grade.DOCUMENTED, sources.TIMERS)
async def test_h62_what_was_missed_runs_once_past_due(azurite: Azurite, host_id: str) -> None:
    # Recorded on 1 January: thousands of hours were missed.
    ticks, known = await started_after(azurite, host_id, last="05:00", following="06:00")
    assert [payload["IsPastDue"] for payload in ticks.payloads] == [True]
    assert ticks.payloads[0]["ScheduleStatus"]["Last"] == "2026-01-01T05:00:00+00:00"
    assert known.last > datetime(2026, 1, 1, 6, tzinfo=UTC)


@behaviour("H63", Grade.DOCUMENTED, sources.TIMERS)
async def test_h63_a_changed_schedule_is_computed_anew(azurite: Azurite, host_id: str) -> None:
    # The hourly schedule does not make ten past five of five o'clock: it was another schedule then.
    ticks, known = await started_after(azurite, host_id, last="05:00", following="05:10")
    assert ticks.payloads == []
    assert (known.next.minute, known.next.second) == (0, 0)


async def started_after(azurite: Azurite, host_id: str, *, last: str, following: str) -> tuple[Ticks, Status]:
    """Run a timer on a status of 1 January until it has recorded the next occurrence."""
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        before, then = (datetime.fromisoformat(f"2026-01-01T{clock}:00+00:00") for clock in (last, following))
        store = StatusStore(container, host_id=host_id, function="f")
        await store.write(Status(last=before, next=then, last_updated=before))
        ticks = Ticks()
        timer = listener(container, host_id, ticks)
        task = asyncio.create_task(timer.run())
        now = datetime.now(UTC)
        known = await recorded_status(store, lambda found: found.next >= now)
        await stop(timer, task)
    return ticks, known


@behaviour("H66", Grade.DOCUMENTED, sources.TIMERS)
async def test_h66_the_payload_of_a_run(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks, startup=True)
        task = asyncio.create_task(timer.run())
        await until(lambda: bool(ticks.payloads))
        await stop(timer, task)
    assert ticks.payloads[0].keys() == {"Schedule", "ScheduleStatus", "IsPastDue"}
    assert ticks.payloads[0]["Schedule"] == {"AdjustForDST": True}
    assert ticks.payloads[0]["ScheduleStatus"].keys() == {"Last", "Next", "LastUpdated"}


@behaviour("H64", Grade.DOCUMENTED, sources.TIMERS)
async def test_h64_run_on_startup_runs_at_once_and_is_not_past_due(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks, startup=True, monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: bool(ticks.payloads))
        await stop(timer, task)
    assert ticks.payloads[0]["IsPastDue"] is False
    assert ticks.payloads[0]["ScheduleStatus"] is None


@behaviour("H65", Grade.DOCUMENTED, sources.TIMERS)
async def test_h65_runs_never_overlap_and_a_failure_does_not_stop_the_schedule(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks(seconds=1.1)
        timer = listener(container, host_id, ticks, "* * * * * *", monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: len(ticks.payloads) >= 2)
        await stop(timer, task)
    assert ticks.most == 1


@behaviour("H67", Grade.DOCUMENTED, sources.SINGLETON)
async def test_h67_one_instance_alone_keeps_the_schedule_until_it_stops(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        first, second = Ticks(), Ticks()
        leader = listener(container, host_id, first, "* * * * * *", monitored=False)
        leading = asyncio.create_task(leader.run())
        await until(lambda: len(first.payloads) >= 1)
        follower = listener(container, host_id, second, "* * * * * *", monitored=False)
        following = asyncio.create_task(follower.run())
        await until(lambda: len(first.payloads) >= 2)
        assert second.payloads == []
        await stop(leader, leading)
        await until(lambda: bool(second.payloads))
        await stop(follower, following)


@behaviour("H67", Grade.DOCUMENTED, sources.SINGLETON)
async def test_h67_an_instance_that_loses_its_lease_stops_firing_and_asks_again(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks, "* * * * * *", monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: bool(ticks.payloads))
        blob = container.get_blob_client(f"locks/{host_id}/Host.Functions.f.Listener")
        lease = await _take_over(blob)
        # The next renewal finds that the lease is another's.
        await asyncio.sleep(1)
        ticks.payloads.clear()
        await asyncio.sleep(1.5)
        assert ticks.payloads == []
        await lease.release()
        await until(lambda: bool(ticks.payloads))
        await stop(timer, task)


@behaviour("H67", Grade.DOCUMENTED, sources.SINGLETON, sources.RENEWAL)
async def test_h67_a_storage_that_does_not_answer_takes_no_lease_away() -> None:
    far_end = FarEnd()
    far_end.answer(201, lease="the-lease")
    async with BlobServiceClient.from_connection_string(connection_string(far_end.url), retry_total=0) as service:
        options = SingletonOptions(lock_period=15, recovery_interval=0.2, renewal_interval=0.1)
        singleton = Singleton(service.get_container_client("c"), host_id="h", name="l", options=options)
        async with singleton.held(asyncio.Event()) as got:
            assert got
            far_end.answer(503)
            far_end.requests.clear()
            await until(lambda: len(far_end.requests) > 1)
            assert not singleton.lost.is_set()
            far_end.answer(409, code="LeaseLost")
            await until(singleton.lost.is_set)
    far_end.stop()


async def _take_over(blob: Any) -> Any:
    await BlobLeaseClient(blob).break_lease(lease_break_period=0)
    return await blob.acquire_lease(lease_duration=60)
