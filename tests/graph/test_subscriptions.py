"""``GraphSubscriptions`` against the simulated Graph."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared.core.subscription import GraphSubscription
from shared.errors import CalendarGone, EventGone, StateConflict, Unavailable
from shared.graph.client import GraphClient
from shared.graph.subscriptions import GraphSubscriptions, resource_of
from tests.graph.conftest import BASE, INTEGRATION, IssuedTokens, Mailbox, Pauses
from tests.support.values import new_id

NOTIFY = "https://functions.test/api/calendar/outlook/webhook"
LIFECYCLE = "https://functions.test/api/calendar/outlook/lifecycle"


def in_days(days: float) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


@pytest.fixture
def subscriptions(client: GraphClient) -> GraphSubscriptions:
    return GraphSubscriptions(client, notification_url=NOTIFY, lifecycle_url=LIFECYCLE)


@pytest.fixture
async def made(subscriptions: GraphSubscriptions, calendar_id: str) -> GraphSubscription:
    return await subscriptions.create(
        INTEGRATION, calendar_id=calendar_id, client_state="secret", expires_at=in_days(3)
    )


async def test_a_subscription_is_for_one_calendar_and_has_a_lifecycle_url(
    made: GraphSubscription, mailbox: Mailbox, calendar_id: str
) -> None:
    assert made.resource == resource_of(calendar_id)
    assert made.notification_url == NOTIFY
    assert abs(made.expires_at - in_days(3)) < timedelta(minutes=1)
    (kept,) = (await mailbox.control("GET", "/subscriptions"))["subscriptions"]
    assert kept["lifecycleNotificationUrl"] == LIFECYCLE
    assert kept["clientState"] == "secret"
    assert set(kept["changeType"].split(",")) == {"created", "updated", "deleted"}


async def test_a_second_one_to_the_same_calendar_is_a_conflict(
    subscriptions: GraphSubscriptions, made: GraphSubscription, calendar_id: str
) -> None:
    with pytest.raises(StateConflict) as caught:
        await subscriptions.create(INTEGRATION, calendar_id=calendar_id, client_state="x", expires_at=in_days(1))
    assert caught.value.code == "subscription_exists"
    assert await subscriptions.list(INTEGRATION) == (replace(made, client_state=""),)


async def test_the_client_state_is_told_to_who_reads_one(
    subscriptions: GraphSubscriptions, made: GraphSubscription
) -> None:
    assert made.client_state == "secret"
    assert "secret" not in repr(made)
    assert await subscriptions.get(INTEGRATION, made.subscription_id) == made
    assert await subscriptions.get(INTEGRATION, new_id()) is None


async def test_renewing_moves_the_expiry(subscriptions: GraphSubscriptions, made: GraphSubscription) -> None:
    renewed = await subscriptions.renew(INTEGRATION, subscription_id=made.subscription_id, expires_at=in_days(6))
    assert renewed.subscription_id == made.subscription_id
    assert renewed.expires_at > made.expires_at


async def test_a_deleted_one_is_gone(subscriptions: GraphSubscriptions, made: GraphSubscription) -> None:
    await subscriptions.delete(INTEGRATION, made.subscription_id)
    await subscriptions.delete(INTEGRATION, made.subscription_id)
    assert await subscriptions.list(INTEGRATION) == ()
    with pytest.raises(EventGone):
        await subscriptions.renew(INTEGRATION, subscription_id=made.subscription_id, expires_at=in_days(1))


async def test_an_endpoint_that_fails_the_handshake_is_tried_again_later(client: GraphClient, calendar_id: str) -> None:
    plain = GraphSubscriptions(client, notification_url="http://functions.test/x", lifecycle_url=LIFECYCLE)
    with pytest.raises(Unavailable):
        await plain.create(INTEGRATION, calendar_id=calendar_id, client_state="x", expires_at=in_days(1))


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, "ExtensionError", CalendarGone),
        (400, "ValidationError", Unavailable),
        (504, "", Unavailable),
    ],
)
async def test_refusals_of_a_create(status: int, code: str, fault: type[Exception], pauses: Pauses) -> None:
    def refusing(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"error": {"code": code, "message": "… 'Resource' …"}})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(refusing)
    )
    subscriptions = GraphSubscriptions(client, notification_url=NOTIFY, lifecycle_url=LIFECYCLE)
    with pytest.raises(fault):
        await subscriptions.create(INTEGRATION, calendar_id="c", client_state="x", expires_at=in_days(1))


async def test_a_list_is_read_page_by_page(pauses: Pauses) -> None:
    def paged(request: httpx.Request) -> httpx.Response:
        second = "skip" in request.url.query.decode()
        item = {"id": "b" if second else "a", "resource": "r", "expirationDateTime": "2026-12-01T00:00:00Z"}
        more = {} if second else {"@odata.nextLink": f"{BASE}/subscriptions?$skiptoken=skip"}
        return httpx.Response(200, json={"value": [item]} | more)

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(paged)
    )
    subscriptions = GraphSubscriptions(client, notification_url=NOTIFY, lifecycle_url=LIFECYCLE)
    assert [each.subscription_id for each in await subscriptions.list(INTEGRATION)] == ["a", "b"]
