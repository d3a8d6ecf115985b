"""The control API's own routes: events as a WedSync user would edit them, tokens, webhooks.

``GET, POST /_control/users/{userId}/events`` · ``GET, PATCH, DELETE /_control/users/{userId}/events/{id}`` (with a
webhook, without If-Match) · ``PUT /_control/users/{userId}/events`` ``{"events": […]}`` (silently makes the calendar
hold these and no others; ``?keep=1`` leaves the others; answers ``{"loaded": n, "refused": […]}``) · ``GET
/_control/users`` · ``PUT /_control/users/{userId}`` (adds a user) · ``POST /_control/tokens`` · ``GET
/_control/webhooks`` · ``POST /_control/cursors/expire``.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simkit.bodies import read_object
from local.wedsync.changes import Cursors
from local.wedsync.problems import Problem
from local.wedsync.schema import EventPatch, LoadedEvent, parse, parse_members, patched
from local.wedsync.state import Calendar, StoredEvent, Wedsync
from local.wedsync.tokens import TokenRequest, Tokens
from local.wedsync.webhooks import Webhooks


class Control:
    """The handlers, and what they arrange and read."""

    def __init__(self, wedsync: Wedsync, *, cursors: Cursors, tokens: Tokens, webhooks: Webhooks) -> None:
        self._wedsync = wedsync
        self._cursors = cursors
        self._tokens = tokens
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """Return the routes beside those that every simulator has."""
        events = "/_control/users/{userId}/events"
        return [
            Route("/_control/users", self.users, methods=["GET"]),
            Route("/_control/users/{userId}", self.add_user, methods=["PUT"]),
            Route(events, self.listing, methods=["GET"]),
            Route(events, self.create, methods=["POST"]),
            Route(events, self.load, methods=["PUT"]),
            Route(events + "/{id}", self.read, methods=["GET"]),
            Route(events + "/{id}", self.edit, methods=["PATCH"]),
            Route(events + "/{id}", self.delete, methods=["DELETE"]),
            Route("/_control/tokens", self.token, methods=["POST"]),
            Route("/_control/webhooks", self.sent, methods=["GET"]),
            Route("/_control/cursors/expire", self.expire, methods=["POST"]),
        ]

    async def users(self, _: Request) -> JSONResponse:
        """List the users' ids."""
        return JSONResponse({"users": list(self._wedsync.calendars)})

    async def add_user(self, request: Request) -> JSONResponse:
        """Make a user, or find them."""
        calendar = self._wedsync.add_user(request.path_params["userId"])
        return JSONResponse({"userId": calendar.user_id})

    async def listing(self, request: Request) -> JSONResponse:
        """List the user's events; ``?deleted=1`` includes tombstones."""
        with_deleted = bool(request.query_params.get("deleted"))
        events = [event for event in self._calendar(request).events.values() if with_deleted or not event.deleted]
        return JSONResponse({"events": [event.to_json() for event in events]})

    async def create(self, request: Request) -> JSONResponse:
        """Add an event as its user would."""
        calendar = self._calendar(request)
        new = parse(LoadedEvent, await request.body())
        if new.id and calendar.live(new.id):
            raise Problem(409, "event_exists", "There is an event with this id.")
        return JSONResponse(self._wedsync.create(calendar, new, event_id=new.id or "").to_json(), 201)

    async def read(self, request: Request) -> JSONResponse:
        """Show one event."""
        return JSONResponse(self._event(request).to_json())

    async def edit(self, request: Request) -> JSONResponse:
        """Change an event as its user would."""
        event = self._event(request)
        content = patched(event.content, parse(EventPatch, await request.body()))
        return JSONResponse(self._wedsync.update(self._calendar(request), event, content).to_json())

    async def delete(self, request: Request) -> JSONResponse:
        """Delete an event as its user would; answers with the tombstone."""
        return JSONResponse(self._wedsync.delete(self._calendar(request), self._event(request)).to_json())

    async def load(self, request: Request) -> JSONResponse:
        """Make the calendar hold the events given, telling nobody; what breaks a rule is reported one by one."""
        calendar = self._calendar(request)
        try:
            given: Any = (await read_object(request)).get("events")
        except ValueError as error:
            raise Problem(400, "malformed_json", str(error)) from error
        if not isinstance(given, list):
            raise Problem(400, "malformed_json", 'The body is {"events": […]}.')
        kept: set[str] = set()
        refused: list[dict[str, Any]] = []
        for index, members in enumerate(given):
            try:
                kept.add(self._put(calendar, parse_members(LoadedEvent, members)).id)
            except Problem as problem:
                title = members.get("title", "") if isinstance(members, dict) else ""
                refused.append({"index": index, "title": title, "errors": problem.errors or [problem.document()]})
        if not request.query_params.get("keep"):
            self._wedsync.remove_others(calendar, kept)
        return JSONResponse({"loaded": len(kept), "refused": refused})

    async def token(self, request: Request) -> JSONResponse:
        """Mint a user's token, or a forgery."""
        return JSONResponse({"token": self._tokens.mint(parse(TokenRequest, await request.body()))})

    async def sent(self, _: Request) -> JSONResponse:
        """Show each attempt at each webhook, and how many are still to arrive."""
        sent = [attempt.to_json() for attempt in self._webhooks.attempts]
        return JSONResponse({"pending": self._webhooks.pending, "sent": sent})

    async def expire(self, _: Request) -> JSONResponse:
        """Make every cursor unknown, so that the next use of one is a 410."""
        self._cursors.expire()
        return JSONResponse({"expired": True})

    def _put(self, calendar: Calendar, new: LoadedEvent) -> StoredEvent:
        existing = calendar.live(new.id) if new.id else calendar.existing(new.externalId)
        if existing is None:
            return self._wedsync.create(calendar, new, event_id=new.id or "", silent=True)
        members = new.model_dump(include=set(EventPatch.model_fields))
        content = patched(existing.content, EventPatch.model_validate(members))
        return self._wedsync.update(calendar, existing, content, silent=True)

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
