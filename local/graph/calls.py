"""One request and one answer, whether they come alone or inside a ``$batch``."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.graph.auth import Caller
from local.graph.prefer import Prefer
from local.graph.state import Mailbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A checked request. ``segments`` are decoded path segments after ``/v1.0`` and ``/me``; ``query`` names are
    lower case; ``sized`` says whether the request had a length (411 otherwise, S26)."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    sized: bool
    base: str
    caller: Caller
    mailbox: Mailbox
    prefer: Prefer


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What goes back. ``body`` None means no content."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def split_path(raw_path: str) -> tuple[str, ...]:
    """Return the decoded segments of a raw path; ``calendars('x')`` becomes two (OData's key form), ``delta()`` is
    ``delta``: msgraph-sdk calls functions with their parentheses."""
    segments: list[str] = []
    for raw in raw_path.strip("/").split("/"):
        segment = unquote(raw)
        if segment.endswith("')") and "('" in segment:
            name, _, key = segment[:-2].partition("('")
            segments += [name, key.replace("''", "'")]
        else:
            segments.append(segment.removesuffix("()"))
    return tuple(segments)


def split_query(raw_query: str) -> dict[str, str]:
    """Return query options by lower-case name."""
    return {name.lower(): value for name, value in parse_qsl(raw_query, keep_blank_values=True)}
