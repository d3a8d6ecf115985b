"""From a notification to the applied change by the log alone, and what is measured on the way."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from shared import bootstrap
from shared.graph.client import GraphCall
from shared.log import Metric
from shared.store.rows import Table
from tests.support.functions import functions
from tests.support.world import World

Line = Mapping[str, Any]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")


def lines(caplog: pytest.LogCaptureFixture, action: str = "") -> list[Line]:
    said = [json.loads(each.getMessage()) for each in caplog.records if each.name == "wedsync"]
    return [line for line in said if action in ("", line["action"])]


def measured(caplog: pytest.LogCaptureFixture, metric: Metric) -> list[Line]:
    return [line for line in lines(caplog, "metric") if line["metric"] == metric.value]


class Message(func.QueueMessage):
    """A message as the host hands it over: with the time when it was put on the queue."""

    def __init__(self, *, body: str, insertion_time: datetime) -> None:
        super().__init__(id="m-1", body=body)
        self._inserted = insertion_time

    @property
    def insertion_time(self) -> datetime:
        return self._inserted

    @property
    def dequeue_count(self) -> int:
        return 1


class Invocation(func.Context):
    """What the host tells a function about this call of it."""

    invocation_id = "v-42"
    function_name = function_directory = ""
    thread_local_storage = trace_context = retry_context = None  # type: ignore[assignment]


async def deliver(world: World) -> None:
    """Do the next job as the queue's trigger does."""
    message = world.queue.next()
    assert message is not None
    world.queue.kept.remove(message)
    put_at = world.clock.now() - timedelta(milliseconds=1500)
    await functions()["event_jobs"].call(Message(body=message.text, insertion_time=put_at), Invocation())


async def test_a_notification_leads_to_its_change(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.connect()
    monkeypatch.setattr(bootstrap, "_app", world.app)
    caplog.clear()
    await world.outlook.add("CanaryOfATitle")
    await world.quiet()
    while world.post:
        await world.deliver(world.post[0])
    (taken,) = lines(caplog, "notification_accepted")
    await deliver(world)

    (applied,) = lines(caplog, "change_applied")
    assert applied["correlation"] == taken["correlation"]
    assert applied["invocation"] == "v-42"
    assert await world.ports.runs.get(world.integration_id, applied["run"])
    (row,) = await world.ports.changes.of_run(world.integration_id, applied["run"])
    assert (row.change_id, row.correlation) == (applied["change"], taken["correlation"])
    (waited,) = measured(caplog, Metric.JOB_WAITED)
    assert waited["value"] == 1500
    assert (waited["correlation"], waited["integration"]) == (taken["correlation"], world.integration_id)
    (visible,) = measured(caplog, Metric.EDIT_TO_VISIBLE)
    assert (visible["toward"], visible["run"]) == ("wedsync", applied["run"])
    assert 0 <= visible["value"] < 60_000
    assert "CanaryOfATitle" not in caplog.text


async def test_graphs_requests_carry_both_ids_and_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.connect()
    monkeypatch.setattr(bootstrap, "_app", world.app)
    await world.wedsync.add("Tasting")
    await world.quiet()
    while world.post:
        await world.deliver(world.post[0])
    caplog.clear()
    told = bootstrap._log_graph_call
    world.meter.note = told  # type: ignore[method-assign]
    await deliver(world)
    (applied,) = lines(caplog, "change_applied")
    (request,) = [line for line in measured(caplog, Metric.GRAPH_REQUEST) if line["method"] == "POST"]
    assert request["run"] == applied["run"]
    assert (request["status"], request["correlation"]) == (201, applied["correlation"])
    assert request["client_request_id"]
    assert request["request_id"]
    assert request["value"] >= 0


async def test_what_goes_wrong_is_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    copy = (await world.mapping_of(event["id"])).outlook_id
    await world.wedsync.change(event["id"], title="Cake tasting")
    await world.outlook.change(str(copy), subject="WedSync: Wine tasting")
    await world.settle()
    (opened,) = measured(caplog, Metric.CONFLICT_OPENED)
    assert opened["field"] == "title"
    assert len(await world.open_conflicts()) == 1

    await world.outlook.fault(
        action="status", path="/calendars/", method="POST", status=400, code="ErrorInvalidRequest"
    )
    await world.wedsync.add("Refused")
    await world.settle()
    assert len(measured(caplog, Metric.EVENT_QUARANTINED)) == 1

    await world.outlook.clear_faults()
    world.entra.revoked.add(world.integration_id)
    world.entra.held.clear()
    await world.advance(minutes=16)
    await world.timers()
    await world.settle(within=timedelta(minutes=5))
    (needed,) = measured(caplog, Metric.RECONNECT_NEEDED)
    assert needed["fault_code"] == "invalid_grant"


def test_a_throttled_request_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    call = GraphCall(integration_id="i", method="GET", template="/me/events/{id}", status=429)
    bootstrap._log_graph_call(call)
    bootstrap._log_graph_call(replace(call, status=200))
    assert len(measured(caplog, Metric.GRAPH_THROTTLED)) == 1
    assert [line["status"] for line in measured(caplog, Metric.GRAPH_REQUEST)] == [429, 200]


async def test_throttled_parts_of_a_batch_are_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.fault(action="status", method="POST", status=429, retry_after=1, item=".*", count=2)
    await world.connect()
    assert sum(line["value"] for line in measured(caplog, Metric.GRAPH_THROTTLED)) == 2
    await world.assert_equal()


async def test_senders_of_notifications_are_timed(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bootstrap, "_app", world.app)
    for route, sender in (("graph_webhook", "graph"), ("wedsync_webhook", "wedsync")):
        caplog.clear()
        request = func.HttpRequest(method="POST", url="https://functions.test/api/x", body=b'{"value":[]}')
        await functions()[route].call(request, Invocation())
        (answered,) = measured(caplog, Metric.NOTIFICATION_ANSWERED)
        assert (answered["sender"], answered["invocation"], answered["function"]) == (sender, "v-42", route)


async def test_no_content_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.wedsync.add("CanaryOfATitle", description="CanaryOfAText")
    await world.connect()
    assert world.tables.contents()[Table.CHANGES]
    assert lines(caplog, "change_applied")
    assert "CanaryOf" not in caplog.text
