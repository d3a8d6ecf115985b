"""What the two users do, and what they know by doing it: which values they made, and which they saw and replaced."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.core.event import AllDay, CalendarEvent, Field
from tests.journeys import compare
from tests.machine.sight import OUTLOOK, WEDSYNC, Both, Sight, prefix_of, word_of
from tests.support.calendars import OutlookCalendar, Vanished, WedSyncCalendar, at

EDITED = ("title", "time", "place", "text")
PART_OF: Mapping[Field, str] = {
    Field.TITLE: "title",
    Field.TIME: "time",
    Field.LOCATION: "place",
    Field.DESCRIPTION: "text",
    Field.PRIVATE: "private",
}
ZONES = (("Europe/Rome", "W. Europe Standard Time"), ("America/New_York", "Eastern Standard Time"), ("UTC", "UTC"))
GUESTS = [{"type": "required", "emailAddress": {"address": "florist@flowers.example", "name": "Flora"}}]
PRIVATE_CALENDAR = "Private"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A value that a user gave to a part of an event."""

    key: str
    side: str
    part: str
    value: Any
    number: int


@dataclass(kw_only=True)
class Users:
    """Both users at work. Each value that they make is made once, so that it is known wherever it turns up.

    ``replaced`` are the values of a part that a user saw and replaced, or threw away with the event. ``removed`` is
    what somebody took out of a side. ``away`` is in another calendar, and ``left`` will not come back from there.
    ``everything`` has the keys of all events that were ever made, ``masters`` the series by their words.

    What they allowed by their wishes: ``forced`` are events of which values may be overwritten, ``narrowed`` is whether
    that holds for all, since one way was closed for a while; ``parted`` is whether Outlook's own events were out of the
    sync for a while; ``leaving`` is whether they have disconnected.
    """

    sight: Sight
    wedsync: WedSyncCalendar
    outlook: OutlookCalendar
    now: Callable[[], datetime]
    edits: list[Edit] = field(default_factory=list)
    replaced: defaultdict[tuple[str, str], list[Any]] = field(default_factory=lambda: defaultdict(list))
    removed: set[tuple[str, str]] = field(default_factory=set)
    away: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    everything: set[str] = field(default_factory=set)
    masters: dict[str, str] = field(default_factory=dict)
    forced: set[str] = field(default_factory=set)
    narrowed: bool = False
    parted: bool = False
    leaving: bool = False
    mails: int = 0
    first: date = field(init=False)
    count: int = 0
    acts: int = 0

    @asynccontextmanager
    async def _in_outlook(self) -> AsyncIterator[None]:
        """Outlook's user does something: the mails that this causes are theirs."""
        before = len(await self.outlook.sent())
        yield
        self.mails += len(await self.outlook.sent()) - before

    def __post_init__(self) -> None:
        self.first = self.now().date() + timedelta(days=30)

    def next(self) -> int:
        """Return a number that nothing has been made with."""
        self.count += 1
        return self.count

    def span(self, number: int) -> tuple[datetime, datetime]:
        """Return a time that no other number gives."""
        start = _start(number, self.first).replace(tzinfo=UTC)
        return start, start + timedelta(hours=1)

    async def see(self) -> Mapping[str, Both]:
        return await self.sight.both(self.now())

    async def choose(self, pick: int, side: str, *, wanted: Callable[[Both], bool] = lambda _: True) -> Both | None:
        """Return one of the events of a side, the same for the same number."""
        there = [both for both in (await self.see()).values() if both.on(side) is not None and wanted(both)]
        return there[pick % len(there)] if there else None

    # --- new events -----------------------------------------------------------------------------------------------

    async def add(self, side: str, kind: str = "plain") -> str:
        """Add an event of a kind; return its key."""
        self.acts += 1
        number = self.next()
        word = f"{side[0].upper()}{number}"
        zone = ZONES[number % len(ZONES)]
        if side == WEDSYNC:
            members = _ours(number, kind, zone[0], self.first)
            made = await self.wedsync.add(f"{word} made", **members)
        else:
            async with self._in_outlook():
                made = await self.outlook.add(f"{word} made", **_theirs(number, kind, zone[1], self.first))
        self.sight.keys[made["id"]] = word
        if kind == "series":
            self.masters[word] = made["id"]
            self.everything |= {key for key in await self.see() if key.startswith(f"{made['id']}:")}
        else:
            self.everything.add(word)
        return word

    async def copy(self, key: str, side: str) -> None:
        """Copy an event, and give the copy a name of its own."""
        self.acts += 1
        both = (await self.see())[key]
        item, number = both.on(side), self.next()
        assert item is not None
        word = f"{side[0].upper()}{number}"
        if side == OUTLOOK:
            async with self._in_outlook():
                made = await self.outlook.copy(item["id"])
                self.sight.keys[made["id"]] = word
                await self.outlook.change(made["id"], subject=f"{word} copied")
        else:
            kept = ("type", "description", "start", "end", "timeZone", "allDay", "location", "private")
            made = await self.wedsync.add(f"{word} copied", **{name: item[name] for name in kept})
            self.sight.keys[made["id"]] = word
        self.everything.add(word)

    # --- edits ----------------------------------------------------------------------------------------------------

    async def edit(self, key: str, side: str, part: str, *, number: int = 0, shape: int = 0) -> int:
        """Give a part a new value; ``number`` of an earlier edit gives the same value again."""
        self.acts += 1
        number = number or self.next()
        both = (await self.see()).get(key, Both(key=key))
        item, before = both.on(side), both.shown(side)
        if item is None or before is None:
            raise Vanished(f"{key} is not in {side}")
        if side == WEDSYNC:
            await self.wedsync.change(item["id"], **_our_change(item, part, number, shape, self.first))
        else:
            async with self._in_outlook():
                await self.outlook.change(item["id"], **_their_change(item, part, number, shape, self.first))
        after = (await self.see()).get(key, Both(key=key)).shown(side) or before
        if after[part] != before[part]:
            self.replaced[key, part].append(before[part])
            if self.leaving and side == OUTLOOK and both.is_ours:
                self.replaced[key, part].append(after[part])  # of what is about to be taken away
            self.edits.append(Edit(key=key, side=side, part=part, value=after[part], number=len(self.edits)))
        return number

    async def hide(self, key: str) -> None:
        """Switch WedSync's private flag."""
        self.acts += 1
        event = (await self.see())[key].on(WEDSYNC)
        assert event is not None
        await self.wedsync.change(event["id"], private=not event["private"])

    async def travel(self, key: str, minutes: int | None) -> None:
        """Say in WedSync how long it takes to get there."""
        self.acts += 1
        event = (await self.see())[key].on(WEDSYNC)
        assert event is not None
        await self.wedsync.change(event["id"], travelMinutes=minutes)

    # --- endings --------------------------------------------------------------------------------------------------

    async def remove(self, key: str, side: str) -> None:
        """Delete an event, or an occurrence."""
        self.acts += 1
        both = (await self.see()).get(key, Both(key=key))
        item = both.on(side)
        if item is None:
            raise Vanished(f"{key} is not in {side}")
        if side == WEDSYNC:
            await self.wedsync.remove(item["id"])
        else:
            async with self._in_outlook():
                await self.outlook.remove(item["id"])
        self._saw_the_last(both, side)

    async def remove_series(self, word: str) -> None:
        """Delete a whole series."""
        self.acts += 1
        master = self.masters.pop(word)
        for both in (await self.see()).values():
            if both.key.startswith(f"{master}:") and both.on(OUTLOOK):
                self._saw_the_last(both, OUTLOOK)
        async with self._in_outlook():
            await self.outlook.remove(master)

    def _saw_the_last(self, both: Both, side: str) -> None:
        self.removed.add((both.key, side))
        for part, value in (both.shown(side) or {}).items():
            self.replaced[both.key, part].append(value)

    async def move_away(self, key: str) -> None:
        """Move an event to another calendar of the mailbox."""
        self.acts += 1
        item = (await self.see())[key].on(OUTLOOK)
        assert item is not None
        await self.outlook.move(item["id"], PRIVATE_CALENDAR)
        self.away[key] = item["id"]

    async def move_back(self, key: str) -> None:
        """Move it back."""
        self.acts += 1
        await self.outlook.move(self.away.pop(key), self.sight.default)

    # --- choices --------------------------------------------------------------------------------------------------

    def chose(self, key: str, part: str | None, values: list[CalendarEvent]) -> None:
        """A user was shown these values and decided between them."""
        for content in values:
            for name, value in parts_of_content(content).items():
                if part in (None, name):
                    self.replaced[key, name].append(value)

    def chose_deletion(self, key: str) -> None:
        """A user wants the event gone from where it still is."""
        self.removed |= {(key, WEDSYNC), (key, OUTLOOK)}

    def stays_away(self, key: str) -> None:
        """Something else takes the place of what is in another calendar, if it is: it will not come back."""
        if self.away.pop(key, ""):
            self.left.add(key)

    async def leave(self) -> None:
        """A user disconnects, and knows that our copies go."""
        self.parted = self.leaving = True
        for key in list(self.away):
            self.stays_away(key)
        for both in (await self.see()).values():
            if both.is_ours:
                for part, value in (both.shown(OUTLOOK) or {}).items():
                    self.replaced[both.key, part].append(value)

    def was_removed(self, key: str, side: str) -> bool:
        """Whether somebody took the event out of that side's calendar, by deletion or by moving it."""
        return (key, side) in self.removed or (side == OUTLOOK and key in {*self.away, *self.left})


def parts_of_content(content: CalendarEvent) -> dict[str, Any]:
    """Return what a person would see of it."""
    days = isinstance(content.time, AllDay)
    place = content.location
    return {
        "title": compare.squeezed(content.title),
        "time": (content.time.start.isoformat(), content.time.end.isoformat(), days),
        "place": compare.squeezed(f"{place.name} {place.address}"),
        "text": compare.squeezed(content.description),
        "private": content.private,
    }


def _start(number: int, first: date) -> datetime:
    """A start that no other number gives."""
    morning = datetime.combine(first, time(9))
    return morning + timedelta(days=number % 90, minutes=number // 90 * 5 + number % 11)


def _ours(number: int, kind: str, zone: str, first: date) -> dict[str, Any]:
    start = _start(number, first)
    members: dict[str, Any] = {
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "timeZone": zone,
        "description": f"Made text {number}",
        "location": {"name": f"Made place {number}", "address": ""},
        "type": ("client_meeting", "venue_visit", "wedding_ceremony", "deadline")[number % 4],
    }
    if kind == "private":
        members["private"] = True
    if kind == "day":
        members |= _our_day(number, first)
    return members


def _our_day(number: int, first: date) -> dict[str, Any]:
    day = _day(number, first)
    return {"allDay": True, "start": f"{day}T00:00:00", "end": f"{day + timedelta(days=1)}T00:00:00"}


def _day(number: int, first: date) -> date:
    return first + timedelta(days=number % 900)


def _their_day(number: int, zone: str, first: date) -> dict[str, Any]:
    day = _day(number, first)
    ends = (at(f"{day}T00:00:00", zone), at(f"{day + timedelta(days=1)}T00:00:00", zone))
    return {"isAllDay": True, "start": ends[0], "end": ends[1]}


def _theirs(number: int, kind: str, zone: str, first: date) -> dict[str, Any]:
    start = _start(number, first)
    members: dict[str, Any] = {
        "start": at(start.isoformat(), zone),
        "end": at((start + timedelta(hours=1)).isoformat(), zone),
        "body": {"contentType": "text", "content": f"Made text {number}"},
        "location": {"displayName": f"Made place {number}"},
    }
    if kind == "private":
        members["sensitivity"] = "private"
    if kind == "meeting":
        members["attendees"] = GUESTS
    if kind == "day":
        members |= _their_day(number, zone, first)
    if kind == "series":
        members["recurrence"] = {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [start.strftime("%A").lower()]},
            "range": {
                "type": "numbered",
                "startDate": start.date().isoformat(),
                "numberOfOccurrences": 3,
                "recurrenceTimeZone": zone,
            },
        }
    return members


def _our_change(item: dict[str, Any], part: str, number: int, shape: int, first: date) -> dict[str, Any]:
    if part == "title":
        return {"title": f"{item['title'].split(' ')[0]} title {number}"}
    if part == "text":
        return {"description": f"Text {number}"}
    if part == "place":
        return {"location": {"name": f"Place {number}", "address": ""}}
    if ":" in (item["externalId"] or "").split(":", 3)[-1]:  # an occurrence stays between its neighbours
        start = datetime.fromisoformat(item["start"]) + timedelta(minutes=number % 13 + 1)
        return {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    if shape % 3 == 0:
        return _our_day(number, first)
    start = _start(number, first)
    return {
        "allDay": False,
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "timeZone": "UTC" if shape % 3 == 1 else item["timeZone"],
    }


def _their_change(item: dict[str, Any], part: str, number: int, shape: int, first: date) -> dict[str, Any]:
    if part == "title":
        return {"subject": f"{prefix_of(item)}{word_of(item['subject'])} title {number}"}
    if part == "text":
        return {"body": {"contentType": "text", "content": f"Text {number}"}}
    if part == "place":
        return {"location": {"displayName": f"Place {number}"}}
    zone = "UTC"
    if shape % 3 == 0 and item["type"] == "singleInstance":
        return _their_day(number, zone, first)
    start = _start(number, first)
    if item["type"] != "singleInstance":  # an occurrence stays between its neighbours
        start = datetime.fromisoformat(item["start"]["dateTime"][:19]) + timedelta(minutes=number % 13 + 1)
    ends = (at(start.isoformat(), zone), at((start + timedelta(hours=1)).isoformat(), zone))
    return {"isAllDay": False, "start": ends[0], "end": ends[1]}
