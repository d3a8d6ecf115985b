"""Requests to Graph as values, and what every one of them carries. Nothing is sent here.

Graph keeps nothing from one request to the next: the id form, the zone and the body type have to be asked for on every
request and on every page, and on each item of a ``$batch`` (facts C32, C36).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote, urlencode, urlsplit

from shared.errors import Rejected

SERVICE = "graph"
MARKER_ID = "String {b3f5a0c2-9d6e-4c8e-a1f7-3e5d7c9b1a20} Name WedSyncMapping"
"""The one extended property of ours; its value is the mapping id (fact C16). The quota of names is finite."""
CALENDAR_MARKER_ID = "String {b3f5a0c2-9d6e-4c8e-a1f7-3e5d7c9b1a20} Name WedSyncCalendar"
"""The same on a calendar that we made; its value is the integration id (fact C33)."""
MEETING_MARKER_ID = "String {b3f5a0c2-9d6e-4c8e-a1f7-3e5d7c9b1a20} Name WedSyncMeeting"
"""The same on a meeting that was made here; its value is the create's ``transactionId``."""
BATCH_LIMIT = 20
PAGE_SIZE = 200
_EXPAND_MARKER = f"singleValueExtendedProperties($filter=id eq '{MARKER_ID}')"


class Subject(StrEnum):
    """What a request is about: it decides what a 404 means."""

    MAILBOX = "mailbox"
    CALENDAR = "calendar"
    EVENT = "event"
    DELTA = "delta"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRequest:
    """One request. ``path`` is below the base URL and holds the query; ``template`` is safe to log.

    ``body`` is the exact text to send. ``repeatable`` says that sending it twice has the effect of sending it once:
    true of reads, and of creates that carry a ``transactionId`` (fact C14).
    """

    method: str
    path: str
    template: str
    subject: Subject
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    repeatable: bool = False

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphResponse:
    """One answer. Header names are lower case; ``body`` is parsed JSON, or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None

    @property
    def ok(self) -> bool:
        """Whether Graph did what was asked."""
        return 200 <= self.status < 300


class ForeignLink(ValueError):
    """A link that leads away from Graph, or out of the API's path."""


def prefer(*, body: str = "text", page_size: int | None = None) -> dict[str, str]:
    """Return the ``Prefer`` header: immutable ids, times in UTC, bodies as asked, and pages of this size."""
    parts = ['IdType="ImmutableId"', 'outlook.timezone="UTC"', f'outlook.body-content-type="{body}"']
    if page_size is not None:
        parts.append(f"odata.maxpagesize={page_size}")
    return {"Prefer": ", ".join(parts)}


def segment(identifier: str) -> str:
    """Return an id as a single path segment (fact C31). ``Rejected`` for what would lead to another path."""
    # URLs know no way to write dots as names (RFC 3986 section 5.2.4), and no id has a line end or half a character.
    if identifier in (".", "..") or not identifier.isprintable():
        raise Rejected(SERVICE, code="not_an_id")
    return quote(identifier, safe="")


def instant(moment: datetime) -> str:
    """Return an instant as Graph's ``Edm.DateTimeOffset`` in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def query(**options: str) -> str:
    """Return a query string; a name that begins with ``_`` is a system option (``_filter`` is ``$filter``)."""
    named = {f"${name[1:]}" if name.startswith("_") else name: value for name, value in options.items()}
    return "?" + urlencode(named, quote_via=quote, safe="$")


def with_marker(**options: str) -> str:
    """Return a query string that has the marker expanded (fact C16: it is never echoed otherwise)."""
    return query(**options, _expand=_EXPAND_MARKER)


def marked(marker: str, *, property_id: str = MARKER_ID) -> str:
    """Return the ``$filter`` for events, or with the other property for calendars, with this marker.

    https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-get
    """
    value = marker.replace("'", "''")
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{property_id}' and ep/value eq '{value}')"


def read(
    path: str, template: str, subject: Subject, *, body: str = "text", page_size: int | None = None
) -> GraphRequest:
    """Return a GET."""
    headers = prefer(body=body, page_size=page_size)
    return GraphRequest(method="GET", path=path, template=template, subject=subject, headers=headers, repeatable=True)


def write(
    method: str,
    path: str,
    template: str,
    subject: Subject,
    *,
    body: str | None = None,
    etag: str = "",
    repeatable: bool = False,
) -> GraphRequest:
    """Return a write; ``etag`` makes it conditional (fact C17)."""
    headers = prefer()
    if body is not None:
        headers["Content-Type"] = "application/json"
    if etag:
        headers["If-Match"] = etag
    return GraphRequest(
        method=method,
        path=path,
        template=template,
        subject=subject,
        headers=headers,
        body=body,
        repeatable=repeatable,
    )


def path_of(link: str, base_url: str) -> str:
    """Return path and query of a next or delta link, below the base URL; ``ForeignLink`` if it is not there.

    Links come out of answers and storage, and a token goes with each request: scheme, host, port and path prefix must
    be those of ``base_url``.
    """
    try:
        base, given = urlsplit(base_url.rstrip("/")), urlsplit(link)
        origins = [(part.scheme, part.hostname, part.port or _default_port(part.scheme)) for part in (base, given)]
    except ValueError as error:
        raise ForeignLink("unreadable") from error
    inside = given.path.startswith(base.path + "/") and not _climbs(given.path)
    if origins[0] != origins[1] or not inside or "@" in given.netloc or given.fragment:
        raise ForeignLink("not a link of this service")
    path = given.path[len(base.path) :]
    return f"{path}?{given.query}" if given.query else path


def _climbs(path: str) -> bool:
    decoded = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\")
    return "\\" in decoded or any(part in (".", "..") for part in decoded.split("/")) or not path.isprintable()


def _default_port(scheme: str) -> int | None:
    return {"https": 443, "http": 80}.get(scheme)


# --- $batch -------------------------------------------------------------------------------------------------------


def batch(requests: Sequence[GraphRequest]) -> GraphRequest:
    """Return up to 20 requests as one; their ids are their places, from 0."""
    if not 1 <= len(requests) <= BATCH_LIMIT:
        raise ValueError("a batch holds 1 to 20 requests")
    items = ",".join(_batch_item(place, request) for place, request in enumerate(requests))
    return GraphRequest(
        method="POST",
        path="/$batch",
        template="/$batch",
        subject=Subject.MAILBOX,
        headers={"Content-Type": "application/json"},
        body=f'{{"requests":[{items}]}}',
        repeatable=all(request.repeatable for request in requests),
    )


def _batch_item(place: int, request: GraphRequest) -> str:
    members = {"id": str(place), "method": request.method, "url": request.path, "headers": dict(request.headers)}
    text = json.dumps(members, ensure_ascii=False)
    return text if request.body is None else f'{text[:-1]}, "body": {request.body}}}'


def batch_answers(body: object, count: int) -> tuple[GraphResponse | None, ...]:
    """Return the answers in the order of the requests, whatever their order on the wire; None for a missing one."""
    found: dict[str, GraphResponse] = {}
    for item in rows(body, "responses"):
        headers = item.get("headers")
        named = headers if isinstance(headers, dict) else {}
        status = item.get("status")
        found[str(item.get("id"))] = GraphResponse(
            status=status if isinstance(status, int) else 0,
            headers={str(name).lower(): str(value) for name, value in named.items()},
            body=item.get("body"),
        )
    return tuple(found.get(str(place)) for place in range(count))


# --- Reading JSON that somebody else wrote -------------------------------------------------------------------------


def members(value: object) -> Mapping[str, object]:
    """Return a JSON object, empty if it is none."""
    return value if isinstance(value, dict) else {}


def rows(body: object, name: str = "value") -> tuple[Mapping[str, object], ...]:
    """Return the objects of a collection."""
    value = members(body).get(name)
    return tuple(row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def text(value: object) -> str:
    """Return a JSON string, empty if it is none."""
    return value if isinstance(value, str) else ""
