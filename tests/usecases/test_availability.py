"""When the planner is free: every calendar of the mailbox, WedSync's own day, the way there, and other people."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from local.simkit.people import IVY, PLANNERS
from shared.core.availability import Engagement, Span, WorkingHours
from shared.core.event import Field
from shared.core.integration import CalendarInfo, Direction, ImportOutlookEvents, OnOutlookDelete, Preferences
from shared.errors import NotFound, Unprocessable
from shared.ports import Outlook, Schedules
from shared.usecases.find_availability import Availability
from shared.wedsync.events import WedSyncApi
from tests.support.calendars import OutlookCalendar, at
from tests.support.world import World

MONDAY, SATURDAY = date(2026, 8, 3), date(2026, 8, 8)
ZONE = ZoneInfo("Europe/London")


async def ask(world: World, day: date = MONDAY, *people: str, minutes: int = 60) -> Availability:
    return await world.app.find_availability.run(world.planner.user_id, day, timedelta(minutes=minutes), people)


def shown(spans: tuple[Span, ...], zone: ZoneInfo = ZONE) -> list[str]:
    return [f"{each.start.astimezone(zone):%H:%M}-{each.end.astimezone(zone):%H:%M}" for each in spans]


async def busy(world: World, start: str, end: str, **members: Any) -> dict[str, Any]:
    zone = "GMT Standard Time"
    times = {"start": at(f"2026-08-03T{start}:00", zone), "end": at(f"2026-08-03T{end}:00", zone)}
    return await world.outlook.add(f"{start} to {end}", **(times | members))


@pytest.fixture(params=[0, 1], ids=["work", "personal"])
async def anybody(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A work account, for which Graph tells free and busy times, and a personal one, for which it does not."""
    async with World(planner=PLANNERS[request.param]) as world:
        await world.connect()
        if request.param:
            hours = {"start": "08:00", "end": "17:00", "zone": "GMT Standard Time"}
            await world.outlook.working_hours("monday", "tuesday", **hours)
        yield world
        assert await world.outlook.sent() == []


async def test_working_hours_less_what_is_taken(anybody: World) -> None:
    await busy(anybody, "09:00", "10:30")
    await busy(anybody, "13:15", "14:00")
    found = await ask(anybody)
    assert shown(found.working) == ["08:00-17:00"]
    assert shown(found.free) == ["08:00-09:00", "10:30-13:15", "14:00-17:00"]
    assert shown(found.slots)[:4] == ["08:00-09:00", "10:30-11:30", "11:00-12:00", "11:30-12:30"]
    assert "14:00-15:00" in shown(found.slots)


@pytest.mark.parametrize(
    ("show_as", "taken"),
    [("busy", True), ("oof", True), ("tentative", True), ("free", False), ("workingElsewhere", False)],
)
async def test_what_shows_as_free_takes_no_time(anybody: World, show_as: str, taken: bool) -> None:
    await busy(anybody, "09:00", "12:00", showAs=show_as)
    assert (shown((await ask(anybody)).free) == ["08:00-09:00", "12:00-17:00"]) is taken


async def test_every_calendar_of_the_mailbox_counts(anybody: World) -> None:
    made = await anybody.outlook.control("POST", f"{anybody.outlook._box}/calendars", {"name": "Family"})
    item = await busy(anybody, "10:00", "16:00")
    await anybody.outlook.move(item["id"], made["id"])
    assert shown((await ask(anybody)).free) == ["08:00-10:00", "16:00-17:00"]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Outlook in which one calendar of the list is somebody else's, who has shared it. The simulator has none."""

    outlook: Outlook
    name: str

    async def calendars(self, integration_id: str) -> tuple[CalendarInfo, ...]:
        found = await self.outlook.calendars(integration_id)
        return tuple(replace(each, owner_address=IVY.upn) if each.name == self.name else each for each in found)


async def test_what_somebody_else_has_shared_is_not_ones_own_time(anybody: World) -> None:
    made = await anybody.outlook.control("POST", f"{anybody.outlook._box}/calendars", {"name": "Ivy"})
    item = await busy(anybody, "10:00", "16:00")
    await anybody.outlook.move(item["id"], made["id"])
    shared = cast(Outlook, Shared(outlook=anybody.ports.outlook, name="Ivy"))
    find = replace(anybody.app.find_availability, outlook=shared)
    assert shown((await find.run(anybody.planner.user_id, MONDAY, timedelta(hours=1))).free) == ["08:00-17:00"]


async def test_an_occurrence_of_a_series_takes_its_time(anybody: World) -> None:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}
    limits = {"type": "numbered", "startDate": "2026-07-20", "numberOfOccurrences": 5}
    times = {
        "start": at("2026-07-20T09:00:00", "GMT Standard Time"),
        "end": at("2026-07-20T12:00:00", "GMT Standard Time"),
    }
    await anybody.outlook.add("Choir", recurrence={"pattern": pattern, "range": limits}, **times)
    assert shown((await ask(anybody)).free) == ["08:00-09:00", "12:00-17:00"]


async def test_a_holiday_takes_the_day(anybody: World) -> None:
    zone = "GMT Standard Time"
    days = {"start": at("2026-08-03T00:00:00", zone), "end": at("2026-08-04T00:00:00", zone)}
    await anybody.outlook.add("Holiday", isAllDay=True, showAs="oof", **days)
    found = await ask(anybody)
    assert (shown(found.working), found.free, found.slots) == (["08:00-17:00"], (), ())


async def test_a_weekend_has_no_hours_and_costs_one_question(anybody: World) -> None:
    await anybody.outlook.requests()
    found = await ask(anybody, SATURDAY)
    assert found.working == found.free == found.slots == ()
    assert await anybody.outlook.requests() == ["GET /v1.0/me/mailboxSettings"]


async def test_the_way_to_an_event_is_not_free_whether_it_is_shown_in_outlook_or_not(anybody: World) -> None:
    event = await anybody.wedsync.add("Visit", **wedsync("12:00", "13:00"), travelMinutes=90)
    await anybody.settle()
    mapping = await anybody.mapping_of(event["id"])
    assert shown((await ask(anybody)).free) == ["08:00-10:30", "13:00-17:00"]
    await anybody.change_integration(preferences=Preferences(sync_travel_time=True))
    await anybody.sync()
    assert shown((await ask(anybody)).free) == ["08:00-10:30", "13:00-17:00"]
    await anybody.outlook.change(str(mapping.outlook_id), showAs="free")
    assert shown((await ask(anybody)).free) == ["08:00-10:30", "12:00-17:00"], "its owner says so in Outlook"


async def test_the_way_to_what_begins_after_midnight_begins_before_it(world: World) -> None:
    await world.connect()
    await world.outlook.working_hours("monday", start="18:00", end="23:30", zone="GMT Standard Time")
    night = {"start": "2026-08-04T00:30:00", "end": "2026-08-04T02:00:00", "timeZone": "Europe/London"}
    await world.wedsync.add("Sparklers", **night, travelMinutes=180)
    await world.settle()
    assert shown((await ask(world)).free) == ["18:00-21:30"]


async def test_what_began_days_ago_is_still_at_it(world: World) -> None:
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    days = {"start": "2026-08-01T09:00:00", "end": "2026-08-03T12:00:00", "timeZone": "Europe/London"}
    await world.wedsync.add("Fair", **days)
    await world.settle()
    assert shown((await ask(world)).free) == ["12:00-17:00"]


async def test_the_last_of_many_events_takes_its_time_too(world: World) -> None:
    """WedSync tells of them page by page."""
    await world.connect()
    await world.change_integration(preferences=Preferences(sync_client_meetings=False))
    for hour in range(9, 14):
        await world.wedsync.add("Tasting", **wedsync(f"{hour:02}:00", f"{hour:02}:50"))
    await world.settle()
    paged = replace(world.app.find_availability, wedsync=WedSyncApi(world._wedsync_client, page_size=2))
    found = await paged.run(world.planner.user_id, MONDAY, timedelta(minutes=60))
    assert shown(found.free) == ["08:00-09:00", "13:50-17:00"]


def wedsync(start: str, end: str, **members: Any) -> dict[str, Any]:
    times = {"start": f"2026-08-03T{start}:00", "end": f"2026-08-03T{end}:00", "timeZone": "Europe/London"}
    return times | members


async def test_what_is_in_wedsync_alone_takes_time_too(anybody: World) -> None:
    await anybody.change_integration(preferences=Preferences(sync_client_meetings=False, sync_deadlines=False))
    await anybody.wedsync.add("Kept back", **wedsync("09:00", "12:00"))
    await anybody.wedsync.add("Pay the florist", **wedsync("14:00", "15:00"), type="deadline")
    gone = await anybody.wedsync.add("Called off", **wedsync("15:00", "16:00"))
    await anybody.wedsync.remove(gone["id"])
    await anybody.settle()
    assert await anybody.outlook.events() == []
    assert shown((await ask(anybody)).free) == ["08:00-09:00", "12:00-17:00"]


async def test_while_the_sides_are_at_odds_about_a_time_neither_is_free(anybody: World) -> None:
    times = {"start": "2026-08-03T12:00:00", "end": "2026-08-03T13:00:00", "timeZone": "Europe/London"}
    event = await anybody.wedsync.add("Tasting", **times)
    await anybody.settle()
    (item,) = await anybody.outlook.events()
    zone = "GMT Standard Time"
    there = {"start": at("2026-08-03T09:00:00", zone), "end": at("2026-08-03T10:00:00", zone)}
    await anybody.wedsync.change(event["id"], start="2026-08-03T15:00:00", end="2026-08-03T16:00:00")
    await anybody.outlook.change(item["id"], **there)
    await anybody.settle()
    assert [conflict.field for conflict in await anybody.open_conflicts()] == [Field.TIME]
    assert shown((await ask(anybody)).free) == ["08:00-09:00", "10:00-15:00", "16:00-17:00"]


async def test_a_time_that_outlook_keeps_to_itself_takes_both(anybody: World) -> None:
    """In a sync that goes to Outlook only, its owner has moved the copy there: WedSync keeps its own time."""
    await anybody.wedsync.add("Tasting", **wedsync("12:00", "13:00"))
    await anybody.change_integration(direction=Direction.TO_OUTLOOK)
    await anybody.settle()
    (item,) = await anybody.outlook.events()
    zone = "GMT Standard Time"
    there = {"start": at("2026-08-03T09:00:00", zone), "end": at("2026-08-03T10:00:00", zone)}
    await anybody.outlook.change(item["id"], **there)
    await anybody.settle()
    assert shown((await ask(anybody)).free) == ["08:00-09:00", "10:00-12:00", "13:00-17:00"]


async def test_a_time_that_outlook_does_not_take_takes_both(anybody: World) -> None:
    event = await anybody.wedsync.add("Tasting", **wedsync("12:00", "13:00"))
    await anybody.settle()
    await anybody.outlook.fault(action="status", method="PATCH", path="/events/", status=400, count=None)
    await anybody.wedsync.change(event["id"], start="2026-08-03T15:00:00", end="2026-08-03T16:00:00")
    await anybody.settle()
    assert (await anybody.mapping_of(event["id"])).quarantine
    assert shown((await ask(anybody)).free) == ["08:00-12:00", "13:00-15:00", "16:00-17:00"]


async def test_what_was_taken_out_of_outlook_takes_its_time_all_the_same(anybody: World) -> None:
    await anybody.change_integration(preferences=Preferences(on_outlook_delete=OnOutlookDelete.UNLINK))
    await anybody.wedsync.add("Tasting", **wedsync("12:00", "13:00"))
    await anybody.settle()
    (item,) = await anybody.outlook.events()
    await anybody.outlook.remove(item["id"])
    await anybody.settle()
    assert shown((await ask(anybody)).free) == ["08:00-12:00", "13:00-17:00"]


async def test_what_came_from_outlook_is_there_whether_it_is_mapped_or_not(anybody: World) -> None:
    await busy(anybody, "09:00", "12:00", showAs="free")
    await anybody.settle()
    async for stored in anybody.ports.mappings.all(anybody.integration_id):
        await anybody.ports.mappings.remove(stored)
    assert len(await anybody.wedsync.events()) == 1
    assert shown((await ask(anybody)).free) == ["08:00-17:00"]


async def test_what_came_from_outlook_counts_as_outlook_shows_it(anybody: World) -> None:
    await busy(anybody, "09:00", "12:00", showAs="free")
    await anybody.settle()
    assert len(await anybody.wedsync.events()) == 1
    assert shown((await ask(anybody)).free) == ["08:00-17:00"]


async def test_of_today_only_what_is_left_is_free(anybody: World) -> None:
    today = anybody.clock.now()
    assert f"{today:%A %H}" == "Monday 08"
    await anybody.advance(hours=4)
    found = await ask(anybody, today.date())
    assert shown(found.free) == [f"{anybody.clock.now().astimezone(ZONE):%H:%M}-17:00"]
    assert (await ask(anybody, today.date() - timedelta(days=7))).free == ()


# --- work accounts ----------------------------------------------------------------------------------------------------


async def test_colleagues_are_asked_and_strangers_are_not_known(world: World) -> None:
    await world.connect()
    ivys = OutlookCalendar(http=world.outlook.http, owner=type(world.planner)(user_id="ivy", name="Ivy", account=IVY))
    await ivys.add("Dress", start=at("2026-08-03T08:00:00"), end=at("2026-08-03T11:00:00"))
    found = await ask(world, MONDAY, IVY.upn, "ann@example.test")
    assert (found.known, found.unknown) == ((IVY.upn,), ("ann@example.test",))
    assert shown(found.free) == ["08:00-09:00", "12:00-17:00"]


async def test_personal_accounts_know_nobody() -> None:
    async with World(planner=PLANNERS[1]) as world:
        await world.connect()
        assert (await ask(world, MONDAY, IVY.upn)).unknown == (IVY.upn,)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_work_account_that_may_not_ask_is_read_by_itself(world: World, status: int) -> None:
    """It is no reason to reconnect (fact C11)."""
    await world.connect()
    await busy(world, "09:00", "12:00")
    await world.outlook.fault(action="status", method="POST", path="/getSchedule$", status=status, code="UnknownError")
    found = await ask(world, MONDAY, IVY.upn)
    assert shown(found.free) == ["08:00-09:00", "12:00-17:00"]
    assert found.unknown == (IVY.upn,)
    assert (await world.integration()).syncing


async def test_more_entries_than_graph_tells_of_are_read_one_by_one(world: World) -> None:
    await world.connect()
    for _ in range(1001):
        await busy(world, "09:00", "09:05")
    assert shown((await ask(world)).free) == ["08:00-09:00", "09:05-17:00"]


@pytest.mark.parametrize(
    ("zone", "working"),
    [("Tokyo Standard Time", ["06:00-10:30"]), ("Customized Time Zone", ["14:00-18:30"])],
)
async def test_hours_may_be_kept_in_another_zone(world: World, zone: str, working: list[str]) -> None:
    """One of the owner's own making has a name that says nothing; the mailbox's zone stands for it."""
    await world.connect()
    await world.outlook.working_hours("monday", start="14:00", end="18:30", zone=zone)
    found = await ask(world)
    assert (found.zone, shown(found.working)) == ("Europe/London", working)


async def test_hours_of_another_zone_are_taken_up_to_the_end_of_the_mailboxes_day(world: World) -> None:
    """Tuesday morning in Tokyo is Monday evening in London: what is in the calendar then counts."""
    await world.connect()
    await world.outlook.working_hours("tuesday", start="01:00", end="07:00", zone="Tokyo Standard Time")
    await busy(world, "18:00", "19:00")
    assert shown((await ask(world)).free) == ["17:00-18:00", "19:00-23:00"]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Schedules of a mailbox whose owner reads the calendar in another zone. The simulated mailboxes keep theirs."""

    schedules: Schedules
    zone: str

    async def working_hours(self, integration_id: str) -> WorkingHours:
        return replace(await self.schedules.working_hours(integration_id), mailbox_zone=self.zone)

    async def free_busy(
        self, integration_id: str, addresses: Sequence[str], span: Span
    ) -> Mapping[str, tuple[Engagement, ...] | None]:
        return await self.schedules.free_busy(integration_id, addresses, span)

    async def calendar_view(self, integration_id: str, calendar_id: str, span: Span) -> tuple[Engagement, ...]:
        return await self.schedules.calendar_view(integration_id, calendar_id, span)


async def test_slots_begin_at_full_and_half_hours_of_the_mailboxes_clocks(world: World) -> None:
    """Nepal is five hours and three quarters ahead of Greenwich."""
    await world.connect()
    moved = Moved(schedules=world.ports.schedules, zone="Asia/Kathmandu")
    found = await replace(world.app.find_availability, schedules=moved).run(
        world.planner.user_id, MONDAY, timedelta(hours=1)
    )
    assert found.zone == "Asia/Kathmandu"
    assert shown(found.slots, ZoneInfo(found.zone))[:3] == ["12:45-13:45", "13:00-14:00", "13:30-14:30"]


async def test_somebody_who_is_asked_for_twice_is_one_person_and_the_planner_is_nobody_else(world: World) -> None:
    await world.connect()
    found = await ask(world, MONDAY, IVY.upn, world.planner.account.upn, IVY.upn)
    assert found.known == (IVY.upn, world.planner.account.upn)
    assert (await ask(world, MONDAY, "ann@example.test", "ann@example.test")).unknown == ("ann@example.test",)


async def test_the_day_is_the_mailboxs_also_when_the_clocks_are_changed(world: World) -> None:
    await world.connect()
    await world.outlook.working_hours("sunday", start="00:00", end="04:00", zone="GMT Standard Time")
    found = await ask(world, date(2026, 10, 25))
    assert sum((each.length for each in found.working), timedelta()) == timedelta(hours=5)


async def test_nothing_is_written_and_nothing_is_asked_of_whom_it_does_not_concern(world: World) -> None:
    with pytest.raises(NotFound):
        await ask(world)
    await world.connect()
    for day in (date(2036, 1, 1), date(1, 1, 1), date.max):
        with pytest.raises(Unprocessable, match="four years"):
            await ask(world, day)
    assert await world.mappings() == []


async def test_imports_that_are_off_do_not_make_anybody_free(anybody: World) -> None:
    await anybody.change_integration(preferences=Preferences(import_outlook_events=ImportOutlookEvents.NONE))
    await busy(anybody, "09:00", "12:00")
    await anybody.settle()
    assert await anybody.wedsync.events() == []
    assert shown((await ask(anybody)).free) == ["08:00-09:00", "12:00-17:00"]
