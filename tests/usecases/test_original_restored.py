"""An event of Outlook's was made again by a person's word, and then its owner takes the original out of the bin.

There are two of it in the calendar then, of which only the one that was made again is synced: the other is left alone,
and is no reason to read both calendars from end to end each time that somebody touches it.
"""

from collections import Counter

from local.graph.state import Item
from shared.core.actions import Rule
from shared.core.integration import Direction
from shared.core.jobs import RunPurpose
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.test_explain import explain
from tests.usecases.test_rebuild import lose, reconcile


async def made_again(world: World, theirs: Pair) -> tuple[str, Item]:
    """It was removed in Outlook, and the user had it made there again; return the new one's id, and the original."""
    original = world.graph.mailbox(world.planner.account.upn).by_id[theirs.outlook_id]
    await world.outlook.remove(theirs.outlook_id)
    await world.quiet()
    world.post.clear()
    user_id = world.planner.user_id
    await world.app.force_sync.run(user_id, theirs.wedsync_id, Direction.TO_OUTLOOK, overwrite_conflicts=True)
    await world.settle()
    mapping = await world.mapping_of(theirs.wedsync_id)
    assert mapping.outlook_id not in (None, theirs.outlook_id)
    return str(mapping.outlook_id), original


def taken_out_of_the_bin(world: World, item: Item) -> None:
    """It comes back with the immutable id that it had, since it never left the mailbox: that is what such ids are for.

    https://learn.microsoft.com/graph/outlook-immutable-id
    """
    mailbox = world.graph.mailbox(world.planner.account.upn)
    item.gone = False
    item.calendar.items[item.number] = item
    for name in (item.regular_id, item.immutable_id):
        mailbox.by_id[name] = item
        del mailbox.deleted[name]
    mailbox.written(item, "created")


async def touched(world: World, event_id: str, times: int) -> None:
    for number in range(times):
        await world.outlook.change(event_id, subject=f"Dentist {number}")
        await world.settle()


async def purposes(world: World) -> Counter[RunPurpose]:
    return Counter(run.request.purpose for run in await world.runs())


async def test_its_notices_start_no_reconciliation(world: World, theirs: Pair) -> None:
    present, original = await made_again(world, theirs)
    taken_out_of_the_bin(world, original)
    await world.settle()
    before = await purposes(world)
    await touched(world, theirs.outlook_id, 10)
    assert (await purposes(world))[RunPurpose.RECONCILE] == before[RunPurpose.RECONCILE] == 0

    assert [event["id"] for event in await world.wedsync.events()] == [theirs.wedsync_id]
    assert {item["id"] for item in await world.outlook.events()} == {theirs.outlook_id, present}
    assert (await explain(world, theirs.outlook_id)).rule is Rule.EARLIER_COPY
    await theirs.here(title="Dentist at nine")
    await world.settle()
    assert (await world.outlook.read(present))["subject"] == "Dentist at nine"
    assert (await world.outlook.read(theirs.outlook_id))["subject"] == "Dentist 9"


async def test_where_rows_were_lost_one_reconciliation_is_enough(world: World, theirs: Pair) -> None:
    """What leads from Outlook's event to its mapping is gone: the first notice has it mended, the others find it."""
    lose(world, lambda key: key.startswith("o|"))
    await touched(world, theirs.outlook_id, 10)
    assert (await purposes(world))[RunPurpose.RECONCILE] == 1
    assert (await world.wedsync.read(theirs.wedsync_id))["title"] == "Dentist 9"
    await world.assert_equal()


async def test_a_reconciliation_leaves_it_alone_as_well(world: World, theirs: Pair) -> None:
    present, original = await made_again(world, theirs)
    taken_out_of_the_bin(world, original)
    await world.settle()
    for _ in range(2):
        await reconcile(world)
        await world.sync()
        await touched(world, theirs.outlook_id, 1)
    assert [event["id"] for event in await world.wedsync.events()] == [theirs.wedsync_id]
    assert (await world.mapping_of(theirs.wedsync_id)).outlook_id == present
    assert len(await world.mappings()) == 1


async def test_one_whose_deletion_was_agreed_to_is_imported_once_more(world: World, theirs: Pair) -> None:
    """Nothing of the pair is left: what comes back is an event like any other."""
    original = world.graph.mailbox(world.planner.account.upn).by_id[theirs.outlook_id]
    await world.outlook.remove(theirs.outlook_id)
    await world.settle()
    assert await world.wedsync.events() == []
    taken_out_of_the_bin(world, original)
    await world.settle()
    await touched(world, theirs.outlook_id, 10)
    assert (await purposes(world))[RunPurpose.RECONCILE] == 0
    assert [event["title"] for event in await world.wedsync.events()] == ["Dentist 9"]
    await world.assert_equal()
