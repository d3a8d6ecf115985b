"""The request for a meeting from its first call to its end: looked after for an hour, known by connection and key."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.event import EventType
from shared.core.integration import ImportOutlookEvents, Preferences
from shared.core.jobs import RunKind
from shared.core.meeting import request_id_of
from shared.errors import StateConflict, SyncFault
from tests.support.world import World
from tests.usecases.test_meetings import INVITED, assert_one_pair, mails, make, wish

CREATE: dict[str, Any] = {"method": "POST", "path": "/calendars/[^/]+/events$", "count": None}


async def unanswered(world: World, *, made: bool) -> None:
    """Ask for a meeting and get no answer, whether it was made or not; no notice of it comes either."""
    await world.connect()
    order = {"action": "fail_after_commit"} if made else {"action": "status", "status": 503}
    await world.outlook.fault(**order, **CREATE)
    with pytest.raises(SyncFault):
        await make(world)
    await world.outlook.clear_faults()
    await world.quiet()
    world.post.clear()


async def test_each_call_without_a_key_is_for_another_meeting(world: World) -> None:
    await world.connect()
    await make(world, key="")
    await make(world, key="")
    await world.settle()
    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 2


async def test_the_look_leaves_the_call_a_minute(world: World) -> None:
    await unanswered(world, made=True)
    (look,) = [message for message in world.queue.kept if '"meeting"' in message.text]
    assert 50 < look.due - asyncio.get_running_loop().time() <= 60
    await world.settle(within=timedelta(seconds=60))
    await assert_one_pair(world)


async def test_what_was_never_made_is_looked_for_no_longer_than_an_hour(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="wedsync")
    await unanswered(world, made=False)
    await world.settle(within=timedelta(minutes=50))
    assert [message for message in world.queue.kept if '"meeting"' in message.text] != []
    await world.settle()
    assert world.queue.kept == []
    assert [record for record in caplog.records if "meeting_never_made" in record.getMessage()] != []
    assert (await world.integration()).syncing
    assert await mails(world) == []


async def test_a_list_that_lags_behind_is_asked_again(world: World) -> None:
    """What Graph has made may be seen later in its lists (fact S64)."""
    await world.outlook.knobs(visibilitySeconds=1500, visibilitySeed=3)
    await unanswered(world, made=True)
    await world.settle()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


async def test_a_key_of_an_earlier_connection_stands_for_another_meeting(world: World) -> None:
    await world.connect()
    first = await make(world)
    await world.settle()
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    await world.connect()
    again = await make(world)
    assert (again.repeated, again.event_id == first.event_id) == (False, False)
    assert len(await world.outlook.events()) == 2


async def test_a_disconnect_that_comes_between_is_said(world: World) -> None:
    await world.connect()

    async def leave(name: str) -> None:
        if name.startswith("after graph POST"):
            world.steps.watch = None
            await world.app.disconnect.by_user(world.planner.user_id)

    world.steps.watch = leave
    with pytest.raises(StateConflict) as refusal:
        await make(world)
    assert refusal.value.code == "disconnecting"
    await world.settle()
    assert [*await world.wedsync.events(), *await world.mappings()] == []
    assert len(await world.outlook.events()) == 1, "its guests are invited, so it stays"


async def test_a_meeting_is_in_the_history_as_what_a_person_did(world: World) -> None:
    await world.connect()
    await make(world)
    runs = await world.ports.runs.history(world.integration_id, 5)
    (run,) = [each.value for each in runs if each.value.request.kind is RunKind.SINGLE]
    assert (run.tally.handled, run.tally.created) == (1, 1)


@pytest.mark.parametrize("kind", [EventType.CLIENT_MEETING, EventType.VENUE_VISIT])
async def test_its_owner_is_reminded_and_finds_the_type_whoever_maps_it_first(world: World, kind: EventType) -> None:
    await world.connect()
    await world.change_integration(
        preferences=Preferences(notification_minutes=(45, 10), import_outlook_events=ImportOutlookEvents.FULL)
    )
    await world.outlook.fault(action="fail_after_commit", **CREATE)
    with pytest.raises(SyncFault):
        await make(world, wish(event_type=kind))
    await world.outlook.clear_faults()
    (item,) = await world.outlook.events()
    assert (item["reminderMinutesBeforeStart"], item["isReminderOn"]) == (45, True)
    await world.settle(within=timedelta(seconds=30))  # a sync, before the look
    (event,) = await world.wedsync.events()
    assert event["type"] == kind.value
    assert item["categories"] == ([] if kind is EventType.CLIENT_MEETING else ["Venue visit"])


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("moved", [False, True])
async def test_what_graph_has_made_of_another_body_is_found_by_its_id_or_its_mark_or_gone(
    world: World, named: bool, moved: bool
) -> None:
    """Graph may name the event that has its transactionId (S16); where nothing leads to it, it is not made again."""
    await world.outlook.knobs(duplicateTransactionNamesEvent=named)
    await unanswered(world, made=True)
    request_id = request_id_of(world.integration_id, epoch=(await world.integration()).epoch, key="key-1")
    request = await world.ports.meeting_requests.get(world.integration_id, request_id)
    assert request is not None
    other = json.dumps(json.loads(request.payload) | {"categories": ["Other"]})
    await world.ports.meeting_requests.put(replace(request, payload=other))
    (item,) = await world.outlook.events()
    if moved:
        await world.outlook.move(item["id"])
    await world.quiet()
    world.post.clear()
    if moved and not named:
        with pytest.raises(StateConflict) as refusal:
            await make(world)
        assert refusal.value.code == "meeting_gone"
    else:
        assert (await make(world)).meeting.event.event_id == item["id"]
    assert len(await world.outlook.events()) == 1
    assert await mails(world) == INVITED


async def test_a_link_that_was_not_asked_for_is_not_waited_for(world: World) -> None:
    """Its owner has taken it online in Outlook since, and the link is slow to come (fact S35)."""
    await world.outlook.knobs(joinUrlReads=9)
    await world.connect()
    meeting = await make(world)
    await world.outlook.change(meeting.meeting.event.event_id, isOnlineMeeting=True)
    await world.outlook.requests()
    again = await make(world)
    assert (again.meeting.event.online_meeting, again.meeting.join_url) == (True, "")
    assert len(await world.outlook.requests()) == 1
