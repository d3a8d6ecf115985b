"""The conflicts of an integration, in its partition.

``c|{conflictId}`` is the conflict. Until it is closed, ``o|{mappingId}|{conflictId}`` holds a copy, in step by group
transaction: those that matter are read in one query, however many were closed before, and whether one waits is the
condition of every write.
"""

from dataclasses import replace
from datetime import datetime

from shared.core.history import Conflict
from shared.core.states import ConflictState
from shared.errors import RowChanged, RowExists
from shared.store.codec import columns_of, key_text, value_of
from shared.store.mappings import delete_all
from shared.store.prune import forget_older
from shared.store.rows import Delete, Insert, Replace, Row, Span, Table, Tables, Upsert

_TABLE = Table.CONFLICTS
_BODY = ("wedsync", "outlook", "base", "custom", "guests", "reason")
_WAITING = (ConflictState.OPEN, ConflictState.RESOLVED)


class TableConflicts:
    """``Conflicts`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def ask(self, conflict: Conflict) -> bool:
        """Insert one that waits, or put it in place of a closed row; False where one waits already."""
        row, copy = _rows(conflict)
        try:
            await self._tables.transact(_TABLE, [Upsert(row), Insert(copy)])
        except RowExists:
            return False
        return True

    async def move(self, conflict: Conflict) -> bool:
        """Replace a row that waits; False where none does. Of two who close one, the first has it."""
        row, copy = _rows(conflict)
        waits = conflict.state in _WAITING
        try:
            await self._tables.transact(_TABLE, [Upsert(row), Replace(copy, "*") if waits else Delete(copy)])
        except RowChanged:
            return False
        return True

    async def get(self, integration_id: str, conflict_id: str) -> Conflict | None:
        """Return the conflict. One read."""
        row = await self._tables.get(_TABLE, key_text(integration_id), _key(conflict_id))
        return value_of(Conflict, row) if row else None

    async def open_of(self, integration_id: str, mapping_id: str) -> tuple[Conflict, ...]:
        """Return the conflicts of one mapping that are not closed, oldest first."""
        return await self._read(integration_id, _open_prefix(mapping_id))

    async def open_all(self, integration_id: str) -> tuple[Conflict, ...]:
        """Return all conflicts of the integration that are not closed, oldest first."""
        return await self._read(integration_id, "o|")

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        for prefix in ("o|", "c|"):
            async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), prefix)):
                await delete_all(self._tables, _TABLE, page)

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove conflicts that were closed before then; return how many."""
        closed = Span.prefix(key_text(integration_id), "c|")
        return await forget_older(self._tables, _TABLE, closed, "closedAt", before, limit=limit)

    async def _read(self, integration_id: str, prefix: str) -> tuple[Conflict, ...]:
        found: list[Conflict] = []
        async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), prefix)):
            found += [value_of(Conflict, row) for row in page]
        return tuple(sorted(found, key=lambda conflict: (conflict.opened_at, conflict.conflict_id)))


def _rows(conflict: Conflict) -> tuple[Row, Row]:
    """Return the row of a conflict, and the copy that is there while it waits."""
    columns = columns_of(conflict, body=_BODY)
    row = Row(partition=key_text(conflict.integration_id), key=_key(conflict.conflict_id), columns=columns)
    return row, replace(row, key=f"{_open_prefix(conflict.mapping_id)}{key_text(conflict.conflict_id)}")


def _key(conflict_id: str) -> str:
    return f"c|{key_text(conflict_id)}"


def _open_prefix(mapping_id: str) -> str:
    return f"o|{key_text(mapping_id)}|"
