"""The channel from Outlook is lost in four ways. Nothing stays unseen for longer than the safety sync takes.

The bound: 15 minutes after the last sign of life a run is due, within a minute the timer hands it out. So once the
clock is 16 minutes on, the edit that nobody was told of arrives with no further help, and the channel after it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from local.stand import Stand
from tests.journeys.evidence import queued, subscriptions_of
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

BOUND = timedelta(minutes=16)


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A way to lose the channel, and the time by which it is to be found: the bound, or a long time away."""

    name: str
    happens: Callable[[Planner], Awaitable[None]]
    then: timedelta = BOUND


async def control(planner: Planner, method: str, path: str, body: object = None) -> None:
    (await planner.http.request(method, f"{planner.urls.graph}/_control/{path}", json=body)).raise_for_status()


async def removed_with_a_word(planner: Planner) -> None:
    await control(planner, "POST", "lifecycle", {"event": "subscriptionRemoved"})


async def removed_without_a_word(planner: Planner) -> None:
    for each in await subscriptions_of(planner):
        await control(planner, "DELETE", f"subscriptions/{each['id']}")


async def muted(planner: Planner) -> None:
    """Delivery stops, and the notice that asks for a new authorization is lost like the rest."""
    await control(planner, "POST", "faults", {"action": "lose"})
    await control(planner, "POST", "lifecycle", {"event": "reauthorizationRequired", "pause": True})
    await planner.deliveries_done()
    await planner.no_faults()


async def nothing(_: Planner) -> None:
    """It runs out by itself while the service is away."""


WAYS = (
    Loss(name="removed with a word", happens=removed_with_a_word),
    Loss(name="removed without a word", happens=removed_without_a_word),
    Loss(name="muted", happens=muted),
    Loss(name="run out", happens=nothing, then=timedelta(days=8)),
)


async def seen(planner: Planner, subject: str) -> None:
    async def there() -> bool:
        return subject in {event["title"] for event in await planner.wedsync_events()}

    await eventually(there, f"{subject} is in WedSync")


async def add(planner: Planner, subject: str) -> None:
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    start, end = (f"{day}T{hour}:00:00" for hour in ("10", "11"))
    await planner.add_in_outlook(
        subject=subject,
        start={"dateTime": start, "timeZone": "UTC"},
        end={"dateTime": end, "timeZone": "UTC"},
    )


async def test_a_lost_subscription_comes_back_and_nothing_stays_unseen(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"

    for way in WAYS:
        await rose.deliveries_done()

        async def rests() -> bool:
            return await queued(stand) == 0

        await eventually(rests, "nothing is under way")
        await way.happens(rose)
        await add(rose, f"Meanwhile, {way.name}")
        stand.advance(way.then)
        await seen(rose, f"Meanwhile, {way.name}")

        async def healed() -> bool:
            status = (await rose.status())["webhookStatus"]
            alive = {each["id"] for each in await subscriptions_of(rose) if not each["expired"] and not each["paused"]}
            assert alive == {status["subscriptionId"]}
            return bool(status["isActive"])

        await add(rose, f"Next, {way.name}")  # told of, or found; and the one after it is told of in any case
        await eventually(healed, f"the channel is back after it was {way.name}")
        await add(rose, f"After, {way.name}")
        await seen(rose, f"After, {way.name}")

    await eventually(lambda: both_equal(rose), "both sides are equal, nothing twice")
    assert await rose.outbox() == []
