"""What goes between the host and its worker process: values of triggers and outputs, and how an invocation ended.

The shapes are those of the worker library's own intermediate values, without its classes: the host does not load it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Value:
    """One value. ``type`` is ``string``, ``json``, ``bytes`` or ``http``; that of ``http`` is a dict of plain members.

    A request has ``method``, ``url``, ``headers``, ``query``, ``params`` and ``body``; a response ``status_code``,
    ``headers``, ``cookies`` (as header values) and ``body``.
    """

    value: Any
    type: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an invocation ended. ``error`` and ``trace`` are texts; ``outputs`` are the values set on output bindings."""

    succeeded: bool
    returned: Value | None = None
    outputs: tuple[tuple[str, Value], ...] = ()
    error: str = ""
    trace: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What a function sees as ``context.retry_context``."""

    count: int = 0
    maximum: int = 0
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of one function, as the worker process gets it."""

    id: str
    function: str
    function_id: str
    parameter: str
    value: Value
    metadata: Mapping[str, str]
    trace_parent: str
    retry: Attempt


def text(value: str) -> Value:
    """Wrap a string for the worker."""
    return Value(value, "string")


def json_text(value: str) -> Value:
    """Wrap a JSON document for the worker."""
    return Value(value, "json")


def http_request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
) -> Value:
    """Wrap an HTTP request for the worker; ``params`` are the route's parameters."""
    members = {"method": method, "url": url, "headers": headers, "query": query, "params": params, "body": body}
    return Value(members, "http")
