"""The log: one line of JSON, and nothing in it that must not be there."""

import json
import logging
from typing import Any

import pytest

from shared.log import REDACTED, log_action, quiet_libraries, redacted


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
