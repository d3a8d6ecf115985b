"""Four at a time per mailbox, in the order of asking."""

import asyncio
import gc

import pytest

from shared.graph.slots import LIMIT, MailboxSlots, Slots


async def hold(slots: Slots, wanted: int, name: str, log: list[str], release: asyncio.Event) -> None:
    async with slots.take(wanted):
        log.append(name)
        await release.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_four_run_at_once() -> None:
    slots, running, most = Slots(), 0, 0

    async def work() -> None:
        nonlocal running, most
        async with slots.take():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work() for _ in range(30)))
    assert most == LIMIT


async def test_a_batch_waits_for_all_and_is_not_overtaken() -> None:
    slots, log, release = Slots(), list[str](), asyncio.Event()
    names = [("a", 1), ("batch", 20), ("b", 1)]
    tasks = [asyncio.create_task(hold(slots, wanted, name, log, release)) for name, wanted in names]
    await settle()
    assert log == ["a"]
    release.set()
    await asyncio.gather(*tasks)
    assert log == ["a", "batch", "b"]


async def test_giving_up_leaves_no_slot_behind() -> None:
    slots, log, release = Slots(), list[str](), asyncio.Event()
    first = asyncio.create_task(hold(slots, 4, "first", log, release))
    waiting = asyncio.create_task(hold(slots, 4, "waiting", log, release))
    third = asyncio.create_task(hold(slots, 1, "third", log, release))
    await settle()
    waiting.cancel()
    first.cancel()
    await settle()
    assert log == ["first", "third"]
    release.set()
    await third
    async with asyncio.timeout(1), slots.take(4):
        pass


async def test_giving_up_just_after_the_turn_came_leaves_no_slot_behind() -> None:
    slots, log, release = Slots(), list[str](), asyncio.Event()
    async with slots.take(4):
        waiting = asyncio.create_task(hold(slots, 4, "waiting", log, release))
        await settle()
    # The turn is granted now, and the waiting one has not run yet.
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1), slots.take(4):
        pass


async def test_mailboxes_do_not_wait_for_each_other_and_are_forgotten() -> None:
    mailboxes = MailboxSlots()
    rose = mailboxes.of("rose")
    assert mailboxes.of("rose") is rose
    assert mailboxes.of("marco") is not rose
    del rose
    gc.collect()
    assert not mailboxes._slots
