"""Bodies that no control route understands, made from the members that it takes."""

from collections.abc import Iterator
from typing import Any

import httpx

WRONG: tuple[Any, ...] = (None, True, 1.5, -1, "x", [], [1], {"a": 1}, [[]], [None], [{"a": []}])
NO_OBJECTS: tuple[Any, ...] = (True, 1, "x", [], [{}], [[]])
RAW = (b"null", b"{", b"\xff", b"NaN", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 20_000, b'{"a": "\\ud800"}')
Taken = dict[str, tuple[type, ...]]
"""Members by name, with the JSON types that they take."""


def mistyped(members: Taken, good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield ``good`` with one member of another type at a time. What is of its type and refused is for other tests."""
    for name, kinds in members.items():
        for value in WRONG:
            if type(value) not in kinds:
                yield {**good, name: value}


def refusals(web: httpx.Client, method: str, path: str, members: Taken, good: dict[str, Any]) -> list[str]:
    """Send every wrong body and return what was not answered 400 with ``{"error": …}``."""
    bodies = [*RAW, *NO_OBJECTS, *mistyped(members, good)]
    found = []
    for body in bodies:
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = web.request(method, path, **sent)
        if answer.status_code != 400 or list(answer.json()) != ["error"]:
            found.append(f"{method} {path} {str(body)[:80]}: {answer.status_code} {answer.text[:80]}")
    return found
