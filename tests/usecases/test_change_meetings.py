"""Meetings changed and cancelled by their owner's word, over whatever the sync would do by itself."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from shared.core.event import Place, Side, Timed
from shared.core.integration import Direction, GuestUpdates, Preferences
from shared.core.jobs import RunKind
from shared.core.meeting import Guest
from shared.core.settings_change import SettingsChange
from shared.errors import NotFound, StateConflict, Unprocessable
from shared.usecases.change_meeting import ChangedMeeting, MeetingChange
from shared.usecases.make_meeting import MadeMeeting
from shared.usecases.meeting_frame import MeetingMails
from tests.support.calendars import OutlookCalendar
from tests.support.world import World
from tests.usecases.test_meetings import ANN, BEN, START, mails, make, wish

CLEO = Guest(email="cleo@example.test", name="Cleo")
LATER = Timed(start=START + timedelta(days=1), end=START + timedelta(days=1, hours=2), zone="Europe/London")


async def change(
    world: World, event_id: str, *, mail_guests: bool = True, named: Sequence[str] = (), **members: Any
) -> ChangedMeeting:
    user_id, wanted = world.planner.user_id, MeetingChange(**members)
    return await world.app.change_meeting.run(user_id, event_id, wanted, mail_guests=mail_guests, mails=named)


async def cancel(
    world: World, event_id: str, *, message: str = "", mail_guests: bool = True, named: Sequence[str] = ()
) -> tuple[str, ...]:
    gone = await world.app.cancel_meeting.run(
        world.planner.user_id, event_id, message=message, mail_guests=mail_guests, mails=named
    )
    return gone.mailed


async def invite(world: World, *guests: Guest) -> None:
    """Their owner invites these in Outlook, and has told them."""
    (item,) = await world.outlook.events()
    people = [{"emailAddress": {"address": each.email, "name": each.name}, "type": "required"} for each in guests]
    await world.outlook.change(item["id"], attendees=people)
    world.graph.outbox.mails.clear()


async def made(world: World) -> MadeMeeting:
    """A meeting that is on both sides, with the invitations out of the way."""
    await world.connect()
    found = await make(world)
    await world.settle()
    world.graph.outbox.mails.clear()
    return found


async def both(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    (here,), (there,) = await world.wedsync.events(), await world.outlook.events()
    return here, there


async def everything(world: World) -> list[object]:
    """Whatever is left of anything."""
    return [*await world.wedsync.events(), *await world.outlook.events(), *await world.mappings()]


# --- changing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_change_is_on_both_sides_whatever_the_direction(world: World, direction: Direction) -> None:
    meeting = await made(world)
    await world.change_integration(direction=direction)
    changed = await change(world, meeting.event_id, title="Wine tasting", time=LATER, location=Place(name="Barn"))
    assert changed.fields == ("dateTime", "location", "title")
    assert changed.mailed == (ANN.email, BEN.email)
    await world.settle()
    await world.sync()
    here, there = await both(world)
    assert (here["title"], here["start"], here["location"]["name"]) == ("Wine tasting", "2026-08-07T14:00:00", "Barn")
    assert (there["subject"], there["location"]["displayName"]) == ("Wine tasting", "Barn")
    assert here["description"] == "Bring the list"
    assert await mails(world) == [("update", ANN.email), ("update", BEN.email)]
    assert await world.open_conflicts() == ()


async def test_guests_are_named_before_they_are_mailed(world: World) -> None:
    meeting = await made(world)
    with pytest.raises(MeetingMails) as refusal:
        await change(world, meeting.event_id, title="Wine tasting", mail_guests=False)
    assert (refusal.value.code, refusal.value.addresses) == ("guests_would_be_mailed", (ANN.email, BEN.email))
    with pytest.raises(MeetingMails):
        await cancel(world, meeting.event_id, mail_guests=False)
    await world.settle()
    assert (await both(world))[1]["subject"] == "Menu tasting"
    assert await mails(world) == []


@pytest.mark.parametrize("act", [partial(change, title="Wine tasting"), cancel], ids=["change", "cancel"])
async def test_who_was_invited_since_the_user_agreed_is_named_first(world: World, act: Callable[..., Any]) -> None:
    meeting = await made(world)
    with pytest.raises(MeetingMails) as refusal:
        await act(world, meeting.event_id, mail_guests=False)
    await invite(world, ANN, BEN, CLEO)

    with pytest.raises(MeetingMails) as again:
        await act(world, meeting.event_id, named=refusal.value.addresses)
    assert again.value.addresses == (ANN.email, BEN.email, CLEO.email)
    assert await mails(world) == []
    await act(world, meeting.event_id, named=[address.upper() for address in again.value.addresses])
    assert sorted(to for _, to in await mails(world)) == [ANN.email, BEN.email, CLEO.email]


async def test_who_is_invited_while_a_change_is_under_way_is_named_first(world: World) -> None:
    meeting = await made(world)

    async def owner(name: str) -> None:
        if name.startswith("before graph PATCH"):
            world.steps.watch = None
            await invite(world, ANN, BEN, CLEO)

    world.steps.watch = owner
    with pytest.raises(MeetingMails) as refusal:
        await change(world, meeting.event_id, title="Wine tasting")
    assert refusal.value.addresses == (ANN.email, BEN.email, CLEO.email)
    assert await mails(world) == []


async def test_who_always_wants_it_is_not_asked(world: World) -> None:
    meeting = await made(world)
    await world.change_integration(preferences=Preferences(guest_updates=GuestUpdates.SEND))
    assert (await change(world, meeting.event_id, title="Wine", mail_guests=False)).mailed == (ANN.email, BEN.email)
    assert await cancel(world, meeting.event_id, mail_guests=False) == (ANN.email, BEN.email)


async def test_other_guests_are_invited_and_those_who_stay_are_left_in_peace(world: World) -> None:
    meeting = await made(world)
    changed = await change(world, meeting.event_id, guests=(ANN, CLEO))
    assert changed.mailed == (BEN.email, CLEO.email)
    await world.settle()
    here, _ = await both(world)
    assert sorted(person["email"] for person in here["attendees"]) == [ANN.email, CLEO.email]
    assert await mails(world) == [("cancellation", BEN.email), ("invitation", CLEO.email)]
    assert await world.open_conflicts() == ()


async def test_what_is_so_already_is_not_written_again(world: World) -> None:
    meeting = await made(world)
    await change(world, meeting.event_id, title="Wine tasting")
    world.graph.outbox.mails.clear()
    again = await change(world, meeting.event_id, title="Wine tasting", mail_guests=False)
    assert (again.fields, again.mailed, again.run_id) == ((), (), "")
    assert await mails(world) == []


async def test_a_synced_event_becomes_a_meeting_and_keeps_its_prefix(world: World) -> None:
    """People on it are written by a meeting endpoint alone; the question about other people is over with that."""
    event = await world.wedsync.add("Tasting", attendees=[{"email": "old@example.test", "name": "Old"}])
    await world.connect()
    assert [row.field for row in await world.open_conflicts()] in ([], ["attendees"])
    changed = await change(world, event["id"], title="Cake tasting", guests=(ANN,))
    assert changed.mailed == (ANN.email,)
    await world.settle()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Cake tasting", "WedSync: Cake tasting")
    assert [person["email"] for person in here["attendees"]] == [ANN.email]
    assert await world.open_conflicts() == ()
    assert await mails(world) == [("invitation", ANN.email)]


async def test_a_change_settles_the_conflict_about_its_field(world: World) -> None:
    meeting = await made(world)
    await world.wedsync.change(meeting.event_id, title="Mine")
    await world.settle()
    assert [row.field for row in await world.open_conflicts()] == ["title"], "a sync does not mail the guests"
    await change(world, meeting.event_id, title="Ours")
    await world.settle()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Ours", "Ours")
    assert await world.open_conflicts() == ()


async def test_what_wedsync_changed_meanwhile_is_not_overwritten(world: World) -> None:
    meeting = await made(world)
    await world.wedsync.change(meeting.event_id, description="Bring both lists")
    await change(world, meeting.event_id, title="Ours")
    await world.settle()
    here, _ = await both(world)
    assert (here["title"], here["description"]) == ("Ours", "Bring both lists")
    assert [row.field for row in await world.open_conflicts()] == ["description"]


async def test_a_description_goes_beside_the_join_link(world: World) -> None:
    await world.connect()
    meeting = await make(world, wish(online=True))
    url = meeting.meeting.join_url
    assert url.startswith("https://teams.microsoft.com/")
    changed = await change(world, meeting.event_id, description="Bring nothing")
    assert (changed.meeting.join_url, changed.meeting.event.online_meeting) == (url, True)
    await world.settle()
    here, there = await both(world)
    assert here["description"] == "Bring nothing"
    assert url in there["body"]["content"]
    with pytest.raises(Unprocessable) as refusal:
        await change(world, meeting.event_id, online=False)
    assert refusal.value.code == "online_meeting_stays"


async def test_a_meeting_goes_online_and_stays_what_it_was(world: World) -> None:
    meeting = await made(world)
    changed = await change(world, meeting.event_id, online=True)
    assert changed.meeting.join_url
    assert changed.mailed == (ANN.email, BEN.email)
    assert (await change(world, meeting.event_id, online=True, mail_guests=False)).mailed == ()
    await world.settle()
    here, there = await both(world)
    assert there["isOnlineMeeting"] is True
    assert here["description"] == "Bring the list"


async def test_somebody_elses_meeting_is_not_ours_to_change(world: World) -> None:
    rose, marco = PLANNERS
    invited = [{"emailAddress": {"address": rose.account.upn}, "type": "required"}]
    await OutlookCalendar(http=world.outlook.http, owner=marco).add("Fair", attendees=invited)
    world.graph.outbox.mails.clear()
    await world.connect()
    (event,) = await world.wedsync.events()
    with pytest.raises(StateConflict) as refusal:
        await change(world, event["id"], title="Mine")
    assert refusal.value.code == "not_organizer"
    with pytest.raises(StateConflict):
        await cancel(world, event["id"])
    assert await mails(world) == []


@pytest.mark.parametrize("known", [False, True])
async def test_an_event_that_is_not_on_both_sides_is_none(world: World, known: bool) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    event_id = (await world.wedsync.add("Kept back"))["id"] if known else "evt_nobody"
    await world.settle()
    with pytest.raises(NotFound) as refusal:
        await change(world, event_id, title="Mine")
    assert refusal.value.code == "meeting_not_found"
    with pytest.raises(NotFound):
        await cancel(world, event_id)


@pytest.mark.parametrize("steps", range(1, 16))
async def test_a_change_that_dies_half_way_is_ended_by_a_sync_or_the_same_call(world: World, steps: int) -> None:
    meeting = await made(world)
    died = await world.crashes(lambda: change(world, meeting.event_id, title="Wine tasting"), at=steps)
    await world.settle()
    here, there = await both(world)
    assert here["title"] == there["subject"]
    await change(world, meeting.event_id, title="Wine tasting")
    await world.settle()
    here, there = await both(world)
    assert (here["title"], there["subject"]) == ("Wine tasting", "Wine tasting")
    assert await mails(world) == [("update", ANN.email), ("update", BEN.email)]
    assert await world.open_conflicts() == ()
    assert died or steps > 8


# --- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_cancelled_meeting_is_gone_on_both_sides_and_its_guests_know_why(
    world: World, direction: Direction
) -> None:
    meeting = await made(world)
    await world.change_integration(direction=direction)
    assert await cancel(world, meeting.event_id, message="The kitchen is closed") == (ANN.email, BEN.email)
    await world.settle()
    await world.sync()
    assert await everything(world) == []
    assert await mails(world) == [("cancellation", ANN.email), ("cancellation", BEN.email)]
    assert {mail["comment"] for mail in await world.outlook.sent()} == {"The kitchen is closed"}
    assert await world.open_conflicts() == ()
    with pytest.raises(NotFound):
        await cancel(world, meeting.event_id)


async def test_an_event_without_guests_is_deleted_and_nobody_is_told(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    assert await cancel(world, event["id"], mail_guests=False) == ()
    await world.settle()
    assert await world.wedsync.events() == await world.outlook.events() == []
    assert await mails(world) == []


async def test_what_outlook_shows_as_cancelled_still_is_not_cancelled_again(world: World) -> None:
    meeting = await made(world)
    await world.outlook.change(meeting.meeting.event.event_id, isCancelled=True)
    await world.quiet()
    world.post.clear()
    world.graph.outbox.mails.clear()
    await world.outlook.requests()
    assert await cancel(world, meeting.event_id) == ()
    assert [each for each in await world.outlook.requests() if not each.startswith("GET ")] == []
    await world.settle()
    assert [*await world.wedsync.events(), *await world.mappings()] == []
    assert await world.open_conflicts() == ()


async def test_many_cancellations_need_no_second_word(world: World) -> None:
    await world.connect()
    ids = [(await make(world, key=f"key-{number}")).event_id for number in range(8)]
    await world.settle()
    for event_id in ids:
        await cancel(world, event_id)
    await world.settle()
    assert await world.wedsync.events() == await world.outlook.events() == []


async def test_what_is_gone_in_outlook_already_is_cleared_away(world: World) -> None:
    meeting = await made(world)
    await world.outlook.remove(meeting.meeting.event.event_id)
    await world.settle()
    assert len(await world.wedsync.events()) == 1, "the user is asked"
    world.graph.outbox.mails.clear()
    assert await cancel(world, meeting.event_id) == ()
    await world.settle()
    assert await everything(world) == []
    assert await world.open_conflicts() == ()
    assert await mails(world) == []


@pytest.mark.parametrize("steps", range(1, 16))
async def test_a_cancellation_that_dies_half_way_is_ended_by_the_same_call(world: World, steps: int) -> None:
    meeting = await made(world)
    died = await world.crashes(lambda: cancel(world, meeting.event_id), at=steps)
    await world.settle()
    if await world.wedsync.events():
        await cancel(world, meeting.event_id)
    await world.settle()
    assert await everything(world) == []
    assert await mails(world) == [("cancellation", ANN.email), ("cancellation", BEN.email)]
    assert await world.open_conflicts() == ()
    assert died or steps > 8


async def test_a_meeting_that_its_owner_deletes_in_wedsync_is_a_question(world: World) -> None:
    """Its guests still come: no sync cancels it, and none forgets it."""
    meeting = await made(world)
    await world.wedsync.remove(meeting.event_id)
    await world.settle()
    assert await mails(world) == []
    (row,) = await world.open_conflicts()
    assert row.absent is Side.WEDSYNC


async def test_while_the_sync_is_paused_nobody_is_written_to(world: World) -> None:
    meeting = await made(world)
    await world.app.change_settings.run(world.planner.user_id, SettingsChange(sync_enabled=False))
    with pytest.raises(StateConflict):
        await change(world, meeting.event_id, title="x")
    with pytest.raises(StateConflict):
        await cancel(world, meeting.event_id)
    with pytest.raises(StateConflict):
        await make(world, key="key-2")
    assert await mails(world) == []


# --- undone -----------------------------------------------------------------------------------------------------------


async def undo_latest(world: World) -> None:
    runs = await world.ports.runs.history(world.integration_id, 5)
    latest = next(each.value for each in runs if each.value.request.kind is RunKind.SINGLE)
    app = world.app
    await app.undo_sync.run(world.planner.user_id, latest.run_id, carry_on=app.sync_run.run)
    await world.settle()


@pytest.mark.parametrize("what", ["made", "changed", "cancelled"])
async def test_an_undo_mails_nobody_whatever_was_done(world: World, what: str) -> None:
    meeting = await made(world)
    if what == "changed":
        await change(world, meeting.event_id, title="Wine tasting")
    if what == "cancelled":
        await cancel(world, meeting.event_id)
    await world.settle()
    world.graph.outbox.mails.clear()
    await undo_latest(world)
    await world.sync()
    assert await mails(world) == []
    assert len(await world.outlook.events()) <= 1
    assert len(await world.wedsync.events()) <= 1
