"""calendarView/delta: S38-S45 of the fact sheet, over HTTP."""

from typing import Any

import pytest

from tests.local.graph.conftest import MARKER, WINDOW, Far, at, event, series

DELTA = f"/me/calendarView/delta?{WINDOW}"
BOX = "/mailboxes/rose@havenweddings.example"
MINIMAL = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
THREE = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}


async def weekly(graph: Far) -> dict[str, Any]:
    made: dict[str, Any] = (await graph.call("POST", "/me/events", series(WEEKLY, THREE), status=201)).json()
    return made


async def test_s38_first_round_pages_to_a_delta_link(graph: Far) -> None:
    for number in range(12):
        await graph.create(subject=str(number))
    first = await graph.call("GET", DELTA, status=200)
    assert len(first.json()["value"]) == 10
    assert first.headers["Preference-Applied"] == "odata.track-changes"
    assert first.json()["@odata.context"].endswith("$metadata#Collection(event)")
    assert "$skiptoken=" in first.json()["@odata.nextLink"]
    items, link = await graph.delta(DELTA)
    assert len(items) == 12
    assert {item["@odata.type"] for item in items} == {"#microsoft.graph.event"}
    assert "$deltatoken=" in link
    assert (await graph.delta(link))[0] == []


async def test_s38_pages_may_be_empty(graph: Far) -> None:
    await graph.create()
    await graph.knobs(deltaEmptyPages=True)
    page = (await graph.call("GET", DELTA)).json()
    assert len(page["value"]) == 1
    last = (await graph.call("GET", page["@odata.nextLink"])).json()
    assert last["value"] == []
    assert "@odata.deltaLink" in last


@pytest.mark.parametrize("option", ["$select=subject", "$expand=extensions", "$filter=subject eq 'a'", "$top=5"])
async def test_s38_query_options_are_refused(graph: Far, option: str) -> None:
    await graph.call("GET", f"{DELTA}&{option}", status=400)


async def test_s38_dates_are_needed_first_and_refused_later(graph: Far) -> None:
    await graph.call("GET", "/me/calendarView/delta", status=400)
    _, link = await graph.delta(DELTA)
    await graph.call("GET", f"{link}&{WINDOW}", status=400)


async def test_s38_per_calendar_links(graph: Far) -> None:
    calendar = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    await graph.create(f"/me/calendars/{calendar}/events")
    items, link = await graph.delta(f"/me/calendars/{calendar}/calendarView/delta?{WINDOW}")
    assert len(items) == 1
    assert f"/v1.0/me/calendars('{calendar}')/calendarView/delta?$deltatoken=" in link
    assert (await graph.delta(DELTA))[0] == []
    await graph.create(f"/me/calendars/{calendar}/events", subject="Second")
    assert [item["subject"] for item in (await graph.delta(link))[0]] == ["Second"]


async def test_s39_series_come_as_master_minimal_occurrences_and_full_exceptions(graph: Far) -> None:
    master = await weekly(graph)
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{WINDOW}")).json()["value"]
    await graph.call("PATCH", f"/me/events/{found[1]['id']}", {"subject": "Changed"}, status=200)
    items, _ = await graph.delta(DELTA, headers={"Prefer": 'outlook.timezone="Europe/Amsterdam"'})
    assert [item["type"] for item in items] == ["seriesMaster", "exception", "occurrence", "occurrence"]
    assert set(items[2]) == MINIMAL
    assert items[2]["start"] == {"dateTime": "2026-08-04T16:00:00.0000000", "timeZone": "W. Europe Standard Time"}
    assert items[0]["start"]["timeZone"] == "Europe/Amsterdam"
    assert items[1]["subject"] == "Changed"
    assert items[1]["occurrenceId"].endswith(".2026-08-11")
    assert items[2]["seriesMasterId"] == master["id"] == items[0]["id"]


async def test_s40_three_reasons_for_removed(graph: Far) -> None:
    deleted, left = await graph.create(subject="deleted"), await graph.create(subject="left")
    stays = await graph.create(subject="stays")
    _, link = await graph.delta(DELTA)
    await graph.call("DELETE", f"/me/events/{deleted['id']}", status=204)
    away = {"start": at("2027-08-04T14:00:00"), "end": at("2027-08-04T15:00:00")}
    await graph.call("PATCH", f"/me/events/{left['id']}", away, status=200)
    stranger = await graph.create(subject="stranger", start=away["start"], end=away["end"])
    items, link = await graph.delta(link)
    assert {item["id"] for item in items} == {deleted["id"], left["id"], stranger["id"]}
    assert all(
        item["@removed"] == {"reason": "deleted"} and set(item) == {"@odata.type", "id", "@removed"} for item in items
    )
    assert stays["id"] not in {item["id"] for item in items}
    back = {"start": at("2026-08-05T14:00:00"), "end": at("2026-08-05T15:00:00")}
    await graph.call("PATCH", f"/me/events/{left['id']}", back, status=200)
    assert [item["subject"] for item in (await graph.delta(link))[0]] == ["left"]


async def test_s40_moved_event_leaves_one_calendar_and_shows_in_the_other(graph: Far) -> None:
    made = await graph.create()
    private = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    _, here = await graph.delta(DELTA)
    _, there = await graph.delta(f"/me/calendars/{private}/calendarView/delta?{WINDOW}")
    await graph.control("POST", f"{BOX}/events/{made['id']}/move", {"calendarId": private})
    gone = (await graph.delta(here))[0]
    assert [item["id"] for item in gone] == [made["id"]]
    assert "@removed" in gone[0]
    come = (await graph.delta(there))[0]
    assert [item["subject"] for item in come] == ["Cake tasting"]
    assert come[0]["id"] != made["id"]


@pytest.mark.parametrize("tombstone", [False, True])
async def test_s41_deleted_occurrence_resends_the_series(graph: Far, tombstone: bool) -> None:
    master = await weekly(graph)
    _, link = await graph.delta(DELTA)
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{WINDOW}")).json()["value"]
    await graph.knobs(deltaOccurrenceTombstones=tombstone)
    await graph.call("DELETE", f"/me/events/{found[1]['id']}", status=204)
    items, _ = await graph.delta(link)
    assert [item["type"] for item in items if "type" in item] == ["seriesMaster", "occurrence", "occurrence"]
    assert [item["id"] for item in items if "@removed" in item] == ([found[1]["id"]] if tombstone else [])


async def test_s42_replays_own_writes_and_order(graph: Far) -> None:
    first, second = await graph.create(subject="1"), await graph.create(subject="2")
    _, link = await graph.delta(DELTA)
    await graph.call("PATCH", f"/me/events/{first['id']}", {"subject": "1b"}, status=200)
    items, later = await graph.delta(link)
    assert [(item["subject"], item["transactionId"]) for item in items] == [("1b", None)]
    assert (await graph.delta(link))[0] == items
    await graph.knobs(deltaReplay=2)
    again = {item["id"] for item in (await graph.delta(later))[0]}
    assert again == {first["id"], second["id"]}


async def test_s43_expired_token_410_and_garbage_400(graph: Far) -> None:
    _, link = await graph.delta(DELTA)
    garbage = link[:-6] + "AAAAAA"
    error = (await graph.call("GET", garbage, status=400)).json()["error"]
    assert (error["code"], error["message"]) == ("BadRequest", "Badly formed token.")
    await graph.control("POST", f"{BOX}/expire-delta")
    assert (await graph.call("GET", link, status=410)).json()["error"]["code"] == "SyncStateNotFound"
    await graph.knobs(goneCode="resyncRequired", goneLocation=True)
    answer = await graph.call("GET", link, status=410)
    assert answer.json()["error"]["code"] == "resyncRequired"
    assert answer.headers["Location"].endswith("$deltatoken=")


async def test_s43_a_foreign_token_is_badly_formed(graph: Far, marco: Any) -> None:
    _, link = await graph.delta(DELTA)
    assert (await graph.call("GET", link, who=marco)).status_code in (400, 410)


async def test_s44_page_size_is_a_hint_for_one_request(graph: Far) -> None:
    for number in range(15):
        await graph.create(subject=str(number))
    page = (await graph.call("GET", DELTA, headers={"Prefer": "odata.maxpagesize=3"})).json()
    assert len(page["value"]) == 3
    assert len((await graph.call("GET", page["@odata.nextLink"])).json()["value"]) == 10


async def test_s44_a_series_is_not_split_across_pages(graph: Far) -> None:
    await weekly(graph)
    await graph.create()
    page = (await graph.call("GET", DELTA, headers={"Prefer": "odata.maxpagesize=2"})).json()
    assert len(page["value"]) == 4


async def test_s45_window_is_frozen_in_the_token(graph: Far) -> None:
    _, link = await graph.delta(DELTA)
    await graph.create(start=at("2026-12-02T14:00:00"), end=at("2026-12-02T15:00:00"))
    items, _ = await graph.delta(link)
    assert all("@removed" in item for item in items)


async def test_transaction_and_immutable_ids_show_in_delta(graph: Far) -> None:
    prefer = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=50'}
    made = (await graph.call("POST", "/me/events", event(transactionId="t-9"), headers=prefer, status=201)).json()
    items, _ = await graph.delta(DELTA, headers=prefer)
    assert [(item["id"], item["transactionId"]) for item in items] == [(made["id"], "t-9")]
    assert "singleValueExtendedProperties" not in items[0]


async def test_s36_extended_properties_are_not_tracked(graph: Far) -> None:
    made = await graph.create()
    _, link = await graph.delta(DELTA)
    change = {"singleValueExtendedProperties": [{"id": MARKER, "value": "2"}]}
    now = (await graph.call("PATCH", f"/me/events/{made['id']}", change, status=200)).json()
    assert now["changeKey"] != made["changeKey"]
    assert (await graph.delta(link))[0] == []
