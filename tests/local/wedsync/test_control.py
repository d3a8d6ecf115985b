"""The control API: arranging and reading what WedSync holds, and the faults of its API."""

import httpx
import pytest

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.samples import sample

CONTROL = "/_control/users/planner-rose/events"
EVENTS = "/v1/users/planner-rose/events"


async def test_users(stand: Stand) -> None:
    assert (await stand.control.get("/_control/users")).json() == {"users": ["planner-rose", "planner-marco"]}
    assert (await stand.api.get("/v1/users/third/events")).status_code == 404
    await stand.control.put("/_control/users/third")
    assert (await stand.api.get("/v1/users/third/events")).json()["events"] == []
    await stand.control.post("/_control/reset")
    assert (await stand.api.get("/v1/users/third/events")).status_code == 404


async def test_a_user_edits(stand: Stand) -> None:
    event = (await stand.control.post(CONTROL, json=sample(id="mine"))).json()
    assert (event["id"], event["version"]) == ("mine", 1)
    assert (await stand.control.post(CONTROL, json=sample(id="mine"))).status_code == 409
    event = (await stand.control.patch(f"{CONTROL}/mine", json={"title": "Later"})).json()
    assert (event["title"], event["version"]) == ("Later", 2)
    assert (await stand.control.get(f"{CONTROL}/mine")).json() == event
    assert (await stand.control.get(CONTROL)).json() == {"events": [event]}
    tombstone = (await stand.control.delete(f"{CONTROL}/mine")).json()
    assert (tombstone["deleted"], tombstone["version"]) == (True, 3)
    assert (await stand.control.get(CONTROL)).json() == {"events": []}
    assert (await stand.control.get(CONTROL, params={"deleted": 1})).json() == {"events": [tombstone]}
    assert (await stand.control.patch(f"{CONTROL}/mine", json={"title": "x"})).status_code == 404


async def test_an_edit_obeys_the_rules_of_the_api(stand: Stand) -> None:
    answer = await stand.control.post(CONTROL, json=sample(timeZone="Nowhere"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/timeZone")


async def test_load_replaces_and_reports_each_refusal(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [sample(id="a"), sample(id="b")]})
    cursor = (await stand.api.get(EVENTS)).json()["nextCursor"]
    loaded = [sample(id="b", title="New"), sample(id="c"), sample(type="party", title="Bad"), "no event"]
    answer = (await stand.control.put(CONTROL, json={"events": loaded})).json()
    assert answer["loaded"] == 2
    assert [(item["index"], item["title"], item["errors"][0]["pointer"]) for item in answer["refused"]] == [
        (2, "Bad", "/type"),
        (3, "", ""),
    ]
    changes = (await stand.api.get(EVENTS, params={"cursor": cursor})).json()["events"]
    assert [(event["id"], event["deleted"], event["version"]) for event in changes] == [
        ("b", False, 2),
        ("c", False, 1),
        ("a", True, 2),
    ]
    await stand.control.put(CONTROL, params={"keep": 1}, json={"events": [sample(id="d")]})
    assert len((await stand.control.get(CONTROL)).json()["events"]) == 3
    assert (await stand.control.put(CONTROL, json=[])).status_code == 400


async def test_faults_and_the_request_log(stand: Stand) -> None:
    await stand.control.post(
        "/_control/faults", json={"action": "status", "path": "^/v1", "retry_after": 3, "count": 1}
    )
    answer = await stand.api.get(EVENTS)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (503, "3", 503)
    assert (await stand.api.get(EVENTS, params={"limit": 5})).status_code == 200
    noted = (await stand.control.get("/_control/requests")).json()["requests"]
    assert [(item["method"], item["path"], item["status"]) for item in noted] == [
        ("GET", EVENTS, 503),
        ("GET", f"{EVENTS}?limit=5", 200),
    ]


async def test_a_create_that_persists_but_never_answers(stand: Stand) -> None:
    await stand.control.post(
        "/_control/faults", json={"action": "hang_after_commit", "method": "POST", "count": 1, "seconds": 0.01}
    )
    headers = {"Idempotency-Key": "k"}
    with pytest.raises(httpx.TransportError):
        await stand.api.post(EVENTS, json=sample(), headers=headers)
    events = (await stand.control.get(CONTROL)).json()["events"]
    again = await stand.api.post(EVENTS, json=sample(), headers=headers)
    assert [event["id"] for event in events] == [again.json()["id"]]


async def test_a_dropped_connection_changes_nothing(stand: Stand) -> None:
    await stand.control.post("/_control/faults", json={"action": "drop_connection", "count": 1})
    with pytest.raises(httpx.TransportError):
        await stand.api.post(EVENTS, json=sample(), headers={"Idempotency-Key": "k"})
    assert (await stand.control.get(CONTROL)).json() == {"events": []}


async def test_the_page_and_the_control_api_are_never_faulted(stand: Stand) -> None:
    await stand.control.post("/_control/faults", json={"action": "status"})
    assert (await stand.control.get("/_control/health")).json() == {"status": "ok"}
