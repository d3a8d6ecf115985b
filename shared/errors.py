"""Every error that the service raises on purpose, by cause.

::

    SyncFault
    ├── Refusal                 the caller asked for something that cannot be; ``status`` and ``code`` go on the wire
    │   ├── InvalidInput        400, or 422 where the form is right and the meaning is not
    │   ├── NotSignedIn         401
    │   ├── NotFound            404, also for what belongs to somebody else
    │   ├── TooLarge            413
    │   ├── StateConflict       409
    │   └── TooManyRequests     429; ``retry_after`` in whole seconds
    ├── ConsentFault            connecting Outlook ended without a usable grant; ``code`` names the page to show
    ├── RemoteFault             a far end (Graph, Entra, WedSync, Key Vault, storage) did not do what was asked
    │   ├── Throttled           asked to wait; ``retry_after`` in seconds
    │   ├── Unavailable         5xx, time-outs, broken connections: try again later
    │   ├── OutcomeUnknown      a write was sent and no answer came: it may have happened
    │   ├── VersionMismatch     412: the event changed since it was read
    │   ├── EventGone           the event is not there any more (the caller still has to prove it)
    │   ├── DuplicateTransaction  Graph has used this ``transactionId`` already
    │   ├── CursorExpired       the delta link or cursor is not known any more: read everything anew
    │   ├── CalendarGone        the synced calendar, or the mailbox, is not there
    │   ├── ReconnectNeeded     the user has to consent again; ``reason`` is plain words
    │   ├── OperatorFault       configuration: wrong client secret, missing permission; no user can mend it
    │   └── Rejected            any other refusal of a far end; the same request will be refused again
    ├── StoreFault
    │   ├── RowExists           insert-if-absent found a row
    │   └── RowChanged          a conditional write found another version, or no row
    └── IllegalMove             a state machine was asked for a move that its table does not have
"""

from typing import ClassVar


class SyncFault(Exception):
    """The base. The message never holds event content, tokens or codes."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class Refusal(SyncFault):
    """The request cannot be carried out."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, detail: str = "", *, errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(detail or code.replace("_", " "))
        self.code = code
        self.detail = detail
        self.errors = errors
        self.members: dict[str, object] = {}
        """Further members of the problem document, ready for JSON; the border fills them in."""


class InvalidInput(Refusal):
    """The request is malformed."""

    status = 400


class Unprocessable(Refusal):
    """The request is well formed, and what it says cannot be done."""

    status = 422


class NotSignedIn(Refusal):
    """No valid access token came with the request."""

    status = 401


class NotFound(Refusal):
    """There is no such thing, or it is somebody else's."""

    status = 404


class TooLarge(Refusal):
    """The body is larger than any honest one."""

    status = 413


class StateConflict(Refusal):
    """What was asked for does not fit the present state."""

    status = 409


class TooManyRequests(Refusal):
    """The user has called too often; ``retry_after`` whole seconds later a call goes through."""

    status = 429

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("too_many_requests", "Too many calls of this kind; wait as long as Retry-After says.")
        self.retry_after = retry_after


class ConsentFault(SyncFault):
    """Connecting Outlook ended without a usable grant."""

    def __init__(self, code: str, detail: str = "", *, link: str = "") -> None:
        super().__init__(detail or code.replace("_", " "))
        self.code = code
        self.detail = detail
        self.link = link


class RemoteFault(SyncFault):
    """A far end did not do what was asked."""

    def __init__(self, service: str = "", *, status: int = 0, code: str = "", request_id: str = "") -> None:
        summary = (type(self).__doc__ or "").strip().splitlines()[0]
        facts = [f"{name}={value}" for name, value in (("status", status), ("code", code), ("id", request_id)) if value]
        super().__init__(f"{service or 'remote'}: {summary} {' '.join(facts)}".strip())
        self.service = service
        self.status = status
        self.code = code
        self.request_id = request_id


class Throttled(RemoteFault):
    """Too many requests; wait."""

    def __init__(self, service: str = "", *, retry_after: float = 5.0, status: int = 429, code: str = "") -> None:
        super().__init__(service, status=status, code=code)
        self.retry_after = retry_after


class Unavailable(RemoteFault):
    """No useful answer; try again later."""

    retry_after = 5.0


class OutcomeUnknown(RemoteFault):
    """A write was sent and no answer came."""

    retry_after = 2.0


class VersionMismatch(RemoteFault):
    """The event changed since it was read."""


class EventGone(RemoteFault):
    """The event is not there any more."""


class DuplicateTransaction(RemoteFault):
    """The transactionId was used before, for other content.

    ``event_id`` is the event that it made, where Graph names it.
    """

    def __init__(
        self, service: str = "", *, status: int = 0, code: str = "", request_id: str = "", event_id: str = ""
    ) -> None:
        super().__init__(service, status=status, code=code, request_id=request_id)
        self.event_id = event_id


class CursorExpired(RemoteFault):
    """The place to continue reading from is not known any more."""


class CalendarGone(RemoteFault):
    """The synced calendar or its mailbox is not there."""


class ReconnectNeeded(RemoteFault):
    """The user has to consent again. ``link`` is where an administrator approves, if that is what is missing."""

    def __init__(self, reason: str, *, code: str = "", link: str = "") -> None:
        super().__init__("entra", code=code)
        self.reason = reason
        self.link = link


class OperatorFault(RemoteFault):
    """The configuration is wrong; no user can mend it."""


class Rejected(RemoteFault):
    """The far end refuses this request for good."""


class SubscriptionTooLong(Rejected):
    """Graph grants subscriptions for ``minutes`` at the most."""

    def __init__(self, service: str, *, minutes: int, status: int = 0, code: str = "") -> None:
        super().__init__(service, status=status, code=code)
        self.minutes = minutes


class StoreFault(SyncFault):
    """Storage did not take a write."""


class RowExists(StoreFault):
    """A row with this key is there already."""


class RunAtWork(StoreFault):
    """A run is at work that may have made this event just now, and is about to note it."""


class RowChanged(StoreFault):
    """The row is not the one that was read."""


class IllegalMove(SyncFault):
    """The state machine has no such move."""
