"""The deletion guard in both lanes: what passes, what is held, and that nothing held is lost."""

import asyncio
from datetime import timedelta

from shared.core.confirmation import Confirmation, waiting
from shared.core.event import Side
from shared.core.history import SyncRun
from shared.core.integration import OnOutlookDelete, Preferences
from shared.core.jobs import EventJob, Glance, RunKind
from shared.core.states import MappingState
from shared.service import build
from tests.support.world import SETTINGS, World


async def born_in_outlook(world: World, count: int) -> list[str]:
    ids = [(await world.outlook.add(f"Call {n}"))["id"] for n in range(count)]
    await world.connect()
    return ids


async def born_in_wedsync(world: World, count: int) -> list[str]:
    ids = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(count)]
    await world.connect()
    return ids


async def unheard(world: World) -> None:
    """Lose the notices: only a run will find what changed."""
    await world.quiet()
    world.post.clear()


async def question(world: World) -> Confirmation | None:
    ledger = await world.ports.confirmations.ledger(world.integration_id)
    return waiting(ledger.value, now=world.clock.now())


async def asked(world: World) -> Confirmation:
    found = await question(world)
    assert found is not None, "nothing is held"
    return found


async def answer(world: World, *, accept: bool) -> SyncRun:
    found = await asked(world)
    run = await world.app.confirm_deletions.run(world.planner.user_id, found.confirmation_id, accept=accept)
    await world.settle()
    return await world.app.request_sync.status(world.planner.user_id, run.run_id)


def prefer(wish: OnOutlookDelete) -> dict[str, Preferences]:
    return {"preferences": Preferences(on_outlook_delete=wish)}


# --- Single events ------------------------------------------------------------------------------------------------


async def test_the_sixth_deletion_within_ten_minutes_waits(world: World) -> None:
    ids = await born_in_outlook(world, 40)
    for event_id in ids[:20]:
        await world.outlook.remove(event_id)
        await world.settle()

    assert len(await world.wedsync.events()) == 35
    found = await asked(world)
    assert (len(found.held), found.sides) == (15, (Side.WEDSYNC,))
    status = await world.app.report_status.run(world.planner.user_id)
    assert status.question is not None
    assert len(status.question.titles) == 15
    assert set(status.question.titles.values()) <= {f"Call {n}" for n in range(20)}
    assert found.expires_at - found.opened_at >= timedelta(days=7)


async def test_three_of_six_wait_because_that_is_half(world: World) -> None:
    ids = await born_in_wedsync(world, 6)
    for event_id in ids[:4]:
        await world.wedsync.remove(event_id)
    await world.settle()

    assert len(await world.outlook.events()) == 4, "two are gone before anybody can tell that it is half"
    assert len((await asked(world)).held) == 2


async def test_deletions_far_apart_are_nobodys_concern(world: World) -> None:
    ids = await born_in_outlook(world, 20)
    for event_id in ids[:10]:
        await world.outlook.remove(event_id)
        await world.settle()
        await world.advance(minutes=3)

    assert await question(world) is None
    assert len(await world.wedsync.events()) == 10


async def test_both_sides_have_a_count_of_their_own(world: World) -> None:
    theirs = [(await world.outlook.add(f"Call {n}"))["id"] for n in range(20)]
    ours = await born_in_wedsync(world, 20)
    for event_id in theirs[:5]:
        await world.outlook.remove(event_id)
    for event_id in ours[:5]:
        await world.wedsync.remove(event_id)
    await world.settle()

    assert await question(world) is None
    assert len(await world.wedsync.events()) == 30


async def test_one_notice_of_many_deletions_is_weighed_before_the_first(world: World) -> None:
    ids = await born_in_outlook(world, 40)
    for event_id in ids[:20]:
        await world.outlook.remove(event_id)
    await unheard(world)
    glances = tuple(Glance(event_id=event_id, removed=True) for event_id in ids[:20])
    await world.ports.jobs.put(EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=glances))
    await world.settle()

    assert len(await world.wedsync.events()) == 40
    assert len((await asked(world)).held) == 20


async def test_two_processes_count_together(world: World) -> None:
    ids = await born_in_outlook(world, 40)
    for event_id in ids[:12]:
        await world.outlook.remove(event_id)
    await unheard(world)
    other = build(SETTINGS, world.ports)
    texts = []
    for event_id in ids[:12]:
        glance = Glance(event_id=event_id, removed=True)
        await world.ports.jobs.put(EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=(glance,)))
        texts.append(world.queue.kept.pop().text)
    await asyncio.gather(*(world.run_job(text, other if n % 2 else None) for n, text in enumerate(texts)))

    held = {each.mapping_id for each in (await asked(world)).held}
    assert len(await world.wedsync.events()) == 40 - 12 + len(held)
    assert len(held) >= 7


async def test_a_repeated_notice_counts_nothing_twice(world: World) -> None:
    ids = await born_in_outlook(world, 40)
    for event_id in ids[:7]:
        await world.outlook.remove(event_id)
        await world.quiet()
        world.post += world.post * 2
        await world.settle()
    await world.sync()

    assert len((await asked(world)).held) == 2
    assert len(await world.wedsync.events()) == 35


# --- Runs -----------------------------------------------------------------------------------------------------------


async def test_a_run_holds_a_flood_and_does_everything_else(world: World) -> None:
    ids = await born_in_outlook(world, 40)
    before = await world.integration()
    for event_id in ids[:20]:
        await world.outlook.remove(event_id)
    await world.outlook.change(ids[30], subject="Call moved")
    await world.wedsync.add("New")
    await unheard(world)
    run = await world.sync(RunKind.INCREMENTAL)

    assert {event["title"] for event in await world.wedsync.events()} >= {"Call moved", "New"}
    assert len(await world.outlook.events()) == 21
    assert len(await world.wedsync.events()) == 41, "all or nothing"
    assert len((await asked(world)).held) == run.tally.held == 20
    assert (await world.integration()).delta_link != before.delta_link, "the cursors go on"


async def test_a_side_that_is_suddenly_empty_deletes_nothing(world: World) -> None:
    ids = await born_in_outlook(world, 2)
    for event_id in ids:
        await world.outlook.remove(event_id)
    await world.wedsync.add("New")
    await unheard(world)
    run = await world.sync()

    assert len(await world.wedsync.events()) == 3
    assert len(await world.outlook.events()) == 1, "what goes the other way goes on"
    assert (len((await asked(world)).held), run.tally.held) == (2, 2)


async def test_what_is_held_once_is_not_lost_and_not_counted_again(world: World) -> None:
    ids = await born_in_outlook(world, 20)
    for event_id in ids[:8]:
        await world.outlook.remove(event_id)
    await unheard(world)
    await world.sync()
    first = await asked(world)
    await world.advance(hours=1)
    await world.outlook.remove(ids[10])
    await world.settle()
    await world.sync()

    assert await asked(world) == first
    assert len(await world.wedsync.events()) == 19, "an hour later one more deletion is nothing special"


async def test_a_series_counts_once(world: World) -> None:
    await world.outlook.add(
        "Yoga",
        recurrence={
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 12},
        },
    )
    others = await born_in_outlook(world, 5)
    assert len(await world.wedsync.events()) == 17
    series = next(item["id"] for item in await world.outlook.events() if item["subject"] == "Yoga")
    await world.outlook.remove(series)
    await world.settle()
    await world.sync()

    assert await question(world) is None
    assert len(await world.wedsync.events()) == len(others)


async def test_a_type_switched_off_is_not_counted(world: World) -> None:
    ids = [(await world.wedsync.add(f"Invoice {n}", type="deadline"))["id"] for n in range(12)]
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_deadlines=False))
    await world.sync()

    assert await question(world) is None
    assert await world.outlook.events() == []
    assert len(await world.wedsync.events()) == len(ids)


# --- The question -----------------------------------------------------------------------------------------------------


async def test_an_event_that_comes_back_leaves_the_question(world: World) -> None:
    await born_in_wedsync(world, 10)
    await world.change_integration(**prefer(OnOutlookDelete.DELETE))
    ids = [str(mapping.outlook_id) for mapping in await world.mappings()]
    for event_id in ids:
        await world.outlook.move(event_id)
    await unheard(world)
    await world.sync()
    assert len((await asked(world)).held) == 10
    for event_id in ids[:9]:
        await world.outlook.move(event_id, "Calendar")
    await world.settle()
    assert len((await asked(world)).held) == 1
    await world.outlook.move(ids[9], "Calendar")
    await world.settle()

    assert await question(world) is None
    assert all(mapping.notes == () for mapping in await world.mappings())
    await world.assert_equal()


async def test_an_edit_of_a_held_event_makes_it_a_conflict(world: World) -> None:
    ids = await born_in_outlook(world, 8)
    for event_id in ids:
        await world.outlook.remove(event_id)
    await unheard(world)
    await world.sync()
    event = (await world.wedsync.events())[0]
    await world.wedsync.change(event["id"], title="Call, important")
    await world.settle()

    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK
    assert len((await asked(world)).held) == 7


async def test_it_lapses_after_seven_days_and_is_asked_again(world: World) -> None:
    ids = await born_in_outlook(world, 20)
    for event_id in ids[:6]:
        await world.outlook.remove(event_id)
    await unheard(world)
    await world.sync()
    first = await asked(world)
    await world.advance(days=7, minutes=1)
    assert await question(world) is None
    await world.sync()

    second = await asked(world)
    assert second.confirmation_id != first.confirmation_id
    assert {each.mapping_id for each in second.held} == {each.mapping_id for each in first.held}
    assert len(await world.wedsync.events()) == 20


async def test_a_disconnect_forgets_the_question(world: World) -> None:
    ids = await born_in_outlook(world, 8)
    for event_id in ids:
        await world.outlook.remove(event_id)
    await unheard(world)
    await world.sync()
    await asked(world)
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()

    assert await question(world) is None


async def test_a_crash_anywhere_while_deletions_are_held_loses_none(world: World) -> None:
    ids = await born_in_outlook(world, 20)
    for step in range(0, 400, 7):
        victims = [event_id for event_id in ids if len(ids) - ids.index(event_id) <= 6]
        if step == 0:
            for event_id in victims:
                await world.outlook.remove(event_id)
            await world.quiet()
        died = await world.crashes(world.settle, at=step)
        if not died:
            break
    await world.settle()
    await world.sync()

    found = await asked(world)
    gone = 20 - len(await world.wedsync.events())
    assert gone <= 5
    assert gone + len(found.held) == 6
    assert all(mapping.state is MappingState.LINKED for mapping in await world.mappings())
