"""How our values become rows and rows our values again. Nothing else knows the columns.

A row holds ``schema``, a column for each short plain member (so that an operator can read and filter them), and the
rest - event contents, payloads, MSAL's flows, long texts - as JSON, compressed, in the binary columns ``body0``,
``body1`` ... Names are the fields' in camelCase. Members that a row does not have take the field's default, members
that the field list does not have are ignored: versions of the service beside each other read each other's rows.
"""

import dataclasses
import hashlib
import json
import re
import types
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import quote

from shared.core.event import AllDay, Timed
from shared.errors import StoreFault
from shared.store.rows import Property, Row

T = TypeVar("T")

SCHEMA = 1
_SCHEMA_COLUMN = "schema"
_BODY = "body"
_PART_BYTES = 60 * 1024
_LONGEST_COLUMN = 1024
_LONGEST_IN_KEY = 255
_KINDS: Mapping[type, str] = {Timed: "timed", AllDay: "allDay"}
_KIND = "kind"
_PLAIN = (str, int, bool)
_Decoder = Callable[[Any], Any]


def key_text(text: str) -> str:
    """Return the text as a part of a key: percent-encoded, with ``=`` for the ``%`` that keys had better not hold.

    Different texts give different keys. A text that would take too much of a key is replaced by its SHA-256; ``=s``
    cannot come from encoding.
    """
    encoded = quote(text, safe="").replace("%", "=")
    if len(encoded) > _LONGEST_IN_KEY:
        return f"=sha256={sha256(text)}"
    return encoded


def sha256(text: str) -> str:
    """Return the SHA-256 of the text in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def columns_of(value: Any, *, body: Iterable[str] = (), leave_out: Iterable[str] = ()) -> dict[str, Property]:
    """Return the columns of a dataclass. ``body`` names fields that are never readable columns, however short."""
    hidden, absent = set(body), set(leave_out)
    columns: dict[str, Property] = {_SCHEMA_COLUMN: SCHEMA}
    rest: dict[str, object] = {}
    for field in dataclasses.fields(value):
        member = to_json(getattr(value, field.name))
        if member is None or field.name in absent:
            continue
        if field.name in hidden or not _is_short(member):
            rest[camel(field.name)] = member
        else:
            columns[camel(field.name)] = cast(Property, member)
    return columns | packed(rest)


def value_of(kind: type[T], row: Row, **given: object) -> T:
    """Return the value of a row, with the fields that the row does not hold as ``given``; ``StoreFault`` if broken."""
    if cast(int, row.columns.get(_SCHEMA_COLUMN, SCHEMA)) > SCHEMA:
        raise StoreFault(f"a {kind.__name__} row was written by a newer version of this service")
    try:
        members = {**row.columns, **unpacked(row.columns), **{camel(name): item for name, item in given.items()}}
        return cast(T, from_json(kind, members))
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise StoreFault(f"a {kind.__name__} row cannot be read: {type(error).__name__}") from error


def packed(members: Mapping[str, object]) -> dict[str, Property]:
    """Return JSON members as compressed binary columns of up to 60 KiB; no columns for no members."""
    if not members:
        return {}
    # Surrogates that stand alone can come with a foreign event; JSON's ASCII form carries them.
    compressed = zlib.compress(json.dumps(members, separators=(",", ":")).encode("ascii"))
    parts = range(0, len(compressed), _PART_BYTES)
    return {f"{_BODY}{number}": compressed[start : start + _PART_BYTES] for number, start in enumerate(parts)}


def unpacked(columns: Mapping[str, Property]) -> dict[str, object]:
    """Return the members that ``packed`` put into the columns."""
    parts: list[bytes] = []
    while isinstance(part := columns.get(f"{_BODY}{len(parts)}"), bytes):
        parts.append(part)
    if not parts:
        return {}
    return cast(dict[str, object], json.loads(zlib.decompress(b"".join(parts))))


def to_json(value: object) -> Any:
    """Return the value as JSON has it. Aware times become UTC; sets become sorted lists."""
    match value:
        case Enum():
            return value.value
        case None | str() | int() | bool():
            return value
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case frozenset():
            return sorted(to_json(item) for item in value)
        case tuple() | list():
            return [to_json(item) for item in value]
        case Mapping():
            return {str(name): to_json(item) for name, item in value.items()}
    return _object(value)


def from_json(kind: Any, value: Any) -> Any:
    """Return the value of this type (a class, or ``X | None``, ``tuple[X, ...]``, ``frozenset[X]``) from its JSON."""
    return _decoder(kind)(value)


def instant_text(moment: datetime) -> str:
    """Return an aware time as UTC text that sorts as the times do."""
    if moment.tzinfo is None:
        raise StoreFault("a time without a zone cannot be stored")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@cache
def camel(name: str) -> str:
    """Return a field's name as rows and messages have it."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _is_short(member: object) -> bool:
    if isinstance(member, str):
        # A surrogate that stands alone is no UTF-8 and would not travel as a column.
        return len(member) <= _LONGEST_COLUMN and member.isprintable()
    return isinstance(member, _PLAIN)


def _object(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value):
        raise StoreFault(f"{type(value).__name__} cannot be stored")
    members = {camel(field.name): to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    present = {name: member for name, member in members.items() if member is not None}
    kind = _KINDS.get(type(value))
    return {_KIND: kind, **present} if kind else present


@cache
def _decoder(kind: Any) -> _Decoder:
    """Return what turns JSON into a value of this type; made once a type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin in (tuple, frozenset):
        item = _decoder(arguments[0])
        return lambda value: origin(item(member) for member in value)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is date:
        return date.fromisoformat
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return lambda value: value


def _union(arguments: tuple[Any, ...]) -> _Decoder:
    kinds = [argument for argument in arguments if argument is not types.NoneType]
    if len(kinds) == 1:
        only = _decoder(kinds[0])
        return lambda value: None if value is None else only(value)
    decoders = {_KINDS[kind]: _decoder(kind) for kind in kinds}
    return lambda value: None if value is None else decoders[value[_KIND]](value)


def _dataclass(kind: type[Any]) -> _Decoder:
    hints = get_type_hints(kind)
    fields = [(field.name, camel(field.name), _decoder(hints[field.name])) for field in dataclasses.fields(kind)]
    # What JSON leaves out is None, unless the field has a default of its own.
    missing = {
        field.name: None
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and types.NoneType in get_args(hints[field.name])
    }

    def decode(members: Mapping[str, Any]) -> Any:
        found = {name: decoder(members[key]) for name, key, decoder in fields if key in members}
        return kind(**{**missing, **found})

    return decode
