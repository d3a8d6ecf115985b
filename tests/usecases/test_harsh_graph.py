"""The whole service on a Graph that is as unfriendly as the evidence allows, one knob at a time and all together."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from local.simkit.people import PLANNERS
from shared.core.states import IntegrationState
from tests.support import entra
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
    "tiny-pages": {"deltaMostPerPage": 1},
    "all-of-delta": {
        "deltaShuffle": 3,
        "deltaReplay": 9,
        "deltaEmptyPages": True,
        "deltaOccurrenceTombstones": True,
        "deltaMostPerPage": 1,
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
    await _live_through(season)


EVERYTHING = DELTA["all-of-delta"] | {
    "allDayShowAs": "free",
    "originalStart": True,
    "duplicateTransactionStatus": 409,
    "spurious412": 2,
    "concurrentItemSave": 2,
    "joinUrlReads": 2,
    "concurrentRequests": 2,
    "concurrencyStatus": 503,
    "retryAfterSeconds": 3.0,
    "latencySeconds": 0.1,
    "notifyExtraUpdates": 2,
    "visibilitySeconds": 20.0,
    "visibilitySeed": 11,
    "listAllCalendars": True,
}


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_a_season_survives_everything_at_once(world: World, heard: bool) -> None:
    season = Season(world=world, heard=heard)
    await season.stock()
    await world.outlook.knobs(**EVERYTHING)
    await _live_through(season)


@pytest.mark.parametrize("seed", range(1, 9))
async def test_a_season_survives_lists_that_lag(world: World, seed: int) -> None:
    season = Season(world=world, heard=seed % 2 == 0)
    await season.stock()
    await world.outlook.knobs(visibilitySeconds=90.0, visibilitySeed=seed, deltaShuffle=seed)
    await _live_through(season, wait=timedelta(seconds=100))


async def test_a_personal_account_survives() -> None:
    async with World(planner=PLANNERS[1]) as world:
        season = Season(world=world)
        await season.stock()
        await world.outlook.knobs(emptyTenantId=True, lifecycleForPersonal=True, **DELTA["all-of-delta"])
        await _live_through(season)


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize(
    ("status", "code", "location"),
    [
        (410, "SyncStateNotFound", False),
        (410, "syncStateNotFound", True),
        (410, "resyncRequired", True),
        (410, "fullSyncRequired", False),
        (410, "Gone", False),
        (400, "SyncStateInvalid", False),
        (404, "SyncStateNotFound", False),
    ],
)
async def test_an_expired_token_costs_a_reading_and_nothing_else(
    world: World, status: int, code: str, location: bool, heard: bool
) -> None:
    season = Season(world=world, heard=heard)
    await season.stock()
    await world.outlook.knobs(goneStatus=status, goneCode=code, goneLocation=location, deltaShuffle=4)
    await world.connect()
    await world.outlook.expire_delta()
    await season.edit()
    await season.drain()
    await season.assert_edited()

    await season.delete()
    await world.outlook.expire_delta()
    await season.drain()
    await season.assert_at_rest()


# --- Subscriptions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [4230, 1440])
@pytest.mark.parametrize("refused", [True, False], ids=["refused", "clipped"])
async def test_a_shorter_subscription_is_good_enough(world: World, most: int, refused: bool) -> None:
    await world.outlook.knobs(maxSubscriptionMinutes=most, refuseLongSubscriptions=refused)
    await world.connect()
    assert len(await world.outlook.subscriptions()) == 1
    for day in range(1, 11):
        await world.advance(hours=20)
        await world.timers()
        await world.settle()
        await world.outlook.add(f"Visit {day}")
        await world.quiet()
        assert world.post, "nobody was told"
        await world.settle()
        await world.assert_equal()


async def test_a_pause_for_an_old_token_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.entra.access_token

    async def of_one_hour(integration_id: str, *, refused: str = "") -> str:
        claims = jwt.decode(await real(integration_id), options={"verify_signature": False})
        claims["exp"] = int(world.clock.timestamp()) + 3600
        return jwt.encode(claims, entra._KEY, algorithm="RS256", headers={"kid": "test"})

    monkeypatch.setattr(world.entra, "access_token", of_one_hour)
    await world.outlook.knobs(pauseWhenTokenExpires=True)
    await world.connect()
    await world.advance(hours=2)

    await world.outlook.add("Dentist")
    await world.settle()

    await world.assert_equal()
    (subscription,) = await world.outlook.subscriptions()
    assert not subscription["paused"]


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_a_mailbox_that_is_off_for_a_while_loses_nothing(world: World, heard: bool) -> None:
    season = Season(world=world, heard=heard)
    await season.stock()
    await world.connect()
    await world.outlook.knobs(mailboxNotEnabled=world.planner.account.upn)
    await season.edit()
    await world.settle()
    await world.timers()
    await world.settle()
    integration = await world.integration()
    assert integration.state is IntegrationState.NEEDS_RECONNECT
    assert integration.reason

    await world.outlook.knobs(mailboxNotEnabled="")
    await world.connect()
    await season.drain()
    await season.assert_edited()
    await season.delete()
    await season.drain()
    await season.assert_at_rest()


async def _live_through(season: Season, wait: timedelta = timedelta(seconds=30)) -> None:
    await season.world.connect()
    await season.drain(wait=wait)
    await season.assert_equal()
    await season.edit()
    await season.drain(wait=wait)
    await season.assert_edited()
    await season.delete()
    await season.drain(wait=wait)
    await season.assert_at_rest()


async def test_a_calendar_that_gets_another_id_stops_the_connection_and_harms_nothing(world: World) -> None:
    """Finding it again is for the calendar that the service makes itself; any other is chosen anew."""
    await world.outlook.knobs(calendarIdChangeSeconds=600.0)
    headers = {"Authorization": f"Bearer {entra.graph_token(world.planner.account)}", "Prefer": 'IdType="ImmutableId"'}
    url = "https://graph.test/v1.0/me/calendars"
    made = (await world.outlook.http.post(url, json={"name": "WedSync"}, headers=headers)).json()
    await world.connect()
    await world.change_integration(calendar_id=made["id"], delta_link="")
    for title in ("Tasting", "Fitting", "Rehearsal"):
        await world.wedsync.add(title)
    await world.sync()
    kept = [item["calendarName"] for item in await world.outlook.events()]
    assert kept == ["WedSync"] * 3

    await world.advance(minutes=20)
    await world.wedsync.add("Fourth")
    await world.settle()
    await world.timers()
    await world.settle()

    integration = await world.integration()
    assert (integration.state, bool(integration.reason)) == (IntegrationState.NEEDS_RECONNECT, True)
    assert [item["calendarName"] for item in await world.outlook.events()] == kept
    assert len(await world.wedsync.events()) == 4
    assert await world.open_conflicts() == ()
