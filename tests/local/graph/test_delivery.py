"""Delivery: acknowledgement, retries, slow and drop states, pauses (S50, S54), over HTTPS on a moved clock."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from local.simkit.people import MARCO
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Endpoint, Far, token
from tests.local.graph.sources import CLOSEIO, concept
from tests.local.graph.subscribing import PLAIN, advance, in_minutes, lasting, notices, subscribe

WEBHOOKS, LIFECYCLE = (
    concept("change-notifications-delivery-webhooks"),
    concept("change-notifications-lifecycle-events"),
)
EDITION_2026 = "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/pull/9863"
EDITION_2023 = "https://github.com/microsoftgraph/microsoft-graph-docs/pull/20342"
LONG = 60.0
PATIENT = {"acknowledgeSeconds": 20.0, "retryAllowanceSeconds": 30.0}
SLOW = ("acknowledgeSeconds", "retryAllowanceSeconds", "endpointSample")


async def write(graph: Far, bearer: str, count: int = 1) -> None:
    for _ in range(count):
        await graph.call("POST", "/me/events", PLAIN, bearer=bearer, status=201)


def attempts(shown: dict[str, Any]) -> list[tuple[int, int]]:
    return [(post["attempt"], post["status"]) for post in shown["sent"]]


@behaviour("S50", Grade.DOCUMENTED, WEBHOOKS)
async def test_s50_the_first_try_waits_three_seconds_and_the_next_ten(graph: Far, endpoint: Endpoint) -> None:
    """The endpoint takes 3.4 seconds: too long at first, quick enough for a retry."""
    await subscribe(graph, endpoint)
    endpoint.seconds = 3.4
    await graph.create()
    assert attempts(await notices(graph, sent=2)) == [(1, 0), (2, 202)]
    defaults = await graph.control("GET", "/knobs")
    assert (defaults["acknowledgeSeconds"], defaults["retryAllowanceSeconds"]) == (3, 10)


@behaviour("S50", Grade.DOCUMENTED, WEBHOOKS, knobs=("retryBaseSeconds",))
async def test_s50_what_is_not_2xx_is_tried_again_after_growing_pauses(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(retryBaseSeconds=60)
    await subscribe(graph, endpoint)
    endpoint.failures = 3
    bearer = lasting()
    await write(graph, bearer)
    await notices(graph, sent=1)
    for count, minutes in ((2, 1), (3, 2), (4, 4)):
        await advance(graph, minutes=minutes, seconds=-20)
        shown = await notices(graph, sent=count - 1)
        assert (len(shown["sent"]), shown["pending"]) == (count - 1, 1)
        await advance(graph, seconds=25)
        await notices(graph, sent=count)
    shown = await notices(graph, sent=4)
    assert attempts(shown) == [(1, 503), (2, 503), (3, 503), (4, 202)]
    assert (len(endpoint.posts), shown["lost"]) == (1, [])


@behaviour("S50", Grade.DOCUMENTED, WEBHOOKS)
async def test_s50_what_is_given_by_hand_goes_out_in_one_post_and_again_if_it_is_refused(
    graph: Far, endpoint: Endpoint
) -> None:
    """For floods: the mailboxes of a thousand notifications have not all to be kept by the simulator."""
    await subscribe(graph, endpoint)
    await graph.create()
    real = (await notices(graph, sent=1))["sent"][0]["value"][0]
    endpoint.failures = 1
    value = [real | {"subscriptionId": str(UUID(int=number % 50, version=4))} for number in range(1000)]
    given = {"url": f"{endpoint.url}/notify", "value": value}
    assert await graph.control("POST", "/notifications", given) == {"taken": 1000}
    shown = await notices(graph, sent=3)
    assert attempts(shown) == [(1, 202), (1, 503), (2, 202)]
    assert ([post["value"] for post in endpoint.posts], shown["lost"], shown["pending"]) == ([[real], value], [], 0)


@behaviour("S50", Grade.DOCUMENTED, WEBHOOKS, knobs=("retryBaseSeconds",))
async def test_s50_after_four_hours_it_is_given_up(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(retryBaseSeconds=10_000)
    await subscribe(graph, endpoint)
    endpoint.failures = 1000
    bearer = lasting()
    await write(graph, bearer)
    await notices(graph, sent=1)
    await advance(graph, hours=3, minutes=59)
    assert attempts(await notices(graph, sent=2)) == [(1, 503), (2, 503)]
    await advance(graph, minutes=2)
    shown = await notices(graph, lost=1)
    assert (shown["lost"][0]["reason"], len(shown["sent"]), shown["pending"]) == ("four hours", 2, 0)
    endpoint.failures = 0
    await write(graph, bearer)
    assert len(await endpoint.until(1)) == 1


async def judged(graph: Far, endpoint: Endpoint, bearer: str, **knobs: Any) -> None:
    """Let ten notifications be answered well, each in a POST of its own; ten answers are enough for a judgement."""
    await graph.knobs(endpointSample=10, notifyMilliseconds=0, **{**PATIENT, **knobs})
    await subscribe(graph, endpoint, bearer=bearer)
    for number in range(10):
        await write(graph, bearer)
        await notices(graph, sent=number + 1)


async def late(graph: Far, endpoint: Endpoint, bearer: str) -> None:
    """Have one notification answered late at first, and at once when it comes again.

    The allowance is short for the late one alone: on a busy machine others take their time as well.
    """
    before = len((await notices(graph))["sent"])
    endpoint.seconds = LONG
    await graph.knobs(acknowledgeSeconds=0.3)
    await write(graph, bearer)
    await notices(graph, sent=before + 1)
    await graph.knobs(**PATIENT)
    endpoint.seconds = 0
    await notices(graph, sent=before + 2)


@behaviour("S50", Grade.DOCUMENTED, EDITION_2026, EDITION_2023, knobs=SLOW)
async def test_s50_more_than_a_tenth_over_three_seconds_makes_an_endpoint_slow(graph: Far, endpoint: Endpoint) -> None:
    """One of twelve is under a tenth, two of thirteen are over it; what is new then comes ten minutes later."""
    bearer = lasting()
    await judged(graph, endpoint, bearer)
    host = endpoint.url.removeprefix("https://")
    await late(graph, endpoint, bearer)
    assert (await notices(graph))["endpoints"] == {host: "good"}
    await late(graph, endpoint, bearer)
    assert (await notices(graph))["endpoints"] == {host: "slow"}
    count = len(endpoint.items)
    await write(graph, bearer)
    await advance(graph, minutes=9, seconds=50)
    await asyncio.sleep(0.6)
    shown = await notices(graph)
    assert (len(endpoint.items), shown["pending"], shown["lost"]) == (count, 1, [])
    await advance(graph, seconds=15)
    await endpoint.until(count + 1)
    assert (await notices(graph, sent=len(shown["sent"]) + 1))["endpoints"] == {host: "good"}
    await write(graph, bearer)
    await endpoint.until(count + 2)


@behaviour("S50", Grade.DOCUMENTED, EDITION_2026, knobs=SLOW)
async def test_s50_an_endpoint_stays_slow_while_it_is_slow(graph: Far, endpoint: Endpoint) -> None:
    bearer = lasting()
    await judged(graph, endpoint, bearer)
    for _ in range(2):
        await late(graph, endpoint, bearer)
    await write(graph, bearer)
    endpoint.seconds = LONG
    await graph.knobs(acknowledgeSeconds=0.3)
    before = len((await notices(graph))["sent"])
    await advance(graph, minutes=10, seconds=1)
    shown = await notices(graph, sent=before + 1)
    assert list(shown["endpoints"].values()) == ["slow"]


@behaviour("S50", Grade.DOCUMENTED, EDITION_2026, knobs=SLOW)
async def test_s50_more_than_15_percent_over_ten_seconds_are_dropped(graph: Far, endpoint: Endpoint) -> None:
    """Retries may take 0.5 s here. Nothing that comes within ten minutes is ever delivered; then it is tried again."""
    bearer = lasting()
    await judged(graph, endpoint, bearer, retryBaseSeconds=0.01)
    endpoint.seconds = LONG
    await graph.knobs(acknowledgeSeconds=0.3, retryAllowanceSeconds=0.5)
    await write(graph, bearer)
    shown = await notices(graph, lost=1)
    assert list(shown["endpoints"].values()) == ["drop"]
    assert (shown["lost"][0]["reason"], attempts(shown)[10:]) == ("drop", [(1, 0), (2, 0), (3, 0)])
    await graph.knobs(**PATIENT)
    endpoint.seconds, count = 0, len(endpoint.items)
    await write(graph, bearer, 2)
    assert len((await notices(graph, lost=3))["lost"]) == 3
    await advance(graph, minutes=10, seconds=1)
    await write(graph, bearer)
    await endpoint.until(count + 1)
    shown = await notices(graph, sent=len(shown["sent"]) + 1)
    assert (list(shown["endpoints"].values()), len(endpoint.items)) == (["good"], count + 1)


@behaviour("S50", Grade.REPORTED, EDITION_2023, knobs=("endpointSample",))
async def test_s50_few_late_answers_are_no_reason(graph: Far, endpoint: Endpoint) -> None:
    assert (await graph.control("GET", "/knobs"))["endpointSample"] == 100
    await graph.knobs(notifyMilliseconds=0, **PATIENT)
    await subscribe(graph, endpoint)
    for _ in range(3):
        await late(graph, endpoint, lasting())
    assert list((await notices(graph))["endpoints"].values()) == ["good"]


@behaviour("S54", Grade.DOCUMENTED, WEBHOOKS, LIFECYCLE)
@pytest.mark.parametrize("renewal", ["reauthorize", "PATCH"])
async def test_s54_reauthorized_within_four_hours_the_backlog_comes(
    graph: Far, endpoint: Endpoint, renewal: str
) -> None:
    bearer = lasting()
    made = await subscribe(graph, endpoint, bearer=bearer)
    await graph.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True})
    assert (await endpoint.until(1))[0]["lifecycleEvent"] == "reauthorizationRequired"
    await write(graph, bearer, 2)
    await advance(graph, hours=3, minutes=59)
    assert (await notices(graph, held=2))["pending"] == 0
    path = f"/subscriptions/{made['id']}"
    if renewal == "PATCH":
        await graph.call("PATCH", path, {"expirationDateTime": in_minutes(600)}, bearer=bearer, status=200)
    else:
        await graph.call("POST", f"{path}/reauthorize", bearer=bearer, status=204)
        kept = (await graph.call("GET", path, bearer=bearer)).json()
        assert kept["expirationDateTime"] == made["expirationDateTime"]
    items = await endpoint.until(3)
    assert [item["changeType"] for item in items[1:]] == ["created", "created"]
    await write(graph, bearer)
    await endpoint.until(4)


@behaviour("S54", Grade.DOCUMENTED, WEBHOOKS)
async def test_s54_what_is_older_than_four_hours_is_lost(graph: Far, endpoint: Endpoint) -> None:
    bearer = lasting()
    made = await subscribe(graph, endpoint, bearer=bearer)
    await graph.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True})
    await write(graph, bearer)
    await advance(graph, hours=2)
    await graph.call("POST", "/me/events", {**PLAIN, "subject": "young"}, bearer=bearer, status=201)
    await advance(graph, hours=2, minutes=1)
    await graph.call("POST", f"/subscriptions/{made['id']}/reauthorize", bearer=bearer, status=204)
    await endpoint.until(2)
    shown = await notices(graph, lost=1, sent=2)
    assert [(lost["reason"], len(lost["value"])) for lost in shown["lost"]] == [("paused", 1)]
    assert (shown["held"], len(endpoint.items)) == (0, 2)


@behaviour("S54", Grade.DOCUMENTED, WEBHOOKS, knobs=("pauseWhenTokenExpires",))
async def test_s54_an_expired_access_token_pauses_by_knob(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(pauseWhenTokenExpires=True)
    made = await subscribe(graph, endpoint, bearer=token())
    await advance(graph, minutes=61)
    bearer = lasting()
    await write(graph, bearer)
    assert (await endpoint.until(1))[0]["lifecycleEvent"] == "reauthorizationRequired"
    assert (await notices(graph, held=1, sent=1))["pending"] == 0
    await graph.call("POST", f"/subscriptions/{made['id']}/reauthorize", bearer=bearer, status=204)
    assert (await endpoint.until(2))[1]["changeType"] == "created"


@behaviour("S54", Grade.ASSUMED, WEBHOOKS, CLOSEIO, knobs=("pauseWhenTokenExpires",))
async def test_s54_by_default_an_expired_access_token_pauses_nothing(graph: Far, endpoint: Endpoint) -> None:
    """The documentation says that it does; integrators renew by the subscription's expiry and hear all the same."""
    await subscribe(graph, endpoint, bearer=token())
    await advance(graph, minutes=61)
    await write(graph, lasting())
    assert (await endpoint.until(1))[0]["changeType"] == "created"


@behaviour("S54", Grade.DOCUMENTED, LIFECYCLE)
async def test_s54_only_the_paused_subscription_is_held(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    await subscribe(graph, endpoint, who=MARCO)
    await graph.control(
        "POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True, "subscriptionId": made["id"]}
    )
    await endpoint.until(1)
    await graph.create()
    await graph.call("POST", "/me/events", PLAIN, who=MARCO, status=201)
    assert (await endpoint.until(2))[1]["tenantId"] == MARCO.tid
    assert (await notices(graph))["held"] == 1
