"""Both calendars as they are, read from the simulators alone, and which events belong together.

An event that came from Outlook is known by WedSync's ``externalId``, a copy of ours in Outlook by the word that its
title begins with: the users of this machine begin every title with a word of its own (``W7``), and keep it. What comes
before the word is a prefix, and a travel block's name. Looked at are the mailbox's own calendar and the one that the
service makes; where else an owner has put an event, it is out of sight.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.journeys import compare
from tests.support.calendars import OutlookCalendar, WedSyncCalendar

PARTS = ("title", "time", "place", "text", "private")
WEDSYNC, OUTLOOK = "wedsync", "outlook"
SIDES = (WEDSYNC, OUTLOOK)
SEPARATE = "WedSync"
"""The name of the calendar that the service makes."""

_WORD = re.compile(r"[WO]\d+\b")
_TRAVEL = re.compile(r"Travel(: |$)")

Item = dict[str, Any]


def other(side: str) -> str:
    return OUTLOOK if side == WEDSYNC else WEDSYNC


@dataclass(frozen=True, kw_only=True)
class Both:
    """What there is of one event on both sides; more than one on a side is a duplicate."""

    key: str
    wedsync: tuple[Item, ...] = ()
    outlook: tuple[Item, ...] = ()

    def on(self, side: str) -> Item | None:
        """Return the event on a side."""
        found = self.wedsync if side == WEDSYNC else self.outlook
        return found[0] if found else None

    def shown(self, side: str) -> dict[str, Any] | None:
        """Return what a person sees of it on a side, part by part."""
        item = self.on(side)
        if item is None:
            return None
        if side == WEDSYNC:
            return parts_of(compare.of_wedsync(item))
        shown = parts_of(compare.of_outlook(item))
        return shown | {"title": shown["title"].removeprefix(prefix_of(item))}

    @property
    def is_ours(self) -> bool:
        """Whether WedSync's user made it."""
        return self.key.startswith("W")

    @property
    def masked(self) -> bool:
        """Whether Outlook's own event is private, so that WedSync shows busy time only."""
        item = self.on(OUTLOOK)
        return not self.is_ours and item is not None and item["sensitivity"] in ("private", "confidential")

    @property
    def meeting(self) -> bool:
        """Whether there are guests, whom nobody may write to."""
        item = self.on(OUTLOOK)
        return item is not None and bool(item["attendees"])


def parts_of(entry: compare.Entry) -> dict[str, Any]:
    return {
        "title": entry.title,
        "time": (entry.start, entry.end, entry.all_day),
        "place": entry.place,
        "text": entry.text,
        "private": entry.private,
    }


@dataclass(kw_only=True)
class Sight:
    """Reads both calendars. ``keys`` remembers the event of every id that was ever seen.

    ``blocks`` are the travel blocks that were there when it looked last, ``default`` is the mailbox's own calendar.
    """

    wedsync: WedSyncCalendar
    outlook: OutlookCalendar
    keys: dict[str, str] = field(default_factory=dict)
    blocks: tuple[Item, ...] = ()
    default: str = ""
    separate: str = ""

    async def both(self, now: datetime) -> Mapping[str, Both]:
        """Return every event that is in one of the calendars, by key.

        Single events are read as they are stored: lists may lag, which a user at the screen does not see.
        """
        stored = await self.outlook.events()
        await self._calendars({item["calendarId"] for item in stored})
        there = [item for item in stored if item["calendarId"] in (self.default, self.separate)]
        view = [item for item in there if item["type"] == "singleInstance" and not item["isCancelled"]]
        if len(view) < len(there):
            start, end = (moment.date().isoformat() for moment in compare.window(now))
            view += [item for item in await self.outlook.view(start, end, self.default) if ":" in _tail(item)]
        self.blocks = tuple(item for item in view if is_block(item))
        return self.paired(await self.wedsync.events(), [item for item in view if not is_block(item)])

    async def _calendars(self, seen: set[str]) -> None:
        """Learn which calendar is which, once for each that turns up."""
        if self.default and (self.separate or seen <= {self.default}):
            return
        for each in await self.outlook.calendars():
            if each["isDefaultCalendar"]:
                self.default = each["id"]
            if each["name"] == SEPARATE:
                self.separate = each["id"]

    def paired(self, events: list[Item], view: list[Item]) -> Mapping[str, Both]:
        """Join what belongs together."""
        ours: defaultdict[str, list[Item]] = defaultdict(list)
        theirs: defaultdict[str, list[Item]] = defaultdict(list)
        for item in view:
            theirs[self._key_of_item(item)].append(item)
        for event in events:
            ours[self._key_of_event(event)].append(event)
        keys = sorted({*ours, *theirs})
        return {key: Both(key=key, wedsync=tuple(ours[key]), outlook=tuple(theirs[key])) for key in keys}

    def _key_of_item(self, item: Item) -> str:
        tail = _tail(item)
        key = tail if ":" in tail else word_of(item["subject"]) or tail
        self.keys[item["id"]] = key
        return key

    def _key_of_event(self, event: Item) -> str:
        key = word_of(event["title"])
        if event["externalId"]:
            tail = event["externalId"].split(":", 3)[3]
            key = tail if ":" in tail else self.keys.get(tail) or key or tail
        self.keys[event["id"]] = key or event["id"]
        return self.keys[event["id"]]


def _tail(item: Item) -> str:
    return compare._external_tail(item).removeprefix(":")


def word_of(title: str) -> str:
    found = _WORD.search(title)
    return found.group() if found else ""


def prefix_of(item: Item) -> str:
    """Return what stands before the word in a subject."""
    found = _WORD.search(item["subject"])
    return str(item["subject"][: found.start()]) if found else ""


def is_block(item: Item) -> bool:
    """Whether this is a travel block, by its name; the block of a private event has no other."""
    return compare.is_ours(item) and bool(_TRAVEL.search(prefix_of(item) or item["subject"]))


def duplicates(found: Mapping[str, Both]) -> Iterator[str]:
    """Yield the events that one calendar has more than once."""
    for both in found.values():
        for side, items in ((WEDSYNC, both.wedsync), (OUTLOOK, both.outlook)):
            if len(items) > 1:
                yield f"{both.key} is {len(items)} times in {side}"
