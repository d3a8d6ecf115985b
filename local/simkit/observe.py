"""What every simulator does around its own answers: note each request, and strike where a fault was ordered.

``status`` answers instead of the simulator; ``latency`` waits first; ``hang_after_commit`` lets the simulator do its
work, then never answers; ``drop_connection`` closes the socket unanswered. Control requests are neither noted nor hit.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from local.simkit.control import Frame
from local.simkit.faults import Fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
ErrorBody = Callable[[Fault], dict[str, Any]]

HANG_SECONDS = 120.0
"""How long an answer is withheld after its work was done; longer than any client waits."""


class Observed:
    """Wraps a simulator's ASGI app. ``error_body`` words a ``status`` fault as the real service would."""

    def __init__(self, app: App, frame: Frame, error_body: ErrorBody) -> None:
        self._app = app
        self._frame = frame
        self._error_body = error_body

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (the ASGI call)."""
        if scope["type"] != "http" or scope["path"].startswith("/_control/"):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        query = scope["query_string"].decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        dropped = False
        try:
            dropped = await self._answer(scope, receive, watched)
        finally:
            self._frame.note(scope["method"], path, status=status, began=began)
        if dropped:
            await _drop(receive)

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> bool:
        """Answer, or strike; return whether the connection is to be dropped instead of answered."""
        method, path, faults = scope["method"], scope["path"], self._frame.faults
        if late := faults.strike(method, path, "latency"):
            await asyncio.sleep(late.seconds)
        fault = faults.strike(method, path, "status", "drop_connection", "hang_after_commit")
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.action == "status":
            await _answer_error(send, fault, self._error_body(fault))
        elif fault.action == "drop_connection":
            return True
        else:
            await self._app(scope, receive, _swallow)
            await asyncio.sleep(fault.seconds or HANG_SECONDS)
            return True
        return False


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
