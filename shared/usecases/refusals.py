"""What a failure is about: one event for good, since trying the same again would fail again, or all of them."""

from shared.core.history import EventFailure
from shared.errors import (
    CalendarGone,
    DuplicateTransaction,
    OperatorFault,
    ReconnectNeeded,
    Rejected,
    RowChanged,
    RowExists,
    StoreFault,
)

STOPS = (ReconnectNeeded, CalendarGone, OperatorFault)
"""What stops the whole integration, and not one event."""

CONTENT_REFUSED = (400, 413, 422)
"""Statuses that may be about one member of a body alone."""


def is_refusal(fault: Exception) -> bool:
    """Whether a far end refuses the event, or storage the row about it (which is too large, for example)."""
    if isinstance(fault, StoreFault):
        return not isinstance(fault, RowChanged | RowExists)
    return isinstance(fault, Rejected | DuplicateTransaction)


def reason_of(fault: Exception) -> str:
    """Return a refusal in words for the user; they hold no content."""
    if isinstance(fault, Rejected | DuplicateTransaction):
        return f"{fault.service} refuses it ({fault.code})."
    return f"It cannot be stored: {fault}."


def failure_of(event_id: str, event_type: str, fault: Exception, message: str) -> EventFailure:
    """Return what the history says of one event that could not be synced."""
    return EventFailure(
        event_id=event_id,
        event_type=event_type,
        code=type(fault).__name__,
        message=message,
        retryable=not is_refusal(fault),
    )
