"""Sends notifications: gathers them per URL, retries with back-off, loses or doubles them on order (S49-S51)."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from local.graph import ids
from local.graph.knobs import Knobs
from local.graph.state import Change
from local.graph.subscriptions import Subscription, Subscriptions
from local.simkit.control import Frame

_FIRST_TIMEOUT, _RETRY_TIMEOUT = 3.0, 10.0
_GIVE_UP = timedelta(hours=4)
_LONGEST_PAUSE = 300.0
_REORDER_SECONDS = 0.5
_REMEMBERED = 5000


@dataclass(kw_only=True, slots=True)
class Parcel:
    """Notifications on their way to one URL in one POST."""

    url: str
    items: list[dict[str, Any]]
    first_tried: datetime
    attempts: int = 0


@dataclass(kw_only=True, slots=True)
class Sent:
    """A POST that was made, for the control API; ``status`` 0 means that no answer came."""

    at: str
    url: str
    status: int
    attempt: int
    value: list[dict[str, Any]] = field(default_factory=list)


class Sender:
    """The notification service of the simulated Graph."""

    def __init__(self, frame: Frame, knobs: Knobs, client: httpx.AsyncClient, subscriptions: Subscriptions) -> None:
        self._frame = frame
        self._knobs = knobs
        self._client = client
        self._subscriptions = subscriptions
        self._gathering: dict[str, list[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0
        self.sent: list[Sent] = []

    def changed(self, change: Change) -> None:
        """Queue a notification for every living subscription that covers this change."""
        now = self._frame.clock.now()
        for subscription in self._subscriptions.alive(now):
            if subscription.calendar is not change.calendar or subscription.paused:
                continue
            kinds = [change.kind, *["updated"] * (self._knobs.notifyExtraUpdates if change.kind == "created" else 0)]
            for kind in kinds:
                if kind in subscription.kinds:
                    self._strike(subscription, self._notification(subscription, change, kind))

    def lifecycle(self, subscription: Subscription, event: str, *, variant: bool) -> bool:
        """Queue a lifecycle notification in the documented or the 2026 form; False where there is nobody to tell."""
        if subscription.lifecycle_url is None:
            return False
        if subscription.mailbox.account.personal and not self._knobs.lifecycleForPersonal:
            return False
        body: dict[str, Any] = {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": subscription.expires.isoformat(timespec="seconds"),
            "clientState": subscription.client_state,
            "lifecycleEvent": event,
        }
        if variant:
            body |= {
                "organizationId": self._tenant(subscription),
                "resource": f"Subscriptions/{subscription.id}",
                "resourceData": {"@odata.type": "#Microsoft.Graph.Subscription", "id": subscription.id},
                "encryptedContent": None,
            }
        else:
            body["tenantId"] = self._tenant(subscription)
        self._gather(subscription.lifecycle_url, body)
        return True

    async def stop(self) -> None:
        """End all sending."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def reset(self) -> None:
        """Forget what waits and what was sent."""
        for task in list(self._tasks):
            task.cancel()
        self._gathering.clear()
        self.sent.clear()
        self.waiting = 0

    def _notification(self, subscription: Subscription, change: Change, kind: str) -> dict[str, Any]:
        account = subscription.mailbox.account
        event_id = change.immutable_id if subscription.immutable else change.regular_id
        resource = f"Users/{account.graph_id}/Events/{event_id}"
        return {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": subscription.expires.isoformat(timespec="seconds"),
            "changeType": kind,
            "resource": resource,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event",
                "@odata.id": resource,
                "@odata.etag": ids.long_etag(change.item.change_key),
                "id": event_id,
            },
            "clientState": subscription.client_state,
            "tenantId": self._tenant(subscription),
        }

    def _tenant(self, subscription: Subscription) -> str:
        account = subscription.mailbox.account
        return "" if account.personal and self._knobs.emptyTenantId else account.tid

    def _strike(self, subscription: Subscription, item: dict[str, Any]) -> None:
        """Let standing orders act on one notification, then queue what is left of it."""
        faults, path = self._frame.faults, item["resource"]
        if faults.strike("POST", path, "lose"):
            return
        times = 2 if faults.strike("POST", path, "double") else 1
        late = faults.strike("POST", path, "delay")
        swapped = faults.strike("POST", path, "reorder")
        pause = (late.seconds if late else 0.0) + ((swapped.seconds or _REORDER_SECONDS) if swapped else 0.0)
        for turn in range(times):
            # The second copy comes in a POST of its own, as a repeated delivery does.
            wait = pause + turn * 2 * self._knobs.notifyMilliseconds / 1000
            if wait:
                self._spawn(self._later(wait, subscription.notification_url, item))
            else:
                self._gather(subscription.notification_url, item)

    async def _later(self, seconds: float, url: str, item: dict[str, Any]) -> None:
        self.waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self.waiting -= 1
        self._gather(url, item)

    def _gather(self, url: str, item: dict[str, Any]) -> None:
        """Put it to the others for the same URL; the first one starts the timer of the POST."""
        waiting = self._gathering.setdefault(url, [])
        waiting.append(item)
        if len(waiting) == 1:
            self._spawn(self._post_soon(url))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post_soon(self, url: str) -> None:
        self.waiting += 1
        try:
            await asyncio.sleep(self._knobs.notifyMilliseconds / 1000)
            items = self._gathering.pop(url, [])
            if items:
                await self._deliver(Parcel(url=url, items=items, first_tried=self._frame.clock.now()))
        finally:
            self.waiting = max(0, self.waiting - 1)

    async def _deliver(self, parcel: Parcel) -> None:
        """Try until a 2xx comes or four hours have passed."""
        while True:
            parcel.attempts += 1
            status = await self._post(parcel)
            self._remember(parcel, status)
            if 200 <= status < 300 or self._frame.clock.now() - parcel.first_tried > _GIVE_UP:
                return
            await asyncio.sleep(min(self._knobs.retryBaseSeconds * 2 ** (parcel.attempts - 1), _LONGEST_PAUSE))

    async def _post(self, parcel: Parcel) -> int:
        timeout = _FIRST_TIMEOUT if parcel.attempts == 1 else _RETRY_TIMEOUT
        try:
            answer = await self._client.post(parcel.url, json={"value": parcel.items}, timeout=timeout)
        except httpx.HTTPError:
            return 0
        return answer.status_code

    def _remember(self, parcel: Parcel, status: int) -> None:
        self.sent.append(
            Sent(
                at=self._frame.clock.now().isoformat(),
                url=parcel.url,
                status=status,
                attempt=parcel.attempts,
                value=parcel.items,
            )
        )
        del self.sent[:-_REMEMBERED]
