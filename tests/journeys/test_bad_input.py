"""Bad input at every endpoint: a clear answer, and nothing changed."""

import asyncio
import importlib
import inspect
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from local.wedsync.page.words import CONNECT_ERRORS
from tests.journeys import routes
from tests.journeys.evidence import picture
from tests.journeys.routes import ENDPOINTS, IDS, UNREADABLE, Caller, Endpoint, of_caller, with_body, wrong_bodies
from tests.journeys.scene import Scene, open_scene, problem, unchanged
from tests.support.functions import functions

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
on_the_stand = pytest.mark.asyncio(loop_scope="module")

FORGERIES: dict[str, dict[str, Any]] = {
    "no signature": {"kind": "none"},
    "an HMAC made with the public key": {"kind": "hs256-with-public-key"},
    "another key under a known name": {"kind": "wrong-key"},
    "expired": {"kind": "expired"},
    "for another service": {"audience": "another-service"},
    "for nobody": {"audience": ""},
    "by another issuer": {"issuer": "https://evil.example"},
    "long expired": {"expiresInSeconds": -3600},
}
HEADERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "empty": {"Authorization": ""},
    "no token": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": "Basic cGxhbm5lcjpyb3Nl"},
    "not a token": {"Authorization": "Bearer x.y.z"},
    "two dots": {"Authorization": "Bearer .."},
    "a list for a head": {"Authorization": "Bearer W10.e30.c2ln"},
    "not ASCII": {"Authorization": "Bearer ü.ü.ü"},
    "long": {"Authorization": f"Bearer {'a' * 9000}"},
    "in a cookie": {"Cookie": "access_token=x"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path_factory.mktemp("bad-input")) as opened:
        yield opened


# --- The table is whole ---------------------------------------------------------------------------------------------


def test_every_endpoint_is_in_the_table() -> None:
    """A new endpoint that nobody has thought about here fails this test."""
    found = {
        name: (function.methods, function.trigger["route"])
        for name, function in functions().items()
        if function.is_http
    }
    assert found == {
        name: ([] if endpoint.every_method else [endpoint.method], endpoint.route)
        for name, endpoint in ENDPOINTS.items()
    }
    assert {name for name, (_, route) in found.items() if re.search(r"\{\w+\}", route)} == set(WITH_IDS)


@pytest.mark.parametrize("name", [*of_caller(Caller.BROWSER, Caller.GRAPH, Caller.WEDSYNC), "finish_connect"])
def test_what_is_proved_by_something_that_can_be_overheard_is_tried_again(name: str) -> None:
    """A state, a ticket, a cookie, a notification, a signed webhook: the tests that send each twice are there."""
    assert ENDPOINTS[name].replayed
    for test in ENDPOINTS[name].replayed:
        module, _, function = test.rpartition(".")
        assert inspect.isfunction(getattr(importlib.import_module(module), function)), test


# --- Who calls -----------------------------------------------------------------------------------------------------


@on_the_stand
@pytest.mark.parametrize("name", of_caller(Caller.USER))
async def test_no_good_token_no_answer(scene: Scene, name: str) -> None:
    body = ENDPOINTS[name].body
    async with unchanged(scene):
        for what, headers in HEADERS.items():
            answer = await scene.call(name, token="", headers=headers, json=body)
            assert problem(answer, 401)["code"] == "not_signed_in", what
            assert answer.headers["www-authenticate"] == "Bearer"
        for what, wanted in FORGERIES.items():
            answer = await scene.call(name, token=await scene.token(**wanted), json=body)
            assert problem(answer, 401)["code"] == ("token_expired" if "expired" in what else "not_signed_in"), what


@on_the_stand
@pytest.mark.parametrize("name", of_caller(Caller.USER))
async def test_a_stranger_with_a_good_token_sees_nothing(scene: Scene, name: str) -> None:
    status, code = ENDPOINTS[name].unconnected
    before = await picture(scene.stand, scene.rose)
    for user_id in ("planner-nobody", "../planner-rose", "planner-rose%00", "u|planner-rose", "💒/\\#?", "x" * 3000):
        answer = await scene.call(name, token=await scene.token(userId=user_id), json=ENDPOINTS[name].body)
        if status == 200:
            assert answer.status_code == status
        else:
            problem(answer, status, code)
    after = await picture(scene.stand, scene.rose)
    assert {place for place in before if before[place] != after[place]} <= {"table OutlookAuthStates"}


# --- Which ---------------------------------------------------------------------------------------------------------

WITH_IDS = {
    "sync_job": "sync_not_found",
    "sync_cancel": "sync_not_found",
    "undo_sync": "sync_not_found",
    "resolve_conflict": "event_not_found",
    "force_sync": "event_not_found",
    "explain_event": "event_not_found",
    "restore_event": "event_not_found",
    "change_meeting": "meeting_not_found",
    "cancel_meeting": "meeting_not_found",
}


@on_the_stand
@pytest.mark.parametrize("name", WITH_IDS)
async def test_unknown_ids_and_those_of_others_are_not_found(scene: Scene, name: str) -> None:
    endpoint = ENDPOINTS[name]
    others = (scene.runs["planner-marco"], scene.events["planner-marco"])
    async with unchanged(scene):
        for ident in (*IDS, *others):
            path = re.sub(r"\{\w+\}", ident.replace("\\", "\\\\"), endpoint.route)
            answer = await scene.call(name, path=path, json=endpoint.body)
            if ident in ("..", "%2e%2e", "%2e%2e%2fsync", "a%2Fb"):  # the client or the host makes another path of it
                assert answer.status_code in (200, 404)
                continue
            problem(answer, 404, WITH_IDS[name])


@on_the_stand
async def test_the_right_ids_are_found(scene: Scene) -> None:
    """So that the 404s above prove something."""
    assert (await scene.call("sync_job")).status_code == 200
    problem(await scene.call("resolve_conflict", json=ENDPOINTS["resolve_conflict"].body), 404, "conflict_not_found")
    token = await scene.marco.token()
    path = f"calendar/outlook/sync/{scene.runs['planner-marco']}"
    assert (await scene.call("sync_job", token=token, path=path)).status_code == 200


@on_the_stand
async def test_a_method_that_nobody_registered_is_told_the_others(scene: Scene) -> None:
    async with unchanged(scene):
        for endpoint in ENDPOINTS.values():
            taken = {other.method for other in ENDPOINTS.values() if is_route_of(other, endpoint)} | {"OPTIONS"}
            path = endpoint.route.replace("{*path}", "health")
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - taken:
                if (method, path) == ("GET", "health"):
                    continue
                answer = await scene.rose.http.request(method, f"{scene.rose.urls.host}/api/{path}")
                problem(answer, 405, "method_not_allowed")
                assert taken <= set(re.split(r",\s*", answer.headers["allow"])), (method, path)
        problem(await scene.rose.http.get(f"{scene.rose.urls.host}/api/calendar/google/sync"), 404, "not_found")


def is_route_of(other: Endpoint, endpoint: Endpoint) -> bool:
    """Whether the other's route takes this path too: ``sync/{syncId}`` is also ``sync/preview``."""
    return bool(re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(other.route)), endpoint.route))


# --- What ----------------------------------------------------------------------------------------------------------


@on_the_stand
@pytest.mark.parametrize("name", with_body())
async def test_bodies_that_cannot_be_read_are_refused(scene: Scene, name: str) -> None:
    bodies = UNREADABLE if ENDPOINTS[name].empty_body_is_fine else (*UNREADABLE, b"", b"{}")
    async with unchanged(scene):
        for content in bodies:
            problem(await scene.call(name, content=content), 400, "invalid_body")


@on_the_stand
@pytest.mark.parametrize("name", with_body())
async def test_wrong_types_and_unknown_members_are_named(scene: Scene, name: str) -> None:
    async with unchanged(scene):
        for pointer, content in wrong_bodies(ENDPOINTS[name]):
            found = problem(await scene.call(name, content=content), 400, "invalid_body")
            assert any(error["pointer"].startswith(pointer) for error in found["errors"]), (pointer, found)
            assert all(set(error) == {"pointer", "detail"} for error in found["errors"])


@on_the_stand
@pytest.mark.parametrize("name", with_body())
async def test_an_answer_never_repeats_the_value_that_was_wrong(scene: Scene, name: str) -> None:
    for pointer in ENDPOINTS[name].wrong:
        canary = {"canary": "CanaryOfBadInput"}
        body = routes.replaced(ENDPOINTS[name].body or {}, pointer, canary)
        answer = await scene.call(name, json=body)
        assert answer.status_code in (400, 404)
        assert "CanaryOfBadInput" not in answer.text


@on_the_stand
@pytest.mark.parametrize("name", of_caller(Caller.USER, Caller.GRAPH, Caller.WEDSYNC))
async def test_bodies_larger_than_any_honest_one_are_refused(scene: Scene, name: str) -> None:
    if ENDPOINTS[name].method == "GET":
        return
    limit = ENDPOINTS[name].limit
    async with unchanged(scene):
        for content in (b" " * (limit + 1), b'{"state": "' + b"x" * limit + b'"}', b"[" * (limit + 1)):
            problem(await scene.call(name, content=content), 413, "body_too_large")


@on_the_stand
async def test_queries_that_cannot_be_meant_are_refused(scene: Scene) -> None:
    async with unchanged(scene):
        for name in of_caller(Caller.USER):
            for query in ENDPOINTS[name].queries:
                answer = await scene.call(name, query=query)
                if query in ("page=", "eventTypes=client_meeting,"):
                    assert answer.status_code in (200, 400), query
                    continue
                assert problem(answer, 400, "invalid_query")["detail"], query


@on_the_stand
async def test_what_a_conflict_cannot_be_answered_with_is_refused(scene: Scene) -> None:
    title = {"useValue": "custom", "customValue": "Mine"}
    nested: Any = "deep"
    for _ in range(150):
        nested = [nested]
    async with unchanged(scene):
        for body, status, codes in (
            ({"resolutions": {"title": title}}, 404, ("conflict_not_found",)),
            ({"resolutions": {"title": {"useValue": "custom", "customValue": nested}}}, 422, ("custom_value",)),
            ({"resolutions": {"title": {"useValue": "outlook"}}, "setAsDefault": True}, 404, ("conflict_not_found",)),
            ({"resolutions": {"budget": {"useValue": "outlook"}}}, 404, ("conflict_not_found",)),
            ({"resolutions": {"": {"useValue": "outlook"}}}, 404, ("conflict_not_found",)),
        ):
            problem(await scene.call("resolve_conflict", json=body), status, *codes)


# --- Browsers ------------------------------------------------------------------------------------------------------


@on_the_stand
@pytest.mark.parametrize("name", of_caller(Caller.BROWSER))
async def test_a_browser_is_only_ever_sent_to_our_page(scene: Scene, name: str) -> None:
    extra = "&redirect_uri=https://evil.example&next=//evil.example&error_description=%3Cscript%3E"
    async with unchanged(scene):
        for query in ENDPOINTS[name].queries:
            for more in ("", extra):
                answer = await scene.call(name, query=f"{query}{more}".removeprefix("&"))
                assert answer.status_code == 302
                target = urlsplit(answer.headers["location"])
                assert (f"{target.scheme}://{target.netloc}", target.path) == (
                    scene.rose.urls.wedsync,
                    "/settings/integrations",
                )
                assert target.query.removeprefix("error=") in CONNECT_ERRORS
                assert target.fragment == ""
                assert "a" not in answer.cookies


# --- CORS ----------------------------------------------------------------------------------------------------------


@on_the_stand
@pytest.mark.parametrize("name", ENDPOINTS)
async def test_only_our_page_may_read_answers(scene: Scene, name: str) -> None:
    ours = scene.rose.urls.wedsync
    for origin in ("https://evil.example", "null", f"{ours}.evil.example", ours.replace("http:", "https:"), f"{ours}/"):
        answer = await scene.call(name, token="", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers, origin
        assert answer.headers["vary"] == "Origin"
    answer = await scene.call(name, token="", headers={"Origin": ours})
    assert answer.headers["access-control-allow-origin"] == ours
    assert answer.headers["vary"] == "Origin"


@on_the_stand
@pytest.mark.parametrize("name", ENDPOINTS)
async def test_preflights_of_our_page_alone_are_granted(scene: Scene, name: str) -> None:
    endpoint, ours = ENDPOINTS[name], scene.rose.urls.wedsync
    path = re.sub(r"\{[^}]*\}", "x", endpoint.route)
    asked = {"Access-Control-Request-Method": endpoint.method, "Access-Control-Request-Headers": "authorization"}
    url = f"{scene.rose.urls.host}/api/{path}"
    answer = await scene.rose.http.options(url, headers={"Origin": ours, **asked})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ours
    if endpoint.method != "OPTIONS":
        assert endpoint.method in re.split(r",\s*", answer.headers["access-control-allow-methods"])
    allowed = re.split(r",\s*", answer.headers["access-control-allow-headers"].lower())
    assert {"authorization", "content-type"} <= set(allowed)
    for headers in ({"Origin": "https://evil.example", **asked}, asked):
        answer = await scene.rose.http.options(url, headers=headers)
        assert answer.status_code == 403
        assert not [header for header in answer.headers if header.startswith("access-control-")]


@on_the_stand
async def test_health_says_nothing_about_anybody(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.call("health", query=query) for query in ("", "x=1", "path=..")))
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        body = answer.json()
        assert set(body) == {"status", "version", "checkedAt", "dependencies"}
        assert {each["name"] for each in body["dependencies"]} == {
            "tables",
            "queues",
            "vault",
            "entra",
            "graph",
            "wedsync",
        }
        assert {frozenset(each) for each in body["dependencies"]} == {frozenset({"name", "status", "latencyMs"})}
        assert "//" not in answer.text
