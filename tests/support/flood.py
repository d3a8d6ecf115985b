"""A thousand notifications for fifty mailboxes, as Graph puts them into one POST, and the connections behind them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.jobs import EventJob, LooksJob, Message
from shared.core.states import IntegrationState
from shared.ports import Integrations, SubscriptionRows
from shared.usecases.subscribe import client_state_hash
from tests.support import values

MAILBOXES = 50
EACH = 20
TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
Looks = Counter[tuple[str, str]]
"""How often each event of each connection was taken up."""


def integration_id(mailbox: int) -> str:
    return f"i{mailbox}"


def subscription_id(mailbox: int) -> str:
    return str(UUID(int=mailbox, version=4))


def event_id(mailbox: int, event: int, wave: str = "") -> str:
    """An id as long as those of Exchange."""
    return f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{wave}{mailbox:03}{event:03}".ljust(151, "A") + "="


def body(expires: datetime, *, wave: str = "", mailboxes: int = MAILBOXES, each: int = EACH) -> dict[str, Any]:
    """As Graph mixes them: mailboxes take turns. Another ``wave`` is of other events."""
    return {
        "value": [
            notification(mailbox, event_id(mailbox, event, wave), expires)
            for event in range(each)
            for mailbox in range(mailboxes)
        ]
    }


def lifecycle_body(event: str, expires: datetime) -> dict[str, Any]:
    """One lifecycle event of all mailboxes at once."""
    return {
        "value": [
            {
                "subscriptionId": subscription_id(mailbox),
                "subscriptionExpirationDateTime": expires.isoformat(timespec="seconds"),
                "clientState": f"secret {mailbox}",
                "lifecycleEvent": event,
                "tenantId": TENANT,
            }
            for mailbox in range(MAILBOXES)
        ]
    }


def all_events(wave: str = "") -> set[tuple[str, str]]:
    return {
        (integration_id(mailbox), event_id(mailbox, event, wave))
        for mailbox in range(MAILBOXES)
        for event in range(EACH)
    }


def looks(jobs: Iterable[Message]) -> Looks:
    """Count what jobs say is to be looked at, whether by itself or with others; what is no look is passed over."""
    return Counter(
        (look.integration_id, glance.event_id)
        for job in jobs
        for look in (job.jobs if isinstance(job, LooksJob) else (job,) if isinstance(job, EventJob) else ())
        for glance in look.events
    )


async def connect_all(integrations: Integrations, rows: SubscriptionRows, now: datetime) -> None:
    """Enter fifty connections, with a subscription each."""
    for mailbox in range(MAILBOXES):
        await integrations.insert(
            values.integration(integration_id=integration_id(mailbox), user_id=f"u{mailbox}", tenant_id=TENANT)
        )
        await rows.put(
            values.subscription(
                subscription_id=subscription_id(mailbox),
                integration_id=integration_id(mailbox),
                client_state_hash=client_state_hash(f"secret {mailbox}"),
                expires_at=now + timedelta(days=6),
            )
        )


async def all_found_closed(integrations: Integrations) -> bool:
    """Whether each connection's grant was found missing: what a look ends with where the vault holds no token."""
    found = [await integrations.get(integration_id(mailbox)) for mailbox in range(MAILBOXES)]
    return all(each is not None and each.value.state is IntegrationState.NEEDS_RECONNECT for each in found)


def notification(mailbox: int, event: str, expires: datetime) -> dict[str, Any]:
    """One item, as long as those of Graph are."""
    resource = f"Users/{UUID(int=1000 + mailbox, version=4)}/Events/{event}"
    return {
        "subscriptionId": subscription_id(mailbox),
        "subscriptionExpirationDateTime": expires.isoformat(timespec="seconds"),
        "changeType": "updated",
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": resource,
            "@odata.etag": 'W/"DwAAABYAAAB3cGZ2YWdvZg=="',
            "id": event,
        },
        "clientState": f"secret {mailbox}",
        "tenantId": TENANT,
    }
