"""What is due when. A timer reads only the minutes that have come, and of these only what it has not handed out yet.

An entry's partition is ``d|{kind}|{minute}|{shard}``, its key the exact time, the integration and the subject: the
order of keys is the order of time, and one busy minute is spread over a few partitions. The partition
``p|{integrationId}`` remembers, by kind and subject, where the present entry is, so that a new time replaces the old.
The row ``h|{kind}`` remembers up to where a timer has handed out, and when it began anew from the first entry: an
entry that came in behind that place, or whose message was lost, comes up then.

Two partitions are not one transaction. What a crash can leave is an entry that comes up once too often: jobs say
"look", so that costs a look.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from shared.errors import RowChanged, RowExists, StoreFault
from shared.ports import Due
from shared.store.codec import SCHEMA, columns_of, instant_text, key_text, sha256, value_of
from shared.store.mappings import delete_quietly
from shared.store.rows import Insert, Operation, Property, Replace, Row, Span, Table, Tables, Upsert

_TABLE = Table.DUE
_SHARDS = 4
_ATTEMPTS = 10
_PAST_EVERY_SHARD = "~"
_MARK = "handed-out"
_NEVER = datetime.min.replace(tzinfo=UTC)


class TableDueList:
    """``DueList`` on tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, due: Due) -> None:
        """Enter; replaces an earlier entry of the same kind, integration and subject."""
        for _ in range(_ATTEMPTS):
            pointer = await self._tables.get(_TABLE, *_pointer_keys(due))
            entry = _entry(due)
            tag = await self._tables.write(_TABLE, Upsert(entry))
            try:
                await self._tables.write(_TABLE, _pointer_write(due, tag, pointer))
            except (RowChanged, RowExists):
                continue  # another put came between: its entry is now the one to replace
            await self._drop_old(pointer, entry)
            return
        raise StoreFault("the entry of the due list is contended")

    async def hand_out(self, kind: str, now: datetime, *, again_after: timedelta) -> AsyncIterator[tuple[Due, ...]]:
        """Yield pages of what has come due since this was last read to its end."""
        mark = await self._tables.get(_TABLE, _mark_partition(kind), _MARK)
        up_to, began = _read_mark(mark)
        anew = now - began >= again_after or up_to > now
        start = f"d|{key_text(kind)}|"
        span = Span(
            partition_from=start if anew else f"{start}{_minute(up_to)}",
            partition_to=f"{start}{_minute(now)}|{_PAST_EVERY_SHARD}",
        )
        any_found = False
        async for page in self._tables.query(_TABLE, span):
            entries = (value_of(Due, row) for row in page)
            found = tuple(due for due in entries if due.at <= now and (anew or due.at > up_to))
            if found:
                any_found = True
                yield found
        if any_found:  # otherwise the old place is as good
            await self._tables.write(_TABLE, Upsert(_written_mark(kind, now, now if anew else began)))

    async def stands(self, due: Due) -> bool:
        """Return whether the entry is still the one of its kind, integration and subject."""
        pointer, entry = await self._tables.get(_TABLE, *_pointer_keys(due)), _entry(due)
        if pointer is None:  # a crash came before it was written, or all of this is over and done with
            return await self._tables.get(_TABLE, entry.partition, entry.key) is not None
        if pointer.columns["at"] == instant_text(due.at):
            return True
        await delete_quietly(self._tables, _TABLE, entry)
        return False

    async def done(self, due: Due) -> None:
        """Remove the entry; quiet when it is gone. A later entry of the same kind and subject stays."""
        await delete_quietly(self._tables, _TABLE, _entry(due))
        pointer = await self._tables.get(_TABLE, *_pointer_keys(due))
        if pointer is not None and pointer.columns["at"] == instant_text(due.at):
            await delete_quietly(self._tables, _TABLE, pointer, pointer.tag)

    async def _drop_old(self, pointer: Row | None, entry: Row) -> None:
        if pointer is None:
            return
        old = Row(partition=str(pointer.columns["entryPartition"]), key=str(pointer.columns["entryKey"]))
        if (old.partition, old.key) != (entry.partition, entry.key):
            # Only the very entry that was replaced: somebody may have entered the same time anew meanwhile.
            await delete_quietly(self._tables, _TABLE, old, str(pointer.columns["entryTag"]))


def _entry(due: Due) -> Row:
    shard = int(sha256(due.integration_id)[:8], 16) % _SHARDS
    return Row(
        partition=f"d|{key_text(due.kind)}|{_minute(due.at)}|{shard}",
        key=f"{_sortable(due.at)}|{key_text(due.integration_id)}|{key_text(due.subject)}",
        columns=columns_of(due),
    )


def _pointer_keys(due: Due) -> tuple[str, str]:
    return f"p|{key_text(due.integration_id)}", f"{key_text(due.kind)}|{key_text(due.subject)}"


def _pointer_write(due: Due, entry_tag: str, present: Row | None) -> Operation:
    partition, key = _pointer_keys(due)
    entry = _entry(due)
    pointer = Row(
        partition=partition,
        key=key,
        columns={
            "schema": SCHEMA,
            "at": instant_text(due.at),
            "entryPartition": entry.partition,
            "entryKey": entry.key,
            "entryTag": entry_tag,
        },
    )
    return Replace(pointer, present.tag) if present else Insert(pointer)


def _mark_partition(kind: str) -> str:
    return f"h|{key_text(kind)}"


def _read_mark(mark: Row | None) -> tuple[datetime, datetime]:
    """Return up to where was handed out, and when that began at the first entry."""
    if mark is None:
        return _NEVER, _NEVER
    return datetime.fromisoformat(str(mark.columns["upTo"])), datetime.fromisoformat(str(mark.columns["began"]))


def _written_mark(kind: str, up_to: datetime, began: datetime) -> Row:
    columns: dict[str, Property] = {"schema": SCHEMA, "upTo": instant_text(up_to), "began": instant_text(began)}
    return Row(partition=_mark_partition(kind), key=_MARK, columns=columns)


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M")


def _sortable(moment: datetime) -> str:
    """Return the time without the ``+`` and ``:`` of ISO 8601, which keys had better not hold."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")
