"""The HTTP side of the host: one ASGI app for functions and the admin API.

The order of decisions is the host's: no route is 404, a missing key 401, a disabled function 404, an exception 500, the
last three with an empty body. A method that does not fit is a route that does not match: 404, never 405.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.host.configuration import ANSWER_SECONDS, HttpOptions
from local.host.functions import Function
from local.host.invoker import Call, Invoker
from local.host.keys import KeyRing
from local.host.messages import joined_headers, joined_query, request_url, to_response
from local.host.routes import Route, decode_path, first_match
from local.host.settings import LocalHost, is_disabled
from local.host.values import Outcome, Value, http_request

Handler = Callable[[Request, str], Awaitable[Response]]

_HOME = "<!DOCTYPE html><html lang=en><title>Functions host</title><p>Your function app is up and running."
_logger = logging.getLogger("Host.Http")


class Throttle:
    """``maxConcurrentRequests`` and ``maxOutstandingRequests``: the rest waits, or is refused with 429."""

    def __init__(self, options: HttpOptions) -> None:
        self._most = options.max_outstanding
        self._slots = asyncio.Semaphore(options.max_concurrent) if options.max_concurrent > 0 else None
        self._outstanding = 0

    @asynccontextmanager
    async def slot(self) -> Any:
        """Give True once the request may run, False when it is one too many."""
        if 0 <= self._most <= self._outstanding:
            yield False
            return
        self._outstanding += 1
        try:
            if self._slots is None:
                yield True
            else:
                async with self._slots:
                    yield True
        finally:
            self._outstanding -= 1


class WebApp:
    """Routes requests to functions; ``admin`` answers everything below ``/admin``."""

    def __init__(
        self,
        functions: list[Function],
        *,
        invoker: Invoker,
        options: HttpOptions,
        keys: KeyRing | None,
        environment: Mapping[str, str],
        admin: Handler,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._functions = {function.name: function for function in functions if function.is_http}
        self._invoker = invoker
        self._options = options
        self._keys = keys
        self._environment = environment
        self._admin = admin
        self._answer_seconds = answer_seconds
        self._throttle = Throttle(options)
        prefix = f"{options.route_prefix}/" if options.route_prefix else ""
        self._routes = {
            name: (Route(prefix + function.route), function.methods) for name, function in self._functions.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        for name, value in self._options.custom_headers.items():
            response.headers.setdefault(name, value)
        if scope["scheme"] == "https" and (hsts := self._options.hsts.header(request.url.hostname or "")):
            response.headers["Strict-Transport-Security"] = hsts
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = decode_path(request.scope.get("raw_path") or request.url.path.encode()).removeprefix("/")
        if path == "admin" or path.lower().startswith("admin/"):
            return await self._admin(request, path[len("admin/") :].strip("/"))
        async with self._throttle.slot() as may_run:
            if not may_run:
                return Response(status_code=429, headers={"X-FUNCTION-SCALEOUT": "1"})
            return await self._routed(request, path)

    async def _routed(self, request: Request, path: str) -> Response:
        found = first_match(self._routes, method=request.method, path=path)
        if found is None:
            return self._home() if path == "" else Response(status_code=404)
        name, params = found
        function = self._functions[name]
        given = given_key(request)
        if self._keys and not await self._keys.allows(required=function.auth_level, given=given, function=name):
            return Response(status_code=401)
        if is_disabled(name, self._environment):
            is_admin = self._keys is not None and await self._keys.level(given, name) == "ADMIN"
            if not is_admin:
                return Response(status_code=404)
        return await self._in_time(self._run(function, request, params))

    async def _in_time(self, work: Coroutine[Any, Any, Response]) -> Response:
        """Answer for the load balancer of Azure when a function takes too long to; the function itself runs on."""
        running = asyncio.ensure_future(work)
        try:
            return await asyncio.wait_for(asyncio.shield(running), self._answer_seconds)
        except TimeoutError:
            running.add_done_callback(_forget)
            return Response(status_code=504)

    def _home(self) -> Response:
        if self._environment.get("AzureWebJobsDisableHomepage", "").lower() == "true":
            return Response(status_code=204)
        return HTMLResponse(_HOME)

    async def _run(self, function: Function, request: Request, params: dict[str, str]) -> Response:
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._options.body_limit:
            return Response(status_code=413)
        # A chunked body has no length, and the bare host hands such a body on empty.
        body = await request.body() if length.isdigit() and int(length) > 0 else b""
        value = http_request(
            method=request.method,
            url=request_url(request),
            headers=joined_headers(request.scope["headers"]),
            query=joined_query(request.scope["query_string"].decode("latin-1")),
            params=params,
            body=body,
        )
        call = Call(
            value=value,
            reason="This function was programmatically called via the host APIs.",
            trace_parent=request.headers.get("traceparent", ""),
        )
        outcome = await self._invoker.run(function, call)
        if not outcome.succeeded:
            return Response(status_code=500)
        try:
            return to_response(_http_output(function, outcome))
        except (ValueError, TypeError) as error:
            _logger.error("Function '%s' returned a response that cannot be sent: %s", function.name, error)
            return Response(status_code=500)


def _forget(late: "asyncio.Future[Response]") -> None:
    if not late.cancelled() and late.exception() is not None:
        _logger.debug("an answer came too late, and as an error", exc_info=late.exception())


def given_key(request: Request) -> str:
    """Return the key of a request: the header comes before the query."""
    return request.headers.get("x-functions-key") or request.query_params.get("code") or ""


def with_cors(app: ASGIApp, local: LocalHost) -> ASGIApp:
    """Put the CORS of local.settings.json in front; without any, the app answers preflights itself."""
    if not local.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=local.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        allow_credentials=local.cors_credentials,
    )


def _http_output(function: Function, outcome: Outcome) -> Value | None:
    outputs = dict(outcome.outputs)
    for binding in function.bindings:
        if binding.type.lower() == "http":
            return outcome.returned if binding.name == "$return" else outputs.get(binding.name)
    return None
