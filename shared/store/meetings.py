"""The meetings asked for, in their integration's partition: ``q|{requestId}``."""

from datetime import datetime

from shared.core.meeting import MeetingRequest
from shared.store.codec import columns_of, key_text, value_of
from shared.store.mappings import delete_all
from shared.store.prune import forget_older
from shared.store.rows import Insert, Row, Span, Table, Tables, Upsert

_TABLE = Table.MEETINGS
_PREFIX = "q|"
_BODY = ("payload",)


class TableMeetingRequests:
    """``MeetingRequests`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def insert(self, request: MeetingRequest) -> None:
        """Insert; ``RowExists``."""
        await self._tables.write(_TABLE, Insert(_row(request)))

    async def get(self, integration_id: str, request_id: str) -> MeetingRequest | None:
        """Return the request. One read."""
        row = await self._tables.get(_TABLE, key_text(integration_id), _key(request_id))
        return value_of(MeetingRequest, row) if row else None

    async def put(self, request: MeetingRequest) -> None:
        """Insert or replace."""
        await self._tables.write(_TABLE, Upsert(_row(request)))

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what was asked for before then; return how many."""
        span = Span.prefix(key_text(integration_id), _PREFIX)
        return await forget_older(self._tables, _TABLE, span, "requestedAt", before, limit=limit)

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), _PREFIX)):
            await delete_all(self._tables, _TABLE, page)


def _row(request: MeetingRequest) -> Row:
    columns = columns_of(request, body=_BODY)
    return Row(partition=key_text(request.integration_id), key=_key(request.request_id), columns=columns)


def _key(request_id: str) -> str:
    return f"{_PREFIX}{key_text(request_id)}"
