"""Series that are moved, deleted, made of a single event, and made a single event again."""

from typing import Any

import pytest

from shared.core.event import Side
from tests.support.calendars import at
from tests.support.pair import Pair
from tests.support.world import World
from tests.usecases.season import CHOIR, WALK, ZONE, Season

TWICE = {
    "recurrence": {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 2, "recurrenceTimeZone": "UTC"},
    },
    "start": at("2026-08-04T14:00:00"),
    "end": at("2026-08-04T15:00:00"),
}


@pytest.fixture(params=[True, False], ids=["heard", "unheard"])
async def season(world: World, request: pytest.FixtureRequest) -> Season:
    return Season(world=world, heard=request.param)


async def choir(season: Season, **members: Any) -> str:
    times = {"start": at("2026-08-04T19:00:00", ZONE), "end": at("2026-08-04T21:00:00", ZONE)}
    item = await season.world.outlook.add("Choir", recurrence=CHOIR, **(times | members))
    await season.world.connect()
    assert len(await season.world.wedsync.events()) == 6
    return str(item["id"])


async def test_a_deleted_series_is_deleted(season: Season) -> None:
    await season.world.outlook.remove(await choir(season))
    await season.drain()
    assert await season.world.wedsync.events() == []
    assert await season.world.mappings() == []


async def test_a_series_that_is_moved_away_asks_and_may_come_back(season: Season) -> None:
    series = await choir(season)
    await season.world.outlook.move(series)
    await season.drain()
    assert len(await season.world.wedsync.events()) == 6
    assert [each.absent for each in await season.world.open_conflicts()] == [Side.OUTLOOK] * 6

    await season.world.outlook.move(series, "Calendar")
    await season.drain()
    assert await season.world.open_conflicts() == ()
    await season.assert_at_rest()


async def test_a_series_at_another_time_moves_as_a_whole(season: Season) -> None:
    series = await choir(season)
    await season.world.outlook.change(
        series, start=at("2026-08-04T20:00:00", ZONE), end=at("2026-08-04T22:00:00", ZONE)
    )
    await season.drain()
    assert {event["start"][11:] for event in await season.world.wedsync.events()} == {"20:00:00"}
    await season.assert_at_rest()


async def test_a_series_cut_short_loses_what_comes_after(season: Season) -> None:
    series = await choir(season)
    limits = {"type": "endDate", "startDate": "2026-08-04", "endDate": "2026-08-20", "recurrenceTimeZone": ZONE}
    await season.world.outlook.change(series, recurrence=CHOIR | {"range": limits})
    await season.drain()
    left = sorted(event["start"][:10] for event in await season.world.wedsync.events())
    assert left == ["2026-08-04", "2026-08-11", "2026-08-18"]
    assert await season.world.open_conflicts() == ()
    await season.assert_at_rest()


async def test_an_hour_stays_the_hour_when_the_clocks_are_put_back(season: Season) -> None:
    """Berlin's summer time ends on 25 October 2026: seven in the evening is 17:00 UTC before and 18:00 UTC after."""
    first = {"start": at("2026-10-20T19:00:00", ZONE), "end": at("2026-10-20T21:00:00", ZONE)}
    limits = CHOIR["range"] | {"startDate": "2026-10-20", "numberOfOccurrences": 2}
    item = await season.world.outlook.add("Choir", recurrence=CHOIR | {"range": limits}, **first)
    season.there["Choir"] = str(item["id"])
    await season.world.connect()
    assert await clocks(season) == [("2026-10-20T19:00:00", "Europe/Berlin"), ("2026-10-27T19:00:00", "Europe/Berlin")]
    assert await instants(season) == ["2026-10-20T17:00", "2026-10-27T18:00"]

    for day, hour in (("2026-10-20", "T20:00:00"), ("2026-10-27", "T17:00:00")):
        imported = await season.import_of_day("Choir", day)
        await season.world.wedsync.change(imported, start=f"{day}{hour}", end=f"{day}T22:00:00")
    await season.drain()
    assert await instants(season) == ["2026-10-20T18:00", "2026-10-27T16:00"]
    await season.assert_at_rest()


async def clocks(season: Season) -> list[tuple[str, str]]:
    return sorted((event["start"], event["timeZone"]) for event in await season.world.wedsync.events())


async def instants(season: Season) -> list[str]:
    """Return when Outlook says that the occurrences begin, in UTC."""
    view = await season.world.outlook.view("2026-06-01", "2026-12-31")
    assert {item["start"]["timeZone"] for item in view} == {"UTC"}
    return sorted(str(item["start"]["dateTime"])[:16] for item in view)


@pytest.mark.parametrize("keep", [True, False], ids=["exceptions kept", "exceptions dropped"])
async def test_a_series_with_another_pattern_is_read_anew(season: Season, keep: bool) -> None:
    await season.world.outlook.knobs(keepExceptions=keep)
    series = await choir(season, _exceptions=[{"originalDate": "2026-08-11", "subject": "Choir in the mill"}])
    wednesdays = CHOIR["pattern"] | {"daysOfWeek": ["wednesday"]}
    limits = CHOIR["range"] | {"startDate": "2026-08-05", "numberOfOccurrences": 4}
    await season.world.outlook.change(
        series,
        recurrence={"pattern": wednesdays, "range": limits},
        start=at("2026-08-05T19:00:00", ZONE),
        end=at("2026-08-05T21:00:00", ZONE),
    )
    await season.drain()
    await season.assert_at_rest()


async def test_their_event_that_becomes_a_series_comes_in_as_its_occurrences(season: Season) -> None:
    item = await season.world.outlook.add("Walk")
    await season.world.connect()
    await season.world.outlook.change(item["id"], **TWICE)
    await season.drain()
    assert [event["title"] for event in await season.world.wedsync.events()] == ["Walk"] * 2
    await season.assert_at_rest()


async def test_a_series_that_becomes_a_single_event_comes_in_as_that(season: Season) -> None:
    item = await season.world.outlook.add(
        "Walk", recurrence=WALK, start=at("2026-09-01T06:00:00"), end=at("2026-09-01T07:00:00")
    )
    await season.world.connect()
    await season.world.outlook.change(item["id"], recurrence=None)
    await season.drain()
    assert [event["title"] for event in await season.world.wedsync.events()] == ["Walk"]
    await season.assert_at_rest()


async def test_our_copy_that_becomes_a_series_asks_and_is_never_written_as_a_whole(world: World, ours: Pair) -> None:
    await ours.there(**TWICE)
    await ours.here(title="Tasting of cakes")
    await world.settle()
    await world.sync()

    view = await world.outlook.view("2026-06-01", "2026-12-31")
    assert {item["subject"] for item in view} == {"WedSync: Tasting"}
    (conflict,) = await world.open_conflicts()
    assert conflict.absent is Side.OUTLOOK
    assert (await world.wedsync.read(ours.wedsync_id))["title"] == "Tasting of cakes"


async def test_what_was_our_copy_is_theirs_once_it_is_a_series_without_our_event(world: World, ours: Pair) -> None:
    await ours.there(**TWICE)
    await world.wedsync.remove(ours.wedsync_id)
    await world.settle()
    await world.sync()

    assert [event["title"] for event in await world.wedsync.events()] == ["WedSync: Tasting"] * 2
    assert {event["source"] for event in await world.wedsync.events()} == {"outlook"}
    assert len(await world.outlook.events()) == 1


async def test_what_graph_refuses_stays_set_aside_while_the_other_side_alone_is_seen(season: Season) -> None:
    await choir(season)
    first, second = sorted(await season.world.wedsync.events(), key=lambda event: str(event["start"]))[:2]
    await season.world.wedsync.change(second["id"], start="2026-07-02T10:00:00", end="2026-07-02T11:00:00")
    await season.drain()
    assert "ErrorOccurrenceCrossingBoundary" in (await season.world.mapping_of(second["id"])).quarantine

    outlook_id = str((await season.world.mapping_of(first["id"])).outlook_id)
    await season.world.outlook.change(outlook_id, subject="Choir, first of all")  # all of the series is read again
    await season.drain()
    assert "ErrorOccurrenceCrossingBoundary" in (await season.world.mapping_of(second["id"])).quarantine

    await season.world.wedsync.change(second["id"], start="2026-08-12T10:00:00", end="2026-08-12T11:00:00")
    await season.drain()
    await season.assert_at_rest()
