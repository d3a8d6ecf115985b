"""Signed notices of WedSync, and everything that is not one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from shared.errors import InvalidInput, NotSignedIn, OperatorFault
from shared.wedsync.webhook import WedSyncNotice, parse

SECRET = "whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA="
DATA = {"userId": "planner-rose", "eventId": "evt_1", "version": 7}


def message(**changes: Any) -> bytes:
    return json.dumps({"type": "event.updated", "timestamp": "2026-06-20T12:00:00Z", "data": DATA} | changes).encode()


def signed(body: bytes, *, late: timedelta = timedelta(), secret: str = SECRET) -> dict[str, str]:
    at = datetime.now(UTC) - late
    return {
        "Webhook-Id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


@pytest.mark.parametrize("kind", ["event.created", "event.updated", "event.deleted"])
def test_a_signed_notice_is_read(kind: str) -> None:
    body = message(type=kind)
    assert parse(SECRET, signed(body), body) == WedSyncNotice(
        message_id="msg_1",
        kind=kind,  # type: ignore[arg-type]
        user_id="planner-rose",
        event_id="evt_1",
        version=7,
    )


def test_a_type_of_the_future_is_passed_over() -> None:
    body = message(type="invoice.paid", data={})
    assert parse(SECRET, signed(body), body) is None


def test_several_signatures_are_for_rotation() -> None:
    body = message()
    headers = signed(body)
    headers["webhook-signature"] = f"v1,AAAA v2,x {headers['webhook-signature']}"
    assert parse(SECRET, headers, body) is not None


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_five_minutes_are_the_limit(late: timedelta) -> None:
    body = message()
    with pytest.raises(NotSignedIn):
        parse(SECRET, signed(body, late=late), body)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "junk"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "a,b,c"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": ""},
        {"Webhook-Id": ""},
        {"Webhook-Id": "msg_2"},
    ],
)
def test_a_bad_signature_is_refused(changed: dict[str, str]) -> None:
    body = message()
    with pytest.raises(NotSignedIn) as caught:
        parse(SECRET, signed(body) | changed, body)
    assert caught.value.code == "invalid_signature"


def test_a_changed_or_foreign_body_is_refused() -> None:
    body = message()
    for headers, sent in (
        (signed(body), body.replace(b"evt_1", b"evt_2")),
        (signed(body, secret="whsec_" + "b3RoZXI" * 6), body),
        ({}, body),
        (signed(body), b"\xff\xfe"),
    ):
        with pytest.raises(NotSignedIn):
            parse(SECRET, headers, sent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        message(type=5),
        message(data=None),
        message(data={}),
        message(data=DATA | {"userId": ""}),
        message(data=DATA | {"eventId": 5}),
        message(data=DATA | {"userId": "\ud800"}),
        message(data=DATA | {"eventId": "evt_\udfff"}),
        message(data=DATA | {"version": "7"}),
        message(data=DATA | {"version": True}),
    ],
)
def test_a_signed_body_that_is_no_notice(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(SECRET, signed(body), body)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é"])
def test_a_secret_that_is_none(secret: str) -> None:
    body = message()
    with pytest.raises(OperatorFault):
        parse(secret, signed(body), body)
