"""The log: one line of JSON, and nothing in it that must not be there."""

import asyncio
import json
import logging
from typing import Any

import pytest

from shared import log
from shared.log import (
    REDACTED,
    Metric,
    log_action,
    log_context,
    log_metric,
    log_often,
    quiet_libraries,
    redacted,
    routine,
)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == "wedsync"]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")


def test_an_action_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log_action("event_created", integration="i-1", count=3, ok=True, status_code=201, error_code="x", missing=None)
    assert lines(caplog) == [
        {
            "action": "event_created",
            "integration": "i-1",
            "count": 3,
            "ok": True,
            "status_code": 201,
            "error_code": "x",
            "missing": None,
        }
    ]


def test_a_name_gives_it_away(caplog: pytest.LogCaptureFixture) -> None:
    log_action("x", code="c", access_token="t", title="Cake", subject="s", description="d", email="e", client_state="s")
    (line,) = lines(caplog)
    assert {value for name, value in line.items() if name != "action"} == {REDACTED}


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "Authorization: Bearer opaque-token-1",
        "https://graph.microsoft.com/v1.0/me/events?$filter=secret-1",
        "https://app.example/callback#code=secret-1",
        "guest.name@example.com",
    ],
)
def test_a_shape_gives_it_away(caplog: pytest.LogCaptureFixture, secret: str) -> None:
    log_action("x", reason=f"went wrong at {secret} just now")
    (line,) = lines(caplog)
    for fragment in ("eyJ", "opaque-token", "secret-1", "guest.name"):
        assert fragment not in line["reason"]
    assert line["reason"].startswith("went wrong at ")


def test_a_level_that_is_not_wanted_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    log_action("x", level=logging.DEBUG)
    assert lines(caplog) == []


@pytest.mark.parametrize("library", ["httpx", "msal", "azure.core"])
def test_libraries_do_not_log_addresses_of_requests(library: str) -> None:
    logger = logging.getLogger(library)
    before = logger.level
    try:
        quiet_libraries()
        assert not logger.isEnabledFor(logging.INFO)
        assert logger.isEnabledFor(logging.WARNING)
    finally:
        logger.setLevel(before)


def test_long_text_is_cut_and_harmless_text_stays() -> None:
    assert len(redacted("x" * 1000)) < 400
    assert redacted("https://graph.microsoft.com/v1.0/me") == "https://graph.microsoft.com/v1.0/me"
    assert redacted("Europe/London 2026-01-01") == "Europe/London 2026-01-01"


def test_what_work_is_bound_to_stands_in_each_of_its_lines(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run="r-1", correlation="", invocation="v-1"):
        log_action("x")
        with log_context(run="r-2"):
            log_action("x", run="r-3")
            log_action("x")
        log_action("x")
    log_action("x")
    assert [(line.get("run"), line.get("invocation")) for line in lines(caplog)] == [
        ("r-1", "v-1"),
        ("r-3", "v-1"),
        ("r-2", "v-1"),
        ("r-1", "v-1"),
        (None, None),
    ]
    assert not any("correlation" in line for line in lines(caplog))


async def test_tasks_inherit_what_their_maker_was_bound_to(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        log_action("x")

    with log_context(run="r-1"):
        begun = asyncio.create_task(work())
    await begun
    assert lines(caplog)[0]["run"] == "r-1"


def test_what_is_bound_is_cleaned_too(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(subject="Cake", correlation="eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"):
        log_action("x")
    (line,) = lines(caplog)
    assert line == {"action": "x", "subject": REDACTED, "correlation": "[token]"}


def test_of_what_is_measured_often_in_routine_work_one_in_ten_is_a_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_TAKEN", {})
    with routine():
        for value in range(31):
            log_often(Metric.GRAPH_REQUEST, value, kind="GET /me", status=200)
        log_often(Metric.GRAPH_REQUEST, 99, kind="PATCH /me", status=200)
    counted = [(line["value"], line.get("stands_for", 1)) for line in lines(caplog)]
    assert counted == [(0, 1), (10, 10), (20, 10), (30, 10), (99, 1)]


def test_what_somebody_waits_for_is_written_each_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_TAKEN", {})
    for _ in range(5):
        log_often(Metric.GRAPH_REQUEST, 1, kind="GET /me")
    with routine():
        for _ in range(5):
            log_metric(Metric.RECONNECT_NEEDED)
            log_action("operator_fault", level=logging.ERROR)
        with routine(on=False):
            for _ in range(5):
                log_often(Metric.GRAPH_REQUEST, 1, kind="GET /me")
    assert len(lines(caplog)) == 20
    assert not [line for line in lines(caplog) if "stands_for" in line]


def test_a_measurement_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    log_metric(Metric.JOB_WAITED, 120, job="EventJob")
    assert lines(caplog) == [{"action": "metric", "metric": "job_waited", "value": 120, "job": "EventJob"}]


# --- What a caller sends ----------------------------------------------------------------------------------------------

FORGED = '{"action": "operator_fault", "fault_code": "forged"}'
INJECTIONS = {
    "line feed": f"x\n{FORGED}",
    "carriage return": f"x\r{FORGED}",
    "both, and what looks like the host's own": f"x\r\n[2026-06-01T08:00:00.000Z] ERROR Host.Worker: {FORGED}",
    "next line": f"x\x85{FORGED}",
    "line separator": f"x\u2028{FORGED}",
    "paragraph separator": f"x\u2029{FORGED}",
    "vertical tab, form feed": f"x\x0b\x0c{FORGED}",
    "file, group, record separators": f"x\x1c\x1d\x1e{FORGED}",
    "null": f"x\x00{FORGED}",
    "ANSI escape": "x\x1b[2K\x1b[1A\x1b]0;title\x07",
    "C1 control sequence": "x\x9b2K",
    "the text turned round": "x\u202etluaf\u202c",
    "quotes": f'x", "action": "operator_fault", "y": {FORGED}',
    "backslash before a quote": 'x\\", "action": "operator_fault"',
    "placeholders": "%s %d %(action)s {} {action} ${jndi:ldap://x}",
    "markup": "</script><script>alert(1)</script>",
    "half a character": "x\ud800",
}
FORMATTED = logging.Formatter("%(message)s")


@pytest.mark.parametrize("sent", INJECTIONS.values(), ids=INJECTIONS.keys())
@pytest.mark.parametrize("bound", [False, True])
def test_what_a_caller_sends_is_one_fact_of_one_line(caplog: pytest.LogCaptureFixture, sent: str, bound: bool) -> None:
    """As a handler writes it: one line of printable ASCII, whose facts are those that were given."""
    if bound:
        with log_context(subscription=sent):
            log_action("notification_rejected", count=1)
    else:
        log_action("notification_rejected", subscription=sent, count=1)
    written = FORMATTED.format(caplog.records[-1])
    assert written.isascii()
    assert written.isprintable()
    assert written.splitlines() == [written]
    assert json.loads(written) == {"action": "notification_rejected", "subscription": redacted(sent), "count": 1}
    assert redacted(sent) == sent or "jndi" in sent


@pytest.mark.parametrize(
    "sent", ["x", "x.", "eyJ", "https://", "https://x/", "bearer ", "a@", "a@b", "a@b.", "@", ".", "<", "\u2028"]
)
@pytest.mark.timeout(20)
def test_text_of_any_length_is_cleaned_at_once(sent: str) -> None:
    """A body may be four million characters long, and one of its words may come to be logged."""
    assert len(redacted(sent * 1_000_000)) < 400


def test_what_is_taken_out_leaves_no_end_of_what_was_cut() -> None:
    """A long text is cut before it is cleaned; an address on the cut must not be left as half of one."""
    token = "eyJhbGciOiJSUzI1NiJ9." + "x" * 1100
    for blanks in range(120):
        cleaned = redacted(f"{token}{' ' * blanks} guest.name@example.com and more {'y' * 500}")
        assert "guest" not in cleaned
