"""The deletion guard at work: each deletion that nobody asked for is weighed before it is carried out.

Both lanes and all processes share one ledger of an integration, a row written on condition of its ETag.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Decision, Delete
from shared.core.confirmation import (
    Confirmation,
    DeletionLedger,
    Wanted,
    counted,
    has_to_count,
    mapped_keys,
    weighed,
    withdrawn,
)
from shared.core.event import Side
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pair import note_held
from shared.errors import RowChanged
from shared.log import log_action
from shared.ports import Clock, Confirmations, Ids, Mappings, Stored

_TRIES = 20

Step = Callable[[DeletionLedger], Awaitable[tuple[DeletionLedger, Confirmation | None]]]


@dataclass(frozen=True, kw_only=True)
class WantedDeletion:
    """A deletion that was decided on: of which pair, and on which ``side``."""

    stored: Stored[EventMapping]
    side: Side


def deletion_in(decision: Decision) -> Side | None:
    """Return the side on which the decision deletes without having been asked to."""
    wanted = (action.side for action in decision.actions if isinstance(action, Delete) and not action.asked)
    return next(wanted, None)


@dataclass(frozen=True, kw_only=True)
class GuardDeletions:
    """Counts deletions, and holds them where there are too many."""

    confirmations: Confirmations
    mappings: Mappings
    ids: Ids
    clock: Clock

    async def weigh(
        self,
        integration: Integration,
        wanted: Sequence[WantedDeletion],
        *,
        mapped: Collection[str] | None = None,
        empty_sides: Collection[Side] = (),
    ) -> frozenset[str]:
        """Return the ids of the mappings whose deletion is held; all others are counted and may be deleted now.

        All that one job or run wants goes into one call: one read and at most one write. What is held is in the
        ``Confirmation`` then and noted with its mapping; the caller leaves it alone. To ask again about what was
        allowed changes nothing. ``mapped``: ``core.confirmation.mapped_keys`` where the caller has read all mappings.
        ``empty_sides``: sides read to the end that show not one of the mapped events.
        """
        if not wanted:
            return frozenset()
        pairs = [Wanted(mapping=each.stored.value, side=each.side) for each in wanted]
        held: frozenset[str] = frozenset()

        async def step(ledger: DeletionLedger) -> tuple[DeletionLedger, Confirmation | None]:
            nonlocal held
            now = self.clock.now()
            if mapped is not None:
                ledger = counted(ledger, mapped, now=now)
            elif has_to_count(ledger, pairs, now=now):
                ledger = counted(ledger, await self._mapped(integration), now=now)
            found = weighed(ledger, pairs, now=now, empty_sides=empty_sides, new_id=self.ids.new_id)
            held = found.held
            return found.ledger, found.lapsed

        await self._change(integration.integration_id, step)
        await self._note([each for each in wanted if each.stored.value.mapping_id in held])
        return held

    async def withdraw(self, integration_id: str, mapping_ids: Collection[str]) -> None:
        """Take these out of the open question: they are back, or have been decided otherwise."""

        async def step(ledger: DeletionLedger) -> tuple[DeletionLedger, Confirmation | None]:
            return withdrawn(ledger, mapping_ids), None

        await self._change(integration_id, step)

    async def _mapped(self, integration: Integration) -> frozenset[str]:
        return mapped_keys([stored.value async for stored in self.mappings.all(integration.integration_id)])

    async def _note(self, wanted: Sequence[WantedDeletion]) -> None:
        """Note it with the mappings; a note that fails is made at the next look, which asks again."""
        noted = [
            Stored(value=_noted(each.stored.value, each.side), tag=each.stored.tag)
            for each in wanted
            if note_held(each.side) not in each.stored.value.notes
        ]
        if noted:
            await self.mappings.save(noted)
            log_action("deletions_held", integration=noted[0].value.integration_id, count=len(noted))

    async def _change(self, integration_id: str, step: Step) -> None:
        for _ in range(_TRIES):
            stored = await self.confirmations.ledger(integration_id)
            after, closed = await step(stored.value)
            if after == stored.value and closed is None:
                return
            try:
                await self.confirmations.save(replace(stored, value=after), closed)
            except RowChanged:
                continue
            return
        raise RowChanged


def _noted(mapping: EventMapping, side: Side) -> EventMapping:
    return replace(mapping, notes=(*mapping.notes, note_held(side)))
