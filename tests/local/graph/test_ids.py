"""Deleting, and ids: S26-S28 of the fact sheet, over HTTPS."""

import asyncio
import ssl
from typing import Any
from urllib.parse import quote

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, event, series, token
from tests.local.graph.sources import ALLODIA, IMMUTABLE_ID, api, concept, issue

BOX = "/mailboxes/rose@havenweddings.example"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@behaviour("S26", Grade.DOCUMENTED, api("event-delete"))
async def test_s26_a_deleted_event_is_gone(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    answer = await graph.call("DELETE", path, status=204)
    assert answer.content == b""
    error = (await graph.call("GET", path, status=404)).json()["error"]
    assert error["code"] == "ErrorItemNotFound"
    assert error["message"] == "The specified object was not found in the store."
    await graph.call("PATCH", path, {"subject": "x"}, status=404)
    assert (await graph.call("GET", "/me/events", status=200)).json()["value"] == []


@behaviour("S26", Grade.CAPTURED, ALLODIA, knobs=("deletedItemsSeconds",))
async def test_s26_a_second_delete_answers_400_until_the_item_is_purged(graph: Far) -> None:
    for made in (await graph.create(), await graph.create()):
        path = f"/me/events/{made['id']}"
        await graph.call("DELETE", path, status=204)
        error = (await graph.call("DELETE", path, status=400)).json()["error"]
        assert error["code"] == "ErrorInvalidRequest"
    await graph.control("POST", f"{BOX}/purge")
    error = (await graph.call("DELETE", path, status=404)).json()["error"]
    assert error["code"] == "ErrorItemNotFound"
    await graph.knobs(deletedItemsSeconds=0)
    other = await graph.create()
    await graph.call("DELETE", f"/me/events/{other['id']}", status=204)
    error = (await graph.call("DELETE", f"/me/events/{other['id']}", status=404)).json()["error"]
    assert error["code"] == "ErrorItemNotFound"


@behaviour("S26", Grade.CAPTURED, ALLODIA, api("event-permanentdelete"))
async def test_s26_permanent_delete_needs_a_length(graph: Far, trust: ssl.SSLContext) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    reader, writer = await asyncio.open_connection("localhost", graph.http.base_url.port, ssl=trust)
    head = f"POST /v1.0{path}/permanentDelete HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    assert b" 411 " in (await reader.readline())
    writer.close()
    await graph.call("GET", path, status=200)
    await graph.call("POST", f"{path}/permanentDelete", headers={"Content-Length": "0"}, status=204)
    for method in ("DELETE", "GET"):
        error = (await graph.call(method, path, status=404)).json()["error"]
        assert error["code"] == "ErrorItemNotFound"


@behaviour("S27", Grade.DOCUMENTED, IMMUTABLE_ID)
async def test_s27_a_move_changes_the_regular_id_alone(graph: Far) -> None:
    made = await graph.create()
    kept = (await graph.call("GET", f"/me/events/{made['id']}", headers=IMMUTABLE, status=200)).json()["id"]
    assert kept != made["id"]
    private = (await graph.call("GET", "/me/calendars", status=200)).json()["value"][1]
    await graph.control("POST", f"{BOX}/events/{kept}/move", {"calendarId": private["id"]})
    await graph.call("GET", f"/me/events/{made['id']}", status=404)
    read = (await graph.call("GET", f"/me/events/{kept}", headers=IMMUTABLE, status=200)).json()
    assert read["id"] == kept
    assert read["uid"] == made["uid"]
    regular = (await graph.call("GET", f"/me/events/{kept}", status=200)).json()["id"]
    assert regular not in (made["id"], kept)
    assert (await graph.call("GET", f"/me/events/{kept}/calendar", status=200)).json()["name"] == "Private"
    assert (await graph.call("GET", f"/me/events/{regular}", headers=IMMUTABLE, status=200)).json()["id"] == kept


@behaviour("S27", Grade.DOCUMENTED, IMMUTABLE_ID)
async def test_s27_each_request_says_which_form_it_wants(graph: Far) -> None:
    weekly = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    once = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 1}
    answer = await graph.call("POST", "/me/events", series(weekly, once), headers=IMMUTABLE, status=201)
    assert 'IdType="ImmutableId"' in answer.headers["Preference-Applied"]
    immutable, regular = answer.json()["id"], ""
    for headers in (IMMUTABLE, None, IMMUTABLE):
        read = await graph.call("GET", f"/me/events/{immutable}", headers=headers, status=200)
        found = (await graph.call("GET", f"/me/events/{immutable}/instances?{WINDOW}", headers=headers)).json()
        listed = (await graph.call("GET", "/me/events", headers=headers, status=200)).json()["value"][0]
        changed, _ = await graph.delta(f"/me/calendarView/delta?{WINDOW}", headers=headers)
        own = read.json()["id"]
        assert listed["id"] == own
        assert found["value"][0]["seriesMasterId"] == own
        assert found["value"][0]["occurrenceId"] == f"OID.{own}.2026-08-04"
        assert [item.get("seriesMasterId") or item["id"] for item in changed] == [own, own]
        assert ("Preference-Applied" in read.headers) == (headers is not None)
        assert (own == immutable) == (headers is not None)
        regular = regular or ("" if headers else own)
    assert regular


@behaviour("S27", Grade.DOCUMENTED, IMMUTABLE_ID, concept("json-batching"))
async def test_s27_each_item_of_a_batch_says_which_form_it_wants(graph: Far) -> None:
    made = await graph.create()
    url = f"/me/events/{made['id']}"
    kept = (await graph.call("GET", url, headers=IMMUTABLE, status=200)).json()["id"]
    parts = [{"id": "1", "method": "GET", "url": url}, {"id": "2", "method": "GET", "url": url, "headers": IMMUTABLE}]
    for outer in (None, IMMUTABLE):
        answer = await graph.call("POST", "/$batch", {"requests": parts}, headers=outer, status=200)
        read = {item["id"]: item["body"]["id"] for item in answer.json()["responses"]}
        assert read == {"1": made["id"], "2": kept}


@behaviour("S27", Grade.CAPTURED, ALLODIA, issue(10626))
async def test_s27_calendars_have_two_ids_as_well(graph: Far) -> None:
    regular = (await graph.call("GET", "/me/calendar", status=200)).json()["id"]
    immutable = (await graph.call("GET", "/me/calendar", headers=IMMUTABLE, status=200)).json()["id"]
    assert immutable.startswith("AAkALg")
    assert regular != immutable
    for name in (regular, immutable):
        assert (await graph.call("GET", f"/me/calendars/{name}", status=200)).json()["id"] == regular


@behaviour("S27", Grade.DOCUMENTED, api("user-translateexchangeids"), IMMUTABLE_ID)
async def test_s27_ids_are_translated(graph: Far) -> None:
    made = [await graph.create(subject=str(number)) for number in range(2)]
    regular = [item["id"] for item in made]
    kept = [(await graph.call("GET", f"/me/events/{name}", headers=IMMUTABLE)).json()["id"] for name in regular]
    there = {"inputIds": regular, "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    back = {"inputIds": kept, "sourceIdType": "restImmutableEntryId", "targetIdType": "restId"}
    for body, expected in ((there, kept), (back, regular)):
        value = (await graph.call("POST", "/me/translateExchangeIds", body, status=200)).json()["value"]
        pairs = zip(body["inputIds"], expected, strict=True)
        assert value == [{"sourceId": source, "targetId": target} for source, target in pairs]
    ews = there | {"targetIdType": "ewsId"}
    found = (await graph.call("POST", "/me/translateExchangeIds", ews, status=200)).json()["value"]
    assert [item["targetId"] for item in found] == [name.replace("-", "/").replace("_", "+") for name in regular]


@behaviour("S27", Grade.DOCUMENTED, api("user-translateexchangeids"))
async def test_s27_binary_ids_end_with_the_count_of_their_padding(graph: Far) -> None:
    made = await graph.create()
    kept = (await graph.call("GET", f"/me/events/{made['id']}", headers=IMMUTABLE)).json()["id"]
    for binary, own, form in (("entryId", made["id"], "restId"), ("immutableEntryId", kept, "restImmutableEntryId")):
        there = {"inputIds": [made["id"]], "sourceIdType": "restId", "targetIdType": binary}
        (found,) = (await graph.call("POST", "/me/translateExchangeIds", there, status=200)).json()["value"]
        assert found["targetId"] == f"{own.rstrip('=')}{own.count('=')}"
        back = {"inputIds": [found["targetId"]], "sourceIdType": binary, "targetIdType": form}
        (again,) = (await graph.call("POST", "/me/translateExchangeIds", back, status=200)).json()["value"]
        assert again["targetId"] == own


@behaviour("S27", Grade.DOCUMENTED, api("user-translateexchangeids"))
async def test_s27_what_cannot_be_translated(graph: Far) -> None:
    made = await graph.create()
    body = {"inputIds": [made["id"]], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    for wrong in (
        body | {"inputIds": [made["id"]] * 1001},
        body | {"inputIds": made["id"]},
        body | {"sourceIdType": "graphId"},
        {"inputIds": [made["id"]]},
    ):
        await graph.call("POST", "/me/translateExchangeIds", wrong, status=400)
    await graph.call("POST", "/me/translateExchangeIds", body, bearer=token(scopes="Calendars.Read"), status=403)
    mixed = body | {"sourceIdType": "restImmutableEntryId"}
    value = (await graph.call("POST", "/me/translateExchangeIds", mixed, status=200)).json()["value"]
    assert value[0]["sourceId"] == made["id"]
    assert value[0]["errorDetails"]["code"]
    assert value[0]["targetId"] is None


@behaviour("S28", Grade.DOCUMENTED, IMMUTABLE_ID, issue(7330))
async def test_s28_ids_differ_by_case_alone(graph: Far) -> None:
    made = [(await graph.create(subject=str(number)))["id"] for number in range(4)]
    assert len(set(made)) == 4
    assert len({name.lower() for name in made}) < 4
    for number, name in enumerate(made):
        assert (await graph.call("GET", f"/me/events/{name}", status=200)).json()["subject"] == str(number)
    for name in made:
        for folded in (name.lower(), name.upper(), name.swapcase()):
            await graph.call("GET", f"/me/events/{folded}", status=400)


@behaviour("S28", Grade.REPORTED, issue(6069), issue(3598))
async def test_s28_ids_are_long_and_hostile_to_urls(graph: Far) -> None:
    regular = [(await graph.create())["id"] for _ in range(8)]
    assert any(len(name) > 150 for name in regular)
    assert all(name.endswith("=") and "/" not in name and "+" not in name for name in regular)
    assert any("-" in name for name in regular)
    assert any("_" in name for name in regular)
    kept = (await graph.call("GET", f"/me/events/{regular[0]}", headers=IMMUTABLE, status=200)).json()["id"]
    assert len(kept) < 150
    for written in (regular[0], quote(regular[0], safe="")):
        assert (await graph.call("GET", f"/me/events/{written}", status=200)).json()["id"] == regular[0]
    assert quote(regular[0], safe="") != regular[0]


@behaviour("S28", Grade.REPORTED, issue(6069))
@pytest.mark.parametrize("change", ["nonsense", "short", "plus", "slash", "percent"])
async def test_s28_a_malformed_id_answers_400(graph: Far, change: str) -> None:
    name = (await graph.create())["id"]
    wrong = {
        "nonsense": "nonsense",
        "short": name[:-1],
        "plus": f"{name[:40]}%2B{name[41:]}",
        "slash": f"{name[:40]}%2F{name[41:]}",
        "percent": quote(quote(name, safe=""), safe=""),
    }[change]
    for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        error = (await graph.call(method, f"/me/events/{wrong}", body, status=400)).json()["error"]
        assert (error["code"], error["message"]) == ("ErrorInvalidIdMalformed", "Id is malformed.")


@behaviour("S28", Grade.REPORTED, issue(6069), issue(3598))
async def test_s28_a_raw_slash_splits_the_path(graph: Far) -> None:
    name = (await graph.create())["id"]
    error = (await graph.call("GET", f"/me/events/{name[:40]}/{name[41:]}", status=400)).json()["error"]
    assert error["code"] == "RequestBroker--ParseUri"
    assert error["message"] == f"Resource not found for the segment '{name[41:]}'."


@behaviour("S28", Grade.REPORTED, issue(148011, "odoo/odoo"))
async def test_s28_ids_of_another_mailbox_name_nothing(graph: Far, marco: Any) -> None:
    made = await graph.create()
    for headers in (None, IMMUTABLE):
        name = (await graph.call("GET", f"/me/events/{made['id']}", headers=headers, status=200)).json()["id"]
        error = (await graph.call("GET", f"/me/events/{name}", who=marco, status=404)).json()["error"]
        assert error["code"] == "ErrorItemNotFound"


async def test_paths_that_graph_does_not_have(graph: Far) -> None:
    for path in ("/me/nonsense", "/me/events/delta", "/nonsense"):
        await graph.call("GET", path, status=400)
    await graph.call("PUT", "/me/events", event(), status=405)
