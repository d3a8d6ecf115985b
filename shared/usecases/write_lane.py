"""Many writes toward one side, in groups: while one is on its way, the last is noted and the next prepared.

A create is stored as an intent before it is sent. An update or a delete is conditional on the version that it was
decided on. What is answered is noted in group transactions, so that the far end is all that is waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from shared.core.actions import Agree, Apply, Decision, Delete, Drift, Supersede, Update
from shared.core.conflicts import applied, superseded
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import Conflict, SyncChange, Tally
from shared.core.mapping import EventMapping
from shared.core.pair import note_held
from shared.core.plan import PlannedPair
from shared.core.states import MappingState
from shared.core.views import Views
from shared.errors import EventGone, Rejected, RowChanged, RowExists, SyncFault, VersionMismatch
from shared.ports import Changes, Clock, Conflicts, Mappings, Stored
from shared.usecases.at_once import both, some_at_once
from shared.usecases.journal import Journal
from shared.usecases.refusals import CONTENT_REFUSED
from shared.usecases.run_round import Round, Subject
from shared.usecases.written import after_delete, after_update

_REMOVED_AT_ONCE = 4

Answer = WedSyncState | OutlookState | EventMapping | SyncFault | None
"""The state that an update or a create returned, the mapping of a create that had to be found, None after a delete."""


@dataclass(kw_only=True)
class Write:
    """One write. ``intent`` is what a create stores before it is sent; ``stored`` is the mapping as it is kept."""

    subject: Subject
    views: Views
    stored: Stored[EventMapping] | None = None
    intent: EventMapping | None = None
    decision: Decision | None = None
    action: Update | Delete | None = None
    is_event: bool = True

    @property
    def mapping(self) -> EventMapping:
        """The mapping that the far end's answer is entered into."""
        if self.decision is not None:
            return self.decision.mapping
        assert self.stored is not None
        return self.stored.value


class Sender(Protocol):
    """How writes reach one far end."""

    @property
    def service(self) -> str:
        """What the far end is called in errors."""
        ...

    @property
    def size(self) -> int:
        """How many are sent together."""
        ...

    async def send(self, work: Round, writes: Sequence[Write]) -> list[tuple[Write, Answer]]:
        """Send them and return every answer; raise what stops the integration."""
        ...


def one_write(pair: PlannedPair) -> Update | Delete | None:
    """Return the only thing that a decision writes to a far end, if all else is noted with the mapping."""
    writes = [action for action in pair.decision.actions if isinstance(action, Update | Delete)]
    noted = all(
        isinstance(action, Update | Delete | Supersede | Apply | Agree | Drift) for action in pair.decision.actions
    )
    mapping = pair.seen.mapping
    waits = mapping.moved_from or {note_held(side) for side in Side} & set(mapping.notes)
    return writes[0] if noted and len(writes) == 1 and not waits else None


@dataclass(frozen=True, kw_only=True)
class _Noted:
    """A write that was answered: what its mapping becomes, and the rows about it."""

    write: Write
    mapping: EventMapping
    rows: Sequence[SyncChange]
    tally: Tally

    @property
    def counts(self) -> Tally:
        """What the run counts: every write, but a travel block as no event that was handled."""
        return self.tally if self.write.is_event else replace(self.tally, handled=0)


Anew = Callable[[Round, Write, SyncFault | None], Awaitable[None]]
"""What is done about a write that found something else than it was decided on."""


@dataclass(frozen=True, kw_only=True)
class WriteLane:
    """Prepares, sends and notes writes toward one side."""

    mappings: Mappings
    changes: Changes
    conflicts: Conflicts
    journal: Journal
    clock: Clock

    async def run(self, work: Round, writes: Sequence[Write], sender: Sender, anew: Anew) -> None:
        """Carry out all; what is not begun because the round stops is left as it was."""
        groups = [writes[start : start + sender.size] for start in range(0, len(writes), sender.size)]
        noting: asyncio.Task[None] | None = None
        group = self._next(work, sender, groups, 0)
        ready = await self._prepare(work, group)
        try:
            for place in range(1, len(groups) + 1):
                if not group:
                    return
                group = self._next(work, sender, groups, place)
                answers, ready = await both(sender.send(work, ready), self._prepare(work, group))
                if noting is not None:
                    await noting
                noting = asyncio.create_task(self._note(work, answers, anew))
        finally:
            if noting is not None:
                await noting

    @staticmethod
    def _next(work: Round, sender: Sender, groups: Sequence[Sequence[Write]], place: int) -> Sequence[Write]:
        """Return the group to make ready; none once the round stops, so that no intent is stored and then left."""
        if place >= len(groups):
            return ()
        if work.stops_toward(sender.service):
            work.cut = True
            return ()
        return groups[place]

    # --- before -------------------------------------------------------------------------------------------------

    async def _prepare(self, work: Round, writes: Sequence[Write]) -> list[Write]:
        """Store the intents of creates; an event that has a mapping by now is somebody else's work, and no failure."""
        new = [write for write in writes if write.intent is not None and write.stored is None]
        again = [write for write in writes if write.intent is not None and write.stored is not None]
        answers: dict[int, Stored[EventMapping] | Exception] = {}
        if new:
            stored = await self.mappings.insert([write.intent for write in new if write.intent])
            answers |= {id(write): answer for write, answer in zip(new, stored, strict=True)}
        if again:
            kept = await self.journal.save_all(
                [(write.stored, write.intent) for write in again if write.stored and write.intent]
            )
            answers |= {id(write): answer for write, answer in zip(again, kept, strict=True)}
        return [write for write in writes if await self._is_ready(work, write, answers)]

    async def _is_ready(self, work: Round, write: Write, answers: dict[int, Stored[EventMapping] | Exception]) -> bool:
        if write.intent is None:
            return True
        answer = answers[id(write)]
        if isinstance(answer, Stored):
            write.stored = answer
            return True
        if isinstance(answer, RowExists | RowChanged):
            work.left_to_another(write.subject)
        elif isinstance(answer, SyncFault):
            await work.failed(write.subject, answer)
        else:
            raise answer
        return False

    # --- after --------------------------------------------------------------------------------------------------

    async def _note(self, work: Round, answers: Sequence[tuple[Write, Answer]], anew: Anew) -> None:
        noted: list[_Noted] = []
        for write, answer in answers:
            if isinstance(answer, SyncFault) and not _found_gone(write, answer):
                stale = isinstance(answer, VersionMismatch | EventGone) and write.intent is None
                if stale or _has_parts(write, answer):
                    await anew(work, write, answer)
                else:
                    await self._not_done(work, write, answer)
                continue
            noted.append(self._answered(work, write, answer))
        await self._keep(work, noted, anew)
        await work.show()

    async def _not_done(self, work: Round, write: Write, fault: SyncFault) -> None:
        """A create that was not answered stays an open intent, which the next look settles."""
        if isinstance(fault, RowChanged):  # a disconnect has begun
            work.left_to_another(write.subject)
        else:
            await work.failed(write.subject, fault)

    def _answered(self, work: Round, write: Write, answer: Answer) -> _Noted:
        at, mapping, trace = self.clock.now(), write.mapping, work.trace
        match write.action, answer:
            case Update() as update, WedSyncState() | OutlookState() as state:
                after, rows = after_update(self.journal, mapping, update, state, at=at, trace=trace)
                return _Noted(write=write, mapping=after, rows=rows, tally=Tally(handled=1, updated=1))
            case Delete() as delete, _:
                after, row = after_delete(self.journal, mapping, delete, found=answer is None, at=at, trace=trace)
                return _Noted(write=write, mapping=after, rows=[row], tally=Tally(handled=1, deleted=1))
            case _, EventMapping() as linked:
                assert write.intent is not None
                assert write.intent.intent is not None
                row = self.journal.created(linked, toward=write.intent.intent.toward, trace=trace)
                tally = Tally(handled=1, created=1) if linked.base_w else Tally(handled=1, noted=1)
                return _Noted(write=write, mapping=linked, rows=[row], tally=tally)
        raise AssertionError("a write was answered with what no such write returns")

    async def _keep(self, work: Round, noted: Sequence[_Noted], anew: Anew) -> None:
        """Rows first: what was written is done, whether or not somebody has worked on the mapping meanwhile."""
        rows = [row for each in noted for row in each.rows]
        if rows:
            await self.changes.append(rows)
        await some_at_once([lambda each=each: self._close(work, each.write) for each in noted], _REMOVED_AT_ONCE)  # type: ignore[misc]
        ended = [each for each in noted if each.mapping.state is MappingState.ENDED]
        await some_at_once([lambda each=each: self._remove(work, each) for each in ended], _REMOVED_AT_ONCE)  # type: ignore[misc]
        kept = [each for each in noted if each.mapping.state is not MappingState.ENDED]
        pairs = [(each.write.stored, replace(each.mapping, quarantine="")) for each in kept if each.write.stored]
        answers = await self.journal.save_all(pairs) if pairs else ()
        for each, answer in zip(kept, answers, strict=True):
            await self._kept(work, each, answer, anew)

    async def _kept(self, work: Round, noted: _Noted, answer: Stored[EventMapping] | Exception, anew: Anew) -> None:
        subject = noted.write.subject
        if isinstance(answer, Stored):
            work.done(subject, noted.counts)
            if noted.mapping.base_w is None:  # WedSync had the event already: see what the two have in common
                noted.write.stored = answer
                await anew(work, noted.write, None)
        elif isinstance(answer, RowChanged | RowExists):
            work.left_to_another(subject)
        elif isinstance(answer, SyncFault):
            await work.failed(subject, answer)
        else:
            raise answer

    async def _close(self, work: Round, write: Write) -> None:
        actions = write.decision.actions if write.decision else ()
        ends = {
            each: applied if isinstance(action, Apply) else superseded
            for action in actions
            if isinstance(action, Apply | Supersede)
            for each in action.conflict_ids
        }
        conflicts: Sequence[Conflict] = work.conflicts.get(write.mapping.mapping_id, ())
        for conflict in conflicts:
            if conflict.conflict_id in ends:
                await self.conflicts.move(ends[conflict.conflict_id](conflict, at=self.clock.now()))

    async def _remove(self, work: Round, noted: _Noted) -> None:
        assert noted.write.stored is not None
        with suppress(RowChanged):  # somebody else has worked on the pair, and looks at it as it is
            await self.mappings.remove(noted.write.stored)
        work.done(noted.write.subject, noted.counts)


def _has_parts(write: Write, answer: SyncFault) -> bool:
    """Whether a refused update is of several fields: by itself, the one that is refused holds back no other."""
    refused = isinstance(answer, Rejected) and answer.status in CONTENT_REFUSED
    return refused and isinstance(write.action, Update) and len(write.action.fields) > 1


def _found_gone(write: Write, answer: SyncFault) -> bool:
    """Whether what was to be deleted was not there any more."""
    return isinstance(write.action, Delete) and isinstance(answer, EventGone)
