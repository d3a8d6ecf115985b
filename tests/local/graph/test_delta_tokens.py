"""calendarView/delta: dead tokens, page sizes, the frozen window (S43-S45), over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, at, series
from tests.local.graph.sources import ALLODIA, api, concept, issue
from tests.local.graph.subscribing import BOX, advance, lasting

DELTA = f"/me/calendarView/delta?{WINDOW}"
OLD_DOCS = "microsoftgraph/microsoft-graph-docs"
PAGE, OVERVIEW = api("event-delta"), concept("delta-query-overview")


async def pages(graph: Far, count: int = 11) -> dict[str, Any]:
    """Make so many events and return the first page of a round."""
    for number in range(count):
        await graph.create(subject=str(number))
    page: dict[str, Any] = (await graph.call("GET", DELTA, status=200)).json()
    return page


@behaviour("S43", Grade.REPORTED, issue(2350), issue(2877), OVERVIEW)
async def test_s43_an_expired_token_answers_410(graph: Far) -> None:
    _, link = await graph.delta(DELTA)
    await graph.control("POST", f"{BOX}/expire-delta")
    answer = await graph.call("GET", link, status=410)
    assert answer.json()["error"]["code"] == "SyncStateNotFound"
    assert "Location" not in answer.headers
    _, fresh = await graph.delta(DELTA)
    assert (await graph.delta(fresh))[0] == []


@behaviour("S43", Grade.REPORTED, issue(2162), OVERVIEW)
async def test_s43_an_expired_next_link_answers_410_as_well(graph: Far) -> None:
    page = await pages(graph)
    await graph.control("POST", f"{BOX}/expire-delta")
    answer = await graph.call("GET", page["@odata.nextLink"], status=410)
    assert answer.json()["error"]["code"] == "SyncStateNotFound"


@behaviour("S43", Grade.REPORTED, issue(2350), issue(2839), OVERVIEW, knobs=("goneCode",))
@pytest.mark.parametrize("code", ["syncStateNotFound", "SyncStateInvalid", "fullSyncRequired", "resyncRequired"])
async def test_s43_other_spellings_of_an_expired_token(graph: Far, code: str) -> None:
    _, link = await graph.delta(DELTA)
    await graph.control("POST", f"{BOX}/expire-delta")
    await graph.knobs(goneCode=code)
    assert (await graph.call("GET", link, status=410)).json()["error"]["code"] == code


@behaviour("S43", Grade.ASSUMED, issue(2350), knobs=("goneStatus",))
@pytest.mark.parametrize("status", [410, 404])
async def test_s43_the_code_names_a_dead_token_whatever_the_status(graph: Far, status: int) -> None:
    _, link = await graph.delta(DELTA)
    await graph.control("POST", f"{BOX}/expire-delta")
    await graph.knobs(goneStatus=status)
    assert (await graph.call("GET", link, status=status)).json()["error"]["code"] == "SyncStateNotFound"


@behaviour("S43", Grade.DOCUMENTED, OVERVIEW, issue(2839), knobs=("goneCode", "goneLocation"))
async def test_s43_the_location_of_a_410_begins_anew_with_an_empty_token(graph: Far) -> None:
    made = await graph.create()
    _, link = await graph.delta(DELTA)
    await graph.control("POST", f"{BOX}/expire-delta")
    await graph.knobs(goneCode="resyncRequired", goneLocation=True)
    location = (await graph.call("GET", link, status=410)).headers["Location"]
    assert location.endswith("$deltatoken=")
    assert [item["id"] for item in (await graph.delta(location))[0]] == [made["id"]]


@behaviour("S43", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("token", ["garbage", "AAAA", "%20", "{cut}", "{bent}"])
@pytest.mark.parametrize("kind", ["$deltatoken", "$skiptoken"])
async def test_s43_what_is_no_token_is_badly_formed(graph: Far, kind: str, token: str) -> None:
    page = await pages(graph)
    _, link = await graph.delta(page["@odata.nextLink"])
    whole = link if kind == "$deltatoken" else page["@odata.nextLink"]
    path, _, own = whole.partition(f"{kind}=")
    bent = f"{own[:8]}{'B' if own[8] == 'A' else 'A'}{own[9:]}"
    error = (await graph.call("GET", f"{path}{kind}={token.format(cut=own[:-6], bent=bent)}", status=400)).json()
    assert (error["error"]["code"], error["error"]["message"]) == ("BadRequest", "Badly formed token.")


@behaviour("S43", Grade.ASSUMED, OVERVIEW)
async def test_s43_a_token_is_of_use_in_its_own_calendar_only(graph: Far, marco: Any) -> None:
    _, link = await graph.delta(DELTA)
    await graph.call("GET", link, who=marco, status=400)
    private = (await graph.call("GET", "/me/calendars")).json()["value"][1]["id"]
    token = link.partition("$deltatoken=")[2]
    await graph.call("GET", f"/me/calendars/{private}/calendarView/delta?$deltatoken={token}", status=400)


@behaviour("S44", Grade.DOCUMENTED, PAGE)
async def test_s44_page_size_is_a_hint_for_one_request(graph: Far) -> None:
    for number in range(15):
        await graph.create(subject=str(number))
    page = (await graph.call("GET", DELTA, headers={"Prefer": "odata.maxpagesize=3"})).json()
    assert len(page["value"]) == 3
    assert len((await graph.call("GET", page["@odata.nextLink"])).json()["value"]) > 3


@behaviour("S44", Grade.DOCUMENTED, PAGE, knobs=("deltaMostPerPage",))
@pytest.mark.parametrize(("most", "shown"), [(1000, 5), (2, 2)])
async def test_s44_a_page_may_hold_less_than_was_asked_for(graph: Far, most: int, shown: int) -> None:
    for number in range(6):
        await graph.create(subject=str(number))
    await graph.knobs(deltaMostPerPage=most)
    page = (await graph.call("GET", DELTA, headers={"Prefer": "odata.maxpagesize=5"})).json()
    assert len(page["value"]) == shown
    assert page["@odata.nextLink"]


@behaviour("S44", Grade.REPORTED, issue(4501, OLD_DOCS))
async def test_s44_a_series_is_not_split_across_pages(graph: Far) -> None:
    weekly = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    three = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
    await graph.call("POST", "/me/events", series(weekly, three), status=201)
    await graph.create()
    page = (await graph.call("GET", DELTA, headers={"Prefer": "odata.maxpagesize=2"})).json()
    assert len(page["value"]) == 4


@behaviour("S45", Grade.REPORTED, issue(4398), PAGE)
async def test_s45_what_lies_outside_the_first_window_never_comes(graph: Far) -> None:
    _, link = await graph.delta(DELTA)
    outside = await graph.create(start=at("2026-12-02T14:00:00"), end=at("2026-12-02T15:00:00"))
    items, _ = await graph.delta(link)
    assert [(item["id"], "@removed" in item) for item in items] == [(outside["id"], True)]


@behaviour("S45", Grade.REPORTED, issue(4398))
async def test_s45_nothing_ages_in_or_out_by_itself(graph: Far) -> None:
    made = await graph.create()
    bearer = lasting()
    _, link = await graph.delta(DELTA, bearer=bearer)
    await advance(graph, days=20)
    items, later = await graph.delta(link, bearer=bearer)
    assert items == []
    await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "b"}, bearer=bearer, status=200)
    assert [item["subject"] for item in (await graph.delta(later, bearer=bearer))[0]] == ["b"]
