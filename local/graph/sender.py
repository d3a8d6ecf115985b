"""Composes notifications: who is told of what, in which form, what is lost, doubled or held (S49, S51, S52, S54)."""

from datetime import datetime
from functools import partial
from typing import Any

import httpx

from local.graph import ids, richdata, views
from local.graph.delivery import PATIENCE, Delivery
from local.graph.knobs import Knobs
from local.graph.prefer import Prefer
from local.graph.projection import Projection
from local.graph.state import Calendar, Change
from local.graph.subscriptions import Subscription, Subscriptions
from local.simkit.control import Frame

_REORDER_SECONDS = 0.5


class Sender:
    """The notification service of the simulated Graph."""

    def __init__(self, frame: Frame, knobs: Knobs, client: httpx.AsyncClient, subscriptions: Subscriptions) -> None:
        self._frame = frame
        self._knobs = knobs
        self._subscriptions = subscriptions
        self.delivery = Delivery(frame.clock, knobs, client)

    def changed(self, change: Change) -> None:
        """Queue a notification for every living subscription that covers this change of an event."""
        kinds = [change.kind, *["updated"] * (self._knobs.notifyExtraUpdates if change.kind == "created" else 0)]
        for subscription in self._subscriptions.alive(self._frame.clock.now()):
            if subscription.calendar is not change.calendar:
                continue
            event_id = change.immutable_id if subscription.immutable else change.regular_id
            etag = ids.long_etag(change.item.change_key)
            for kind in kinds:
                if kind in subscription.kinds:
                    item = self._notification(subscription, kind, "Event", event_id, etag)
                    self._strike(subscription, item | self._rich(subscription, change))

    def calendar_changed(self, calendar: Calendar, kind: str) -> None:
        """Queue a notification for every living subscription to the mailbox's calendars themselves (S55)."""
        for subscription in self._subscriptions.alive(self._frame.clock.now()):
            if subscription.calendar is not None or subscription.mailbox is not calendar.mailbox:
                continue
            own = calendar.immutable_id if subscription.immutable else calendar.regular_id
            if kind in subscription.kinds:
                etag = ids.long_etag(calendar.change_key)
                self._strike(subscription, self._notification(subscription, kind, "Calendar", own, etag))

    def lifecycle(self, subscription: Subscription, event: str, *, variant: bool = False) -> bool:
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
        self.delivery.put(subscription.lifecycle_url, body)
        return True

    def resume(self, subscription: Subscription) -> None:
        """Deliver again, beginning with what was held for at most four hours; what is older is lost (S54)."""
        now, held = self._frame.clock.now(), subscription.held
        subscription.paused, subscription.held = False, []
        for at, item in held:
            if now - at > PATIENCE:
                self.delivery.lose(subscription.notification_url, [item], "paused")
            else:
                self.delivery.put(subscription.notification_url, item)

    async def stop(self) -> None:
        """End all sending."""
        await self.delivery.timetable.stop()

    def reset(self) -> None:
        """Forget what waits and what was sent."""
        self.delivery.clear()

    def _notification(self, subscription: Subscription, kind: str, noun: str, own_id: str, etag: str) -> dict[str, Any]:
        resource = f"Users/{subscription.mailbox.account.graph_id}/{noun}s/{own_id}"
        return {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": subscription.expires.isoformat(timespec="seconds"),
            "changeType": kind,
            "resource": resource,
            "resourceData": {
                "@odata.type": f"#Microsoft.Graph.{noun}",
                "@odata.id": resource,
                "@odata.etag": etag,
                "id": own_id,
            },
            "clientState": subscription.client_state,
            "tenantId": self._tenant(subscription),
        }

    def _rich(self, subscription: Subscription, change: Change) -> dict[str, Any]:
        """Return the selected members of the event, encrypted, if the subscription asks for them."""
        if subscription.certificate is None or change.item.gone:
            return {}
        shape = Projection(
            prefer=Prefer(immutable=subscription.immutable),
            knobs=self._knobs,
            base="https://graph.microsoft.com/v1.0",
            select=subscription.select,
        )
        read = shape.event(views.stored(change.item))
        sealed = richdata.encrypted(read, subscription.certificate, subscription.certificate_id or "")
        return {"encryptedContent": sealed}

    def _tenant(self, subscription: Subscription) -> str:
        account = subscription.mailbox.account
        return "" if account.personal and self._knobs.emptyTenantId else account.tid

    def _strike(self, subscription: Subscription, item: dict[str, Any]) -> None:
        """Let standing orders act on one notification, then offer what is left of it."""
        path, person = item["resource"], subscription.mailbox.account.upn
        struck = partial(self._frame.faults.strike, "POST", path, person=person)
        if struck("lose"):
            return
        times = 2 if struck("double") else 1
        late, swapped = struck("delay"), struck("reorder")
        pause = (late.seconds if late else 0.0) + ((swapped.seconds or _REORDER_SECONDS) if swapped else 0.0)
        for turn in range(times):
            # The second copy comes in a POST of its own, as a repeated delivery does.
            wait = pause + turn * 2 * self._knobs.notifyMilliseconds / 1000
            offer = partial(self._offer, subscription, item)
            if wait:
                self.delivery.later(wait, offer)
            else:
                offer()

    def _offer(self, subscription: Subscription, item: dict[str, Any]) -> None:
        """Send it, or hold it while the subscription is paused."""
        now = self._frame.clock.now()
        if self._knobs.pauseWhenTokenExpires and not subscription.paused and _expired(subscription, now):
            subscription.paused = True
            self.lifecycle(subscription, "reauthorizationRequired")
        if not subscription.paused:
            self.delivery.put(subscription.notification_url, item)
            return
        while subscription.held and now - subscription.held[0][0] > PATIENCE:
            self.delivery.lose(subscription.notification_url, [subscription.held.pop(0)[1]], "paused")
        subscription.held.append((now, item))


def _expired(subscription: Subscription, now: datetime) -> bool:
    return subscription.token_expires <= now.timestamp()
