"""What no client should ever send: it is refused with Graph's envelope, and never breaks the service."""

from typing import Any

import pytest

from tests.local.graph.conftest import WINDOW, Endpoint, Far, at, event, token
from tests.local.graph.subscribing import wanted

NIGHT_BEFORE_TIME, NIGHT_AFTER_TIME = "0001-01-01T00:00:00%2B05:00", "9999-12-31T23:59:59-05:00"


async def refused(graph: Far, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
    error: dict[str, Any] = (await graph.call(method, path, body, status=400, **options)).json()["error"]
    assert error["code"]
    assert error["innerError"]["request-id"]
    return error


@pytest.mark.parametrize(
    "clause",
    [
        "isAllDay gt 'x'",
        "isAllDay ge abc",
        "isAllDay gt false",
        "name eq 'x'",
        "subject eq 5",
        "subject gt true",
        "isCancelled eq 'true'",
        "start/dateTime ge '2026-W30-1'",
    ],
)
async def test_a_filter_compares_like_with_like(graph: Far, clause: str) -> None:
    await graph.create()
    assert (await refused(graph, "GET", f"/me/events?$filter={clause}"))["code"] == "ErrorInvalidUrlQueryFilter"


@pytest.mark.parametrize(
    "query", ["$filter=subject eq 'x'", "$filter=isAllDay eq true", "$orderby=subject", "$expand=attachments"]
)
async def test_calendars_have_no_members_of_events(graph: Far, query: str) -> None:
    await refused(graph, "GET", f"/me/calendars?{query}")


async def test_events_cannot_be_ordered_by_a_calendars_member(graph: Far) -> None:
    await graph.create()
    await refused(graph, "GET", "/me/events?$orderby=name")


@pytest.mark.parametrize("path", ["/me/calendarView", "/me/calendarView/delta"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NIGHT_BEFORE_TIME, "0001-02-01T00:00:00Z"),
        ("9999-12-31T00:00:00Z", NIGHT_AFTER_TIME),
        ("2026-W30-1", "2026-W31-1"),
        ("20260801", "20260901"),
        ("2026-08-01T10", "2026-09-01T10"),
    ],
)
async def test_a_window_lies_between_two_instants(graph: Far, path: str, start: str, end: str) -> None:
    await refused(graph, "GET", f"{path}?startDateTime={start}&endDateTime={end}")


@pytest.mark.parametrize("day", ["20260804", "2026-W32-2"])
async def test_a_series_starts_on_a_date(graph: Far, day: str) -> None:
    span = {"type": "noEnd", "startDate": day}
    await refused(
        graph,
        "POST",
        "/me/events",
        event(recurrence={"pattern": {"type": "daily", "interval": 1}, "range": span}),
    )


@pytest.mark.parametrize(
    "members",
    [
        {"expirationDateTime": "0001-01-01T00:00:00+05:00"},
        {"expirationDateTime": "9999-12-31T23:59:59-05:00"},
        {"expirationDateTime": "2026-W52-1"},
        {"notificationUrl": "https://[::1"},
        {"notificationUrl": "https://localhost:99999/"},
        {"notificationUrl": "https://user name@local host/"},
        {"lifecycleNotificationUrl": 5},
        {"latestSupportedTlsVersion": "v9"},
        {"latestSupportedTlsVersion": 5},
        {"includeResourceData": "yes"},
    ],
)
async def test_a_subscription_is_well_formed(graph: Far, endpoint: Endpoint, members: dict[str, Any]) -> None:
    await refused(graph, "POST", "/subscriptions", wanted(endpoint, **members))
    assert (await graph.call("GET", "/subscriptions", status=200)).json()["value"] == []


async def test_an_expiry_outside_time_does_not_renew(graph: Far, endpoint: Endpoint) -> None:
    made = (await graph.call("POST", "/subscriptions", wanted(endpoint), status=201)).json()
    path = f"/subscriptions/{made['id']}"
    await refused(graph, "PATCH", path, {"expirationDateTime": "9999-12-31T23:59:59-05:00"})
    assert (await graph.call("GET", path)).json()["expirationDateTime"] == made["expirationDateTime"]


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"reminderMinutesBeforeStart": NaN}', b'{"a": Infinity}'],
    ids=["nested", "not a number", "infinite"],
)
async def test_a_body_is_json_and_of_this_world(graph: Far, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}
    answer = await graph.http.post("/v1.0/me/events", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "members",
    [
        {"location": {"displayName": "x", "address": "Main Street"}},
        {"location": {"displayName": "x", "coordinates": "here"}},
        {"location": {"displayName": "x", "locationEmailAddress": 5}},
        {"location": {"displayName": "x", "address": {"planet": "Mars"}}},
        {"attendees": [{"emailAddress": {"address": "a@b.example"}, "status": "accepted"}]},
        {"attendees": [{"emailAddress": {"address": "a@b.example"}, "status": {"response": "maybe"}}]},
        {"attendees": [{"emailAddress": {"address": "a@b.example"}, "status": {"time": 5}}]},
    ],
)
async def test_complex_members_have_their_types(graph: Far, members: dict[str, Any]) -> None:
    await refused(graph, "POST", "/me/events", event(**members))


@pytest.mark.parametrize("option", ["$top=1", "$skip=1", "$filter=subject eq 'x'", "$orderby=subject", "$count=true"])
async def test_one_event_is_no_collection(graph: Far, option: str) -> None:
    made = await graph.create()
    for path in (f"/me/events/{made['id']}", "/me/calendar"):
        await refused(graph, "GET", f"{path}?{option}")


async def test_delta_knows_no_other_option(graph: Far) -> None:
    await refused(graph, "GET", f"/me/calendarView/delta?{WINDOW}&$apply=x")


async def test_nobody_answers_for_an_attendee(graph: Far) -> None:
    """An attendee's ``status`` is theirs: what the organizer writes there is taken and not kept."""
    guest = {"emailAddress": {"address": "a@b.example"}, "type": "required"}
    told = guest | {"status": {"response": "accepted", "time": "2026-08-01T10:00:00Z"}}
    made = await graph.create(attendees=[told])
    assert made["attendees"][0]["status"] == {"response": "none", "time": "0001-01-01T00:00:00Z"}
    other = {**told, "emailAddress": {"address": "c@d.example"}}
    changed = (await graph.call("PATCH", f"/me/events/{made['id']}", {"attendees": [told, other]}, status=200)).json()
    assert [each["status"]["response"] for each in changed["attendees"]] == ["none", "none"]


async def test_two_prefer_headers_are_one(graph: Far) -> None:
    made = await graph.create()
    headers = [
        ("Authorization", f"Bearer {token()}"),
        ("Prefer", 'outlook.timezone="Europe/Rome"'),
        ("Prefer", 'IdType="ImmutableId"'),
    ]
    answer = await graph.http.get(f"/v1.0/me/events/{made['id']}", headers=headers)
    assert answer.headers["Preference-Applied"] == 'outlook.timezone="Europe/Rome", IdType="ImmutableId"'
    assert answer.json()["start"] == at("2026-08-04T16:00:00.0000000", "Europe/Rome")
