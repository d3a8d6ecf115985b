"""What was done: the runs, newest first, and the applied changes, by mapping and by run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.core.history import AskedSync, SyncChange, SyncRun
from shared.core.jobs import RunPurpose
from shared.core.states import RunState
from shared.errors import RowExists
from shared.ports import Stored
from shared.store.codec import SCHEMA, columns_of, key_text, value_of
from shared.store.mappings import delete_all
from shared.store.prune import forget_older
from shared.store.rows import (
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ROWS,
    PAGE_SIZE,
    Insert,
    Replace,
    Row,
    Span,
    Table,
    Tables,
    after,
    check,
)

_QUEUED, _BY_EVENT, _KEYED = "r|", "e|", "k|"
_ENDED = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED)
_RUN_BODY = ("failures", "outcome", "stage", "request", "tally")
_CHANGE_BODY = ("before", "after", "rule", "pair")
_LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - datetime.min.replace(tzinfo=UTC)) // timedelta(microseconds=1)


class TableRuns:
    """``Runs`` on tables.

    In the integration's partition: ``r|{reversed time}|{runId}`` the run, so that the order of keys is newest first,
    and ``p|{runId}`` which tells that key. What event jobs recorded is ``e|{reversed time}|{runId}``: who looks for a
    run that waits or has died need not read through it. ``k|{keyId}`` is what a caller's key stands for.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def insert(self, run: SyncRun) -> Stored[SyncRun]:
        """Insert; ``RowExists``."""
        row = _run_row(run)
        pointer = Row(
            partition=row.partition, key=_run_pointer(run.run_id), columns={"schema": SCHEMA, "target": row.key}
        )
        tags = await self._tables.transact(Table.HISTORY, [Insert(row), Insert(pointer)])
        return Stored(value=run, tag=tags[0])

    async def get(self, integration_id: str, run_id: str) -> Stored[SyncRun] | None:
        """Return the run. Two reads."""
        partition = key_text(integration_id)
        pointer = await self._tables.get(Table.HISTORY, partition, _run_pointer(run_id))
        if pointer is None:
            return None
        row = await self._tables.get(Table.HISTORY, partition, str(pointer.columns["target"]))
        return _stored_run(row) if row else None

    async def save(self, stored: Stored[SyncRun]) -> Stored[SyncRun]:
        """Replace; ``RowChanged``. The row is found by ``queued_at`` and the id, which never change."""
        tag = await self._tables.write(Table.HISTORY, Replace(_run_row(stored.value), stored.tag))
        return replace(stored, tag=tag)

    async def recent(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest runs that were queued, newest first."""
        return await self._newest(integration_id, _QUEUED, limit)

    async def history(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest runs, and the newest that event jobs recorded. Two queries."""
        found = [run for place in (_QUEUED, _BY_EVENT) for run in await self._newest(integration_id, place, limit)]
        return tuple(sorted(found, key=lambda run: _order(run.value)))

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove runs that were queued before then and have ended, with their pointers; return how many."""
        partition, ended, found = key_text(integration_id), {str(state) for state in _ENDED}, list[Row]()
        last = _since_the_end(before - timedelta(microseconds=1))
        for place in (_QUEUED, _BY_EVENT):
            span = Span(
                partition=partition,
                key_from=f"{place}{last}",
                key_to=after(place),
                columns=("runId", "state"),
            )
            async for page in self._tables.query(Table.HISTORY, span):
                found += [row for row in page if row.columns.get("state") in ended]
                if len(found) >= limit:
                    break
        found = found[:limit]
        pointers = [Row(partition=partition, key=_run_pointer(str(row.columns["runId"]))) for row in found]
        # The pointer first: what is left of a removal that broke off is then found again by its time.
        await delete_all(
            self._tables, Table.HISTORY, [row for pair in zip(pointers, found, strict=True) for row in pair]
        )
        keys = Span.prefix(partition, _KEYED)
        room = limit - len(found)
        return len(found) + await forget_older(self._tables, Table.HISTORY, keys, "askedAt", before, limit=room)

    async def ask(self, asked: AskedSync) -> AskedSync:
        """Remember what the key stands for, and return it: what was remembered first, if something was."""
        partition = key_text(asked.integration_id)
        row = Row(partition=partition, key=f"{_KEYED}{key_text(asked.key_id)}", columns=columns_of(asked))
        try:
            await self._tables.write(Table.HISTORY, Insert(row))
        except RowExists:
            return await self.asked(asked.integration_id, asked.key_id) or asked
        return asked

    async def asked(self, integration_id: str, key_id: str) -> AskedSync | None:
        """Return what the key stands for. One read."""
        row = await self._tables.get(Table.HISTORY, key_text(integration_id), f"{_KEYED}{key_text(key_id)}")
        return value_of(AskedSync, row) if row else None

    async def _newest(self, integration_id: str, place: str, limit: int) -> tuple[Stored[SyncRun], ...]:
        found: list[Stored[SyncRun]] = []
        span = Span.prefix(key_text(integration_id), place)
        if limit < 1:
            return ()
        async for page in self._tables.query(Table.HISTORY, span, page_size=min(limit, PAGE_SIZE)):
            found += [_stored_run(row) for row in page]
            if len(found) >= limit:
                break
        return tuple(found[:limit])


class TableChanges:
    """``Changes`` on tables.

    In the integration's partition a change has a row of its own under its mapping, ``m|{mappingId}|{changeId}``, and
    one under its run, ``r|{runId}|{changeId}``; both are whole and come in one transaction.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def append(self, changes: Sequence[SyncChange]) -> None:
        """Add rows; a repeated ``change_id`` is quiet, and what was said first stays."""
        for group in _groups(changes):
            try:
                await self._tables.transact(Table.CHANGES, [Insert(row) for rows in group for row in rows])
            except RowExists:
                for rows in group:
                    await self._insert(rows)

    async def of_mapping(self, integration_id: str, mapping_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one mapping, oldest first."""
        return await self._read(integration_id, f"m|{key_text(mapping_id)}|")

    async def of_run(self, integration_id: str, run_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one run, oldest first."""
        return await self._read(integration_id, f"r|{key_text(run_id)}|")

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove the rows of changes made before then; return how many rows. Their keys hold no time: all are read."""
        return await forget_older(
            self._tables, Table.CHANGES, Span(partition=key_text(integration_id)), "at", before, limit=limit
        )

    async def _insert(self, rows: Sequence[Row]) -> None:
        try:
            await self._tables.transact(Table.CHANGES, [Insert(row) for row in rows])
        except RowExists:
            return

    async def _read(self, integration_id: str, prefix: str) -> tuple[SyncChange, ...]:
        found: list[SyncChange] = []
        async for page in self._tables.query(Table.CHANGES, Span.prefix(key_text(integration_id), prefix)):
            found += [value_of(SyncChange, row) for row in page]
        return tuple(sorted(found, key=lambda change: (change.at, change.change_id)))


def _run_row(run: SyncRun) -> Row:
    place = _BY_EVENT if run.request.purpose is RunPurpose.EVENT else _QUEUED
    key = f"{place}{_order(run)}"
    return Row(partition=key_text(run.integration_id), key=key, columns=columns_of(run, body=_RUN_BODY))


def _order(run: SyncRun) -> str:
    """Return what sorts the newest run first."""
    return f"{_since_the_end(run.queued_at)}|{key_text(run.run_id)}"


def _since_the_end(moment: datetime) -> str:
    elapsed = (moment.astimezone(UTC) - datetime.min.replace(tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{_LAST_MICROSECOND - elapsed:018d}"


def _stored_run(row: Row) -> Stored[SyncRun]:
    return Stored(value=value_of(SyncRun, row), tag=row.tag)


def _run_pointer(run_id: str) -> str:
    return f"p|{key_text(run_id)}"


def _change_rows(change: SyncChange) -> tuple[Row, ...]:
    """Return the rows of a change: under its mapping, and under its run if it has one."""
    partition, last = key_text(change.integration_id), key_text(change.change_id)
    columns = columns_of(change, body=_CHANGE_BODY)
    keys = [f"m|{key_text(change.mapping_id)}|{last}"]
    keys += [f"r|{key_text(change.run_id)}|{last}"] if change.run_id else []
    return tuple(Row(partition=partition, key=key, columns=columns) for key in keys)


def _groups(changes: Sequence[SyncChange]) -> Iterator[list[tuple[Row, ...]]]:
    """Yield the rows of as many changes as one transaction takes; a change repeated in the sequence counts once."""
    group: list[tuple[Row, ...]] = []
    count = size = 0
    for change in {(change.integration_id, change.change_id): change for change in reversed(changes)}.values():
        rows = _change_rows(change)
        weight = sum(check(Insert(row)) for row in rows)
        full = count + len(rows) > MAX_TRANSACTION_ROWS or size + weight > MAX_TRANSACTION_BYTES
        if group and (full or group[0][0].partition != rows[0].partition):
            yield group
            group, count, size = [], 0, 0
        group.append(rows)
        count += len(rows)
        size += weight
    if group:
        yield group
