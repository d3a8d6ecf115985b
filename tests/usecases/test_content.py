"""Meetings, privacy, prefixes, long titles, copies: what may be written, and what must not."""

from shared.core.event import Field, Side
from tests.support.pair import Pair
from tests.support.world import World

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
BOSS = {"address": "boss@example.test", "name": "Boss"}


# --- Meetings --------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_never_written(world: World, ours: Pair) -> None:
    await ours.there(attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()  # the owner's own invitation
    await ours.here(title="Cake tasting")
    await world.settle()
    await world.sync()

    assert Field.TITLE in {conflict.field for conflict in await world.open_conflicts()}
    assert await ours.subject() == "WedSync: Tasting"
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    await world.sync()
    assert len(await world.outlook.events()) == 1
    assert await world.outlook.sent() == []


async def test_guests_invited_meanwhile_are_seen_before_a_write(world: World, ours: Pair) -> None:
    await ours.there(attendees=[GUEST])
    world.graph.outbox.mails.clear()
    await ours.here(title="Cake tasting")
    await world.quiet()
    world.post = [letter for letter in world.post if letter.sender == "wedsync"]  # Outlook's notice is lost
    await world.settle()

    assert await ours.subject() == "WedSync: Tasting"
    assert await world.outlook.sent() == []


async def test_another_organizers_meeting_flows_from_outlook_only(world: World) -> None:
    item = await world.outlook.add("Venue visit", attendees=[GUEST], _organizer=BOSS)
    await world.connect()
    (event,) = await world.wedsync.events()

    await world.outlook.change(item["id"], subject="Venue visit, late", _asOrganizer=True)
    await world.settle()
    assert (await world.wedsync.read(event["id"]))["title"] == "Venue visit, late"

    await world.wedsync.change(event["id"], title="My visit")
    await world.settle()
    await world.sync()
    assert (await world.outlook.read(item["id"]))["subject"] == "Venue visit, late"
    assert await world.outlook.sent() == []


# --- Privacy, prefix, subject ----------------------------------------------------------------------------------------


async def test_a_private_event_from_outlook_is_busy_time(world: World) -> None:
    await world.outlook.add(
        "Doctor",
        sensitivity="private",
        location={"displayName": "Clinic"},
        body={"contentType": "text", "content": "x"},
    )
    await world.connect()

    (event,) = await world.wedsync.events()
    assert "Doctor" not in str(event)
    assert "Clinic" not in str(event)
    await world.assert_equal()

    await world.wedsync.change(event["id"], title="Guess")
    await world.settle()
    assert [item["subject"] for item in await world.outlook.events()] == ["Doctor"]


async def test_what_wedsync_calls_private_is_private_in_outlook(world: World, ours: Pair) -> None:
    await ours.here(private=True)
    await world.settle()

    assert (await world.outlook.read(ours.outlook_id))["sensitivity"] == "private"
    await world.assert_equal()


async def test_a_type_is_wedsyncs_once_the_event_is_there(world: World, theirs: Pair) -> None:
    await theirs.here(type="venue_visit")
    await world.settle()
    await theirs.there(subject="Cake tasting", categories=["Rehearsal"])
    await world.settle()
    await world.sync()

    (event,) = await world.wedsync.events()
    assert (event["title"], event["type"]) == ("Cake tasting", "venue_visit")


async def test_a_prefix_that_the_user_removed_is_not_put_back(world: World, ours: Pair) -> None:
    await ours.there(subject="Tasting")
    await world.settle()
    await ours.here(title="Cake tasting")
    await world.settle()
    await world.sync()

    assert await ours.titles() == ("Cake tasting", "Cake tasting")


async def test_a_title_longer_than_a_subject_stays_whole_in_wedsync(world: World) -> None:
    title = "Ä very long title " * 30
    event = await world.wedsync.add(title.strip())
    await world.connect()
    pair = Pair(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))

    await pair.there(location={"displayName": "Mill"})
    await world.settle()

    assert (await pair.titles())[0] == title.strip()
    assert len(await pair.subject()) <= 255
    assert await world.open_conflicts() == ()
    await world.assert_equal()


async def test_a_copy_that_the_user_makes_is_a_new_event(world: World, ours: Pair) -> None:
    await world.outlook.copy(ours.outlook_id)
    await world.settle()
    await world.sync()

    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == 2
    mappings = await world.mappings()
    assert sorted(mapping.born for mapping in mappings) == [Side.OUTLOOK, Side.WEDSYNC]
