"""The sample app's queue, timer and output bindings through a running host: functions.md 1.4, 2.2, 2.3, 2.4."""

import base64
import json
import signal
import time

import httpx
import pytest
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.azurite import Azurite
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


def test_a_queue_that_appears_later_is_read(host: RunningHost, azurite: Azurite) -> None:
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("emma")
        host.wait_for_note(" emma")
        wait_until_empty(client)
    assert f"Reason='New queue message detected on '{host.queue}'.'" in host.log


def test_a_failing_message_is_tried_to_the_limit_and_then_poisoned(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("fail")
        notes = host.wait_for_note("poison fail")
        wait_until_empty(client)
    tries = [line.split()[1] for line in notes if line.startswith("lending")]
    assert tries == ["1", "2", "3"]


def test_an_undecodable_message_is_poisoned_without_running(run_host: Starter, azurite: Azurite) -> None:
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


@pytest.mark.parametrize(
    ("sent", "received"),
    [("emma", ["emma"]), (json.dumps({"a": 1}), ['{"a": 1}']), (json.dumps(["one", "two"]), ['["one", "two"]'])],
)
def test_an_output_binding_writes_base64_and_wakes_the_listener(
    run_host: Starter, azurite: Azurite, sent: str, received: list[str]
) -> None:
    host = run_host(**{"AzureWebJobs.lending.Disabled": "true"})
    assert httpx.post(f"{host.url}/api/lend", content=sent.encode(), trust_env=False).text == "lent"
    with QueueClient.from_connection_string(azurite.connection_string, host.queue) as client:
        contents = [base64.b64decode(str(message.content)).decode() for message in client.receive_messages()]
    assert contents == received


def test_no_more_messages_run_than_a_batch_and_the_threshold(run_host: Starter, azurite: Azurite) -> None:
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


def test_a_stop_finishes_the_messages_that_run_and_takes_no_more(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("wait 1")
        host.wait_for_note("wait 1")
        assert host.stop(signal.SIGTERM) == 0
        assert "lending ended wait 1" in host.noted()
        assert client.get_queue_properties().approximate_message_count == 0


def test_a_message_held_by_a_killed_host_is_not_lost(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    with queue(azurite, host.queue) as client:
        client.create_queue()
        client.send_message("wait 5")
        host.wait_for_note("wait 5")
        host.stop(signal.SIGKILL)
        assert client.get_queue_properties().approximate_message_count == 1
        assert list(client.receive_messages()) == []


def test_a_timer_fires_on_its_schedule(run_host: Starter) -> None:
    host = run_host(CLOSING_SCHEDULE="* * * * * *")
    notes = host.wait_for_note("closing")
    # Under a minute apart: no status is kept.
    assert notes[0] == "closing past_due=False status={}"
    assert "Reason='Timer fired at " in host.log


def test_a_timer_and_its_retries_run_by_hand(run_host: Starter) -> None:
    host = run_host()
    assert httpx.post(f"{host.url}/admin/functions/Stocktaking", json={}, trust_env=False).status_code == 202
    host.wait_for_note("stocktaking 2/2")
    assert [line for line in host.noted() if line.startswith("stock")] == [f"stocktaking {n}/2" for n in range(3)]


def test_a_queue_function_runs_by_hand(host: RunningHost) -> None:
    reply = httpx.post(f"{host.url}/admin/functions/lending", json={"input": "by hand"}, trust_env=False)
    assert reply.status_code == 202
    host.wait_for_note("by hand")


def test_only_functions_with_a_trigger_to_stand_in_for_run_by_hand(host: RunningHost) -> None:
    def status(name: str) -> int:
        return httpx.post(f"{host.url}/admin/functions/{name}", json={}, trust_env=False).status_code

    assert (status("page"), status("nobody")) == (400, 404)


def test_drain_and_resume(run_host: Starter, azurite: Azurite) -> None:
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


def test_a_function_over_its_time_limit_fails(run_host: Starter) -> None:
    host = run_host(AzureFunctionsJobHost__functionTimeout="00:00:01")
    assert httpx.get(f"{host.url}/api/slow?seconds=30", trust_env=False, timeout=20).status_code == 500
    assert "Timeout value of 00:00:01 exceeded by function 'Functions.slow'" in host.log
