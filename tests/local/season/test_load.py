"""Loading the season talks to the control APIs as agreed and stops at the first refusal."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from local.season import load
from local.season.load import SeasonRefused

TODAY = date(2026, 6, 1)


class FarEnd(ThreadingHTTPServer):
    """Both simulators' control APIs, as far as loading needs them."""

    received: dict[str, int]
    refuse: bool


class Handler(BaseHTTPRequestHandler):
    server: FarEnd

    def do_PUT(self) -> None:
        events: list[Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["events"]
        self.server.received[self.path] = len(events)
        refused = [{"index": 1, "code": "ErrorInvalidRequest", "message": "no"}] if self.server.refuse else []
        body = json.dumps({"loaded": len(events) - len(refused), "refused": refused}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    server = FarEnd(("127.0.0.1", 0), Handler)
    server.received, server.refuse = {}, False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return file


def test_fills_every_mailbox_and_user(far_end: FarEnd, ca_file: Path) -> None:
    url = f"http://127.0.0.1:{far_end.server_port}"
    report = load(graph_url=url, wedsync_url=url, ca_file=ca_file, today=TODAY)
    assert report.mailboxes == {
        "rose@havenweddings.example": 300,
        "marco.sposi@outlook.example": 60,
        "ivy@havenweddings.example": 0,
    }
    assert report.users == {"planner-rose": 120, "planner-marco": 40}
    assert far_end.received == {
        "/_control/mailboxes/rose@havenweddings.example/events": 300,
        "/_control/mailboxes/marco.sposi@outlook.example/events": 60,
        "/_control/mailboxes/ivy@havenweddings.example/events": 0,
        "/_control/users/planner-rose/events": 120,
        "/_control/users/planner-marco/events": 40,
    }


def test_a_refusal_is_an_error_that_names_the_reason(far_end: FarEnd, ca_file: Path) -> None:
    far_end.refuse = True
    url = f"http://127.0.0.1:{far_end.server_port}"
    with pytest.raises(SeasonRefused, match="1: ErrorInvalidRequest no"):
        load(graph_url=url, wedsync_url=url, ca_file=ca_file, today=TODAY)
