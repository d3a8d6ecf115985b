"""The channel on which Outlook tells us of changes: however it is lost, it comes back, and nothing stays unseen.

How long something may stay unseen is the safety interval, a tick of its timer, and the seconds of a run.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from local.simkit.people import PLANNERS, Planner
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.states import IntegrationState
from shared.core.subscription import Subscription
from shared.store.rows import Table
from shared.usecases.report_status import SyncStatus
from tests.support.world import SETTINGS, World

STALE = timedelta(minutes=SETTINGS.safety_sync_minutes + 1, seconds=30)
"""15 minutes without a sign of life, at most one minute until the timer fires, and the run itself."""

TICK = timedelta(minutes=1)


async def subscription(world: World) -> Subscription:
    (row,) = await world.ports.rows.of_integration(world.integration_id)
    return row.value


async def at_graph(world: World) -> list[str]:
    return [each["id"] for each in await world.outlook.subscriptions() if not each["expired"]]


async def status(world: World) -> SyncStatus:
    return await world.app.report_status.run(world.planner.user_id)


async def tick(world: World) -> None:
    """A minute goes by: the timers fire, and what they have handed out is done."""
    await world.advance(minutes=1)
    await world.timers()
    await world.settle(within=timedelta(seconds=20))


async def seen_after(world: World, subject: str) -> timedelta:
    """Add an event in Outlook and let the minutes go by until WedSync has it; return how long that took."""
    await world.outlook.add(subject)
    began = world.clock.now()
    await world.settle(within=timedelta(0))
    while subject not in {event["title"] for event in await world.wedsync.events()}:
        assert world.clock.now() - began < timedelta(hours=2), f"{subject} is never seen"
        await tick(world)
    return world.clock.now() - began


async def told_at_once(world: World, subject: str) -> None:
    """The channel works: what happens is seen with no timer at all."""
    await world.outlook.add(subject)
    await world.settle(within=timedelta(seconds=20))
    assert subject in {event["title"] for event in await world.wedsync.events()}


# --- Lost in each of four ways -----------------------------------------------------------------------------------


async def removed_with_a_word(world: World) -> None:
    await world.outlook.lifecycle("subscriptionRemoved")


async def removed_without_a_word(world: World) -> None:
    await world.outlook.end_subscription((await subscription(world)).subscription_id)


async def ended_while_we_were_away(world: World) -> None:
    await world.advance(days=8)


async def muted(world: World) -> None:
    """Graph has it, and delivers nothing: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/3381"""
    await world.outlook.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True})
    await world.quiet()
    world.post.clear()


@pytest.mark.parametrize("lose", [removed_with_a_word, removed_without_a_word, ended_while_we_were_away, muted])
async def test_a_lost_subscription_heals_and_nothing_stays_unseen(
    world: World, lose: Callable[[World], Awaitable[None]]
) -> None:
    await world.connect()
    await told_at_once(world, "Before")
    await lose(world)

    assert await seen_after(world, "Meanwhile") <= STALE

    for hour in range(26):  # at the latest the daily comparison finds it; a muted one is noticed when it misses again
        for _ in range(12):
            await world.advance(minutes=5)
            await world.timers()
            await world.settle(within=timedelta(seconds=20))
        if hour in (3, 9):
            assert await seen_after(world, f"Hour {hour}") <= STALE
    await told_at_once(world, "After")
    assert await at_graph(world) == [(await subscription(world)).subscription_id]
    assert (await status(world)).channel_works
    await world.assert_equal()


@pytest.mark.parametrize("variant", [False, True])
async def test_what_went_unnoticed_while_there_was_none_is_caught_up_with_at_once(world: World, variant: bool) -> None:
    """``subscriptionRemoved``, in both forms of its payload: a new subscription, then a run."""
    await world.connect()
    lost = await subscription(world)
    await world.outlook.add("Meanwhile")
    await world.quiet()
    world.post.clear()
    await world.outlook.control("POST", "/lifecycle", {"event": "subscriptionRemoved", "variant": variant})
    began = world.clock.now()
    await world.settle(within=timedelta(seconds=20))

    assert world.clock.now() - began < timedelta(seconds=20)
    assert (await subscription(world)).subscription_id != lost.subscription_id
    await world.assert_equal()
    assert [run.request.kind for run in await world.runs()] == [RunKind.INCREMENTAL, RunKind.FULL]


@pytest.mark.parametrize("variant", [False, True])
async def test_each_lifecycle_event_is_known_in_both_forms(world: World, variant: bool) -> None:
    await world.connect()
    made = await subscription(world)
    await world.advance(hours=1)
    await world.outlook.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "variant": variant})
    await world.settle(within=timedelta(seconds=20))
    renewed = await subscription(world)
    assert (renewed.subscription_id, len(await world.runs())) == (made.subscription_id, 1)
    assert renewed.expires_at > made.expires_at

    await world.outlook.control("POST", "/lifecycle", {"event": "missed", "variant": variant})
    await world.settle(within=timedelta(seconds=20))
    assert await subscription(world) == renewed
    assert [run.request.kind for run in await world.runs()] == [RunKind.FULL, RunKind.FULL]


# --- 404, 410 and 409 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status_code", [404, 410])
async def test_one_that_graph_does_not_know_any_more_is_made_anew(world: World, status_code: int) -> None:
    await world.connect()
    lost = (await subscription(world)).subscription_id
    await world.outlook.end_subscription(lost)
    await world.outlook.fault(
        action="status", path="/subscriptions/", method="PATCH", status=status_code, code="ResourceNotFound", count=1
    )
    await world.outlook.add("Meanwhile")
    await world.quiet()
    world.post.clear()
    await world.advance(days=5, hours=23)
    await world.app.enqueue_due.renewals()
    await world.settle(within=timedelta(minutes=1))

    assert await at_graph(world) == [(await subscription(world)).subscription_id] != [lost]
    assert "Meanwhile" in {event["title"] for event in await world.wedsync.events()}, "a run has caught up"
    assert (await world.runs())[0].request.kind is RunKind.INCREMENTAL


# --- The daily comparison ----------------------------------------------------------------------------------------


async def check(world: World) -> None:
    await world.advance(days=1)
    await world.app.enqueue_due.renewals()
    await world.settle(within=timedelta(minutes=1))


async def test_once_a_day_ours_are_compared_with_graphs(world: World) -> None:
    await world.connect()
    await world.outlook.requests()
    for _ in range(3):
        await check(world)
        asked = [each for each in await world.outlook.requests() if "subscriptions" in each]
        assert asked == ["GET /v1.0/subscriptions"]


async def test_a_stray_of_ours_is_deleted(world: World) -> None:
    """To another calendar of the mailbox, as an older connection may have left it."""
    await world.connect()
    kept = await subscription(world)
    stray = await one_more(world)
    await check(world)
    assert await at_graph(world) == [kept.subscription_id] != [stray]


async def test_another_deployments_subscription_is_left_alone(world: World) -> None:
    await world.connect()
    kept = await subscription(world)
    foreign = await one_more(world)
    world.graph.subscriptions.kept[foreign].notification_url = "https://staging.test/api/calendar/outlook/webhook"
    await check(world)
    assert await at_graph(world) == [kept.subscription_id, foreign]


async def one_more(world: World) -> str:
    calendar_id = next(each["id"] for each in await world.outlook.calendars() if not each["isDefaultCalendar"])
    end = world.clock.now() + timedelta(days=3)
    made = await world.ports.subscriptions.create(
        world.integration_id, calendar_id=calendar_id, client_state="forgotten", expires_at=end
    )
    return made.subscription_id


async def test_a_renewal_that_was_never_entered_is_entered_again(world: World) -> None:
    """The row was written, and the process died before the list of due things was."""
    await world.connect()
    made = (await subscription(world)).subscription_id
    assert world.tables.lose(Table.DUE, lambda key: made in key) >= 1
    for _ in range(8):
        await check(world)
    assert await at_graph(world) == [made]


async def test_an_end_that_graph_has_moved_is_noted(world: World) -> None:
    await world.connect()
    made = await subscription(world)
    world.graph.subscriptions.kept[made.subscription_id].expires -= timedelta(days=2)
    await check(world)
    assert (await subscription(world)).expires_at == made.expires_at - timedelta(days=2)
    await world.advance(days=2, hours=23)
    await world.app.enqueue_due.renewals()
    await world.settle(within=timedelta(minutes=1))
    assert (await subscription(world)).expires_at > made.expires_at


async def test_a_list_that_is_stale_replaces_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://github.com/microsoftgraph/microsoft-graph-docs/issues/906: it is asked for by itself, and is there."""
    await world.connect()
    made = (await subscription(world)).subscription_id
    monkeypatch.setattr(world.graph.subscriptions, "listed", lambda *_: [])
    await check(world)
    assert await at_graph(world) == [made]


# --- Renewed in passing ------------------------------------------------------------------------------------------


async def test_a_notification_has_a_late_renewal_done(world: World) -> None:
    """The timers have stood still: whatever comes in sees to the subscription, once."""
    await world.connect()
    made = await subscription(world)
    await world.advance(days=6, hours=1)
    await world.outlook.requests()
    for number in range(3):
        await world.outlook.add(f"Dentist {number}")
        await world.settle(within=timedelta(seconds=20))
    asked = await world.outlook.requests()
    assert asked.count(f"PATCH /v1.0/subscriptions/{made.subscription_id}") == 1
    assert (await subscription(world)).expires_at > made.expires_at


# --- Health ------------------------------------------------------------------------------------------------------


async def test_a_silent_channel_is_shown_renewed_and_then_replaced(world: World) -> None:
    await world.connect()
    made = (await subscription(world)).subscription_id
    assert not (await status(world)).renewal_needed
    await drop_notifications(world, True)

    assert await seen_after(world, "First") <= STALE
    shown = await status(world)
    assert (shown.channel_works, shown.renewal_needed) == (False, True)
    assert (await subscription(world)).subscription_id == made

    assert await seen_after(world, "Second") <= STALE
    assert (await subscription(world)).subscription_id != made

    await drop_notifications(world, False)
    await told_at_once(world, "Third")
    shown = await status(world)
    assert (shown.channel_works, shown.renewal_needed) == (True, False)
    await world.assert_equal()


async def drop_notifications(world: World, lost: bool) -> None:
    await world.outlook.clear_faults()
    if lost:
        await world.outlook.fault(action="lose")


async def test_a_doubted_channel_that_delivers_is_trusted_again(world: World) -> None:
    await world.connect()
    await drop_notifications(world, True)
    await seen_after(world, "First")
    await drop_notifications(world, False)
    assert not (await status(world)).channel_works
    await told_at_once(world, "Second")
    assert (await status(world)).channel_works


async def test_a_change_of_the_last_minutes_raises_no_doubt(world: World) -> None:
    """Its notification may be on its way; Graph takes up to three minutes."""
    await world.connect()
    await world.advance(minutes=14)
    await world.outlook.add("Dentist")
    await world.quiet()
    late, world.post[:] = list(world.post), []
    await world.advance(minutes=2)
    await world.timers()
    await world.settle(within=timedelta(seconds=20))
    assert "Dentist" in {event["title"] for event in await world.wedsync.events()}
    assert (await status(world)).channel_works
    world.post[:] = late
    await world.settle(within=timedelta(seconds=20))
    await world.assert_equal()


async def test_our_own_writes_and_edits_in_wedsync_raise_no_doubt(world: World) -> None:
    """What a scheduled run carries to Outlook, and the echo of it, say nothing of Outlook's notifications."""
    await world.connect()
    for number in range(3):
        await world.wedsync.add(f"Tasting {number}")
        await world.quiet()
        world.post.clear()
        for _ in range(17):
            await tick(world)
    assert (await world.runs())[0].request.triggered_by is TriggeredBy.SCHEDULED
    assert (await status(world)).channel_works
    await world.assert_equal()


async def test_a_subscription_that_has_run_out_is_not_called_active(world: World) -> None:
    await world.connect()
    await world.advance(days=8)
    shown = await status(world)
    assert (shown.channel_works, shown.renewal_needed) == (False, True)


# --- Personal accounts -------------------------------------------------------------------------------------------


@pytest.fixture
async def personal() -> AsyncIterator[World]:
    async with World(planner=PERSONAL) as made:
        yield made
        assert made.errors == []


PERSONAL: Planner = PLANNERS[1]


async def test_a_personal_account_needs_no_lifecycle_events(personal: World) -> None:
    """They are not delivered to these: https://github.com/microsoftgraph/microsoft-graph-docs/issues/10449"""
    world = personal
    assert PERSONAL.account.personal
    await world.connect()
    first = await subscription(world)
    for _ in range(30):
        await world.advance(hours=12)
        await world.timers()
        await world.settle(within=timedelta(minutes=1))
    assert (await subscription(world)).subscription_id == first.subscription_id, "renewed by its end alone"
    assert datetime.fromisoformat((await world.outlook.subscriptions())[0]["expirationDateTime"]) > world.clock.now()

    await removed_without_a_word(world)
    assert await seen_after(world, "Meanwhile") <= STALE
    await check(world)
    await told_at_once(world, "After")
    assert (await world.integration()).state is IntegrationState.CONNECTED
