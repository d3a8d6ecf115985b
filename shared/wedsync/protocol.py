"""Requests to WedSync's Events API as values, and what its answers mean. Nothing is sent here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from shared.errors import (
    CursorExpired,
    EventGone,
    OperatorFault,
    Rejected,
    RemoteFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)

SERVICE = "wedsync"
PAGE_SIZE = 500
DEFAULT_RETRY_AFTER = 5.0
_LONGEST_RETRY_AFTER = 3600.0
_TRANSIENT = frozenset({408, 423, 425, 500, 502, 503, 504})
_NO_EVENT = "event_not_found"
"""The only 404 that proves something: a wrong address or an unknown user is no deleted event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncRequest:
    """One request. ``path`` is below the base URL and holds the query; ``template`` is safe to log.

    ``repeatable`` says that sending it twice has the effect of sending it once.
    """

    method: str
    path: str
    template: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    repeatable: bool = False

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncResponse:
    """One answer. Header names are lower case; ``body`` is parsed JSON, or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None

    @property
    def ok(self) -> bool:
        """Whether WedSync did what was asked."""
        return 200 <= self.status < 300


_EVENTS = "/v1/users/{userId}/events"
_EVENT = "/v1/users/{userId}/events/{id}"


def list_events(user_id: str, **options: str) -> WedSyncRequest:
    """Return the GET of a user's changes; empty options are left out (``from_`` is ``from``)."""
    wanted = {name.rstrip("_"): value for name, value in options.items() if value}
    path = f"/v1/users/{_segment(user_id)}/events?{urlencode(wanted, quote_via=quote)}"
    return WedSyncRequest(method="GET", path=path, template=_EVENTS, repeatable=True)


def read_event(user_id: str, event_id: str) -> WedSyncRequest:
    """Return the GET of one event."""
    return WedSyncRequest(method="GET", path=_path(user_id, event_id), template=_EVENT, repeatable=True)


def create_event(user_id: str, payload: str, idempotency_key: str) -> WedSyncRequest:
    """Return the POST of a composed body; the key makes it repeatable."""
    return WedSyncRequest(
        method="POST",
        path=f"/v1/users/{_segment(user_id)}/events",
        template=_EVENTS,
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        body=payload,
        repeatable=True,
    )


def change_event(user_id: str, event_id: str, *, version: int, body: str) -> WedSyncRequest:
    """Return the PATCH on condition of the version."""
    return WedSyncRequest(
        method="PATCH",
        path=_path(user_id, event_id),
        template=_EVENT,
        headers={"Content-Type": "application/json", "If-Match": str(version)},
        body=body,
    )


def delete_event(user_id: str, event_id: str, *, version: int) -> WedSyncRequest:
    """Return the DELETE on condition of the version."""
    return WedSyncRequest(
        method="DELETE", path=_path(user_id, event_id), template=_EVENT, headers={"If-Match": str(version)}
    )


def instant(moment: datetime) -> str:
    """Return an instant in UTC as ISO 8601 with ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def fault_of(request: WedSyncRequest, response: WedSyncResponse) -> RemoteFault | None:
    """Return the error that an answer means, or None for success."""
    if response.ok:
        return None
    code = problem_code(response.body)
    if response.status == 429 or (response.status == 503 and "retry-after" in response.headers):
        return Throttled(SERVICE, retry_after=retry_after(response), status=response.status, code=code)
    return _kind(request, response.status, code)(SERVICE, status=response.status, code=code)


def _kind(request: WedSyncRequest, status: int, code: str) -> type[RemoteFault]:
    if status in (401, 403):
        return OperatorFault  # the service token is wrong or lacks a right: no user can mend it
    if status == 404 and code == _NO_EVENT:
        return EventGone
    if status == 410 and request.template == _EVENTS and request.reads:
        return CursorExpired
    if status == 412:
        return VersionMismatch
    return Unavailable if status in _TRANSIENT or status >= 500 else Rejected


def retry_after(response: WedSyncResponse) -> float:
    """Return ``Retry-After`` in seconds, within reason; five seconds where it is missing or a date."""
    given = response.headers.get("retry-after", "")
    if not given.replace(".", "", 1).isascii() or not given.replace(".", "", 1).isdigit():
        return DEFAULT_RETRY_AFTER
    return min(float(given), _LONGEST_RETRY_AFTER)


def problem_code(body: object) -> str:
    """Return the stable ``code`` of a problem document."""
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else ""


def _path(user_id: str, event_id: str) -> str:
    return f"/v1/users/{_segment(user_id)}/events/{_segment(event_id)}"


def _segment(identifier: str) -> str:
    # URLs know no way to write dots as names (RFC 3986 section 5.2.4), and no id has a line end or half a character.
    if identifier in (".", "..") or not identifier.isprintable():
        raise Rejected(SERVICE, code="not_an_id")
    return quote(identifier, safe="")
