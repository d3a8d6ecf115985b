"""What every answer carries, who may read it, and what is refused before a handler looks at it."""

import json
import logging

import azure.functions as func
import pytest

from shared import errors
from shared.triggers.http import FRONTEND_BODY, Reply, problem_of
from tests.support.functions import functions
from tests.support.world import SETTINGS
from tests.triggers.calls.conftest import Caller

PAGE = SETTINGS.wedsync_app_url
STATUS = "sync_status"


async def test_an_answer_is_kept_by_nobody_and_taken_for_nothing_else(call: Caller) -> None:
    await call.world.connect()
    for answer in (await call(STATUS), await call("sync_job", ids={"syncId": "unknown"})):
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    answer = await call(STATUS)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


async def test_members_are_named_as_the_specification_names_them_and_are_never_null(call: Caller) -> None:
    await call.world.connect()
    shown = (await call(STATUS)).json
    assert {"integration", "syncStats", "recentSyncHistory", "webhookStatus"} == set(shown)
    assert "null" not in (await call(STATUS)).text


# --- Who calls --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer planner-rose", 404),
        ("bearer planner-rose", 404),
        ("BEARER  planner-rose ", 404),
        ("Basic planner-rose", 401),
        ("planner-rose", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer somebody", 401),
    ],
)
async def test_the_scheme_is_bearer_in_any_case(call: Caller, header: str, status: int) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-11.1"""
    answer = await call(STATUS, authorization=header)
    assert answer.status == status
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


async def test_headers_are_read_in_any_case(call: Caller) -> None:
    for name in ("Authorization", "AUTHORIZATION", "authorization"):
        headers = {name: "Bearer planner-rose", "ORIGIN": PAGE}
        answer = await functions()[STATUS].call(
            func.HttpRequest("GET", "https://functions.test/api/x", headers=headers, body=b"")
        )
        assert answer.status_code == 404
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE


async def test_a_user_is_whom_the_token_names_whatever_else_is_said(call: Caller) -> None:
    await call.world.connect()
    assert (await call(STATUS, "?userId=planner-marco&user_id=planner-marco&sub=planner-marco")).status == 200
    query = "?userId=planner-rose"
    answer = await call(STATUS, query, authorization="Bearer planner-marco", x_user_id="planner-rose")
    assert answer.json["code"] == "not_connected"


# --- Other origins ----------------------------------------------------------------------------------------------------


async def test_the_page_may_read_answers_and_refusals(call: Caller) -> None:
    for name in (STATUS, "health"):
        answer = await call(name, origin=PAGE)
        allowed = {key: value for key, value in answer.headers.items() if key.startswith("Access-Control")}
        assert allowed == {
            "Access-Control-Allow-Origin": PAGE,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["", "null", "https://evil.test", f"{PAGE}.evil.test", f"{PAGE}:444", PAGE[:-1]])
async def test_nobody_else_may(call: Caller, origin: str) -> None:
    answer = await call(STATUS, origin=origin)
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Vary"] == "Origin"


async def test_the_page_may_send_what_the_api_takes(call: Caller) -> None:
    def asked(origin: str) -> func.HttpRequest:
        return func.HttpRequest("OPTIONS", "https://functions.test/api/x", headers={"Origin": origin}, body=b"")

    answer = await functions()["without_route"].call(asked(PAGE))
    assert answer.status_code == 204
    methods = {str(method) for function in functions().values() if function.is_http for method in function.methods}
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    headers = {"Authorization", "Content-Type", "Idempotency-Key"}
    assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == headers
    answer = await functions()["without_route"].call(asked("https://evil.test"))
    assert answer.status_code == 403
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


# --- What is refused --------------------------------------------------------------------------------------------------


async def test_a_body_may_be_as_long_as_it_says_and_no_longer(call: Caller) -> None:
    for spare, status in ((0, 400), (1, 413)):
        body = b'{"x": "%s"}' % (b"x" * (FRONTEND_BODY - 9 + spare))
        answer = await call("sync_start", body=body)
        assert answer.status == status, len(body)


async def test_what_is_wrong_with_a_body_is_told_by_pointers_and_without_its_values(call: Caller) -> None:
    """https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    body = {"resolutions": {"a/b~c": {"useValue": "Canary"}}, "Canary2": 1}
    answer = await call("resolve_conflict", ids={"eventId": "e"}, body=body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_body")
    pointers = {error["pointer"] for error in answer.json["errors"]}
    assert pointers == {"/resolutions/a~1b~0c/useValue", "/Canary2"}
    assert '"Canary"' not in answer.text


@pytest.mark.parametrize(("key", "status"), [("k", 404), ("k" * 256, 404), ("k" * 257, 400), ("", 400)])
async def test_a_key_is_taken_whole_or_not_at_all(call: Caller, key: str, status: int) -> None:
    """An empty one is a key that somebody forgot to fill in."""
    assert (await call("sync_start", idempotency_key=key)).status == status


# --- Problems ---------------------------------------------------------------------------------------------------------


def written(reply: Reply) -> dict[str, object]:
    assert reply.body is not None
    assert not isinstance(reply.body, str)
    found: dict[str, object] = json.loads(reply.body.model_dump_json(exclude_none=True))
    return found


def test_a_refusal_brings_along_what_its_type_has_to_tell() -> None:
    refusal = errors.StateConflict("guests_would_be_mailed", "Two would.")
    refusal.members |= {"guests": 2, "mails": ["a@example.test"]}
    told = written(problem_of(refusal, ""))
    assert (told["guests"], told["mails"], told["detail"]) == (2, ["a@example.test"], "Two would.")
    wrong = errors.Unprocessable("custom_value", errors=({"pointer": "/a", "detail": "Missing."},))
    assert written(problem_of(wrong, ""))["errors"] == [{"pointer": "/a", "detail": "Missing."}]


def test_whoever_has_to_consent_again_is_told_where_an_administrator_approves() -> None:
    needed = errors.ReconnectNeeded("Consent again.", link="https://login.test/adminconsent")
    told = written(problem_of(needed, ""))
    assert (told["detail"], told["link"]) == ("Consent again.", "https://login.test/adminconsent")
    assert "link" not in written(problem_of(errors.ReconnectNeeded("Consent again."), ""))


def test_nobody_is_asked_to_come_back_too_early() -> None:
    for seconds, said in ((12.4, "13"), (12.0, "12"), (0.1, "1"), (0.0, "1")):
        assert problem_of(errors.Throttled("graph", retry_after=seconds), "").headers["Retry-After"] == said


def test_what_operators_have_to_see_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    problem_of(RuntimeError("x"), "here")
    problem_of(errors.OperatorFault("entra", code="invalid_client"), "here")
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    caplog.clear()
    problem_of(errors.Unavailable("graph"), "here")
    assert [record.levelno for record in caplog.records] == [logging.INFO]
