"""One-time states and tickets of the consent flow.

Whoever reads the table must not be able to finish another's sign-in: the key is stored as its SHA-256, and where the
flow repeats the key (MSAL's ``state`` and ``auth_uri``) a placeholder stands for it.
"""

import json
from typing import Any, cast

from shared.errors import RowChanged
from shared.ports import AuthRequest, Clock
from shared.store.codec import columns_of, packed, sha256, unpacked, value_of
from shared.store.mappings import delete_quietly
from shared.store.prune import is_older
from shared.store.rows import Delete, Insert, Row, Span, Table, Tables

_TABLE = Table.AUTH_STATES
_ROW = "request"
# JSON text writes this character as an escape, so it cannot be there already.
_PLACEHOLDER = "\x00"


class TableAuthStates:
    """``AuthStates`` on tables. An expired request is as good as none."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def put(self, request: AuthRequest) -> None:
        """Insert."""
        columns = columns_of(request, leave_out=("key", "flow")) | packed({"flow": _sealed(request)})
        await self._tables.write(_TABLE, Insert(Row(partition=sha256(request.key), key=_ROW, columns=columns)))

    async def peek(self, key: str) -> AuthRequest | None:
        """Return the request without using it up."""
        row = await self._tables.get(_TABLE, sha256(key), _ROW)
        return self._current(row, key) if row else None

    async def take(self, key: str) -> AuthRequest | None:
        """Return the request, once: the delete is conditional, and only who deletes gets it."""
        row = await self._tables.get(_TABLE, sha256(key), _ROW)
        if row is None:
            return None
        try:
            await self._tables.write(_TABLE, Delete(row, row.tag))
        except RowChanged:
            return None
        return self._current(row, key)

    async def forget_expired(self, *, limit: int = 1000) -> int:
        """Remove requests that have expired, each in its own partition; return how many.

        All are read, a page for a thousand: few are left of a day.
        """
        now, removed = self._clock.now(), 0
        async for page in self._tables.query(_TABLE, Span(columns=("expiresAt",))):
            for row in page:
                if removed < limit and is_older(row, "expiresAt", now):
                    await delete_quietly(self._tables, _TABLE, row)
                    removed += 1
            if removed >= limit:
                break
        return removed

    def _current(self, row: Row, key: str) -> AuthRequest | None:
        flow = _opened(str(unpacked(row.columns).get("flow", "{}")), key)
        request = value_of(AuthRequest, row, key=key, flow=flow)
        return request if request.expires_at > self._clock.now() else None


def _sealed(request: AuthRequest) -> str:
    text = json.dumps(dict(request.flow))
    return text.replace(request.key, _PLACEHOLDER) if request.key else text


def _opened(text: str, key: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(text.replace(_PLACEHOLDER, key)))
