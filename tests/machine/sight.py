"""Both calendars as they are, read from the simulators alone, and which events belong together.

An event that came from Outlook is known by WedSync's ``externalId``, a copy of ours in Outlook by the word that its
title begins with: the users of this machine begin every title with a word of its own (``W7``), and keep it.
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
_WORD = re.compile(r"[WO]\d+\b")

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
        return shown | {"title": shown["title"].removeprefix(compare.PREFIX)}

    @property
    def masked(self) -> bool:
        """Whether Outlook's own event is private, so that WedSync shows busy time only."""
        item = self.on(OUTLOOK)
        return not self.key.startswith("W") and item is not None and item["sensitivity"] in ("private", "confidential")

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
    """Reads both calendars. ``keys`` remembers the event of every id that was ever seen."""

    wedsync: WedSyncCalendar
    outlook: OutlookCalendar
    keys: dict[str, str] = field(default_factory=dict)

    async def both(self, now: datetime) -> Mapping[str, Both]:
        """Return every event that is in one of the calendars, by key.

        Single events are read as they are stored: lists may lag, which a user at the screen does not see.
        """
        start, end = (moment.date().isoformat() for moment in compare.window(now))
        view = [item for item in await self.outlook.view(start, end) if ":" in _tail(item)]
        default = next(each["id"] for each in await self.outlook.calendars() if each["isDefaultCalendar"])
        stored = [item for item in await self.outlook.events() if item["calendarId"] == default]
        view += [item for item in stored if item["type"] == "singleInstance" and not item["isCancelled"]]
        events = await self.wedsync.events()
        return self.paired(events, view)

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
        key = tail if ":" in tail else word_of(item["subject"].removeprefix(compare.PREFIX)) or tail
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
    found = _WORD.match(title)
    return found.group() if found else ""


def duplicates(found: Mapping[str, Both]) -> Iterator[str]:
    """Yield the events that one calendar has more than once."""
    for both in found.values():
        for side, items in ((WEDSYNC, both.wedsync), (OUTLOOK, both.outlook)):
            if len(items) > 1:
                yield f"{both.key} is {len(items)} times in {side}"
