"""OData query options of event and calendar lists; what Graph refuses is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.graph.errors import GraphError, bad_request
from local.graph.zones import instant

_OF_COLLECTIONS = frozenset({"$filter", "$orderby", "$top", "$skip", "$count"})
LIST_OPTIONS = _OF_COLLECTIONS | {"$select", "$expand"}
_ANY = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*\1/id\s+eq\s+'((?:[^']|'')*)'\s+and\s+"
    r"(?:cast\()?\1/value(?:,\s*Edm\.\w+\))?\s+(eq|ne)\s+'((?:[^']|'')*)'\s*\)",
    re.IGNORECASE,
)
_ID = re.compile(r"\s*id\s+eq\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_COMPARE = re.compile(r"([\w/]+)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[\w:.+-]+)")
_TIMES = frozenset(["start/dateTime", "end/dateTime", "lastModifiedDateTime", "createdDateTime"])
_FLAGS = frozenset(["isAllDay", "isCancelled", "isOrganizer", "isDefaultCalendar"])
_COMPARABLE = {
    "event": _TIMES
    | (_FLAGS - {"isDefaultCalendar"})
    | {"subject", "iCalUId", "uid", "importance", "sensitivity", "showAs", "type"},
    "calendar": frozenset(["name", "isDefaultCalendar"]),
}
_SORTABLE = {"event": _TIMES | {"subject"}, "calendar": frozenset(["name"])}
_EXPANDABLE = {
    "event": frozenset(
        ["singleValueExtendedProperties", "extensions", "exceptionOccurrences", "calendar", "attachments"]
    ),
    "calendar": frozenset(["singleValueExtendedProperties"]),
}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}
Found = dict[str, Any]
Test = Callable[[Found, dict[str, str]], bool]
"""Takes an event as read in UTC and its extended properties."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expand:
    """One expanded navigation; ``ids`` come from its ``$filter``."""

    name: str
    ids: tuple[str, ...] = ()


def select(query: dict[str, str], allowed: frozenset[str], kind: str = "event") -> frozenset[str] | None:
    """Return the selected members; an unknown one is 400."""
    if "$select" not in query:
        return None
    names = [name.strip() for name in query["$select"].split(",") if name.strip()]
    for name in names:
        if name.partition("/")[0] not in allowed:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.{kind}'."
            )
    return frozenset(name.partition("/")[0] for name in names)


def expand(query: dict[str, str], kind: str = "event") -> tuple[Expand, ...]:
    """Return what is expanded; extended properties need a ``$filter`` on their ids (S36)."""
    made = []
    for part in _split(query.get("$expand", "")):
        name, _, options = part.partition("(")
        name = name.strip()
        if name not in _EXPANDABLE[kind]:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.{kind}'."
            )
        ids = _filter_ids(options.rstrip(") ")) if "$filter" in options else ()
        if name == "singleValueExtendedProperties" and not ids:
            raise bad_request("Expanding extended properties needs a $filter on their ids.")
        made.append(Expand(name=name, ids=ids))
    return tuple(made)


def _split(written: str) -> list[str]:
    """Split at commas outside parentheses and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for char in written:
        if char == "'":
            quoted = not quoted
        depth += 0 if quoted else {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += char
    return [part for part in (*parts, current) if part.strip()]


def _filter_ids(options: str) -> tuple[str, ...]:
    clause = options.partition("$filter=")[2].partition(";")[0]
    found = []
    for part in re.split(r"\s+or\s+", clause):
        match = _ID.fullmatch(part)
        if match is None:
            raise bad_request("Invalid filter clause in $expand.")
        found.append(match[1].replace("''", "'"))
    return tuple(found)


def where(query: dict[str, str], kind: str = "event") -> tuple[Test, ...]:
    """Return the tests of a ``$filter``, joined by ``and``; other clauses are refused."""
    rest = query.get("$filter", "").strip()
    tests: list[Test] = []
    while rest:
        match = _ANY.match(rest) or _COMPARE.match(rest)
        if match is None:
            raise _invalid_filter()
        tests.append(_any(match) if match.re is _ANY else _compare(match, kind))
        rest = rest[match.end() :].strip()
        if rest:
            if not rest.lower().startswith("and "):
                raise _invalid_filter()
            rest = rest[4:].strip()
    return tuple(tests)


def _invalid_filter() -> GraphError:
    return GraphError(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")


def _any(match: re.Match[str]) -> Test:
    key, operator, wanted = match[2].replace("''", "'"), match[3].lower(), match[4].replace("''", "'")
    if operator == "ne":
        return lambda _, extended: key in extended and extended[key] != wanted
    return lambda _, extended: extended.get(key) == wanted


def _compare(match: re.Match[str], kind: str) -> Test:
    name, operator, literal = match[1], match[2], match[3]
    if name not in _COMPARABLE[kind] or (name in _FLAGS and operator not in ("eq", "ne")):
        raise _invalid_filter()
    wanted = _literal(name, literal)
    test = _TESTS[operator]

    def holds(event: Found, _: dict[str, str]) -> bool:
        value = member(event, name)
        return test(value, wanted)

    return holds


def _literal(name: str, literal: str) -> Any:
    """Return what a member is compared with; of another type than the member's it is no filter."""
    quoted = literal.startswith("'")
    value = literal[1:-1].replace("''", "'") if quoted else literal
    if name in _TIMES:
        return _time(value)
    if quoted is (name in _FLAGS) or (not quoted and literal not in ("true", "false")):
        raise _invalid_filter()
    return value if quoted else literal == "true"


def _time(value: str) -> datetime:
    try:
        return instant(value.replace(" ", "+"))
    except ValueError:
        raise _invalid_filter() from None


def member(event: Found, name: str) -> Any:
    """Return a member by its path; times as instants."""
    first, _, second = name.partition("/")
    value = event[first][second] if second else event[first]
    return _time(value) if name in _TIMES else value


def order(query: dict[str, str], kind: str = "event") -> tuple[tuple[str, bool], ...]:
    """Return member and direction (True: descending) for each part of ``$orderby``."""
    parts = []
    for part in query.get("$orderby", "").split(","):
        if not part.strip():
            continue
        name, _, direction = part.strip().partition(" ")
        if name not in _SORTABLE[kind] or direction.strip() not in ("", "asc", "desc"):
            raise bad_request(f"The $orderby clause '{part.strip()}' is not supported.")
        parts.append((name, direction.strip() == "desc"))
    return tuple(parts)


def number(query: dict[str, str], name: str, default: int, *, low: int = 0, high: int = 10**9) -> int:
    """Return ``$top`` or ``$skip``."""
    if name not in query:
        return default
    value = query[name]
    if not value.isdigit() or not low <= int(value) <= high:
        raise bad_request(f"Invalid value '{value}' for {name} query option found.")
    return int(value)


def refuse_collection_options(query: dict[str, str]) -> None:
    """Refuse what makes no sense of a single resource (the words: msgraph-sdk-powershell #2466)."""
    if not query.keys().isdisjoint(_OF_COLLECTIONS):
        raise bad_request(
            "The query specified in the URI is not valid. The requested resource is not a collection. Query options "
            "$filter, $orderby, $count, $skip, and $top can be applied only on collections."
        )


def refuse_others(query: dict[str, str], allowed: frozenset[str]) -> None:
    """Refuse system query options that do not go here."""
    for name in query:
        if name.startswith("$") and name not in allowed:
            raise bad_request(f"The query parameter '{name}' is not supported.")
