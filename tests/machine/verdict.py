"""What has to hold once everything is at rest, judged by both calendars and by what the users know.

The service's own tables are asked for one thing only: what it says about itself to the users, its open conflicts, the
pairs that it lists as opted out, its settings and its history. What it says has to fit a difference that is there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.core.event import CalendarEvent, EventType, Side
from shared.core.history import Conflict, SyncChange
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.states import MappingState
from shared.errors import Unavailable
from shared.store.codec import value_of
from shared.store.rows import Table
from tests.journeys import compare
from tests.journeys.compare import Entry
from tests.machine.sight import OUTLOOK, PARTS, SIDES, WEDSYNC, Both, Item, duplicates, prefix_of
from tests.machine.users import PART_OF, Edit, Users, parts_of_content
from tests.support.world import World


@dataclass(kw_only=True)
class Said:
    """What the service says to its users about one event."""

    parts: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    states: set[MappingState] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Both calendars at rest, and what is said about them."""

    found: Mapping[str, Both]
    said: Mapping[str, Said]
    conflicts: tuple[Conflict, ...]
    users: Users
    integration: Integration
    overwritten: tuple[CalendarEvent, ...] = ()
    blocks: tuple[Item, ...] = ()

    def faults(self) -> list[str]:
        """Return in words what is wrong."""
        keys = sorted(self.users.everything | set(self.found))
        wrong = [*duplicates(self.found)]
        for key in keys:
            both = self.found.get(key, Both(key=key))
            wrong += [*self._differences(both), *self._out_of_place(both)]
        wrong += [f"lost: {edit}" for edit in self.users.edits if self._is_lost(edit)]
        wrong += [f"empty conflict: {key} {part}" for key, part in self._hollow()]
        wrong += self._travel()
        if not self.integration.syncing or self.integration.unsettled:
            wrong.append(f"not at rest: {self.integration.state} {self.integration.reason}")
        return wrong

    def set_aside(self) -> list[str]:
        """Return what was quarantined."""
        return [f"set aside: {key}: {said.notes}" for key, said in self.said.items() if said.notes]

    def _of(self, key: str) -> Said:
        return self.said.get(key, Said())

    # --- differences ----------------------------------------------------------------------------------------------

    def _differences(self, both: Both) -> Iterator[str]:
        ours, theirs = both.shown(WEDSYNC), both.shown(OUTLOOK)
        if self._is_apart(both):
            return
        if ours is None and theirs is None:
            if not self._may_be_gone(both.key):
                yield f"{both.key} is gone from both sides, and nobody removed it"
        elif ours is None or theirs is None:
            lacking = WEDSYNC if ours is None else OUTLOOK
            if not self._may_lack(both, lacking):
                yield f"{both.key} is missing in {lacking}: {ours or theirs}; said: {self._of(both.key)}"
        else:
            for part in self._compared(both):
                if ours[part] != theirs[part] and part not in self._of(both.key).parts:
                    yield f"{both.key} differs in {part}: {ours[part]!r} and {theirs[part]!r}"

    def _compared(self, both: Both) -> tuple[str, ...]:
        return ("time", "private") if both.masked else PARTS

    def _may_be_gone(self, key: str) -> bool:
        return any(self.users.was_removed(key, side) for side in SIDES)

    def _may_lack(self, both: Both, side: str) -> bool:
        """Whether somebody removed it there, and the service says that it knows."""
        said = self._of(both.key)
        if side == OUTLOOK and self._is_off(both):
            return True
        if side == OUTLOOK and self.users.parted and not both.is_ours:
            return self.users.was_removed(both.key, side)  # it went while nobody watched, and WedSync's stays
        known = side in said.absent or MappingState.UNLINKED in said.states
        if side == WEDSYNC:
            known = known or MappingState.HIDDEN in said.states
        return known and self.users.was_removed(both.key, side)

    # --- settings -------------------------------------------------------------------------------------------------

    def _is_apart(self, both: Both) -> bool:
        """Whether it is Outlook's own, in the mailbox's own calendar while another is synced."""
        item = both.on(OUTLOOK)
        return not both.is_ours and item is not None and item["calendarId"] != self.integration.calendar_id

    def _is_off(self, both: Both) -> bool:
        """Whether it is of a type that is not synced."""
        event = both.on(WEDSYNC)
        kept = both.is_ours and event is not None
        return kept and event is not None and not self.integration.preferences.includes(EventType(event["type"]))

    def _out_of_place(self, both: Both) -> Iterator[str]:
        """Yield what is wrong with the place of our copy, its prefix, and that it is there at all."""
        item, said = both.on(OUTLOOK), self._of(both.key)
        if item is None or not both.is_ours:
            return
        if item["calendarId"] != self.integration.calendar_id:
            yield f"{both.key} is in another calendar than the one that is synced"
        if self._is_off(both) and both.key not in self.users.forced and not said.parts | said.absent:
            yield f"{both.key} is of a type that is not synced"
        wanted = self.integration.preferences.event_prefix
        if prefix_of(item) != wanted and "title" not in said.parts:
            yield f"{both.key} has the prefix {prefix_of(item)!r} instead of {wanted!r}"

    def _travel(self) -> Iterator[str]:
        """Yield travel blocks that are missing, and those that nothing asks for."""
        wanted: Counter[Entry] = Counter()
        allowed: Counter[Entry] = Counter()
        preferences = self.integration.preferences
        for both in self.found.values():
            event = both.on(WEDSYNC)
            if event is None or not both.is_ours or not event["travelMinutes"] or event["allDay"]:
                continue
            block = compare.of_wedsync(compare.travel_of(event), prefix=preferences.event_prefix)
            due = preferences.sync_travel_time and not self._is_off(both)
            allowed[block] += due
            wanted[block] += due and both.on(OUTLOOK) is not None
        present = Counter(compare.of_outlook(item) for item in self.blocks)
        yield from (f"no travel block: {entry}" for entry in wanted - present)
        yield from (f"idle travel block: {entry}" for entry in present - allowed)

    def _hollow(self) -> Iterator[tuple[str, str]]:
        """Yield open conflicts in which there is nothing to choose."""
        for key, said in self.said.items():
            both = self.found.get(key)
            ours, theirs = (both.shown(WEDSYNC), both.shown(OUTLOOK)) if both else (None, None)
            for part in said.parts if ours and theirs else ():
                if both and not both.masked and ours and theirs and ours[part] == theirs[part]:
                    yield key, part

    # --- lost edits -----------------------------------------------------------------------------------------------

    def _is_lost(self, edit: Edit) -> bool:
        if edit.side == OUTLOOK and edit.key in {*self.users.away, *self.users.left}:
            return False  # it is in the other calendar
        both = self.found.get(edit.key)
        shown: list[object] = []
        if both is not None:
            shown = [view[edit.part] for side in SIDES if (view := both.shown(side)) is not None]
            if shown and all(value == edit.value for value in shown):
                return False
            if both.masked:
                return edit.value not in shown and edit.value not in self.users.replaced[edit.key, edit.part]
        if edit.value in self.users.replaced[edit.key, edit.part] or self._is_history(edit):
            return False
        if both is not None and self._is_apart(both):
            return edit.value not in shown
        return not any(self._offers(conflict, edit) for conflict in self.conflicts)

    def _is_history(self, edit: Edit) -> bool:
        """Whether a user let it be overwritten, and it can be read back."""
        if not self.users.narrowed and edit.key not in self.users.forced:
            return False
        return any(parts_of_content(content)[edit.part] == edit.value for content in self.overwritten)

    @staticmethod
    def _offers(conflict: Conflict, edit: Edit) -> bool:
        if conflict.field is not None and PART_OF.get(conflict.field) != edit.part:
            return False
        values = [content for content in (conflict.wedsync, conflict.outlook) if content is not None]
        return any(parts_of_content(content)[edit.part] == edit.value for content in values)


class Speaker(Protocol):
    """Where what the service says is read."""

    async def open_conflicts(self) -> tuple[Conflict, ...]: ...

    async def mappings(self) -> list[EventMapping]: ...

    async def integration(self) -> Integration: ...


async def look(world: Speaker, users: Users, overwritten: Sequence[CalendarEvent] = ()) -> Rest:
    """See both calendars, and hear what the service says. ``overwritten`` is what its history has of former values."""
    found = await users.see()
    conflicts = await world.open_conflicts()
    keys: dict[str, str] = {}
    said: defaultdict[str, Said] = defaultdict(Said)
    for mapping in await world.mappings():
        key = keys[mapping.mapping_id] = key_of(users, mapping)
        said[key].states.add(mapping.state)
        if mapping.quarantine:
            said[key].notes.add(mapping.quarantine)
    for conflict in conflicts:
        about = said[keys.get(conflict.mapping_id, "")]
        if conflict.field is not None and conflict.field in PART_OF:
            about.parts.add(PART_OF[conflict.field])
        if conflict.absent is not None:
            about.absent.add(WEDSYNC if conflict.absent is Side.WEDSYNC else OUTLOOK)
    return Rest(
        found=found,
        said=said,
        conflicts=conflicts,
        users=users,
        integration=await world.integration(),
        overwritten=tuple(overwritten),
        blocks=users.sight.blocks,
    )


def key_of(users: Users, mapping: EventMapping) -> str:
    """Return the event that a mapping is about."""
    if mapping.series_id and mapping.occurrence_date:
        return f"{mapping.series_id}:{mapping.occurrence_date.isoformat()}"
    keys = users.sight.keys
    return keys.get(mapping.wedsync_id or "") or keys.get(mapping.outlook_id or "") or mapping.mapping_id


async def judge(world: World, users: Users, seen: list[str]) -> None:
    """Assert everything. ``seen`` is what was noticed before that and must not be."""
    rest = await look(world, users, _overwritten(world))
    wrong = [*seen, *rest.faults()]
    wrong += rest.set_aside()
    wrong += [f"unforeseen: {error!r}" for error in world.errors if not _is_storage(error)]
    if (mails := len(await world.outlook.sent()) - users.mails) != 0:
        wrong.append(f"the service has mailed {mails} times")
    wrong += [f"left in a queue: {message.text}" for message in world.queue.kept]
    assert not wrong, "\n".join(wrong)


def _overwritten(world: World) -> list[CalendarEvent]:
    """Return every content that the history has as what was there before a change."""
    rows = world.tables.contents().get(Table.CHANGES, [])
    changes = [value_of(SyncChange, row) for row in rows if row.key.startswith("m|")]
    return [change.before for change in changes if change.before is not None]


def _is_storage(error: Exception) -> bool:
    """While storage is away nothing can be handed back: the host delivers the message again."""
    return isinstance(error, Unavailable) and error.service == "tables"
