"""Azure Table Storage behind the ``Tables`` port.

The SDK is imported at first use: importing this module must cost nothing at a cold start. One client per process,
made on first use and closed by ``close``. A table that is not there is made, once, when something is written to it or
read from it: a fresh account needs no preparation.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from shared.errors import OperatorFault
from shared.store.azure import DEADLINE_SECONDS, client_options, code_of, fault_of
from shared.store.rows import (
    INT32,
    PAGE_SIZE,
    Delete,
    Insert,
    OnOperation,
    Operation,
    Property,
    Replace,
    Row,
    Span,
    Table,
    check,
    check_transaction,
)

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient, TableServiceClient

_KEYS = ("PartitionKey", "RowKey")


def quiet(_operation: str, _table: str) -> None:
    """Count nothing."""


class AzureTables:
    """Table Storage, or the emulator. ``prefix`` goes before each table's name, so that tests can share an account."""

    def __init__(
        self,
        *,
        connection_string: str = "",
        endpoint: str = "",
        credential: "Callable[[], AsyncTokenCredential] | None" = None,
        ca_file: str = "",
        prefix: str = "",
        retries: int = 3,
        on_operation: OnOperation = quiet,
    ) -> None:
        self._connection_string = connection_string
        self._endpoint = endpoint
        self._credential = credential
        self._ca_file = ca_file
        self._prefix = prefix
        self._retries = retries
        self._on_operation = on_operation
        self._service: TableServiceClient | None = None
        self._clients: dict[Table, TableClient] = {}

    async def get(self, table: Table, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        client = self._client(table)
        self._on_operation("get", table)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return _row(await client.get_entity(partition, key))
        except Exception as error:
            if _is(error, 404):  # a missing table has no rows
                return None
            raise fault_of(error) from error

    async def write(self, table: Table, operation: Operation) -> str:
        """Carry out one write; return the new tag, empty after a delete."""
        check(operation)
        return cast(str, await self._attempt(table, operation))

    async def transact(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Carry out up to 100 writes in one partition, all or none; return the new tags in their order."""
        check_transaction(operations)
        return cast(tuple[str, ...], await self._attempt(table, tuple(operations)))

    async def query(self, table: Table, span: Span, *, page_size: int = PAGE_SIZE) -> AsyncIterator[tuple[Row, ...]]:
        """Yield pages of rows in the order of their keys."""
        client = self._client(table)
        text, parameters = _filter(span)
        select = [*_KEYS, *span.columns] if span.columns else None
        pages = client.query_entities(
            text, parameters=parameters, select=select, results_per_page=min(page_size, PAGE_SIZE)
        ).by_page()
        while True:
            self._on_operation("query", table)
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    page = [_row(entity) async for entity in await anext(pages)]
            except StopAsyncIteration:
                return
            except Exception as error:
                if _is(error, 404):
                    return
                raise fault_of(error) from error
            yield tuple(page)
            if not getattr(pages, "continuation_token", None):
                return

    async def close(self) -> None:
        """Close the connections; the next call opens them again."""
        service, self._service = self._service, None
        self._clients.clear()
        if service is not None:
            await service.close()

    async def _attempt(self, table: Table, work: Operation | tuple[Operation, ...]) -> str | tuple[str, ...]:
        """Write, once more if the table had to be made first."""
        client = self._client(table)
        for last in (False, True):
            self._on_operation("transact" if isinstance(work, tuple) else type(work).__name__.lower(), table)
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    return await (_transact(client, work) if isinstance(work, tuple) else _write(client, work))
            except Exception as error:
                if last or not _is_missing_table(error):
                    raise fault_of(error) from error
            await self._make(client)
        raise AssertionError("unreachable")

    async def _make(self, client: "TableClient") -> None:
        try:
            await client.create_table()
        except Exception as error:
            if not _is(error, 409):  # another process was quicker
                raise fault_of(error) from error

    def _client(self, table: Table) -> "TableClient":
        client = self._clients.get(table)
        if client is None:
            if self._service is None:
                self._service = self._open()
            client = self._clients[table] = self._service.get_table_client(self._prefix + table)
        return client

    def _open(self) -> "TableServiceClient":
        from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415 - heavy, so at first use

        options = client_options(retries=self._retries, ca_file=self._ca_file)
        if self._connection_string:
            return TableServiceClient.from_connection_string(self._connection_string, **options)
        if self._credential is None:
            raise OperatorFault("tables", code="no_credential")
        return TableServiceClient(endpoint=self._endpoint, credential=self._credential(), **options)


def _is(error: Exception, status: int) -> bool:
    return getattr(error, "status_code", None) == status


def _is_missing_table(error: Exception) -> bool:
    # The emulator answers a write to a missing table with TableNotFound too, in a transaction inside the message.
    return code_of(error) == "TableNotFound" or (_is(error, 404) and "TableNotFound" in str(error))


async def _write(client: "TableClient", operation: Operation) -> str:
    from azure.core import MatchConditions  # noqa: PLC0415 - heavy, so at first use
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - heavy, so at first use

    if isinstance(operation, Delete):
        # ``delete_entity`` says nothing when the row is not there, even if a tag was given: of two who delete the same
        # row, both would believe that it was them. A transaction says it.
        return (await _transact(client, (operation,)))[0]
    entity = _entity(operation.row)
    if isinstance(operation, Insert):
        return _tag(await client.create_entity(entity))
    if isinstance(operation, Replace):
        return _tag(
            await client.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=operation.tag, match_condition=MatchConditions.IfNotModified
            )
        )
    return _tag(await client.upsert_entity(entity, mode=UpdateMode.REPLACE))


async def _transact(client: "TableClient", operations: Sequence[Operation]) -> tuple[str, ...]:
    answers = await client.submit_transaction([_part(operation) for operation in operations])
    return tuple(
        "" if isinstance(operation, Delete) else _tag(answer)
        for operation, answer in zip(operations, answers, strict=True)
    )


def _part(operation: Operation) -> Any:
    from azure.core import MatchConditions  # noqa: PLC0415 - heavy, so at first use
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - heavy, so at first use

    entity = _entity(operation.row)
    unchanged = MatchConditions.IfNotModified
    match operation:
        case Insert():
            return ("create", entity)
        case Replace(tag=tag):
            return ("update", entity, {"mode": UpdateMode.REPLACE, "etag": tag, "match_condition": unchanged})
        case Delete(tag=tag):
            return ("delete", entity, {"etag": tag, "match_condition": unchanged})
    return ("upsert", entity, {"mode": UpdateMode.REPLACE})


def _tag(answer: Any) -> str:
    return str(answer["etag"])


def _entity(row: Row) -> dict[str, Any]:
    columns = {name: _sent(value) for name, value in row.columns.items()}
    return {"PartitionKey": row.partition, "RowKey": row.key, **columns}


def _sent(value: Property) -> Any:
    from azure.data.tables import EdmType, EntityProperty  # noqa: PLC0415 - heavy, so at first use

    if isinstance(value, int) and not isinstance(value, bool) and value not in INT32:
        return EntityProperty(value, EdmType.INT64)
    return value


def _row(entity: Any) -> Row:
    columns = {name: _received(value) for name, value in entity.items() if name not in _KEYS}
    return Row(
        partition=str(entity["PartitionKey"]),
        key=str(entity["RowKey"]),
        columns=columns,
        tag=str(entity.metadata.get("etag", "")),
    )


def _received(value: Any) -> Property:
    # Int64 comes back as a pair of value and type.
    return cast(Property, value[0] if isinstance(value, tuple) else value)


def _filter(span: Span) -> tuple[str, dict[str, str]]:
    """Return the OData filter and its parameters, which the SDK quotes."""
    conditions = (
        ("PartitionKey eq @partition", "partition", span.partition),
        ("PartitionKey ge @partition_from", "partition_from", span.partition_from),
        ("PartitionKey lt @partition_to", "partition_to", span.partition_to),
        ("RowKey ge @key_from", "key_from", span.key_from),
        ("RowKey lt @key_to", "key_to", span.key_to),
    )
    chosen = [(text, name, value) for text, name, value in conditions if value]
    return " and ".join(text for text, _, _ in chosen), {name: value for _, name, value in chosen}
