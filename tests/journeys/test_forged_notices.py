"""Notices that nobody sent us, or that mean nothing: answered as documented, and nothing is changed or looked at."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from local.stand import WEBHOOK_SECRET
from tests.journeys.evidence import subscriptions_of
from tests.journeys.routes import Caller, of_caller
from tests.journeys.scene import Scene, open_scene, problem, unchanged

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

JUNK = (
    b"",
    b"{",
    b"null",
    b"5",
    b'"x"',
    b"[]",
    b"{}",
    b'{"value": null}',
    b'{"value": {}}',
    b'{"value": "x"}',
    b'{"value": [null, 5, "x", [], {}]}',
    b'{"value": [{"subscriptionId": 5, "clientState": [], "resourceData": "x"}]}',
    b'{"value": [{"lifecycleEvent": "missed"}]}',
    b'{"value": [{"lifecycleEvent": {"a": 1}, "subscriptionId": null}]}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"value":' * 10_000,
)


WRONG_IDS: tuple[Any, ...] = (None, 5, "", [], {})
WRONG_VERSIONS: tuple[Any, ...] = (None, "1", 1.5, True, [])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path_factory.mktemp("forged")) as opened:
        yield opened


def accepted(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content) == (202, b""), answer.text


# --- Graph -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", of_caller(Caller.GRAPH))
async def test_junk_is_taken_and_forgotten(scene: Scene, name: str) -> None:
    async with unchanged(scene):
        for content in JUNK:
            for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
                accepted(await scene.call(name, content=content, headers={"Content-Type": kind}))


@pytest.mark.parametrize("name", of_caller(Caller.GRAPH))
async def test_forged_notifications_start_nothing(scene: Scene, name: str) -> None:
    real, other = await subscriptions_of(scene.rose), await subscriptions_of(scene.marco)
    event = (await scene.rose.outlook_items())[0]["id"]
    strangers: tuple[dict[str, Any], ...] = (
        {"subscriptionId": "00000000-0000-4000-8000-000000000000"},
        {"subscriptionId": "../x"},
        {"subscriptionId": "x" * 5000},
        {"subscriptionId": "💒/\\#?\x00"},
        {"clientState": "wrong"},
        {"clientState": ""},
        {"clientState": None},
        {"clientState": "ü💒"},
        {"clientState": other[0]["clientState"]},
        {"clientState": real[0]["clientState"].upper()},
        {"subscriptionId": other[0]["id"]},
    )
    honest = notification(real[0], event)
    async with unchanged(scene):
        for wrong in strangers:
            forged = {**honest, **wrong}
            accepted(await scene.call(name, json={"value": [forged]}))
            for kind in ("missed", "subscriptionRemoved", "reauthorizationRequired"):
                accepted(await scene.call(name, json={"value": [{**forged, "lifecycleEvent": kind}]}))
        accepted(await scene.call(name, json={"value": [{**honest, **wrong} for wrong in strangers] * 20}))


def notification(subscription: Mapping[str, Any], event_id: str) -> dict[str, Any]:
    return {
        "subscriptionId": subscription["id"],
        "subscriptionExpirationDateTime": subscription["expirationDateTime"],
        "clientState": subscription["clientState"],
        "changeType": "updated",
        "resource": f"Users/x/Events/{event_id}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": event_id},
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
    }


async def test_an_honest_notification_starts_a_look(scene: Scene) -> None:
    """So that the silence above proves something. It finds nothing new."""
    real, event = (await subscriptions_of(scene.rose))[0], (await scene.rose.outlook_items())[0]["id"]
    ran = scene.jobs_run()
    async with unchanged(scene, jobs=True):
        accepted(await scene.call("graph_webhook", json={"value": [notification(real, event)]}))
    assert scene.jobs_run() == ran + 1


async def test_event_ids_never_lead_elsewhere_in_graph(scene: Scene) -> None:
    real = (await subscriptions_of(scene.rose))[0]
    await scene.rose.graph_requests(clear=True)
    async with unchanged(scene, jobs=True):
        for ident in (
            "../calendars",
            "../../me",
            "x/instances",
            "x?$expand=y",
            "x#y",
            "%2e%2e%2fcalendars",
            "ü💒",
            "x" * 3000,
        ):
            accepted(await scene.call("graph_webhook", json={"value": [notification(real, ident)]}))
    asked = [request["path"] for request in await scene.rose.graph_requests()]
    assert asked
    for path in asked:
        assert "/events/" in path or "/calendars/" in path or "$batch" in path, path
        assert "/instances" not in path


@pytest.mark.parametrize("name", of_caller(Caller.GRAPH))
@pytest.mark.parametrize(
    "token",
    [
        "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e-096a-494c",
        "<script>alert(1)</script>",
        "a+b c%20d&e=f;g#h",
        "ü💒\u202e",
        "x" * 4000,
    ],
)
async def test_the_handshake_gives_the_token_back_as_text(scene: Scene, name: str, token: str) -> None:
    async with unchanged(scene):
        for content in (b"", b"{", b'{"value": []}'):
            answer = await scene.call(name, query=f"validationToken={quote(token, safe='')}", content=content)
            assert answer.status_code == 200
            assert answer.content == token.encode()
            assert answer.headers["content-type"].split(";")[0] == "text/plain"
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_plus_in_the_handshake_is_a_space(scene: Scene) -> None:
    answer = await scene.call("graph_webhook", query="validationToken=Validation%3a+Testing+client%2bserver")
    assert answer.text == "Validation: Testing client+server"


# --- WedSync ---------------------------------------------------------------------------------------------------------


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, at: datetime | None = None) -> dict[str, str]:
    moment = at or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body.decode()),
    }


def notice(**changes: Any) -> bytes:
    members = {"userId": "planner-rose", "eventId": "unknown", "version": 1, **changes}
    return json.dumps({"type": "event.updated", "timestamp": "2026-06-20T12:00:00Z", "data": members}).encode()


async def test_wedsync_notices_without_a_good_signature_are_refused(scene: Scene) -> None:
    body = notice(eventId=scene.events["planner-rose"])
    good, now = signed(body), datetime.now(UTC)
    stranger = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAwMDAwMDAwMDA="
    forgeries: dict[str, dict[str, str]] = {
        "nothing": {},
        "another secret": signed(body, secret=stranger),
        "six minutes old": signed(body, at=now - timedelta(minutes=6)),
        "six minutes early": signed(body, at=now + timedelta(minutes=6)),
        "another body": signed(notice()),
        "another id": {**good, "webhook-id": "msg_2"},
        "another time": {**good, "webhook-timestamp": str(int(now.timestamp()) - 1)},
        "another version": {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")},
        "not base64": {**good, "webhook-signature": "v1,***"},
        "not ASCII": {**good, "webhook-signature": "v1,ü"},
        "no comma": {**good, "webhook-signature": "v1"},
        "empty": {**good, "webhook-signature": ""},
        **{
            f"at {text}": {**good, "webhook-timestamp": text}
            for text in ("", "x", "nan", "inf", "1e400", "-1", "9" * 40)
        },
        **{f"without {name}": {key: value for key, value in good.items() if key != name} for name in good},
    }
    async with unchanged(scene):
        for what, headers in forgeries.items():
            answer = await scene.call("wedsync_webhook", content=body, headers=headers)
            assert problem(answer, 401)["code"] == "invalid_signature", what


async def test_signed_notices_that_mean_nothing_are_refused(scene: Scene) -> None:
    bodies = (
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b"{}",
        b'{"type": "event.updated"}',
        b'{"type": 5, "data": {}}',
        b'{"type": "event.updated", "data": []}',
        b"[" * 100_000,
        *(notice(userId=wrong) for wrong in WRONG_IDS),
        *(notice(eventId=wrong) for wrong in WRONG_IDS),
        *(notice(version=wrong) for wrong in WRONG_VERSIONS),
    )
    async with unchanged(scene):
        for content in bodies:
            answer = await scene.call("wedsync_webhook", content=content, headers=signed(content))
            assert problem(answer, 400)["code"] == "malformed_webhook", content[:80]


async def test_signed_notices_of_nothing_of_ours_are_taken_and_dropped(scene: Scene) -> None:
    bodies = (
        notice(userId="planner-nobody"),
        notice(userId="../planner-rose"),
        notice(userId="x" * 5000),
        notice(userId="💒/\\#?\x00"),
        json.dumps({"type": "event.archived", "data": {}}).encode(),
    )
    async with unchanged(scene):
        for content in bodies:
            answer = await scene.call("wedsync_webhook", content=content, headers=signed(content))
            assert (answer.status_code, answer.json()) == (202, {"accepted": False})


async def test_signed_notices_of_other_peoples_events_change_nothing(scene: Scene) -> None:
    async with unchanged(scene, jobs=True):
        for ident in (scene.events["planner-marco"], "unknown", "../planner-marco/events", "x?y#z", "💒", "x" * 3000):
            content = notice(eventId=ident)
            answer = await scene.call("wedsync_webhook", content=content, headers=signed(content))
            assert (answer.status_code, answer.json()) == (202, {"accepted": True})


async def test_a_replayed_notice_changes_nothing(scene: Scene) -> None:
    content = notice(eventId=scene.events["planner-rose"])
    headers = signed(content)
    async with unchanged(scene, jobs=True):
        for _ in range(3):
            answer = await scene.call("wedsync_webhook", content=content, headers=headers)
            assert (answer.status_code, answer.json()) == (202, {"accepted": True})
