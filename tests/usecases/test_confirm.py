"""The answer about held deletions: each is proved again and carried out, or made good."""

import pytest

from shared.core.confirmation import Confirmation, waiting
from shared.core.event import Side
from shared.core.history import SyncRun
from shared.core.integration import Direction, OnOutlookDelete, Preferences
from shared.core.states import MappingState, RunState
from shared.errors import NotFound, StateConflict
from shared.usecases.settle_held import GUESTS_LEFT
from tests.support.world import World

GUEST = {"emailAddress": {"address": "ann@example.com", "name": "Ann"}, "type": "required"}


async def asked(world: World) -> Confirmation:
    ledger = await world.ports.confirmations.ledger(world.integration_id)
    found = waiting(ledger.value, now=world.clock.now())
    assert found is not None, "nothing is held"
    return found


async def is_asked(world: World) -> bool:
    return (await world.ports.confirmations.ledger(world.integration_id)).value.open is not None


async def answer(world: World, *, accept: bool) -> SyncRun:
    run = await world.app.confirm_deletions.run(
        world.planner.user_id, (await asked(world)).confirmation_id, accept=accept
    )
    await world.settle()
    return await world.app.request_sync.status(world.planner.user_id, run.run_id)


async def at_rest(world: World) -> None:
    """Both sides name the same events at the same times, one more run finds nothing, and nobody was mailed."""
    run = await world.sync()
    assert (run.tally.created, run.tally.updated, run.tally.deleted, run.tally.conflicts) == (0, 0, 0, 0)
    here = sorted(event["title"] for event in await world.wedsync.events())
    assert here == sorted(item["subject"].removeprefix("WedSync: ") for item in await world.outlook.events())
    assert await world.outlook.sent() == []


async def deleted_in_outlook(world: World, count: int = 12, **members: object) -> list[str]:
    """Events of Outlook's that are gone there; five are gone in WedSync too, the others are held."""
    ids = [(await world.outlook.add(f"Call {n}", **members))["id"] for n in range(count)]
    await world.connect()
    for event_id in ids:
        await world.outlook.remove(event_id)
        await world.settle()
    return ids


async def deleted_in_wedsync(world: World, count: int = 12) -> list[str]:
    ids = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(count)]
    await world.connect()
    for event_id in ids:
        await world.wedsync.remove(event_id)
        await world.settle()
    return ids


async def test_accepted_deletions_are_carried_out(world: World) -> None:
    await deleted_in_outlook(world)
    held = len((await asked(world)).held)
    run = await answer(world, accept=True)

    assert (run.state, run.tally.deleted, run.tally.total) == (RunState.COMPLETED, held, held)
    assert await world.wedsync.events() == []
    assert await world.mappings() == []
    assert not await is_asked(world)
    await world.sync()
    assert not await is_asked(world)


async def test_accepted_deletions_toward_outlook(world: World) -> None:
    await deleted_in_wedsync(world)
    await answer(world, accept=True)

    assert await world.outlook.events() == []
    assert await world.mappings() == []


async def test_rejected_the_copies_come_back_in_outlook(world: World) -> None:
    await deleted_in_outlook(world)
    left = {event["title"] for event in await world.wedsync.events()}
    run = await answer(world, accept=False)
    await world.sync()

    assert (run.state, run.tally.created) == (RunState.COMPLETED, len(left))
    assert {item["subject"] for item in await world.outlook.events()} == left
    assert {event["title"] for event in await world.wedsync.events()} == left
    assert not await is_asked(world)
    await at_rest(world)


async def test_rejected_the_events_come_back_in_wedsync(world: World) -> None:
    await deleted_in_wedsync(world)
    left = len(await world.outlook.events())
    await answer(world, accept=False)
    await world.sync()

    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == left
    assert not await is_asked(world)
    await at_rest(world)


async def test_where_the_sync_goes_one_way_a_rejected_event_stays_alone(world: World) -> None:
    await deleted_in_outlook(world)
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    left = len(await world.wedsync.events())
    await answer(world, accept=False)
    await world.sync()

    assert len(await world.wedsync.events()) == left
    assert await world.outlook.events() == []
    assert {mapping.state for mapping in await world.mappings()} == {MappingState.UNLINKED}


async def test_each_is_proved_again(world: World) -> None:
    """Between the question and the answer two came back, and one was edited where it is left."""
    ids = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(12)]
    await world.connect()
    await world.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    copies = {mapping.wedsync_id: str(mapping.outlook_id) for mapping in await world.mappings()}
    for event_id in ids:
        await world.outlook.move(copies[event_id])
        await world.settle()
    held = [each.event_id for each in (await asked(world)).held]
    for event_id in held[:2]:
        await world.outlook.move(copies[event_id], "Calendar")
    await world.wedsync.change(held[2], title="Fitting, important")
    await world.quiet()
    world.post.clear()
    run = await answer(world, accept=True)

    assert {event["id"] for event in await world.wedsync.events()} == set(held[:3])
    assert run.tally.deleted == len(held) - 3
    assert len(await world.open_conflicts()) == 1
    assert not await is_asked(world)
    assert len(await world.outlook.events()) == 12, "what was moved away is nobody's to delete"


async def test_events_with_guests_stay_and_are_listed(world: World) -> None:
    ids = await deleted_in_wedsync(world)
    held = {each.event_id for each in (await asked(world)).held}
    met = next(mapping for mapping in await world.mappings() if mapping.wedsync_id in held)
    await world.outlook.change(str(met.outlook_id), attendees=[GUEST])
    mailed = await world.outlook.sent()
    await world.quiet()
    world.post.clear()
    run = await answer(world, accept=True)

    assert len(ids) == 12
    assert [item["id"] for item in await world.outlook.events()] == [met.outlook_id]
    assert [(failure.event_id, failure.code) for failure in run.failures] == [(met.wedsync_id, GUESTS_LEFT)]
    assert len(await world.open_conflicts()) == 1
    assert await world.outlook.sent() == mailed


async def test_the_same_answer_again_is_the_same_run_and_another_is_refused(world: World) -> None:
    await deleted_in_outlook(world)
    confirmation_id = (await asked(world)).confirmation_id
    user, confirm = world.planner.user_id, world.app.confirm_deletions.run
    first = await confirm(user, confirmation_id, accept=True)
    assert (await confirm(user, confirmation_id, accept=True)).run_id == first.run_id
    with pytest.raises(StateConflict) as refused:
        await confirm(user, confirmation_id, accept=False)
    assert refused.value.code == "confirmation_answered"
    await world.settle()
    assert (await confirm(user, confirmation_id, accept=True)).run_id == first.run_id
    assert await world.wedsync.events() == []


async def test_nobody_confirms_what_they_never_saw(world: World) -> None:
    ids = [(await world.outlook.add(f"Call {n}"))["id"] for n in range(14)]
    await world.connect()
    for event_id in ids[:12]:
        await world.outlook.remove(event_id)
        await world.settle()
    seen = (await asked(world)).confirmation_id
    await world.outlook.remove(ids[12])
    await world.settle()
    with pytest.raises(StateConflict) as refused:
        await world.app.confirm_deletions.run(world.planner.user_id, seen, accept=True)
    assert refused.value.code == "confirmation_changed"
    with pytest.raises(NotFound):
        await world.app.confirm_deletions.run(world.planner.user_id, "unknown", accept=True)
    assert len((await asked(world)).held) == 8


async def test_too_late(world: World) -> None:
    await deleted_in_outlook(world)
    confirmation_id = (await asked(world)).confirmation_id
    await world.advance(days=8)
    for _ in range(2):
        with pytest.raises(StateConflict) as refused:
            await world.app.confirm_deletions.run(world.planner.user_id, confirmation_id, accept=True)
        assert refused.value.code == "confirmation_lapsed"
        await world.sync()  # it asks again, under another id
    assert (await asked(world)).confirmation_id != confirmation_id


async def test_a_paused_connection_takes_no_answer(world: World) -> None:
    await deleted_in_outlook(world)
    found = await asked(world)
    await world.app.disconnect.by_user(world.planner.user_id)
    with pytest.raises((StateConflict, NotFound)):
        await world.app.confirm_deletions.run(world.planner.user_id, found.confirmation_id, accept=True)


@pytest.mark.parametrize("accept", [True, False])
async def test_a_crash_anywhere_in_the_run_of_an_answer(world: World, accept: bool) -> None:
    await deleted_in_outlook(world, count=8)
    found = await asked(world)
    for step in range(0, 300, 3):
        await world.app.confirm_deletions.run(world.planner.user_id, found.confirmation_id, accept=accept)
        if not await world.crashes(world.settle, at=step):
            break
    await world.settle()
    await world.sync()

    expected = 0 if accept else len(found.held)
    assert len(await world.wedsync.events()) == len(await world.outlook.events()) == expected
    assert not await is_asked(world)
    assert {mapping.state for mapping in await world.mappings()} <= {MappingState.LINKED}


async def test_two_sides_in_one_question(world: World) -> None:
    theirs = [(await world.outlook.add(f"Call {n}"))["id"] for n in range(8)]
    ours = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(8)]
    await world.connect()
    for here, there in zip(ours, theirs, strict=True):
        await world.wedsync.remove(here)
        await world.outlook.remove(there)
        await world.settle()
    assert (await asked(world)).sides == (Side.WEDSYNC, Side.OUTLOOK)
    await answer(world, accept=True)

    assert await world.wedsync.events() == await world.outlook.events() == []
