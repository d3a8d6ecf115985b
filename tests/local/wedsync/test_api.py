"""The Events API as the sync service meets it, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.local.wedsync.conftest import SERVICE_TOKEN, Stand
from tests.local.wedsync.samples import sample

EVENTS = "/v1/users/planner-rose/events"


async def create(stand: Stand, key: str = "k1", **changes: Any) -> httpx.Response:
    return await stand.api.post(EVENTS, json=sample(**changes), headers={"Idempotency-Key": key})


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem


async def test_create_answers_the_whole_event(stand: Stand) -> None:
    answer = await create(stand, location={"name": "The Mill", "address": "1 Mill Lane"}, private=True)
    assert answer.status_code == 201
    event = answer.json()
    assert event.pop("id").startswith("evt_")
    assert event.pop("updatedAt").endswith("Z")
    assert event == sample(
        description="",
        allDay=False,
        location={"name": "The Mill", "address": "1 Mill Lane"},
        attendees=[],
        travelMinutes=None,
        private=True,
        url="",
        source="wedsync",
        externalId=None,
        version=1,
        deleted=False,
    )
    assert answer.headers["etag"] == '"1"'
    assert (await stand.api.get(answer.headers["location"])).json() == answer.json()


@pytest.mark.parametrize("given", [None, "Bearer", f"Bearer {SERVICE_TOKEN}x", f"Basic {SERVICE_TOKEN}", "Bearer é"])
async def test_without_the_service_token_nothing_is_answered(stand: Stand, given: str | None) -> None:
    headers = {} if given is None else {b"Authorization": given.encode()}
    async with httpx.AsyncClient(base_url=stand.url, trust_env=False) as stranger:
        for method in ("GET", "POST"):
            answer = await stranger.request(method, EVENTS, headers=headers)
            refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_unknown_user_and_event(stand: Stand) -> None:
    refused(await stand.api.get("/v1/users/nobody/events"), 404, "user_not_found")
    refused(await stand.api.get(f"{EVENTS}/evt_none"), 404, "event_not_found")
    event = (await create(stand)).json()
    refused(await stand.api.get(f"/v1/users/planner-marco/events/{event['id']}"), 404, "event_not_found")
    refused(await stand.api.put(EVENTS), 405, "method_not_allowed")


async def test_idempotency_key(stand: Stand) -> None:
    first = await create(stand, "k1")
    await stand.api.patch(first.headers["location"], json={"title": "Later"}, headers={"If-Match": "1"})
    again = await create(stand, "k1")
    assert (again.status_code, again.json()) == (201, first.json())
    refused(await create(stand, "k1", title="Other"), 422, "idempotency_key_reused")
    assert (await create(stand, "k2")).json()["id"] != first.json()["id"]
    refused(await stand.api.post(EVENTS, json=sample()), 400, "idempotency_key_missing")


async def test_a_refused_create_does_not_use_up_its_key(stand: Stand) -> None:
    refused(await create(stand, "k1", type="party"), 422, "invalid_event")
    assert (await create(stand, "k1")).status_code == 201


async def test_repeated_external_id_answers_the_existing_event(stand: Stand) -> None:
    first = await create(stand, "k1", externalId="outlook:t:o:AAA", source="outlook")
    second = await create(stand, "k2", externalId="outlook:t:o:AAA", source="outlook", title="Other")
    assert (second.status_code, second.json()) == (200, first.json())
    other_case = await create(stand, "k3", externalId="outlook:t:o:AAa")
    assert other_case.status_code == 201
    await stand.api.delete(first.headers["location"], headers={"If-Match": "1"})
    third = await create(stand, "k4", externalId="outlook:t:o:AAA")
    assert third.status_code == 201
    assert third.json()["id"] != first.json()["id"]


async def test_patch_replaces_members_and_raises_the_version(stand: Stand) -> None:
    made = await create(stand, description="Bring samples")
    answer = await stand.api.patch(
        made.headers["location"],
        json={"title": "Cake tasting", "location": {"name": "Bakery"}},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200
    event = answer.json()
    assert (event["title"], event["description"], event["version"]) == ("Cake tasting", "Bring samples", 2)
    assert event["location"] == {"name": "Bakery", "address": ""}
    assert answer.headers["etag"] == '"2"'


async def test_writes_need_the_current_version(stand: Stand) -> None:
    where = (await create(stand)).headers["location"]
    for method, body in (("PATCH", {"title": "x"}), ("DELETE", None)):
        refused(await stand.api.request(method, where, json=body), 428, "if_match_missing")
        for malformed in ("*", 'W/"1"', '"1', "one", ""):
            answer = await stand.api.request(method, where, json=body, headers={"If-Match": malformed})
            refused(answer, 400, "if_match_malformed")
        refused(await stand.api.request(method, where, json=body, headers={"If-Match": "2"}), 412, "version_mismatch")
    assert (await stand.api.get(where)).json()["version"] == 1


async def test_delete_leaves_nothing_to_read(stand: Stand) -> None:
    where = (await create(stand)).headers["location"]
    answer = await stand.api.delete(where, headers={"If-Match": "1"})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", '"2"')
    refused(await stand.api.get(where), 404, "event_not_found")
    refused(await stand.api.delete(where, headers={"If-Match": "2"}), 404, "event_not_found")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"type": "party"}, "/type"),
        ({"title": 7}, "/title"),
        ({"title": None}, "/title"),
        ({"start": "2026-06-20T14:00:00Z"}, "/start"),
        ({"start": "2026-06-20T14:00:00+01:00"}, "/start"),
        ({"start": "2026-06-20T14:00"}, "/start"),
        ({"start": "2026-02-30T14:00:00"}, "/start"),
        ({"end": "2026-06-20T15:00:00.000"}, "/end"),
        ({"end": "2026-06-20T13:59:59"}, ""),
        ({"timeZone": "GMT Standard Time"}, "/timeZone"),
        ({"timeZone": "europe/london"}, "/timeZone"),
        ({"timeZone": ""}, "/timeZone"),
        ({"allDay": "false"}, "/allDay"),
        ({"allDay": True}, ""),
        ({"allDay": True, "start": "2026-06-20T00:00:00", "end": "2026-06-20T00:00:00"}, ""),
        ({"location": {"name": "A", "city": "B"}}, "/location/city"),
        ({"location": None}, "/location"),
        ({"attendees": [{"name": "No address"}]}, "/attendees/0/email"),
        ({"attendees": [{"email": "not an address"}]}, "/attendees/0/email"),
        ({"travelMinutes": 1.5}, "/travelMinutes"),
        ({"travelMinutes": -1}, "/travelMinutes"),
        ({"private": 1}, "/private"),
        ({"url": "javascript:alert(1)"}, "/url"),
        ({"source": "google"}, "/source"),
        ({"externalId": ""}, "/externalId"),
        ({"colour": "red"}, "/colour"),
        ({"version": 3}, "/version"),
        ({"id": "mine"}, "/id"),
    ],
)
async def test_a_broken_rule_is_named_by_member(stand: Stand, changes: dict[str, Any], pointer: str) -> None:
    problem = refused(await create(stand, **changes), 422, "invalid_event")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (await stand.api.get(EVENTS)).json()["events"] == []


@pytest.mark.parametrize("member", ["id", "version", "updatedAt", "deleted", "source", "externalId", "colour"])
async def test_patch_refuses_what_it_may_not_change(stand: Stand, member: str) -> None:
    where = (await create(stand)).headers["location"]
    answer = await stand.api.patch(where, json={member: "x"}, headers={"If-Match": "1"})
    assert refused(answer, 422, "invalid_event")["errors"][0]["pointer"] == f"/{member}"


async def test_patch_checks_the_whole_event(stand: Stand) -> None:
    where = (await create(stand)).headers["location"]
    for body in ({"end": "2026-06-20T13:00:00"}, {"allDay": True}, {"timeZone": "Mars/Base"}, {}):
        refused(await stand.api.patch(where, json=body, headers={"If-Match": "1"}), 422, "invalid_event")
    assert (await stand.api.get(where)).json()["version"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b'{"title": "\xff"}', b'{"title": "\\ud800"}', b"{'title': 1}"])
async def test_malformed_json(stand: Stand, body: bytes) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    refused(await stand.api.post(EVENTS, content=body, headers=headers), 400, "malformed_json")


async def test_other_bodies(stand: Stand) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    refused(await stand.api.post(EVENTS, content=b"[]", headers=headers), 422, "invalid_event")
    long = b'{"title": "' + b"a" * 1024 * 1024 + b'"}'
    refused(await stand.api.post(EVENTS, content=long, headers=headers), 413, "body_too_large")
    headers["Content-Type"] = "text/plain"
    refused(await stand.api.post(EVENTS, content=b"{}", headers=headers), 415, "unsupported_media_type")


async def test_all_day_and_zero_length(stand: Stand) -> None:
    whole = {"allDay": True, "start": "2026-06-20T00:00:00", "end": "2026-06-22T00:00:00"}
    assert (await create(stand, "a", **whole)).status_code == 201
    assert (await create(stand, "b", end="2026-06-20T14:00:00")).status_code == 201
