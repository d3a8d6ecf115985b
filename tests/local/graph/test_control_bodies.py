"""Every control route of Graph refuses a body of the wrong type: 400 with ``{"error": …}``, and nothing done."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.local.graph.conftest import event
from tests.local.wrong_bodies import Taken, refusals

BOX = "/_control/mailboxes/rose@havenweddings.example"
NULL = type(None)
EVENT: Taken = {
    "subject": (str, NULL),
    "start": (),
    "recurrence": (NULL,),
    "attendees": (list, NULL),
    "calendar": (str, NULL),
    "_cancelled": (list,),
    "_exceptions": (list,),
    "_organizer": (NULL,),
    "isCancelled": (bool, NULL),
    "responseStatus": (NULL,),
}
ROUTES: list[tuple[str, str, Taken, dict[str, Any]]] = [
    ("POST", "/_control/reset", {"seed": ()}, {}),
    ("POST", "/_control/clock", {"advanceSeconds": (float, int), "reset": (bool,)}, {}),
    ("POST", "/_control/faults", {"action": ()}, {}),
    (
        "POST",
        "/_control/faults",
        {"path": (str,), "seconds": (float,), "count": (NULL,), "seed": (int,), "every": ()},
        {"action": "status"},
    ),
    ("POST", "/_control/knobs", {"subjectLimit": (int,), "trimSubject": (bool,), "latencySeconds": (float, int)}, {}),
    ("POST", "/_control/knobs", {"allDayShowAs": (str,), "nothing": ()}, {}),
    ("PUT", f"{BOX}/events", {"events": (list,)}, {}),
    ("POST", f"{BOX}/events/import", {"events": (list,)}, {}),
    ("POST", f"{BOX}/events", {name: kinds for name, kinds in EVENT.items() if name != "calendar"}, event()),
    ("POST", f"{BOX}/calendars", {"name": (str,)}, {}),
    (
        "PUT",
        f"{BOX}/working-hours",
        {"daysOfWeek": (list,), "startTime": (), "endTime": (), "timeZone": ()},
        {"daysOfWeek": ["monday"], "startTime": "09:00", "endTime": "17:00", "timeZone": "UTC"},
    ),
    ("POST", f"{BOX}/requests", {"appId": (str,), "count": ()}, {"appId": "x", "count": 1}),
    ("POST", "/_control/notifications", {"url": (str,), "value": (list,)}, {"url": "https://x", "value": []}),
    ("POST", "/_control/lifecycle", {"event": ()}, {}),
    (
        "POST",
        "/_control/lifecycle",
        {"subscriptionId": (str, NULL), "variant": (bool,), "pause": (bool,)},
        {"event": "missed"},
    ),
]


@pytest.fixture
def web(graph_url: str, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=graph_url, verify=trust, trust_env=False) as client:
        client.post("/_control/reset")
        yield client
        client.post("/_control/reset")


@pytest.mark.parametrize(("method", "path", "members", "good"), ROUTES)
def test_a_body_of_the_wrong_type_is_refused(
    web: httpx.Client, method: str, path: str, members: Taken, good: dict[str, Any]
) -> None:
    before = state(web)
    assert not refusals(web, method, path, members, good)
    assert before == state(web)


def state(web: httpx.Client) -> list[Any]:
    return [web.get(f"/_control/{shown}").json() for shown in ("faults", "knobs", "mailboxes", "subscriptions")]


@pytest.mark.parametrize("events", [[1], ["x"], [None], [[]], [event(), 1]])
def test_a_list_of_events_holds_events(web: httpx.Client, events: Any) -> None:
    for method, path in (("PUT", f"{BOX}/events"), ("POST", f"{BOX}/events/import")):
        answer = web.request(method, path, json={"events": events})
        assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("within", ["_cancelled", "_exceptions", "_organizer", "responseStatus"])
def test_so_is_one_within_an_event_that_is_loaded(web: httpx.Client, within: str) -> None:
    """The mailbox keeps what it had."""
    web.put(f"{BOX}/events", json={"events": [event()]})
    wrong: tuple[Any, ...] = (True, 1, "x", [1], [[]], [{}], [{"originalDate": 1}], {"address": 1}, {"response": 1})
    for value in (*wrong, ["no date"]):
        answer = web.put(f"{BOX}/events", json={"events": [event(), {**event(), within: value}]})
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), value
    assert len(web.get(f"{BOX}/events").json()["events"]) == 1


def test_so_is_one_for_an_event_that_is_there(web: httpx.Client) -> None:
    made = web.post(f"{BOX}/events", json=event()).json()
    own = f"{BOX}/events/{made['id']}"
    patched: Taken = {"isCancelled": (bool, NULL), "responseStatus": (NULL,), "_asOrganizer": (bool,)}
    assert not refusals(web, "PATCH", own, {**patched, "start": ()}, {})
    assert not refusals(web, "POST", f"{own}/move", {"calendarId": (str,)}, {})
    assert not refusals(web, "POST", f"{own}/copy", {"calendarId": (str, NULL)}, {})
    assert web.get(own).json() == made


@pytest.mark.parametrize(
    "query", ["", "start=x&end=x", "start=2026-01-01", "start=0001-01-01T00:00%2B05:00&end=2026-01-01"]
)
def test_a_view_needs_two_times(web: httpx.Client, query: str) -> None:
    answer = web.get(f"{BOX}/view?{query}")
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_clock_cannot_be_moved_out_of_time(web: httpx.Client) -> None:
    for seconds in (10**18, 10**40, -(10**12)):
        answer = web.post("/_control/clock", json={"advanceSeconds": seconds})
        assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("pattern", ["(" * 5000, "a{99999999999999}", "["])
def test_a_pattern_that_is_none_is_refused(web: httpx.Client, pattern: str) -> None:
    answer = web.post("/_control/faults", json={"action": "status", "path": pattern})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
