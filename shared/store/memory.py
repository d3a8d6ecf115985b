"""Tables, queues and secrets in memory, with the manners of the real ones. For tests, and for tools without storage."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

from shared.core.jobs import Message
from shared.errors import RowChanged, RowExists
from shared.store import messages
from shared.store.rows import (
    PAGE_SIZE,
    Delete,
    Insert,
    OnOperation,
    Operation,
    Replace,
    Row,
    Span,
    Table,
    check,
    check_transaction,
)
from shared.store.secrets import check_secret
from shared.store.tables import quiet

_Rows = dict[tuple[str, str], Row]


class MemoryTables:
    """``Tables`` in a dictionary: the same conditions, limits, order and pages.

    ``before`` is called with (operation, table) before each request and may raise, as a failing service would.
    """

    def __init__(self, *, on_operation: OnOperation = quiet, before: Callable[[str, str], None] = quiet) -> None:
        self._rows: defaultdict[Table, _Rows] = defaultdict(dict)
        self._versions = itertools.count(1)
        self._on_operation = on_operation
        self.before = before

    async def get(self, table: Table, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        await self._request("get", table)
        return self._rows[table].get((partition, key))

    async def write(self, table: Table, operation: Operation) -> str:
        """Carry out one write; return the new tag, empty after a delete."""
        check(operation)
        await self._request(type(operation).__name__.lower(), table)
        return self._apply(self._rows[table], operation)

    async def transact(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Carry out up to 100 writes in one partition, all or none; return the new tags in their order."""
        check_transaction(operations)
        await self._request("transact", table)
        changed = dict(self._rows[table])
        tags = tuple(self._apply(changed, operation) for operation in operations)
        self._rows[table] = changed
        return tags

    async def query(self, table: Table, span: Span, *, page_size: int = PAGE_SIZE) -> AsyncIterator[tuple[Row, ...]]:
        """Yield pages of rows in the order of their keys."""
        size = min(page_size, PAGE_SIZE)
        found = sorted(key for key in self._rows[table] if _within(span, *key))
        for start in range(0, max(len(found), 1), size):
            await self._request("query", table)
            rows = self._rows[table]
            yield tuple(_narrowed(rows[key], span) for key in found[start : start + size] if key in rows)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _request(self, operation: str, table: Table) -> None:
        # A real request lets others run; without that no race would ever show.
        await asyncio.sleep(0)
        self._on_operation(operation, table)
        self.before(operation, table)

    def _apply(self, rows: _Rows, operation: Operation) -> str:
        row = operation.row
        key = (row.partition, row.key)
        present = rows.get(key)
        if isinstance(operation, Insert) and present:
            raise RowExists
        if isinstance(operation, Replace | Delete) and (present is None or operation.tag not in ("*", present.tag)):
            raise RowChanged
        if isinstance(operation, Delete):
            del rows[key]
            return ""
        tag = f"W/\"datetime'{next(self._versions):012d}'\""
        rows[key] = replace(row, columns=dict(row.columns), tag=tag)
        return tag


def _within(span: Span, partition: str, key: str) -> bool:
    return (
        (not span.partition or partition == span.partition)
        and partition >= span.partition_from
        and (not span.partition_to or partition < span.partition_to)
        and key >= span.key_from
        and (not span.key_to or key < span.key_to)
    )


def _narrowed(row: Row, span: Span) -> Row:
    if not span.columns:
        return row
    return replace(row, columns={name: value for name, value in row.columns.items() if name in span.columns})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A message that waits: its text before base64, and the delay that it was sent with."""

    queue: str
    text: str
    delay_seconds: float = 0


@dataclass(kw_only=True)
class MemoryJobQueue:
    """``JobQueue`` in a list. ``fault`` is raised by ``put`` while it is set."""

    waiting: list[QueuedMessage] = field(default_factory=list)
    fault: Exception | None = None

    async def put(self, job: Message, *, delay_seconds: float = 0) -> None:
        """Enqueue, in as many messages as the real queue would get."""
        if self.fault is not None:
            raise self.fault
        queue = messages.queue_of(job)
        self.waiting += [
            QueuedMessage(queue=queue, text=text, delay_seconds=delay_seconds) for text in messages.to_texts(job)
        ]

    def parse(self, text: str) -> Message:
        """Return the job in a message's text; ``InvalidInput`` if it is none."""
        return messages.parse(text)

    def take(self, queue: str = "") -> tuple[Message, ...]:
        """Return and remove what waits on the queue, or on all of them, whatever the delay."""
        taken = [message for message in self.waiting if queue in ("", message.queue)]
        self.waiting = [message for message in self.waiting if message not in taken]
        return tuple(messages.parse(message.text) for message in taken)


class MemorySecrets:
    """``Secrets`` in a dictionary."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = dict(values or {})

    async def get(self, name: str) -> str | None:
        """Return the value, or None."""
        check_secret(name)
        return self.values.get(name)

    async def put(self, name: str, value: str) -> None:
        """Store."""
        check_secret(name, value)
        self.values[name] = value

    async def remove(self, name: str) -> None:
        """Delete; quiet when there is none."""
        check_secret(name)
        self.values.pop(name, None)
