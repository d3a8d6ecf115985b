"""What stands between the service and its queues, so that they can refuse, vanish and be counted.

A front for the emulator's queue port: everything goes through as it came; while ``fault`` is set, nothing does.
Storage's own refusals: https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
"""

import asyncio
import base64
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.azurite import connection_string, free_port
from local.simkit.serve import server

Fault = Literal["", "busy", "gone"]
_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]
_BUSY = b"""<?xml version="1.0" encoding="utf-8"?>
<Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>"""
_NAMED = {"x-ms-error-code": "ServerBusy"}
_OWN = frozenset({"host", "connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(kw_only=True)
class QueueFront:
    """``busy`` refuses as a throttled account does, ``gone`` drops each connection; ``taken`` is what got through."""

    blob_port: int
    port: int
    fault: Fault = ""
    refused: int = 0
    taken: list[str] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        """The stand's connection string with this front for the queues."""
        return re.sub(
            rf"(QueueEndpoint=http://127\.0\.0\.1:){self.blob_port + 1}/",
            rf"\g<1>{self.port}/",
            connection_string(self.blob_port),
        )

    async def pass_on(self, request: Request, http: httpx.AsyncClient) -> Response:
        body = await request.body()
        if self.fault:
            self.refused += 1
            if self.fault == "gone":
                request.receive.__self__.transport.abort()  # type: ignore[attr-defined] # uvicorn's request cycle
            return Response(_BUSY, status_code=503, media_type="application/xml", headers=_NAMED)
        answer = await http.request(
            request.method,
            httpx.URL(f"http://127.0.0.1:{self.blob_port + 1}", raw_path=_raw(request)),
            headers=[(name, value) for name, value in request.headers.items() if name not in _OWN],
            content=body,
        )
        if request.method == "POST" and answer.status_code == 201:
            self.taken.append(_text(body))
        headers = {name: value for name, value in answer.headers.items() if name not in _OWN}
        return Response(answer.content, status_code=answer.status_code, headers=headers)


@asynccontextmanager
async def queue_front(blob_port: int) -> AsyncIterator[QueueFront]:
    """Listen on a free port until the block ends."""
    front = QueueFront(blob_port=blob_port, port=free_port())
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=100)) as http:

        async def endpoint(request: Request) -> Response:
            return await front.pass_on(request, http)

        listening = server(Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)]), port=front.port)
        serving = asyncio.create_task(listening.serve())
        await asyncio.to_thread(_until_open, front.port)
        try:
            yield front
        finally:
            listening.should_exit = listening.force_exit = True
            await serving


def _until_open(port: int) -> None:
    for _ in range(1000):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens on {port}")


def _raw(request: Request) -> bytes:
    query = request.scope["query_string"]
    return bytes(request.scope["raw_path"]) + (b"?" + bytes(query) if query else b"")


def _text(body: bytes) -> str:
    """What a put message says: https://learn.microsoft.com/rest/api/storageservices/put-message"""
    found = ElementTree.fromstring(body).findtext("MessageText")
    return base64.b64decode(found or "").decode()
