"""A run that replays exactly: ids, cursors and faults are the same after a reset and in another process."""

from typing import Any

import httpx

from local.wedsync.app import Options, wedsync_app
from tests.local.wedsync.conftest import SERVICE_TOKEN, WEBHOOK_SECRET, Stand, free_port, serving
from tests.local.wedsync.samples import sample

EVENTS = "/v1/users/planner-rose/events"


async def run_of(api: httpx.AsyncClient, control: httpx.AsyncClient) -> list[Any]:
    await control.post("/_control/reset")
    for order in (
        {"action": "status", "probability": 0.3, "seed": 4, "method": "GET|PATCH"},
        {"action": "fail_after_commit", "probability": 0.3, "seed": 5, "method": "POST|DELETE"},
    ):
        assert (await control.post("/_control/faults", json=order)).status_code == 200
    for number in range(8):
        headers = {"Idempotency-Key": f"key-{number}"}
        await api.post(EVENTS, json=sample(title=f"n {number}"), headers=headers)
        made = (await api.post(EVENTS, json=sample(title=f"n {number}"), headers=headers)).json()
        await api.get(f"{EVENTS}/{made.get('id')}")
        await api.patch(f"{EVENTS}/{made.get('id')}", json={"title": "x"}, headers={"If-Match": '"1"'})
    cursor: dict[str, Any] = {}
    for _ in range(6):
        page = (await api.get(EVENTS, params={"limit": 3, **cursor})).json()
        cursor = {"cursor": page["nextCursor"]} if page.get("nextCursor") else cursor
    log = (await control.get("/_control/requests")).json()["requests"]
    return [(each["method"], each["path"], each["status"], each["faults"]) for each in log]


async def test_the_same_requests_replay_exactly(stand: Stand) -> None:
    first = await run_of(stand.api, stand.control)
    assert {number for each in first for number in each[3]} == {1, 2}
    assert any("cursor=" in each[1] for each in first)
    assert await run_of(stand.api, stand.control) == first
    port = free_port()
    nowhere = f"http://localhost:{free_port()}"
    options = Options(
        base_url=f"http://localhost:{port}",
        functions_url=nowhere,
        browser_functions_url=nowhere,
        graph_url=nowhere,
        service_token=SERVICE_TOKEN,
        webhook_secret=WEBHOOK_SECRET,
    )
    with serving({port: wedsync_app(options)}):
        async with httpx.AsyncClient(
            base_url=options.base_url, trust_env=False, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}
        ) as other:
            assert await run_of(other, other) == first


async def test_an_event_id_is_long_and_none_comes_twice(stand: Stand) -> None:
    made = [
        (await stand.api.post(EVENTS, json=sample(), headers={"Idempotency-Key": str(number)})).json()["id"]
        for number in range(5)
    ]
    assert len(set(made)) == 5
    assert {len(each) for each in made} == {36}
