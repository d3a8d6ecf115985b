"""The check that runs beside the conformance suite: it has to see what is wrong, and nothing else."""

from typing import Any

import httpx
import pytest

from tests.local.graph.conftest import checked_by

LINK = "https://graph.example/v1.0"
OWNER = f"{LINK}/$metadata#users('rose%40havenweddings.example')"
# Composed after the captured single event (section 2.1 of the fact sheet), not read from the simulator.
EVENT: dict[str, Any] = {
    "@odata.etag": 'W/"sBrdAADtxi4Q=="',
    "id": "AAkALg",
    "changeKey": "sBrdAADtxi4Q==",
    "createdDateTime": "2026-07-18T07:43:09.8641979Z",
    "lastModifiedDateTime": "2026-07-18T07:46:27.5509919Z",
    "transactionId": None,
    "iCalUId": "040000008200E00074C5B7",
    "uid": "040000008200E00074C5B7",
    "originalStartTimeZone": "Europe/Amsterdam",
    "originalEndTimeZone": "Europe/Amsterdam",
    "subject": "Cake tasting",
    "bodyPreview": "Bring list",
    "body": {"contentType": "html", "content": "<html></html>\r\n"},
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": True,
    "type": "singleInstance",
    "seriesMasterId": None,
    "occurrenceId": None,
    "showAs": "busy",
    "sensitivity": "normal",
    "importance": "normal",
    "categories": [],
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isDraft": False,
    "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
    "start": {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-08-04T15:00:00.0000000", "timeZone": "UTC"},
    "location": {
        "displayName": "",
        "locationType": "default",
        "uniqueIdType": "unknown",
        "address": {},
        "coordinates": {},
    },
    "locations": [],
    "recurrence": None,
    "attendees": [],
    "organizer": {"emailAddress": {"name": "T", "address": "t@example.test"}},
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "onlineMeetingUrl": None,
    "onlineMeeting": None,
    "hasAttachments": False,
    "webLink": "https://outlook.live.com/owa/?itemid=AAkALg&exvsurl=1&path=/calendar/item",
}
ENTITY = {"@odata.context": f"{OWNER}/events/$entity", **EVENT}
CALENDAR_CONTEXT = f"{LINK}/$metadata#users('rose')/calendars/$entity"


def answer(path: str, body: Any, *, method: str = "GET", status: int = 200, sent: Any = None) -> httpx.Response:
    request = httpx.Request(method, f"{LINK}{path}", json=sent)
    content: dict[str, Any] = {} if body is None else {"json": body}
    return httpx.Response(status, request=request, **content)


def one_problem(schema: Any, response: httpx.Response) -> str:
    found: list[str] = schema.answer_problems(response)
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(autouse=True)
def _not_hollow(schema: Any) -> None:
    if schema is None:
        pytest.fail("there is no schema to check a hollow service with")


def test_the_captured_event_is_in_order(schema: Any) -> None:
    assert schema.answer_problems(answer("/me/events/AAkALg", ENTITY)) == []


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("wedsyncId", "7", "no such member"),
        ("subject", 7, "no string"),
        ("isAllDay", "false", "no boolean"),
        ("reminderMinutesBeforeStart", True, "no integer"),
        ("showAs", "away", "none of FreeBusyStatus's"),
        ("showAs", "Busy", "none of FreeBusyStatus's"),
        ("createdDateTime", "2026-07-18 07:43", "no dateTime"),
        ("categories", None, "no collection"),
        ("attendees", [{"emailAddress": {"address": "a@x", "name": "A"}, "type": "required"}], "status: missing"),
        ("start", {"dateTime": "2026-08-04T14:00:00", "timeZone": "UTC"}, "seven fraction digits"),
        ("start", {"dateTime": "2026-08-04T14:00:00.0000000", "zone": "UTC", "timeZone": "UTC"}, "no such member"),
        ("location", "Room A", "is no object"),
        ("seriesMasterId", "AAk", "on a singleInstance"),
        ("@odata.context", CALENDAR_CONTEXT, "does not speak of Event"),
    ],
)
def test_a_wrong_member_is_named(schema: Any, member: str, value: Any, said: str) -> None:
    assert said in one_problem(schema, answer("/me/events/AAkALg", ENTITY | {member: value}))


@pytest.mark.parametrize("member", sorted(EVENT.keys() - {"@odata.etag"}))
def test_a_lost_member_is_named(schema: Any, member: str) -> None:
    body = {name: value for name, value in ENTITY.items() if name != member}
    assert f"/{member}: missing from Event" in one_problem(schema, answer("/me/events/AAkALg", body))


def test_a_selection_has_what_was_selected(schema: Any) -> None:
    context = f"{OWNER}/events(subject,start)/$entity"
    path = "/me/events/AAkALg?$select=subject,start"
    body = {"@odata.context": context, "@odata.etag": 'W/"x"', "id": "AAkALg", "subject": "S", "start": EVENT["start"]}
    assert schema.answer_problems(answer(path, body)) == []
    assert "/end: was not selected" in one_problem(schema, answer(path, body | {"end": EVENT["end"]}))
    del body["subject"]
    assert "/subject: missing" in one_problem(schema, answer(path, body))


def test_delta_pages(schema: Any) -> None:
    typed = {"@odata.type": "#microsoft.graph.event"}
    minimal = {name: EVENT[name] for name in ("@odata.etag", "id", "start", "end")}
    occurrence = typed | minimal | {"seriesMasterId": "AAk", "type": "occurrence"}
    removed = typed | {"id": "AAkALg", "@removed": {"reason": "deleted"}}
    page = {"@odata.context": f"{LINK}/$metadata#Collection(event)", "@odata.deltaLink": f"{LINK}/me/x"}
    path = "/me/calendars('AAk')/calendarView/delta?$deltatoken=x"
    assert schema.answer_problems(answer(path, page | {"value": [typed | EVENT, occurrence, removed]})) == []
    assert "seven members" in one_problem(schema, answer(path, page | {"value": [occurrence | {"subject": "S"}]}))
    assert "id and reason" in one_problem(schema, answer(path, page | {"value": [removed | {"subject": "S"}]}))
    assert "nextLink or a deltaLink" in one_problem(
        schema, answer(path, {"@odata.context": page["@odata.context"], "value": []})
    )


def test_errors_and_bodies_that_are_missing_or_too_many(schema: Any) -> None:
    inner = {"date": "2026-05-02T09:11:12", "request-id": "r", "client-request-id": "r"}
    error = {"error": {"code": "ErrorItemNotFound", "message": "Gone.", "innerError": inner}}
    path = "/me/events/AAkALg"
    assert schema.answer_problems(answer(path, error, status=404)) == []
    assert "/error/code: missing" in one_problem(schema, answer(path, {"error": {"message": "Gone."}}, status=404))
    assert "have a body" in one_problem(schema, answer(path, None))
    assert "have none" in one_problem(schema, answer(f"{path}/accept", {}, method="POST", status=202))
    assert "no model is known" in one_problem(schema, answer("/me/unheardOf", {}))


def test_batches_are_checked_item_by_item(schema: Any) -> None:
    sent = {"requests": [{"id": "a", "method": "GET", "url": "/me/events/AAkALg"}]}
    items = {"responses": [{"id": "a", "status": 200, "headers": {}, "body": ENTITY}]}
    assert schema.answer_problems(answer("/$batch", items, method="POST", sent=sent)) == []
    items["responses"][0]["body"] = ENTITY | {"subject": 7}
    assert "[a] GET /me/events/AAkALg 200 /subject" in one_problem(
        schema, answer("/$batch", items, method="POST", sent=sent)
    )


def test_notifications(schema: Any) -> None:
    item = {
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2026-05-10T08:00:00+00:00",
        "changeType": "updated",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "clientState": None,
        "resource": "Users/u/Events/e",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": "Users/u/Events/e", "id": "e"},
    }
    assert schema.notification_problems({"value": [item, item | {"tenantId": ""}]}) == []
    for wrong, said in (
        ({"changeType": "moved"}, "none of ChangeType's"),
        ({"lifecycleEvent": "missed"}, "either changeType or lifecycleEvent"),
        ({"subscriptionId": "7"}, "no guid"),
        ({"eventId": "e"}, "no such member"),
    ):
        assert any(said in each for each in schema.notification_problems({"value": [item | wrong]}))


async def test_a_client_of_the_suite_refuses_a_wrong_answer(schema: Any) -> None:
    wrong = httpx.MockTransport(lambda request: httpx.Response(200, json={}, request=request))
    async with httpx.AsyncClient(base_url=LINK, transport=wrong, event_hooks=checked_by(schema)) as http:
        with pytest.raises(AssertionError, match="missing from Event"):
            await http.get("/me/events/AAkALg")
