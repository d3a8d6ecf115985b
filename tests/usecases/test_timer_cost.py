"""What a tick of a timer asks of storage: of what is due, pages and messages; of what is not, nothing."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.core.stagger import share_of
from shared.ports import Due
from shared.usecases.due_kinds import CHECK, RECONCILE, RENEWAL, SAFETY
from tests.support import values
from tests.support.world import SETTINGS, World

INTEGRATIONS = 10_000
PAGE = 1000
"""Entities in an answer of Table Storage at most:
https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""

TURNS = 50
"""Integrations in a message."""


async def entered(world: World, kind: str, span: timedelta) -> None:
    """Ten thousand integrations, whose turns come spread over the span."""
    now = world.clock.now()
    for number in range(INTEGRATIONS):
        name = f"integration-{number}"
        await world.ports.due.put(Due(kind=kind, integration_id=name, at=now + share_of(name, span)))
    world.steps.names.clear()


def asked(world: World) -> Counter[str]:
    """What was asked of storage since the last look."""
    found = Counter(name.removeprefix("before ") for name in world.steps.names if name.startswith("before"))
    world.steps.names.clear()
    return found


async def test_a_minutes_safety_tick_of_ten_thousand(world: World) -> None:
    """15 minutes hold 10,000 turns, so 667 come up in a minute."""
    await entered(world, SAFETY, timedelta(minutes=SETTINGS.safety_sync_minutes))
    await world.advance(minutes=1)
    await world.app.enqueue_due.safety_runs()
    asked(world)
    await world.advance(minutes=1)

    count = await world.app.enqueue_due.safety_runs()
    assert 500 < count < 850
    found = asked(world)
    assert found.pop("query OutlookDue") <= 2, "the minute before is in sight, whose turns nobody has taken yet"
    assert found.pop("put outlook-upkeep-jobs") <= math.ceil(count / TURNS) + 1
    assert found == {"get OutlookDue": 1, "upsert OutlookDue": 1}


async def test_when_all_ten_thousand_are_due_at_once(world: World) -> None:
    """As after an outage: read page by page, and handed out fifty to a message."""
    await entered(world, SAFETY, timedelta(minutes=SETTINGS.safety_sync_minutes))
    await world.advance(hours=1)
    assert await world.app.enqueue_due.safety_runs() == INTEGRATIONS
    found = asked(world)
    assert found.pop("query OutlookDue") == INTEGRATIONS / PAGE
    assert found.pop("put outlook-upkeep-jobs") == INTEGRATIONS / TURNS
    assert found == {"get OutlookDue": 1, "upsert OutlookDue": 1}

    await world.advance(minutes=1)
    assert await world.app.enqueue_due.safety_runs() == 0, "their messages wait; they are not handed out twice"
    assert asked(world).total() <= 2 + 1 + INTEGRATIONS / PAGE


@pytest.mark.parametrize(
    ("kind", "tick"),
    [
        (SAFETY, lambda world: world.app.enqueue_due.safety_runs()),
        (RECONCILE, lambda world: world.app.enqueue_due.reconciliations()),
        (RENEWAL, lambda world: world.app.enqueue_due.renewals()),
        (CHECK, lambda world: world.app.enqueue_due.renewals()),
    ],
)
async def test_what_is_not_due_costs_nothing(world: World, kind: str, tick: Callable[[World], Awaitable[int]]) -> None:
    await entered(world, kind, timedelta(days=7))
    await world.advance(seconds=-1 + 60)
    await tick(world)
    asked(world)
    await world.advance(seconds=30)
    assert await tick(world) == 0
    found = asked(world)
    assert found.keys() == {"get OutlookDue", "query OutlookDue"}
    assert found.total() <= 4


async def test_a_turn_costs_the_same_however_many_there_are(world: World) -> None:
    """What the workers of the queue do for each integration of a message: none of these reads a list."""
    await world.ports.integrations.insert(values.integration(integration_id="integration-7", user_id="u"))
    await entered(world, SAFETY, timedelta(minutes=1))
    await world.advance(minutes=1)
    await world.app.enqueue_due.safety_runs()
    message = next(each for each in world.queue.kept if '"integration-7"' in each.text)
    asked(world)
    await world.run_job(message.text)
    found = asked(world)
    assert found.total() <= TURNS * 5 + 10, "four for one that is no more, and its run for the one that is"
    assert found["put outlook-run-jobs"] == 1
