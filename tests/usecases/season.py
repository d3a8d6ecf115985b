"""A dozen telling events, edited, deleted and moved on both sides: what a harsh Graph has to be survived with."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.core.jobs import RunKind
from shared.core.states import MappingState, RunState
from tests.journeys import compare
from tests.support.calendars import at
from tests.support.world import World

CHOIR = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
    "range": {
        "type": "numbered",
        "startDate": "2026-08-04",
        "numberOfOccurrences": 6,
        "recurrenceTimeZone": "W. Europe Standard Time",
    },
}
WALK = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "numbered", "startDate": "2026-09-01", "numberOfOccurrences": 3, "recurrenceTimeZone": "UTC"},
}
ZONE = "W. Europe Standard Time"
GUESTS = [{"type": "required", "emailAddress": {"address": "florist@flowers.example", "name": "Flora"}}]


def whole(first: str, last: str, zone: str = ZONE) -> dict[str, Any]:
    return {"isAllDay": True, "start": at(f"{first}T00:00:00", zone), "end": at(f"{last}T00:00:00", zone)}


_MOST_RUNS = 8
"""So many runs may end with events that they could not reach, while Graph lets next to nothing through."""
_JOIN_BLOCK = re.compile(r"_{20,}.*?_{20,}", re.DOTALL)


@dataclass(kw_only=True)
class Season:
    """The events by name. ``heard`` is whether notices arrive; without them only runs find what changed."""

    world: World
    heard: bool = True
    subject_limit: int = 255
    there: dict[str, str] = field(default_factory=dict)
    here: dict[str, str] = field(default_factory=dict)

    # --- the calendars ------------------------------------------------------------------------------------------

    async def stock(self) -> None:
        """Fill both calendars."""
        add = self.world.outlook.add
        made = {
            "Dentist": await add("Dentist", body={"contentType": "text", "content": "Bring\nthe card"}),
            "Fair": await add("Fair", **whole("2026-08-10", "2026-08-12")),
            "Lunch": await add("Lunch", attendees=GUESTS),
            "Call": await add("Call", isOnlineMeeting=True, body={"contentType": "text", "content": "Agenda"}),
            "Doctor": await add("Doctor", sensitivity="private"),
            "Doomed": await add("Doomed"),
            "Wanderer": await add("Wanderer"),
            "Hidden": await add("Hidden"),
            "Choir": await add(
                "Choir",
                recurrence=CHOIR,
                start=at("2026-08-04T19:00:00", ZONE),
                end=at("2026-08-04T21:00:00", ZONE),
                _exceptions=[{"originalDate": "2026-08-11", "subject": "Choir in the mill"}],
                _cancelled=["2026-08-18"],
            ),
            "Walk": await add("Walk", recurrence=WALK, start=at("2026-09-01T06:00:00"), end=at("2026-09-01T07:00:00")),
        }
        self.there = {name: str(item["id"]) for name, item in made.items()}
        for title, members in _OURS.items():
            self.here[title] = str((await self.world.wedsync.add(title, **members))["id"])

    async def edit(self) -> None:
        """An edit on each side of everything that both may write."""
        change, write = self.world.outlook.change, self.world.wedsync.change
        await change(self.there["Dentist"], subject="Dentist, upper floor", location={"displayName": "Mill Lane 3"})
        await change(self.there["Fair"], **whole("2026-08-11", "2026-08-13"))
        await change(self.there["Lunch"], location={"displayName": "Trattoria"})
        await change(self.there["Doctor"], start=at("2026-08-06T09:00:00"), end=at("2026-08-06T10:00:00"))
        await change(await self.copy_of("Tasting"), body={"contentType": "text", "content": "Bring samples"})
        await change(await self.copy_of("Open day"), **whole("2026-08-22", "2026-08-23", "UTC"))
        await change(await self.day("Choir", "2026-08-25"), subject="Choir, general rehearsal")
        await write(await self.import_of("Call"), description="Agenda\nand more")
        await write(self.here["Tasting"], title="Tasting of cakes")
        await write(self.here["Secret"], start="2026-08-07T12:00:00", end="2026-08-07T13:00:00")
        await write(self.here["Survey"], description="A longer survey", location={"name": "Barn", "address": ""})
        await write(await self.import_of_day("Choir", "2026-09-01"), title="Choir, last but one")
        await add_late(self)

    async def delete(self) -> None:
        """A deletion on each side, of single events and of occurrences, and a move to another calendar on each."""
        await self.world.outlook.remove(self.there["Doomed"])
        await self.world.outlook.remove(await self.day("Choir", "2026-08-04"))
        await self.world.outlook.remove(self.there["Walk"])
        await self.world.outlook.remove(await self.copy_of("Deleted there"))
        await self.world.outlook.move(self.there["Wanderer"])
        await self.world.outlook.move(await self.copy_of("Moved away"))
        await self.world.wedsync.remove(self.here["Deleted here"])
        await self.world.wedsync.remove(await self.import_of("Hidden"))

    # --- finding one's way ---------------------------------------------------------------------------------------

    async def copy_of(self, title: str) -> str:
        return str((await self.world.mapping_of(self.here[title])).outlook_id)

    async def import_of(self, name: str) -> str:
        return await self._mapped(self.there[name])

    async def import_of_day(self, series: str, day: str) -> str:
        return await self._mapped(await self.day(series, day))

    async def _mapped(self, outlook_id: str) -> str:
        return str(next(each for each in await self.world.mappings() if each.outlook_id == outlook_id).wedsync_id)

    async def day(self, series: str, day: str) -> str:
        view = await self.world.outlook.view("2026-06-01", "2026-12-31")
        return str(
            next(
                item["id"]
                for item in view
                if item["seriesMasterId"] == self.there[series] and str(item["occurrenceId"]).endswith(day)
            )
        )

    # --- the service ---------------------------------------------------------------------------------------------

    async def drain(self, *, wait: timedelta = timedelta(0)) -> None:
        """Let the service do what there is to do: notices, then safety runs; nobody may be mailed.

        ``wait``: how long it takes until lists show a write.
        """
        before = len(await self.world.outlook.sent())
        await self.world.quiet()
        if not self.heard:
            self.world.post.clear()
        await self.world.settle()
        for _ in range(_MOST_RUNS):
            await self.world.advance(seconds=wait.total_seconds())
            run = await self.world.sync(RunKind.INCREMENTAL)
            await self.world.settle()
            if (run.state, run.tally.errors) == (RunState.COMPLETED, 0):
                break
        await self.world.advance(seconds=wait.total_seconds())
        assert (await self.world.outlook.sent())[before:] == [], "a sync mailed somebody"

    async def assert_at_rest(self) -> None:
        """Both calendars are equal but for open questions, and further runs find nothing to do."""
        await self.assert_equal()
        assert self.world.errors == []
        assert [each.quarantine for each in await self.world.mappings() if each.quarantine] == []
        for kind in (RunKind.FULL, RunKind.INCREMENTAL):
            run = await self.world.sync(kind)
            tally = run.tally
            assert (tally.created, tally.updated, tally.deleted, tally.conflicts, tally.errors) == (0,) * 5, (kind, run)
        await self.assert_equal()

    async def assert_equal(self) -> None:
        """Both calendars say the same but for open questions."""
        found = await self.differences()
        assert found == [], "\n".join(found)

    async def differences(self) -> list[str]:
        """Return in words where the calendars differ. What a question about a deletion is open for, and what the user
        hid, is left out on both sides; where a field is in question, that event's content."""
        asked = {each.mapping_id: each.absent for each in await self.world.open_conflicts()}
        wedsync, outlook, but = set(), set(), set()
        for mapping in await self.world.mappings():
            if asked.get(mapping.mapping_id) is not None or mapping.state is MappingState.HIDDEN:
                wedsync.add(mapping.wedsync_id)
                outlook.add(mapping.outlook_id)
            elif mapping.mapping_id in asked:
                but.add(str(mapping.wedsync_id))
        start, end = (moment.date().isoformat() for moment in compare.window(self.world.clock.now()))
        return compare.differences(
            [self._fitted(each) for each in await self.world.wedsync.events() if each["id"] not in wedsync],
            [_without_join_block(each) for each in await self.world.outlook.events() if each["id"] not in outlook],
            [
                _without_join_block(each)
                for each in await self.world.outlook.view(start, end)
                if each["id"] not in outlook
            ],
            but=frozenset(but),
        )

    def _fitted(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event with as much of its title as a subject holds."""
        prefix = "" if event["externalId"] else compare.PREFIX
        return {**event, "title": (prefix + event["title"])[: self.subject_limit].removeprefix(prefix).strip()}

    async def assert_edited(self) -> None:
        """No edit is lost: each is on both sides, and Outlook's own meeting is still online."""
        await self.assert_equal()
        view = await self.world.outlook.view("2026-06-01", "2026-12-31")
        subjects = {item["subject"].strip() for item in view}
        titles = {event["title"] for event in await self.world.wedsync.events()}
        for title in ("Dentist, upper floor", "Choir, general rehearsal", "Choir, last but one", "Late there"):
            assert title[: self.subject_limit].strip() in subjects
            assert {title, title[: self.subject_limit].strip()} & titles
        for title in ("Tasting of cakes", "Late here"):
            assert (compare.PREFIX + title)[: self.subject_limit].strip() in subjects
            assert title in titles
        online = await self.world.outlook.read(self.there["Call"])
        assert "and more" in online["bodyText"]
        if online["isOnlineMeeting"]:
            assert online["onlineMeeting"]["joinUrl"] in online["body"]["content"]


def _without_join_block(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item with the text that its owner wrote: the join block is Outlook's own."""
    return {**item, "bodyText": _JOIN_BLOCK.sub("", item["bodyText"])} if item["onlineMeeting"] else item


async def add_late(season: Season) -> None:
    """Add an event on each side after the first run."""
    season.there["Late"] = str((await season.world.outlook.add("Late there"))["id"])
    season.here["Late"] = str((await season.world.wedsync.add("Late here"))["id"])


_OURS: dict[str, dict[str, Any]] = {
    "Tasting": {"description": "Samples", "location": {"name": "Mill", "address": "Mill Lane 1"}},
    "Open day": {"allDay": True, "start": "2026-08-20T00:00:00", "end": "2026-08-21T00:00:00"},
    "Secret": {"private": True},
    "Survey": {"type": "venue_visit", "timeZone": "America/New_York"},
    "Deleted here": {},
    "Deleted there": {},
    "Moved away": {},
}
