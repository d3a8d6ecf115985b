"""What the clients of Azure have in common: the identity, transport and time-outs, and what their errors mean.

The SDKs are imported at first use: importing this module costs nothing.
"""

import ssl
from typing import TYPE_CHECKING, Any

from shared.errors import OperatorFault, RowChanged, RowExists, StoreFault, Throttled, Unavailable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_DEFAULT_RETRY_AFTER = 2.0
DEADLINE_SECONDS = 30
"""How long one call may take, retries included: a far end may ask (``Retry-After``) for more patience than we have."""


class AppIdentity:
    """The app's own identity, made at first use and shared by all clients: pass ``credential`` to each."""

    def __init__(self, *, managed_identity_client_id: str = "", ca_file: str = "") -> None:
        self._client_id = managed_identity_client_id
        self._ca_file = ca_file
        self._credential: AsyncTokenCredential | None = None

    def credential(self) -> "AsyncTokenCredential":
        """Return the credential; always the same one."""
        if self._credential is None:
            self._credential = build_credential(self._client_id, self._ca_file)
        return self._credential

    async def close(self) -> None:
        """Close its connections."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()


def build_credential(managed_identity_client_id: str = "", ca_file: str = "") -> "AsyncTokenCredential":
    """Return the credential of the managed identity, the system-assigned one unless a client id is given.

    ``AZURE_CLIENT_ID`` and ``AZURE_TENANT_ID`` name the app that users consent to. ``DefaultAzureCredential`` would
    take them for the identity's, so it is not used.
    """
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - heavy, so at first use

    return ManagedIdentityCredential(
        client_id=managed_identity_client_id or None, **client_options(retries=3, ca_file=ca_file)
    )


def client_options(*, retries: int, ca_file: str) -> dict[str, Any]:
    """Return the options that all clients share: short time-outs, few retries, no logging of requests, the extra CA."""
    options: dict[str, Any] = {
        "connection_timeout": 5,
        "read_timeout": 20,
        "retry_total": retries,
        "retry_connect": retries,
        "retry_read": retries,
        "retry_status": retries,
        "retry_backoff_factor": 0.2,
        "retry_backoff_max": 5,
        "logging_enable": False,
    }
    return options | ({"transport": _trusting(ca_file)} if ca_file else {})


def _trusting(ca_file: str) -> Any:
    """Return a transport that trusts this CA besides the usual ones.

    The option ``connection_verify`` would trust this CA alone, and make a TLS context, hence a connection, for each
    request.
    """
    import aiohttp  # noqa: PLC0415 - heavy, so at first use
    from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415 - heavy, so at first use

    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
        auto_decompress=False,
    )
    return AioHttpTransport(session=session)


def fault_of(error: Exception, service: str = "tables") -> Exception:
    """Return the error of ours that says what the SDK's error means; what is no SDK error comes back as it is."""
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - heavy, so at first use

    if isinstance(error, HttpResponseError) and error.status_code:
        return _http_fault(error, int(error.status_code), service)
    if isinstance(error, AzureError | OSError | TimeoutError):
        return Unavailable(service, code=type(error).__name__)
    return error


def _http_fault(error: Exception, status: int, service: str) -> Exception:
    code = code_of(error)
    if status in (429, 503):  # storage says ServerBusy with 503
        return Throttled(service, retry_after=_retry_after(error), status=status, code=code)
    if status >= 500 or status == 408:
        return Unavailable(service, status=status, code=code)
    if status in (401, 403):
        return OperatorFault(service, status=status, code=code)
    match status:
        case 409:
            return RowExists()
        case 404 | 412:
            return RowChanged()
    return StoreFault(f"{service} refused with {status} {code}".strip())


def code_of(error: Exception) -> str:
    """Return the service's error code, empty if it sent none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _retry_after(error: Exception) -> float:
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return float(headers.get("Retry-After", ""))
    except ValueError:
        return _DEFAULT_RETRY_AFTER
