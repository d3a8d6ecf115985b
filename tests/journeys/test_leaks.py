"""Event content and secrets stay where docs/security.md says: searched for in all that the processes left behind."""

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from local.provision import SECRETS, TABLES
from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import PREFIX
from tests.journeys.connecting import begin, complete, handed_over
from tests.journeys.evidence import readable, subscriptions_of, tables_of, token_secrets
from tests.journeys.leaks import Find, Gathered, Needles, content_tables, documented_tables, places_of
from tests.journeys.planner import Planner, eventually, query_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
on_the_stand = pytest.mark.asyncio(loop_scope="module")

DAY = datetime.now(UTC).date() + timedelta(days=20)
REFUSALS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("graph refused", "graph", {"method": "POST", "path": "/events$", "status": 400, "code": "ErrorInvalidRequest"}),
    ("graph failed", "graph", {"method": "GET", "path": "/events/", "status": 403, "code": "ErrorAccessDenied"}),
    ("wedsync refused", "wedsync", {"method": "POST", "path": "/events$", "status": 422, "code": "invalid_event"}),
    ("graph garbled", "graph", {"method": "GET", "path": "/events/", "status": 200}),
    ("wedsync garbled", "wedsync", {"method": "GET", "path": "/events/", "status": 200}),
)
SHOWS_EVENTS = re.compile(
    r"answer (GET /api/calendar/outlook/(events|events/[^/]+/explain|sync)|PUT /api/calendar/outlook/settings"
    r"|POST /api/calendar/outlook/(sync/preview|events/[^/]+/(resolve|force-sync))"
    r"|DELETE /api/calendar/outlook/integration|(POST|PATCH|DELETE) /api/calendar/outlook/meetings(/[^/]+)?)"
)
"""The endpoints that show users their own events; docs/security.md says what of them."""
API = "calendar/outlook"


@dataclass(kw_only=True)
class Story:
    """A stand on which things have happened, with the canaries planted and the secrets issued on the way."""

    stand: Stand
    rose: Planner
    marco: Planner
    content: Needles = field(default_factory=Needles)
    secrets: Needles = field(default_factory=Needles)
    gathered: Gathered = field(default_factory=Gathered)

    def canary(self, name: str) -> str:
        """Return a new word that nobody else writes."""
        return self.content.add(name, f"Canary{''.join(word.title() for word in name.split())}x7q")

    async def places(self) -> dict[str, str]:
        return await places_of(self.stand, self.rose, self.gathered)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with Stand(work_folder=tmp_path_factory.mktemp("leaks"), season=False) as stand:
        told = Story(stand=stand, rose=Planner(stand, PLANNERS[0]), marco=Planner(stand, PLANNERS[1]))
        for planner in (told.rose, told.marco):
            told.gathered.listen(planner)
        watching = asyncio.create_task(watch(told))
        await tell(told)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        yield told
        await told.rose.close()
        await told.marco.close()


async def watch(story: Story) -> None:
    """Messages wait for fractions of a second: look often."""
    while True:
        await story.gathered.peek(story.stand)
        await asyncio.sleep(0.05)


# --- The story ------------------------------------------------------------------------------------------------------


async def tell(story: Story) -> None:
    """Connect both planners in the two ways; edit, clash, choose, fail; then begin a consent that is not finished."""
    ours, theirs = await planted_events(story)
    await story.rose.connect()
    handed = await handed_over(story.marco)
    assert (await complete(story.marco, handed)).status_code == 200
    story.secrets.add("marco's state", handed["state"])
    await eventually(lambda: in_step(story.rose, 2), "both events are on both sides")
    await edits(story, ours, theirs)
    await clash(story, ours)
    await choices(story, ours)
    await failures(story)
    await half_way(story)
    await a_meeting(story)
    await bad_calls(story)
    await pending_consent(story)
    await known_secrets(story)
    await story.rose.deliveries_done()


async def planted_events(story: Story) -> tuple[str, str]:
    ours = await story.rose.add_in_wedsync(
        type="client_meeting",
        title=story.canary("our title"),
        description=story.canary("our description"),
        location={"name": story.canary("our place"), "address": story.canary("our address")},
        attendees=[{"email": f"{story.canary('our guest')}@example.test", "name": story.canary("our guests name")}],
        start=f"{DAY}T14:00:00",
        end=f"{DAY}T15:00:00",
        timeZone="Europe/London",
        allDay=False,
        private=False,
    )
    guest = {"address": f"{story.canary('their guest')}@example.test", "name": story.canary("their guests name")}
    theirs = await story.rose.add_in_outlook(
        subject=story.canary("their subject"),
        body={"contentType": "html", "content": f"<p>{story.canary('their body')}</p>"},
        location={"displayName": story.canary("their place")},
        attendees=[{"emailAddress": guest, "type": "required"}],
        start={"dateTime": f"{DAY}T09:00:00", "timeZone": "Europe/London"},
        end={"dateTime": f"{DAY}T10:00:00", "timeZone": "Europe/London"},
    )
    return str(ours["id"]), str(theirs["id"])


async def in_step(planner: Planner, count: int) -> bool:
    status = await planner.status()
    assert status["syncStats"]["syncedEvents"] == count
    return True


async def edits(story: Story, ours: str, theirs: str) -> None:
    retitled = story.canary("our second title")
    await story.rose.change_in_wedsync(ours, title=retitled)
    await eventually(lambda: subject_is(story.rose, PREFIX + retitled), "the WedSync edit is in Outlook")
    moved = story.canary("their second place")
    await story.rose.change_in_outlook(theirs, location={"displayName": moved})

    async def arrived() -> bool:
        return any((event["location"] or {}).get("name") == moved for event in await story.rose.wedsync_events())

    await eventually(arrived, "the Outlook edit is in WedSync")


async def subject_is(planner: Planner, subject: str) -> str:
    return next((str(item["id"]) for item in await planner.outlook_items() if item["subject"] == subject), "")


async def clash(story: Story, ours: str) -> None:
    """Both change the title while nobody listens; the first of two clashes is settled by choice."""
    for turn in ("first", "last"):
        await story.rose.deliveries_done()
        present = next(event for event in await story.rose.wedsync_events() if event["id"] == ours)
        copy = await eventually(partial(subject_is, story.rose, PREFIX + present["title"]), "our copy")
        await story.stand.stop_host()
        await story.rose.change_in_wedsync(ours, title=story.canary(f"our {turn} clash"))
        await story.rose.change_in_outlook(copy, subject=PREFIX + story.canary(f"their {turn} clash"))
        await story.stand.start_host()
        await eventually(story.rose.conflicts, "the conflict is listed")
        if turn == "first":
            choice = {"resolutions": {"title": {"useValue": "outlook"}}}
            answer = await story.rose.call("POST", f"calendar/outlook/events/{ours}/resolve", json=choice)
            assert answer.status_code == 200, answer.text


async def choices(story: Story, ours: str) -> None:
    """Ask for all that shows an event, and carry out all that a person may choose about one."""
    rose, event = story.rose, f"{API}/events/{ours}"
    own = {"useValue": "custom", "customValue": story.canary("a value of her own")}
    expected: tuple[tuple[str, str, Any, int], ...] = (
        ("GET", f"{event}/explain", None, 200),
        ("POST", f"{event}/force-sync", {"direction": "to_outlook"}, 409),
        ("POST", f"{event}/resolve", {"resolutions": {"title": own}}, 200),
        ("POST", f"{event}/force-sync", {"direction": "to_outlook"}, 200),
        ("PUT", f"{API}/settings", {"syncPreferences": {"notificationMinutes": [30]}}, 200),
        ("POST", f"{event}/restore", None, 200),
        ("POST", f"{API}/sync/confirm", {"confirmationId": story.canary("no question"), "accept": True}, 404),
    )
    for method, path, body, status in expected:
        answer = await rose.call(method, path, json=body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    told = (await rose.call("GET", f"{event}/explain")).json()
    run_id = next(change["runId"] for change in told["lastChanges"] if "title" in change["fields"])
    assert (await rose.call("POST", f"{API}/sync/{run_id}/undo")).status_code == 200


async def half_way(story: Story) -> None:
    """A run is told to wait in the middle: what it has read is kept meanwhile, and gone in the end."""
    rose, table = story.rose, "OutlookRunItems"
    order = {"action": "status", "status": 429, "retry_after": 8, "method": "POST"}
    (await rose.http.post(f"{rose.urls.graph}/_control/faults", json=order)).raise_for_status()
    waiting = story.canary("a waiting title")
    await rose.add_in_wedsync(
        type="client_meeting",
        title=waiting,
        start=f"{DAY}T16:00:00",
        end=f"{DAY}T17:00:00",
        timeZone="Europe/London",
        allDay=False,
        private=False,
    )
    preview = await rose.call("POST", f"{API}/sync/preview", json={"syncType": "full_sync"})
    assert preview.status_code == 200, preview.text
    begun = await rose.call("POST", f"{API}/sync", json={"syncType": "full_sync"})
    assert begun.status_code == 202, begun.text

    async def kept() -> bool:
        text = "\n".join(readable(row) for row in (await tables_of(story.stand))[table])
        if waiting in text:
            story.gathered.rows[table] = text
        return waiting in text

    await eventually(kept, "the rest of the run is kept")
    await rose.no_faults()
    await rose.run_ended(begun.json()["syncId"])
    assert (await tables_of(story.stand))[table] == []


async def a_meeting(story: Story) -> None:
    """What was asked for is kept while Outlook does not answer, and only until the meeting is on both sides."""
    rose, table = story.rose, "OutlookMeetings"
    order = {"action": "status", "status": 500, "method": "POST", "path": "/calendars/[^/]+/events$"}
    (await rose.http.post(f"{rose.urls.graph}/_control/faults", json=order)).raise_for_status()
    wish = {
        "title": story.canary("a meetings title"),
        "body": story.canary("a meetings body"),
        "location": story.canary("a meetings place"),
        "attendees": [{"email": f"{story.canary('a guest')}@example.test", "name": story.canary("a guests name")}],
        "startTime": f"{DAY}T17:00:00",
        "endTime": f"{DAY}T18:00:00",
        "timeZone": "Europe/London",
    }
    key = {"Idempotency-Key": "a meeting"}
    assert (await rose.call("POST", f"{API}/meetings", json=wish, headers=key)).status_code == 503
    story.gathered.rows[table] = "\n".join(readable(row) for row in (await tables_of(story.stand))[table])
    await rose.no_faults()
    made = await rose.call("POST", f"{API}/meetings", json=wish, headers=key)
    assert made.status_code in (200, 201), made.text
    assert not story.content.in_places({"": "\n".join(readable(row) for row in (await tables_of(story.stand))[table])})
    path = f"{API}/meetings/{made.json()['eventId']}"
    assert (await rose.call("PATCH", path, json={"title": story.canary("another title")})).status_code == 409
    goodbye = {"message": story.canary("a goodbye"), "mailGuests": True}
    assert (await rose.call("DELETE", path, json=goodbye)).status_code == 200


async def failures(story: Story) -> None:
    """Far ends refuse for good, in words that quote the event, as they do."""
    for name, side, order in REFUSALS:
        fault = {"action": "status", "message": f"Not good: {story.canary(f'{name} message')}", **order}
        url = f"{getattr(story.rose.urls, side)}/_control/faults"
        (await story.rose.http.post(url, json=fault)).raise_for_status()
        started = story.stand.log().count("Executing 'Functions.event_jobs'")
        await story.rose.add_in_wedsync(
            type="deadline",
            title=story.canary(f"{name} title"),
            start=f"{DAY}T00:00:00",
            end=f"{DAY + timedelta(days=1)}T00:00:00",
            timeZone="Europe/London",
            allDay=True,
        )
        await story.rose.add_in_outlook(
            subject=story.canary(f"{name} subject"),
            start={"dateTime": f"{DAY}T11:00:00", "timeZone": "Europe/London"},
            end={"dateTime": f"{DAY}T12:00:00", "timeZone": "Europe/London"},
        )
        await eventually(partial(tried, story, started, url), "both were tried")
        await story.rose.no_faults()
    await story.rose.sync()


async def tried(story: Story, started: int, faults: str) -> bool:
    """Whether two jobs have begun since, and one of them was refused."""
    begun = story.stand.log().count("Executing 'Functions.event_jobs'") >= started + 2
    order = (await story.rose.http.get(faults)).json()["faults"][-1]
    return begun and order["hits"] > 0


async def bad_calls(story: Story) -> None:
    canary = story.canary("bad input")
    rose, api = story.rose, f"{story.rose.urls.public}/api"
    story.secrets.add("a forged token", f"Forged.{canary}.token")
    for path, body in (
        ("calendar/outlook/auth/callback", {"code": canary, "state": canary}),
        ("calendar/outlook/sync", {"syncType": canary}),
        ("calendar/outlook/events/x/resolve", {"resolutions": {"title": {"useValue": canary}}}),
    ):
        assert (await rose.call("POST", path, json=body)).status_code >= 400
        forged = {"Authorization": f"Bearer Forged.{canary}.token"}
        assert (await rose.http.post(f"{api}/{path}", json=body, headers=forged)).status_code == 401
    for path in ("calendar/outlook/webhook", "calendar/outlook/lifecycle", "webhooks/wedsync"):
        item = {"subscriptionId": str(uuid4()), "clientState": canary, "resourceData": {"id": canary}}
        await rose.http.post(f"{api}/{path}", json={"value": [item], "type": canary, "data": canary})
    await rose.http.get(f"{api}/integrations/outlook/callback", params={"code": canary, "state": canary})
    await rose.http.get(f"{api}/integrations/outlook/auth", params={"ticket": canary})
    assert (await rose.call("GET", f"calendar/outlook/events?eventTypes={canary}")).status_code == 400


async def pending_consent(story: Story) -> None:
    """Begin in both ways, and finish neither."""
    begun, second = await begin(story.marco), await begin(story.marco)
    started = await story.marco.http.get(second["startUrl"])
    story.secrets.add("a pending state", begun["state"])
    story.secrets.add("a pending ticket", query_of(begun["startUrl"])["ticket"])
    story.secrets.add("a used ticket", query_of(second["startUrl"])["ticket"])
    story.secrets.add("a bound state", query_of(started.headers["location"])["state"])
    story.secrets.add("a browser's cookie", started.headers["set-cookie"].partition("=")[2].partition(";")[0])
    for number, row in enumerate((await tables_of(story.stand))["OutlookAuthStates"]):
        if "body0" in row and (flow := json.loads(zlib.decompress(row["body0"]))["flow"]) != "{}":
            story.secrets.add(f"pending verifier {number}", json.loads(flow.replace("\x00", ""))["code_verifier"])
    assert sum(name.startswith("pending verifier") for name in story.secrets.values) >= 3


async def known_secrets(story: Story) -> None:
    """Learn from the simulators what was issued."""
    http, urls = story.rose.http, story.rose.urls
    issued = (await http.get(f"{urls.entra}/_control/issued", params={"values": "1"})).json()["issued"]
    for number, item in enumerate(issued):
        story.secrets.add(f"{item['kind']} {number}", item["value"])
    kinds = {item["kind"] for item in issued}
    assert {"code", "code_verifier", "access_token", "refresh_token", "id_token"} <= kinds, kinds
    for name, value in SECRETS.items():
        story.secrets.add(name, value)
    for subscription in await subscriptions_of(story.rose) + await subscriptions_of(story.marco):
        story.secrets.add(f"clientState of {subscription['id']}", subscription["clientState"])
    for planner in (story.rose, story.marco):
        story.secrets.add(f"a token of {planner.person.user_id}", await planner.token())


# --- The search finds what is planted -------------------------------------------------------------------------------


@on_the_stand
async def test_the_search_finds_what_is_planted_wherever_it_is(story: Story) -> None:
    planted = Needles()
    text = planted.add("planted", "PlantedLeakx7q")
    planted.add("planted token", f"eyJ{'a' * 150}{'b' * 80}.{'c' * 60}")
    stand, http = story.stand, story.rose.http
    log = stand.work_folder / "logs" / "scratch.log"
    log.write_text(f"someone logged {text} and {planted.values['planted token'][:190]}…")
    gathered = Gathered()
    gathered.answers["GET /api/scratch"] = [f"location: https://x.test/?q={text}"]
    await http.get(f"{story.rose.urls.graph}/v1.0/me", params={"$filter": text})
    connection = stand.connection_string
    packed = zlib.compress(json.dumps({"title": text, "more": "x" * 200}).encode())
    async with TableServiceClient.from_connection_string(connection) as tables:
        rows = await tables.create_table("Scratch")
        await rows.create_entity(
            {"PartitionKey": "p", "RowKey": "r", "body0": packed[:20], "body1": packed[20:], "plain": "nothing"}
        )
    async with QueueServiceClient.from_connection_string(connection) as queues:
        queue = queues.get_queue_client("scratch", message_encode_policy=TextBase64EncodePolicy())
        await queue.create_queue()
        await queue.send_message(json.dumps({"title": text}))
    async with BlobServiceClient.from_connection_string(connection) as blobs:
        container = await blobs.create_container("scratch")
        await container.upload_blob("note", text.encode())
    try:
        found = planted.in_places(await places_of(stand, story.rose, gathered))
    finally:
        log.unlink()
        async with TableServiceClient.from_connection_string(connection) as tables:
            await tables.delete_table("Scratch")
        async with QueueServiceClient.from_connection_string(connection) as queues:
            await queues.delete_queue("scratch")
        async with BlobServiceClient.from_connection_string(connection) as blobs:
            await blobs.delete_container("scratch")
    places = (
        "log scratch",
        "answer GET /api/scratch",
        "URLs at graph",
        "table Scratch",
        "queue scratch",
        "blob scratch/note",
    )
    assert found == {Find(needle="planted", place=place) for place in places} | {
        Find(needle="planted token", place="log scratch")
    }
    assert planted.in_places(await story.places()) == {Find(needle="planted", place="URLs at graph")}


def test_the_document_names_the_tables_with_content() -> None:
    pairs = {"OutlookEventMappings", "OutlookConflicts", "OutlookChanges", "OutlookRunItems"}
    assert content_tables() == pairs | {"OutlookMeetings"}
    assert documented_tables() == set(TABLES)


# --- What the story left behind -------------------------------------------------------------------------------------


@on_the_stand
async def test_the_story_went_everywhere(story: Story) -> None:
    """A search proves nothing where nothing happened."""
    places = await story.places()
    logged = places["log host"]
    for action in (
        "connected",
        "wedsync_event_accepted",
        "notification_accepted",
        "notification_rejected",
        "event_quarantined",
        "operator_fault",
    ):
        assert f'"action": "{action}"' in logged, action
    assert places["queue outlook-event-jobs"], "messages wait for fractions of a second; one of dozens is seen"
    for table in (*content_tables(), "OutlookSyncHistory", "OutlookAuthStates", "OutlookSubscriptions", "OutlookDue"):
        assert places[f"table {table}"] or places[f"table {table}, meanwhile"], table
    assert "a body that cannot be read" not in "".join(
        text for name, text in places.items() if name.startswith("table")
    )
    found = story.content.in_places(places)
    for table in content_tables():
        where = {f"table {table}", f"table {table}, meanwhile"}
        assert [find for find in found if find.place in where], f"no content was ever in {table}"
    shown = " ".join(sorted({find.place for find in found}))
    for path in ("outlook/events", "/explain", "/force-sync"):
        assert path in shown, path


@on_the_stand
async def test_event_content_is_only_where_the_document_allows_it(story: Story) -> None:
    allowed = {f"table {name}{more}" for name in content_tables() for more in ("", ", meanwhile")}
    found = story.content.in_places(await story.places())
    stray = [find for find in found if find.place not in allowed and not SHOWS_EVENTS.fullmatch(find.place)]
    assert sorted(stray) == []


@on_the_stand
async def test_secrets_are_only_in_the_vault(story: Story) -> None:
    found = story.secrets.in_places(await story.places())
    assert sorted(find for find in found if not is_inherent(find)) == []


def is_inherent(find: Find) -> bool:
    """OAuth itself puts state, code and ticket into these answers and URLs; the pending verifier waits in its row."""
    name, place = find.needle, find.place
    if "state" in name and not name.startswith("clientState"):
        return place in (
            "URLs at entra",
            "answer GET /api/calendar/outlook/auth",
            "answer GET /api/integrations/outlook/auth",
            "answer GET /api/integrations/outlook/callback",
        )
    if name.startswith("code "):
        return place == "answer GET /api/integrations/outlook/callback"
    if "ticket" in name:
        return place == "answer GET /api/calendar/outlook/auth"
    if "cookie" in name:
        return place == "answer GET /api/integrations/outlook/auth"
    return name.startswith("pending verifier") and place == "table OutlookAuthStates"


@on_the_stand
async def test_the_vault_holds_refresh_tokens_and_nothing_that_is_short_lived(story: Story) -> None:
    held = {item["name"]: "".join(item["values"]) for item in await token_secrets(story.rose) if not item["deleted"]}
    assert len(held) == 2
    kinds = {find.needle.split()[0] for find in story.secrets.in_places(held)}
    assert kinds == {"refresh_token"}


@on_the_stand
async def test_nothing_but_history_is_left_after_disconnecting(story: Story) -> None:
    for planner in (story.rose, story.marco):

        async def gone(planner: Planner = planner) -> bool:
            return (await planner.call("DELETE", "calendar/outlook/integration")).status_code == 404

        await eventually(gone, "the planner is disconnected")
    tables = {name: text for name, text in (await story.places()).items() if name.startswith("table")}
    left = {find.place for find in story.content.in_places(tables)}
    assert left <= {"table OutlookChanges", "table OutlookRunItems, meanwhile", "table OutlookMeetings, meanwhile"}
    assert [item["name"] for item in await token_secrets(story.rose)] == []
