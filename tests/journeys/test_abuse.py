"""What somebody can try who may call: too often, with words that are to forge the log, and the same word again."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from shared.triggers.rates import PREVIEWS
from tests.journeys.evidence import subscriptions_of
from tests.journeys.planner import Planner
from tests.journeys.routes import ENDPOINTS, Caller, of_caller
from tests.journeys.scene import Scene, open_scene, problem, unchanged
from tests.journeys.test_forged_notices import notice, notification, signed
from tests.test_log import INJECTIONS

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

PREVIEW = "calendar/outlook/sync/preview"
A_FEW = 5
"""Calls that may come back while a test is calling."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path_factory.mktemp("abuse")) as opened:
        yield opened


# --- Words that are to forge the log ----------------------------------------------------------------------------------

LINE = re.compile(r"\[[0-9T:.-]{23}Z\] [A-Z]+ ([\w.-]+): (.*)")
HEADERS = (
    *("traceparent", "tracestate", "client-request-id", "request-id", "x-request-id", "x-ms-client-request-id"),
    *("x-forwarded-for", "x-correlation-id", "idempotency-key", "user-agent", "origin", "referer", "cookie"),
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
)


async def spoken(scene: Scene, word: str) -> None:
    """Say the word wherever a caller can say something."""
    rose, there = scene.rose, quote(word.encode("utf-8", "replace"), safe="")
    # A header holds no line end, as clients see to; the word comes as it is and percent-encoded.
    for said in ("".join(each for each in word if each.isprintable()), there):
        answer = await scene.call("sync_status", headers={header: said.encode(errors="replace") for header in HEADERS})
        assert answer.status_code == 200
    for path in (
        *(f"calendar/outlook/sync/{there}", f"calendar/outlook/events/{there}/explain", f"{there}/{there}"),
        *(f"calendar/outlook/events?eventTypes={there}&start={there}", f"calendar/outlook/availability?date={there}"),
        *(f"integrations/outlook/auth?ticket={there}", f"integrations/outlook/callback?state={there}&error={there}"),
    ):
        answer = await rose.call("GET", path)
        assert answer.status_code < 500, path
    for name in of_caller(Caller.GRAPH):
        (real, *_) = await subscriptions_of(rose)
        for item in (
            notification({**real, "id": word}, word) | {"lifecycleEvent": word},
            notification({**real, "id": word, "clientState": word}, word),
            notification(real, word) | {"changeType": word, "tenantId": word},
            {**notification(real, word), "lifecycleEvent": word},
        ):
            answer = await scene.call(name, content=json.dumps({"value": [item]}))
            assert answer.status_code == 202, name
    for body in (notice(userId=word), notice(eventId=word), json.dumps({"type": word, "data": {}}).encode()):
        answer = await scene.call("wedsync_webhook", content=body, headers=signed(body))
        assert answer.status_code in (202, 400)
    token = await scene.token(userId=word) if word.isprintable() else await rose.token()
    for handed in ({"state": word, "code": word, "error": word}, {word: word}):
        answer = await scene.call("finish_connect", token=token, content=json.dumps(handed))
        assert answer.status_code == 400


async def test_whatever_is_sent_every_line_of_the_log_is_ours(scene: Scene) -> None:
    before = len(scene.stand.log().split("\n"))
    words = list(INJECTIONS.values())
    for first in range(0, len(words), 4):
        await asyncio.gather(*(spoken(scene, word) for word in words[first : first + 4]))
    await scene.rose.deliveries_done()
    raw = await asyncio.to_thread((scene.stand.work_folder / "logs" / "host.log").read_bytes)
    new = raw.decode().split("\n")[before:-1]
    ours = [found[2] for line in new if (found := LINE.fullmatch(line)) and found[1].endswith(".User")]
    assert [line for line in new if not LINE.fullmatch(line)] == []
    said = [json.loads(line) for line in ours if line.startswith("{")]
    actions = Counter(line["action"] for line in said)
    assert actions["notification_rejected"] >= len(words), "what was sent came as far as the log"
    assert actions["notification_accepted"] >= len(words)
    assert not actions.keys() & {"operator_fault", "unforeseen_fault", "job_poisoned"}
    assert not [line for line in said if line.get("fault_code") == "forged"]
    assert [line for line in new if not line.isprintable()] == []


# --- The same again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", of_caller(Caller.GRAPH))
async def test_a_replayed_notification_changes_nothing(scene: Scene, name: str) -> None:
    """Graph signs nothing and repeats: whoever has seen a POST can send it again, and it says no more than "look"."""
    (real, *_) = await subscriptions_of(scene.rose)
    honest = notification(real, (await scene.rose.outlook_items())[0]["id"])
    async with unchanged(scene, jobs=True):
        for item in (honest, {**honest, "changeType": "deleted"}):
            for _ in range(3):
                assert (await scene.call(name, json={"value": [item, item]})).status_code == 202


@pytest.mark.parametrize("name", of_caller(Caller.GRAPH))
async def test_a_word_as_long_as_a_body_costs_no_more_than_any(scene: Scene, name: str) -> None:
    limit = ENDPOINTS[name].limit - 2000
    (real, *_) = await subscriptions_of(scene.rose)
    async with unchanged(scene):
        for word in ("x" * limit, "a@" * (limit // 2), "https://" * (limit // 8)):
            item: dict[str, Any] = notification({**real, "id": word}, "y")
            assert (await scene.call(name, json={"value": [item]})).status_code == 202


# --- Too often --------------------------------------------------------------------------------------------------------
# These move the clock, at which timers fire: they come last.


async def preview(planner: Planner) -> httpx.Response:
    return await planner.call("POST", PREVIEW, json={}, headers={"Origin": planner.urls.wedsync})


async def test_who_calls_too_often_is_told_when_to_come_back_and_others_are_not_touched(scene: Scene) -> None:
    rose, marco = scene.rose, scene.marco
    async with unchanged(scene):
        went = 0
        while (answer := await preview(rose)).status_code == 200:
            went += 1
            assert went <= PREVIEWS.burst + A_FEW
        assert went >= PREVIEWS.burst
        problem(answer, 429, "too_many_requests")
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= PREVIEWS.every.total_seconds()
        assert answer.headers["access-control-expose-headers"] == "Retry-After", "a page can read it"

        assert (await preview(marco)).status_code == 200
        assert (await rose.call("GET", "calendar/outlook/sync")).status_code == 200
        assert (await rose.call("GET", "calendar/outlook/calendars")).status_code == 200, "another kind of call"

    scene.stand.clock.add(wait)
    assert (await preview(rose)).status_code == 200


async def test_a_flood_at_one_moment_gets_the_burst(scene: Scene) -> None:
    scene.stand.clock.add(PREVIEWS.burst * PREVIEWS.every.total_seconds())
    token = await scene.marco.token()
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{scene.marco.urls.host}/api/{PREVIEW}"
    answers = await asyncio.gather(
        *(scene.marco.http.post(url, json={}, headers=headers) for _ in range(3 * PREVIEWS.burst))
    )
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 429}
    assert PREVIEWS.burst <= statuses[200] <= PREVIEWS.burst + A_FEW
