"""Conflicts over HTTP: shown, answered field by field, made a rule, superseded; and force-sync past them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.pairs import pair
from tests.journeys.planner import Planner, eventually

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

DAY = datetime.now(UTC).date() + timedelta(days=30)
GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}


@pytest.fixture
async def rose(tmp_path: Path) -> AsyncIterator[Planner]:
    async with Stand(work_folder=tmp_path, season=False) as stand:
        planner = Planner(stand, PLANNERS[0])
        await planner.connect()
        await planner.first_run_ended()
        yield planner
        await planner.close()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    return dict(answer.json())


async def test_a_conflict_from_question_to_rule(rose: Planner) -> None:
    tasting = await pair(rose, "Tasting")
    asked = await tasting.clash("Cake", "Wine")
    assert {
        name: asked[name] for name in ("field", "wedSyncValue", "outlookValue", "conflictType", "base", "state")
    } == {
        "field": "title",
        "wedSyncValue": "Cake",
        "outlookValue": "Wine",
        "conflictType": "title",
        "base": "Tasting",
        "state": "open",
    }
    assert asked["reason"]
    assert asked["suggestedResolution"] in ("use_wedsync", "use_outlook", "manual_review")
    assert {"openedAt", "wedSyncChangedAt", "outlookChangedAt"} <= asked.keys()

    now = await tasting.clash("Cake", "Ham")
    stale = {"title": {"useValue": "outlook", "conflictId": asked["conflictId"]}}
    refused = problem(await tasting.post("resolve", resolutions=stale), 409, "conflict_superseded")
    assert refused["conflict"] == now

    for wrong, pointer in (("", ""), ({"name": "Mill"}, "")):
        body = {"title": {"useValue": "custom", "customValue": wrong}}
        refusal = problem(await tasting.post("resolve", resolutions=body), 422, "custom_value")
        assert refusal["errors"][0]["pointer"] == f"/resolutions/title/customValue{pointer}"
    own = {"title": {"useValue": "custom", "customValue": "Cheese", "conflictId": now["conflictId"]}}
    problem(await tasting.post("resolve", resolutions=own, setAsDefault=True), 422, "no_rule")
    answer = await tasting.post("resolve", resolutions=own)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True, "results": {"title": "applied"}}
    await tasting.both("Cheese")
    problem(await tasting.post("resolve", resolutions=own), 404, "conflict_not_found")

    now = await tasting.clash("Bread", "Salt")
    rule = await tasting.post("resolve", resolutions={"title": {"useValue": "outlook"}}, setAsDefault=True)
    assert rule.status_code == 200, rule.text
    await tasting.both("Salt")
    (kept,) = (await rose.status())["integration"]["resolutionRules"]
    assert (kept["field"], kept["eventType"], kept["use"]) == ("title", "client_meeting", "outlook")

    other = await pair(rose, "Fitting")
    await rose.change_in_wedsync(other.wedsync_id, title="Gown")
    await rose.change_in_outlook(other.outlook_id, subject="WedSync: Veil")
    await other.both("Veil")
    wedding = await pair(rose, "Ceremony", kind="wedding_ceremony")
    await wedding.clash("At noon", "At one")

    taken = await rose.call("PUT", "calendar/outlook/settings", json={"removeResolutionRules": [kept["ruleId"]]})
    assert taken.status_code == 200, taken.text
    assert "resolutionRules" not in (await rose.status())["integration"]
    assert await rose.outbox() == []


async def test_guests_and_force_sync(rose: Planner) -> None:
    tasting = await pair(rose, "Tasting")
    await tasting.clash("Cake", "Wine")
    held = problem(await tasting.post("force-sync", direction="to_outlook"), 409, "conflicts_open")
    assert [each["field"] for each in held["conflicts"]] == ["title"]
    forced = await tasting.post("force-sync", direction="to_outlook", overwriteConflicts=True)
    assert forced.status_code == 200, forced.text
    done = forced.json()
    assert (done["success"], done["action"], done["fields"]) == (True, "updated", ["title"])
    await tasting.both("Cake")
    run = (await rose.call("GET", f"calendar/outlook/sync/{done['syncId']}")).json()
    assert (run["status"], run["progress"]["updatedEvents"]) == ("completed", 1)
    again = await tasting.post("force-sync", direction="from_outlook")
    assert (again.json()["action"], again.json()["syncId"]) == ("unchanged", "")

    await rose.change_in_outlook(tasting.outlook_id, attendees=[GUEST])

    async def invited() -> bool:
        return any(each["field"] == "attendees" for each in await tasting.conflicts())

    await eventually(invited, "the guest is seen")
    await tasting.clash("Bread", "Salt")
    told = len(await rose.outbox())
    ours = {"title": {"useValue": "wedsync"}}
    assert problem(await tasting.post("resolve", resolutions=ours), 409, "guests_would_be_mailed")["guests"] == 1
    body = {"direction": "to_outlook", "overwriteConflicts": True}
    assert problem(await tasting.post("force-sync", **body), 409, "guests_would_be_mailed")["guests"] == 1
    assert len(await rose.outbox()) == told

    answer = await tasting.post("resolve", resolutions=ours, mailGuests=True)
    assert answer.status_code == 200, answer.text
    await tasting.both("Bread")
    assert len(await rose.outbox()) == told + 1
