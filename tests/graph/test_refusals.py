"""The table of Graph's refusals."""

import pytest

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
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.graph.protocol import GraphRequest, GraphResponse, Subject
from shared.graph.refusals import fault_of, retry_after, zone_refused

E, C, D, S, M = Subject.EVENT, Subject.CALENDAR, Subject.DELTA, Subject.SUBSCRIPTION, Subject.MAILBOX


def request(subject: Subject, method: str = "GET") -> GraphRequest:
    return GraphRequest(method=method, path="/x?secret=1", template="/x", subject=subject)


def response(status: int, code: str = "", message: str = "", **headers: str) -> GraphResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return GraphResponse(status=status, headers=named, body={"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("subject", "method", "status", "code", "fault"),
    [
        (E, "GET", 404, "ErrorItemNotFound", EventGone),
        (E, "GET", 410, "ErrorItemNotFound", EventGone),
        (E, "GET", 404, "", Unavailable),
        (E, "GET", 410, "", Unavailable),
        (C, "GET", 404, "", Unavailable),
        (D, "GET", 404, "", Unavailable),
        (E, "GET", 404, "ResourceNotFound", Rejected),
        (C, "GET", 404, "ErrorFolderNotFound", CalendarGone),
        (E, "GET", 404, "MailboxNotEnabledForRESTAPI", CalendarGone),
        (C, "GET", 404, "ErrorItemNotFound", CalendarGone),
        (C, "POST", 404, "ErrorItemNotFound", CalendarGone),
        (D, "GET", 404, "ErrorItemNotFound", CalendarGone),
        (M, "GET", 404, "MailboxNotEnabledForRESTAPI", CalendarGone),
        (D, "GET", 410, "", CursorExpired),
        (D, "GET", 410, "resyncRequired", CursorExpired),
        (D, "GET", 400, "SyncStateInvalid", CursorExpired),
        (D, "GET", 404, "syncStateNotFound", CursorExpired),
        (E, "PATCH", 412, "", VersionMismatch),
        (E, "PATCH", 409, "ErrorIrresolvableConflict", VersionMismatch),
        (C, "POST", 400, "ErrorDuplicateTransactionId", DuplicateTransaction),
        (C, "POST", 409, "ErrorDuplicateTransactionId", DuplicateTransaction),
        (E, "DELETE", 400, "ErrorInvalidRequest", EventGone),
        (E, "PATCH", 400, "ErrorInvalidRequest", Rejected),
        (E, "GET", 400, "ErrorInvalidIdMalformed", Rejected),
        (E, "PATCH", 400, "TimeZoneNotSupportedException", Rejected),
        (E, "GET", 429, "ApplicationThrottled", Throttled),
        (E, "GET", 509, "", Throttled),
        (E, "GET", 503, "", Unavailable),
        (E, "PATCH", 500, "ErrorInternalServerError", Unavailable),
        (E, "PATCH", 423, "", Unavailable),
        (E, "PATCH", 424, "", Unavailable),
        (E, "GET", 599, "", Unavailable),
        (E, "GET", 401, "InvalidAuthenticationToken", Unavailable),
        (M, "GET", 401, "UnknownError", Rejected),
        (E, "GET", 403, "ErrorAccessDenied", OperatorFault),
        (E, "PATCH", 403, "ErrorAccessDenied", Rejected),
        (M, "GET", 403, "Authorization_RequestDenied", OperatorFault),
        (S, "POST", 409, "", StateConflict),
        (S, "POST", 400, "ExtensionError", Rejected),
        (S, "POST", 400, "ValidationError", Unavailable),
        (S, "POST", 400, "InvalidRequest", Unavailable),
        (S, "POST", 403, "ExtensionError", Rejected),
        (S, "PATCH", 404, "ResourceNotFound", EventGone),
        (S, "DELETE", 410, "", EventGone),
        (S, "PATCH", 400, "InvalidRequest", Rejected),
        (E, "GET", 302, "", Rejected),
        (E, "GET", 0, "", Rejected),
    ],
)
def test_each_refusal_has_its_meaning(
    subject: Subject, method: str, status: int, code: str, fault: type[Exception]
) -> None:
    assert type(fault_of(request(subject, method), response(status, code))) is fault


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_no_fault(status: int) -> None:
    assert fault_of(request(E), GraphResponse(status=status)) is None


def test_a_malformed_token_starts_the_round_anew() -> None:
    assert isinstance(fault_of(request(D), response(400, "BadRequest", "Badly formed token.")), CursorExpired)


def test_a_calendar_that_cannot_be_subscribed_to_is_gone() -> None:
    answer = response(400, "ExtensionError", "The value of parameter 'Resource' is invalid.")
    assert type(fault_of(request(S, "POST"), answer)) is CalendarGone


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_life_that_is_too_long_is_no_lost_calendar(method: str) -> None:
    answer = response(400, "ExtensionError", "Subscription expiration can only be 4230 minutes in the future.")
    fault = fault_of(request(S, method), answer)
    assert isinstance(fault, SubscriptionTooLong)
    assert (fault.minutes, fault.status, fault.code) == (4230, 400, "ExtensionError")


def test_a_duplicate_may_name_the_event() -> None:
    error = {"code": "ErrorDuplicateTransactionId", "message": "", "@event.existingEventId": "AAMk1"}
    fault = fault_of(request(C, "POST"), GraphResponse(status=409, body={"error": error}))
    assert isinstance(fault, DuplicateTransaction)
    assert fault.event_id == "AAMk1"


def test_503_is_throttling_where_it_says_how_long() -> None:
    fault = fault_of(request(E), response(503, "ApplicationThrottled", retry_after="7"))
    assert isinstance(fault, Throttled)
    assert (fault.retry_after, fault.status) == (7.0, 503)


@pytest.mark.parametrize(
    ("header", "seconds"), [("2", 2.0), ("1.5", 1.5), ("-3", 0.0), ("1e9", 3600.0), ("nan", 5.0), ("Sat, 21 Nov", 5.0)]
)
def test_retry_after_is_kept_within_reason(header: str, seconds: float) -> None:
    assert retry_after(response(429, retry_after=header)) == seconds
    assert retry_after(response(429)) == 5.0


def test_a_fault_names_the_request_and_no_content() -> None:
    fault = fault_of(request(E, "PATCH"), response(400, "ErrorInvalidParameter", "Cake tasting", request_id="r-1"))
    assert isinstance(fault, RemoteFault)
    assert (fault.service, fault.status, fault.code, fault.request_id) == ("graph", 400, "ErrorInvalidParameter", "r-1")
    assert "Cake" not in str(fault)
    assert "secret" not in str(fault)


@pytest.mark.parametrize("body", [None, "text", [], {"error": "text"}, {"error": {"code": 5}}])
def test_a_body_that_is_no_envelope_leaves_the_status(body: object) -> None:
    assert isinstance(fault_of(request(E), GraphResponse(status=412, body=body)), VersionMismatch)


def test_zone_refusals_are_known() -> None:
    assert zone_refused(Rejected("graph", status=400, code="ErrorPropertyValidationFailure"))
    assert zone_refused(Rejected("graph", status=400, code="TimeZoneNotSupportedException"))
    assert not zone_refused(Rejected("graph", status=400, code="ErrorInvalidRequest"))
    assert not zone_refused(Unavailable("graph", status=400, code="TimeZoneNotSupportedException"))
