"""The one place that talks HTTP to WedSync: connections, the service token, and when to ask again.

Reads and creates (which carry an ``Idempotency-Key``) are repeated on broken connections and 5xx; other writes never.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx

from shared.errors import OperatorFault, OutcomeUnknown, RemoteFault, SyncFault, Unavailable
from shared.ports import Secrets
from shared.retry import insist
from shared.wedsync.protocol import SERVICE, WedSyncRequest, WedSyncResponse, fault_of

SERVICE_TOKEN = "wedsync-service-token"  # noqa: S105 - the secret's name
_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=30.0)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=30.0)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class WedSyncClient:
    """One per process. Opens nothing, and asks the vault for nothing, before the first request."""

    def __init__(
        self,
        *,
        base_url: str,
        secrets: Secrets,
        ca_file: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._secrets = secrets
        self._ca_file = ca_file
        self._sleep = sleep
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._token = ""

    async def send(self, request: WedSyncRequest) -> WedSyncResponse:
        """Return a successful answer, or raise what the answer means."""
        return await insist(
            partial(self._once, request), reads=request.reads, repeatable=request.repeatable, sleep=self._sleep
        )

    async def fetch(self, url: str) -> object:
        """Return the JSON at a public address of WedSync's (its keys), without the token; else ``Unavailable``."""
        try:
            answer = await self._connection().get(url)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(SERVICE, code=type(error).__name__) from None

    async def close(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _once(self, request: WedSyncRequest) -> WedSyncResponse:
        known = bool(self._token)
        response = await self._exchange(request)
        if response.status == 401 and known:  # the token may have been changed in the vault since it was read
            self._token = ""
            response = await self._exchange(request)
        fault = fault_of(request, response)
        if fault is not None:
            raise fault
        return response

    async def _exchange(self, request: WedSyncRequest) -> WedSyncResponse:
        if not self._token:
            self._token = await self._secrets.get(SERVICE_TOKEN) or ""
        if not self._token:
            raise OperatorFault(SERVICE, code="NoServiceToken")
        try:
            answer = await self._connection().request(
                request.method,
                self._base_url + request.path,
                headers={**request.headers, "Authorization": f"Bearer {self._token}"},
                content=None if request.body is None else request.body.encode(),
            )
        except httpx.HTTPError as error:
            raise _lost(request, error) from None  # the original names the URL with its query
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return WedSyncResponse(status=answer.status_code, headers=headers, body=_json(answer))

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


def _lost(request: WedSyncRequest, error: httpx.HTTPError) -> SyncFault:
    """A request that never left did nothing; a write that left may have been carried out."""
    kind: type[RemoteFault] = Unavailable
    if not isinstance(error, _NOT_SENT) and not request.reads:
        kind = OutcomeUnknown
    return kind(SERVICE, code=type(error).__name__)


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json() if answer.content else None
    except ValueError:  # an error page of something between WedSync and us
        return None
