"""Writing down what was done: the mapping with its new bases, and the change in the history."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from shared.core.actions import Rule
from shared.core.event import CalendarEvent, Field, Side
from shared.core.history import ChangeKind, SyncChange
from shared.core.mapping import EventMapping, Role
from shared.ports import Clock, Ids, Mappings, Stored

_CREATED = UUID("b8a3a4d2-0e0f-5c55-9a53-6a1b1f6d7e02")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Which run or notice a change belongs to. ``repair``: what is found to be done now had been missed before.

    ``rule`` is the reason of all of it where that is not the deciding rule's: a person's word.
    """

    run_id: str = ""
    correlation: str = ""
    repair: bool = False
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class Journal:
    """Saves mappings, and words the changes that are appended."""

    mappings: Mappings
    ids: Ids
    clock: Clock

    async def save(self, stored: Stored[EventMapping], mapping: EventMapping) -> Stored[EventMapping]:
        """Save on condition of the tag; raise ``RowChanged`` if it moved on."""
        return raise_or_return((await self.save_all([(stored, mapping)]))[0])

    async def save_all(
        self, pairs: list[tuple[Stored[EventMapping], EventMapping]]
    ) -> tuple[Stored[EventMapping] | Exception, ...]:
        """Save several in group transactions; the answers stand in the order of the pairs."""
        return await self.mappings.save([Stored(value=mapping, tag=stored.tag) for stored, mapping in pairs])

    def change(
        self,
        mapping: EventMapping,
        *,
        side: Side,
        kind: ChangeKind,
        trace: Trace,
        fields: frozenset[Field] = frozenset(),
        before: CalendarEvent | None = None,
        after: CalendarEvent | None = None,
        rule: str = "",
    ) -> SyncChange:
        """Return the history row of something done on ``side``."""
        return SyncChange(
            change_id=self.ids.new_id(),
            integration_id=mapping.integration_id,
            run_id=trace.run_id,
            mapping_id=mapping.mapping_id,
            side=side,
            kind=kind,
            at=self.clock.now(),
            fields=tuple(sorted(fields)),
            before=before,
            after=after,
            rule=trace.rule or rule,
            correlation=trace.correlation,
            repair=trace.repair,
        )

    def created(self, linked: EventMapping, *, toward: Side, trace: Trace) -> SyncChange:
        """Return the row of a create that is done: one for each generation, however often it is written.

        What WedSync had already was joined, not made: such a pair has no bases yet.
        """
        after = linked.base_w if toward is Side.WEDSYNC else linked.base_o
        joined = linked.base_w is None
        new = Rule.WEDSYNC_NEW if toward is Side.OUTLOOK else Rule.OUTLOOK_NEW
        new = Rule.TRAVEL_NEW if linked.role is Role.TRAVEL else new
        row = self.change(
            linked,
            side=toward,
            kind=ChangeKind.LINKED if joined else ChangeKind.CREATED,
            trace=trace,
            after=after,
            rule=Rule.EXTERNAL_ID if joined else new,
        )
        return replace(row, change_id=str(uuid5(_CREATED, f"{linked.mapping_id}:{linked.generation}")))


def raise_or_return(answer: Stored[EventMapping] | Exception) -> Stored[EventMapping]:
    """Return a store's answer, or raise it if it is an error."""
    if isinstance(answer, Exception):
        raise answer
    return answer
