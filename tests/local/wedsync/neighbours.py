"""Stand-ins for the sync service and for the Graph simulator's control API, small enough to read at a glance."""

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(kw_only=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class FakeFunctions:
    """Answers ``(method, path)`` as told, 404 otherwise; webhooks get ``webhook_statuses`` in turn, then 202."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    webhook_statuses: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def reset(self) -> None:
        self.answers.clear()
        self.webhook_statuses.clear()
        self.calls.clear()

    @property
    def webhooks(self) -> list[Call]:
        return [call for call in self.calls if call.path == "webhooks/wedsync"]

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
        return Starlette(routes=[Route("/api/{path:path}", self._answer, methods=methods)])

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.calls.append(
            Call(
                method=request.method,
                path=path,
                query=dict(request.query_params),
                headers=dict(request.headers),
                body=await request.body(),
            )
        )
        if path == "webhooks/wedsync":
            return Response(status_code=self.webhook_statuses.pop(0) if self.webhook_statuses else 202)
        missing = (404, {"title": "No integration", "status": 404, "code": "not_connected"})
        status, body = self.answers.get((request.method, path), missing)
        return JSONResponse(body, status)


@dataclass(kw_only=True)
class FakeGraph:
    """Holds events by mailbox and takes edits as the Graph simulator's control API does."""

    mailboxes: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    occurrences: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0

    def reset(self) -> None:
        self.mailboxes.clear()
        self.occurrences.clear()

    def app(self) -> Starlette:
        events = "/_control/mailboxes/{upn}/events"
        return Starlette(
            routes=[
                Route(events, self._list, methods=["GET"]),
                Route(events, self._create, methods=["POST"]),
                Route(events + "/{id:path}", self._one, methods=["GET", "PATCH", "DELETE"]),
                Route("/_control/mailboxes/{upn}/view", self._view),
            ]
        )

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"events": list(self.mailboxes.get(request.path_params["upn"], {}).values())})

    async def _view(self, request: Request) -> Response:
        return JSONResponse({"events": self.occurrences})

    async def _create(self, request: Request) -> Response:
        self.made += 1
        event = {"id": f"AQ{self.made}==", **await request.json()}
        self.mailboxes.setdefault(request.path_params["upn"], {})[event["id"]] = event
        return JSONResponse(event, 201)

    async def _one(self, request: Request) -> Response:
        mailbox = self.mailboxes.get(request.path_params["upn"], {})
        event = mailbox.get(request.path_params["id"])
        if event is None:
            return JSONResponse({"error": {"code": "ErrorItemNotFound", "message": "Gone."}}, 404)
        if request.method == "GET":
            return JSONResponse(event)
        if request.method == "DELETE":
            del mailbox[event["id"]]
            return Response(status_code=204)
        event.update(await request.json())
        return JSONResponse(event)
