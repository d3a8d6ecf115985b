"""HTTP messages between the wire and the worker: what the host keeps, drops and changes on the way."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from local.host.values import Value

_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(rb"[\t\x20-\x7e]*")
_STATUSES = range(200, 600)
_BODILESS = frozenset({204, 205, 304})
_COMPUTED = frozenset({"content-length", "transfer-encoding"})


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers with lower-case names, the values of a repeated one joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def joined_query(query: str) -> dict[str, str]:
    """Return query values, those of a repeated name (without case) joined by a comma; empty ones are dropped."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(names.setdefault(name.lower(), name), []).append(value)
    joined = {name: ",".join(items) for name, items in values.items()}
    return {name: value for name, value in joined.items() if value}


def request_url(request: Request) -> str:
    """Return the address as it was asked for, nothing decoded."""
    host = request.headers.get("host", "localhost")
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    suffix = f"?{query.decode('latin-1')}" if query else ""
    return f"{request.scope['scheme']}://{host}{raw.decode('latin-1')}{suffix}"


def to_response(value: Value | None) -> Response:
    """Build the answer from what the worker returned; nothing returned is 200 with no body.

    ValueError for what Kestrel does not send: a header of other characters than ASCII's printable ones.
    """
    response = _response(value)
    for name, text in response.raw_headers:
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
            raise ValueError(f"Invalid non-ASCII or control character in header {name!r}")
    if response.status_code not in _STATUSES:
        raise ValueError(f"{response.status_code} is no status code")
    return response


def _response(value: Value | None) -> Response:
    if value is None:
        return Response(status_code=200)
    if value.type == "http":
        return _http_response(value.value)
    if value.type in {"string", "json"}:
        return _text_response(str(value.value))
    return Response(value.value, media_type="application/octet-stream")


def _http_response(members: dict[str, Any]) -> Response:
    status = int(members["status_code"])
    body: bytes = b"" if status in _BODILESS else members["body"]
    response = Response(body, status_code=status)
    for name, value in members["headers"].items():
        if name.lower() not in _COMPUTED:
            response.headers[name] = value
    for cookie in members["cookies"]:
        response.headers.append("set-cookie", cookie)
    return response


def _text_response(text: str) -> Response:
    """A string that is a JSON object with a ``body`` is taken for a response object, as the host does."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or "body" not in content:
        return Response(text, media_type="text/plain")
    status = str(content.get("statusCode", content.get("status", 200)))
    body = content["body"]
    is_text = isinstance(body, str)
    response = Response(
        body if is_text else json.dumps(body),
        status_code=int(status),
        media_type="text/plain" if is_text else "application/json",
    )
    for name, value in (content.get("headers") or {}).items():
        response.headers[name] = str(value)
    return response
