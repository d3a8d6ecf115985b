"""What the sources leave open or say in two ways, and the knobs for it, in both positions; over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import MARCO
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Endpoint, Far, at, event, series
from tests.local.graph.sources import CLOSEIO, api, concept, issue
from tests.local.graph.subscribing import PLAIN, subscribe

DELTA = f"/me/calendarView/delta?{WINDOW}"
WEEKLY = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
THREE = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
SIM = issue(6041, "simstudioai/sim")
LIFECYCLE = concept("change-notifications-lifecycle-events")


@behaviour("S22", Grade.ASSUMED, SIM)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_s22_an_all_day_event_at_other_hours_has_status_400(graph: Far, method: str) -> None:
    """The code and the message were reported, the status was not."""
    made = await graph.create()
    path = "/me/events" if method == "POST" else f"/me/events/{made['id']}"
    error = (await graph.call(method, path, event(isAllDay=True), status=400)).json()["error"]
    assert error["code"] == "ErrorInvalidRequest"


@behaviour("S38", Grade.ASSUMED, concept("delta-query-events"), issue(8743))
async def test_s38_v1_has_no_delta_of_events(graph: Far) -> None:
    """The documentation has it for beta alone; some clients call it in v1.0 nevertheless."""
    for path in ("/me/events/delta", "/me/calendar/events/delta"):
        assert (await graph.call("GET", path, status=400)).json()["error"]["code"]


@behaviour("S38", Grade.ASSUMED, api("event-delta"), knobs=("deltaPageSize",))
async def test_s38_ten_items_are_a_page_by_default(graph: Far) -> None:
    for number in range(12):
        await graph.create(subject=str(number))
    for size, sizes in ((10, [10, 2]), (5, [5, 5, 2])):
        await graph.knobs(deltaPageSize=size)
        seen, link = [], DELTA
        while link:
            page = (await graph.call("GET", link, status=200)).json()
            seen.append(len(page["value"]))
            link = page.get("@odata.nextLink", "")
        assert seen == sizes


@behaviour("S40", Grade.ASSUMED, api("event-delta"), issue(6599), knobs=("deltaForeignTombstones",))
@pytest.mark.parametrize("told", [True, False])
async def test_s40_what_was_never_in_the_window_may_be_left_out(graph: Far, told: bool) -> None:
    """What is deleted within the window, or moved out of it, is told of in either position."""
    inside, leaving = await graph.create(), await graph.create(subject="Leaving")
    _, link = await graph.delta(DELTA)
    await graph.knobs(deltaForeignTombstones=told)
    stranger = await graph.create(start=at("2027-08-04T14:00:00"), end=at("2027-08-04T15:00:00"))
    await graph.call("DELETE", f"/me/events/{inside['id']}", status=204)
    later = {"start": at("2027-08-04T14:00:00"), "end": at("2027-08-04T15:00:00")}
    await graph.call("PATCH", f"/me/events/{leaving['id']}", later, status=200)
    items, _ = await graph.delta(link)
    assert {item["id"] for item in items} == {inside["id"], leaving["id"], *([stranger["id"]] if told else [])}
    assert all(item["@removed"] == {"reason": "deleted"} for item in items)


@behaviour(
    "S41", Grade.ASSUMED, issue(4501, "microsoftgraph/microsoft-graph-docs"), knobs=("deltaOccurrenceTombstones",)
)
async def test_s41_a_tombstone_of_an_occurrence_looks_like_any_other(graph: Far) -> None:
    """The experiment that saw none is of 2019; an exception is an occurrence here too."""
    master = (await graph.call("POST", "/me/events", series(WEEKLY, THREE), status=201)).json()
    found = (await graph.call("GET", f"/me/events/{master['id']}/instances?{WINDOW}")).json()["value"]
    await graph.call("PATCH", f"/me/events/{found[0]['id']}", {"subject": "Changed"}, status=200)
    _, link = await graph.delta(DELTA)
    await graph.knobs(deltaOccurrenceTombstones=True)
    for gone in found[:2]:
        await graph.call("DELETE", f"/me/events/{gone['id']}", status=204)
    items, _ = await graph.delta(link)
    assert [item["id"] for item in items if item.get("type") == "occurrence"] == [found[2]["id"]]
    removed = [item for item in items if "@removed" in item]
    assert {item["id"] for item in removed} == {item["id"] for item in found[:2]}
    assert all(set(item) == {"@odata.type", "id", "@removed"} for item in removed)


@behaviour("S47", Grade.REPORTED, CLOSEIO, knobs=("maxSubscriptionMinutes", "refuseLongSubscriptions"))
async def test_s47_editions_before_2026_granted_4230_minutes(graph: Far, endpoint: Endpoint) -> None:
    assert (await graph.control("GET", "/knobs"))["maxSubscriptionMinutes"] == 10_080
    await graph.knobs(maxSubscriptionMinutes=4_230)
    await subscribe(graph, endpoint, minutes=4_232, status=400)
    await subscribe(graph, endpoint, minutes=4_229)


@behaviour("S49", Grade.ASSUMED, issue(3055), knobs=("emptyTenantId",))
async def test_s49_a_personal_account_has_the_personal_tenant_by_default(graph: Far, endpoint: Endpoint) -> None:
    """The one sample without a tenant is of 2018."""
    await subscribe(graph, endpoint, who=MARCO)
    await graph.call("POST", "/me/events", PLAIN, who=MARCO, status=201)
    assert (await endpoint.until(1))[0]["tenantId"] == "9188040d-6c67-4c5b-b112-36a304b66dad"


@behaviour("S52", Grade.ASSUMED, issue(10449), LIFECYCLE, knobs=("lifecycleForPersonal",))
@pytest.mark.parametrize("told", [False, True])
async def test_s52_a_subscription_of_a_personal_account_goes_whether_or_not_it_is_told(
    graph: Far, endpoint: Endpoint, told: bool
) -> None:
    """That lifecycle events do not come to personal accounts was said in 2020 and 2021."""
    made = await subscribe(graph, endpoint, who=MARCO)
    await graph.knobs(lifecycleForPersonal=told)
    order: dict[str, Any] = {"event": "subscriptionRemoved", "subscriptionId": made["id"]}
    assert await graph.control("POST", "/lifecycle", order) == {"told": int(told)}
    await graph.call("GET", f"/subscriptions/{made['id']}", who=MARCO, status=404)
