"""What goes on every request, which links are followed, and how a batch is put together."""

import json
from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.graph.protocol import (
    MARKER_ID,
    ForeignLink,
    Subject,
    batch,
    batch_answers,
    marked,
    path_of,
    prefer,
    query,
    read,
    rows,
    segment,
    with_marker,
    write,
)

BASE = "https://graph.microsoft.com/v1.0"
DELTA = "/me/calendars('AAkA%2F=')/calendarView/delta?$deltatoken=abc%3D"


def test_every_read_and_write_prefers_immutable_ids_utc_and_text() -> None:
    wanted = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
    assert read("/me", "/me", Subject.MAILBOX).headers == {"Prefer": wanted}
    assert write("POST", "/x", "/x", Subject.EVENT).headers == {"Prefer": wanted}
    sized = read("/me", "/me", Subject.MAILBOX, body="html", page_size=7)
    assert sized.headers["Prefer"].endswith('body-content-type="html", odata.maxpagesize=7')
    assert prefer()["Prefer"] == wanted


def test_a_write_says_its_type_and_its_condition() -> None:
    request = write("PATCH", "/x", "/x", Subject.EVENT, body="{}", etag='W/"a"')
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["If-Match"] == 'W/"a"'
    assert not request.reads
    assert not request.repeatable


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" ")))
def test_an_id_is_one_segment_of_a_path(identifier: str) -> None:
    assume(identifier not in (".", ".."))
    quoted = segment(identifier)
    assert "/" not in quoted
    assert "?" not in quoted
    assert unquote(quoted) == identifier


@pytest.mark.parametrize("identifier", [".", "..", "x\ny", "\x00", "a\x7f", "x\u2028", "\u202ex", "\ud800"])
def test_an_id_that_would_lead_elsewhere_is_never_sent(identifier: str) -> None:
    with pytest.raises(Rejected):
        segment(identifier)


def test_queries_are_encoded() -> None:
    found = parse_qs(with_marker(_filter=marked("it's"), _top="50")[1:])
    assert found["$expand"] == [f"singleValueExtendedProperties($filter=id eq '{MARKER_ID}')"]
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER_ID}' and ep/value eq 'it''s')"
    assert found["$filter"] == [wanted]
    assert query(startDateTime="2026-01-01T00:00:00Z") == "?startDateTime=2026-01-01T00%3A00%3A00Z"


@pytest.mark.parametrize("base", [BASE, f"{BASE}/", "https://GRAPH.microsoft.com:443/v1.0"])
def test_a_link_of_this_service_leads_below_the_base(base: str) -> None:
    assert path_of(BASE + DELTA, base) == DELTA
    assert path_of(f"{BASE}/me/events", base) == "/me/events"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/v1.0/me/events",
        "http://graph.microsoft.com/v1.0/me/events",
        "https://graph.microsoft.com/beta/me/events",
        "https://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com/v1.0evil/me",
        "https://graph.microsoft.com:8443/v1.0/me",
        "https://graph.microsoft.com.evil.example/v1.0/me",
        "https://graph.microsoft.com@evil.example/v1.0/me",
        "https://user@graph.microsoft.com/v1.0/me",
        "https://evil.example/v1.0/me?x=https://graph.microsoft.com/v1.0/me",
        "https://graph.microsoft.com/v1.0/../beta/me",
        "https://graph.microsoft.com/v1.0/%2e%2E/beta/me",
        "https://graph.microsoft.com/v1.0/me/..%2f..",
        "https://graph.microsoft.com/v1.0/me\\..\\x",
        "https://graph.microsoft.com/v1.0/me#x",
        "https://graph.microsoft.com:port/v1.0/me",
        "https://[graph.microsoft.com/v1.0/me",
    ],
)
def test_any_other_link_is_foreign(link: str) -> None:
    with pytest.raises(ForeignLink):
        path_of(link, BASE)


def test_a_batch_holds_its_requests_word_for_word() -> None:
    payload = '{"subject": "Été 🎂", "n":1}'
    create = write("POST", "/me/calendars/a%3D/events", "/t", Subject.CALENDAR, body=payload, repeatable=True)
    delete = write("DELETE", "/me/events/b", "/t", Subject.EVENT, etag='W/"k"')
    made = batch([create, delete])
    assert payload in (made.body or "")
    items = json.loads(made.body or "")["requests"]
    assert [(item["id"], item["method"], item["url"]) for item in items] == [
        ("0", "POST", "/me/calendars/a%3D/events"),
        ("1", "DELETE", "/me/events/b"),
    ]
    assert items[0]["body"] == json.loads(payload)
    assert items[1]["headers"]["If-Match"] == 'W/"k"'
    assert 'IdType="ImmutableId"' in items[1]["headers"]["Prefer"]
    assert "body" not in items[1]
    assert not made.repeatable
    assert batch([create]).repeatable


def test_a_batch_has_one_to_twenty_items() -> None:
    request = read("/me", "/me", Subject.MAILBOX)
    assert len(json.loads(batch([request] * 20).body or "")["requests"]) == 20
    for wrong in (0, 21):
        with pytest.raises(ValueError, match="1 to 20"):
            batch([request] * wrong)


def test_batch_answers_are_put_in_order() -> None:
    body = {
        "responses": [
            {"id": "2", "status": 429, "headers": {"Retry-After": 3}, "body": {"error": {}}},
            {"id": "0", "status": 204},
            "junk",
        ]
    }
    first, second, third = batch_answers(body, 3)
    assert first is not None
    assert (first.status, first.ok, first.body) == (204, True, None)
    assert second is None
    assert third is not None
    assert third.headers == {"retry-after": "3"}
    odd = batch_answers({"responses": [{"id": "0", "status": "200", "headers": []}]}, 1)[0]
    assert odd is not None
    assert odd.status == 0


@pytest.mark.parametrize("odd", [None, [], {"value": None}, {"value": {}}, {"value": ["a", 1]}])
def test_collections_are_read_leniently(odd: object) -> None:
    assert rows(odd) == ()
