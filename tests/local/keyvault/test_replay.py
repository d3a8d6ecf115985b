"""A run that replays exactly: the ids of versions, which are in the paths, are the same after a reset."""

from typing import Any

import httpx


def run_of(web: httpx.Client, bearer: dict[str, Any]) -> list[Any]:
    web.post("/_control/reset")
    web.post("/_control/faults", json={"action": "status", "probability": 0.3, "seed": 1, "method": "GET"})
    for number in range(5):
        for name in ("one", "two"):
            made = web.put(f"/secrets/{name}", json={"value": str(number)}, **bearer).json()
            web.get(made["id"].partition("/secrets/")[2].join(("/secrets/", "")), **bearer)
    log = web.get("/_control/requests").json()["requests"]
    return [(each["method"], each["path"], each["status"], each["faults"]) for each in log]


def test_the_same_requests_replay_exactly(web: httpx.Client, bearer: dict[str, Any]) -> None:
    first = run_of(web, bearer)
    assert {status for _, _, status, _ in first} == {200, 503}
    assert len({path for method, path, _, _ in first if method == "GET"}) == 10
    assert run_of(web, bearer) == first
