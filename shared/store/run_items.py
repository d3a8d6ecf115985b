"""What an interrupted run has read and not done yet, in its integration's partition.

It is one compressed text of JSON lines, cut into rows ``{runId}|{number}|{part}``; ``{runId}|head`` names the number
that counts and how many parts it has. So a run that is interrupted again writes anew beside the old, and what was
written in part is never read.
"""

import asyncio
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared.core.event import OutlookState, WedSyncState
from shared.core.pulled import Pulled
from shared.errors import StoreFault
from shared.store.codec import SCHEMA, from_json, key_text, to_json
from shared.store.mappings import delete_all
from shared.store.rows import Property, Row, Span, Table, Tables, Upsert

_TABLE = Table.RUN_ITEMS
_COLUMN_BYTES = 60 * 1024
_ROW_BYTES = 10 * _COLUMN_BYTES
"""Well below the 1 MiB of an entity also as Base64, which is how the emulator measures it."""
_AT_ONCE = 200
"""Lines after which others get their turn: thousands of events take a while to be put into words."""


class TableRunItems:
    """``RunItems`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, integration_id: str, run_id: str, pulled: Pulled) -> None:
        """Keep, in place of what was kept before. The head is written last."""
        partition, prefix = key_text(integration_id), f"{key_text(run_id)}|"
        head = await self._tables.get(_TABLE, partition, f"{prefix}head")
        number = _whole(head, "number") + 1 if head else 1
        text = await _compressed(pulled)
        parts = [text[start : start + _ROW_BYTES] for start in range(0, len(text), _ROW_BYTES)]
        for place, part in enumerate(parts):
            row = Row(partition=partition, key=f"{prefix}{_place(number, place)}", columns=_columns(part))
            await self._tables.write(_TABLE, Upsert(row))
        columns: dict[str, Property] = {"schema": SCHEMA, "number": number, "parts": len(parts)}
        await self._tables.write(_TABLE, Upsert(Row(partition=partition, key=f"{prefix}head", columns=columns)))
        if head:
            await self._remove(partition, f"{prefix}{_place(number - 1)}")

    async def get(self, integration_id: str, run_id: str) -> Pulled | None:
        """Return what was kept last, or None."""
        partition, prefix = key_text(integration_id), f"{key_text(run_id)}|"
        head = await self._tables.get(_TABLE, partition, f"{prefix}head")
        if head is None:
            return None
        parts: list[bytes] = []
        span = Span.prefix(partition, f"{prefix}{_place(_whole(head, 'number'))}")
        async for page in self._tables.query(_TABLE, span):
            parts += [_bytes(row) for row in page]
        if len(parts) != _whole(head, "parts"):
            raise StoreFault("a part of what a run has kept is missing")
        return await _expanded(b"".join(parts))

    async def forget(self, integration_id: str, run_id: str) -> None:
        """Remove what a run has kept; quiet when there is nothing."""
        await self._remove(key_text(integration_id), f"{key_text(run_id)}|")

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        async for page in self._tables.query(_TABLE, Span(partition=key_text(integration_id))):
            await delete_all(self._tables, _TABLE, page)

    async def _remove(self, partition: str, prefix: str) -> None:
        async for page in self._tables.query(_TABLE, Span.prefix(partition, prefix)):
            await delete_all(self._tables, _TABLE, page)


def _place(number: int, part: int | None = None) -> str:
    return f"{number:06d}|" + ("" if part is None else f"{part:06d}")


def _whole(row: Row, column: str) -> int:
    value = row.columns.get(column)
    if not isinstance(value, int):
        raise StoreFault("a run's head row cannot be read")
    return value


def _columns(part: bytes) -> dict[str, Property]:
    columns: dict[str, Property] = {"schema": SCHEMA}
    for start in range(0, len(part), _COLUMN_BYTES):
        columns[f"body{start // _COLUMN_BYTES:02d}"] = part[start : start + _COLUMN_BYTES]
    return columns


def _bytes(row: Row) -> bytes:
    bodies = [name for name in sorted(row.columns) if name.startswith("body")]
    return b"".join(part for name in bodies if isinstance(part := row.columns[name], bytes))


async def _compressed(pulled: Pulled) -> bytes:
    made = zlib.compressobj()
    parts: list[bytes] = []
    for count, line in enumerate(_lines(pulled)):
        # Surrogates that stand alone can come with a foreign event; JSON's ASCII form carries them.
        parts.append(made.compress(json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"))
        if count % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return b"".join(parts) + made.flush()


def _lines(pulled: Pulled) -> Iterator[Any]:
    yield to_json(replace(pulled, wedsync={}, outlook={}))
    for state in (*pulled.wedsync.values(), *pulled.outlook.values()):
        yield [type(state).__name__, to_json(state)]


async def _expanded(text: bytes) -> Pulled:
    try:
        first, *lines = zlib.decompress(text).splitlines()
        pulled: Pulled = from_json(Pulled, json.loads(first))
        wedsync: dict[str, WedSyncState] = {}
        outlook: dict[str, OutlookState] = {}
        for count, line in enumerate(lines):
            kind, value = json.loads(line)
            if kind == WedSyncState.__name__:
                wedsync[value["eventId"]] = from_json(WedSyncState, value)
            else:
                outlook[value["eventId"]] = from_json(OutlookState, value)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise StoreFault(f"what a run has kept cannot be read: {type(error).__name__}") from error
    return replace(pulled, wedsync=wedsync, outlook=outlook)
