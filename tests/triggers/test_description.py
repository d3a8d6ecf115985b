"""What the API says of itself, and what it says to paths and methods that it does not have."""

import json

import azure.functions as func
import pytest

from shared import bootstrap
from shared.errors import InvalidInput
from shared.triggers.description import methods_of
from shared.triggers.http import LONGEST_KEY, Call
from tests.support.functions import functions
from tests.support.world import World


def test_the_function_for_everything_else_is_tried_last() -> None:
    """The host goes through the functions by name and takes the first that fits."""
    assert max(name for name, function in functions().items() if function.is_http) == "without_route"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("calendar/outlook/sync", ("GET", "POST")),
        ("Calendar/Outlook/SYNC/", ("GET", "POST")),
        ("calendar/outlook/sync/preview", ("DELETE", "GET", "POST")),
        ("calendar/outlook/sync/x", ("DELETE", "GET")),
        ("calendar/outlook/events/x/explain", ("GET",)),
        ("calendar/outlook/events/x/y/explain", ()),
        ("calendar", ()),
        ("", ()),
        ("health\n", ()),
    ],
)
def test_which_methods_a_path_takes(path: str, methods: tuple[str, ...]) -> None:
    assert methods_of(path) == methods


async def called(name: str, method: str, path: str, monkeypatch: pytest.MonkeyPatch) -> func.HttpResponse:
    async with World() as world:
        monkeypatch.setattr(bootstrap, "_app", world.app)
        request = func.HttpRequest(method, f"https://x.test/api/{path}", route_params={"path": path}, body=b"")
        answer = await functions()[name].call(request)
        assert isinstance(answer, func.HttpResponse)
        return answer


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "HEAD"])
async def test_a_wrong_method_is_told_the_right_ones(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await called("without_route", method, "calendar/outlook/sync", monkeypatch)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST, OPTIONS")
    assert json.loads(answer.get_body())["code"] == "method_not_allowed"


async def test_a_preflight_is_answered_at_any_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a function of its own: the host takes no two functions of one route, unless their methods differ."""
    answer = await called("without_route", "OPTIONS", "calendar/outlook/sync", monkeypatch)
    assert (answer.status_code, answer.get_body()) == (403, b"")


async def test_an_unknown_path_gets_a_problem_document(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await called("without_route", "GET", "calendar/google/sync", monkeypatch)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert json.loads(answer.get_body())["code"] == "not_found"


async def test_the_document_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await called("api_document", "GET", "openapi.json", monkeypatch)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found = json.loads(answer.get_body())
    assert found["openapi"].startswith("3.1")
    assert "/calendar/outlook/sync" in found["paths"]


def call(**headers: str) -> Call:
    return Call(query={}, headers=headers, params={}, body=b"")


def test_an_idempotency_key_is_taken_whole_or_not_at_all() -> None:
    longest = "k" * LONGEST_KEY
    assert call().idempotency_key() == ""
    assert call(**{"idempotency-key": longest}).idempotency_key() == longest
    for wrong in ("", longest + "k"):
        with pytest.raises(InvalidInput) as refused:
            call(**{"idempotency-key": wrong}).idempotency_key()
        assert refused.value.code == "invalid_idempotency_key"
