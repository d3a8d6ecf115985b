"""How much is logged: no line is sampled, so what comes by itself, hundreds of times a day, has to be few."""

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import azure.functions as func
import pytest

from shared import bootstrap, log
from shared.core.jobs import RunKind
from shared.log import Metric
from tests.support.figures import LINES_IDLE
from tests.support.functions import functions
from tests.support.world import World

LINE_BYTES = 320
"""The message alone; the platform's own columns come to about as much again."""


class Invocation:
    """What the host tells a function of its invocation."""

    invocation_id = "v-42"


class Waited:
    """A message as the host hands it over."""

    id = "m-1"
    dequeue_count = 1

    def __init__(self, text: str, world: World) -> None:
        self._text = text
        self.insertion_time = world.clock.now() - timedelta(seconds=1)

    def get_body(self) -> bytes:
        return self._text.encode()


@pytest.fixture(autouse=True)
def all_of_it(world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    monkeypatch.setattr(log, "_TAKEN", {})
    monkeypatch.setattr(bootstrap, "_app", world.app)
    note = world.meter.note

    def told(call: Any) -> None:
        note(call)
        bootstrap._log_graph_call(call)

    monkeypatch.setattr(world.meter, "note", told)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == "wedsync"]


def counted(caplog: pytest.LogCaptureFixture, metric: Metric) -> int:
    return sum(line.get("stands_for", 1) for line in lines(caplog) if line.get("metric") == metric.value)


async def through_the_functions(world: World, within: timedelta) -> None:
    """Do what is on the queues as the host does, the functions around it."""
    names = {"outlook-event-jobs": "event_jobs", "outlook-run-jobs": "run_jobs", "outlook-upkeep-jobs": "upkeep_jobs"}
    until = world.clock.now() + within
    while True:
        await world.quiet()
        if world.post:
            await world.deliver(world.post[0])
            continue
        message = world.queue.next()
        if message is None or world.clock.now() > until:
            return
        call = cast(Callable[..., Awaitable[None]], functions()[names[message.queue]].call)
        await call(cast(func.QueueMessage, Waited(message.text, world)), Invocation())
        world.queue.kept.remove(message)


async def test_a_day_in_which_nothing_happens(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.connect()
    await world.advance(hours=1)
    await world.timers()
    await world.settle(within=timedelta(minutes=1))
    caplog.clear()
    for _ in range(24 * 12):
        await world.advance(minutes=5)
        await world.timers()
        await through_the_functions(world, timedelta(seconds=20))
    found = lines(caplog)
    assert 40 < len(found) <= LINES_IDLE, Counter((line["action"], line.get("metric")) for line in found)
    size = sum(len(json.dumps(line)) for line in found) / len(found)
    assert size <= LINE_BYTES
    runs = sum(line["action"] == "sync_run_ended" for line in found)
    requests = counted(caplog, Metric.GRAPH_REQUEST)
    assert runs - 10 <= requests <= runs + 10, "what is left out is counted all the same"


async def test_what_a_user_waits_for_is_written_whole(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        await world.wedsync.add(f"Tasting {number}")
    await world.connect()
    for _ in range(3):
        await world.sync(RunKind.INCREMENTAL)
    asked = [line for line in lines(caplog) if line.get("metric") == Metric.GRAPH_REQUEST.value]
    assert len(asked) == len(world.calls) > 10
    assert all(line["client_request_id"] for line in asked)


async def test_what_fails_is_written_each_time(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.connect()
    await world.outlook.fault(action="status", path="/calendarView", status=503, code="ServiceUnavailable")
    caplog.clear()
    for _ in range(4):
        await world.advance(minutes=16)
        await world.timers()
        await world.settle(within=timedelta(minutes=5))
    failed = [line for line in lines(caplog) if line.get("status") == 503]
    assert len(failed) == len([call for call in world.calls if call.status == 503]) > 4
    assert not [line for line in failed if "stands_for" in line]
