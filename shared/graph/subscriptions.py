"""The Subscriptions port: where Graph sends its change notifications."""

from datetime import datetime

from shared.core.subscription import GraphSubscription
from shared.errors import EventGone
from shared.graph.client import GraphClient
from shared.graph.protocol import GraphRequest, Subject, instant, members, path_of, read, rows, segment, text, write
from shared.graph.wire import dumps
from shared.graph.wire_time import read_instant

_ONE = "/subscriptions/{id}"
_ALL = "/subscriptions"
_MOST_PAGES = 20


class GraphSubscriptions:
    """Implements ``ports.Subscriptions``. The two URLs are ours, https, and answer the handshake (fact C47).

    ``create`` raises ``StateConflict`` with the code ``subscription_exists`` where Graph answers 409: the caller lists
    and adopts or deletes (fact C52).
    """

    def __init__(self, client: GraphClient, *, notification_url: str, lifecycle_url: str) -> None:
        self._client = client
        self._notification_url = notification_url
        self._lifecycle_url = lifecycle_url

    @property
    def notification_url(self) -> str:
        """Return where Graph posts change notifications to."""
        return self._notification_url

    async def create(
        self, integration_id: str, *, calendar_id: str, client_state: str, expires_at: datetime
    ) -> GraphSubscription:
        """Subscribe; the lifecycle URL can be said only now, and so can the form of ids (facts C32, C51)."""
        wanted: dict[str, object] = {
            "changeType": "created,updated,deleted",
            "notificationUrl": self._notification_url,
            "lifecycleNotificationUrl": self._lifecycle_url,
            "resource": resource_of(calendar_id),
            "expirationDateTime": instant(expires_at),
            "clientState": client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        request = write("POST", _ALL, _ALL, Subject.SUBSCRIPTION, body=dumps(wanted))
        answer = await self._client.send(integration_id, request)
        return _read(members(answer.body))

    async def renew(self, integration_id: str, *, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        """Move the expiry, which reauthorizes as well (section 4.4)."""
        body = dumps({"expirationDateTime": instant(expires_at)})
        answer = await self._client.send(integration_id, _one("PATCH", subscription_id, body))
        return _read(members(answer.body))

    async def delete(self, integration_id: str, subscription_id: str) -> None:
        """Delete; quiet when it is gone already."""
        try:
            await self._client.send(integration_id, _one("DELETE", subscription_id))
        except EventGone:
            return

    async def list(self, integration_id: str) -> tuple[GraphSubscription, ...]:
        """Return this app's subscriptions of the user; the list may be stale (section 4.4)."""
        found: list[GraphSubscription] = []
        path = _ALL
        for _ in range(_MOST_PAGES):
            answer = await self._client.send(integration_id, read(path, _ALL, Subject.SUBSCRIPTION))
            found += [_read(item) for item in rows(answer.body)]
            link = text(members(answer.body).get("@odata.nextLink"))
            if not link:
                break
            path = path_of(link, self._client.base_url)
        return tuple(found)

    async def get(self, integration_id: str, subscription_id: str) -> GraphSubscription | None:
        """Return one, with the ``clientState`` that a list leaves out (docs issue 4807); None when there is none."""
        path = f"/subscriptions/{segment(subscription_id)}"
        try:
            answer = await self._client.send(integration_id, read(path, _ONE, Subject.SUBSCRIPTION))
        except EventGone:
            return None
        return _read(members(answer.body))


def resource_of(calendar_id: str) -> str:
    """Return the resource to subscribe to: a calendar's events, since /me/events leaves other calendars out (C55)."""
    return f"/me/calendars/{calendar_id}/events"


def _one(method: str, subscription_id: str, body: str | None = None) -> GraphRequest:
    return write(method, f"/subscriptions/{segment(subscription_id)}", _ONE, Subject.SUBSCRIPTION, body=body)


def _read(item: object) -> GraphSubscription:
    row = members(item)
    return GraphSubscription(
        subscription_id=text(row.get("id")),
        resource=text(row.get("resource")),
        expires_at=read_instant(row.get("expirationDateTime")),
        notification_url=text(row.get("notificationUrl")),
        client_state=text(row.get("clientState")),
    )
