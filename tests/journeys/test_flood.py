"""A thousand notifications for fifty mailboxes in one POST to the running host: taken, and each is looked into.

How soon it is answered is counted in requests to storage: tests/usecases/test_notification_flood.py.

Fifty connections stand in the tables, with a subscription each; the vault knows none of them. So every look ends with
``needs_reconnect``: what shows that it was made is the connection's own row.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stand import Stand
from shared.core.states import IntegrationState
from shared.store.integrations import TableIntegrations
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from shared.usecases.subscribe import client_state_hash
from tests.journeys.evidence import messages_of, queued
from tests.journeys.planner import Planner, eventually
from tests.support import values

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

MAILBOXES, EACH = 50, 20


def body() -> dict[str, Any]:
    return {
        "value": [
            {
                "subscriptionId": f"s{mailbox}",
                "clientState": f"secret {mailbox}",
                "changeType": "updated",
                "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
                "resource": f"Users/u{mailbox}/Events/e{mailbox}-{event}",
                "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": f"e{mailbox}-{event}"},
            }
            for event in range(EACH)
            for mailbox in range(MAILBOXES)
        ]
    }


async def test_a_post_for_fifty_mailboxes_reaches_each_of_them(stand: Stand, rose: Planner) -> None:
    tables = AzureTables(connection_string=stand.connection_string)
    integrations, rows = TableIntegrations(tables), TableSubscriptionRows(tables)
    for number in range(MAILBOXES):
        await integrations.insert(values.integration(integration_id=f"i{number}", user_id=f"u{number}"))
        await rows.put(
            values.subscription(
                subscription_id=f"s{number}",
                integration_id=f"i{number}",
                client_state_hash=client_state_hash(f"secret {number}"),
                expires_at=datetime.now(UTC) + timedelta(days=6),
            )
        )

    answer = await rose.http.post(f"{stand.urls.host}/api/calendar/outlook/webhook", json=body())
    assert (answer.status_code, answer.content) == (202, b"")

    async def all_looked_into() -> bool:
        found = [await integrations.get(f"i{number}") for number in range(MAILBOXES)]
        assert [each.value.state for each in found if each] == [IntegrationState.NEEDS_RECONNECT] * MAILBOXES
        return await queued(stand) == 0

    await eventually(all_looked_into, "each mailbox was looked into")
    poisoned = [name for name, texts in (await messages_of(stand)).items() if name.endswith("-poison") and texts]
    assert poisoned == []
    await tables.close()
