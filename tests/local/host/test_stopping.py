"""Stopping: what is finished, what is given back, what a host that is killed leaves behind: functions.md 2.2, 2.5."""

import base64
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.azurite import Azurite
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter, has_ended
from tests.support.far_end import connection_string


class Asking(threading.Thread):
    """A request that takes its time; ``answer`` is its text, empty where the connection broke."""

    def __init__(self, host: RunningHost, path: str) -> None:
        super().__init__()
        self._url = f"{host.url}{path}"
        self.answer = ""
        self.start()

    def run(self) -> None:
        try:
            self.answer = httpx.get(self._url, trust_env=False, timeout=30).text
        except httpx.TransportError:
            return


def made_queue(azurite: Azurite, name: str) -> QueueClient:
    client = QueueClient.from_connection_string(
        azurite.connection_string, name, message_encode_policy=TextBase64EncodePolicy()
    )
    client.create_queue()
    return client


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A host that was told to stop while a request and a message ran and a timer's lease was held."""

    host: RunningHost
    code: int
    answer: str
    messages_left: int
    lease_before: str
    lease_after: str


@pytest.fixture(scope="module")
def stopped(run_host: Starter, azurite: Azurite) -> Stopped:
    host = run_host(AzureFunctionsWebHost__hostid="leasetest")
    path = "locks/leasetest/Host.Functions.closing_time.Listener"
    container = ContainerClient.from_connection_string(azurite.connection_string, "azure-webjobs-hosts")
    with container, made_queue(azurite, host.queue) as queue:
        host.wait_until(lambda: f"Singleton lock acquired ({path})" in host.log)
        held = container.get_blob_client(path).get_blob_properties().lease.state
        queue.send_message("wait 1")
        asking = Asking(host, "/api/slow?seconds=1")
        host.wait_for_note("slow began")
        host.wait_for_note("wait 1")
        code = host.stop(signal.SIGTERM)
        asking.join()
        return Stopped(
            host=host,
            code=code,
            answer=asking.answer,
            messages_left=queue.get_queue_properties().approximate_message_count or 0,
            lease_before=str(held),
            lease_after=str(container.get_blob_client(path).get_blob_properties().lease.state),
        )


# That the host drains when it is told to stop is documented for its listeners alone.
@behaviour("H32", Grade.ASSUMED, sources.HOST_API)
def test_h32_stopping_waits_for_the_request_that_is_running(stopped: Stopped) -> None:
    assert (stopped.code, stopped.answer) == (0, "done")
    assert "slow ended" in stopped.host.noted()


@behaviour("H54", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h54_a_stop_finishes_the_messages_that_run(stopped: Stopped) -> None:
    assert "lending ended wait 1" in stopped.host.noted()
    assert stopped.messages_left == 0


@behaviour("H67", Grade.ASSUMED, "https://github.com/Azure/azure-functions-core-tools/issues/55")
def test_h67_timer_leases_are_given_back_at_the_end(stopped: Stopped) -> None:
    assert (stopped.lease_before, stopped.lease_after) == ("leased", "available")


def test_an_interrupt_waits_too_but_not_for_ever(run_host: Starter) -> None:
    host = run_host("--drain-seconds", "0.5")
    worker = httpx.get(f"{host.url}/api/books/1", trust_env=False).json()["process"]
    asking = Asking(host, "/api/slow?seconds=60")
    host.wait_for_note("slow began")
    assert host.stop(signal.SIGINT) == 1
    asking.join()
    assert "1 invocations did not end within" in host.log
    assert "slow ended" not in host.noted()
    assert has_ended(worker)


@behaviour("H54", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h54_a_killed_host_loses_no_message_and_leaves_no_worker(run_host: Starter, azurite: Azurite) -> None:
    host = run_host()
    worker = httpx.get(f"{host.url}/api/books/1", trust_env=False).json()["process"]
    with made_queue(azurite, host.queue) as queue:
        queue.send_message("wait 5")
        host.wait_for_note("wait 5")
        # Not even one whose loop a function holds up.
        asking = Asking(host, "/api/standing")
        host.wait_for_note("standing began")
        host.stop(signal.SIGKILL)
        assert queue.get_queue_properties().approximate_message_count == 1
        assert list(queue.receive_messages()) == []
    host.wait_until(lambda: has_ended(worker))
    asking.join()


class SlowStorage:
    """Storage whose queues answer the first poll only when told, then with one message."""

    def __init__(self, queue: str, text: str) -> None:
        self.polled, self.answered = threading.Event(), threading.Event()
        self.deletes: list[str] = []
        self._texts = [text]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mine = f"/{queue}/messages" in self.path and outer._texts
                if mine:
                    outer.polled.set()
                    outer.answered.wait(30)
                content = _message(outer._texts.pop()) if mine else _LIST.format("")
                self._answer(200, content.encode())

            def do_DELETE(self) -> None:
                outer.deletes.append(self.path)
                self._answer(204)

            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


_LIST = '<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>{}</QueueMessagesList>'


def _message(text: str) -> str:
    moments = "".join(
        f"<{name}>Fri, 01 Jan 2100 00:00:00 GMT</{name}>"
        for name in ("InsertionTime", "ExpirationTime", "TimeNextVisible")
    )
    body = base64.b64encode(text.encode()).decode()
    rest = f"<PopReceipt>r</PopReceipt><DequeueCount>1</DequeueCount><MessageText>{body}</MessageText>"
    return _LIST.format(f"<QueueMessage><MessageId>the-message</MessageId>{moments}{rest}</QueueMessage>")


@pytest.fixture
def slow_storage() -> Iterator[SlowStorage]:
    storage = SlowStorage("slow-lending", "wait 0.3")
    yield storage
    storage.answered.set()
    storage.server.shutdown()
    storage.server.server_close()


@behaviour("H54", Grade.DOCUMENTED, sources.QUEUE_LISTENER)
def test_h54_what_a_poll_brings_during_the_stop_is_run_and_deleted(
    run_host: Starter, slow_storage: SlowStorage
) -> None:
    far = connection_string(f"http://127.0.0.1:{slow_storage.server.server_port}")
    host = run_host(queue="slow-lending", SampleStorage=far)
    assert slow_storage.polled.wait(20)
    host.process.send_signal(signal.SIGTERM)
    host.wait_until(lambda: "Stopping: 0 invocations in flight." in host.log)
    slow_storage.answered.set()
    assert host.process.wait(timeout=40) == 0
    assert "lending ended wait 0.3" in host.noted()
    assert ["the-message" in path for path in slow_storage.deletes] == [True]
