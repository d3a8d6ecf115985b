"""Our record of Graph's subscriptions.

``s|{subscriptionId}`` is a partition with the subscription: a notification names nothing else. The partition
``i|{integrationId}`` lists the ids of an integration. It is written last and removed last: an id in it that leads
nowhere is what an interrupted removal left, and is removed where it is seen.
"""

from datetime import UTC, datetime

from shared.core.subscription import Subscription
from shared.ports import Stored
from shared.store.codec import SCHEMA, columns_of, key_text, value_of
from shared.store.mappings import delete_quietly
from shared.store.rows import Row, Span, Table, Tables, Upsert

_TABLE = Table.SUBSCRIPTIONS
_ROW = "subscription"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class TableSubscriptionRows:
    """``SubscriptionRows`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, subscription_id: str) -> Stored[Subscription] | None:
        """Return the subscription by Graph's id. One read."""
        row = await self._tables.get(_TABLE, _partition(subscription_id), _ROW)
        return Stored(value=value_of(Subscription, row), tag=row.tag) if row else None

    async def of_integration(self, integration_id: str) -> tuple[Stored[Subscription], ...]:
        """Return all subscriptions of the integration, the newest first."""
        found: list[Stored[Subscription]] = []
        async for page in self._tables.query(_TABLE, Span(partition=_list_partition(integration_id))):
            for row in page:
                stored = await self.get(str(row.columns["subscriptionId"]))
                if stored is None:
                    await delete_quietly(self._tables, _TABLE, row, row.tag)
                found += [stored] if stored else []
        return tuple(sorted(found, key=lambda stored: stored.value.created_at or _LONG_AGO, reverse=True))

    async def put(self, subscription: Subscription) -> Stored[Subscription]:
        """Insert or replace."""
        row = Row(partition=_partition(subscription.subscription_id), key=_ROW, columns=columns_of(subscription))
        tag = await self._tables.write(_TABLE, Upsert(row))
        await self._tables.write(_TABLE, Upsert(_listing(subscription)))
        return Stored(value=subscription, tag=tag)

    async def remove(self, subscription_id: str) -> None:
        """Remove; quiet when there is none."""
        stored = await self.get(subscription_id)
        if stored is None:
            return
        await delete_quietly(self._tables, _TABLE, Row(partition=_partition(subscription_id), key=_ROW))
        await delete_quietly(self._tables, _TABLE, _listing(stored.value))


def _listing(subscription: Subscription) -> Row:
    return Row(
        partition=_list_partition(subscription.integration_id),
        key=key_text(subscription.subscription_id),
        columns={"schema": SCHEMA, "subscriptionId": subscription.subscription_id},
    )


def _partition(subscription_id: str) -> str:
    return f"s|{key_text(subscription_id)}"


def _list_partition(integration_id: str) -> str:
    return f"i|{key_text(integration_id)}"
