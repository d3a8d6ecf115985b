"""The one place that talks HTTP to Graph: connections, tokens, slots, and when to ask again.

Reads are repeated on broken connections and 5xx. A write is repeated only where that is safe by itself: a create that
carries its ``transactionId`` (fact C14). 429 and 503 with ``Retry-After`` are waited for here when the wait is short,
and handed back as ``Throttled`` when it is not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import httpx

from shared.errors import OutcomeUnknown, RemoteFault, SyncFault, Unavailable
from shared.graph.protocol import SERVICE, GraphRequest, GraphResponse
from shared.graph.refusals import fault_of
from shared.graph.slots import MailboxSlots
from shared.retry import insist

_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=30.0)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=30.0)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class TokenSource(Protocol):
    """Where access tokens come from."""

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        """Return a token that is not ``refused``, which Graph answered with 401 although it seemed good."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCall:
    """A request that was sent, for counts and logs. ``status`` is 0 when no answer came; ``parts`` counts a batch.

    ``client_request_id`` is ours and ``request_id`` is Graph's: what Microsoft's support asks for.
    """

    integration_id: str
    method: str
    template: str
    status: int
    parts: int = 1
    client_request_id: str = ""
    request_id: str = ""
    milliseconds: int = 0


def _ignore(_: GraphCall) -> None:
    pass


class GraphClient:
    """One per process. Opens nothing before the first request."""

    def __init__(
        self,
        *,
        base_url: str,
        tokens: TokenSource,
        new_id: Callable[[], str],
        ca_file: str = "",
        on_request: Callable[[GraphCall], None] = _ignore,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._new_id = new_id
        self._ca_file = ca_file
        self._on_request = on_request
        self._sleep = sleep
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._slots = MailboxSlots()

    async def send(self, integration_id: str, request: GraphRequest, *, parts: int = 1) -> GraphResponse:
        """Return a successful answer, or raise what the answer means. ``parts`` is the size of a ``$batch``."""
        slots = self._slots.of(integration_id)
        async with slots.take(parts):
            return await insist(
                partial(self._once, integration_id, request, parts),
                reads=request.reads,
                repeatable=request.repeatable,
                sleep=self._sleep,
            )

    async def reach(self) -> None:
        """Return if Graph answers at all; without a token it says 401. ``Unavailable`` otherwise."""
        try:
            answer = await self._connection().get(f"{self.base_url}/me")
        except httpx.HTTPError as error:
            raise Unavailable(SERVICE, code=type(error).__name__) from None
        if answer.status_code >= 500:
            raise Unavailable(SERVICE, status=answer.status_code)

    async def pause(self, seconds: float) -> None:
        """Wait as this client waits between attempts."""
        await self._sleep(seconds)

    async def close(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _once(self, integration_id: str, request: GraphRequest, parts: int) -> GraphResponse:
        token = await self._tokens.access_token(integration_id)
        response = await self._exchange(integration_id, request, token, parts)
        if response.status == 401:
            token = await self._tokens.access_token(integration_id, refused=token)
            response = await self._exchange(integration_id, request, token, parts)
        fault = fault_of(request, response)
        if fault is not None:
            raise fault
        return response

    async def _exchange(self, integration_id: str, request: GraphRequest, token: str, parts: int) -> GraphResponse:
        ours = self._new_id()
        headers = {**request.headers, "Authorization": f"Bearer {token}", "client-request-id": ours}
        status, theirs, began = 0, "", asyncio.get_running_loop().time()
        try:
            answer = await self._connection().request(
                request.method,
                self.base_url + request.path,
                headers=headers,
                content=None if request.body is None else request.body.encode(),
            )
            status, theirs = answer.status_code, answer.headers.get("request-id", "")
        except httpx.HTTPError as error:
            raise _lost(request, error) from None  # the original names the URL with its query
        finally:
            self._on_request(
                GraphCall(
                    integration_id=integration_id,
                    method=request.method,
                    template=request.template,
                    status=status,
                    parts=parts,
                    client_request_id=ours,
                    request_id=theirs,
                    milliseconds=round((asyncio.get_running_loop().time() - began) * 1000),
                )
            )
        return GraphResponse(status=status, headers=_lowered(answer.headers), body=_json(answer))

    def _connection(self) -> httpx.AsyncClient:
        if self._http is None:
            trust = httpx.create_ssl_context(trust_env=False)
            if self._ca_file:
                trust.load_verify_locations(cafile=self._ca_file)
            self._http = httpx.AsyncClient(
                verify=trust,
                timeout=_TIMEOUT,
                limits=_LIMITS,
                trust_env=False,
                follow_redirects=False,
                transport=self._transport,
            )
        return self._http


def _lost(request: GraphRequest, error: httpx.HTTPError) -> SyncFault:
    """A request that never left did nothing; a write that left may have been carried out."""
    kind: type[RemoteFault] = Unavailable
    if not isinstance(error, _NOT_SENT) and not request.reads:
        kind = OutcomeUnknown
    return kind(SERVICE, code=type(error).__name__)


def _lowered(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json() if answer.content else None
    except ValueError:  # an error page of something between Graph and us
        return None
