"""The Events API: what the sync service calls, with the service token (design section 5)."""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.wedsync.changes import Cursors, Position, page
from local.wedsync.problems import Problem
from local.wedsync.schema import EventPatch, NewEvent, parse, patched
from local.wedsync.state import Calendar, StoredEvent, Wedsync

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 500
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARAMETERS = {"cursor", "limit", "from", "to", "externalId"}

Handler = Callable[[Request], Awaitable[Response]]


class EventsApi:
    """The handlers, and what they work on."""

    def __init__(self, wedsync: Wedsync, cursors: Cursors, *, service_token: str) -> None:
        self._wedsync = wedsync
        self._cursors = cursors
        self._authorization = f"Bearer {service_token}".encode()

    def routes(self) -> list[Route]:
        """Return the API's routes, each behind the service token."""
        events, event = "/v1/users/{userId}/events", "/v1/users/{userId}/events/{id}"
        return [
            Route(events, self._guarded(self.changes), methods=["GET"]),
            Route(events, self._guarded(self.create), methods=["POST"]),
            Route(event, self._guarded(self.read), methods=["GET"]),
            Route(event, self._guarded(self.update), methods=["PATCH"]),
            Route(event, self._guarded(self.delete), methods=["DELETE"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._authorization):
                challenge = {"WWW-Authenticate": 'Bearer realm="wedsync"'}
                raise Problem(401, "unauthorized", "A service token is needed.", headers=challenge)
            return await handler(request)

        return guarded

    async def changes(self, request: Request) -> Response:
        """List changes since the cursor; without one, the first page of a snapshot."""
        calendar, query = self._calendar(request), request.query_params
        if unknown := set(query) - _PARAMETERS:
            raise Problem(400, "unknown_parameter", f"Unknown query parameter: {', '.join(sorted(unknown))}.")
        limit = _limit(query.get("limit"))
        earliest, latest = _bound("from", query.get("from")), _bound("to", query.get("to"))
        if "cursor" in query:
            position = self._cursors.open(query["cursor"], calendar)
        else:
            position = Position(
                user_id=calendar.user_id, after=0, horizon=calendar.sequence, earliest=earliest, latest=latest
            )
        found = page(calendar, position, limit=limit, external_id=query.get("externalId"))
        return JSONResponse(
            {
                "events": [event.to_json() for event in found.events],
                "nextCursor": self._cursors.seal(found.position),
                "hasMore": found.has_more,
            }
        )

    async def create(self, request: Request) -> Response:
        """Create an event once: a repeated key or a repeated ``externalId`` answers with the one that exists."""
        calendar = self._calendar(request)
        key = request.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= 255:
            raise Problem(400, "idempotency_key_missing", "POST needs an Idempotency-Key of 1 to 255 characters.")
        _only_json(request)
        body = await request.body()
        new = parse(NewEvent, body)
        digest = hashlib.sha256(json.dumps(new.model_dump(), sort_keys=True).encode()).digest()
        if key in calendar.answers:
            before, event = calendar.answers[key]
            if before != digest:
                raise Problem(422, "idempotency_key_reused", "The Idempotency-Key was used with another body.")
            return _answer(event, 201, request)
        if event_there := calendar.existing(new.externalId):
            return _answer(event_there, 200, request)
        event = self._wedsync.create(calendar, new)
        calendar.remember(key, digest, event)
        return _answer(event, 201, request)

    async def read(self, request: Request) -> Response:
        """Answer with the event; a deleted one is not found."""
        return _answer(self._event(request), 200)

    async def update(self, request: Request) -> Response:
        """Replace the members given, if the version is still the caller's."""
        event = self._matched(request)
        _only_json(request)
        patch = parse(EventPatch, await request.body())
        event = self._matched(request)
        if not patch.model_fields_set:
            raise Problem(422, "invalid_event", "The body names no member to change.")
        updated = self._wedsync.update(self._calendar(request), event, patched(event.content, patch))
        return _answer(updated, 200)

    async def delete(self, request: Request) -> Response:
        """Delete the event, if the version is still the caller's."""
        tombstone = self._wedsync.delete(self._calendar(request), self._matched(request))
        return Response(status_code=204, headers={"ETag": f'"{tombstone.version}"'})

    def _calendar(self, request: Request) -> Calendar:
        calendar = self._wedsync.calendars.get(request.path_params["userId"])
        if calendar is None:
            raise Problem(404, "user_not_found", "There is no such user.")
        return calendar

    def _event(self, request: Request) -> StoredEvent:
        event = self._calendar(request).live(request.path_params["id"])
        if event is None:
            raise Problem(404, "event_not_found", "There is no such event.")
        return event

    def _matched(self, request: Request) -> StoredEvent:
        event = self._event(request)
        given = request.headers.get("if-match")
        if given is None:
            raise Problem(428, "if_match_missing", "Send If-Match with the version that the change is based on.")
        version = re.fullmatch(r'(")?(\d{1,18})(?(1)")', given)
        if not version:
            raise Problem(400, "if_match_malformed", "If-Match is a version, such as 7.")
        if int(version[2]) != event.version:
            raise Problem(412, "version_mismatch", f"The event is at version {event.version}.")
        return event


def _answer(event: StoredEvent, status: int, request: Request | None = None) -> Response:
    headers = {"ETag": f'"{event.version}"'}
    if request is not None:
        headers["Location"] = f"{request.url.path}/{event.id}"
    return JSONResponse(event.to_json(), status, headers=headers)


def _only_json(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "unsupported_media_type", "The body is application/json.")


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"\d{1,6}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise Problem(400, "invalid_limit", f"limit is a number from 1 to {LARGEST_LIMIT}.")
    return int(text)


def _bound(name: str, text: str | None) -> str:
    """Return the bound as an ISO instant in UTC, or an empty string; a bare date is midnight UTC."""
    if text is None:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is not None and _DATE.fullmatch(text):
        return moment.replace(tzinfo=UTC).isoformat()
    if moment is None or moment.tzinfo is None:
        raise Problem(400, "invalid_bound", f"{name} is a date, or a date and time with its offset.")
    return moment.astimezone(UTC).isoformat()


def operations() -> set[tuple[str, str]]:
    """Return method and path of each operation, for the test that compares them with the OpenAPI document."""
    api: Any = EventsApi.routes(EventsApi.__new__(EventsApi))
    return {(method, route.path) for route in api for method in route.methods if method != "HEAD"}
