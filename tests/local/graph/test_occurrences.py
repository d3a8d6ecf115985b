"""Exceptions and cancelled occurrences: S30 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, event, series
from tests.local.graph.series_bodies import BERLIN, MONDAYS, YEAR, days, instances, made, weekly
from tests.local.graph.sources import ALLODIA, CLOSEIO, api, concept

BOX = "/mailboxes/rose@havenweddings.example"
GET_EVENT = "https://learn.microsoft.com/en-us/graph/api/event-get?view=graph-rest-1.0"
RECURRING = concept("outlook-schedule-recurring-events")
ON_TUESDAY = {"start": at("2026-10-20T11:00:00", BERLIN), "end": at("2026-10-20T12:00:00", BERLIN)}


@behaviour("S30", Grade.CAPTURED, ALLODIA, api("event-list-instances"))
async def test_s30_occurrences_belong_to_their_master(graph: Far) -> None:
    master = await made(graph, weekly(subject="Tasting"))
    assert (master["seriesMasterId"], master["occurrenceId"]) == (None, None)
    found = await instances(graph, master["id"])
    assert [item["occurrenceId"] for item in found] == [
        f"OID.{master['id']}.{day}" for day in ("2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02")
    ]
    assert len({item["id"] for item in found} | {master["id"]}) == 5
    assert len({item["iCalUId"] for item in found} | {master["iCalUId"]}) == 5
    for item in found:
        assert (item["type"], item["seriesMasterId"]) == ("occurrence", master["id"])
        assert (item["recurrence"], item["subject"], item["uid"]) == (None, "Tasting", master["uid"])
        read = (await graph.call("GET", f"/me/events/{item['id']}", status=200)).json()
        assert {name: read[name] for name in item} == item


@behaviour("S30", Grade.CAPTURED, ALLODIA)
async def test_s30_the_day_of_an_occurrence_is_that_of_the_recurrences_zone(graph: Far) -> None:
    tuesdays = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    span = {"type": "noEnd", "startDate": "2026-08-04", "recurrenceTimeZone": BERLIN}
    late = series(tuesdays, span, start=at("2026-08-03T23:30:00"), end=at("2026-08-04T00:30:00"))
    master = await made(graph, late)
    first = (await instances(graph, master["id"]))[0]
    assert first["start"]["dateTime"] == "2026-08-03T23:30:00.0000000"
    assert first["occurrenceId"] == f"OID.{master['id']}.2026-08-04"


@behaviour("S30", Grade.DOCUMENTED, RECURRING, ALLODIA)
async def test_s30_an_edited_occurrence_becomes_an_exception(graph: Far) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    path = f"/me/events/{second['id']}"
    now = (await graph.call("PATCH", path, {"subject": "Moved", **ON_TUESDAY}, status=200)).json()
    assert (now["type"], now["id"], now["seriesMasterId"]) == ("exception", second["id"], master["id"])
    assert now["occurrenceId"] == second["occurrenceId"] == f"OID.{master['id']}.2026-10-19"
    assert now["start"]["dateTime"] == "2026-10-20T09:00:00.0000000"
    found = await instances(graph, master["id"])
    assert [item["type"] for item in found] == ["occurrence", "exception", "occurrence", "occurrence"]
    assert days(found) == ["2026-10-12", "2026-10-20", "2026-10-26", "2026-11-02"]
    shown = (await graph.call("GET", f"/me/calendarView?{YEAR}", status=200)).json()["value"]
    assert [item["type"] for item in shown] == ["occurrence", "exception", "occurrence", "occurrence"]
    again = (await graph.call("PATCH", f"/me/events/{master['id']}", {"subject": "All"}, status=200)).json()
    assert again["type"] == "seriesMaster"
    assert [item["subject"] for item in await instances(graph, master["id"])] == ["All", "Moved", "All", "All"]


@behaviour("S30", Grade.DOCUMENTED, api("event-delete"), api("event-list-instances"), GET_EVENT)
async def test_s30_a_deleted_occurrence_is_missing_and_listed_when_selected(graph: Far) -> None:
    master = await made(graph, weekly())
    path = f"/me/events/{master['id']}"
    found = await instances(graph, master["id"])
    await graph.call("PATCH", f"/me/events/{found[0]['id']}", {"subject": "Changed"}, status=200)
    for gone in (found[0], found[2]):  # an exception, and an occurrence as it was planned
        await graph.call("DELETE", f"/me/events/{gone['id']}", status=204)
        error = (await graph.call("GET", f"/me/events/{gone['id']}", status=404)).json()["error"]
        assert error["code"] == "ErrorItemNotFound"
    assert days(await instances(graph, master["id"])) == ["2026-10-19", "2026-11-02"]
    assert days((await graph.call("GET", f"/me/calendarView?{YEAR}")).json()["value"]) == ["2026-10-19", "2026-11-02"]
    read = (await graph.call("GET", f"{path}?$select=subject,cancelledOccurrences", status=200)).json()
    assert read["cancelledOccurrences"] == [f"OID.{master['id']}.{day}" for day in ("2026-10-12", "2026-10-26")]


@behaviour("S30", Grade.DOCUMENTED, GET_EVENT)
async def test_s30_cancelled_occurrences_come_with_one_events_select_alone(graph: Far) -> None:
    master = await made(graph, weekly())
    first = (await instances(graph, master["id"]))[0]
    await graph.call("DELETE", f"/me/events/{first['id']}", status=204)
    plain = (await graph.call("GET", f"/me/events/{master['id']}", status=200)).json()
    listed = (await graph.call("GET", "/me/events?$select=subject,cancelledOccurrences", status=200)).json()["value"]
    assert "cancelledOccurrences" not in plain
    assert "cancelledOccurrences" not in listed[0]
    single = await graph.create()
    read = await graph.call("GET", f"/me/events/{single['id']}?$select=cancelledOccurrences", status=200)
    assert read.json()["cancelledOccurrences"] == []


@behaviour("S30", Grade.DOCUMENTED, GET_EVENT)
async def test_s30_exceptions_are_expanded(graph: Far) -> None:
    master = await made(graph, weekly())
    found = await instances(graph, master["id"])
    for number in (3, 1):
        await graph.call("PATCH", f"/me/events/{found[number]['id']}", {"subject": f"No. {number}"}, status=200)
    query = "$select=subject,start,end,occurrenceId,exceptionOccurrences,cancelledOccurrences"
    path = f"/me/events/{master['id']}?{query}"
    read = (await graph.call("GET", f"{path}&$expand=exceptionOccurrences", status=200)).json()
    assert read["cancelledOccurrences"] == []
    assert [(item["id"], item["type"], item["subject"]) for item in read["exceptionOccurrences"]] == [
        (found[1]["id"], "exception", "No. 1"),
        (found[3]["id"], "exception", "No. 3"),
    ]
    assert read["exceptionOccurrences"][0]["occurrenceId"] == f"OID.{master['id']}.2026-10-19"
    assert "exceptionOccurrences" not in (await graph.call("GET", path, status=200)).json()
    assert "exceptionOccurrences" not in (await graph.call("GET", f"/me/events/{master['id']}", status=200)).json()


@behaviour("S30", Grade.REPORTED, ALLODIA, CLOSEIO, knobs=("originalStart",))
async def test_s30_original_start_is_null_or_said_and_only_on_demand(graph: Far) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    path = f"/me/events/{second['id']}"
    now = (await graph.call("PATCH", path, ON_TUESDAY, status=200)).json()
    for expected in (None, "2026-10-19T07:00:00.0000000Z"):
        await graph.knobs(originalStart=expected is not None)
        assert "originalStart" not in (await graph.call("GET", path, status=200)).json()
        read = (await graph.call("GET", f"{path}?$select=start,originalStart", status=200)).json()
        assert read["originalStart"] == expected
        found = await instances(graph, master["id"], f"{YEAR}&$select=originalStart")
        assert found[1]["originalStart"] == expected
        own = await graph.call("GET", f"/me/events/{master['id']}?$select=originalStart", status=200)
        assert own.json()["originalStart"] is None
    assert "originalStart" not in now


@behaviour("S30", Grade.DOCUMENTED, api("event-update"))
@pytest.mark.parametrize(
    "moved",
    [
        pytest.param("2026-10-27T09:00:00", id="over the next"),
        pytest.param("2026-10-26T18:00:00", id="onto the day of the next"),
        pytest.param("2026-10-11T09:00:00", id="over the one before"),
        pytest.param("2026-10-12T18:00:00", id="onto the day of the one before"),
    ],
)
async def test_s30_an_occurrence_does_not_cross_its_neighbours(graph: Far, moved: str) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    body = {"start": at(moved, BERLIN), "end": at(f"{moved[:11]}20:00:00", BERLIN)}
    error = (await graph.call("PATCH", f"/me/events/{second['id']}", body, status=400)).json()["error"]
    assert error["code"] == "ErrorOccurrenceCrossingBoundary"
    assert [item["type"] for item in await instances(graph, master["id"])] == ["occurrence"] * 4
    body = {"start": at("2026-10-25T09:00:00", BERLIN), "end": at("2026-10-25T10:00:00", BERLIN)}
    await graph.call("PATCH", f"/me/events/{second['id']}", body, status=200)


@behaviour("S30", Grade.DOCUMENTED, api("event-update"))
async def test_s30_a_neighbours_day_is_that_of_the_recurrences_zone(graph: Far) -> None:
    """In Auckland 8 o'clock is the evening before in UTC: the day of the next occurrence must not be told by that."""
    zone = "Pacific/Auckland"
    daily, span = {"type": "daily", "interval": 1}, {"type": "noEnd", "startDate": "2026-10-12"}
    start, end = at("2026-10-12T08:00:00", zone), at("2026-10-12T09:00:00", zone)
    master = await made(graph, series(daily, span, start=start, end=end))
    second = (await instances(graph, master["id"]))[1]
    path = f"/me/events/{second['id']}"
    evening = {"start": at("2026-10-13T20:00:00", zone), "end": at("2026-10-13T21:00:00", zone)}
    await graph.call("PATCH", path, evening, status=200)
    next_day = {"start": at("2026-10-14T07:00:00", zone), "end": at("2026-10-14T07:30:00", zone)}
    error = (await graph.call("PATCH", path, next_day, status=400)).json()["error"]
    assert error["code"] == "ErrorOccurrenceCrossingBoundary"


@behaviour("S30", Grade.ASSUMED, RECURRING, knobs=("keepExceptions",))
async def test_s30_a_changed_pattern_drops_or_keeps_exceptions(graph: Far) -> None:
    for keeps, expected in ((False, ["occurrence"] * 4), (True, ["occurrence", "exception", "occurrence"])):
        await graph.knobs(keepExceptions=keeps)
        master = await made(graph, weekly())
        found = await instances(graph, master["id"])
        await graph.call("PATCH", f"/me/events/{found[1]['id']}", {"subject": "Other"}, status=200)
        await graph.call("DELETE", f"/me/events/{found[2]['id']}", status=204)
        later = {"start": at("2026-10-12T15:00:00", BERLIN), "end": at("2026-10-12T16:00:00", BERLIN)}
        await graph.call("PATCH", f"/me/events/{master['id']}", later, status=200)
        assert [item["type"] for item in await instances(graph, master["id"])] == expected


@behaviour("S30", Grade.ASSUMED, api("event-update"))
async def test_s30_an_occurrence_has_no_recurrence_of_its_own(graph: Far) -> None:
    master = await made(graph, weekly())
    second = (await instances(graph, master["id"]))[1]
    own: dict[str, Any] = {"recurrence": {"pattern": MONDAYS, "range": {"type": "noEnd", "startDate": "2026-10-19"}}}
    await graph.call("PATCH", f"/me/events/{second['id']}", own, status=400)
    await graph.call("GET", f"/me/events/{second['id']}/instances?{YEAR}", status=400)


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
