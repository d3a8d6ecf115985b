"""The sample app's queue, timer and output bindings through a running host: functions.md 1.4, 2.2, 2.3, 2.4."""

import base64
import signal
import time

import httpx
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.azurite import Azurite
from local.host.outputs import messages
from local.host.values import Value
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter


def queue(azurite: Azurite, name: str) -> QueueClient:
    return QueueClient.from_connection_string(
        azurite.connection_string, name, message_encode_policy=TextBase64EncodePolicy()
    )


def wait_until_empty(client: QueueClient) -> None:
    for _ in range(200):
        if client.get_queue_properties().approximate_message_count == 0:
            return
        time.sleep(0.05)
    raise AssertionError("the queue was not emptied")


@behaviour("H49", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h49_a_queue_that_appears_later_is_read(host: RunningHost, azurite: Azurite) -> None:
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("emma")
        host.wait_for_note(" emma")
        wait_until_empty(client)
    assert f"Reason='New queue message detected on '{host.queue}'.'" in host.log


@behaviour("H44", Grade.DOCUMENTED, sources.QUEUES, sources.QUEUE_LISTENER)
def test_h44_a_failing_message_is_tried_to_the_limit_and_then_poisoned(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("fail")
        notes = host.wait_for_note("poison fail")
        wait_until_empty(client)
    tries = [line.split()[1] for line in notes if line.startswith("lending")]
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


@behaviour("H52", Grade.CAPTURED, sources.WORKER, sources.QUEUES)
def test_h52_an_output_binding_makes_the_queue_and_writes_base64(run_host: Starter, azurite: Azurite) -> None:
    host = run_host(**{"AzureWebJobs.lending.Disabled": "true"})
    # A text is one message, even one that looks like a list.
    texts = ["emma", '{"a": 1}', '["one", "two"]']
    for text in texts:
        assert httpx.post(f"{host.url}/api/lend", content=text.encode(), trust_env=False).text == "lent"
    with QueueClient.from_connection_string(azurite.connection_string, host.queue) as client:
        received = [str(message.content) for message in client.receive_messages(max_messages=10)]
    assert [base64.b64decode(content, validate=True).decode() for content in received] == texts


@behaviour("H52", Grade.CAPTURED, sources.WORKER, sources.QUEUES)
def test_h52_a_list_is_a_message_for_each_element() -> None:
    assert messages(Value('["one", {"a": 1}]', "json")) == [b"one", b'{"a": 1}']
    assert messages(Value('{"a": 1}', "json")) == [b'{"a": 1}']


@behaviour("H40", Grade.DOCUMENTED, sources.QUEUES)
def test_h40_no_more_messages_run_than_a_batch_and_the_threshold(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        for number in range(10):
            client.send_message(f"wait 0.3{number}")
        host.wait_for_note("ended wait 0.39")
        wait_until_empty(client)
    running = most = 0
    for line in host.noted():
        running += -1 if line.startswith("lending ended") else 1
        most = max(most, running)
    assert most == 4


@behaviour("H54", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h54_a_stop_finishes_the_messages_that_run_and_takes_no_more(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("wait 1")
        host.wait_for_note("wait 1")
        assert host.stop(signal.SIGTERM) == 0
        assert "lending ended wait 1" in host.noted()
        assert client.get_queue_properties().approximate_message_count == 0


@behaviour("H54", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h54_a_message_held_by_a_killed_host_is_not_lost(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("wait 5")
        host.wait_for_note("wait 5")
        host.stop(signal.SIGKILL)
        assert client.get_queue_properties().approximate_message_count == 1
        assert list(client.receive_messages()) == []


@behaviour("H60", Grade.DOCUMENTED, sources.TIMERS)
def test_h60_a_timer_fires_on_its_schedule(run_host: Starter) -> None:
    host = run_host(CLOSING_SCHEDULE="* * * * * *")
    notes = host.wait_for_note("closing")
    # Under a minute apart: no status is kept.
    assert notes[0] == "closing past_due=False status={}"
    assert "Reason='Timer fired at " in host.log


@behaviour("H69", Grade.DOCUMENTED, sources.RETRY_PAGE)
def test_h69_a_timer_and_its_retries_run_by_hand(run_host: Starter) -> None:
    host = run_host()
    assert httpx.post(f"{host.url}/admin/functions/Stocktaking", json={}, trust_env=False).status_code == 202
    host.wait_for_note("stocktaking 2/2")
    assert [line for line in host.noted() if line.startswith("stock")] == [f"stocktaking {n}/2" for n in range(3)]


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
def test_h32_drain_and_resume(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with httpx.Client(base_url=host.url, trust_env=False) as client, queue(azurite, host.queue) as messages:
        messages.create_queue()
        assert client.get("/admin/host/drain/status").json()["state"] == "Disabled"
        assert client.post("/admin/host/drain").status_code == 202
        assert client.get("/admin/host/drain/status").json() == {
            "state": "Completed",
            "outstandingInvocations": 0,
            "outstandingRetries": 0,
        }
        messages.send_message("after resume")
        time.sleep(0.5)
        assert host.noted() == []
        assert client.post("/admin/host/resume").json() == {"state": "Running"}
        host.wait_for_note("after resume")
