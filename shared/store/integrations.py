"""The connections. One row per user in the user's partition, which makes it unique; a pointer by the integration's id.

Pointers are written first and never change: one without its row leads nowhere and harms nothing, and where each leads
may be remembered in the process.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace

from shared.core.integration import Account, Integration
from shared.errors import RowExists
from shared.ports import Stored
from shared.store.codec import SCHEMA, columns_of, key_text, value_of
from shared.store.mappings import delete_quietly
from shared.store.rows import Insert, Replace, Row, Span, Table, Tables, after

_TABLE = Table.INTEGRATIONS
_USERS = "u|"
_ROW = "integration"
_POINTER = "pointer"
# Cursors are long and opaque; ``reason`` may quote a far end.
_BODY = ("delta_link", "wedsync_cursor", "reason", "preferences")
_REMEMBERED = 10_000


def _quiet(_: Integration) -> None:
    pass


class TableIntegrations:
    """``Integrations`` on tables."""

    def __init__(self, tables: Tables, *, on_read: Callable[[Integration], None] = _quiet) -> None:
        """``on_read`` is told every connection that is read by its user or its id."""
        self._tables = tables
        self._on_read = on_read
        self._users: dict[str, str] = {}

    async def of_user(self, user_id: str) -> Stored[Integration] | None:
        """Return the user's connection, whatever its state. One read."""
        row = await self._tables.get(_TABLE, _user_partition(user_id), _ROW)
        if row is None:
            return None
        found = _stored(row)
        self._on_read(found.value)
        return found

    async def get(self, integration_id: str) -> Stored[Integration] | None:
        """Return the connection. Two reads the first time, then one."""
        user_id = self._users.get(integration_id)
        if user_id is None:
            pointer = await self._tables.get(_TABLE, _own_partition(integration_id), _POINTER)
            if pointer is None:
                return None
            user_id = str(pointer.columns["userId"])
        found = await self.of_user(user_id)
        if found is None or found.value.integration_id != integration_id:
            return None
        self._remember(integration_id, user_id)
        return found

    async def insert(self, integration: Integration) -> Stored[Integration]:
        """Insert a user's first connection; ``RowExists`` if the user has one."""
        pointer = Row(
            partition=_own_partition(integration.integration_id),
            key=_POINTER,
            columns={"schema": SCHEMA, "userId": integration.user_id},
        )
        with suppress(RowExists):  # of an attempt that broke off: an integration's id names one user for ever
            await self._tables.write(_TABLE, Insert(pointer))
        tag = await self._tables.write(_TABLE, Insert(_row(integration)))
        return Stored(value=integration, tag=tag)

    async def save(self, stored: Stored[Integration]) -> Stored[Integration]:
        """Replace; ``RowChanged`` if it is not the one read."""
        tag = await self._tables.write(_TABLE, Replace(_row(stored.value), stored.tag))
        return replace(stored, tag=tag)

    async def take_account(self, account: Account, integration_id: str) -> str:
        """Take the Microsoft account for this connection; return the id of the connection that has it (maybe ours)."""
        row = replace(_account_key(account), columns={"schema": SCHEMA, "integrationId": integration_id})
        while True:
            try:
                await self._tables.write(Table.ACCOUNTS, Insert(row))
                return integration_id
            except RowExists:
                holder = await self._tables.get(Table.ACCOUNTS, row.partition, row.key)
            if holder is not None:  # else it was released in between
                return str(holder.columns["integrationId"])

    async def release_account(self, account: Account, integration_id: str) -> None:
        """Give the account back if it is ours; quiet otherwise."""
        key = _account_key(account)
        holder = await self._tables.get(Table.ACCOUNTS, key.partition, key.key)
        if holder is not None and holder.columns["integrationId"] == integration_id:
            await delete_quietly(self._tables, Table.ACCOUNTS, holder, holder.tag)

    async def all(self) -> AsyncIterator[Stored[Integration]]:
        """Yield every connection, for operators' tools. Reads the whole table but the pointers."""
        span = Span(partition_from=_USERS, partition_to=after(_USERS))
        async for page in self._tables.query(_TABLE, span):
            for row in page:
                yield _stored(row)

    def _remember(self, integration_id: str, user_id: str) -> None:
        if len(self._users) >= _REMEMBERED:
            self._users.clear()
        self._users[integration_id] = user_id


def _row(integration: Integration) -> Row:
    return Row(partition=_user_partition(integration.user_id), key=_ROW, columns=columns_of(integration, body=_BODY))


def _stored(row: Row) -> Stored[Integration]:
    return Stored(value=value_of(Integration, row), tag=row.tag)


def _user_partition(user_id: str) -> str:
    return f"{_USERS}{key_text(user_id)}"


def _own_partition(integration_id: str) -> str:
    return f"i|{key_text(integration_id)}"


def _account_key(account: Account) -> Row:
    return Row(partition=key_text(account.tenant_id), key=key_text(account.account_id))
