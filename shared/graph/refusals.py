"""What an answer of Graph's other than success means: status and code to the errors of ``shared.errors``.

Sources are sections 2 to 5 of the fact sheet. Codes are compared without regard to case, because their spelling
varies between editions (facts C41, section 3).
"""

import re

from shared.errors import (
    CalendarGone,
    CursorExpired,
    DuplicateTransaction,
    EventGone,
    OperatorFault,
    Rejected,
    RemoteFault,
    StateConflict,
    SubscriptionTooLong,
    SyncFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.graph.protocol import SERVICE, GraphRequest, GraphResponse, Subject, members, text

DEFAULT_RETRY_AFTER = 5.0
_LONGEST_RETRY_AFTER = 3600.0
_NOT_FOUND = frozenset({"erroritemnotfound", "errorfoldernotfound", "itemnotfound", "resourcenotfound"})
_NO_MAILBOX = frozenset({"mailboxnotenabledforrestapi", "mailboxnothostedincloud", "errornonexistentmailbox"})
_SYNC_STATE = frozenset(
    {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "fullsyncrequired", "errorinvalidsyncstatedata"}
)
_MISSING_PERMISSION = frozenset({"authorization_requestdenied", "errorinsufficientpermissionsinaccesstoken"})
_ZONE_REFUSED = frozenset({"timezonenotsupportedexception", "errorpropertyvalidationfailure"})
_TRANSIENT_SUBSCRIPTION = frozenset({"invalidrequest", "validationerror"})
_TOO_LONG = re.compile(r"expiration can only be (\d{1,6}) minutes", re.IGNORECASE)
_TRANSIENT = frozenset({408, 423, 424, 500, 502, 503, 504})


def fault_of(request: GraphRequest, response: GraphResponse) -> SyncFault | None:
    """Return the error that an answer means, or None for success.

    401 is answered here as it stands after a fresh token was refused as well: that is no reason to send the user
    through consent, because endpoints without support for personal accounts answer so too (fact C11).
    """
    if response.ok:
        return None
    code, message = _error(response)
    if request.subject is Subject.SUBSCRIPTION and response.status == 409:
        return StateConflict("subscription_exists", "Graph has a subscription to this calendar already.")
    if too_long := request.subject is Subject.SUBSCRIPTION and _TOO_LONG.search(message):
        return SubscriptionTooLong(SERVICE, minutes=int(too_long[1]), status=response.status, code=code)
    fault = _by_code(code.lower(), message) or _by_status(request, response, code.lower(), message)
    if fault is Throttled:
        return Throttled(SERVICE, retry_after=retry_after(response), status=response.status, code=code)
    request_id = response.headers.get("request-id", "")
    if fault is DuplicateTransaction:
        named = text(members(members(response.body).get("error")).get("@event.existingEventId"))
        return DuplicateTransaction(SERVICE, status=response.status, code=code, request_id=request_id, event_id=named)
    return fault(SERVICE, status=response.status, code=code, request_id=request_id)


def retry_after(response: GraphResponse) -> float:
    """Return ``Retry-After`` in seconds, within reason; five seconds where it is missing or a date."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return DEFAULT_RETRY_AFTER
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER) if seconds == seconds else DEFAULT_RETRY_AFTER  # noqa: PLR0124


def zone_refused(fault: object) -> bool:
    """Whether Graph may have refused a write for its time zone (facts C28, section 2.6)."""
    return isinstance(fault, Rejected) and fault.status == 400 and fault.code.lower() in _ZONE_REFUSED


def _error(response: GraphResponse) -> tuple[str, str]:
    error = members(members(response.body).get("error"))
    return text(error.get("code")), text(error.get("message"))


def _by_code(code: str, message: str) -> type[RemoteFault] | None:
    """Codes that mean the same whatever their status is."""
    if code == "errorduplicatetransactionid":  # 400 or 409: sources disagree
        return DuplicateTransaction
    if code == "errorirresolvableconflict":
        return VersionMismatch
    if code in _NO_MAILBOX:
        return CalendarGone
    if code in _SYNC_STATE or "badly formed token" in message.lower():
        return CursorExpired
    return None


def _by_status(request: GraphRequest, response: GraphResponse, code: str, message: str) -> type[RemoteFault]:
    status = response.status
    if status in (429, 509) or (status == 503 and "retry-after" in response.headers):
        return Throttled
    if status in (404, 410):
        return _not_there(request, status, code)
    if status == 412:
        return VersionMismatch
    if status in _TRANSIENT or status >= 500:
        return Unavailable
    if status in (401, 403):
        return _not_allowed(request, status, code)
    if request.subject is Subject.SUBSCRIPTION:
        return _subscription_refused(request, code, message)
    if request.method == "DELETE" and status == 400 and code == "errorinvalidrequest":
        return EventGone  # it lies in Deleted Items (fact C25)
    return Rejected


def _not_there(request: GraphRequest, status: int, code: str) -> type[RemoteFault]:
    """Only Graph's own word says that an event or a calendar is gone: a gateway answers 404 without any code."""
    if request.subject is Subject.DELTA and status == 410:
        return CursorExpired
    if request.subject is Subject.SUBSCRIPTION:
        return EventGone
    if request.subject is Subject.EVENT and code == "erroritemnotfound":
        return EventGone
    if request.subject is not Subject.EVENT and code in _NOT_FOUND:
        return CalendarGone
    return Rejected if code else Unavailable


def _not_allowed(request: GraphRequest, status: int, code: str) -> type[RemoteFault]:
    if status == 401:
        return Unavailable if code == "invalidauthenticationtoken" else Rejected
    if code in _MISSING_PERMISSION or (code == "erroraccessdenied" and request.reads):
        return OperatorFault
    return Rejected  # a calendar that is only shared for reading, a mailbox that takes no subscriptions, …


def _subscription_refused(request: GraphRequest, code: str, message: str) -> type[RemoteFault]:
    """Of ``ExtensionError``s only the one about the resource says that the calendar is gone (section 4.2)."""
    if code == "extensionerror" and "'resource'" in message.lower():
        return CalendarGone
    if code in _TRANSIENT_SUBSCRIPTION and request.method == "POST":
        return Unavailable  # validation timed out, or the connection broke (fact C54)
    return Rejected
