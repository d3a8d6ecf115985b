"""The timer listener against real storage: functions.md 2.3."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
            options=SingletonOptions(lock_period=15, recovery_interval=0.2),
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


async def test_a_first_start_records_the_next_occurrence_and_waits(azurite: Azurite, host_id: str) -> None:
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


@pytest.mark.parametrize(
    ("status", "past_due"),
    [
        # Several were missed: one run, past due.
        (("05:00", "06:00"), [True]),
        # The schedule was another one: computed anew, not past due.
        (("05:00", "05:10"), []),
    ],
)
async def test_past_due(azurite: Azurite, host_id: str, status: tuple[str, str], past_due: list[bool]) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        last, following = (datetime.fromisoformat(f"2026-01-01T{clock}:00+00:00") for clock in status)
        store = StatusStore(container, host_id=host_id, function="f")
        await store.write(Status(last=last, next=following, last_updated=last))
        ticks = Ticks()
        timer = listener(container, host_id, ticks)
        task = asyncio.create_task(timer.run())
        now = datetime.now(UTC)
        known = await recorded_status(store, lambda found: found.next >= now)
        await stop(timer, task)
    assert [payload["IsPastDue"] for payload in ticks.payloads] == past_due
    if past_due:
        assert ticks.payloads[0]["ScheduleStatus"]["Last"] == last.isoformat()
        assert ticks.payloads[0]["Schedule"] == {"AdjustForDST": True}
        assert known.last >= now - timedelta(seconds=5)


async def test_run_on_startup_runs_at_once_and_is_not_past_due(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks, startup=True, monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: bool(ticks.payloads))
        await stop(timer, task)
    assert ticks.payloads[0]["IsPastDue"] is False
    assert ticks.payloads[0]["ScheduleStatus"] is None


async def test_invocations_never_overlap_and_failures_do_not_stop_the_schedule(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks(seconds=1.3)
        timer = listener(container, host_id, ticks, "* * * * * *", monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: len(ticks.payloads) >= 3)
        await stop(timer, task)
    assert ticks.most == 1


async def test_one_instance_alone_keeps_the_schedule_until_it_stops(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        first, second = Ticks(), Ticks()
        leader = listener(container, host_id, first, "* * * * * *", monitored=False)
        leading = asyncio.create_task(leader.run())
        await until(lambda: len(first.payloads) >= 1)
        follower = listener(container, host_id, second, "* * * * * *", monitored=False)
        following = asyncio.create_task(follower.run())
        await until(lambda: len(first.payloads) >= 3)
        assert second.payloads == []
        await stop(leader, leading)
        await until(lambda: bool(second.payloads))
        await stop(follower, following)


async def test_an_instance_that_loses_its_lease_stops_firing_and_asks_again(azurite: Azurite, host_id: str) -> None:
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        ticks = Ticks()
        timer = listener(container, host_id, ticks, "* * * * * *", monitored=False)
        task = asyncio.create_task(timer.run())
        await until(lambda: bool(ticks.payloads))
        blob = container.get_blob_client(f"locks/{host_id}/Host.Functions.f.Listener")
        lease = await _take_over(blob)
        # The renewal comes at half of the lease's fifteen seconds.
        await asyncio.sleep(8)
        ticks.payloads.clear()
        await asyncio.sleep(2)
        assert ticks.payloads == []
        await lease.release()
        await until(lambda: bool(ticks.payloads))
        await stop(timer, task)


async def _take_over(blob: Any) -> Any:
    await BlobLeaseClient(blob).break_lease(lease_break_period=0)
    return await blob.acquire_lease(lease_duration=60)
