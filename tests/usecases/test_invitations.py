"""Two people, both connected: what Rose invites Marco to, and what becomes of his copy and of his WedSync."""

from typing import Any

import pytest

from local.simkit.people import PLANNERS
from shared.core.event import Field
from shared.core.history import Conflict
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.usecases.connect import integration_id_of
from tests.journeys import compare
from tests.support.calendars import OutlookCalendar, WedSyncCalendar, at
from tests.support.entra import graph_token
from tests.support.world import World
from tests.usecases.season import CHOIR, ZONE

ROSE, MARCO = PLANNERS
TO_MARCO = [{"type": "required", "emailAddress": {"address": MARCO.account.upn, "name": MARCO.name}}]
GRAPH = "https://graph.test/v1.0"


class Two:
    """Rose's world, and Marco's calendars within it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outlook = OutlookCalendar(http=world.outlook.http, owner=MARCO)
        self.wedsync = WedSyncCalendar(http=world.wedsync.http, owner=MARCO)
        self.integration_id = integration_id_of(MARCO.user_id)

    async def connect(self) -> None:
        await self.world.connect()
        begun = await self.world.app.begin_connect.run(MARCO.user_id)
        answer = {"state": begun.state, "code": MARCO.account.upn}
        await self.world.app.finish_connect.by_post(MARCO.user_id, answer)
        await self.world.settle()

    async def drain(self) -> None:
        """Let the service work for both; it mails nobody."""
        before = len(await self.world.outlook.sent())
        await self.world.settle()
        for planner in PLANNERS:
            request = RunRequest(kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.MANUAL)
            await self.world.app.request_sync.by_user(planner.user_id, request)
        await self.world.settle()
        assert (await self.world.outlook.sent())[before:] == [], "a sync mailed somebody"

    async def act(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Have Marco's own Outlook ask something of Graph."""
        headers = {"Authorization": f"Bearer {graph_token(MARCO.account)}", "Prefer": 'IdType="ImmutableId"'}
        answer = await self.world.outlook.http.request(method, f"{GRAPH}/me/events/{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text

    async def copy(self) -> dict[str, Any]:
        (item,) = await self.outlook.events()
        return item

    async def seen(self) -> list[str]:
        """The titles in Marco's WedSync."""
        return sorted(event["title"] for event in await self.wedsync.events())

    async def conflicts(self) -> tuple[Conflict, ...]:
        return await self.world.ports.conflicts.open_all(self.integration_id)

    async def assert_equal(self) -> None:
        assert await self.world.differences() == []
        start, end = (moment.date().isoformat() for moment in compare.window(self.world.clock.now()))
        wedsync, items = await self.wedsync.events(), await self.outlook.events()
        assert compare.differences(wedsync, items, await self.outlook.view(start, end)) == []
        assert self.world.errors == []


@pytest.fixture(params=[{}, {"deltaShuffle": 2, "deltaReplay": 5, "deltaMostPerPage": 1, "notifyExtraUpdates": 2}])
async def two(world: World, request: pytest.FixtureRequest) -> Two:
    made = Two(world)
    await made.connect()
    await world.outlook.knobs(**request.param)
    return made


async def test_an_invitation_comes_into_both_wedsyncs(two: Two) -> None:
    await two.world.outlook.add("Cake tasting", attendees=TO_MARCO, location={"displayName": "Mill"})
    await two.drain()
    assert await two.seen() == ["Cake tasting"]
    await two.assert_equal()


async def test_the_organizers_changes_follow(two: Two) -> None:
    meeting = await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.world.outlook.change(
        meeting["id"], subject="Cakes", start=at("2026-08-06T14:00:00"), end=at("2026-08-06T15:00:00")
    )
    await two.drain()
    assert await two.seen() == ["Cakes"]
    await two.assert_equal()


@pytest.mark.parametrize("prefix", ["Canceled: ", "Abgesagt: "])
async def test_a_cancelled_meeting_leaves_both_wedsyncs(two: Two, prefix: str) -> None:
    await two.world.outlook.knobs(cancelledPrefix=prefix)
    meeting = await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.world.outlook.remove(meeting["id"])
    await two.drain()
    assert (await two.copy())["isCancelled"]
    assert await two.seen() == []
    await two.assert_equal()


async def test_a_guest_who_is_taken_off_loses_the_event(two: Two) -> None:
    meeting = await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.world.outlook.change(meeting["id"], attendees=[])
    await two.drain()
    assert await two.seen() == []
    await two.assert_equal()


@pytest.mark.parametrize("answer", ["accept", "tentativelyAccept"])
async def test_an_answer_changes_nothing_in_either_wedsync(two: Two, answer: str) -> None:
    await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.act("POST", f"{(await two.copy())['id']}/{answer}", {"sendResponse": True})
    await two.drain()
    assert await two.seen() == ["Cake tasting"]
    assert await two.conflicts() == await two.world.open_conflicts() == ()
    await two.assert_equal()


async def test_a_declined_meeting_leaves_the_guests_wedsync_alone(two: Two) -> None:
    await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.act("POST", f"{(await two.copy())['id']}/decline", {"sendResponse": True})
    await two.drain()
    assert await two.seen() == []
    assert [event["title"] for event in await two.world.wedsync.events()] == ["Cake tasting"]
    await two.assert_equal()


@pytest.mark.parametrize("attendee_edit", ["refuse", "keep", "ignore"])
async def test_the_guests_edit_in_wedsync_goes_nowhere_and_is_not_lost(two: Two, attendee_edit: str) -> None:
    await two.world.outlook.knobs(attendeeEdit=attendee_edit)
    meeting = await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    (event,) = await two.wedsync.events()
    await two.wedsync.change(event["id"], title="My note", description="Mine")
    await two.drain()
    assert await two.seen() == ["My note"]
    assert (await two.copy())["subject"] == "Cake tasting"

    await two.world.outlook.change(meeting["id"], location={"displayName": "Mill"})
    await two.drain()
    (event,) = await two.wedsync.events()
    assert event["location"]["name"] == "Mill"
    assert event["title"] == "My note"


@pytest.mark.parametrize("attendee_edit", ["keep", "ignore"])
async def test_the_guests_own_edit_in_outlook_is_followed(two: Two, attendee_edit: str) -> None:
    await two.world.outlook.knobs(attendeeEdit=attendee_edit)
    await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    await two.outlook.change((await two.copy())["id"], subject="Cakes with Rose")
    await two.drain()
    assert await two.seen() == [(await two.copy())["subject"]]
    await two.assert_equal()


async def test_the_organizers_edit_in_wedsync_asks_before_anybody_is_mailed(two: Two) -> None:
    await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    (event,) = await two.world.wedsync.events()
    await two.world.wedsync.change(event["id"], title="Cakes")
    await two.drain()
    (conflict,) = await two.world.open_conflicts()
    assert conflict.field is Field.TITLE
    assert await two.seen() == ["Cake tasting"]


@pytest.mark.parametrize("who", ["organizer", "guest"])
async def test_a_meeting_deleted_in_wedsync_stays_in_outlook(two: Two, who: str) -> None:
    meeting = await two.world.outlook.add("Cake tasting", attendees=TO_MARCO)
    await two.drain()
    calendar = two.world.wedsync if who == "organizer" else two.wedsync
    (event,) = await calendar.events()
    await calendar.remove(event["id"])
    await two.drain()
    await two.world.outlook.change(meeting["id"], subject="Cakes")
    await two.drain()
    assert [item["subject"] for item in await two.world.outlook.events()] == ["Cakes"]
    assert (await two.copy())["subject"] == "Cakes"
    assert await calendar.events() == []
    other = two.wedsync if who == "organizer" else two.world.wedsync
    assert [each["title"] for each in await other.events()] == ["Cakes"]


async def test_our_copy_that_is_made_a_meeting_is_kept_and_imported_by_the_guest(two: Two) -> None:
    event = await two.world.wedsync.add("Tasting")
    await two.drain()
    (item,) = await two.world.outlook.events()
    await two.world.outlook.change(item["id"], attendees=TO_MARCO)
    await two.drain()
    assert await two.seen() == ["WedSync: Tasting"]

    await two.world.wedsync.change(event["id"], title="Tasting of cakes")
    await two.drain()
    assert (await two.copy())["subject"] == "WedSync: Tasting"
    assert [conflict.field for conflict in await two.world.open_conflicts()].count(Field.TITLE) == 1


async def test_a_series_follows_with_its_exceptions(two: Two) -> None:
    times = {"start": at("2026-08-04T19:00:00", ZONE), "end": at("2026-08-04T21:00:00", ZONE)}
    choir = await two.world.outlook.add("Choir", recurrence=CHOIR, attendees=TO_MARCO, **times)
    await two.drain()
    assert await two.seen() == ["Choir"] * 6
    view = {item["occurrenceId"][-10:]: item["id"] for item in await two.world.outlook.view("2026-08-01", "2026-12-01")}
    await two.world.outlook.change(view["2026-08-11"], subject="Choir in the mill")
    await two.world.outlook.remove(view["2026-08-18"])
    await two.drain()
    assert await two.seen() == [*["Choir"] * 4, "Choir in the mill"]
    await two.assert_equal()

    await two.world.outlook.remove(choir["id"])
    await two.drain()
    assert await two.seen() == []
    await two.assert_equal()
