"""Graph's error envelope (S59) and the errors that several routes share."""

import uuid
from datetime import datetime
from typing import Any

_CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorConflict",
    410: "SyncStateNotFound",
    412: "ErrorIrresolvableConflict",
    429: "ApplicationThrottled",
    500: "ErrorInternalServerError",
    501: "NotImplemented",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


class GraphError(Exception):
    """An answer other than success. ``extra`` are further members of the ``error`` object; ``bare`` is one without
    ``innerError``."""

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        *,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        bare: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code or _CODES.get(status, "UnknownError")
        self.message = message or _CODES.get(status, "")
        self.headers = headers or {}
        self.extra = extra or {}
        self.bare = bare

    def body(self, now: datetime, *, request_id: str = "", client_request_id: str = "") -> dict[str, Any]:
        """Return the envelope with ``innerError``: date, request-id and the echoed client-request-id."""
        if self.bare:
            return {"error": {"code": self.code, "message": self.message, **self.extra}}
        own = request_id or str(uuid.uuid4())
        inner = {
            "date": f"{now:%Y-%m-%dT%H:%M:%S}",
            "request-id": own,
            "client-request-id": client_request_id or own,
        }
        return {"error": {"code": self.code, "message": self.message, **self.extra, "innerError": inner}}


def item_not_found() -> GraphError:
    """An id that is well formed and names nothing in this mailbox."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def mailbox_not_enabled() -> GraphError:
    """An account without a mailbox in the cloud (S61)."""
    return GraphError(404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox.")


def unknown_segment(segment: str) -> GraphError:
    """A path that Graph does not have; also an id with a raw ``/`` in it (S28)."""
    return GraphError(400, "RequestBroker--ParseUri", f"Resource not found for the segment '{segment}'.")


def bad_request(message: str) -> GraphError:
    """An OData request that Graph cannot parse."""
    return GraphError(400, "BadRequest", message)


def invalid_body(message: str) -> GraphError:
    """A JSON body with unknown members, wrong types or wrong enum values."""
    return GraphError(400, "RequestBodyRead", message)


def validation_failure() -> GraphError:
    """Exchange's answer to a value that it cannot store."""
    return GraphError(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")


def invalid_request(message: str) -> GraphError:
    """Exchange's answer to a request that contradicts itself or the item."""
    return GraphError(400, "ErrorInvalidRequest", message)


def throttled(retry_after: float, status: int = 429) -> GraphError:
    """The mailbox has four requests of this app in flight (S56); no ``innerError`` was ever seen with it."""
    return GraphError(
        status,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
        headers={"Retry-After": str(max(1, round(retry_after)))},
        bare=True,
    )
