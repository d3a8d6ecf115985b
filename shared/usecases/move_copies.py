"""Move copies of ours to another calendar: made there, then removed here. Resumable at every step.

Graph cannot move an event between calendars. A mapping is first stored with the intent and the id of the earlier copy;
the new copy is made with the next ``transactionId``; the earlier one is removed on condition of what was copied.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.core.actions import Rule
from shared.core.calendar_move import (
    arrived,
    can_be_copied,
    changed_since,
    departing,
    next_transaction,
    returned,
    settled_there,
)
from shared.core.event import OutlookState, Side
from shared.core.history import ChangeKind, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pair import NOTE_MEETING
from shared.errors import (
    CalendarGone,
    DuplicateTransaction,
    EventGone,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.log import log_action
from shared.ports import (
    BatchCreate,
    BatchDelete,
    BatchItem,
    Changes,
    Clock,
    Outlook,
    OutlookDraft,
    OutlookPatch,
    Stored,
)
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace

BATCH = 20
_PATIENCE = 4
_LONGEST_WAIT = 30.0
_WAIT = (Throttled, Unavailable, OutcomeUnknown)

Answer = OutlookState | Exception | None


@dataclass(kw_only=True)
class Journey:
    """One move: where from and to, what was done, and which mappings (by id) stay where they are, and why."""

    integration: Integration
    source: str
    target: str
    trace: Trace
    tally: Tally = field(default_factory=Tally)
    left: dict[str, str] = field(default_factory=dict)

    def count(self, **more: int) -> None:
        """Add to the counts."""
        self.tally += Tally(**more)


@dataclass(frozen=True, kw_only=True)
class MoveCopies:
    """Moves up to a batch of copies at a time."""

    outlook: Outlook
    changes: Changes
    create: CreateEvent
    journal: Journal
    clock: Clock

    async def run(
        self, journey: Journey, group: Sequence[Stored[EventMapping]], seen: Mapping[str, OutlookState]
    ) -> None:
        """Move these; ``seen`` is what the earlier calendar listed, by event id."""
        chosen: list[tuple[Stored[EventMapping], OutlookState]] = []
        for stored in group:
            state = await self._copy_of(journey, stored, seen)
            if state is not None:
                chosen.append((stored, state))
        departed = await self._saved([(stored, self._intent(journey, stored.value, state)) for stored, state in chosen])
        await self._leave(journey, await self._arrive(journey, departed))

    async def finish(self, journey: Journey, stored: Stored[EventMapping]) -> None:
        """Go on with a copy that was on its way when its process died, unless the new one is gone again."""
        mapping = stored.value
        if mapping.intent is None and not await self._is_there(mapping.integration_id, str(mapping.outlook_id)):
            await self.stay(journey, stored, "stays")
            return
        there = await self._arrive(journey, [stored]) if mapping.intent else [stored]
        await self._leave(journey, there)

    async def _is_there(self, integration_id: str, event_id: str) -> bool:
        try:
            await self.outlook.event(integration_id, event_id)
        except EventGone:
            return False
        return True

    # --- which ones --------------------------------------------------------------------------------------------

    async def _copy_of(
        self, journey: Journey, stored: Stored[EventMapping], seen: Mapping[str, OutlookState]
    ) -> OutlookState | None:
        """Return the copy if it moves; note why it does not. What is not listed is read by its id."""
        mapping = stored.value
        state = seen.get(str(mapping.outlook_id)) or await self._read(journey, stored)
        if state is not None and (NOTE_MEETING in mapping.notes or not can_be_copied(state)):
            journey.left[mapping.mapping_id] = "stays"
            return None
        return state

    async def _read(self, journey: Journey, stored: Stored[EventMapping]) -> OutlookState | None:
        """Return the copy if it is still where it was. Its owner may have put it into the new calendar already."""
        mapping, integration_id = stored.value, stored.value.integration_id
        try:
            state = await self.outlook.event(integration_id, str(mapping.outlook_id))
            place = await self.outlook.calendar_of(integration_id, state.event_id)
        except EventGone:
            journey.left[mapping.mapping_id] = "gone"
            return None
        if place == mapping.calendar_id:
            return state
        journey.left[mapping.mapping_id] = "gone"
        if place == journey.target:
            await self._saved([(stored, replace(mapping, calendar_id=place))])
        return None

    # --- there -------------------------------------------------------------------------------------------------

    def _intent(self, journey: Journey, mapping: EventMapping, state: OutlookState) -> EventMapping:
        """The copy is made of what the earlier one is now, with all that its owner has made of it."""
        draft = OutlookDraft(
            mapping_id=mapping.mapping_id,
            transaction_id=next_transaction(mapping),
            content=state.content,
            title=state.content.title,
            reminder_minutes=state.reminder_minutes,
            show_as=state.show_as,
            categories=state.categories,
        )
        payload = self.outlook.compose(draft)
        return departing(mapping, state, target=journey.target, payload=payload, at=self.clock.now())

    async def _arrive(self, journey: Journey, departed: Sequence[Stored[EventMapping]]) -> list[Stored[EventMapping]]:
        """Make the new copies; what is refused for good returns to where it was."""
        items = {stored.value.mapping_id: _create(stored.value) for stored in departed}
        answers = await self._insist(journey, items)
        pairs: list[tuple[Stored[EventMapping], EventMapping]] = []
        for stored in departed:
            answer = answers[stored.value.mapping_id]
            if isinstance(answer, DuplicateTransaction):
                linked = await self._found(journey, stored)
                pairs += [(stored, replace(linked, base_o=stored.value.base_o))] if linked else []
            elif isinstance(answer, OutlookState):
                pairs.append((stored, arrived(stored.value, answer)))
            elif isinstance(answer, Rejected):
                await self.stay(journey, stored, "refused")
            elif isinstance(answer, CalendarGone):
                if stored.value.calendar_id == journey.target:
                    raise Unavailable("graph", code="TargetGone")  # see anew where to go
                await self.stay(journey, stored, "stays")
            elif isinstance(answer, Exception):
                raise answer
        journey.count(created=len(pairs))
        return await self._saved(pairs)

    async def _found(self, journey: Journey, stored: Stored[EventMapping]) -> EventMapping | None:
        """Return the mapping with the copy that an earlier attempt made; None where its owner has removed that one."""
        try:
            return await self.create.send(journey.integration, stored.value, again=True)
        except DuplicateTransaction:
            await self.stay(journey, stored, "stays")
            return None

    # --- and away ----------------------------------------------------------------------------------------------

    async def _leave(self, journey: Journey, there: Sequence[Stored[EventMapping]]) -> None:
        """Remove the earlier copies as they were when they were copied; one that was changed since is read."""
        items: dict[str, BatchItem] = {
            stored.value.mapping_id: BatchDelete(event_id=str(stored.value.moved_from), etag=stored.value.moved_etag)
            for stored in there
        }
        answers = await self._insist(journey, items)
        gone: list[Stored[EventMapping]] = []
        for stored in there:
            answer = answers[stored.value.mapping_id]
            if answer is None or isinstance(answer, EventGone):
                gone.append(stored)
            elif isinstance(answer, VersionMismatch):
                await self._leave_changed(journey, stored)
            elif isinstance(answer, Rejected):
                await self.stay(journey, stored, "refused")
            elif isinstance(answer, Exception):
                raise answer
        await self._settled(journey, gone)

    async def _leave_changed(self, journey: Journey, stored: Stored[EventMapping]) -> None:
        """Carry over what was changed in the earlier copy after it was copied, then remove it."""
        mapping = stored.value
        try:
            old = await self.outlook.event(mapping.integration_id, str(mapping.moved_from))
            if not can_be_copied(old):
                await self.stay(journey, stored, "stays")
                return
            stored = await self._caught_up(stored, old)
            await self.outlook.delete(mapping.integration_id, event_id=old.event_id, etag=old.etag)
        except EventGone:
            pass
        except VersionMismatch:  # it would not hold still
            raise Unavailable("graph", code="CopyChanges") from None
        await self._settled(journey, [stored])

    async def _caught_up(self, stored: Stored[EventMapping], old: OutlookState) -> Stored[EventMapping]:
        mapping = stored.value
        try:
            new = await self.outlook.event(mapping.integration_id, str(mapping.outlook_id))
        except EventGone:
            return stored  # its owner removed it already: the sync sees to that
        fields = frozenset() if new.is_meeting else changed_since(mapping, old=old, new=new)
        if fields:
            patch = OutlookPatch(fields=fields, content=old.content, title=old.content.title)
            new = await self.outlook.update(mapping.integration_id, event_id=new.event_id, etag=new.etag, patch=patch)
        return await self.journal.save(
            stored, replace(mapping, o_etag=new.etag, o_changed_at=new.changed_at, moved_etag=old.etag)
        )

    async def stay(self, journey: Journey, stored: Stored[EventMapping], reason: str) -> None:
        """Stay with the earlier copy, which must not be removed, and remove the new one."""
        mapping = stored.value
        log_action("copy_stays", integration=mapping.integration_id, mapping=mapping.mapping_id, reason=reason)
        try:
            old = await self.outlook.event(mapping.integration_id, str(mapping.moved_from))
        except EventGone:
            calendar_id = journey.source if mapping.intent else mapping.calendar_id
            await self._saved([(stored, replace(settled_there(mapping), calendar_id=calendar_id))])
            return
        if mapping.outlook_id is not None:
            try:
                new = await self.outlook.event(mapping.integration_id, mapping.outlook_id)
                if not new.is_meeting:
                    await self.outlook.delete(mapping.integration_id, event_id=new.event_id, etag=new.etag)
                    journey.count(deleted=1)
            except EventGone:
                pass
        journey.left[mapping.mapping_id] = reason
        await self._saved([(stored, returned(mapping, old, calendar_id=journey.source))])

    async def _settled(self, journey: Journey, gone: Sequence[Stored[EventMapping]]) -> None:
        """Note that the earlier copies are gone: from now on the pairs are like any other."""
        if not gone:
            return
        kept = await self._saved([(stored, settled_there(stored.value)) for stored in gone])
        journey.count(handled=len(kept), deleted=len(kept))
        await self.changes.append(
            [
                self.journal.change(
                    stored.value,
                    side=Side.OUTLOOK,
                    kind=ChangeKind.LINKED,
                    trace=journey.trace,
                    after=stored.value.base_o,
                    rule=Rule.CALENDAR_MOVED,
                )
                for stored in kept
            ]
        )

    # --- inside ------------------------------------------------------------------------------------------------

    async def _saved(self, pairs: Sequence[tuple[Stored[EventMapping], EventMapping]]) -> list[Stored[EventMapping]]:
        answers = await self.journal.save_all(list(pairs)) if pairs else ()
        return [answer for answer in answers if isinstance(answer, Stored)]

    async def _insist(self, journey: Journey, items: Mapping[str, BatchItem]) -> dict[str, Answer]:
        """Send a batch; what is asked to wait is sent again, a few times. An item left over answers with its fault."""
        integration_id, waiting = journey.integration.integration_id, dict(items)
        answers: dict[str, Answer] = {}
        for attempt in range(_PATIENCE):
            if not waiting:
                break
            if attempt:
                await asyncio.sleep(min(max(map(_wait_of, answers.values())), _LONGEST_WAIT))
            found: Sequence[Answer]
            try:
                found = await self.outlook.batch(integration_id, list(waiting.values()))
            except _WAIT as fault:
                found = [fault] * len(waiting)
            answers |= dict(zip(waiting, found, strict=True))
            waiting = {key: items[key] for key in waiting if isinstance(answers[key], _WAIT)}
        return answers


def _create(mapping: EventMapping) -> BatchItem:
    assert mapping.intent is not None
    return BatchCreate(calendar_id=mapping.calendar_id, payload=mapping.intent.payload)


def _wait_of(answer: Answer) -> float:
    return float(answer.retry_after) if isinstance(answer, _WAIT) else 0.0
