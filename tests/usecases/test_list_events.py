"""The list of mapped events: in which order, and on which day an event is."""

from datetime import date

from shared.core.states import IntegrationState
from shared.triggers.present import mapped_event
from shared.usecases.list_events import EventFilter, EventPage
from tests.support.calendars import at
from tests.support.world import World

NEW_YORK = "America/New_York"


async def listed(world: World, wanted: EventFilter = EventFilter()) -> EventPage:  # noqa: B008 - frozen
    return await world.app.list_events.run(world.planner.user_id, wanted, page=1, page_size=10)


async def evenings(world: World) -> None:
    """A wedding at nine in New York and a walk at eight in Auckland: both are on another day in Greenwich."""
    await world.wedsync.add("Wedding", start="2026-08-05T21:00:00", end="2026-08-05T23:00:00", timeZone=NEW_YORK)
    there = {"start": at("2026-08-07T08:00:00", "New Zealand Standard Time")}
    await world.outlook.add("Walk", **there, end=at("2026-08-07T09:00:00", "New Zealand Standard Time"))
    await world.connect()


async def test_an_event_is_on_the_day_that_its_own_zone_says(world: World) -> None:
    await evenings(world)
    shown = [mapped_event(event, syncing=True) for event in (await listed(world)).events]
    assert [(event.wed_sync_event_title, event.wed_sync_event_date, event.outlook_event_date) for event in shown] == [
        ("Wedding", "2026-08-05", "2026-08-05"),
        ("Walk", "2026-08-07", "2026-08-07"),
    ]


async def test_dates_are_asked_for_by_the_same_days(world: World) -> None:
    await evenings(world)
    for day, expected in ((5, ["Wedding"]), (6, []), (7, ["Walk"])):
        wanted = EventFilter(start=date(2026, 8, day), end=date(2026, 8, day))
        titles = [event.mapping.base_w.title for event in (await listed(world, wanted)).events if event.mapping.base_w]
        assert titles == expected, day


async def test_whether_the_connection_carries_changes_is_said_with_its_events(world: World) -> None:
    await evenings(world)
    assert (await listed(world)).syncing
    await world.change_integration(state=IntegrationState.PAUSED)
    assert not (await listed(world)).syncing
