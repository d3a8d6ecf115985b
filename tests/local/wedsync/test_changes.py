"""The feed of changes: snapshot, paging, cursors, tombstones."""

from typing import Any

import pytest

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.samples import sample

EVENTS = "/v1/users/planner-rose/events"
CONTROL = "/_control/users/planner-rose/events"


async def load(stand: Stand, *events: dict[str, Any]) -> None:
    answer = await stand.control.put(CONTROL, json={"events": list(events)})
    assert answer.json() == {"loaded": len(events), "refused": []}


async def feed(stand: Stand, **query: Any) -> dict[str, Any]:
    answer = await stand.api.get(EVENTS, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"events", "nextCursor", "hasMore"}
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [event["id"] for event in found["events"]]


def numbered(count: int) -> list[dict[str, Any]]:
    return [sample(id=f"e{number}") for number in range(count)]


async def test_paging_reaches_everything_once(stand: Stand) -> None:
    await load(stand, *numbered(7))
    found = await feed(stand, limit=3)
    seen = ids(found)
    while found["hasMore"]:
        found = await feed(stand, limit=3, cursor=found["nextCursor"])
        seen += ids(found)
    assert seen == [f"e{number}" for number in range(7)]
    nothing = await feed(stand, cursor=found["nextCursor"])
    assert (nothing["events"], nothing["hasMore"]) == ([], False)


async def test_an_exact_page_has_no_more(stand: Stand) -> None:
    await load(stand, *numbered(3))
    assert (await feed(stand, limit=3))["hasMore"] is False


async def test_changes_during_paging_come_again_later(stand: Stand) -> None:
    await load(stand, *numbered(4))
    first = await feed(stand, limit=2)
    await stand.control.patch(f"{CONTROL}/e0", json={"title": "Changed"})
    await stand.control.delete(f"{CONTROL}/e3")
    rest = await feed(stand, cursor=first["nextCursor"])
    assert [(event["id"], event["deleted"], event["version"]) for event in rest["events"]] == [
        ("e2", False, 1),
        ("e0", False, 2),
        ("e3", True, 2),
    ]


async def test_changes_since_a_cursor_include_tombstones_once_each(stand: Stand) -> None:
    await load(stand, *numbered(3))
    cursor = (await feed(stand))["nextCursor"]
    for title in ("A", "B"):
        await stand.control.patch(f"{CONTROL}/e1", json={"title": title})
    await stand.control.delete(f"{CONTROL}/e0")
    found = await feed(stand, cursor=cursor)
    assert [(event["id"], event["title"], event["deleted"]) for event in found["events"]] == [
        ("e1", "B", False),
        ("e0", "Menu tasting", True),
    ]
    assert ids(await feed(stand)) == ["e2", "e1"], "a snapshot holds no tombstones"


async def test_from_and_to_shape_the_first_snapshot_only(stand: Stand) -> None:
    await load(
        stand,
        sample(id="before", start="2026-06-20T11:00:00", end="2026-06-20T13:00:00"),
        sample(id="into", start="2026-06-20T12:30:00", end="2026-06-20T14:30:00"),
        sample(id="within"),
        sample(id="after", start="2026-06-20T16:00:00", end="2026-06-20T17:00:00"),
    )
    bounds = {"from": "2026-06-20T12:00:00Z", "to": "2026-06-20T17:00:00+02:00"}
    first = await feed(stand, limit=1, **bounds)
    second = await feed(stand, cursor=first["nextCursor"])
    assert ids(first) + ids(second) == ["into", "within"], "the bounds stay with the cursor"
    await stand.control.patch(f"{CONTROL}/after", json={"title": "Changed"})
    assert ids(await feed(stand, cursor=second["nextCursor"], **bounds)) == ["after"]
    assert ids(await feed(stand, **{"from": "2026-06-21"})) == []


async def test_external_id_filters(stand: Stand) -> None:
    await load(stand, sample(id="ours"), sample(id="theirs", externalId="outlook:t:o:A", source="outlook"))
    assert ids(await feed(stand, externalId="outlook:t:o:A")) == ["theirs"]
    assert ids(await feed(stand, externalId="outlook:t:o:a")) == []


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "%00", "é"])
async def test_unknown_cursor(stand: Stand, cursor: str) -> None:
    answer = await stand.api.get(EVENTS, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")


async def test_cursor_of_another_user_of_before_a_reset_or_expired(stand: Stand) -> None:
    cursor = (await feed(stand))["nextCursor"]
    other = await stand.api.get("/v1/users/planner-marco/events", params={"cursor": cursor})
    assert other.status_code == 410
    await stand.control.put(CONTROL, json={"events": [sample()]})
    for order in ("/_control/cursors/expire", "/_control/reset"):
        cursor = (await feed(stand))["nextCursor"]
        await stand.control.post(order)
        assert (await stand.api.get(EVENTS, params={"cursor": cursor})).status_code == 410


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": ""},
        {"from": "2026-06-20T12:00:00"},
        {"to": "tomorrow"},
        {"since": "2026-06-20"},
    ],
)
async def test_bad_parameters(stand: Stand, query: dict[str, str]) -> None:
    assert (await stand.api.get(EVENTS, params=query)).status_code == 400


async def test_limit_bounds(stand: Stand) -> None:
    await load(stand, *numbered(101))
    assert len((await feed(stand))["events"]) == 100
    assert len((await feed(stand, limit=500))["events"]) == 101
