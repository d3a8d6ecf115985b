"""The mappings, their pointers and the epoch row, all in the integration's partition.

Rows: ``m|{mappingId}`` the mapping, ``w|{wedsyncId}|{role}`` and ``o|{sha256(outlookId)}`` pointers to it, ``epoch``.
A mapping and its pointers change in one group transaction, so a pointer is there exactly while its mapping has that
id. To know which pointers a stored mapping has without another read, the tag that callers keep is the row's ETag
followed by the keys of its pointers.

The fence: an insert rewrites the epoch row on condition of its ETag in the same transaction. Whoever raises the epoch
changes that ETag, and every insert that began before fails. Two inserts at once disturb each other in the same way;
the loser finds the same number and tries again.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.core.mapping import EventMapping, Role
from shared.errors import RowChanged, RowExists, StoreFault
from shared.ports import Stored
from shared.store.codec import SCHEMA, columns_of, key_text, sha256, value_of
from shared.store.rows import (
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ROWS,
    Delete,
    Insert,
    Operation,
    Property,
    Replace,
    Row,
    Span,
    Table,
    Tables,
    check,
    check_transaction,
)

_TABLE = Table.MAPPINGS
_EPOCH = "epoch"
_ATTEMPTS = 12
_FENCE_ATTEMPTS = 40  # whoever raises the epoch has to win against all who insert
_RESERVED_BYTES = 64 * 1024  # for the epoch row and the frame of the request
# Event content and what could quote it; readable columns keep to ids, states and versions.
_BODY = ("base_w", "base_o", "intent", "notes", "quarantine", "prefix", "held")

Outcome = Stored[EventMapping] | Exception
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One mapping's part of a transaction."""

    index: int
    mapping: EventMapping
    operations: tuple[Operation, ...]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(operation.row.key for operation in self.operations)

    @property
    def size(self) -> int:
        return sum(check(operation) for operation in self.operations)


class TableMappings:
    """``Mappings`` on tables. ``sleep`` waits between tries at a contended epoch row."""

    def __init__(self, tables: Tables, *, sleep: Sleep = asyncio.sleep) -> None:
        self._tables = tables
        self._sleep = sleep

    async def epoch(self, integration_id: str) -> int:
        """Return the present epoch; 0 when there is none yet."""
        return _number(await self._epoch_row(integration_id))

    async def raise_epoch(self, integration_id: str, to: int) -> None:
        """Set the epoch to ``to`` unless it is that high already: every intent of a lower epoch now fails."""
        for attempt in range(_FENCE_ATTEMPTS):
            present = await self._epoch_row(integration_id)
            if present and _number(present) >= to:
                return
            try:
                await self._tables.write(_TABLE, _epoch_write(integration_id, present, to))
                return
            except (RowChanged, RowExists):
                await self._pause(attempt)
        raise StoreFault("the epoch row is contended")

    async def by_wedsync(
        self, integration_id: str, wedsync_id: str, role: Role = Role.EVENT
    ) -> Stored[EventMapping] | None:
        """Return the mapping of a WedSync event. Two reads at the most."""
        found = await self._pointed_to(integration_id, _wedsync_key(wedsync_id, role))
        return found if found and (found.value.wedsync_id, found.value.role) == (wedsync_id, role) else None

    async def by_outlook(self, integration_id: str, outlook_id: str) -> Stored[EventMapping] | None:
        """Return the mapping of an Outlook event. Two reads at the most."""
        found = await self._pointed_to(integration_id, _outlook_key(outlook_id))
        return found if found and found.value.outlook_id == outlook_id else None

    async def get(self, integration_id: str, mapping_id: str) -> Stored[EventMapping] | None:
        """Return the mapping. One read."""
        row = await self._tables.get(_TABLE, key_text(integration_id), _mapping_key(mapping_id))
        return _stored(row) if row else None

    async def all(self, integration_id: str) -> AsyncIterator[Stored[EventMapping]]:
        """Yield every mapping of the integration, in pages of up to 1,000 rows."""
        async for page in self._tables.query(_TABLE, Span.prefix(key_text(integration_id), "m|")):
            for row in page:
                yield _stored(row)

    async def insert(self, mappings: Sequence[EventMapping]) -> tuple[Outcome, ...]:
        """Insert with pointers, conditional on each mapping's epoch being the present one.

        A mapping that the service would refuse, for its size for example, is answered by a plain ``StoreFault``.
        """
        work, outcomes = _prepared(mappings, lambda mapping, _: tuple(Insert(row) for row in _rows(mapping)))
        for group in _groups(work, reserved=1):
            outcomes |= await self._insert_group(group)
        return tuple(outcomes[index] for index in range(len(mappings)))

    async def save(self, stored: Sequence[Stored[EventMapping]]) -> tuple[Outcome, ...]:
        """Replace on condition of the tags, with pointers; ``RowChanged``, or ``RowExists`` for a foreign pointer."""
        tags = [item.tag for item in stored]
        work, outcomes = _prepared(
            [item.value for item in stored], lambda mapping, index: _replacement(Stored(value=mapping, tag=tags[index]))
        )
        for group in _groups(work, reserved=0):
            outcomes |= await self._save_group(group)
        return tuple(outcomes[index] for index in range(len(stored)))

    async def remove(self, stored: Stored[EventMapping]) -> None:
        """Remove the row and its pointers on condition of the tag; ``RowChanged``."""
        etag, pointers = _parts(stored.tag)
        partition = key_text(stored.value.integration_id)
        row = Row(partition=partition, key=_mapping_key(stored.value.mapping_id))
        gone = [Delete(Row(partition=partition, key=key)) for key in pointers]
        await self._tables.transact(_TABLE, [Delete(row, etag), *gone])

    async def forget_all(self, integration_id: str) -> int:
        """Remove every row of the integration but the epoch; return how many mappings there were."""
        partition, count = key_text(integration_id), 0
        # Pointers first: what an interrupted call leaves behind is still found by ``all`` and by the next call.
        for prefix in ("w|", "o|", "m|"):
            async for page in self._tables.query(_TABLE, Span.prefix(partition, prefix, columns=("mappingId",))):
                count += len(page) if prefix == "m|" else 0
                await delete_all(self._tables, _TABLE, page)
        return count

    async def mend(self, integration_id: str) -> int:
        """Make rows and pointers fit each other again where some were lost; return how many were wrong.

        Pointers are read before the rows that they lead to, and whatever looks wrong is read again before it is
        touched: rows and pointers are written together, so what does not fit then, was not just being written.
        """
        partition = key_text(integration_id)
        pointers: dict[str, str] = {}
        for prefix in ("w|", "o|"):
            async for page in self._tables.query(_TABLE, Span.prefix(partition, prefix, columns=("mappingId",))):
                pointers |= {row.key: str(row.columns["mappingId"]) for row in page}
        expected: dict[str, set[str]] = {}
        async for stored in self.all(integration_id):
            expected[stored.value.mapping_id] = set(_pointers(stored.value))
        wrong = [key for key, mapping_id in pointers.items() if key not in expected.get(mapping_id, ())]
        mended = sum([await self._drop_pointer(integration_id, key) for key in wrong])
        for mapping_id, keys in expected.items():
            if any(pointers.get(key) != mapping_id for key in keys):
                mended += await self._point_at(integration_id, mapping_id)
        return mended

    async def _drop_pointer(self, integration_id: str, key: str) -> bool:
        """Remove a pointer unless the mapping that it names is there and has that id."""
        pointer = await self._tables.get(_TABLE, key_text(integration_id), key)
        if pointer is None:
            return False
        named = await self.get(integration_id, str(pointer.columns["mappingId"]))
        if named is not None and key in _pointers(named.value):
            return False
        await delete_quietly(self._tables, _TABLE, pointer, pointer.tag)
        return True

    async def _point_at(self, integration_id: str, mapping_id: str) -> bool:
        """Write a mapping's missing pointers; remove the mapping if another has all of its ids."""
        stored = await self.get(integration_id, mapping_id)
        if stored is None:
            return False
        row, *pointers = _rows(stored.value)
        present = [await self._tables.get(_TABLE, pointer.partition, pointer.key) for pointer in pointers]
        owners = [str(found.columns["mappingId"]) if found else "" for found in present]
        etag, _ = _parts(stored.tag)
        missing = [Insert(pointer) for pointer, owner in zip(pointers, owners, strict=True) if not owner]
        try:
            if missing:
                await self._tables.transact(_TABLE, [Replace(row, etag), *missing])
            elif mapping_id not in owners:
                await self._tables.write(_TABLE, Delete(row, etag))
            else:
                return False
        except (RowChanged, RowExists):
            return False  # somebody has just worked on it
        return True

    async def _epoch_row(self, integration_id: str) -> Row | None:
        return await self._tables.get(_TABLE, key_text(integration_id), _EPOCH)

    async def _pointed_to(self, integration_id: str, key: str) -> Stored[EventMapping] | None:
        pointer = await self._tables.get(_TABLE, key_text(integration_id), key)
        return await self.get(integration_id, str(pointer.columns["mappingId"])) if pointer else None

    async def _insert_group(self, group: Sequence[_Work]) -> dict[int, Outcome]:
        """Insert mappings of one integration and epoch in one transaction, or one by one if that fails."""
        first = group[0].mapping
        operations = [operation for work in group for operation in work.operations]
        for attempt in range(_ATTEMPTS):
            present = await self._epoch_row(first.integration_id)
            if _number(present) != first.epoch:
                return {work.index: RowChanged("the epoch moved on") for work in group}
            try:
                tags = await self._tables.transact(
                    _TABLE, [*operations, _epoch_write(first.integration_id, present, first.epoch)]
                )
                return _outcomes(group, tags)
            except RowExists as error:
                # Without an epoch row this may be another's insert of it, and not a mapping that is there already.
                if len(group) == 1 and present:
                    return {group[0].index: error}
                if len(group) > 1:
                    return await self._one_by_one(group, self._insert_group)
                if await self._epoch_row(first.integration_id) is None:
                    return {group[0].index: error}
            except RowChanged:
                await self._pause(attempt)
        return {work.index: RowChanged("the epoch row is contended") for work in group}

    async def _save_group(self, group: Sequence[_Work]) -> dict[int, Outcome]:
        """Replace mappings of one integration in one transaction, or one by one if that fails."""
        try:
            tags = await self._tables.transact(_TABLE, [operation for work in group for operation in work.operations])
            return _outcomes(group, tags)
        except (RowChanged, RowExists) as error:
            if len(group) == 1:
                return {group[0].index: error}
            return await self._one_by_one(group, self._save_group)

    async def _one_by_one(
        self, group: Sequence[_Work], attempt: Callable[[Sequence[_Work]], Awaitable[dict[int, Outcome]]]
    ) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        for work in group:
            outcomes |= await attempt([work])
        return outcomes

    async def _pause(self, attempt: int) -> None:
        """Wait a random while that grows, so that those who collide do not collide again."""
        await self._sleep(random.uniform(0, min(0.3, 0.01 * 2**attempt)))  # noqa: S311 - spreading, not secrecy


async def delete_all(tables: Tables, table: Table, rows: Sequence[Row]) -> None:
    """Delete these rows of one partition in transactions, or one by one where some are gone already."""
    for start in range(0, len(rows), MAX_TRANSACTION_ROWS):
        deletes = [Delete(row) for row in rows[start : start + MAX_TRANSACTION_ROWS]]
        try:
            await tables.transact(table, deletes)
        except RowChanged:
            for delete in deletes:
                await delete_quietly(tables, table, delete.row)


async def delete_quietly(tables: Tables, table: Table, row: Row, tag: str = "*") -> None:
    """Delete the row if it is there, and if it is the one with the tag."""
    try:
        await tables.write(table, Delete(row, tag))
    except RowChanged:
        return


def _prepared(
    mappings: Sequence[EventMapping], write: Callable[[EventMapping, int], tuple[Operation, ...]]
) -> tuple[list[_Work], dict[int, Outcome]]:
    """Return the work of each mapping, and the errors of those that the service would refuse whatever goes along."""
    work: list[_Work] = []
    refused: dict[int, Outcome] = {}
    for index, mapping in enumerate(mappings):
        try:
            item = _Work(index=index, mapping=mapping, operations=write(mapping, index))
            check_transaction(item.operations)
        except StoreFault as fault:
            refused[index] = fault
        else:
            work.append(item)
    return work, refused


def _groups(work: Sequence[_Work], *, reserved: int) -> Iterator[list[_Work]]:
    """Yield what goes into one transaction: one integration and epoch, no row twice, within the limits."""
    group: list[_Work] = []
    keys: set[str] = set()
    size = 0
    for item in work:
        fits = (
            len(keys) + len(item.operations) + reserved <= MAX_TRANSACTION_ROWS
            and size + item.size <= MAX_TRANSACTION_BYTES - _RESERVED_BYTES
            and keys.isdisjoint(item.keys)
            and _same_fence(item.mapping, group[0].mapping if group else item.mapping)
        )
        if group and not fits:
            yield group
            group, keys, size = [], set(), 0
        group.append(item)
        keys |= item.keys
        size += item.size
    if group:
        yield group


def _same_fence(left: EventMapping, right: EventMapping) -> bool:
    return (left.integration_id, left.epoch) == (right.integration_id, right.epoch)


def _outcomes(group: Sequence[_Work], tags: Sequence[str]) -> dict[int, Outcome]:
    """Give each mapping its new tag: that of its first operation, which is the mapping's own row."""
    outcomes: dict[int, Outcome] = {}
    start = 0
    for work in group:
        outcomes[work.index] = Stored(value=work.mapping, tag=_tag(tags[start], work.mapping))
        start += len(work.operations)
    return outcomes


def _replacement(stored: Stored[EventMapping]) -> tuple[Operation, ...]:
    """Return the writes of a save: the row, pointers that are new, pointers that are no more."""
    etag, before = _parts(stored.tag)
    row, *pointers = _rows(stored.value)
    kept = {pointer.key for pointer in pointers}
    new = [Insert(pointer) for pointer in pointers if pointer.key not in before]
    old = [Delete(Row(partition=row.partition, key=key)) for key in before if key not in kept]
    return (Replace(row, etag), *new, *old)


def _rows(mapping: EventMapping) -> tuple[Row, ...]:
    """Return the mapping's row, then its pointers."""
    partition = key_text(mapping.integration_id)
    row = Row(partition=partition, key=_mapping_key(mapping.mapping_id), columns=columns_of(mapping, body=_BODY))
    target: dict[str, Property] = {"schema": SCHEMA, "mappingId": mapping.mapping_id}
    return (row, *(Row(partition=partition, key=key, columns=target) for key in _pointers(mapping)))


def _pointers(mapping: EventMapping) -> tuple[str, ...]:
    wedsync = (_wedsync_key(mapping.wedsync_id, mapping.role),) if mapping.wedsync_id else ()
    return (*wedsync, _outlook_key(mapping.outlook_id)) if mapping.outlook_id else wedsync


def _stored(row: Row) -> Stored[EventMapping]:
    mapping = value_of(EventMapping, row)
    return Stored(value=mapping, tag=_tag(row.tag, mapping))


def _tag(etag: str, mapping: EventMapping) -> str:
    return " ".join((etag, *_pointers(mapping)))


def _parts(tag: str) -> tuple[str, tuple[str, ...]]:
    """Return the ETag and the keys of the pointers in a tag of ours."""
    etag, *pointers = tag.split(" ")
    return etag, tuple(pointers)


def _mapping_key(mapping_id: str) -> str:
    return f"m|{key_text(mapping_id)}"


def _wedsync_key(wedsync_id: str, role: Role) -> str:
    return f"w|{key_text(wedsync_id)}|{role}"


def _outlook_key(outlook_id: str) -> str:
    return f"o|{sha256(outlook_id)}"


def _number(row: Row | None) -> int:
    return int(row.columns["number"]) if row else 0


def _epoch_write(integration_id: str, present: Row | None, number: int) -> Operation:
    row = Row(partition=key_text(integration_id), key=_EPOCH, columns={"schema": SCHEMA, "number": number})
    return Replace(row, present.tag) if present else Insert(row)
