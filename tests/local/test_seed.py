"""The command from file to mailbox, against the simulated Graph over HTTPS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import seed
from local.graph.app import create_app
from local.ics import Unreadable, convert
from local.season import load
from local.simkit.people import ACCOUNTS, ROSE
from local.simkit.serve import server
from local.simkit.tls import Certificates, certificates
from local.wedsync.app import Options, wedsync_app
from tests.local.ics.calendars import OWNER, SHIPPED, calendar, vevent

MEETING = "DTSTART;TZID=Europe/Rome:20260601T090000\nSUMMARY:canary title\nATTENDEE:mailto:ana@guests.example"
SERIES = "DTSTART:20260601T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE:20260603T090000Z"
BACKWARDS = "DTSTART:20260601T090000Z\nDTEND:20260601T080000Z\nSUMMARY:canary of the refused"


@dataclass(frozen=True)
class Stand:
    """The simulators' addresses and the CA to trust."""

    graph_url: str
    wedsync_url: str
    ca: Path

    def control(self, method: str, path: str) -> Any:
        trust = ssl.create_default_context(cafile=str(self.ca))
        with httpx.Client(verify=trust, trust_env=False) as client:
            answer = client.request(method, f"{self.graph_url}/_control{path}").raise_for_status()
        return answer.json()

    def seed(self, file: Path, *more: str) -> int:
        return seed.main([str(file), "--graph-url", self.graph_url, "--ca", str(self.ca), *more])


class NoKeys:
    """Nobody signs in here: only the control API is used."""

    async def key(self, key_id: str) -> Any | None:
        return None


@contextlib.contextmanager
def serving(app: Any, certificate: Path | None = None) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = server(app, port=port, certificate=certificate)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    tls: Certificates = certificates(tmp_path_factory.mktemp("tls"))
    options = Options(
        base_url="http://localhost:7104",
        functions_url="http://localhost:9",
        browser_functions_url="http://localhost:9",
        graph_url="http://localhost:9",
        service_token="test-service-token",
        webhook_secret="whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA=",
    )
    with serving(create_app(NoKeys()), tls.server_file) as graph, serving(wedsync_app(options)) as wedsync:
        yield Stand(f"https://localhost:{graph}", f"http://localhost:{wedsync}", tls.ca_file)


@pytest.fixture
def stand(running: Stand) -> Stand:
    running.control("POST", "/reset")
    return running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.ics"


def test_everything_taken_is_status_0_and_adds_to_what_is_there(stand: Stand, file: Path) -> None:
    file.write_text(calendar(vevent(MEETING, "a"), vevent(SERIES, "b")))
    assert stand.seed(file) == seed.ALL_TAKEN
    assert stand.seed(file) == seed.ALL_TAKEN
    events = stand.control("GET", "/mailboxes/rose@havenweddings.example/events")["events"]
    assert [event["subject"] for event in events] == ["canary title", "", "canary title", ""]
    assert events[1]["_cancelled"] == ["2026-06-03"]
    assert events[1]["recurrence"]["range"]["numberOfOccurrences"] == 5


def test_an_import_mails_nobody(stand: Stand, file: Path) -> None:
    file.write_text(calendar(vevent(MEETING)))
    stand.seed(file)
    assert stand.control("GET", "/outbox")["mails"] == []


def test_a_named_calendar_of_another_mailbox(stand: Stand, file: Path) -> None:
    file.write_text(calendar(vevent(MEETING)))
    assert stand.seed(file, "--mailbox", "marco.sposi@outlook.example", "--calendar", "Weddings") == 0
    [event] = stand.control("GET", "/mailboxes/marco.sposi@outlook.example/events?calendar=Weddings")["events"]
    assert event["subject"] == "canary title"


def test_some_refused_is_status_1_and_names_uid_position_and_reason_only(
    stand: Stand, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(calendar(vevent(MEETING, "a"), vevent(BACKWARDS, "b\x1b[2J")))
    assert stand.seed(file) == seed.SOME_REFUSED
    printed = capsys.readouterr().out
    assert "export.ics: VEVENT 2 UID b\N{REPLACEMENT CHARACTER}[2J: it ends before it starts" in printed
    assert "2 VEVENTs: 1 taken as 1 events, 1 refused" in printed
    assert "canary" not in printed
    assert "\x1b" not in printed


def test_what_graph_refuses_is_reported_by_its_vevent(
    stand: Stand, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "RRULE:FREQ=DAILY;INTERVAL=100000;COUNT=2"
    file.write_text(calendar(vevent(MEETING, "a"), vevent(f"DTSTART:20260601T090000Z\n{rule}", "b")))
    assert stand.seed(file) == seed.SOME_REFUSED
    assert "export.ics: VEVENT 2 UID b: Graph refuses it: ErrorPropertyValidationFailure" in capsys.readouterr().out


def test_no_calendar_or_no_file_is_status_2(stand: Stand, file: Path) -> None:
    file.write_text("not a calendar")
    assert stand.seed(file) == seed.UNREADABLE
    assert stand.seed(file.with_name("missing.ics")) == seed.UNREADABLE


def test_a_stand_that_is_not_there_is_status_3(stand: Stand, file: Path) -> None:
    file.write_text(calendar(vevent(MEETING)))
    assert seed.main([str(file), "--graph-url", "https://localhost:9", "--ca", str(stand.ca)]) == seed.UNREACHABLE


def test_an_unknown_mailbox_is_a_usage_error(file: Path) -> None:
    with pytest.raises(SystemExit):
        seed.main([str(file), "--mailbox", "nobody@stand.example"])


def test_graph_takes_every_event_of_the_shipped_calendars(stand: Stand) -> None:
    events: list[dict[str, Any]] = []
    for shipped in SHIPPED:
        with contextlib.suppress(Unreadable):
            events += convert(shipped.read_bytes(), OWNER).events
    trust = ssl.create_default_context(cafile=str(stand.ca))
    with httpx.Client(verify=trust, trust_env=False, timeout=120) as client:
        url = f"{stand.graph_url}/_control/mailboxes/{ROSE.upn}/events/import"
        answer = client.post(url, json={"events": events}).raise_for_status().json()
    assert answer == {"loaded": len(events), "refused": []}
    assert len(events) > 1000


def test_the_season_is_taken_whole_and_twice(stand: Stand) -> None:
    for _ in range(2):
        report = load(graph_url=stand.graph_url, wedsync_url=stand.wedsync_url, ca_file=stand.ca)
        assert report.mailboxes[ROSE.upn] == 300
        assert report.users == {"planner-rose": 120, "planner-marco": 40}
    for account in ACCOUNTS:
        held = stand.control("GET", f"/mailboxes/{account.upn}/events")["events"]
        assert len(held) == report.mailboxes[account.upn]
    assert stand.control("GET", "/outbox")["mails"] == []
