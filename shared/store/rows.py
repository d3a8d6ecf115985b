"""What a table holds and what can be asked of it: rows, conditional writes, and the ``Tables`` port they go through.

The names of the tables are here, and the limits of the real service. The emulator enforces only some of them (it
takes an entity of more than 1 MiB and more than 252 properties, and answers a transaction of 101 with garbage), so
they are checked before anything is sent. Source of the limits: "Understanding the Table service data model" and
"Scalability and performance targets for Table storage".
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import Protocol

from shared.errors import StoreFault

Property = str | int | bool | bytes
"""What a column may hold. Times are text (ISO 8601, UTC), which sorts and loses no microsecond."""

PAGE_SIZE = 1000
MAX_TRANSACTION_ROWS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
_MAX_ENTITY_BYTES = 1024 * 1024
_MAX_PROPERTIES = 252  # 255 with PartitionKey, RowKey, Timestamp
_MAX_PROPERTY_BYTES = 64 * 1024
_MAX_TEXT_UNITS = 32 * 1024
_MAX_KEY_BYTES = 1024
_MAX_NAME = 255
_SYSTEM_PROPERTIES = frozenset({"PartitionKey", "RowKey", "Timestamp"})
INT32 = range(-(2**31), 2**31)
"""What travels as Int32; a whole number beyond it has to be marked as Int64."""
_FORBIDDEN_IN_KEYS = frozenset("/\\#?%+") | {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
_PART_OVERHEAD = 1024
"""The headers of a part of a transaction, and what frames its URL and its entity."""
_COLUMN_OVERHEAD = 48
"""What frames a column in JSON, where its type stands beside its value."""


class Table(StrEnum):
    """The tables of the service."""

    INTEGRATIONS = "OutlookIntegrations"
    ACCOUNTS = "OutlookAccounts"
    MAPPINGS = "OutlookEventMappings"
    HISTORY = "OutlookSyncHistory"
    CHANGES = "OutlookChanges"
    CONFLICTS = "OutlookConflicts"
    RULES = "OutlookRules"
    CONFIRMATIONS = "OutlookConfirmations"
    SUBSCRIPTIONS = "OutlookSubscriptions"
    AUTH_STATES = "OutlookAuthStates"
    DUE = "OutlookDue"
    RUN_ITEMS = "OutlookRunItems"
    MEETINGS = "OutlookMeetings"
    RATE_LIMITS = "OutlookRateLimits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entity. ``tag`` is its ETag as read; empty on a row that was not read."""

    partition: str
    key: str
    columns: Mapping[str, Property] = field(default_factory=dict)
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert if absent; otherwise ``RowExists``."""

    row: Row


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the whole row on condition of the tag; otherwise ``RowChanged``."""

    row: Row
    tag: str


@dataclass(frozen=True, slots=True)
class Upsert:
    """Insert, or replace whatever is there."""

    row: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete on condition of the tag; ``*`` takes any version. ``RowChanged`` if that version is not there."""

    row: Row
    tag: str = "*"


Operation = Insert | Replace | Upsert | Delete


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which rows a query reads: one partition, or a range of them, and a range of row keys. Upper ends are exclusive.

    ``columns`` limits what is returned; empty means everything.
    """

    partition: str = ""
    partition_from: str = ""
    partition_to: str = ""
    key_from: str = ""
    key_to: str = ""
    columns: tuple[str, ...] = ()

    @classmethod
    def prefix(cls, partition: str, prefix: str, *, columns: tuple[str, ...] = ()) -> "Span":
        """Return the rows of a partition whose key begins with ``prefix``, which ends in an ASCII character."""
        return cls(partition=partition, key_from=prefix, key_to=after(prefix), columns=columns)


OnOperation = Callable[[str, str], None]
"""Told (operation, table) before each request to the service: what tests and logs count."""


class Tables(Protocol):
    """Table storage. Besides what each method names: ``Throttled``, ``Unavailable``, ``OperatorFault``, ``StoreFault``.

    Each call is one request, but for ``query``, which is one a page.
    """

    async def get(self, table: Table, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        ...

    async def write(self, table: Table, operation: Operation) -> str:
        """Carry out one write; return the new tag, empty after a delete."""
        ...

    async def transact(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Carry out up to 100 writes in one partition, all or none; return the new tags in their order."""
        ...

    def query(self, table: Table, span: Span, *, page_size: int = PAGE_SIZE) -> AsyncIterator[tuple[Row, ...]]:
        """Yield pages of rows in the order of their keys. A page may be empty."""
        ...


def after(prefix: str) -> str:
    """Return the smallest key that is greater than every key with this prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def check(operation: Operation) -> int:
    """Return how many bytes the write takes in a transaction at most; ``StoreFault`` if the service would refuse it."""
    row = operation.row
    for name, key in (("PartitionKey", row.partition), ("RowKey", row.key)):
        _check_key(name, key)
    if isinstance(operation, Delete):
        return _PART_OVERHEAD + _keys_on_wire(row)
    if len(row.columns) > _MAX_PROPERTIES:
        raise StoreFault(f"a row has {len(row.columns)} properties, more than {_MAX_PROPERTIES}")
    sizes = [_column_size(name, value) for name, value in row.columns.items()]
    size = 4 + 2 * _key_size(row) + sum(sizes)
    if size > _MAX_ENTITY_BYTES:
        raise StoreFault(f"a row takes {size} bytes, more than {_MAX_ENTITY_BYTES}")
    return _PART_OVERHEAD + _keys_on_wire(row) + sum(_on_wire(name, value) for name, value in row.columns.items())


def check_transaction(operations: Sequence[Operation]) -> None:
    """Raise ``StoreFault`` where the service would refuse these writes as one transaction."""
    if not 1 <= len(operations) <= MAX_TRANSACTION_ROWS:
        raise StoreFault(f"a transaction has 1 to {MAX_TRANSACTION_ROWS} operations, not {len(operations)}")
    if len({operation.row.partition for operation in operations}) > 1:
        raise StoreFault("a transaction stays in one partition")
    if len({operation.row.key for operation in operations}) < len(operations):
        raise StoreFault("a transaction touches a row once")
    size = sum(check(operation) for operation in operations)
    if size > MAX_TRANSACTION_BYTES:
        raise StoreFault(f"a transaction takes {size} bytes, more than {MAX_TRANSACTION_BYTES}")


def _check_key(name: str, key: str) -> None:
    if not key or len(key.encode("utf-8", "surrogatepass")) > _MAX_KEY_BYTES:
        raise StoreFault(f"{name} is empty or longer than {_MAX_KEY_BYTES} bytes")
    if not key.isascii() and any("\ud800" <= character <= "\udfff" for character in key):
        raise StoreFault(f"{name} holds half a character")
    if found := _FORBIDDEN_IN_KEYS.intersection(key):
        raise StoreFault(f"{name} holds a character that keys may not have: {sorted(map(ord, found))}")


def _key_size(row: Row) -> int:
    return _units(row.partition) + _units(row.key)


def _keys_on_wire(row: Row) -> int:
    """Keys stand in the URL, each byte of UTF-8 as three characters, and in the entity."""
    return sum(3 * len(key.encode()) + 6 * _units(key) for key in (row.partition, row.key))


def _on_wire(name: str, value: Property) -> int:
    """A column is JSON of ASCII alone: six characters for a unit of other writing, base64 for bytes."""
    if isinstance(value, str):
        shown = len(encode_basestring_ascii(value))
    else:
        shown = 4 * (len(value) // 3 + 1) if isinstance(value, bytes) else len(str(value))
    return _name_on_wire(name) + shown


@cache
def _name_on_wire(name: str) -> int:
    """The service has few names of columns, and asks about each of them a hundred times a second in a run."""
    return _COLUMN_OVERHEAD + 2 * len(json.dumps(name))


@cache
def _name_size(name: str) -> int:
    if not name.isidentifier() or name in _SYSTEM_PROPERTIES or _units(name) > _MAX_NAME:
        raise StoreFault(f"{name[:20]!r} is no property name, or longer than {_MAX_NAME}")
    return 8 + 2 * _units(name)


def _units(text: str) -> int:
    """Return the length as the service counts it, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _column_size(name: str, value: Property) -> int:
    named = _name_size(name)
    match value:
        case bool():
            size = 1
        case int():
            if not -(2**63) <= value < 2**63:
                raise StoreFault(f"{name} does not fit 64 bits")
            size = 4 if value in INT32 else 8
        case str():
            units = _units(value)
            if units > _MAX_TEXT_UNITS:
                raise StoreFault(f"{name} has {units} UTF-16 units, more than {_MAX_TEXT_UNITS}")
            size = 2 * units + 4
        case bytes():
            if len(value) > _MAX_PROPERTY_BYTES:
                raise StoreFault(f"{name} has {len(value)} bytes, more than {_MAX_PROPERTY_BYTES}")
            size = len(value) + 4
    return named + size
