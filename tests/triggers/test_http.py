"""The border: which error becomes which answer, and what a request looks like to a handler."""

import inspect
import json
import logging

import azure.functions as func
import pytest
from pydantic import BaseModel

from shared import bootstrap, errors
from shared.triggers.http import Call, Problem, Reply, problem_of
from tests.support.functions import functions

SAID: dict[type[Exception], tuple[Exception, int, str]] = {
    errors.InvalidInput: (errors.InvalidInput("odd_input", "Why."), 400, "odd_input"),
    errors.Unprocessable: (errors.Unprocessable("odd_meaning"), 422, "odd_meaning"),
    errors.NotSignedIn: (errors.NotSignedIn("not_signed_in"), 401, "not_signed_in"),
    errors.NotFound: (errors.NotFound("gone"), 404, "gone"),
    errors.TooLarge: (errors.TooLarge("body_too_large"), 413, "body_too_large"),
    errors.StateConflict: (errors.StateConflict("busy_here"), 409, "busy_here"),
    errors.TooManyRequests: (errors.TooManyRequests(retry_after=7), 429, "too_many_requests"),
    errors.ConsentFault: (errors.ConsentFault("access_denied"), 400, "access_denied"),
    errors.Throttled: (errors.Throttled("graph", retry_after=12.4), 503, "busy"),
    errors.Unavailable: (errors.Unavailable("graph"), 503, "unavailable"),
    errors.OutcomeUnknown: (errors.OutcomeUnknown("graph"), 503, "unavailable"),
    errors.VersionMismatch: (errors.VersionMismatch("graph"), 503, "unavailable"),
    errors.EventGone: (errors.EventGone("graph"), 503, "unavailable"),
    errors.DuplicateTransaction: (errors.DuplicateTransaction("graph"), 503, "unavailable"),
    errors.CursorExpired: (errors.CursorExpired("graph"), 503, "unavailable"),
    errors.CalendarGone: (errors.CalendarGone("graph"), 409, "calendar_unavailable"),
    errors.ReconnectNeeded: (errors.ReconnectNeeded("Consent again."), 409, "needs_reconnect"),
    errors.OperatorFault: (errors.OperatorFault("entra", code="invalid_client"), 500, "configuration"),
    errors.Rejected: (errors.Rejected("graph", status=400), 503, "unavailable"),
    errors.SubscriptionTooLong: (errors.SubscriptionTooLong("graph", minutes=60, status=400), 503, "unavailable"),
    errors.RowExists: (errors.RowExists(), 503, "unavailable"),
    errors.RowChanged: (errors.RowChanged(), 503, "unavailable"),
    errors.RunAtWork: (errors.RunAtWork(), 503, "unavailable"),
    errors.IllegalMove: (errors.IllegalMove("a -> b"), 500, "internal"),
    RecursionError: (RecursionError(), 400, "invalid_body"),
    RuntimeError: (RuntimeError("CanaryOfAnError"), 500, "internal"),
}
BASES = {errors.SyncFault, errors.Refusal, errors.RemoteFault, errors.StoreFault}


def body_of(reply: Reply) -> Problem:
    assert isinstance(reply.body, Problem)
    return reply.body


@pytest.mark.parametrize("kind", SAID)
def test_each_error_has_its_answer(kind: type[Exception]) -> None:
    error, status, code = SAID[kind]
    reply = problem_of(error, "somewhere")
    body = body_of(reply)
    assert (reply.status, body.status, body.code) == (status, status, code)
    assert body.type == f"urn:wedsync:outlook-sync:problem:{code}"
    assert body.title[0].isupper()
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_every_error_of_ours_is_in_the_table() -> None:
    ours = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SyncFault)}
    assert ours - BASES <= set(SAID)


def test_headers_say_how_to_go_on() -> None:
    assert problem_of(errors.NotSignedIn("x"), "").headers["WWW-Authenticate"] == "Bearer"
    assert problem_of(errors.Throttled(retry_after=12.4), "").headers["Retry-After"] == "13"
    assert problem_of(errors.Throttled(retry_after=0.1), "").headers["Retry-After"] == "1"
    assert problem_of(errors.Unavailable(), "").headers["Retry-After"] == "5"
    assert problem_of(errors.TooManyRequests(retry_after=7), "").headers["Retry-After"] == "7"


def test_what_nobody_foresaw_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    body = body_of(problem_of(RuntimeError("CanaryOfAnError"), "sync_start"))
    assert "CanaryOfAnError" not in body.model_dump_json()
    assert "CanaryOfAnError" not in caplog.text
    assert '"kind": "RuntimeError"' in caplog.text


def test_the_link_of_a_consent_goes_out() -> None:
    link = "https://login.test/organizations/adminconsent?client_id=x"
    assert body_of(problem_of(errors.ConsentFault("admin_approval_required", link=link), "")).link == link


# --- What a handler sees ----------------------------------------------------------------------------------------------


class Wanted(BaseModel):
    """A body."""

    count: int = 0


def call(*, body: bytes = b"", **headers: str) -> Call:
    return Call(query={}, headers=headers, params={}, body=body)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("a=1", "1"),
        ("b=2; a=1", "1"),
        ("b=2;a=1;", "1"),
        ("a=1=2", "1=2"),
        ("aa=2; A=3", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_cookies(header: str, value: str) -> None:
    assert call(cookie=header).cookie("a") == value


def test_a_body_that_is_not_the_models_names_the_members_and_not_the_values() -> None:
    assert call(body=b'{"count": 3}').json(Wanted).count == 3
    assert call().json(Wanted).count == 0
    with pytest.raises(errors.InvalidInput) as caught:
        call(body=b'{"count": "Canary"}').json(Wanted)
    assert [error["pointer"] for error in caught.value.errors] == ["/count"]
    assert "Canary" not in json.dumps(caught.value.errors)


# --- Without settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name, function in functions().items() if function.is_http))
async def test_a_service_without_settings_says_so_and_logs_each(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bootstrap, "_app", None)
    for variable in ("AZURE_CLIENT_ID", "KEY_VAULT_URL", "WEDSYNC_APP_URL", "WEDSYNC_JWT_AUDIENCE", "SyncStorage"):
        monkeypatch.delenv(variable, raising=False)
    caplog.set_level(logging.INFO, logger="wedsync")
    answer = await functions()[name].call(func.HttpRequest("GET", "https://x.test/api/x", body=b""))
    assert answer.status_code == 500
    assert json.loads(answer.get_body())["code"] == "configuration"
    assert "AZURE_CLIENT_ID" not in answer.get_body().decode()
    for variable in ("AZURE_CLIENT_ID", "KEY_VAULT_URL", "WEDSYNC_APP_URL", "WEDSYNC_JWT_AUDIENCE"):
        assert variable in caplog.text
