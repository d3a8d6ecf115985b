"""The log: one line of JSON, and nothing in it that must not be there."""

import asyncio
import json
import logging
from typing import Any

import pytest

from shared.log import REDACTED, Metric, log_action, log_context, log_metric, quiet_libraries, redacted


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


def test_a_measurement_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    log_metric(Metric.JOB_WAITED, 120, job="EventJob")
    assert lines(caplog) == [{"action": "metric", "metric": "job_waited", "value": 120, "job": "EventJob"}]
