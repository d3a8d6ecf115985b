"""Guests are mailed by their owner's word, once, and by nothing else."""

import pytest

from shared.errors import StateConflict, Unprocessable
from shared.usecases.choices import Choice, ConflictSuperseded, GuestsWouldBeMailed
from tests.support.world import World
from tests.usecases.clash import GUEST, OWN, SECOND, Clash, clash


async def test_guests_are_mailed_once_by_the_users_word(world: World) -> None:
    pair = await clash(world, attendees=[GUEST, SECOND])
    with pytest.raises(GuestsWouldBeMailed) as refusal:
        await pair.choose(Choice(field="title", use="wedsync"))
    assert refusal.value.guests == 2
    assert "2 guests" in refusal.value.detail
    assert await world.outlook.sent() == []

    await pair.choose(Choice(field="title", use="wedsync"), mail_guests=True)

    assert (await pair.there())["subject"] == "WedSync: Cake tasting"
    assert [mail["kind"] for mail in await world.outlook.sent()] == ["update"] * len(await world.outlook.sent())
    told = {to for mail in await world.outlook.sent() for to in mail["to"]}
    assert told == {"guest@example.test", "second@example.test"}
    sent = len(await world.outlook.sent())
    await world.sync()
    assert len(await world.outlook.sent()) == sent


async def test_a_value_of_ones_own_mails_guests_only_by_the_users_word(world: World) -> None:
    pair = await clash(world, attendees=[GUEST])
    with pytest.raises(GuestsWouldBeMailed):
        await pair.choose(OWN[0])
    assert (await pair.here())["title"] == "Cake tasting"
    await pair.choose(OWN[0], mail_guests=True)
    assert ((await pair.here())["title"], (await pair.there())["subject"]) == (
        "Cheese tasting",
        "WedSync: Cheese tasting",
    )
    assert {mail["kind"] for mail in await world.outlook.sent()} == {"update"}


async def test_outlooks_value_mails_nobody(world: World) -> None:
    pair = await clash(world, attendees=[GUEST])
    await pair.choose(Choice(field="title", use="outlook"))
    assert (await pair.here())["title"] == "Wine tasting"
    assert await world.outlook.sent() == []


@pytest.mark.parametrize("use", ["wedsync", "custom"])
async def test_a_word_about_some_guests_does_not_cover_others(world: World, use: str) -> None:
    pair = await clash(world, attendees=[GUEST])
    await world.outlook.change(pair.outlook_id, attendees=[GUEST, SECOND])
    await world.quiet()
    world.post.clear()
    world.graph.outbox.mails.clear()

    with pytest.raises(ConflictSuperseded) as refusal:
        await pair.choose(Choice(field="title", use=use, custom="Own" if use == "custom" else None), mail_guests=True)

    assert refusal.value.conflict is not None
    assert await world.outlook.sent() == []
    assert ((await pair.here())["title"], (await pair.there())["subject"]) == ("Cake tasting", "WedSync: Wine tasting")
    await pair.choose(Choice(field="title", use=use, custom="Own" if use == "custom" else None), mail_guests=True)
    assert (await pair.there())["subject"] == ("WedSync: Own" if use == "custom" else "WedSync: Cake tasting")


async def test_cancelling_a_meeting_tells_the_guests_by_the_users_word(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.outlook.change(item_id, attendees=[GUEST])
    await world.settle()
    await world.wedsync.remove(event["id"])
    await world.settle()
    world.graph.outbox.mails.clear()
    choice = Choice(field="event", use="wedsync")
    with pytest.raises(StateConflict) as refusal:
        await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice])
    assert refusal.value.code == "guests_would_be_mailed"
    assert await world.outlook.sent() == []

    await world.app.resolve_conflict.run(world.planner.user_id, event["id"], [choice], mail_guests=True)

    assert {mail["kind"] for mail in await world.outlook.sent()} == {"cancellation"}
    assert await world.outlook.events() == []
    assert await world.open_conflicts() == ()


async def differing(world: World) -> Clash:
    """One event with other people on either side: nothing but Outlook's word can settle that."""
    event = await world.wedsync.add("Tasting", attendees=[{"email": "florist@example.test", "name": "Flora"}])
    await world.connect()
    pair = Clash(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))
    await world.outlook.change(pair.outlook_id, attendees=[GUEST])
    await world.settle()
    world.graph.outbox.mails.clear()
    assert list(await pair.asked()) == ["attendees"]
    return pair


@pytest.mark.parametrize("use", ["wedsync", "custom"])
async def test_guests_are_never_written_by_a_sync_and_nobody_can_choose_so(world: World, use: str) -> None:
    pair = await differing(world)
    with pytest.raises(Unprocessable) as refusal:
        await pair.choose(Choice(field="attendees", use=use, custom=None), mail_guests=True)
    assert refusal.value.code == "attendees_are_read_only"
    assert list(await pair.asked()) == ["attendees"]
    assert [each["email"] for each in (await pair.here())["attendees"]] == ["florist@example.test"]
    assert await world.outlook.sent() == []


async def test_other_guests_are_settled_by_outlook_and_nobody_is_mailed(world: World) -> None:
    pair = await differing(world)
    answer = await pair.choose(Choice(field="attendees", use="outlook"))
    assert answer == {"attendees": "applied"}
    assert await pair.asked() == {}
    assert [each["emailAddress"]["address"] for each in (await pair.there())["attendees"]] == ["guest@example.test"]
    await world.sync()
    assert await pair.asked() == {}, "the same difference is not asked about twice"
    assert await world.outlook.sent() == []
