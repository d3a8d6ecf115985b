"""``GraphOutlook`` against the simulated Graph: the port's contract, request counts, and what Graph makes hard."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.simkit.people import ROSE
from shared.core.event import AllDay, Attendee, Field, OutlookState, Timed
from shared.errors import (
    CalendarGone,
    CursorExpired,
    EventGone,
    OperatorFault,
    OutcomeUnknown,
    Rejected,
    Throttled,
    VersionMismatch,
)
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphClient
from shared.graph.memory import Recent, SeriesMasters
from shared.ports import BatchCreate, BatchDelete, BatchUpdate
from tests.contracts.outlook_port import CONTENT, START, WINDOW, OutlookContract, Owner, draft, patch, read_round
from tests.graph.conftest import BASE, INTEGRATION, IssuedTokens, Mailbox, Pauses
from tests.support.values import new_id

DAILY = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 30},
}


@dataclass
class RoseInOutlook:
    """The owner of the simulated mailbox."""

    mailbox: Mailbox

    async def add(self, **members: Any) -> dict[str, Any]:
        return await self.mailbox.add(**members)

    async def change(self, event_id: str, **members: Any) -> None:
        await self.mailbox.control("PATCH", f"/mailboxes/{ROSE.upn}/events/{event_id}", members)

    async def remove(self, event_id: str) -> None:
        await self.mailbox.control("DELETE", f"/mailboxes/{ROSE.upn}/events/{event_id}")

    async def move(self, event_id: str) -> None:
        target = await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/calendars", {"name": "Private"})
        wanted = {"calendarId": target["id"]}
        await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/events/{event_id}/move", wanted)

    async def drop_calendar(self) -> str:
        made = await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/calendars", {"name": "Soon gone"})
        await self.mailbox.control("DELETE", f"/mailboxes/{ROSE.upn}/calendars/{made['id']}")
        return str(made["id"])

    async def expire_cursors(self) -> None:
        await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/expire-delta")


@pytest.fixture
def owner(mailbox: Mailbox) -> Owner:
    return RoseInOutlook(mailbox)


class TestContract(OutlookContract):
    pass


async def made_in(outlook: GraphOutlook, calendar_id: str, **changes: Any) -> OutlookState:
    return await outlook.create(INTEGRATION, calendar_id, outlook.compose(draft(replace(CONTENT, **changes))))


def paths(mailbox: Mailbox) -> list[tuple[str, str]]:
    found = [(call.method, call.template) for call in mailbox.calls]
    mailbox.calls.clear()
    return found


async def test_a_write_is_one_request(outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str) -> None:
    state = await made_in(outlook, calendar_id)
    assert paths(mailbox) == [("POST", "/me/calendars/{id}/events")]
    change = patch(replace(CONTENT, description="x"), Field.TITLE, Field.DESCRIPTION, Field.TIME, Field.LOCATION)
    await outlook.update(INTEGRATION, event_id=state.event_id, etag=state.etag, patch=change)
    assert paths(mailbox) == [("PATCH", "/me/events/{id}")]
    await outlook.delete(INTEGRATION, event_id=state.event_id)
    assert paths(mailbox) == [("DELETE", "/me/events/{id}")]


async def test_an_import_is_a_request_for_each_page(outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str) -> None:
    for number in range(45):
        await mailbox.add(subject=f"Call {number}")
    await read_round(outlook, calendar_id)
    assert len(paths(mailbox)) == 3


async def test_pushing_forty_events_is_two_batches(outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str) -> None:
    for _ in range(2):
        payloads = [outlook.compose(draft()) for _ in range(20)]
        await outlook.batch(
            INTEGRATION, [BatchCreate(calendar_id=calendar_id, payload=payload) for payload in payloads]
        )
    assert [(call.template, call.parts) for call in mailbox.calls] == [("/$batch", 20)] * 2


# --- Zones that Graph refuses -------------------------------------------------------------------------------------

CASABLANCA = Timed(start=START, end=START + timedelta(hours=1), zone="Africa/Casablanca")


async def test_a_refused_zone_is_written_in_utc_and_remembered(
    outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str
) -> None:
    state = await made_in(outlook, calendar_id, time=CASABLANCA)
    assert state.content.time == replace(CASABLANCA, zone="UTC")
    assert len(paths(mailbox)) == 2
    again = await made_in(outlook, calendar_id, time=CASABLANCA)
    assert again.content.time == state.content.time
    assert len(paths(mailbox)) == 1


@pytest.mark.parametrize("all_day", [True, False])
async def test_a_refused_zone_in_an_update(outlook: GraphOutlook, calendar_id: str, all_day: bool) -> None:
    state = await made_in(outlook, calendar_id)
    day = AllDay(start=START.date(), end=START.date() + timedelta(days=1), zone="Africa/Casablanca")
    wanted = replace(CONTENT, time=day if all_day else CASABLANCA)
    after = await outlook.update(INTEGRATION, event_id=state.event_id, etag=state.etag, patch=patch(wanted, Field.TIME))
    assert after.content.time == replace(wanted.time, zone="UTC")


async def test_a_refused_zone_in_a_batch_repeats_that_item_alone(
    outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str
) -> None:
    contents = [CONTENT, replace(CONTENT, time=CASABLANCA), replace(CONTENT, title="Third")]
    payloads = [outlook.compose(draft(content)) for content in contents]
    answers = await outlook.batch(
        INTEGRATION, [BatchCreate(calendar_id=calendar_id, payload=payload) for payload in payloads]
    )
    assert [state.content.time.zone for state in answers if isinstance(state, OutlookState)] == [
        "Europe/Rome",
        "UTC",
        "Europe/Rome",
    ]
    assert [call.parts for call in mailbox.calls] == [3, 1]


async def test_a_write_refused_for_another_reason_stays_refused(outlook: GraphOutlook, calendar_id: str) -> None:
    backward = Timed(start=START, end=START - timedelta(hours=1), zone="UTC")
    with pytest.raises(Rejected):
        await outlook.create(INTEGRATION, calendar_id, outlook.compose(draft(replace(CONTENT, time=backward))))


# --- Online meetings ----------------------------------------------------------------------------------------------


async def online(mailbox: Mailbox, outlook: GraphOutlook) -> OutlookState:
    made = await mailbox.add(
        isOnlineMeeting=True,
        onlineMeetingProvider="teamsForBusiness",
        body={"contentType": "html", "content": "<p>Agenda</p>"},
    )
    state = await outlook.event(INTEGRATION, made["id"])
    assert state.online_meeting
    assert state.content.description == "Agenda"
    return state


async def stored_body(mailbox: Mailbox, event_id: str) -> str:
    item = await mailbox.control("GET", f"/mailboxes/{ROSE.upn}/events/{event_id}")
    return str(item["body"]["content"])


async def test_a_description_beside_a_join_block_costs_one_read(outlook: GraphOutlook, mailbox: Mailbox) -> None:
    state = await online(mailbox, outlook)
    before = await stored_body(mailbox, state.event_id)
    block = before[before.index('<div class="me-email-text"') : before.rindex("</div>") + 6]
    mailbox.calls.clear()
    after = await outlook.update(
        INTEGRATION,
        event_id=state.event_id,
        etag=state.etag,
        patch=patch(replace(CONTENT, description="One\nTwo & <three>"), Field.DESCRIPTION),
    )
    assert paths(mailbox) == [("GET", "/me/events/{id}"), ("PATCH", "/me/events/{id}")]
    assert after.online_meeting
    assert after.content.description == "One\nTwo & <three>"
    now = await stored_body(mailbox, state.event_id)
    assert block in now
    assert "Agenda" not in now


async def test_a_title_of_an_online_meeting_needs_no_read(outlook: GraphOutlook, mailbox: Mailbox) -> None:
    state = await online(mailbox, outlook)
    mailbox.calls.clear()
    change = patch(replace(CONTENT, title="T"), Field.TITLE)
    after = await outlook.update(INTEGRATION, event_id=state.event_id, etag=state.etag, patch=change)
    assert after.online_meeting
    assert len(paths(mailbox)) == 1


async def test_a_body_read_newer_than_the_etag_is_a_mismatch(outlook: GraphOutlook, mailbox: Mailbox) -> None:
    state = await online(mailbox, outlook)
    await mailbox.control("PATCH", f"/mailboxes/{ROSE.upn}/events/{state.event_id}", {"subject": "x"})
    change = patch(replace(CONTENT, description="x"), Field.DESCRIPTION)
    with pytest.raises(VersionMismatch):
        await outlook.update(INTEGRATION, event_id=state.event_id, etag=state.etag, patch=change)


async def test_descriptions_in_a_batch_are_read_together(
    client: GraphClient, outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str
) -> None:
    meeting, plain = await online(mailbox, outlook), await made_in(outlook, calendar_id)
    gone = await made_in(outlook, calendar_id)
    await outlook.delete(INTEGRATION, event_id=gone.event_id)
    fresh = GraphOutlook(client)  # another process, which has seen none of these
    mailbox.calls.clear()
    change = patch(replace(CONTENT, description="New"), Field.DESCRIPTION)
    answers = await fresh.batch(
        INTEGRATION,
        [BatchUpdate(event_id=state.event_id, etag=state.etag, patch=change) for state in (meeting, plain, gone)],
    )
    assert [call.parts for call in mailbox.calls] == [3, 2]
    first, second, third = answers
    assert isinstance(first, OutlookState)
    assert first.online_meeting
    assert isinstance(second, OutlookState)
    assert second.content.description == first.content.description == "New"
    assert isinstance(third, EventGone)


# --- Load ---------------------------------------------------------------------------------------------------------


async def test_throttled_items_of_a_batch_alone_are_sent_again(
    outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str, pauses: Pauses
) -> None:
    class Once:
        """Graph, which answers a batch's second item with 429 the first time."""

        def __init__(self) -> None:
            self.batches: list[list[str]] = []

        async def __call__(self, request: httpx.Request) -> httpx.Response:
            wanted = json.loads(request.content)["requests"]
            self.batches.append([item["id"] for item in wanted])
            throttled = {"id": "1", "status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {}}}
            done = [
                {"id": item["id"], "status": 201, "headers": {}, "body": {"id": f"e{len(self.batches)}{item['id']}"}}
                for item in wanted
            ]
            first = len(self.batches) == 1
            answers = [throttled if first and item["id"] == "1" else item for item in reversed(done)]
            return httpx.Response(200, json={"responses": answers})

    graph = Once()
    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(graph)
    )
    items = [BatchCreate(calendar_id=calendar_id, payload=outlook.compose(draft())) for _ in range(3)]
    answers = await GraphOutlook(client).batch(INTEGRATION, items)
    assert [state.event_id for state in answers if isinstance(state, OutlookState)] == ["e10", "e20", "e12"]
    assert graph.batches == [["0", "1", "2"], ["0"]]
    assert pauses.taken == [1.0]


@pytest.mark.parametrize("retry_after", ["1", "60"])
async def test_items_that_stay_throttled_are_handed_back(retry_after: str, pauses: Pauses) -> None:
    def throttling(request: httpx.Request) -> httpx.Response:
        count = len(json.loads(request.content)["requests"])
        item = {"status": 429, "headers": {"Retry-After": retry_after}, "body": {"error": {"code": "x"}}}
        return httpx.Response(200, json={"responses": [{"id": str(place), **item} for place in range(count)]})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(throttling)
    )
    answers = await GraphOutlook(client).batch(INTEGRATION, [BatchDelete(event_id="a"), BatchDelete(event_id="b")])
    assert [type(answer) for answer in answers] == [Throttled, Throttled]
    assert pauses.taken == ([1.0, 1.0] if retry_after == "1" else [])


async def test_a_missing_answer_in_a_batch_may_have_happened(pauses: Pauses) -> None:
    def silent(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"responses": []})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(silent)
    )
    (answer,) = await GraphOutlook(client).batch(INTEGRATION, [BatchDelete(event_id="a")])
    assert isinstance(answer, OutcomeUnknown)


async def test_five_hundred_requests_never_exceed_the_mailboxs_limit(
    outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str
) -> None:
    async def push() -> None:
        items = [BatchCreate(calendar_id=calendar_id, payload=outlook.compose(draft())) for _ in range(20)]
        answers = await outlook.batch(INTEGRATION, items)
        assert all(isinstance(answer, OutlookState) for answer in answers)

    await asyncio.gather(*(push() for _ in range(5)), *(outlook.calendars(INTEGRATION) for _ in range(20)))
    assert all(call.status < 400 for call in mailbox.calls)


# --- Delta --------------------------------------------------------------------------------------------------------


async def test_prefer_goes_on_every_page(outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str) -> None:
    await mailbox.knobs(deltaPageSize=3)
    for number in range(25):
        await mailbox.add(subject=f"Call {number}", body={"contentType": "text", "content": "plain"})
    found = await read_round(outlook, calendar_id)
    assert len(found.events) == 25
    assert len(found.pages) == 2  # of twenty: the size is asked for on each page, or Graph falls back to three
    assert {state.content.description for state in found.events.values()} == {"plain"}


@pytest.mark.parametrize("shuffle", [0, 7])
async def test_occurrences_on_a_later_page_find_their_master(
    client: GraphClient, mailbox: Mailbox, calendar_id: str, shuffle: int
) -> None:
    await mailbox.knobs(deltaShuffle=shuffle, deltaEmptyPages=True)
    await mailbox.add(subject="Daily", recurrence=DAILY)
    found = await read_round(GraphOutlook(client, page_size=5), calendar_id)
    unresolved = {event_id for page in found.pages for event_id in page.unresolved}
    assert len(found.occurrences) == 30
    for event_id, state in found.occurrences.items():
        assert state.content.title == ("" if event_id in unresolved else "Daily")
    if not shuffle:
        assert not unresolved


async def test_an_old_edition_of_a_master_fills_nothing() -> None:
    masters = SeriesMasters()
    masters.note("i", {"id": "m", "@odata.etag": 'W/"b2xk"'})
    minimal = {"id": "o", "seriesMasterId": "m", "@odata.etag": 'W/"DwAAAAMAAABuZXc="', "type": "occurrence"}
    assert masters.of("i", minimal) is None
    assert masters.of("other", minimal) is None
    masters.note("i", {"id": "m", "@odata.etag": 'W/"bmV3"'})
    assert masters.of("i", minimal) is not None


def test_memory_is_bounded() -> None:
    recent: Recent[int] = Recent(2)
    for number in range(3):
        recent.put(str(number), number)
    assert [recent.get(str(number)) for number in range(3)] == [None, 1, 2]
    recent.get("1")
    recent.put("3", 3)
    assert (recent.get("1"), recent.get("2")) == (1, None)
    recent.drop("1")
    recent.drop("1")
    assert recent.get("1") is None


async def test_an_answer_without_any_link_starts_the_round_anew(pauses: Pauses) -> None:
    def linkless(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": []})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(linkless)
    )
    with pytest.raises(CursorExpired):
        await GraphOutlook(client).delta(INTEGRATION, calendar_id="c", window=WINDOW)


async def test_a_link_to_elsewhere_in_an_answer_is_the_operators_business(pauses: Pauses) -> None:
    def strange(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/me/calendars"})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(strange)
    )
    with pytest.raises(OperatorFault):
        await GraphOutlook(client).calendars(INTEGRATION)


async def test_a_mailbox_without_the_api_is_a_calendar_gone(pauses: Pauses) -> None:
    def unlicensed(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"error": {"code": "MailboxNotEnabledForRESTAPI", "message": ""}})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(unlicensed)
    )
    with pytest.raises(CalendarGone):
        await GraphOutlook(client).event(INTEGRATION, "e")


async def test_no_write_of_a_sync_mails_anybody(outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str) -> None:
    state = await made_in(outlook, calendar_id, attendees=(Attendee(email="guest@example.com"),))
    await outlook.update(
        INTEGRATION, event_id=state.event_id, etag=state.etag, patch=patch(replace(CONTENT, title="x"), Field.TITLE)
    )
    await outlook.delete(INTEGRATION, event_id=state.event_id)
    assert await mailbox.sent() == []
