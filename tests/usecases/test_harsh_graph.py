"""The whole service on a Graph that is as unfriendly as the evidence allows, one knob at a time and all together."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.world import World
from tests.usecases.season import Season

Knobs = dict[str, Any]

DELTA: dict[str, Knobs] = {
    "friendly": {},
    "shuffled": {"deltaShuffle": 7},
    "replayed": {"deltaReplay": 50},
    "empty-pages": {"deltaEmptyPages": True},
    "occurrence-tombstones": {"deltaOccurrenceTombstones": True},
    "no-foreign-tombstones": {"deltaForeignTombstones": False},
    "tiny-pages": {"deltaPageSize": 1},
    "all-of-delta": {
        "deltaShuffle": 3,
        "deltaReplay": 9,
        "deltaEmptyPages": True,
        "deltaOccurrenceTombstones": True,
        "deltaPageSize": 1,
    },
}
EVENTS: dict[str, Knobs] = {
    "every-calendar-listed": {"listAllCalendars": True},
    "original-start": {"originalStart": True},
    "kept-exceptions": {"keepExceptions": True},
    "short-subjects": {"subjectLimit": 14, "trimSubject": True},
    "trimmed-subjects": {"trimSubject": True},
    "free-all-day": {"allDayShowAs": "free"},
    "duplicates-409": {"duplicateTransactionStatus": 409, "duplicateTransactionNamesEvent": True},
    "spurious-412": {"spurious412": 3},
    "concurrent-save": {"concurrentItemSave": 3},
    "late-join-link": {"joinUrlReads": 2},
    "visible-later": {"visibilitySeconds": 20.0, "visibilitySeed": 5},
    "busy-503": {"concurrentRequests": 2, "concurrencyStatus": 503, "retryAfterSeconds": 1.0, "latencySeconds": 0.2},
    "long-waits": {"concurrentRequests": 1, "retryAfterSeconds": 20.0, "latencySeconds": 0.2},
    "more-updates": {"notifyExtraUpdates": 3},
    "empty-tenant": {"emptyTenantId": True},
    "no-answer-reset": {"resetAnswersOnMove": False},
}


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize("knobs", [*DELTA.values(), *EVENTS.values()], ids=[*DELTA, *EVENTS])
async def test_a_season_survives(world: World, knobs: Knobs, heard: bool) -> None:
    season = Season(world=world, heard=heard, subject_limit=knobs.get("subjectLimit", 255))
    await world.outlook.knobs(**{name: knobs[name] for name in ("subjectLimit", "trimSubject") if name in knobs})
    await season.stock()
    await world.outlook.knobs(**knobs)
    wait = timedelta(seconds=30)
    await world.connect()
    await season.drain(wait=wait)
    await season.assert_equal()

    await season.edit()
    await season.drain(wait=wait)
    await season.assert_equal()

    await season.delete()
    await season.drain(wait=wait)
    await season.assert_at_rest()
