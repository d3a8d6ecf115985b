"""Lists of events: S31, S32 and S37 of the fact sheet, over HTTPS."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, at
from tests.local.graph.series_bodies import made, weekly
from tests.local.graph.sources import ALLODIA, CLOSEIO, api, issue, resource

LIST, VIEW = api("user-list-events"), api("user-list-calendarview")
NEEDED = "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."


async def pages(graph: Far, link: str) -> list[list[dict[str, Any]]]:
    """Follow the next links to the end."""
    found = []
    while link:
        page = (await graph.call("GET", link, status=200)).json()
        found.append(page["value"])
        link = page.get("@odata.nextLink", "")
    return found


@behaviour("S31", Grade.DOCUMENTED, LIST)
async def test_s31_the_list_holds_masters_and_singles(graph: Far) -> None:
    master = await made(graph, weekly())
    single = await graph.create()
    listed = (await graph.call("GET", "/me/events", status=200)).json()["value"]
    assert {item["id"]: item["type"] for item in listed} == {
        master["id"]: "seriesMaster",
        single["id"]: "singleInstance",
    }


@behaviour("S31", Grade.DOCUMENTED, LIST)
@pytest.mark.parametrize("path", ["/me/events", f"/me/calendarView?{WINDOW}"])
async def test_s31_ten_a_page_and_a_link_that_skips(graph: Far, path: str) -> None:
    for number in range(23):
        await graph.create(subject=str(number))
    join = "&" if "?" in path else "?"
    first = (await graph.call("GET", f"{path}{join}$select=subject", status=200)).json()
    link = parse_qs(urlsplit(first["@odata.nextLink"]).query)
    assert link["$skip"] == ["10"]
    assert link["$select"] == ["subject"]
    found = await pages(graph, f"{path}{join}$select=subject")
    assert [len(page) for page in found] == [10, 10, 3]
    assert sorted(int(item["subject"]) for page in found for item in page) == list(range(23))
    assert all("body" not in item for page in found for item in page)


@behaviour("S31", Grade.REPORTED, CLOSEIO, LIST)
async def test_s31_top_sets_the_page(graph: Far) -> None:
    for number in range(12):
        await graph.create(subject=str(number))
    whole = (await graph.call("GET", "/me/events?$top=500", status=200)).json()
    assert len(whole["value"]) == 12
    assert "@odata.nextLink" not in whole
    assert [len(page) for page in await pages(graph, "/me/events?$top=5")] == [5, 5, 2]
    rest = (await graph.call("GET", "/me/events?$top=5&$skip=10", status=200)).json()["value"]
    assert rest == whole["value"][10:]
    exact = (await graph.call("GET", "/me/events?$top=12", status=200)).json()
    assert "@odata.nextLink" not in exact
    for wrong in ("$top=0", "$top=many", "$skip=-1"):
        await graph.call("GET", f"/me/events?{wrong}", status=400)


@behaviour("S31", Grade.DOCUMENTED, LIST)
async def test_s31_filtered_and_sorted(graph: Far) -> None:
    for subject, day in (("B", 2), ("A", 3), ("C", 1)):
        await graph.create(subject=subject, start=at(f"2026-08-0{day}T14:00:00"), end=at(f"2026-08-0{day}T15:00:00"))
    for query, expected in (
        ("$orderby=start/dateTime", "CBA"),
        ("$orderby=subject desc", "CBA"),
        ("$filter=start/dateTime ge '2026-08-02T00:00:00'&$orderby=subject", "AB"),
        ("$filter=subject eq 'A' and isAllDay eq false", "A"),
        ("$filter=lastModifiedDateTime lt 2001-01-01T00:00:00Z", ""),
    ):
        listed = (await graph.call("GET", f"/me/events?{query}", status=200)).json()["value"]
        assert "".join(item["subject"] for item in listed) == expected, query


@behaviour("S31", Grade.CAPTURED, ALLODIA)
async def test_s31_an_unknown_member_cannot_be_selected(graph: Far) -> None:
    for query in ("$select=nonsense", "$expand=nonsense"):
        error = (await graph.call("GET", f"/me/events?{query}", status=400)).json()["error"]
        assert error["code"] == "BadRequest"
        assert error["message"].startswith("Parsing OData Select and Expand failed: Could not find a property named ")
        assert "nonsense" in error["message"]
    for query in ("$filter=transactionId eq 't'", "$filter=subject", "$search=cake", "$orderby=nonsense"):
        await graph.call("GET", f"/me/events?{query}", status=400)


@behaviour("S32", Grade.REPORTED, issue(6321), VIEW)
@pytest.mark.parametrize("query", ["", "?startDateTime=2026-01-01T00:00:00Z", "?endDateTime=2026-01-01T00:00:00Z"])
async def test_s32_a_range_read_needs_a_window(graph: Far, query: str) -> None:
    master = await made(graph, weekly())
    calendar = (await graph.call("GET", "/me/calendar", status=200)).json()["id"]
    for path in (
        "/me/calendarView",
        "/me/calendar/calendarView",
        f"/me/calendars/{calendar}/calendarView",
        f"/me/events/{master['id']}/instances",
    ):
        error = (await graph.call("GET", f"{path}{query}", status=400)).json()["error"]
        assert (error["code"], error["message"]) == ("ErrorInvalidParameter", NEEDED)


@behaviour("S32", Grade.REPORTED, issue(6321))
async def test_s32_a_window_lasts_1825_days_at_most(graph: Far) -> None:
    low = "/me/calendarView?startDateTime=2026-01-01T00:00:00Z&endDateTime="
    await graph.call("GET", f"{low}2030-12-31T00:00:00Z", status=200)
    assert (await graph.call("GET", f"{low}2030-12-31T00:00:00Z")).json()["value"] == []
    for high in ("2030-12-31T00:00:01Z", "2031-01-01T00:00:00Z", "2126-01-01T00:00:00Z"):
        error = (await graph.call("GET", f"{low}{high}", status=400)).json()["error"]
        assert error["code"] == "ErrorInvalidRequest"


@behaviour("S32", Grade.DOCUMENTED, VIEW)
async def test_s32_the_window_honours_offsets_and_no_preferred_zone(graph: Far) -> None:
    await made(graph, weekly())
    await graph.create(start=at("2026-10-12T07:30:00"), end=at("2026-10-12T08:30:00"))
    asked = {"Prefer": 'outlook.timezone="Europe/Berlin"'}
    for low, high, expected in (
        ("2026-10-12T09:00:00%2B02:00", "2026-10-12T09:15:00%2B02:00", ["occurrence"]),
        ("2026-10-12T07:00:00", "2026-10-12T07:15:00", ["occurrence"]),
        ("2026-10-12T07:00:00Z", "2026-10-12T08:00:00Z", ["occurrence", "singleInstance"]),
        ("2026-10-12T09:00:00", "2026-10-12T09:15:00", []),
    ):
        path = f"/me/calendarView?startDateTime={low}&endDateTime={high}"
        found = (await graph.call("GET", path, headers=asked, status=200)).json()["value"]
        assert [item["type"] for item in found] == expected


@behaviour("S32", Grade.DOCUMENTED, VIEW)
async def test_s32_no_masters_and_what_touches_the_window(graph: Far) -> None:
    await made(graph, weekly())
    await graph.create(subject="Long", start=at("2026-10-01T00:00:00"), end=at("2026-11-01T00:00:00"))
    await graph.create(subject="Before", start=at("2026-10-19T05:00:00"), end=at("2026-10-19T06:00:00"))
    path = "/me/calendarView?startDateTime=2026-10-19T06:00:00Z&endDateTime=2026-10-20T00:00:00Z"
    found = (await graph.call("GET", path, status=200)).json()["value"]
    assert [(item["type"], item["subject"]) for item in found] == [
        ("singleInstance", "Long"),
        ("occurrence", "Cake tasting"),
    ]


@behaviour("S37", Grade.CAPTURED, ALLODIA, resource("calendar"))
async def test_s37_second_calendars_stand_apart(graph: Far) -> None:
    calendars = (await graph.call("GET", "/me/calendars", status=200)).json()["value"]
    assert [item["isDefaultCalendar"] for item in calendars] == [True, False]
    default, private = (f"/me/calendars/{item['id']}" for item in calendars)
    there = await graph.create(f"{private}/events", subject="There")
    here = await graph.create(subject="Here")
    assert set(there) == set(here)
    assert not [name for name in there if "calendar" in name.lower() and "@" not in name]
    for scope, expected in ((private, ["There"]), (default, ["Here"]), ("/me/calendar", ["Here"]), ("/me", ["Here"])):
        view = (await graph.call("GET", f"{scope}/calendarView?{WINDOW}", status=200)).json()["value"]
        assert [item["subject"] for item in view] == expected
        changed, _ = await graph.delta(f"{scope}/calendarView/delta?{WINDOW}")
        assert [item["subject"] for item in changed] == expected
        if scope != "/me":
            listed = (await graph.call("GET", f"{scope}/events", status=200)).json()["value"]
            assert [item["subject"] for item in listed] == expected
    assert (await graph.call("GET", f"/me/events/{there['id']}", status=200)).json()["subject"] == "There"
    await graph.call("GET", f"{private}/events/{there['id']}", status=200)
    await graph.call("GET", f"{default}/events/{there['id']}", status=404)


@behaviour("S37", Grade.ASSUMED, LIST, ALLODIA, knobs=("listAllCalendars",))
async def test_s37_me_events_lists_the_default_calendar_or_all(graph: Far) -> None:
    private = (await graph.call("GET", "/me/calendars", status=200)).json()["value"][1]["id"]
    await graph.create(f"/me/calendars/{private}/events", subject="There")
    await graph.create(subject="Here")
    for everything, expected in ((False, ["Here"]), (True, ["Here", "There"])):
        await graph.knobs(listAllCalendars=everything)
        listed = (await graph.call("GET", "/me/events", status=200)).json()["value"]
        assert sorted(item["subject"] for item in listed) == expected
        own = (await graph.call("GET", f"/me/calendars/{private}/events", status=200)).json()["value"]
        assert [item["subject"] for item in own] == ["There"]
