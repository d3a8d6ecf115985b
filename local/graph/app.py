"""The simulated Graph as an ASGI application: requests in, answers out, faults on order, the control API beside."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from local.graph import control, gateway
from local.graph.auth import KeySet
from local.graph.batch import Batches
from local.graph.calls import Answer
from local.graph.errors import GraphError
from local.graph.gateway import JSON_TYPE, Raw
from local.graph.service import Graph
from local.graph.striking import Struck, ordered_error, strike
from local.simkit.bearer import person_of
from local.simkit.clock import Clock
from local.simkit.control import control_routes
from local.simkit.observe import App, Message, Receive, Send

HANG_SECONDS = 120.0
"""How long an answer is withheld by ``hang_after_commit`` unless the order says."""


class Entry:
    """Takes every request outside the control API."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._batches = Batches(graph)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request and note it."""
        began = time.perf_counter()
        path: str = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        method: str = scope["method"]
        struck = strike(self._graph, method, target, person=_person(scope))
        status = 0
        try:
            if struck.action == "drop_connection":
                _drop(receive)
                return
            answer = await self._answer(scope, receive, target, struck)
            status = answer.status
            if struck.fault is not None and struck.action == "hang_after_commit":
                await _hang(receive, struck.fault.seconds or HANG_SECONDS)
                return
        finally:
            self._graph.frame.note(method, target, status=status, began=began, number=struck.number)
        await _send(send, answer)

    async def _answer(self, scope: Message, receive: Receive, target: str, struck: Struck) -> Answer:
        headers = _headers(scope)
        method: str = scope["method"]
        content = await _content(receive)
        if struck.fault is not None and struck.action == "status":
            return ordered_error(self._graph, struck.fault, headers)
        base = f"{scope['scheme']}://{headers.get('host', 'graph.microsoft.com')}/v1.0"
        try:
            caller = await gateway.authenticate(self._graph, headers)
            body = gateway.read_json(content, headers, method)
            if target.lower() in ("/v1.0/$batch", "/v1.0/%24batch") and method == "POST":
                await gateway.spend(self._graph, struck.latency)
                answer = await self._batches.answer(body, caller, base)
            else:
                raw = Raw(
                    method=method,
                    target=target,
                    headers=headers,
                    body=body,
                    sized="content-length" in headers or "transfer-encoding" in headers,
                    base=base,
                    latency=struck.latency,
                )
                answer = await gateway.run(self._graph, raw, caller)
        except GraphError as error:
            answer = gateway.error_answer(self._graph, error, headers)
        if struck.fault is not None and struck.action == "fail_after_commit":
            return ordered_error(self._graph, struck.fault, headers)
        if "client-request-id" in headers:
            answer.headers["client-request-id"] = headers["client-request-id"]
        answer.headers.setdefault("request-id", str(uuid.uuid4()))
        return answer


def _headers(scope: Message) -> dict[str, str]:
    """Return the headers by lower-case name; lines of the same name are one, joined by commas (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


async def _content(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _person(scope: Message) -> str:
    """Return whose token the request carries."""
    headers = dict(scope["headers"])
    return person_of(headers.get(b"authorization", b"").decode("latin-1"))


async def _send(send: Send, answer: Answer) -> None:
    content = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers.append((b"odata-version", b"4.0"))
    if answer.body is not None:
        headers.append((b"content-type", JSON_TYPE.encode()))
    if answer.status != 204:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _hang(receive: Receive, seconds: float) -> None:
    """Withhold the answer until the client gives up or the time is over; then close the socket."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        _drop(receive)


def _drop(receive: Receive) -> None:
    """Abort the socket. ASGI has no word for it, so this reaches for uvicorn's request cycle."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


def create_app(keys: KeySet, *, client: httpx.AsyncClient | None = None, clock: Clock | None = None) -> Starlette:
    """Return the app.

    ``keys`` check access tokens; ``client`` posts notifications and must trust their TLS; ``clock`` is the stand's
    where several simulators share one.
    """
    graph = Graph(keys=keys, client=client or httpx.AsyncClient(trust_env=False), clock=clock or Clock())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await graph.sender.stop()
        await graph.client.aclose()

    entry: App = Entry(graph)
    routes = [*control_routes(graph.frame), *control.routes(graph), Mount("/", app=entry)]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.graph = graph
    return app
