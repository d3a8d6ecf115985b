"""Calendars: their members, making and deleting them, an id that changes once (S62), over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import MARCO, ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, event
from tests.local.graph.sources import ALLODIA, CSDL, api, issue, resource
from tests.local.graph.subscribing import advance, lasting

CALENDAR = resource("calendar")
CHANGING = (issue(4007), issue(6672), issue(11296, "microsoftgraph/microsoft-graph-docs"))
COLORS = "auto lightBlue lightGreen lightOrange lightGray lightYellow lightTeal lightPink lightBrown lightRed maxColor"


async def made(graph: Far, name: str = "WedSync", **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await graph.call("POST", "/me/calendars", {"name": name}, status=201, **options)).json()
    return answer


@behaviour("S62", Grade.DOCUMENTED, CALENDAR, api("user-post-calendars"), ALLODIA)
async def test_s62_a_new_calendar_has_all_members(graph: Far) -> None:
    new = await made(graph)
    assert new.pop("@odata.context").endswith("/calendars/$entity")
    assert (new.pop("id") != "", new.pop("changeKey") != "") == (True, True)
    assert new == {
        "name": "WedSync",
        "color": "auto",
        "hexColor": "",
        "groupClassId": "0006f0b7-0000-0000-c000-000000000046",
        "isDefaultCalendar": False,
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": False,
        "isRemovable": True,
        "owner": {"name": ROSE.name, "address": ROSE.upn},
    }


@behaviour("S62", Grade.CAPTURED, ALLODIA)
async def test_s62_a_personal_mailbox_has_no_provider_and_a_localised_default(graph: Far) -> None:
    listed = (await graph.call("GET", "/me/calendars", who=MARCO)).json()["value"]
    default = next(each for each in listed if each["isDefaultCalendar"])
    assert (default["isTallyingResponses"], default["isRemovable"], default["hexColor"]) == (True, False, "")
    assert (default["allowedOnlineMeetingProviders"], default["defaultOnlineMeetingProvider"]) == (
        ["unknown"],
        "unknown",
    )
    assert default["name"] != "Calendar"
    assert (await graph.call("GET", "/me/calendar", who=MARCO)).json()["id"] == default["id"]


@behaviour("S62", Grade.DOCUMENTED, api("user-list-calendars"))
async def test_s62_calendars_come_by_pages_and_in_order(graph: Far) -> None:
    names = []
    link = "/me/calendars?$top=1&$orderby=name desc"
    while link:
        page = (await graph.call("GET", link, status=200)).json()
        names += [each["name"] for each in page["value"]]
        link = page.get("@odata.nextLink", "")
    assert names == ["Private", "Calendar"]


@behaviour("S62", Grade.DOCUMENTED, api("calendar-update"), CALENDAR, CSDL)
async def test_s62_name_and_colour_change_and_the_rest_is_read_only(graph: Far) -> None:
    new = await made(graph)
    path = f"/me/calendars/{new['id']}"
    for color in COLORS.split():
        assert (await graph.call("PATCH", path, {"color": color}, status=200)).json()["color"] == color
    wanted = {"name": "Weddings", "hexColor": "#ff0000", "canEdit": False}
    now = (await graph.call("PATCH", path, wanted, status=200)).json()
    assert (now["name"], now["hexColor"], now["canEdit"]) == ("Weddings", "", True)
    assert now["changeKey"] != new["changeKey"]
    await graph.call("PATCH", path, {"color": "pink"}, status=400)
    await graph.call("PATCH", path, {"shade": "dark"}, status=400)


@behaviour("S62", Grade.DOCUMENTED, api("calendar-delete"), api("calendar-permanentdelete"))
@pytest.mark.parametrize("permanently", [False, True])
async def test_s62_a_deleted_calendar_goes_with_its_events(graph: Far, permanently: bool) -> None:
    path = f"/me/calendars/{(await made(graph))['id']}"
    inside = (await graph.call("POST", f"{path}/events", event(), status=201)).json()
    if permanently:
        await graph.call("POST", f"{path}/permanentDelete", headers={"Content-Length": "0"}, status=204)
    else:
        await graph.call("DELETE", path, status=204)
    for gone in (path, f"{path}/events", f"/me/events/{inside['id']}"):
        error = (await graph.call("GET", gone, status=404)).json()["error"]
        assert (error["code"], error["message"]) == (
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )
    assert "WedSync" not in [each["name"] for each in (await graph.call("GET", "/me/calendars")).json()["value"]]


@behaviour("S62", Grade.DOCUMENTED, api("calendar-delete"))
async def test_s62_the_default_calendar_stays(graph: Far) -> None:
    default = (await graph.call("GET", "/me/calendar", status=200)).json()
    await graph.call("DELETE", f"/me/calendars/{default['id']}", status=400)
    assert (await graph.call("GET", "/me/calendar", status=200)).json()["id"] == default["id"]


@behaviour("S62", Grade.ASSUMED, "https://github.com/alcionai/corso/pull/3318")
async def test_s62_a_taken_name_answers_409(graph: Far) -> None:
    new = await made(graph)
    other = await made(graph, "Other")
    for method, path in (("POST", "/me/calendars"), ("PATCH", f"/me/calendars/{other['id']}")):
        answer = await graph.call(method, path, {"name": "WedSync"}, status=409)
        assert answer.json()["error"]["code"] == "ErrorFolderExists"
    await graph.call("PATCH", f"/me/calendars/{new['id']}", {"name": "WedSync"}, status=200)
    await made(graph, who=MARCO)


@behaviour("S62", Grade.REPORTED, *CHANGING, knobs=("calendarIdChangeSeconds",))
@pytest.mark.parametrize("headers", [{}, {"Prefer": 'IdType="ImmutableId"'}])
async def test_s62_the_id_of_a_new_calendar_changes_once(graph: Far, headers: dict[str, str]) -> None:
    """The id that POST answered is of no use then, the immutable form neither; the name still finds the calendar."""
    await graph.knobs(calendarIdChangeSeconds=3600)
    bearer = lasting()
    options: dict[str, Any] = {"headers": headers, "bearer": bearer}
    new = await made(graph, **options)
    old = f"/me/calendars/{new['id']}"
    inside = (await graph.call("POST", f"{old}/events", event(), **options)).json()
    await graph.call("GET", old, status=200, **options)
    await advance(graph, minutes=61)
    assert (await graph.call("GET", old, status=404, **options)).json()["error"]["code"] == "ErrorItemNotFound"
    listed = (await graph.call("GET", "/me/calendars", status=200, **options)).json()["value"]
    found = next(each for each in listed if each["name"] == "WedSync")
    assert found["id"] != new["id"]
    kept = (await graph.call("GET", f"/me/calendars/{found['id']}/events", status=200, **options)).json()["value"]
    assert [each["id"] for each in kept] == [inside["id"]]
    await advance(graph, hours=5)
    await graph.call("GET", f"/me/calendars/{found['id']}", status=200, **options)


@behaviour("S62", Grade.DOCUMENTED, CALENDAR, knobs=("calendarIdChangeSeconds",))
async def test_s62_by_default_the_id_stays(graph: Far) -> None:
    new = await made(graph)
    await advance(graph, days=3)
    await graph.call("GET", f"/me/calendars/{new['id']}", bearer=lasting(), status=200)
