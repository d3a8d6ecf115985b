"""Bodies of the control API: read as JSON, and their members by type; ValueError says in words what is wrong."""

import json
import math
from typing import Any

from starlette.requests import Request

_LARGEST = 2**53
"""Past this a float no longer holds every whole number."""


async def read_body(request: Request) -> Any:
    """Return a body's JSON, ``{}`` without one. Refused is also what JSON does not have (NaN) or UTF-8 cannot write."""
    content = await request.body()
    if not content:
        return {}
    try:
        read = json.loads(content, parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in content:
            json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("the body has half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    return read


async def read_object(request: Request) -> dict[str, Any]:
    """Return a body that is a JSON object, ``{}`` without one."""
    return checked_object(await read_body(request))


def checked_object(body: Any) -> dict[str, Any]:
    """Return the body if it is a JSON object."""
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def text(body: dict[str, Any], name: str, absent: str | None = None) -> str:
    """Return a member that is a string; it must be there unless ``absent`` stands in for it."""
    return str(_of_kind(body, name, str, absent))


def optional_text(body: dict[str, Any], name: str) -> str | None:
    """Return a member that is a string, None where it is null or missing."""
    return None if body.get(name) is None else text(body, name)


def flag(body: dict[str, Any], name: str, absent: bool) -> bool:
    """Return a member that is true or false."""
    return bool(_of_kind(body, name, bool, absent))


def whole(body: dict[str, Any], name: str, absent: int | None = None) -> int:
    """Return a member that is a whole number from 0 on."""
    value = _of_kind(body, name, int, absent)
    if isinstance(value, bool) or not 0 <= value < _LARGEST:
        raise ValueError(f"{name!r} takes a whole number from 0 on, not {str(value)[:40]}")
    return int(value)


def number(body: dict[str, Any], name: str) -> float:
    """Return a member that is a number that a float can hold."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        raise ValueError(f"{name!r} takes a number, not {str(value)[:40]}")
    return float(value)


def texts(body: dict[str, Any], name: str, absent: tuple[str, ...]) -> tuple[str, ...]:
    """Return a member that is a list of strings."""
    items = body.get(name, absent)
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name!r} takes a list of strings, not {items!r}")
    return tuple(items)


def objects(body: dict[str, Any], name: str, *, needed: bool = False) -> list[dict[str, Any]]:
    """Return a member that is a list of objects."""
    items = body.get(name, None if needed else [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{name!r} takes a list of objects")
    return items


def _of_kind(body: dict[str, Any], name: str, kind: type, absent: Any) -> Any:
    if name not in body and absent is None:
        raise ValueError(f"{name!r} is missing")
    value = body.get(name, absent)
    if not isinstance(value, kind):
        raise ValueError(f"{name!r} takes {kind.__name__}, not {value!r}")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(written: str) -> float:
    read = float(written)
    if not math.isfinite(read):
        raise ValueError(f"{written} is too large")
    return read
