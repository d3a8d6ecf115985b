"""Removing rows that are older than they are kept, where their keys hold no time."""

from dataclasses import replace
from datetime import datetime

from shared.store.mappings import delete_all
from shared.store.rows import MAX_TRANSACTION_ROWS, Row, Span, Table, Tables


async def forget_older(tables: Tables, table: Table, span: Span, column: str, before: datetime, *, limit: int) -> int:
    """Remove rows of one partition whose ``column`` holds a time before then; those without it stay.

    Return how many were removed, ``limit`` at the most. Only that column is read of each row.
    """
    found: list[Row] = []
    async for page in tables.query(table, replace(span, columns=(column,))):
        found += [row for row in page if is_older(row, column, before)]
        if len(found) >= limit:
            break
    found = found[:limit]
    for start in range(0, len(found), MAX_TRANSACTION_ROWS):
        await delete_all(tables, table, found[start : start + MAX_TRANSACTION_ROWS])
    return len(found)


def is_older(row: Row, column: str, before: datetime) -> bool:
    """Whether the time in the row's column is before then."""
    text = row.columns.get(column)
    return isinstance(text, str) and bool(text) and datetime.fromisoformat(text) < before
