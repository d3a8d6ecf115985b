"""The sample app's queue, timer and output bindings through a running host: functions.md 1.4, 2.2, 2.3, 2.4."""

import base64
import json
import time
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.azurite import Azurite
from local.host.configuration import QueueOptions
from local.host.functions import Binding, Function
from local.host.outputs import Outputs
from local.host.storage import Storage
from local.host.values import Outcome, Value
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter


def queue(azurite: Azurite, name: str) -> QueueClient:
    """Return a client of a queue that exists."""
    client = QueueClient.from_connection_string(
        azurite.connection_string, name, message_encode_policy=TextBase64EncodePolicy()
    )
    with suppress(ResourceExistsError):
        client.create_queue()
    return client


def wait_until_empty(client: QueueClient) -> None:
    for _ in range(400):
        if client.get_queue_properties().approximate_message_count == 0:
            return
        time.sleep(0.05)
    raise AssertionError("the queue was not emptied")


@behaviour("H49", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h49_a_queue_that_appears_later_is_read(host: RunningHost, azurite: Azurite) -> None:
    # Nobody makes the queue before this host polls it.
    with queue(azurite, host.queue) as client:
        client.send_message("emma")
        host.wait_for_note(" emma")
        wait_until_empty(client)
    assert f"Reason='New queue message detected on '{host.queue}'.'" in host.log


@behaviour("H44", Grade.DOCUMENTED, sources.QUEUES, sources.QUEUE_LISTENER)
def test_h44_a_failing_message_is_tried_to_the_limit_and_then_poisoned(host: RunningHost, azurite: Azurite) -> None:
    with queue(azurite, host.queue) as client:
        sent = client.send_message("fail")
        notes = host.wait_for_note("poison fail")
        wait_until_empty(client)
    tries = [line.split()[1] for line in notes if line.startswith("lending") and str(sent.id) in line]
    assert tries == ["1", "2", "3"]


@behaviour("H47", Grade.DOCUMENTED, sources.QUEUES, sources.BASE64)
def test_h47_an_undecodable_message_is_poisoned_without_running(run_host: Starter, azurite: Azurite) -> None:
    # Only the reader of the poison queue is switched off, so that the message can be looked at there.
    host = run_host(**{"AzureWebJobs.lost_slips.Disabled": "true"})
    with (
        QueueClient.from_connection_string(azurite.connection_string, host.queue) as client,
        QueueClient.from_connection_string(azurite.connection_string, f"{host.queue}-poison") as poison,
    ):
        client.create_queue()
        client.send_message("not base64!")
        wait_until_empty(client)
        assert [message.content for message in poison.receive_messages()] == ["not base64!"]
    assert "Message decoding has failed! Check MessageEncoding settings" in host.log
    assert not any(line.startswith("lending") for line in host.noted())


@pytest.fixture(scope="module")
def writing(run_host: Starter) -> RunningHost:
    """Start a host that reads nothing of what it writes, and fires a timer each second."""
    return run_host(CLOSING_SCHEDULE="* * * * * *", **{"AzureWebJobs.lending.Disabled": "true"})


@behaviour("H52", Grade.DOCUMENTED, sources.WORKER, sources.QUEUES)
def test_h52_an_output_binding_makes_the_queue_and_writes_base64(writing: RunningHost, azurite: Azurite) -> None:
    def lend(text: str, form: str = "") -> str:
        url = f"{writing.url}/api/lend?as={form}"
        return httpx.post(url, content=text.encode(), trust_env=False, timeout=20).text

    # A text is one message, even one that looks like a list.
    texts = ["emma", '{"a": 1}', '["one", "two"]']
    assert [lend(text) for text in texts] == ["lent"] * 3
    # A list is a message for each element, a dict is one; a text of the app's own class is a text.
    assert [lend('["three", {"b": [4]}]', "json"), lend('{"c": 5}', "json"), lend("novel", "genre")] == ["lent"] * 3
    with QueueClient.from_connection_string(azurite.connection_string, writing.queue) as client:
        received = [str(message.content) for message in client.receive_messages(max_messages=10)]
    written = [base64.b64decode(content, validate=True).decode() for content in received]
    assert written[:4] == [*texts, "three"]
    assert [json.loads(text) for text in written[4:6]] == [{"b": [4]}, {"c": 5}]
    assert written[6:] == ["novel"]


@behaviour("H51", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
async def test_h51_what_the_host_writes_is_told_to_its_listeners(azurite: Azurite) -> None:
    told: list[str] = []
    storage = Storage({"AzureWebJobsStorage": azurite.connection_string})
    outputs = Outputs(storage=storage, options=QueueOptions(), environment={"Q": "Waking"}, wake=told.append)
    binding = Binding(type="queue", name="out", direction="OUT", members={"queueName": "%Q%"})
    function = Function(name="f", function_id="f", bindings=(binding,))
    written = Outcome(succeeded=True, outputs=(("out", Value("x", "string")),))
    await outputs.send(function, written)
    await outputs.send(function, replace(written, outputs=()))
    await storage.close()
    assert told == ["waking"]


def most_at_once(host: RunningHost, prefix: str) -> int:
    """Return how many of the messages with this prefix ran at the same time."""
    running = most = 0
    for line in host.noted():
        if prefix in line:
            running += -1 if line.startswith("lending ended") else 1
            most = max(most, running)
    return most


@behaviour("H40", Grade.DOCUMENTED, sources.QUEUES)
def test_h40_no_more_messages_run_than_a_batch_and_the_threshold(host: RunningHost, azurite: Azurite) -> None:
    with queue(azurite, host.queue) as client:
        for number in range(10):
            client.send_message(f"wait 0.3{number}")
        host.wait_for_note("ended wait 0.39")
        wait_until_empty(client)
    assert most_at_once(host, "wait 0.3") == 4


@behaviour("H60", Grade.DOCUMENTED, sources.TIMERS)
def test_h60_a_timer_fires_on_its_schedule(writing: RunningHost) -> None:
    notes = writing.wait_for_note("closing")
    # Under a minute apart: no status is kept.
    assert next(line for line in notes if "closing" in line) == "closing past_due=False status={}"
    assert "Reason='Timer fired at " in writing.log


@behaviour("H69", Grade.DOCUMENTED, sources.RETRY_PAGE)
def test_h69_a_timer_and_its_retries_run_by_hand(writing: RunningHost) -> None:
    assert httpx.post(f"{writing.url}/admin/functions/Stocktaking", json={}, trust_env=False).status_code == 202
    writing.wait_for_note("stocktaking 2/2")
    assert [line for line in writing.noted() if line.startswith("stock")] == [f"stocktaking {n}/2" for n in range(3)]


@behaviour("H31", Grade.DOCUMENTED, sources.FUNCTIONS_API)
def test_h31_a_queue_function_runs_by_hand(host: RunningHost) -> None:
    reply = httpx.post(f"{host.url}/admin/functions/lending", json={"input": "by hand"}, trust_env=False)
    assert reply.status_code == 202
    host.wait_for_note("by hand")


@behaviour("H31", Grade.DOCUMENTED, sources.FUNCTIONS_API)
def test_h31_only_functions_with_a_trigger_to_stand_in_for_run_by_hand(host: RunningHost) -> None:
    def status(name: str) -> int:
        return httpx.post(f"{host.url}/admin/functions/{name}", json={}, trust_env=False).status_code

    assert (status("page"), status("nobody")) == (400, 404)


@behaviour("H32", Grade.DOCUMENTED, sources.HOST_API)
def test_h32_drain_and_resume(host: RunningHost, client: httpx.Client, azurite: Azurite) -> None:
    with queue(azurite, host.queue) as messages:
        assert client.get("/admin/host/drain/status").json()["state"] == "Disabled"
        try:
            assert client.post("/admin/host/drain").status_code == 202
            assert client.get("/admin/host/drain/status").json() == {
                "state": "Completed",
                "outstandingInvocations": 0,
                "outstandingRetries": 0,
            }
            messages.send_message("after resume")
            time.sleep(0.5)
            assert not any("after resume" in line for line in host.noted())
        finally:
            assert client.post("/admin/host/resume").json() == {"state": "Running"}
        host.wait_for_note("after resume")


@behaviour("H32", Grade.DOCUMENTED, sources.HOST_API)
def test_h32_resuming_what_has_not_stopped_polls_no_more_than_before(
    host: RunningHost, client: httpx.Client, azurite: Azurite
) -> None:
    with queue(azurite, host.queue) as messages:
        client.post("/admin/host/resume")
        # A loop may not have ended yet when it is to go on.
        for _ in range(3):
            client.post("/admin/host/drain")
            client.post("/admin/host/resume")
        for number in range(10):
            messages.send_message(f"wait 0.4{number}")
        host.wait_for_note("ended wait 0.49")
        wait_until_empty(messages)
    assert most_at_once(host, "wait 0.4") == 4


@behaviour("H70", Grade.DOCUMENTED, sources.RETRY_PAGE, sources.HOST_API)
def test_h70_draining_gives_up_a_retry_that_waits(host: RunningHost, client: httpx.Client) -> None:
    def waiting() -> int:
        return int(client.get("/admin/host/drain/status").json()["outstandingRetries"])

    client.post("/admin/functions/restocking", json={})
    host.wait_for_note("restocking")
    host.wait_until(lambda: waiting() == 1)
    try:
        client.post("/admin/host/drain")
        host.wait_until(lambda: waiting() == 0)
    finally:
        client.post("/admin/host/resume")
    assert host.noted().count("restocking") == 1
