"""Every HTTP endpoint, who calls it, and what a bad call looks like. A new endpoint has to be entered here."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

KIB = 1024


class Caller(StrEnum):
    """Who calls, and so how callers prove who they are."""

    USER = "user"
    BROWSER = "browser"
    GRAPH = "graph"
    WEDSYNC = "wedsync"
    ANYONE = "anyone"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """``body`` is a good one; ``wrong`` holds, by JSON pointer into it, values that no honest caller sends.

    ``good_query`` is a good query string, ``queries`` are bad ones. ``unconnected`` is the answer to a user without a
    connection. ``every_method``: registered for all; ``method`` is one to call it with. ``replayed`` names the tests
    which show that a call that somebody has overheard, or that comes again, does nothing the second time.
    """

    method: str
    route: str
    caller: Caller
    body: Mapping[str, Any] | None = None
    wrong: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    good_query: str = ""
    queries: tuple[str, ...] = ()
    limit: int = 256 * KIB
    empty_body_is_fine: bool = False
    unconnected: tuple[int, str] = (404, "not_connected")
    every_method: bool = False
    replayed: tuple[str, ...] = ()


NO_TEXT: tuple[Any, ...] = (5, 1.5, True, None, [], {})
NO_FLAG: tuple[Any, ...] = (5, 1, 1.5, "true", [], {})
NO_OBJECT: tuple[Any, ...] = (5, "x", True, None, [])
EVENT_QUERIES = (
    *(f"page={text}" for text in ("0", "-1", "1.5", "abc", "", "%20", "1e3", "٣", "100001", "9" * 40, "9" * 5000)),
    *(f"pageSize={text}" for text in ("0", "501", "all", "9" * 5000)),
    *(
        f"start={text}"
        for text in (
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "06/20/2026",
            "2026-W01-1",
            "20260620",
            "2026-06-20T10:00:00Z",
            "%00",
        )
    ),
    "end=never",
    "eventTypes=funeral",
    "eventTypes=client_meeting,",
    "syncStatuses=ok",
    "syncStatuses=synced,%3Cscript%3E",
)

ANN = "ann@example.test"
_FREE = "date=2026-08-06&duration=60"
AVAILABILITY_QUERIES = (
    "",
    "date=2026-08-06",
    "duration=60",
    *(f"date={text}&duration=60" for text in ("", "today", "2026-13-01", "20260806", "2026-08-06T10:00")),
    "date=2026-W32-4&duration=60",
    *(f"date=2026-08-06&duration={text}" for text in ("", "0", "4", "1441", "-60", "1e2", "60.0", "٣٠", "9" * 5000)),
    *(f"{_FREE}&attendees={text}" for text in ("ann", "a@b,ann", "a%20b@x.test", "%3Ca@x.test%3E", "a@" + "x" * 300)),
    f"{_FREE}&attendees={','.join(f'a{number}@x.test' for number in range(20))}",
)

ENDPOINTS: Mapping[str, Endpoint] = {
    "begin_connect": Endpoint(method="GET", route="calendar/outlook/auth", caller=Caller.USER, unconnected=(200, "")),
    "finish_connect": Endpoint(
        method="POST",
        route="calendar/outlook/auth/callback",
        caller=Caller.USER,
        body={"code": "made-up", "state": "made-up"},
        wrong={
            "code": (*NO_TEXT, "x" * 8193),
            "state": (*NO_TEXT, "", "x" * 513),
            "error": NO_TEXT,
            "error_description": NO_TEXT,
            "session_state": NO_TEXT,
            "client_info": NO_TEXT,
            "isAdmin": (True,),
        },
        unconnected=(400, "state_expired"),
        replayed=(
            "tests.journeys.test_connect.test_a_state_works_once",
            "tests.journeys.test_connect.test_somebody_elses_state_is_unknown_and_stays_theirs",
            "tests.usecases.test_connect.test_two_answers_that_race_redeem_one_code",
            "tests.usecases.test_connect.test_a_state_lives_ten_minutes",
        ),
    ),
    "sync_status": Endpoint(method="GET", route="calendar/outlook/sync", caller=Caller.USER),
    "sync_start": Endpoint(
        method="POST",
        route="calendar/outlook/sync",
        caller=Caller.USER,
        body={"syncType": "incremental", "syncDirection": "bidirectional", "specificEvents": []},
        wrong={
            "syncType": (*NO_TEXT, "everything", "FULL_SYNC", ""),
            "syncDirection": (5, True, [], {}, "sideways", ""),
            "specificEvents": (5, "x", True, {}, [5], [None], [[]], ["x"] * 501),
            "userId": ("planner-marco",),
        },
        empty_body_is_fine=True,
    ),
    "sync_cancel": Endpoint(method="DELETE", route="calendar/outlook/sync/{syncId}", caller=Caller.USER),
    "sync_preview": Endpoint(
        method="POST",
        route="calendar/outlook/sync/preview",
        caller=Caller.USER,
        body={"syncType": "incremental", "syncDirection": "bidirectional", "specificEvents": []},
        wrong={
            "syncType": (*NO_TEXT, "everything", "FULL_SYNC", ""),
            "syncDirection": (5, True, [], {}, "sideways", ""),
            "specificEvents": (5, "x", True, {}, [5], [None], [[]], [""], ["x"] * 501),
            "userId": ("planner-marco",),
        },
        empty_body_is_fine=True,
    ),
    "sync_confirm": Endpoint(
        method="POST",
        route="calendar/outlook/sync/confirm",
        caller=Caller.USER,
        body={"confirmationId": "made-up", "accept": False},
        wrong={
            "confirmationId": (*NO_TEXT, "", "x" * 257),
            "accept": (*NO_FLAG, None),
            "eventId": ("x",),
        },
    ),
    "undo_sync": Endpoint(method="POST", route="calendar/outlook/sync/{syncId}/undo", caller=Caller.USER),
    "explain_event": Endpoint(method="GET", route="calendar/outlook/events/{eventId}/explain", caller=Caller.USER),
    "restore_event": Endpoint(method="POST", route="calendar/outlook/events/{eventId}/restore", caller=Caller.USER),
    "sync_job": Endpoint(method="GET", route="calendar/outlook/sync/{syncId}", caller=Caller.USER),
    "list_events": Endpoint(method="GET", route="calendar/outlook/events", caller=Caller.USER, queries=EVENT_QUERIES),
    "resolve_conflict": Endpoint(
        method="POST",
        route="calendar/outlook/events/{eventId}/resolve",
        caller=Caller.USER,
        body={"resolutions": {"title": {"useValue": "outlook"}}, "setAsDefault": False},
        wrong={
            "resolutions": (*NO_OBJECT, {}),
            "resolutions/title": NO_OBJECT,
            "resolutions/title/useValue": (*NO_TEXT, "mine", "OUTLOOK"),
            "resolutions/title/conflictId": (5, True, [], {}),
            "resolutions/title/force": (True,),
            "setAsDefault": (*NO_FLAG, None),
            "mailGuests": (*NO_FLAG, None),
            "eventId": ("x",),
        },
    ),
    "change_settings": Endpoint(
        method="PUT",
        route="calendar/outlook/settings",
        caller=Caller.USER,
        body={
            "syncDirection": "bidirectional",
            "syncPreferences": {"eventPrefix": "WedSync: ", "notificationMinutes": [15, 60], "onOutlookDelete": "ask"},
            "syncEnabled": True,
            "webhookEnabled": True,
        },
        wrong={
            "calendarId": (5, True, [], {}, "", "x" * 1025),
            "syncDirection": (5, True, [], {}, "sideways", ""),
            "syncEnabled": NO_FLAG,
            "webhookEnabled": NO_FLAG,
            "syncPreferences": (5, "x", True, []),
            "syncPreferences/syncClientMeetings": NO_FLAG,
            "syncPreferences/createSeparateCalendar": NO_FLAG,
            "syncPreferences/eventPrefix": (5, True, [], {}, "x" * 51, "a\nb", " a", "\u0000", "\u202e"),
            "syncPreferences/notificationMinutes": (5, "x", True, {}, [-1], [40_321], [1.5], ["15"], [None], [1] * 11),
            "syncPreferences/onOutlookDelete": (5, True, "perhaps", ""),
            "syncPreferences/importOutlookEvents": (5, True, "some", ""),
            "syncPreferences/guestUpdates": (5, True, "never", ""),
            "syncPreferences/syncDirection": (5, "sideways"),
            "syncPreferences/syncEverything": (True,),
            "removeResolutionRules": (5, "x", {}, [5], ["x"] * 501),
            "userId": ("planner-marco",),
        },
        empty_body_is_fine=True,
    ),
    "force_sync": Endpoint(
        method="POST",
        route="calendar/outlook/events/{eventId}/force-sync",
        caller=Caller.USER,
        body={"direction": "to_outlook", "overwriteConflicts": False},
        wrong={
            "direction": (*NO_TEXT, "bidirectional", "", "TO_OUTLOOK"),
            "overwriteConflicts": (*NO_FLAG, None),
            "mailGuests": (True,),
        },
    ),
    "availability": Endpoint(
        method="GET",
        route="calendar/outlook/availability",
        caller=Caller.USER,
        good_query=_FREE,
        queries=AVAILABILITY_QUERIES,
    ),
    "make_meeting": Endpoint(
        method="POST",
        route="calendar/outlook/meetings",
        caller=Caller.USER,
        body={
            "title": "Menu tasting",
            "startTime": "2026-08-06T14:00:00",
            "endTime": "2026-08-06T15:00:00",
            "timeZone": "Europe/London",
            "attendees": [{"email": ANN, "name": "Ann", "type": "required"}],
            "location": "Mill House",
            "body": "Bring the list",
            "isOnlineMeeting": False,
            "eventType": "client_meeting",
        },
        wrong={
            **dict.fromkeys(("title", "startTime", "endTime", "timeZone"), (*NO_TEXT, "", "x" * 256)),
            "attendees": (
                *NO_OBJECT,
                *([], {}, ["a@b c"], [5], [None], [[]], [""], ["ann"], ["@"], ["a@b@c"], ["a,b@x.test"]),
                *([{"email": 5}], [{}], [{"email": ANN, "role": "x"}], ["x" * 260 + "@x.test"], [ANN] * 101),
            ),
        }
        | {
            "location": (5, True, None, [], {}, "x" * 1001),
            "body": (5, True, None, [], {}, "x" * 100_001),
            "isOnlineMeeting": (*NO_FLAG, None),
            "eventType": (*NO_TEXT, "funeral", ""),
            "mailGuests": (True,),
            "organizer": ("me",),
        },
    ),
    "change_meeting": Endpoint(
        method="PATCH",
        route="calendar/outlook/meetings/{eventId}",
        caller=Caller.USER,
        body={"title": "Wine tasting", "mailGuests": False},
        wrong={
            "title": (5, True, [], {}, "", "x" * 256),
            "startTime": (5, True, [], {}, ""),
            "attendees": (5, True, {}, "x", [], ["ann"]),
            "isOnlineMeeting": NO_FLAG,
            "mailGuests": (*NO_FLAG, None),
            "eventType": ("rehearsal",),
        },
        empty_body_is_fine=True,
    ),
    "cancel_meeting": Endpoint(
        method="DELETE",
        route="calendar/outlook/meetings/{eventId}",
        caller=Caller.USER,
        body={"message": "I am sorry", "mailGuests": False},
        wrong={"message": (5, True, None, [], {}, "x" * 10_001), "mailGuests": (*NO_FLAG, None), "comment": ("x",)},
        empty_body_is_fine=True,
    ),
    "list_calendars": Endpoint(method="GET", route="calendar/outlook/calendars", caller=Caller.USER),
    "disconnect": Endpoint(method="DELETE", route="calendar/outlook/integration", caller=Caller.USER),
    "browser_begin_connect": Endpoint(
        method="GET",
        route="integrations/outlook/auth",
        caller=Caller.BROWSER,
        queries=("", "ticket=", "ticket=x"),
        replayed=(
            "tests.journeys.test_connect.test_a_ticket_works_once",
            "tests.usecases.test_connect.test_a_ticket_lives_a_minute",
        ),
    ),
    "browser_finish_connect": Endpoint(
        method="GET",
        route="integrations/outlook/callback",
        caller=Caller.BROWSER,
        queries=("", "state=x&code=y", "error=access_denied", "state=%00", "state=%0d%0aSet-Cookie:%20a=b&code=%0d%0a"),
        replayed=(
            "tests.journeys.test_connect.test_a_callback_works_once_in_the_bound_browser",
            "tests.journeys.test_connect.test_another_browser_hands_over_and_the_bound_one_still_completes",
        ),
    ),
    "graph_webhook": Endpoint(
        method="POST",
        route="calendar/outlook/webhook",
        caller=Caller.GRAPH,
        limit=4 * KIB * KIB,
        replayed=("tests.journeys.test_abuse.test_a_replayed_notification_changes_nothing",),
    ),
    "graph_webhook_alias": Endpoint(
        method="POST",
        route="webhooks/outlook",
        caller=Caller.GRAPH,
        limit=4 * KIB * KIB,
        replayed=("tests.journeys.test_abuse.test_a_replayed_notification_changes_nothing",),
    ),
    "graph_lifecycle": Endpoint(
        method="POST",
        route="calendar/outlook/lifecycle",
        caller=Caller.GRAPH,
        limit=4 * KIB * KIB,
        replayed=("tests.journeys.test_abuse.test_a_replayed_notification_changes_nothing",),
    ),
    "wedsync_webhook": Endpoint(
        method="POST",
        route="webhooks/wedsync",
        caller=Caller.WEDSYNC,
        replayed=(
            "tests.journeys.test_forged_notices.test_a_replayed_notice_changes_nothing",
            "tests.wedsync.test_webhook.test_five_minutes_are_the_limit",
        ),
    ),
    "health": Endpoint(method="GET", route="health", caller=Caller.ANYONE),
    "api_document": Endpoint(method="GET", route="openapi.json", caller=Caller.ANYONE),
    "without_route": Endpoint(method="GET", route="{*path}", caller=Caller.ANYONE, every_method=True),
}

UNREADABLE = (
    b"{",
    b"[]",
    b'"x"',
    b"null",
    b"1",
    b"\x00",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"{} {}",
    b"{'syncType': 'incremental'}",
    b'{"syncType": NaN}',
    b'{"state": "\\ud800"}',
    b"<xml/>",
    b"[" * 100_000,
    b'{"resolutions":' * 10_000,
    b'{"state":' + b"9" * 10_000 + b"}",
)
"""Bodies that are no JSON object, or none that can be read."""

IDS = (
    "unknown",
    "00000000-0000-4000-8000-000000000000",
    "..",
    "%2e%2e",
    "%2e%2e%2fsync",
    "a%2Fb",
    "%5C",
    "%00",
    "%23%3F%25",
    "%F0%9F%92%92",
    "%ff",
    "'%20or%20'1'%20eq%20'1",
    "m%7Cepoch",
    "epoch",
    "x" * 3000,
)
"""Ids of nothing, among them some that mean something to tables, URLs and terminals."""


def of_caller(*callers: Caller) -> list[str]:
    """Return the names of the endpoints that these callers call."""
    return [name for name, endpoint in ENDPOINTS.items() if endpoint.caller in callers]


def with_body() -> list[str]:
    """Return the names of the endpoints that take JSON from users."""
    return [name for name, endpoint in ENDPOINTS.items() if endpoint.body is not None]


def wrong_bodies(endpoint: Endpoint) -> Iterator[tuple[str, bytes]]:
    """Yield a pointer and a body that is wrong there, and only there."""
    for pointer, values in endpoint.wrong.items():
        for value in values:
            yield f"/{pointer}", json.dumps(replaced(endpoint.body or {}, pointer, value)).encode()


def replaced(body: Mapping[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """Return a copy of the body with the member replaced, or added."""
    changed: dict[str, Any] = copy.deepcopy(dict(body))
    *way, last = pointer.split("/")
    inner = changed
    for name in way:
        inner = inner[name]
    inner[last] = value
    return changed
