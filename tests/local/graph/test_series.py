"""Series, occurrences and lists: S29-S32 and S37 of the fact sheet, over HTTP."""

from typing import Any

import pytest

from tests.local.graph.conftest import Far, at, event, series

YEAR = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-06-01T00:00:00Z"
BERLIN = "Europe/Berlin"
BOX = "/mailboxes/rose@havenweddings.example"


def weekly(count: int = 4, **members: Any) -> dict[str, Any]:
    """Mondays at 09:00 in Berlin from 12 October 2026: the third occurrence is after the end of summer time."""
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}
    span = {"type": "numbered", "startDate": "2026-10-12", "numberOfOccurrences": count}
    start, end = at("2026-10-12T09:00:00", BERLIN), at("2026-10-12T10:00:00", BERLIN)
    return series(pattern, span, start=start, end=end, **members)


async def made(graph: Far, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await graph.call("POST", "/me/events", body, status=201)).json()
    return answer


async def instances(graph: Far, master: str, query: str = YEAR) -> list[dict[str, Any]]:
    answer = await graph.call("GET", f"/me/events/{master}/instances?{query}&$top=100", status=200)
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"type": "daily", "interval": 3}, ["2026-08-04", "2026-08-07", "2026-08-10"]),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "thursday"]},
            ["2026-08-04", "2026-08-06", "2026-08-18"],
        ),
        ({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 4}, ["2026-08-04", "2026-09-04", "2026-10-04"]),
        (
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "first"},
            ["2026-08-04", "2026-09-01", "2026-10-06"],
        ),
        (
            {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 4, "month": 8},
            ["2026-08-04", "2027-08-04", "2028-08-04"],
        ),
        (
            {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "first", "month": 8},
            ["2026-08-04", "2027-08-03", "2028-08-01"],
        ),
    ],
)
async def test_s29_patterns(graph: Far, pattern: dict[str, Any], expected: list[str]) -> None:
    span = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
    master = await made(graph, series(pattern, span))
    found = await instances(graph, master["id"], "startDateTime=2026-01-01T00:00:00Z&endDateTime=2030-01-01T00:00:00Z")
    assert [item["start"]["dateTime"][:10] for item in found] == expected


async def test_s29_unused_members_are_zero_filled(graph: Far) -> None:
    master = await made(graph, weekly())
    assert master["type"] == "seriesMaster"
    assert master["recurrence"] == {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": ["monday"],
            "firstDayOfWeek": "monday",
            "index": "first",
        },
        "range": {
            "type": "numbered",
            "startDate": "2026-10-12",
            "endDate": "0001-01-01",
            "recurrenceTimeZone": BERLIN,
            "numberOfOccurrences": 4,
        },
    }


async def test_s29_ranges(graph: Far) -> None:
    daily = {"type": "daily", "interval": 1}
    ended = await made(graph, series(daily, {"type": "endDate", "startDate": "2026-08-04", "endDate": "2026-08-06"}))
    assert len(await instances(graph, ended["id"])) == 3
    endless = await made(graph, series(daily, {"type": "noEnd", "startDate": "2026-08-04"}))
    month = "startDateTime=2031-01-01T00:00:00Z&endDateTime=2031-02-01T00:00:00Z"
    assert len(await instances(graph, endless["id"], month)) == 31
    wrong = series(daily, {"type": "noEnd", "startDate": "2026-08-05"})
    await graph.call("POST", "/me/events", wrong, status=400)


async def test_s29_local_time_stays_across_dst(graph: Far) -> None:
    master = await made(graph, weekly())
    found = await instances(graph, master["id"])
    assert [item["start"]["dateTime"][:16] for item in found] == [
        "2026-10-12T07:00",
        "2026-10-19T07:00",
        "2026-10-26T08:00",
        "2026-11-02T08:00",
    ]


async def test_s29_the_31st_falls_on_the_last_day_of_shorter_months(graph: Far) -> None:
    pattern = {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    span = {"type": "numbered", "startDate": "2026-08-31", "numberOfOccurrences": 3}
    body = series(pattern, span, start=at("2026-08-31T14:00:00"), end=at("2026-08-31T15:00:00"))
    found = await instances(graph, (await made(graph, body))["id"])
    assert [item["start"]["dateTime"][:10] for item in found] == ["2026-08-31", "2026-09-30", "2026-10-31"]


async def test_s30_edited_occurrence_becomes_an_exception(graph: Far) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    assert second["occurrenceId"] == f"OID.{master['id']}.2026-10-19"
    assert second["iCalUId"] != second["uid"] == master["uid"]
    moved = {"start": at("2026-10-20T09:00:00", BERLIN), "end": at("2026-10-20T10:00:00", BERLIN)}
    now = (await graph.call("PATCH", f"/me/events/{second['id']}", {"subject": "Moved", **moved}, status=200)).json()
    assert (now["type"], now["occurrenceId"]) == ("exception", second["occurrenceId"])
    assert now["originalStart"] is None
    found = await instances(graph, master["id"])
    assert [item["type"] for item in found] == ["occurrence", "exception", "occurrence", "occurrence"]
    assert [item["subject"] for item in found][1] == "Moved"
    keys = {item["changeKey"] for item in found}
    assert len(keys) == 1
    assert keys != {master["changeKey"]}
    again = (await graph.call("PATCH", f"/me/events/{master['id']}", {"subject": "All"}, status=200)).json()
    assert again["subject"] == "All"
    assert [item["subject"] for item in await instances(graph, master["id"])] == ["All", "Moved", "All", "All"]


async def test_s30_deleted_occurrence_is_missing_and_listed_when_selected(graph: Far) -> None:
    master = await made(graph, weekly())
    found = await instances(graph, master["id"])
    await graph.call("DELETE", f"/me/events/{found[2]['id']}", status=204)
    await graph.call("GET", f"/me/events/{found[2]['id']}", status=404)
    await graph.call("PATCH", f"/me/events/{found[0]['id']}", {"subject": "Changed"}, status=200)
    assert len(await instances(graph, master["id"])) == 3
    select = "$select=subject,cancelledOccurrences,exceptionOccurrences&$expand=exceptionOccurrences"
    read = (await graph.call("GET", f"/me/events/{master['id']}?{select}", status=200)).json()
    assert read["cancelledOccurrences"] == [f"OID.{master['id']}.2026-10-26"]
    assert [item["subject"] for item in read["exceptionOccurrences"]] == ["Changed"]
    plain = (await graph.call("GET", f"/me/events/{master['id']}")).json()
    assert "cancelledOccurrences" not in plain
    assert "exceptionOccurrences" not in plain


async def test_occurrence_cannot_move_over_its_neighbour(graph: Far) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    moved = {"start": at("2026-10-27T09:00:00", BERLIN), "end": at("2026-10-27T10:00:00", BERLIN)}
    answer = await graph.call("PATCH", f"/me/events/{second['id']}", moved, status=400)
    assert answer.json()["error"]["code"] == "ErrorOccurrenceCrossingBoundary"


async def test_s31_list_holds_masters_and_singles_ten_a_page(graph: Far) -> None:
    master = await made(graph, weekly())
    for number in range(12):
        await graph.create(subject=str(number))
    page = (await graph.call("GET", "/me/events?$select=subject,type")).json()
    assert len(page["value"]) == 10
    assert "$skip=10" in page["@odata.nextLink"]
    rest = (await graph.call("GET", page["@odata.nextLink"])).json()
    assert "@odata.nextLink" not in rest
    everything = page["value"] + rest["value"]
    assert len(everything) == 13
    assert {item["type"] for item in everything} == {"singleInstance", "seriesMaster"}
    assert master["id"] in {item["id"] for item in everything}
    assert "body" not in everything[0]


async def test_s32_calendar_view_needs_a_window_of_at_most_1825_days(graph: Far) -> None:
    answer = await graph.call("GET", "/me/calendarView", status=400)
    assert answer.json()["error"]["code"] == "ErrorInvalidParameter"
    low = "startDateTime=2026-01-01T00:00:00Z&endDateTime="
    assert (await graph.call("GET", f"/me/calendarView?{low}2030-12-31T00:00:00Z")).status_code == 200
    answer = await graph.call("GET", f"/me/calendarView?{low}2031-01-02T00:00:00Z", status=400)
    assert answer.json()["error"]["code"] == "ErrorInvalidRequest"


async def test_s32_window_honours_offsets_and_shows_no_masters(graph: Far) -> None:
    await made(graph, weekly())
    await graph.create(start=at("2026-10-12T07:30:00"), end=at("2026-10-12T08:30:00"))
    query = "startDateTime=2026-10-12T09:00:00%2B02:00&endDateTime=2026-10-12T09:15:00%2B02:00"
    found = (await graph.call("GET", f"/me/calendarView?{query}", status=200)).json()["value"]
    assert [item["type"] for item in found] == ["occurrence"]


async def test_s37_second_calendars_stand_apart(graph: Far) -> None:
    calendars = (await graph.call("GET", "/me/calendars")).json()["value"]
    assert [item["isDefaultCalendar"] for item in calendars] == [True, False]
    private = calendars[1]
    there = await graph.create(f"/me/calendars/{private['id']}/events", subject="There")
    await graph.create(subject="Here")
    listed = (await graph.call("GET", "/me/events")).json()["value"]
    assert [item["subject"] for item in listed] == ["Here"]
    own = (await graph.call("GET", f"/me/calendars/{private['id']}/events")).json()["value"]
    assert [item["subject"] for item in own] == ["There"]
    assert (await graph.call("GET", f"/me/events/{there['id']}")).json()["subject"] == "There"
    assert "calendarId" not in there
    await graph.call("GET", f"/me/calendars/{calendars[0]['id']}/events/{there['id']}", status=404)
    await graph.knobs(listAllCalendars=True)
    assert len((await graph.call("GET", "/me/events")).json()["value"]) == 2


async def test_all_day_series_is_expanded_in_its_zone(graph: Far) -> None:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["saturday"]}
    span = {"type": "numbered", "startDate": "2026-10-24", "numberOfOccurrences": 2}
    body = event(
        recurrence={"pattern": pattern, "range": span},
        isAllDay=True,
        start=at("2026-10-24T00:00:00", BERLIN),
        end=at("2026-10-25T00:00:00", BERLIN),
    )
    master = await made(graph, body)
    asked = {"Prefer": f'outlook.timezone="{BERLIN}"'}
    answer = await graph.call("GET", f"/me/events/{master['id']}/instances?{YEAR}", headers=asked)
    times = [(item["start"]["dateTime"][:19], item["end"]["dateTime"][:19]) for item in answer.json()["value"]]
    assert times == [
        ("2026-10-24T00:00:00", "2026-10-25T00:00:00"),
        ("2026-10-31T00:00:00", "2026-11-01T00:00:00"),
    ]


async def test_all_day_occurrence_on_the_day_of_the_change_ends_at_midnight(graph: Far) -> None:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["sunday"]}
    span = {"type": "numbered", "startDate": "2026-10-18", "numberOfOccurrences": 2}
    start, end = at("2026-10-18T00:00:00", BERLIN), at("2026-10-19T00:00:00", BERLIN)
    master = await made(graph, series(pattern, span, isAllDay=True, start=start, end=end))
    asked = {"Prefer": f'outlook.timezone="{BERLIN}"'}
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{YEAR}", headers=asked)).json()["value"]
    assert [item["end"]["dateTime"][:19] for item in found] == ["2026-10-19T00:00:00", "2026-10-26T00:00:00"]


async def test_load_takes_a_series_with_exceptions_and_cancelled_dates(graph: Far) -> None:
    changed = [{"originalDate": "2026-10-19", "subject": "Other"}]
    entry = weekly(_exceptions=changed, _cancelled=["2026-10-26"], calendar="Band")
    bad = event(showAs="asleep")
    loaded = await graph.control("PUT", f"{BOX}/events", {"events": [entry, bad, event()]})
    assert loaded["loaded"] == 2
    assert [(item["index"], item["code"]) for item in loaded["refused"]] == [(1, "RequestBodyRead")]
    dump = (await graph.control("GET", f"{BOX}/events?calendar=Band"))["events"]
    assert dump[0]["_cancelled"] == ["2026-10-26"]
    assert [item["subject"] for item in dump[0]["_exceptions"]] == ["Other"]
    view = await graph.control("GET", f"{BOX}/view?start=2026-10-01T00:00:00Z&end=2026-12-01T00:00:00Z&calendar=Band")
    assert [item["subject"] for item in view["events"]] == ["Cake tasting", "Other", "Cake tasting"]
