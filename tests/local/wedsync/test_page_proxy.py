"""The sync service under WedSync's own origin, as scripts on its pages call it."""

import json
from typing import Any

import pytest

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.page_steps import sign_in

SYNC = "calendar/outlook/sync"


def last(stand: Stand, method: str, path: str) -> Any:
    return [call for call in stand.functions.calls if (call.method, call.path) == (method, path)][-1]


async def test_a_call_goes_on_with_the_planners_token_and_comes_back_as_it_is(stand: Stand) -> None:
    await sign_in(stand)
    stand.functions.answers["POST", SYNC] = (202, {"syncId": "run"})
    headers = {"Idempotency-Key": "once", "Authorization": "Bearer forged", "Cookie2": "x"}
    answer = await stand.browser.post(f"/api/{SYNC}?a=b", json={"syncType": "incremental"}, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"syncId": "run"})
    sent = last(stand, "POST", SYNC)
    assert (sent.query, json.loads(sent.body)) == ({"a": "b"}, {"syncType": "incremental"})
    assert sent.headers["idempotency-key"] == "once"
    assert sent.headers["authorization"].count(".") == 2
    assert "cookie" not in sent.headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_and_every_refusal_goes_through(stand: Stand, method: str) -> None:
    await sign_in(stand)
    answer = await stand.browser.request(method, "/api/calendar/outlook/events/a%2Fb")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_connected")


async def test_nobody_who_is_not_signed_in_gets_through(stand: Stand) -> None:
    answer = await stand.browser.get(f"/api/{SYNC}")
    assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")
    assert not [call for call in stand.functions.calls if call.path == SYNC]


async def test_pages_of_other_sites_cannot_change_anything(stand: Stand) -> None:
    await sign_in(stand)
    for origin in ("https://evil.example", "null"):
        answer = await stand.browser.delete("/api/calendar/outlook/integration", headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert not [call for call in stand.functions.calls if call.method == "DELETE"]
