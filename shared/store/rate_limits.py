"""What users have used of their rate limits: a row for each user and limit, in the user's partition."""

from datetime import datetime

from shared.core.rate_limit import Spent
from shared.ports import Stored
from shared.store.codec import columns_of, key_text, value_of
from shared.store.mappings import delete_quietly
from shared.store.prune import is_older
from shared.store.rows import Insert, Replace, Row, Span, Table, Tables

_TABLE = Table.RATE_LIMITS


class TableRateLimits:
    """``RateLimits`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, user_id: str, limit: str) -> Stored[Spent] | None:
        """Return what was used, or None. One read."""
        row = await self._tables.get(_TABLE, key_text(user_id), key_text(limit))
        return Stored(value=value_of(Spent, row), tag=row.tag) if row else None

    async def put(self, spent: Spent, *, replaces: Stored[Spent] | None) -> Stored[Spent]:
        """Insert, or replace what was read; ``RowExists`` or ``RowChanged`` if another call came between."""
        row = Row(partition=key_text(spent.user_id), key=key_text(spent.limit), columns=columns_of(spent))
        tag = await self._tables.write(_TABLE, Replace(row, replaces.tag) if replaces else Insert(row))
        return Stored(value=spent, tag=tag)

    async def forget_full(self, before: datetime, *, limit: int = 1000) -> int:
        """Remove rows whose whole burst was there again before then; return how many.

        Conditional on the row as read: a call that comes meanwhile is not forgotten. Reading ends with the page on
        which the last of them is found, and nearly all rows are among them, so that is the first or the second.
        """
        removed = 0
        async for page in self._tables.query(_TABLE, Span(columns=("fullAt",))):
            for row in page:
                if removed < limit and is_older(row, "fullAt", before):
                    await delete_quietly(self._tables, _TABLE, row, row.tag)
                    removed += 1
            if removed >= limit:
                break
        return removed
