"""Every control route of WedSync refuses a body of the wrong type: with a problem document, or ``{"error": …}`` where
the route is every simulator's."""

from typing import Any

import pytest

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.samples import sample
from tests.local.wrong_bodies import NO_OBJECTS, RAW, Taken, mistyped

CONTROL = "/_control/users/planner-rose/events"
EVENT: Taken = {"id": (str, type(None)), "title": (str,), "start": (), "allDay": (bool,), "version": (), "timeZone": ()}
ROUTES: list[tuple[str, str, Taken, dict[str, Any]]] = [
    ("PUT", CONTROL, {"events": (list,)}, {}),
    ("POST", CONTROL, EVENT, sample()),
    ("PATCH", f"{CONTROL}/there", EVENT, {}),
    ("POST", "/_control/tokens", {"userId": (str,), "kind": (), "algorithm": ()}, {"userId": "planner-rose"}),
    (
        "POST",
        "/_control/tokens",
        {"expiresInSeconds": (int, float), "audience": (str, type(None)), "issuer": (str, type(None))},
        {"userId": "planner-rose"},
    ),
]


@pytest.mark.parametrize(("method", "path", "members", "good"), ROUTES)
async def test_a_body_of_the_wrong_type_is_a_problem(
    stand: Stand, method: str, path: str, members: Taken, good: dict[str, Any]
) -> None:
    await stand.control.post(CONTROL, json=sample(id="there"))
    bodies: list[Any] = [*RAW, *NO_OBJECTS, *mistyped(members, good)]
    for body in bodies:
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = await stand.control.request(method, path, **sent)
        assert answer.status_code in (400, 422), (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert len((await stand.control.get(CONTROL)).json()["events"]) == 1


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e999"])
async def test_a_token_lives_for_a_number_of_seconds(stand: Stand, written: str) -> None:
    body = f'{{"userId": "planner-rose", "expiresInSeconds": {written}}}'
    answer = await stand.control.post("/_control/tokens", content=body.encode())
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["reset", "faults", "clock"])
async def test_a_route_of_every_simulator_says_what_is_wrong(stand: Stand, path: str) -> None:
    wrong: list[Any] = [*NO_OBJECTS, {"seed": "x", "action": [], "advanceSeconds": None}]
    for body in wrong:
        answer = await stand.control.post(f"/_control/{path}", json=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body
