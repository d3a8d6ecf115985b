"""The whole API as its callers see it: the frontend's types, its calls, and a fuzzer, against one running host."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.journeys.connecting import handed_over
from tests.journeys.evidence import subscriptions_of
from tests.journeys.fuzz.guided import guided
from tests.journeys.fuzz.runs import FEW, document_of, fuzzed, left_out
from tests.journeys.hook import hooked
from tests.journeys.pairs import Pair, pair
from tests.journeys.planner import Planner, eventually
from tests.journeys.recording import Recorded, Recording, declared, interfaces, lies_about, parts, refused, seen
from tests.journeys.scene import Scene, open_scene

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path_factory.mktemp("api")) as opened:
        yield opened


# --- The frontend's types ---------------------------------------------------------------------------------------------


async def recorded(scene: Scene) -> list[Recorded]:
    """Call every endpoint that the specification has an interface for, as its frontend would."""
    rose, marco, kept = scene.rose, scene.marco, Recording()

    kept.answered(await rose.call("GET", "calendar/outlook/auth"), "OutlookAuthResponse")
    handed = kept.sent("the callback", "OutlookCallbackRequest", await handed_over(marco))
    kept.answered(await marco.call("POST", "calendar/outlook/auth/callback", json=handed), "OutlookCallbackResponse")
    await calendars(rose, kept)
    await runs(scene, kept)
    await slow_run(scene, kept)
    tasting = await pair(rose, "Tasting")
    await tasting.clash("Cake", "Wine")
    kept.answered(await rose.call("GET", "calendar/outlook/sync"), "OutlookSyncStatusResponse")
    for query in ("", "?page=1&pageSize=1&eventTypes=client_meeting&syncStatuses=synced,conflict&start=2026-01-01"):
        kept.answered(await rose.call("GET", f"calendar/outlook/events{query}"), "OutlookEventsResponse")
    await choices(tasting, kept)
    await settings(scene, kept)
    await notification(scene, kept)
    kept.answered(await marco.call("DELETE", "calendar/outlook/integration"), "RemoveIntegrationResponse")
    return kept.kept


async def runs(scene: Scene, kept: Recording) -> None:
    named = [scene.events["planner-rose"], "nobody-knows-it"]
    for body in ({"syncType": "full_sync", "syncDirection": "bidirectional"}, {"specificEvents": named}, {}):
        kept.sent("a sync", "OutlookSyncRequest", body)
        answer = await scene.rose.call("POST", "calendar/outlook/sync", json=body)
        started = kept.answered(answer, "OutlookSyncResponse")
        at_work = await scene.rose.call("GET", f"calendar/outlook/sync/{started['syncId']}")
        kept.answered(at_work, "OutlookSyncJobResponse")
        await scene.rose.run_ended(started["syncId"])
        ended = await scene.rose.call("GET", f"calendar/outlook/sync/{started['syncId']}")
        kept.answered(ended, "OutlookSyncJobResponse")


async def slow_run(scene: Scene, kept: Recording) -> None:
    """Look at a run that makes many copies, one batch every two seconds, until it says how long it will take.

    Another run, for which an earlier test is the reason, may make them first; then there are others.
    """
    rose = scene.rose
    slow = {"action": "latency", "method": "POST", "path": r"\$batch", "seconds": 2}
    for url, order in ((rose.urls.wedsync, {"action": "lose"}), (rose.urls.graph, slow)):
        (await rose.http.post(f"{url}/_control/faults", json=order)).raise_for_status()
    times = {"start": "2027-03-02T14:00:00", "end": "2027-03-02T15:00:00", "timeZone": "Europe/London"}
    for turn in range(5):
        await asyncio.gather(
            *(rose.add_in_wedsync(type="client_meeting", title=f"Tasting {turn}-{each}", **times) for each in range(65))
        )
        started = (await rose.call("POST", "calendar/outlook/sync", json={})).raise_for_status().json()
        answer = await told(rose, started["syncId"])
        if "estimatedTimeRemaining" in answer.json():
            break
    kept.answered(answer, "OutlookSyncJobResponse")
    await rose.no_faults()
    await rose.run_ended(started["syncId"])


async def told(rose: Planner, run_id: str) -> httpx.Response:
    """Return the first answer in which the run says how long it will take, or has ended without."""

    async def look() -> httpx.Response | None:
        answer = await rose.call("GET", f"calendar/outlook/sync/{run_id}")
        run = answer.raise_for_status().json()
        return answer if "estimatedTimeRemaining" in run or run["status"] not in ("queued", "in_progress") else None

    seen: httpx.Response = await eventually(look, "the run tells how long it will take, or ends")
    return seen


async def choices(tasting: Pair, kept: Recording) -> None:
    """Answer a conflict, and force an event; the specification has interfaces for what is sent."""
    body = {"resolutions": {"title": {"useValue": "custom", "customValue": "Cheese"}}, "setAsDefault": False}
    kept.sent("a choice", "ResolveConflictRequest", body)
    assert (await tasting.post("resolve", **body)).status_code == 200
    await tasting.both("Cheese")
    body = {"direction": "to_outlook", "overwriteConflicts": True}
    kept.sent("a forced sync", "ForceSyncEventRequest", body)
    assert (await tasting.post("force-sync", **body)).status_code == 200


async def settings(scene: Scene, kept: Recording) -> None:
    (_, calendar_id) = (await scene.rose.call("GET", "calendar/outlook/calendars")).json().values()
    body = {
        "calendarId": calendar_id,
        "syncDirection": "bidirectional",
        "syncPreferences": {"syncDeadlines": True, "notificationMinutes": [30]},
        "syncEnabled": True,
        "webhookEnabled": True,
    }
    kept.sent("settings", "UpdateOutlookSettingsRequest", body)
    answer = await scene.rose.call("PUT", "calendar/outlook/settings", json=body)
    kept.answered(answer, "UpdateOutlookSettingsResponse")


async def calendars(planner: Planner, kept: Recording) -> None:
    answer = await planner.call("GET", "calendar/outlook/calendars")
    found = answer.raise_for_status().json()["calendars"]
    assert found
    kept.kept += [Recorded(what="a calendar", interface="OutlookCalendar", value=each) for each in found]


async def notification(scene: Scene, kept: Recording) -> None:
    (subscription, *_) = await subscriptions_of(scene.rose)
    change = {
        "changeType": "updated",
        "clientState": subscription["clientState"],
        "resource": "Users/x/Events/y",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": "Users/x/Events/y",
            "@odata.etag": 'W/"DwAAABYAAAB"',
            "id": "y",
        },
        "subscriptionExpirationDateTime": "2027-01-01T00:00:00Z",
        "subscriptionId": subscription["id"],
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
    }
    body = kept.sent("a notification", "OutlookWebhookNotification", {"value": [change]})
    assert (await scene.call("graph_webhook", json=body)).status_code == 202


async def test_every_answer_assigns_to_its_interface(scene: Scene, tmp_path: Path) -> None:
    """Every member of every interface is in an answer or a request; what the API adds to them is in its document."""
    kept = await recorded(scene)
    assert declared() - seen(kept) == set()
    kept = parts(kept)
    assert {each.interface for each in kept} == interfaces()
    assert await asyncio.to_thread(refused, kept, tmp_path / "recorded") == {}

    lies = lies_about(kept)
    assert len(lies) > len(interfaces())
    found = await asyncio.to_thread(refused, lies, tmp_path / "lies")
    assert {each.what for each in lies} == set(found), "the compiler has looked at nothing"


# --- The frontend's calls ---------------------------------------------------------------------------------------------


async def test_the_hook_of_the_specification_works_on_a_page_of_wedsync(scene: Scene) -> None:
    """Unmodified: its URLs and methods, with nothing but the page's session, through WedSync's own origin."""
    wine = await pair(scene.rose, "Wine tasting")
    asked = await wine.clash("Red", "White")
    async with hooked(scene.rose.urls.wedsync, scene.rose.person.name) as rose:
        shown = await rose.loaded()
        assert (shown["error"], shown["integration"]["status"]) == (None, "connected")
        assert shown["syncHistory"] == shown["syncStatus"]["recentSyncHistory"] != []
        assert str(await rose.ask("connectOutlook")).startswith(f"{scene.rose.urls.entra}/")
        started = await rose.ask("triggerSync", {"syncType": "incremental"})
        await scene.rose.run_ended(started["syncId"])
        changed = await rose.ask("updateSettings", {"syncPreferences": {"notificationMinutes": [45]}})
        assert changed["integration"]["syncPreferences"]["notificationMinutes"] == [45]
        choice = {"resolutions": {"title": {"useValue": "wedsync", "conflictId": asked["conflictId"]}}}
        assert (await rose.ask("resolveConflicts", wine.wedsync_id, choice))["success"] is True
        await wine.both("Red")
        assert (await rose.loaded())["error"] is None
        assert set(rose.called) == {
            "GET /api/calendar/outlook/sync",
            "GET /api/calendar/outlook/auth",
            "POST /api/calendar/outlook/sync",
            "PUT /api/calendar/outlook/settings",
            f"POST /api/calendar/outlook/events/{wine.wedsync_id}/resolve",
        }
    await scene.marco.connect()  # an earlier test may have disconnected this one
    async with hooked(scene.marco.urls.wedsync, scene.marco.person.name) as marco:
        await marco.loaded()
        await marco.ask("disconnectOutlook")
        await marco.ask("refresh")
        shown = await marco.loaded()
        assert (shown["integration"], shown["error"]) == (None, None)
        assert "DELETE /api/calendar/outlook/integration" in marco.called


# --- The fuzzer -------------------------------------------------------------------------------------------------------


async def test_nothing_that_a_fuzzer_sends_finds_a_fault(scene: Scene, tmp_path: Path) -> None:
    """All checks, all operations, signed in as connected users; and each operation succeeds at least once."""
    well = await guided(scene)
    found: dict[str, set[int]] = {}
    for run in await fuzzed(scene, tmp_path, *FEW):
        assert run.code == 0, run.said
        found |= run.statuses
    assert left_out(await document_of(scene), found, well) == set()
