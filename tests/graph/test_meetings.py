"""``GraphMeetings`` against the simulated Graph: what is written, and who is mailed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.simkit.people import MARCO, ROSE
from shared.core.event import CalendarEvent, Field, Place, Timed
from shared.core.meeting import Guest, MeetingDraft, MeetingPatch, MeetingState
from shared.errors import DuplicateTransaction, EventGone, Rejected, VersionMismatch
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphClient
from shared.graph.meetings import GraphMeetings
from tests.graph.conftest import INTEGRATION, IssuedTokens, Mailbox, graph_token
from tests.support.values import new_id

START = datetime(2026, 8, 4, 14, tzinfo=UTC)
CONTENT = CalendarEvent(
    title="Menu tasting",
    time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/Rome"),
    description="Bring the list",
    location=Place(name="Mill House"),
)
ANN, BEN = Guest(email="ann@example.test", name="Ann"), Guest(email="ben@example.test", optional=True)


@pytest.fixture
def meetings(client: GraphClient) -> GraphMeetings:
    return GraphMeetings(client)


def draft(**members: Any) -> MeetingDraft:
    made = MeetingDraft(transaction_id=new_id(), content=CONTENT, guests=(ANN, BEN))
    return replace(made, **members)


async def make(meetings: GraphMeetings, calendar_id: str, wanted: MeetingDraft | None = None) -> MeetingState:
    return await meetings.create(INTEGRATION, calendar_id, meetings.compose(wanted or draft()))


async def mails(mailbox: Mailbox) -> list[tuple[str, str]]:
    return sorted((mail["kind"], to) for mail in await mailbox.sent() for to in mail["to"])


async def test_a_meeting_has_its_guests_and_they_are_invited(
    meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str
) -> None:
    found = await make(meetings, calendar_id, draft(reminder_minutes=15, categories=("Venue visit",)))
    content = found.event.content
    assert (content.title, content.description) == ("Menu tasting", "Bring the list")
    assert content.location == CONTENT.location
    assert [each.email for each in content.attendees] == [ANN.email, BEN.email]
    assert (found.join_url, found.event.reminder_minutes, found.event.categories) == ("", 15, ("Venue visit",))
    assert await mails(mailbox) == [("invitation", ANN.email), ("invitation", BEN.email)]
    assert (await meetings.read(INTEGRATION, found.event.event_id)).event.content == content


async def test_the_same_body_again_is_the_same_meeting(
    meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str
) -> None:
    payload = meetings.compose(draft())
    first = await meetings.create(INTEGRATION, calendar_id, payload)
    assert (await meetings.create(INTEGRATION, calendar_id, payload)).event.event_id == first.event.event_id
    changed = json.dumps(json.loads(payload) | {"subject": "Another"})
    with pytest.raises(DuplicateTransaction):
        await meetings.create(INTEGRATION, calendar_id, changed)
    assert len(await mails(mailbox)) == 2


async def test_a_meeting_is_found_by_its_mark_and_a_copy_of_it_is_not(
    meetings: GraphMeetings, outlook: GraphOutlook, mailbox: Mailbox, calendar_id: str
) -> None:
    wanted = draft()
    made = await make(meetings, calendar_id, wanted)
    await make(meetings, calendar_id)
    copy = f"/mailboxes/{ROSE.upn}/events/{made.event.event_id}/copy"
    await mailbox.control("POST", copy, {})
    found = await meetings.find(INTEGRATION, calendar_id, wanted.transaction_id)
    assert found is not None
    assert found.event.event_id == made.event.event_id
    assert await meetings.find(INTEGRATION, calendar_id, new_id()) is None
    assert [each async for each in outlook.all_marked(INTEGRATION, calendar_id)] == [], "it is no copy of ours"


async def test_a_zone_that_graph_refuses_is_written_in_utc(
    meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str
) -> None:
    content = CalendarEvent(
        title="Souk", time=Timed(start=START, end=START + timedelta(hours=1), zone="Africa/Casablanca")
    )
    made = await make(meetings, calendar_id, draft(content=content))
    assert isinstance(made.event.content.time, Timed)
    assert made.event.content.time.start == START
    assert len(await mails(mailbox)) == 2


async def test_only_what_is_named_is_changed(meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str) -> None:
    made = await make(meetings, calendar_id)
    patch = MeetingPatch(
        fields=frozenset({Field.TITLE, Field.ATTENDEES}), content=CONTENT, title="Wine tasting", guests=(ANN,)
    )
    after = await meetings.update(INTEGRATION, event_id=made.event.event_id, etag=made.event.etag, patch=patch)
    assert after.event.content.title == "Wine tasting"
    assert [each.email for each in after.event.content.attendees] == [ANN.email]
    assert after.event.content.description == "Bring the list"
    with pytest.raises(VersionMismatch):
        await meetings.update(INTEGRATION, event_id=made.event.event_id, etag=made.event.etag, patch=patch)


async def test_an_online_meeting_keeps_its_link_beside_another_text(
    meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str
) -> None:
    made = await make(meetings, calendar_id, draft(online=True))
    assert made.join_url.startswith("https://teams.microsoft.com/")
    assert made.event.content.description == "Bring the list"
    content = CalendarEvent(title="", time=CONTENT.time, description="Bring nothing")
    patch = MeetingPatch(fields=frozenset({Field.DESCRIPTION}), content=content, title="")
    after = await meetings.update(INTEGRATION, event_id=made.event.event_id, etag=made.event.etag, patch=patch)
    assert (after.join_url, after.event.content.description) == (made.join_url, "Bring nothing")
    stale = MeetingPatch(fields=frozenset({Field.DESCRIPTION}), content=content, title="")
    with pytest.raises(VersionMismatch):
        await meetings.update(INTEGRATION, event_id=made.event.event_id, etag=made.event.etag, patch=stale)


async def test_a_meeting_goes_online_later(meetings: GraphMeetings, calendar_id: str) -> None:
    made = await make(meetings, calendar_id)
    patch = MeetingPatch(fields=frozenset(), content=CONTENT, title="", online=True)
    after = await meetings.update(INTEGRATION, event_id=made.event.event_id, etag=made.event.etag, patch=patch)
    assert after.join_url
    assert after.event.content.description == "Bring the list"


async def test_which_calendar_has_online_meetings(
    meetings: GraphMeetings, client: GraphClient, outlook: GraphOutlook, calendar_id: str
) -> None:
    assert await meetings.can_meet_online(INTEGRATION, calendar_id)
    client._tokens = IssuedTokens(graph_token(MARCO))
    (marcos, *_) = await outlook.calendars(INTEGRATION)
    assert not await meetings.can_meet_online(INTEGRATION, marcos.calendar_id)


async def test_a_cancellation_carries_the_message(meetings: GraphMeetings, mailbox: Mailbox, calendar_id: str) -> None:
    made = await make(meetings, calendar_id)
    await meetings.cancel(INTEGRATION, event_id=made.event.event_id, message="The kitchen is closed")
    told = [mail for mail in await mailbox.sent() if mail["kind"] == "cancellation"]
    assert {mail["comment"] for mail in told} == {"The kitchen is closed"}
    assert sorted(to for mail in told for to in mail["to"]) == [ANN.email, BEN.email]
    with pytest.raises(EventGone):
        await meetings.read(INTEGRATION, made.event.event_id)


async def test_what_has_no_guests_cannot_be_cancelled(meetings: GraphMeetings, mailbox: Mailbox) -> None:
    item = await mailbox.add(subject="Alone")
    with pytest.raises(Rejected):
        await meetings.cancel(INTEGRATION, event_id=item["id"], message="")
