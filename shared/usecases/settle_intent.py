"""Find out what became of a create that was decided and stored earlier, and bring it to its end."""

from dataclasses import dataclass, replace

from shared.core.conflicts import applied, superseded
from shared.core.event import OutlookState, Side
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.views import Gone, Present, settle_view
from shared.errors import DuplicateTransaction, Rejected
from shared.ports import Changes, Clock, Conflicts, Stored
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.moving import assert_arrived
from shared.usecases.recompose import composed_anew, has_moved


@dataclass(frozen=True, kw_only=True)
class SettleIntent:
    """Sends a stored create again until it is known whether its event exists."""

    conflicts: Conflicts
    changes: Changes
    look: Look
    create: CreateEvent
    journal: Journal
    clock: Clock

    async def run(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        trace: Trace,
        *,
        seen: OutlookState | None = None,
    ) -> Stored[EventMapping] | None:
        """Find out what became of a create that was decided earlier: send it again, with the same body.

        ``seen`` is an event that was just read: where its ``transactionId`` is the create's, nothing has to be sent.

        A body that is refused for good made nothing. It is composed anew once the event that it was made of has moved
        on, and given up with that event: then the mapping is removed, and None is returned.
        """
        assert_arrived(stored.value)
        try:
            linked = self._recognised(stored.value, seen) or await self._send_again(integration, stored.value)
        except Rejected:
            mended = await self._mended(integration, stored)
            if mended is stored:
                raise
            if mended is None:
                return None
            stored = mended
            linked = await self.create.send(integration, stored.value, again=False)
        assert stored.value.intent is not None
        toward = stored.value.intent.toward
        await self._answer_absence(linked, toward)
        await self.changes.append([self.journal.created(linked, toward=toward, trace=trace)])
        return await self.journal.save(stored, replace(linked, quarantine=""))

    def _recognised(self, mapping: EventMapping, seen: OutlookState | None) -> EventMapping | None:
        """Return the mapping linked to the event that the create made, if that is what was seen.

        Only we can have computed the ``transactionId``, and Outlook gives it to no copy (docs/decisions/002).
        """
        made = seen is not None and seen.transaction_id == mapping.transaction_id and not seen.cancelled
        toward_outlook = mapping.intent is not None and mapping.intent.toward is Side.OUTLOOK
        return self.create.answered(mapping, seen, again=True) if seen and made and toward_outlook else None

    async def _send_again(self, integration: Integration, mapping: EventMapping) -> EventMapping:
        try:
            return await self.create.send(integration, mapping, again=True)
        except DuplicateTransaction:  # it was made, and no event bears its marker any more
            return self.create.vanished(mapping)

    async def _mended(self, integration: Integration, stored: Stored[EventMapping]) -> Stored[EventMapping] | None:
        """Return the refused intent composed anew, or as it is if nothing has moved, or None if its source is gone."""
        mapping = stored.value
        assert mapping.intent is not None
        view = settle_view(mapping, await self.look.at(integration, mapping, mapping.intent.toward.other))
        if isinstance(view, Gone):
            await self._close_all(mapping)
            await self.journal.mappings.remove(stored)
            return None
        if not isinstance(view, Present) or not has_moved(mapping, view.state):
            return stored
        return await self.journal.save(stored, composed_anew(self.create, integration, mapping, view.state))

    async def _answer_absence(self, linked: EventMapping, toward: Side) -> None:
        """Close the question about an event that was missing: it was to be made again, and is there.

        Before the mapping is saved: a crash in between leaves the intent, which is settled again.
        """
        if linked.generation == 1 or not has_event(linked, toward):
            return
        for conflict in await self.conflicts.open_of(linked.integration_id, linked.mapping_id):
            if conflict.absent is toward:
                await self.conflicts.move(applied(conflict, at=self.clock.now()))

    async def _close_all(self, mapping: EventMapping) -> None:
        for conflict in await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id):
            await self.conflicts.move(superseded(conflict, at=self.clock.now()))


def has_event(mapping: EventMapping, side: Side) -> bool:
    """Whether the id of the event on this side is known."""
    return (mapping.wedsync_id if side is Side.WEDSYNC else mapping.outlook_id) is not None
