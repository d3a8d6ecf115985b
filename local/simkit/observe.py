"""What every simulator does around its own answers: note each request, and strike where a fault was ordered.

``status`` answers instead of the simulator; ``latency`` waits first, by the stand's clock; ``hang_after_commit`` lets
the simulator do its work, then never answers; ``fail_after_commit`` lets it do its work and answers the ordered error
instead; ``drop_connection`` closes the socket unanswered. What a simulator names in ``effects`` acts on its state
before the request is read. Control requests are neither noted nor hit.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from local.simkit.control import Begun, Frame
from local.simkit.faults import Fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
ErrorBody = Callable[[Fault], dict[str, Any]]
Effect = Callable[[str], None]
Person = Callable[[MutableMapping[str, Any], bytes], str]

_INSTEAD = ("status", "drop_connection", "hang_after_commit", "fail_after_commit")
HANG_SECONDS = 120.0
"""How long an answer is withheld after its work was done; longer than any client waits."""


class Observed:
    """Wraps a simulator's ASGI app. ``error_body`` words a ``status`` fault as the real service would.

    ``effects`` are the simulator's own actions, done to the person of the request; ``person`` says from the ASGI scope
    and the body who that is.
    """

    def __init__(
        self,
        app: App,
        frame: Frame,
        error_body: ErrorBody,
        *,
        effects: Mapping[str, Effect] | None = None,
        person: Person = lambda _, __: "",
    ) -> None:
        self._app = app
        self._frame = frame
        self._error_body = error_body
        self._effects = effects or {}
        self._person = person

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (the ASGI call)."""
        if scope["type"] != "http" or scope["path"].startswith("/_control/"):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        body, receive = await _whole(receive)
        number, person = self._frame.begin(), self._person(scope, body)
        query = scope["query_string"].decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        status, noted = 0, False

        def note() -> None:
            nonlocal noted
            if not noted:
                noted = True
                self._frame.note(scope["method"], path, status=status, began=began, number=number)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body"):
                note()  # Whoever has the answer finds the request in the log.
            await send(message)

        dropped = False
        try:
            dropped = await self._answer(scope, receive, watched, path=path, number=number, person=person)
        finally:
            note()
        if dropped:
            await _drop(receive)

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, *, path: str, number: Begun, person: str
    ) -> bool:
        """Answer, or strike; return whether the connection is to be dropped instead of answered."""
        method, faults = scope["method"], self._frame.faults
        late = faults.strike(method, path, "latency", person=person, number=number)
        fault = faults.strike(method, path, *_INSTEAD, person=person, number=number)
        if self._effects:
            own = faults.strike(method, path, *self._effects, person=person, number=number)
            if own:
                self._effects[own.action](person)
        if late:
            await self._frame.clock.sleep(late.seconds)
            if number.era != self._frame.era:
                return True
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.action == "drop_connection":
            return True
        else:
            if fault.action != "status":
                await self._app(scope, receive, _swallow)
            if fault.action == "hang_after_commit":
                await asyncio.sleep(fault.seconds or HANG_SECONDS)
                return True
            await _answer_error(send, fault, self._error_body(fault))
        return False


class _Replayed:
    """Gives a body that was read already, then what comes after it. ``__self__`` leads to uvicorn's request cycle."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive
        self.__self__ = getattr(receive, "__self__", None)

    async def __call__(self) -> Message:
        first, self._first = self._first, None
        return first if first is not None else await self._receive()


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """Read the body, so that requests are numbered and faults strike when a request has come in whole."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(chunks), _Replayed(b"".join(chunks), receive)
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks), _Replayed(b"".join(chunks), receive)


async def _swallow(_: Message) -> None:
    """Take a message and let it vanish."""


async def _answer_error(send: Send, fault: Fault, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _drop(receive: Receive) -> None:
    """Abort the socket. ASGI has no word for it, so this reaches for uvicorn's request cycle."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0.01)  # Until uvicorn has heard of it; otherwise it logs a missing answer.
