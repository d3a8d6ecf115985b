"""Limits of a mailbox: requests at once and in ten minutes, Retry-After, a mailbox that is not enabled (S56, S57, S61),
over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import MARCO, ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import APP_ID, WINDOW, Far, token
from tests.local.graph.holding import HELD, holding
from tests.local.graph.sources import KEEPER, issue
from tests.local.graph.subscribing import BOX, advance, lasting

THROTTLING = "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/blob/main/concepts/throttling.md"
LIMITS = "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/blob/main/includes/throttling-outlook.md"
CAL_DIY, TWENTY = issue(343, "calcom/cal.diy"), issue(11070, "twentyhq/twenty")


@behaviour("S56", Grade.DOCUMENTED, LIMITS, CAL_DIY, TWENTY)
async def test_s56_four_in_flight_per_app_and_mailbox(graph: Far, marco: Any) -> None:
    async with holding(graph, *(graph.call("GET", f"/me/events?{HELD}") for _ in range(4))) as held:
        answers = [await graph.call("GET", "/me/events") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [429] * 2
        await graph.call("GET", "/me/events", who=marco, status=200)
        await graph.call("GET", "/me/events", bearer=token(app_id="other"), status=200)
    assert [each.result().status_code for each in held] == [200] * 4
    await graph.call("GET", "/me/events", status=200)
    refused = answers[0]
    assert refused.json()["error"]["code"] == "ApplicationThrottled"
    assert refused.json()["error"]["message"] == "Application is over its MailboxConcurrency limit."
    assert refused.headers["Retry-After"] == "1"
    box = (await graph.control("GET", "/mailboxes"))["mailboxes"][0]
    assert box["mostConcurrent"] == 4


@behaviour("S56", Grade.REPORTED, KEEPER, knobs=("concurrencyStatus", "retryAfterSeconds"))
async def test_s56_503_as_a_knob(graph: Far) -> None:
    await graph.knobs(concurrentRequests=1, concurrencyStatus=503, retryAfterSeconds=7)
    async with holding(graph, graph.call("GET", f"/me/events?{HELD}")) as held:
        refused = await graph.call("GET", "/me/events", status=503)
        assert refused.headers["Retry-After"] == "7"
    assert held[0].result().status_code == 200


@behaviour("S56", Grade.DOCUMENTED, LIMITS)
async def test_s56_ten_thousand_requests_in_ten_minutes(graph: Far) -> None:
    """Per app and mailbox: neither the other mailbox nor the other app nor what is no mailbox's is refused."""
    bearer = lasting()
    await graph.control("POST", f"{BOX}/requests", {"appId": APP_ID, "count": 9_998})
    codes = [(await graph.call("GET", "/me/events", bearer=bearer)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    refused = (await graph.call("GET", f"/me/calendarView?{WINDOW}", bearer=bearer, status=429)).json()["error"]
    assert refused["code"] == "ApplicationThrottled"
    for other in (token(MARCO), token(app_id="other")):
        await graph.call("GET", "/me/events", bearer=other, status=200)
    for path in ("/me", "/subscriptions"):
        await graph.call("GET", path, bearer=bearer, status=200)
    await advance(graph, minutes=10, seconds=5)
    await graph.call("GET", "/me/events", bearer=bearer, status=200)


@behaviour("S57", Grade.DOCUMENTED, THROTTLING, knobs=("requestsPerTenMinutes", "countRefused"))
async def test_s57_who_waits_as_long_as_told_is_served(graph: Far) -> None:
    """Retry-After is in seconds, and with refused requests uncounted it runs down while one asks."""
    await graph.knobs(requestsPerTenMinutes=1, countRefused=False)
    bearer = lasting()
    await graph.call("GET", "/me/events", bearer=bearer, status=200)
    first = await graph.call("GET", "/me/events", bearer=bearer, status=429)
    assert 595 <= int(first.headers["Retry-After"]) <= 600
    await advance(graph, minutes=5)
    early = await graph.call("GET", "/me/events", bearer=bearer, status=429)
    assert 295 <= int(early.headers["Retry-After"]) <= 300
    await advance(graph, seconds=int(early.headers["Retry-After"]) + 1)
    await graph.call("GET", "/me/events", bearer=bearer, status=200)


@behaviour("S57", Grade.ASSUMED, THROTTLING, knobs=("requestsPerTenMinutes", "countRefused"))
async def test_s57_a_retry_that_comes_too_early_counts_as_well(graph: Far) -> None:
    await graph.knobs(requestsPerTenMinutes=1)
    bearer = lasting()
    await graph.call("GET", "/me/events", bearer=bearer, status=200)
    await advance(graph, minutes=5)
    early = await graph.call("GET", "/me/events", bearer=bearer, status=429)
    assert 595 <= int(early.headers["Retry-After"]) <= 600
    await advance(graph, minutes=5, seconds=5)
    await graph.call("GET", "/me/events", bearer=bearer, status=429)
    await advance(graph, minutes=10, seconds=5)
    await graph.call("GET", "/me/events", bearer=bearer, status=200)


@behaviour("S57", Grade.DOCUMENTED, THROTTLING, LIMITS)
async def test_s57_a_refusal_for_concurrency_says_how_long(graph: Far) -> None:
    await graph.knobs(concurrentRequests=1, retryAfterSeconds=12)
    async with holding(graph, graph.call("GET", f"/me/events?{HELD}")) as held:
        waits = [(await graph.call("GET", "/me/events", status=429)).headers["Retry-After"] for _ in range(2)]
        assert waits == ["12", "12"]
    assert held[0].result().status_code == 200


@behaviour("S57", Grade.ASSUMED, THROTTLING, knobs=("requestsPerTenMinutes", "countRefused"))
async def test_s57_refused_items_of_a_batch_count_as_well(graph: Far) -> None:
    await graph.knobs(concurrentRequests=0, requestsPerTenMinutes=3)
    parts = [{"id": str(number), "method": "GET", "url": "/me/events"} for number in range(4)]
    answers = (await graph.call("POST", "/$batch", {"requests": parts}, status=200)).json()["responses"]
    assert [answer["status"] for answer in answers] == [429] * 4
    messages = sorted(answer["body"]["error"]["message"] for answer in answers)
    assert messages == ["Application is over its MailboxConcurrency limit."] * 3 + [
        "Application is over its request limit."
    ]


@behaviour("S56", Grade.REPORTED, CAL_DIY, TWENTY)
async def test_s56_a_refusal_says_code_and_message_alone(graph: Far) -> None:
    await graph.knobs(concurrentRequests=0)
    refused = (await graph.call("GET", "/me/events", status=429)).json()
    message = "Application is over its MailboxConcurrency limit."
    assert refused == {"error": {"code": "ApplicationThrottled", "message": message}}


@behaviour("S61", Grade.REPORTED, issue(438, "O365/python-o365"), issue(405), knobs=("mailboxNotEnabled",))
@pytest.mark.parametrize("path", ["/me/calendars", "/me/events", f"/me/calendarView?{WINDOW}", "/me/mailboxSettings"])
async def test_s61_a_mailbox_that_is_not_enabled_for_rest(graph: Far, path: str) -> None:
    await graph.knobs(mailboxNotEnabled=ROSE.upn)
    for own in (path, path.replace("/me/", f"/users/{ROSE.graph_id}/")):
        error = (await graph.call("GET", own, status=404)).json()["error"]
        assert (error["code"], error["message"]) == (
            "MailboxNotEnabledForRESTAPI",
            "REST API is not yet supported for this mailbox.",
        )
    parts = {"requests": [{"id": "1", "method": "GET", "url": path}]}
    inside = (await graph.call("POST", "/$batch", parts, status=200)).json()["responses"][0]
    assert (inside["status"], inside["body"]["error"]["code"]) == (404, "MailboxNotEnabledForRESTAPI")
    await graph.call("GET", path, who=MARCO, status=200)
    assert (await graph.call("GET", "/me", status=200)).json()["id"] == ROSE.graph_id
    await graph.knobs(mailboxNotEnabled="")
    await graph.call("GET", path, status=200)


async def test_me_and_settings(graph: Far, rose: Any, marco: Any) -> None:
    assert (await graph.call("GET", "/me")).json()["id"] == rose.graph_id
    assert len((await graph.call("GET", "/me", who=marco)).json()["id"]) == 16
    settings = (await graph.call("GET", "/me/mailboxSettings")).json()
    assert settings["timeZone"] == rose.time_zone
    zone = (await graph.call("GET", "/me/mailboxSettings/timeZone")).json()
    assert zone["value"] == rose.time_zone
