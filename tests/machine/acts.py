"""The users' rules as coroutines, for whoever chooses among them: in one process, or over HTTP."""

from collections.abc import Mapping, Sequence

from shared.core.event import Side
from shared.core.history import Conflict
from shared.core.mapping import EventMapping
from tests.machine import verdict
from tests.machine.sight import OUTLOOK, WEDSYNC, Both
from tests.machine.users import Users

KINDS = {WEDSYNC: ("plain", "private", "day"), OUTLOOK: ("plain", "private", "day", "meeting", "series")}


class Acts:
    """What users do. ``pick`` chooses one of what there is."""

    def __init__(self, users: Users) -> None:
        self.users = users

    async def add(self, side: str, kind: int) -> None:
        kinds = KINDS[side]
        await self.users.add(side, kinds[kind % len(kinds)])

    async def edit(self, side: str, part: str, pick: int, shape: int) -> None:
        both = await self._editable(side, part, pick)
        if both:
            await self.users.edit(both.key, side, part, shape=shape)

    async def clash(self, part: str, pick: int, *, same: bool) -> None:
        """Both users edit the same part, to the same value or to different ones."""
        both = await self._editable(WEDSYNC, part, pick, on_both=True)
        if both is None:
            return
        number = await self.users.edit(both.key, WEDSYNC, part, shape=1)
        await self.users.edit(both.key, OUTLOOK, part, number=number if same else 0, shape=1)

    async def edit_and_delete(self, side: str, part: str, pick: int) -> None:
        """One user edits what the other deletes."""
        both = await self._editable(side, part, pick, on_both=True)
        if both:
            await self.users.edit(both.key, side, part, shape=1)
            await self.users.remove(both.key, WEDSYNC if side == OUTLOOK else OUTLOOK)

    async def _editable(self, side: str, part: str, pick: int, *, on_both: bool = False) -> Both | None:
        """WedSync shows what is private in Outlook as busy time, of which only the time can be edited."""

        def wanted(both: Both) -> bool:
            open_to_edit = side == OUTLOOK or part == "time" or not both.masked
            return open_to_edit and not (on_both and (both.on(WEDSYNC) is None or both.on(OUTLOOK) is None))

        return await self.users.choose(pick, side, wanted=wanted)

    async def hide(self, pick: int) -> None:
        both = await self.users.choose(pick, WEDSYNC, wanted=lambda both: both.is_ours)
        if both:
            await self.users.hide(both.key)

    async def remove(self, side: str, pick: int) -> None:
        both = await self.users.choose(pick, side)
        if both:
            await self.users.remove(both.key, side)

    async def remove_series(self, pick: int) -> None:
        words = sorted(self.users.masters)
        if words:
            await self.users.remove_series(words[pick % len(words)])

    async def move_away(self, pick: int) -> None:
        both = await self.users.choose(pick, OUTLOOK, wanted=_single)
        if both:
            await self.users.move_away(both.key)

    async def move_back(self, pick: int) -> None:
        away = sorted(self.users.away)
        if away and not self.users.parted:  # it may not be the calendar any more that it belongs to
            await self.users.move_back(away[pick % len(away)])

    async def copy(self, side: str, pick: int) -> None:
        both = await self.users.choose(pick, side, wanted=lambda both: _single(both) and not both.masked)
        if both:
            await self.users.copy(both.key, side)

    async def travel(self, pick: int, minutes: int | None) -> None:
        both = await self.users.choose(pick, WEDSYNC, wanted=lambda both: both.is_ours)
        if both:
            await self.users.travel(both.key, minutes)

    def chosen(
        self, conflicts: Sequence[Conflict], mappings: Mapping[str, EventMapping], pick: int, side: str
    ) -> tuple[Conflict, EventMapping] | None:
        """Return the conflict in which a user chooses a side now, and note what they know by that."""
        conflict = conflicts[pick % len(conflicts)] if conflicts else None
        mapping = mappings.get(conflict.mapping_id) if conflict else None
        if conflict is None or mapping is None:
            return None
        key = verdict.key_of(self.users, mapping)
        if ":" in key and conflict.absent is Side.OUTLOOK and side == WEDSYNC:
            return None  # an occurrence comes back as an event by itself, of which nothing tells what it was
        self.users.chose(key, None, [each for each in (conflict.wedsync, conflict.outlook) if each])
        if conflict.absent is not None:
            self.users.chose_deletion(key)
            self.users.stays_away(key)
        return conflict, mapping


def _single(both: Both) -> bool:
    return ":" not in both.key
