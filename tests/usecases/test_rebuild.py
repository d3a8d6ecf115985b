"""Mappings that are lost, all of them or some, rows or pointers, are made again without one duplicate."""

import random
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from shared.core.actions import Rule
from shared.core.event import Field
from shared.core.history import ChangeKind, SyncRun
from shared.core.integration import Preferences
from shared.core.jobs import RunKind
from shared.core.mapping import Role, transaction_id
from shared.core.states import MappingState, RunState
from shared.store.rows import Table
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.test_run_findings import through

CHOIR = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 4, "recurrenceTimeZone": "UTC"},
}


async def season(world: World) -> None:
    """A little of everything that is mapped, in step."""
    await world.wedsync.add("Tasting", description="Two lines\nof text", location={"name": "Mill", "address": "Lane 1"})
    days = {"start": "2026-09-05T00:00:00", "end": "2026-09-06T00:00:00", "allDay": True}
    await world.wedsync.add("Wedding", type="wedding_ceremony", **days)
    await world.wedsync.add("Ä" * 300, timeZone="America/New_York")
    await world.wedsync.add("Private", private=True, travelMinutes=20)
    await world.wedsync.add("Visit", type="venue_visit", travelMinutes=40)
    await world.outlook.add("Dentist", body={"contentType": "html", "content": "<p>Upper <b>left</b></p>"})
    await world.outlook.add("Holiday", start=at("2026-08-10T00:00:00"), end=at("2026-08-15T00:00:00"), isAllDay=True)
    await world.outlook.add("Doctor", sensitivity="private")
    await world.outlook.add("Choir", recurrence=CHOIR)
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await world.sync()
    await world.assert_equal()


def lose(world: World, which: Callable[[str], bool]) -> int:
    """Take rows out of the mapping table, by their key; return how many."""
    return world.tables.lose(Table.MAPPINGS, which)


async def reconcile(world: World) -> SyncRun:
    run = await world.app.request_sync.reconcile(await world.integration())
    await world.settle()
    return await world.app.request_sync.status(world.planner.user_id, run.run_id)


async def ids(world: World) -> tuple[set[str], set[str]]:
    return {event["id"] for event in await world.wedsync.events()}, {
        item["id"] for item in await world.outlook.events()
    }


async def known(world: World) -> set[tuple[str | None, str | None, Role]]:
    return {(each.wedsync_id, each.outlook_id, each.role) for each in await world.mappings()}


async def assert_whole(
    world: World, before: tuple[set[str], set[str]], pairs: set[tuple[str | None, str | None, Role]]
) -> None:
    """Nothing was made, nothing was deleted, and everything is known again."""
    await world.assert_equal()
    assert await ids(world) == before
    assert await known(world) == pairs
    assert await world.open_conflicts() == ()


@pytest.mark.parametrize("found_by", ["reconciliation", "full run", "incremental run"])
async def test_the_whole_table(world: World, found_by: str) -> None:
    await season(world)
    before, pairs = await ids(world), await known(world)
    lose(world, lambda key: True)

    if found_by == "reconciliation":
        run = await reconcile(world)
        assert run.tally.repaired >= 7, "five events and two blocks"
        changes = await world.ports.changes.of_run(world.integration_id, run.run_id)
        assert [change.rule for change in changes if change.kind is ChangeKind.REPAIRED] == [Rule.REBUILT] * 7
    else:
        await world.sync(RunKind.FULL if found_by == "full run" else RunKind.INCREMENTAL)

    await assert_whole(world, before, pairs)
    await world.sync()
    await assert_whole(world, before, pairs)


@pytest.mark.parametrize("seed", range(12))
async def test_some_of_the_rows_whichever(world: World, seed: int) -> None:
    await season(world)
    before, pairs = await ids(world), await known(world)
    dice, share = random.Random(seed), (0.2, 0.5, 0.8)[seed % 3]
    assert lose(world, lambda key: dice.random() < share)

    await reconcile(world)

    await assert_whole(world, before, pairs)


@pytest.mark.parametrize("prefix", ["m|", "w|", "o|"])
async def test_all_rows_of_a_kind(world: World, prefix: str) -> None:
    await season(world)
    before, pairs = await ids(world), await known(world)
    assert lose(world, lambda key: key.startswith(prefix))
    await reconcile(world)
    await assert_whole(world, before, pairs)


@pytest.mark.parametrize("prefix", ["m|", "w|", "o|", ""])
async def test_edits_after_the_loss_and_before_anybody_looks(world: World, prefix: str) -> None:
    """Notices come upon pairs that nothing is known of: nothing is made twice, and no edit is overwritten."""
    await season(world)
    before = await ids(world)
    events = {event["title"]: event for event in await world.wedsync.events()}
    items = {item["subject"]: item for item in await world.outlook.events()}
    lose(world, lambda key: key.startswith(prefix) and key != "epoch")
    await world.wedsync.change(events["Tasting"]["id"], title="Cake tasting")
    await world.outlook.change(items["WedSync: Wedding"]["id"], location={"displayName": "Church"})
    await world.wedsync.change(events["Dentist"]["id"], title="Dentist at nine")
    await world.outlook.change(items["Holiday"]["id"], subject="Holidays")
    await world.settle()
    await reconcile(world)

    assert await ids(world) == before
    assert await world.differences() == [], "equal, or open conflicts"
    values = {conflict.field for conflict in await world.open_conflicts()}
    assert values <= {Field.TITLE, Field.LOCATION}
    titles = {event["title"] for event in await world.wedsync.events()}
    subjects = {item["subject"] for item in await world.outlook.events()}
    assert {"Cake tasting", "Dentist at nine"} <= titles, "no edit is lost"
    assert {"Holidays"} <= subjects


async def test_what_differs_after_the_loss_is_for_a_person_to_choose(world: World, ours: Pair) -> None:
    await ours.here(title="Cake tasting", description="Three samples")
    await ours.there(subject="WedSync: Tasting at the mill")
    await world.quiet()
    world.post.clear()
    lose(world, lambda key: True)

    await reconcile(world)

    conflicts = {conflict.field: conflict for conflict in await world.open_conflicts()}
    assert set(conflicts) == {Field.TITLE, Field.DESCRIPTION}
    title = conflicts[Field.TITLE]
    assert title.wedsync is not None
    assert title.outlook is not None
    assert (title.wedsync.title, title.outlook.title) == ("Cake tasting", "Tasting at the mill")
    assert await ours.titles() == ("Cake tasting", "WedSync: Tasting at the mill")


async def test_another_prefix_since(world: World, ours: Pair) -> None:
    """The copy still bears the prefix before: the one that every connection begins with is known."""
    await world.change_integration(preferences=Preferences(event_prefix="WS "))
    lose(world, lambda key: True)
    await reconcile(world)
    await world.sync()
    assert await world.open_conflicts() == ()
    assert await ours.subject() == "WS Tasting"


async def test_a_prefix_that_the_user_removed_is_not_put_back(world: World, ours: Pair) -> None:
    await ours.there(subject="Tasting")
    await world.settle()
    lose(world, lambda key: True)
    await reconcile(world)
    await ours.here(title="Cake tasting")
    await world.settle()
    assert await ours.subject() == "Cake tasting"


async def test_a_later_generation_is_known_again(world: World, ours: Pair) -> None:
    for preferences in (Preferences(sync_client_meetings=False), Preferences()):
        await world.change_integration(preferences=preferences)
        await world.sync()
    (mapping,) = await world.mappings()
    assert mapping.generation == 2
    lose(world, lambda key: True)
    await reconcile(world)
    (again,) = await world.mappings()
    assert (again.mapping_id, again.generation, again.outlook_id) == (mapping.mapping_id, 2, mapping.outlook_id)


async def test_a_copy_that_the_user_made_stays_theirs(world: World, ours: Pair) -> None:
    await world.outlook.copy(ours.outlook_id)
    await world.settle()
    before = await ids(world)
    lose(world, lambda key: True)
    await reconcile(world)
    assert await ids(world) == before
    await world.assert_equal()
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id


async def test_a_copy_that_was_moved_out_of_the_window(world: World, ours: Pair) -> None:
    """It is on no page of the reading; all events of the calendar are looked through for its marker."""
    far = "2036-08-05T14:00:00"
    await world.advance(minutes=5)
    await ours.there(start=at(far), end=at("2036-08-05T15:00:00"))
    await world.quiet()
    world.post.clear()
    lose(world, lambda key: True)
    await reconcile(world)
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    (conflict,) = await world.open_conflicts()
    assert conflict.field is Field.TIME


async def test_an_event_that_was_moved_out_of_the_window(world: World, ours: Pair) -> None:
    await ours.here(start="2036-08-05T14:00:00", end="2036-08-05T15:00:00")
    await world.quiet()
    world.post.clear()
    lose(world, lambda key: True)
    await reconcile(world)
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    assert {event["id"] for event in await world.wedsync.events()} == {ours.wedsync_id}


async def test_a_copy_that_its_owner_removed_while_nothing_was_known_is_made_again_once(
    world: World, ours: Pair
) -> None:
    lose(world, lambda key: True)
    await world.outlook.remove(ours.outlook_id)
    await world.settle()
    await reconcile(world)
    assert len(await world.outlook.events()) == 1
    await world.assert_equal()


async def test_a_notice_of_a_copy_that_nothing_is_known_of_starts_a_reconciliation(world: World, ours: Pair) -> None:
    lose(world, lambda key: key != "epoch")
    await ours.there(location={"displayName": "Harbour"})
    await world.settle()
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id
    assert len(await world.outlook.events()) == 1


async def test_an_orphan_counts_as_outlooks_own(world: World, ours: Pair) -> None:
    """Its event is gone in WedSync, and what was known of the two is lost: its owner decides what becomes of it."""
    lose(world, lambda key: True)
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    await reconcile(world)
    (event,) = await world.wedsync.events()
    assert event["externalId"]
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    await reconcile(world)
    assert len(await world.wedsync.events()) == 1


async def test_a_copy_is_no_orphan_while_an_event_of_wedsync_cannot_be_read(
    world: World, ours: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event that it is of may be the very one."""

    def spoil(request: httpx.Request, response: httpx.Response | None) -> httpx.Response | None:
        if response is None:
            return None
        return httpx.Response(
            200, content=response.content.replace(b'"start":"2026-', b'"start":"soon-'), request=request
        )

    lose(world, lambda key: True)
    with monkeypatch.context() as patched:
        through(world, patched, "wedsync", spoil)
        await reconcile(world)
    assert len(await world.wedsync.events()) == 1
    assert await world.mappings() == []
    await reconcile(world)
    await world.assert_equal()
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id


@pytest.mark.parametrize("step", range(0, 120, 6))
async def test_a_crash_on_the_way(world: World, step: int) -> None:
    await season(world)
    before, pairs = await ids(world), await known(world)
    lose(world, lambda key: True)
    await world.app.request_sync.reconcile(await world.integration())
    await world.crashes(world.settle, at=step)
    await world.advance(minutes=1)
    await reconcile(world)
    await assert_whole(world, before, pairs)


# --- What an earlier connection has left ---------------------------------------------------------------------------


async def test_a_copy_with_guests_gets_no_second_one_after_a_reconnect(world: World, ours: Pair) -> None:
    await ours.there(attendees=[{"emailAddress": {"address": "bride@example.org", "name": "Bride"}}])
    await world.settle()
    mails = len(await world.outlook.sent())
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}

    await world.connect()
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    assert (await world.mapping_of(ours.wedsync_id)).outlook_id == ours.outlook_id
    await reconcile(world)
    assert {item["id"] for item in await world.outlook.events()} == {ours.outlook_id}
    assert len(await world.outlook.sent()) == mails


async def test_all_copies_that_a_dead_grant_left_are_taken_up(world: World) -> None:
    await season(world)
    before = await ids(world)
    world.entra.revoked.add(world.integration_id)
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    world.entra.revoked.clear()
    assert await ids(world) == before

    await world.connect()
    await world.change_integration(preferences=Preferences(sync_travel_time=True))
    await world.sync()
    await world.assert_equal()
    events, items = await ids(world)
    assert events == before[0]
    assert len(items) == len(before[1])
    assert len(items - before[1]) == 2, "blocks, which a new connection does not show at first"


async def test_copies_removed_at_a_disconnect_are_made_anew(world: World, ours: Pair) -> None:
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    assert await world.outlook.events() == []
    await world.connect()
    await world.assert_equal()
    assert len(await world.outlook.events()) == 1


async def test_an_event_brought_back_in_wedsync_gets_a_new_copy(world: World, ours: Pair) -> None:
    """Its id made a copy once, whose transactionId Graph still knows."""
    event = await world.wedsync.read(ours.wedsync_id)
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    assert await world.outlook.events() == []
    await world.wedsync.add("Tasting", id=event["id"])
    await world.settle()
    await world.assert_equal()
    (mapping,) = await world.mappings()
    assert (mapping.state, mapping.generation) == (MappingState.LINKED, 2)
    (item,) = await world.outlook.events()
    assert item["transactionId"] == transaction_id(mapping.mapping_id, 2)
    assert await world.open_conflicts() == ()


async def test_a_run_brings_it_back_as_well(world: World, ours: Pair) -> None:
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    await world.wedsync.add("Tasting", id=ours.wedsync_id)
    await world.quiet()
    world.post.clear()
    run = await world.sync(RunKind.INCREMENTAL)
    assert (run.state, run.tally.created, run.tally.errors) == (RunState.COMPLETED, 1, 0)
    await world.assert_equal()
    assert await world.open_conflicts() == ()


async def test_an_untouched_table_costs_nothing_to_look_through(world: World) -> None:
    await season(world)
    await world.advance(**{"hours": timedelta(days=1) / timedelta(hours=1)})
    await reconcile(world)
    await world.outlook.requests()
    run = await reconcile(world)
    assert run.tally.repaired == 0
    asked = await world.outlook.requests()
    assert len(asked) <= 2, "what is new, and one page of all"
