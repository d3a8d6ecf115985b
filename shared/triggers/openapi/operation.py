"""What the document has to be told about an operation: all that the registered function does not say of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from shared.triggers.http import Registered

JSON = "application/json"
TEXT = "text/plain"
ALWAYS: Mapping[int, tuple[str, ...]] = {500: ("configuration", "internal"), 503: ("busy", "unavailable")}
SIGNED_IN: Mapping[int, tuple[str, ...]] = {401: ("not_signed_in", "token_expired")}
CONNECTED: Mapping[int, tuple[str, ...]] = {404: ("not_connected",)}
SYNCING: Mapping[int, tuple[str, ...]] = {409: ("disconnecting", "needs_reconnect", "paused")}
AT_MICROSOFT: Mapping[int, tuple[str, ...]] = {409: ("needs_reconnect", "calendar_unavailable")}
LIMITED: Mapping[int, tuple[str, ...]] = {429: ("too_many_requests",)}
WITH_BODY: Mapping[int, tuple[str, ...]] = {400: ("invalid_body",), 413: ("body_too_large",)}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A parameter in the query or a header; ``schema`` is JSON Schema."""

    name: str
    place: str
    says: str
    schema: Mapping[str, Any]
    example: Any
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer that is no problem; ``text`` is that of a plain one, ``headers`` names what it carries."""

    says: str
    model: type[BaseModel] | None = None
    text: str = ""
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation. ``problems`` are by status; ``body_optional`` where every member of the body is.

    ``drops_the_rest``: a body of any other form is taken too, and nothing comes of it.
    """

    tag: str
    answers: Mapping[int, Answered]
    takes: type[BaseModel] | None = None
    body_optional: bool = False
    drops_the_rest: str = ""
    given: tuple[Given, ...] = ()
    problems: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    security: str = ""

    def all_problems(self, registered: Registered) -> dict[int, tuple[str, ...]]:
        """Return every problem code by status, the ones that the kind of operation brings with it included."""
        parts = [self.problems, ALWAYS]
        if registered.signed_in:
            parts.append(SIGNED_IN)
        if registered.limited:
            parts.append(LIMITED)
        if self.takes is not None and not self.drops_the_rest:
            parts.append(WITH_BODY)
        elif registered.method != "GET":
            parts.append({413: ("body_too_large",)})
        return merged(*parts)


def merged(*parts: Mapping[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """Return the codes of all parts by status, in order, each once."""
    found: dict[int, dict[str, None]] = {}
    for part in parts:
        for status, codes in part.items():
            found.setdefault(status, {}).update(dict.fromkeys(codes))
    return {status: tuple(codes) for status, codes in sorted(found.items())}
