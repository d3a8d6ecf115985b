"""Extended properties and open extensions: S36 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import MARKER, WINDOW, Far, event
from tests.local.graph.sources import api, concept, resource

PROPERTIES = (
    resource("extended-properties-overview"),
    api("singlevaluelegacyextendedproperty-post-singlevalueextendedproperties"),
    api("singlevaluelegacyextendedproperty-get"),
)
OPEN = (api("opentypeextension-post-opentypeextension"), concept("extensibility-open-users"))
NAME = "com.wedsync.ref"
EXTENSION = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": NAME, "wedsyncId": "7", "tags": ["a"]}
STORED = {
    "@odata.type": "#microsoft.graph.openTypeExtension",
    "id": f"microsoft.graph.openTypeExtension.{NAME}",
    "extensionName": NAME,
    "wedsyncId": "7",
    "tags": ["a"],
}
EXPAND = f"$expand=singleValueExtendedProperties($filter=id eq '{MARKER}')"


def marked(value: str, key: str = MARKER) -> list[dict[str, str]]:
    return [{"id": key, "value": value}]


def where(value: str, key: str = MARKER, operator: str = "eq") -> str:
    return f"$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{key}' and ep/value {operator} '{value}')"


async def found(graph: Far, query: str, path: str = "/me/events") -> list[str]:
    answer = await graph.call("GET", f"{path}?{query}", status=200)
    return [item["subject"] for item in answer.json()["value"]]


@behaviour("S36", Grade.DOCUMENTED, *PROPERTIES)
async def test_s36_a_property_is_written_and_never_echoed(graph: Far) -> None:
    made = await graph.create(singleValueExtendedProperties=marked("7"))
    path = f"/me/events/{made['id']}"
    patched = await graph.call("PATCH", path, {"singleValueExtendedProperties": marked("8")}, status=200)
    read = await graph.call("GET", path, status=200)
    listed = await graph.call("GET", "/me/events", status=200)
    for shown in (made, patched.json(), read.json(), listed.json()["value"][0]):
        assert "singleValueExtendedProperties" not in shown
    expanded = (await graph.call("GET", f"{path}?{EXPAND}", status=200)).json()
    assert expanded["singleValueExtendedProperties"] == marked("8")


@behaviour("S36", Grade.DOCUMENTED, *PROPERTIES)
async def test_s36_a_property_is_expanded_by_its_id(graph: Far) -> None:
    other = MARKER.replace("WedSyncId", "Other")
    both = [*marked("it's 7"), *marked("x", other)]
    made = await graph.create(singleValueExtendedProperties=both)
    bare = await graph.create(subject="Bare")
    path = f"/me/events/{made['id']}"
    read = (await graph.call("GET", f"{path}?$select=subject&{EXPAND}", status=200)).json()
    assert read["singleValueExtendedProperties"] == marked("it's 7")
    assert "body" not in read
    two = f"$expand=singleValueExtendedProperties($filter=id eq '{MARKER}' or id eq '{other}')"
    assert (await graph.call("GET", f"{path}?{two}", status=200)).json()["singleValueExtendedProperties"] == both
    wrong = EXPAND.replace("WedSyncId", "wedsyncid")
    assert "singleValueExtendedProperties" not in (await graph.call("GET", f"{path}?{wrong}", status=200)).json()
    none = (await graph.call("GET", f"/me/events/{bare['id']}?{EXPAND}", status=200)).json()
    assert "singleValueExtendedProperties" not in none
    await graph.call("GET", f"{path}?$expand=singleValueExtendedProperties", status=400)


@behaviour("S36", Grade.DOCUMENTED, *PROPERTIES)
async def test_s36_events_are_found_by_a_property(graph: Far) -> None:
    await graph.create(subject="A", singleValueExtendedProperties=marked("it's 7"))
    await graph.create(subject="B", singleValueExtendedProperties=marked("8"))
    await graph.create(subject="C")
    assert await found(graph, f"{where('it' + chr(39) * 2 + 's 7')}&{EXPAND}") == ["A"]
    assert await found(graph, where("8")) == ["B"]
    assert await found(graph, where("9")) == []
    assert await found(graph, where("8", MARKER.replace("WedSyncId", "wedsyncid"))) == []
    assert sorted(await found(graph, where("9", operator="ne"))) == ["A", "B"]
    await graph.call("GET", "/me/events?$filter=singleValueExtendedProperties eq 'x'", status=400)


@behaviour("S36", Grade.DOCUMENTED, *PROPERTIES)
async def test_s36_calendars_carry_properties_too(graph: Far) -> None:
    body = {"name": "Weddings", "singleValueExtendedProperties": marked("cal-1")}
    made = (await graph.call("POST", "/me/calendars", body, status=201)).json()
    assert "singleValueExtendedProperties" not in made
    listed = await graph.call("GET", f"/me/calendars?{where('cal-1')}&{EXPAND}", status=200)
    assert [(item["name"], item["singleValueExtendedProperties"]) for item in listed.json()["value"]] == [
        ("Weddings", marked("cal-1"))
    ]
    there = f"/me/calendars/{made['id']}/events"
    await graph.create(there, subject="There", singleValueExtendedProperties=marked("1"))
    assert await found(graph, where("1"), there) == ["There"]


@behaviour("S36", Grade.DOCUMENTED, *PROPERTIES)
@pytest.mark.parametrize(
    "written",
    [
        [{"id": "WedSyncId", "value": "1"}],
        [{"id": MARKER.replace("String", "Text"), "value": "1"}],
        [{"id": MARKER, "value": 1}],
        [{"id": MARKER, "value": "1", "name": "x"}],
        [{"value": "1"}],
        {"id": MARKER, "value": "1"},
    ],
)
async def test_s36_malformed_properties_are_refused(graph: Far, written: Any) -> None:
    body = event(singleValueExtendedProperties=written)
    answer = await graph.call("POST", "/me/events", body, status=400)
    assert answer.json()["error"]["code"]
    assert (await graph.call("GET", "/me/events")).json()["value"] == []


@behaviour("S36", Grade.DOCUMENTED, *OPEN)
async def test_s36_an_open_extension_made_with_its_event_is_answered(graph: Far) -> None:
    made = await graph.create(extensions=[EXTENSION])
    assert made["extensions"] == [STORED]
    path = f"/me/events/{made['id']}"
    assert "extensions" not in (await graph.call("GET", path, status=200)).json()
    for name in (NAME, f"microsoft.graph.openTypeExtension.{NAME}"):
        read = await graph.call("GET", f"{path}?$expand=extensions($filter=id eq '{name}')", status=200)
        assert read.json()["extensions"] == [STORED]
    other = await graph.call("GET", f"{path}?$expand=extensions($filter=id eq 'com.other')", status=200)
    assert other.json()["extensions"] == []


@behaviour("S36", Grade.DOCUMENTED, *OPEN, api("opentypeextension-update"), api("opentypeextension-delete"))
async def test_s36_an_open_extension_is_added_changed_and_removed(graph: Far) -> None:
    path = f"/me/events/{(await graph.create())['id']}/extensions"
    added = (await graph.call("POST", path, EXTENSION, status=201)).json()
    assert {name: added[name] for name in STORED} == STORED
    await graph.call("POST", path, EXTENSION, status=409)
    assert (await graph.call("GET", path, status=200)).json()["value"] == [STORED]
    await graph.call("PATCH", f"{path}/{NAME}", {"wedsyncId": "8", "colour": "ivory"}, status=200)
    read = (await graph.call("GET", f"{path}/{NAME}", status=200)).json()
    assert (read["wedsyncId"], read["colour"], read["tags"]) == ("8", "ivory", ["a"])
    await graph.call("DELETE", f"{path}/{NAME}", status=204)
    await graph.call("GET", f"{path}/{NAME}", status=404)
    await graph.call("DELETE", f"{path}/{NAME}", status=404)


@behaviour("S36", Grade.DOCUMENTED, *OPEN)
@pytest.mark.parametrize(
    "wrong",
    [
        {"extensionName": NAME, "wedsyncId": "7"},
        {"@odata.type": "microsoft.graph.extension", "extensionName": NAME},
        {"@odata.type": "microsoft.graph.openTypeExtension", "wedsyncId": "7"},
        EXTENSION | {"nested": {"a": 1}},
        EXTENSION | {"nested": [[1]]},
    ],
)
async def test_s36_extensions_without_type_name_or_plain_values_are_refused(graph: Far, wrong: dict[str, Any]) -> None:
    made = await graph.create()
    await graph.call("POST", f"/me/events/{made['id']}/extensions", wrong, status=400)
    await graph.call("POST", "/me/events", event(extensions=[wrong]), status=400)


@behaviour("S36", Grade.DOCUMENTED, *OPEN, *PROPERTIES)
async def test_s36_delta_sees_neither(graph: Far) -> None:
    made = await graph.create(singleValueExtendedProperties=marked("7"), extensions=[EXTENSION])
    items, link = await graph.delta(f"/me/calendarView/delta?{WINDOW}")
    assert [item["id"] for item in items] == [made["id"]]
    assert not {"singleValueExtendedProperties", "extensions"} & set(items[0])
    path = f"/me/events/{made['id']}"
    await graph.call("PATCH", path, {"singleValueExtendedProperties": marked("8")}, status=200)
    await graph.call("PATCH", f"{path}/extensions/{NAME}", {"wedsyncId": "8"}, status=200)
    await graph.call("POST", f"{path}/extensions", EXTENSION | {"extensionName": "com.other"}, status=201)
    changed, link = await graph.delta(link)
    assert changed == []
    await graph.call("GET", f"/me/calendarView/delta?{WINDOW}&{EXPAND}", status=400)
    await graph.call("PATCH", path, {"subject": "New"}, status=200)
    changed, _ = await graph.delta(link)
    assert [item["subject"] for item in changed] == ["New"]
