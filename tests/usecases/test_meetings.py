"""Meetings made, changed and cancelled in WedSync: once, on both sides, and nobody is mailed who is not named."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from shared.core.actions import Rule
from shared.core.canon import BUSY_TITLE, canonical
from shared.core.event import CalendarEvent, EventType, Place, Side, Timed
from shared.core.integration import Direction, ImportOutlookEvents, Preferences
from shared.core.meeting import Guest
from shared.core.pair import NOTE_MEETING
from shared.errors import NotFound, StateConflict, SyncFault, Unprocessable
from shared.usecases.make_meeting import MadeMeeting, MeetingWish
from tests.support.world import World

ANN = Guest(email="ann@example.test", name="Ann")
BEN = Guest(email="ben@example.test", optional=True)
START = datetime(2026, 8, 6, 13, tzinfo=UTC)


def wish(title: str = "Menu tasting", *, guests: Sequence[Guest] = (ANN, BEN), **members: Any) -> MeetingWish:
    content = CalendarEvent(
        title=title,
        time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/London"),
        description="Bring the list",
        location=Place(name="Mill House"),
    )
    return MeetingWish(content=canonical(content), guests=tuple(guests), **members)


async def make(world: World, wanted: MeetingWish | None = None, *, key: str = "key-1") -> MadeMeeting:
    return await world.app.make_meeting.run(world.planner.user_id, wanted or wish(), key=key)


async def mails(world: World) -> list[tuple[str, str]]:
    return sorted((mail["kind"], to) for mail in await world.outlook.sent() for to in mail["to"])


INVITED = [("invitation", ANN.email), ("invitation", BEN.email)]


async def assert_one_pair(world: World) -> None:
    (here,), (there,), (mapping,) = await world.wedsync.events(), await world.outlook.events(), await world.mappings()
    assert (mapping.wedsync_id, mapping.outlook_id) == (here["id"], there["id"])
    assert (here["title"], there["subject"]) == ("Menu tasting", "Menu tasting")


# --- making -----------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_on_both_sides_and_its_guests_are_invited_once(world: World) -> None:
    await world.connect()
    made = await make(world, wish(event_type=EventType.VENDOR_MEETING))
    assert made.mailed == (ANN.email, BEN.email)
    assert (made.repeated, made.event_type) == (False, EventType.VENDOR_MEETING)
    await world.settle()
    await world.sync()
    await assert_one_pair(world)
    (event,) = await world.wedsync.events()
    assert (event["id"], event["type"], event["start"]) == (made.event_id, "vendor_meeting", "2026-08-06T14:00:00")
    assert (event["description"], event["location"]["name"]) == ("Bring the list", "Mill House")
    assert sorted(person["email"] for person in event["attendees"]) == [ANN.email, BEN.email]
    (item,) = await world.outlook.events()
    assert [(row["emailAddress"]["address"], row["type"]) for row in item["attendees"]] == [
        (ANN.email, "required"),
        (BEN.email, "optional"),
    ]
    assert await mails(world) == INVITED
    assert await world.open_conflicts() == ()


async def test_the_same_key_makes_nothing_new(world: World) -> None:
    await world.connect()
    first = await make(world)
    again = await make(world)
    assert (again.event_id, again.meeting.event.event_id) == (first.event_id, first.meeting.event.event_id)
    assert (first.repeated, again.repeated) == (False, True)
    await world.settle()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


async def test_the_same_call_again_leaves_the_type_that_its_owner_gave_it_since(world: World) -> None:
    await world.connect()
    first = await make(world)
    await world.settle()
    await world.wedsync.change(first.event_id, type="venue_visit")
    await world.settle()
    assert (await make(world)).event_type is EventType.VENUE_VISIT
    (mapping,) = await world.mappings()
    assert mapping.event_type is EventType.VENUE_VISIT


async def test_another_key_makes_another_meeting(world: World) -> None:
    await world.connect()
    await make(world)
    await make(world, key="key-2")
    await make(world, key="")
    await world.settle()
    assert len(await world.outlook.events()) == len(await world.wedsync.events()) == 3


async def test_a_key_stands_for_one_meeting(world: World) -> None:
    await world.connect()
    await make(world)
    with pytest.raises(Unprocessable) as refusal:
        await make(world, wish("Another"))
    assert refusal.value.code == "idempotency_key_reused"
    await world.settle()
    await assert_one_pair(world)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("imports", list(ImportOutlookEvents))
async def test_whatever_is_synced_a_meeting_of_ones_own_is_known(
    world: World, direction: Direction, imports: ImportOutlookEvents
) -> None:
    await world.connect()
    await world.change_integration(
        direction=direction, preferences=Preferences(import_outlook_events=imports, event_prefix="Us: ")
    )
    await make(world)
    await world.settle()
    await world.sync()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


@pytest.mark.parametrize("imports", list(ImportOutlookEvents))
async def test_a_process_that_dies_at_any_step_leaves_one_meeting_or_none(
    world: World, imports: ImportOutlookEvents
) -> None:
    """Then the same call again makes it whole; and where no call comes, the look that waits does."""
    await world.connect()
    await world.change_integration(preferences=Preferences(import_outlook_events=imports))
    died = True
    at_step = 0
    while died:
        at_step += 1
        key = f"key-{at_step}"
        died = await world.crashes(partial(make, world, key=key), at=at_step)
        await world.settle()
        there, here = await world.outlook.events(), await world.wedsync.events()
        assert len(there) == len(here) == len(await world.mappings()) <= 1, f"died at step {at_step}"
        assert await mails(world) == (INVITED if there else []), f"died at step {at_step}"
        await make(world, key=key)
        await world.settle()
        await assert_one_pair(world)
        assert await mails(world) == INVITED, f"died at step {at_step}"
        (event,) = await world.wedsync.events()
        await world.app.cancel_meeting.run(world.planner.user_id, event["id"], mail_guests=True)
        await world.settle()
        assert [*await world.wedsync.events(), *await world.outlook.events(), *await world.mappings()] == []
        world.graph.outbox.mails.clear()
    assert at_step > 10


async def test_a_create_whose_answer_is_lost_is_made_once(world: World) -> None:
    await world.connect()
    await world.outlook.fault(action="fail_after_commit", method="POST", path="/calendars/[^/]+/events$", count=1)
    try:
        await make(world)
    except SyncFault:
        await make(world)
    await world.settle()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


# --- online -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [0, 1, 2])
async def test_an_online_meeting_has_its_link(world: World, reads: int) -> None:
    await world.outlook.knobs(joinUrlReads=reads)
    await world.connect()
    made = await make(world, wish(online=True))
    assert made.meeting.event.online_meeting
    assert made.meeting.join_url.startswith("https://teams.microsoft.com/")
    await world.settle()
    (event,) = await world.wedsync.events()
    assert event["description"] == "Bring the list"
    assert await mails(world) == INVITED


async def test_a_link_that_is_not_there_yet_comes_with_the_same_call_later(world: World) -> None:
    await world.outlook.knobs(joinUrlReads=5)
    await world.connect()
    made = await make(world, wish(online=True))
    assert (made.meeting.event.online_meeting, made.meeting.join_url) == (True, "")
    assert (await make(world, wish(online=True))).meeting.join_url


async def test_an_account_that_cannot_is_told_so_before_anybody_is_invited() -> None:
    async with World(planner=PLANNERS[1]) as world:
        await world.connect()
        with pytest.raises(Unprocessable) as refusal:
            await make(world, wish(online=True))
        assert refusal.value.code == "online_meeting_unavailable"
        assert await world.outlook.events() == []
        made = await make(world)
        assert made.meeting.event.online_meeting is False
        await world.settle()
        await assert_one_pair(world)
        assert await mails(world) == INVITED


# --- refused ----------------------------------------------------------------------------------------------------------


async def test_what_outlook_refuses_is_made_nowhere(world: World) -> None:
    await world.connect()
    await world.outlook.fault(action="status", method="POST", path="/calendars/[^/]+/events$", status=400, count=1)
    for _ in range(2):
        with pytest.raises(Unprocessable) as refusal:
            await make(world)
        assert refusal.value.code == "meeting_refused"
    await world.settle()
    assert await world.outlook.events() == await world.wedsync.events() == []
    assert await mails(world) == []


async def test_a_meeting_that_was_cancelled_is_not_made_again_by_its_key(world: World) -> None:
    await world.connect()
    made = await make(world)
    await world.app.cancel_meeting.run(world.planner.user_id, made.event_id, mail_guests=True)
    with pytest.raises(StateConflict) as refusal:
        await make(world)
    assert refusal.value.code == "meeting_gone"


async def test_a_meeting_that_was_edited_before_its_answer_came_is_found(world: World) -> None:
    await world.connect()
    await world.outlook.fault(action="fail_after_commit", method="POST", path="/calendars/[^/]+/events$", count=None)
    with pytest.raises(SyncFault):
        await make(world)
    await world.outlook.clear_faults()
    (item,) = await world.outlook.events()
    await world.outlook.change(item["id"], subject="Menu tasting!")
    made = await make(world)
    await world.settle()
    (here,), (there,) = await world.wedsync.events(), await world.outlook.events()
    assert (made.event_id, here["title"], there["subject"]) == (here["id"], "Menu tasting!", "Menu tasting!")


async def test_without_a_connection_there_is_no_meeting(world: World) -> None:
    with pytest.raises(NotFound):
        await make(world)


async def test_what_its_owner_says_is_told_in_the_history(world: World) -> None:
    await world.connect()
    made = await make(world)
    (mapping,) = await world.mappings()
    rows = await world.ports.changes.of_mapping(world.integration_id, mapping.mapping_id)
    assert [(row.kind.value, row.side, row.rule) for row in rows] == [("created", Side.WEDSYNC, Rule.MEETING)]
    assert mapping.wedsync_id == made.event_id


async def test_a_disconnect_leaves_the_meeting_to_its_guests_and_forgets_the_request(world: World) -> None:
    await world.connect()
    await make(world)
    await world.settle()
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert removal.events_left == 1
    assert len(await world.outlook.events()) == 1
    assert await mails(world) == INVITED
    await world.connect()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


async def test_two_calls_at_once_with_one_key_make_one_meeting(world: World) -> None:
    await world.connect()
    first, second = await asyncio.gather(make(world), make(world))
    assert first.event_id == second.event_id
    await world.settle()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


async def imported_first(world: World, imports: ImportOutlookEvents, wanted: MeetingWish | None = None) -> str:
    """A meeting whose caller got no answer, and which a sync has imported; return its WedSync id."""
    await world.connect()
    await world.change_integration(preferences=Preferences(import_outlook_events=imports))
    order = {"action": "fail_after_commit", "method": "POST", "path": "/calendars/[^/]+/events$", "count": None}
    await world.outlook.fault(**order)
    with pytest.raises(SyncFault):
        await make(world, wanted)
    await world.outlook.clear_faults()
    await world.quiet()
    while world.post:
        await world.deliver(world.post[0])
    for message in [each for each in world.queue.kept if "upkeep" not in each.text]:
        await world.carry_out(message)
    (event,) = await world.wedsync.events()
    return str(event["id"])


@pytest.mark.parametrize("imports", [ImportOutlookEvents.FULL, ImportOutlookEvents.BUSY])
async def test_a_sync_that_finds_the_meeting_first_makes_the_same_pair(
    world: World, imports: ImportOutlookEvents
) -> None:
    """What it had to mask is told once it is known whose meeting it is."""
    event_id = await imported_first(world, imports)
    assert (await make(world)).event_id == event_id
    await world.settle()
    await assert_one_pair(world)
    assert await mails(world) == INVITED


async def test_a_meeting_of_which_the_mask_hid_nothing_is_taken_over_too(world: World) -> None:
    wanted = wish(BUSY_TITLE)
    plain = replace(wanted, content=replace(wanted.content, description="", location=Place()))
    event_id = await imported_first(world, ImportOutlookEvents.BUSY, plain)
    assert (await make(world, plain)).event_id == event_id
    (mapping,) = await world.mappings()
    assert (mapping.born, mapping.masked, NOTE_MEETING in mapping.notes) == (Side.WEDSYNC, False, True)


@pytest.mark.parametrize("at", range(1, 20))
async def test_a_call_that_dies_while_it_takes_over_what_was_masked_is_ended_by_the_look(world: World, at: int) -> None:
    """Nobody has to call again, and no week goes by until all of it is told."""
    await imported_first(world, ImportOutlookEvents.BUSY)
    died = await world.crashes(partial(make, world), at=at)
    await world.settle(within=timedelta(minutes=2))
    await assert_one_pair(world)
    (event,) = await world.wedsync.events()
    assert (event["description"], event["location"]["name"]) == ("Bring the list", "Mill House")
    assert await mails(world) == INVITED
    assert await world.open_conflicts() == ()
    assert died or at > 12


@pytest.mark.parametrize("at", ["PATCH", "GET"])
async def test_a_far_end_that_fails_while_what_was_masked_is_taken_over_is_asked_again(world: World, at: str) -> None:
    await imported_first(world, ImportOutlookEvents.BUSY)
    await world.wedsync.fault(action="status", method=at, path="/events/", status=503, count=1)
    with contextlib.suppress(SyncFault):
        await make(world)
    await world.settle(within=timedelta(minutes=5))
    await assert_one_pair(world)
    assert await world.open_conflicts() == ()


async def test_what_its_owner_changes_while_it_is_taken_over_is_not_lost(world: World) -> None:
    """They give it a title of their own in WedSync in the very moment in which Outlook's is told."""
    event_id = await imported_first(world, ImportOutlookEvents.BUSY)

    async def owner(name: str) -> None:
        if name.startswith("before wedsync PATCH"):
            world.steps.watch = None
            await world.wedsync.change(event_id, description="Mine")

    world.steps.watch = owner
    await make(world)
    await world.settle()
    (event,) = await world.wedsync.events()
    assert event["title"] == "Menu tasting"
    kept = {event["description"], *(row.wedsync.description for row in await world.open_conflicts() if row.wedsync)}
    assert "Mine" in kept
