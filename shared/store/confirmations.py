"""The deletions of an integration, in its partition: ``l`` is the ledger, ``c|{confirmationId}`` a closed question."""

from dataclasses import replace
from datetime import datetime

from shared.core.confirmation import Confirmation, DeletionLedger
from shared.errors import RowChanged, RowExists
from shared.ports import Stored
from shared.store.codec import columns_of, key_text, value_of
from shared.store.mappings import delete_all
from shared.store.prune import forget_older
from shared.store.rows import Insert, Operation, Replace, Row, Span, Table, Tables, Upsert

_TABLE = Table.CONFIRMATIONS
_LEDGER = "l"
_LEDGER_BODY = ("wedsync", "outlook", "open", "answered")
_BODY = ("held", "reason")


class TableConfirmations:
    """``Confirmations`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def ledger(self, integration_id: str) -> Stored[DeletionLedger]:
        """Return the ledger; an empty one with an empty tag if there is none yet. One read."""
        row = await self._tables.get(_TABLE, key_text(integration_id), _LEDGER)
        if row is None:
            return Stored(value=DeletionLedger(integration_id=integration_id), tag="")
        return Stored(value=value_of(DeletionLedger, row), tag=row.tag)

    async def save(self, stored: Stored[DeletionLedger], closed: Confirmation | None = None) -> Stored[DeletionLedger]:
        """Replace, or insert where the tag is empty; ``RowChanged`` if it is not the one read."""
        partition = key_text(stored.value.integration_id)
        row = Row(partition=partition, key=_LEDGER, columns=columns_of(stored.value, body=_LEDGER_BODY))
        write: Operation = Replace(row, stored.tag) if stored.tag else Insert(row)
        try:
            if closed is None:
                return replace(stored, tag=await self._tables.write(_TABLE, write))
            kept = Row(partition=partition, key=_key(closed.confirmation_id), columns=columns_of(closed, body=_BODY))
            return replace(stored, tag=(await self._tables.transact(_TABLE, [write, Upsert(kept)]))[0])
        except RowExists:  # another process has just begun the ledger
            raise RowChanged from None

    async def closed(self, integration_id: str, confirmation_id: str) -> Confirmation | None:
        """Return a question that was answered or has lapsed. One read."""
        row = await self._tables.get(_TABLE, key_text(integration_id), _key(confirmation_id))
        return value_of(Confirmation, row) if row else None

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove questions that were answered or lapsed before then; return how many."""
        closed = Span.prefix(key_text(integration_id), "c|")
        return await forget_older(self._tables, _TABLE, closed, "closedAt", before, limit=limit)

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        async for page in self._tables.query(_TABLE, Span(partition=key_text(integration_id))):
            await delete_all(self._tables, _TABLE, page)


def _key(confirmation_id: str) -> str:
    return f"c|{key_text(confirmation_id)}"
