"""The table of WedSync's refusals."""

import pytest

from shared.errors import (
    CursorExpired,
    EventGone,
    OperatorFault,
    Rejected,
    RemoteFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.wedsync.protocol import (
    WedSyncRequest,
    WedSyncResponse,
    change_event,
    create_event,
    fault_of,
    list_events,
    problem_code,
    read_event,
)

LIST = list_events("u", cursor="a b", limit="5", from_="", externalId="")
EVENT = read_event("u", "e")


@pytest.mark.parametrize(
    ("request_", "status", "code", "fault"),
    [
        (EVENT, 404, "event_not_found", EventGone),
        (EVENT, 404, "", Rejected),
        (EVENT, 404, "not_found", Rejected),
        (EVENT, 410, "", Rejected),
        (EVENT, 404, "user_not_found", Rejected),
        (LIST, 404, "user_not_found", Rejected),
        (LIST, 410, "cursor_expired", CursorExpired),
        (LIST, 401, "unauthorized", OperatorFault),
        (LIST, 403, "", OperatorFault),
        (change_event("u", "e", version=1, body="{}"), 412, "version_mismatch", VersionMismatch),
        (create_event("u", "{}", "k"), 422, "invalid_event", Rejected),
        (create_event("u", "{}", "k"), 413, "body_too_large", Rejected),
        (LIST, 429, "", Throttled),
        (LIST, 503, "", Unavailable),
        (LIST, 408, "", Unavailable),
        (LIST, 599, "", Unavailable),
        (LIST, 302, "", Rejected),
    ],
)
def test_each_refusal_has_its_meaning(
    request_: WedSyncRequest, status: int, code: str, fault: type[RemoteFault]
) -> None:
    response = WedSyncResponse(status=status, body={"code": code, "detail": "Cake tasting"})
    found = fault_of(request_, response)
    assert type(found) is fault
    assert found is not None
    assert "Cake" not in str(found)


def test_success_is_no_fault() -> None:
    assert fault_of(EVENT, WedSyncResponse(status=204)) is None


def test_empty_options_are_left_out() -> None:
    assert LIST.path == "/v1/users/u/events?cursor=a%20b&limit=5"
    assert list_events("u", from_="2026-01-01T00:00:00Z").path.endswith("?from=2026-01-01T00%3A00%3A00Z")


@pytest.mark.parametrize("body", [None, [], {"code": 5}, "text"])
def test_a_body_that_is_no_problem_has_no_code(body: object) -> None:
    assert problem_code(body) == ""


@pytest.mark.parametrize("identifier", [".", "..", "x\ny", "\x00", "a\x7f", "x\u2028", "\u202ex", "\ud800"])
def test_an_id_that_would_lead_elsewhere_is_never_sent(identifier: str) -> None:
    with pytest.raises(Rejected):
        read_event("u", identifier)
    assert read_event("u", "../v").path == "/v1/users/u/events/..%2Fv"
