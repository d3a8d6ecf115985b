"""calendarView/delta: rounds, what an item looks like, tombstones and replays (S38-S42), over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import MARKER, WINDOW, Far, at, event, series
from tests.local.graph.sources import ALLODIA, KEEPER, api, concept, issue

DELTA = f"/me/calendarView/delta?{WINDOW}"
BOX = "/mailboxes/rose@havenweddings.example"
MINIMAL = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
THREE = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
PAGE, OVERVIEW = api("event-delta"), concept("delta-query-overview")


async def weekly(graph: Far) -> dict[str, Any]:
    made: dict[str, Any] = (await graph.call("POST", "/me/events", series(WEEKLY, THREE), status=201)).json()
    return made


@behaviour("S38", Grade.DOCUMENTED, PAGE, ALLODIA)
async def test_s38_first_round_pages_to_a_delta_link(graph: Far) -> None:
    for number in range(12):
        await graph.create(subject=str(number))
    first = await graph.call("GET", DELTA, status=200)
    assert 0 < len(first.json()["value"]) < 12
    assert first.headers["Preference-Applied"] == "odata.track-changes"
    assert first.json()["@odata.context"].endswith("$metadata#Collection(event)")
    assert "$skiptoken=" in first.json()["@odata.nextLink"]
    items, link = await graph.delta(DELTA)
    assert len(items) == 12
    assert {item["@odata.type"] for item in items} == {"#microsoft.graph.event"}
    assert "$deltatoken=" in link
    assert (await graph.delta(link))[0] == []


@behaviour("S38", Grade.DOCUMENTED, OVERVIEW, knobs=("deltaEmptyPages",))
async def test_s38_pages_may_be_empty(graph: Far) -> None:
    await graph.create()
    await graph.knobs(deltaEmptyPages=True)
    page = (await graph.call("GET", DELTA)).json()
    assert len(page["value"]) == 1
    last = (await graph.call("GET", page["@odata.nextLink"])).json()
    assert last["value"] == []
    assert "@odata.deltaLink" in last


@behaviour("S38", Grade.DOCUMENTED, PAGE)
@pytest.mark.parametrize(
    "option",
    ["$select=subject", "$expand=extensions", "$filter=subject eq 'a'", "$orderby=subject", "$search=x", "$top=5"],
)
async def test_s38_query_options_are_refused(graph: Far, option: str) -> None:
    answer = await graph.call("GET", f"{DELTA}&{option}", status=400)
    assert answer.json()["error"]["code"] == "BadRequest"


@behaviour("S38", Grade.DOCUMENTED, PAGE)
async def test_s38_dates_are_needed_first_and_refused_later(graph: Far) -> None:
    await graph.call("GET", "/me/calendarView/delta", status=400)
    _, link = await graph.delta(DELTA)
    await graph.call("GET", f"{link}&{WINDOW}", status=400)


@behaviour("S38", Grade.CAPTURED, ALLODIA, KEEPER)
async def test_s38_per_calendar_links(graph: Far) -> None:
    calendar = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    await graph.create(f"/me/calendars/{calendar}/events")
    items, link = await graph.delta(f"/me/calendars/{calendar}/calendarView/delta?{WINDOW}")
    assert len(items) == 1
    assert f"/v1.0/me/calendars('{calendar}')/calendarView/delta?$deltatoken=" in link
    assert (await graph.delta(DELTA))[0] == []
    await graph.create(f"/me/calendars/{calendar}/events", subject="Second")
    assert [item["subject"] for item in (await graph.delta(link))[0]] == ["Second"]


@behaviour("S39", Grade.CAPTURED, ALLODIA, issue(7632))
async def test_s39_series_come_as_master_minimal_occurrences_and_full_exceptions(graph: Far) -> None:
    master = await weekly(graph)
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{WINDOW}")).json()["value"]
    await graph.call("PATCH", f"/me/events/{found[1]['id']}", {"subject": "Changed"}, status=200)
    items, _ = await graph.delta(DELTA, headers={"Prefer": 'outlook.timezone="Europe/Amsterdam"'})
    assert {len(item) for item in items if item["type"] == "occurrence"} == {7}
    assert [item["type"] for item in items] == ["seriesMaster", "exception", "occurrence", "occurrence"]
    assert set(items[2]) == MINIMAL
    assert items[2]["start"] == {"dateTime": "2026-08-04T16:00:00.0000000", "timeZone": "W. Europe Standard Time"}
    assert items[0]["start"]["timeZone"] == "Europe/Amsterdam"
    assert items[1]["subject"] == "Changed"
    assert items[1]["occurrenceId"].endswith(".2026-08-11")
    assert items[2]["seriesMasterId"] == master["id"] == items[0]["id"]


@behaviour("S40", Grade.DOCUMENTED, PAGE, issue(6599))
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


@behaviour("S40", Grade.DOCUMENTED, PAGE, concept("outlook-immutable-id"))
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


@behaviour(
    "S41", Grade.REPORTED, issue(4501, "microsoftgraph/microsoft-graph-docs"), knobs=("deltaOccurrenceTombstones",)
)
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


@behaviour("S42", Grade.DOCUMENTED, OVERVIEW, issue(5630))
async def test_s42_ones_own_writes_come_back_and_the_same_link_answers_again(graph: Far) -> None:
    first, _ = await graph.create(subject="1"), await graph.create(subject="2")
    _, link = await graph.delta(DELTA)
    await graph.call("PATCH", f"/me/events/{first['id']}", {"subject": "1b"}, status=200)
    items, later = await graph.delta(link)
    assert [(item["subject"], item["transactionId"]) for item in items] == [("1b", None)]
    assert (await graph.delta(link))[0] == items
    assert (await graph.delta(later))[0] == []


@behaviour("S42", Grade.DOCUMENTED, OVERVIEW, knobs=("deltaReplay",))
async def test_s42_items_from_before_the_link_are_delivered_again(graph: Far) -> None:
    made = [await graph.create(subject=str(number)) for number in range(3)]
    _, link = await graph.delta(DELTA)
    await graph.knobs(deltaReplay=2)
    again, later = await graph.delta(link)
    assert [(item["id"], item["changeKey"]) for item in again] == [(e["id"], e["changeKey"]) for e in made[1:]]
    assert len((await graph.delta(later))[0]) == 2


@behaviour("S42", Grade.DOCUMENTED, OVERVIEW, knobs=("deltaShuffle",))
async def test_s42_the_order_of_a_round_means_nothing(graph: Far) -> None:
    names = [str(number) for number in range(8)]
    _, link = await graph.delta(DELTA)
    for name in names:
        await graph.create(subject=name)
    assert [item["subject"] for item in (await graph.delta(link))[0]] == names
    await graph.knobs(deltaShuffle=7)
    for start in (DELTA, link):
        shown = [item["subject"] for item in (await graph.delta(start))[0]]
        assert shown != names
        assert sorted(shown) == names
        assert [item["subject"] for item in (await graph.delta(start))[0]] == shown


async def test_transaction_and_immutable_ids_show_in_delta(graph: Far) -> None:
    prefer = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=50'}
    made = (await graph.call("POST", "/me/events", event(transactionId="t-9"), headers=prefer, status=201)).json()
    items, _ = await graph.delta(DELTA, headers=prefer)
    assert [(item["id"], item["transactionId"]) for item in items] == [(made["id"], "t-9")]
    assert "singleValueExtendedProperties" not in items[0]


@behaviour("S36", Grade.DOCUMENTED, concept("extensibility-overview"))
async def test_s36_extended_properties_are_not_tracked(graph: Far) -> None:
    made = await graph.create()
    _, link = await graph.delta(DELTA)
    change = {"singleValueExtendedProperties": [{"id": MARKER, "value": "2"}]}
    now = (await graph.call("PATCH", f"/me/events/{made['id']}", change, status=200)).json()
    assert now["changeKey"] != made["changeKey"]
    assert (await graph.delta(link))[0] == []
