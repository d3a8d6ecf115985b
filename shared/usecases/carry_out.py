"""Carry out one decision about one pair: every write conditional on what was decided on, the mapping saved last."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.actions import (
    Action,
    Apply,
    Create,
    Decision,
    Delete,
    End,
    Hide,
    OpenConflict,
    Supersede,
    Unlink,
    Update,
)
from shared.core.conflicts import applied, conflict_of, superseded
from shared.core.event import Field, OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, Conflict, SyncChange, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.merge import advance
from shared.core.pair import note_held
from shared.core.settle import settled_alone
from shared.core.states import MappingState
from shared.core.views import Present, View
from shared.errors import EventGone, Rejected, StoreFault, SyncFault
from shared.ports import Changes, Clock, Conflicts, Outlook, OutlookPatch, Stored, WedSync
from shared.usecases.create_event import CreateEvent
from shared.usecases.guard_deletions import GuardDeletions
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.moving import assert_arrived
from shared.usecases.refusals import CONTENT_REFUSED, reason_of
from shared.usecases.settle_intent import SettleIntent
from shared.usecases.written import after_delete, after_update

_WRITES = (ChangeKind.UPDATED, ChangeKind.DELETED)


@dataclass(frozen=True, kw_only=True)
class CarryOut:
    """Writes to the two sides what was decided, and notes it."""

    outlook: Outlook
    wedsync: WedSync
    conflicts: Conflicts
    changes: Changes
    look: Look
    create: CreateEvent
    intents: SettleIntent
    guard: GuardDeletions
    journal: Journal
    clock: Clock

    async def run(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        decision: Decision,
        *,
        wedsync: View,
        trace: Trace,
        conflicts: Sequence[Conflict] = (),
    ) -> Tally:
        """Do it and return the counts; ``VersionMismatch`` or ``EventGone`` when a side has moved on.

        ``wedsync`` is what is known of that side, for a create. ``conflicts`` are those that the decision may close.
        """
        assert_arrived(stored.value)
        work = _Work(ends=self, integration=integration, trace=trace, conflicts=conflicts)
        return await work.carry_out(stored, decision, wedsync)


@dataclass(kw_only=True)
class _Work:
    """One decision being carried out; nothing of it outlives the call."""

    ends: CarryOut
    integration: Integration
    trace: Trace
    conflicts: Sequence[Conflict]
    partial: EventMapping | None = None
    refusal: Rejected | None = None
    torn: frozenset[Field] = frozenset()
    """What was to go to both sides, and was refused by one: it is settled on neither."""

    async def carry_out(self, stored: Stored[EventMapping], decision: Decision, wedsync: View) -> Tally:
        before = stored.value
        mapping = decision.mapping
        rows: list[SyncChange] = []
        tally = Tally(handled=1)
        updates = [action.fields for action in decision.actions if isinstance(action, Update)]
        self.both_ways = frozenset.intersection(*updates) if len(updates) > 1 else frozenset()
        try:
            for action in decision.actions:
                mapping, row, tally = await self._act(action, stored, mapping, wedsync, tally)
                rows += row
                if isinstance(action, Create):
                    return tally
        except SyncFault:
            await self._keep_what_was_done(stored, rows)
            raise
        if self.refusal is not None and self.partial is None:
            raise self.refusal
        await self._withdraw(before, decision.mapping)
        await self._save(stored, self._judged(before, mapping), rows)
        if self.refusal is not None:
            raise self.refusal
        return tally

    async def _save(self, stored: Stored[EventMapping], mapping: EventMapping, rows: list[SyncChange]) -> None:
        written = any(row.kind in _WRITES for row in rows)
        if written:  # it is done, whether or not somebody else has worked on the mapping meanwhile
            await self.ends.changes.append(rows)
        if mapping.state is MappingState.ENDED:
            await self.ends.journal.mappings.remove(stored)
        elif mapping != stored.value:
            await self.ends.journal.save(stored, mapping)
        if rows and not written:
            await self.ends.changes.append(rows)

    def _judged(self, before: EventMapping, mapping: EventMapping) -> EventMapping:
        """Set the pair aside with what was refused of it; else whatever kept it from syncing is over."""
        if self.refusal is None:
            return replace(mapping, quarantine="")
        return replace(mapping, quarantine=reason_of(self.refusal), held=mapping.held | before.held)

    async def _withdraw(self, before: EventMapping, after: EventMapping) -> None:
        """Take a deletion out of the open question once it is not wanted any more."""
        held = {note_held(side) for side in Side} & set(before.notes)
        if held - set(after.notes):
            await self.ends.guard.withdraw(before.integration_id, [before.mapping_id])

    async def _keep_what_was_done(self, stored: Stored[EventMapping], rows: list[SyncChange]) -> None:
        """The first of two writes was answered: note that, or it would look like an edit when it is seen next."""
        if self.partial is None:
            return
        await self.ends.changes.append(rows)
        with suppress(StoreFault):  # somebody else has worked on the pair meanwhile, and looks at it as it is
            await self.ends.journal.save(stored, self.partial)

    async def _act(
        self, action: Action, stored: Stored[EventMapping], mapping: EventMapping, wedsync: View, tally: Tally
    ) -> tuple[EventMapping, list[SyncChange], Tally]:
        match action:
            case Update():
                mapping, updates = await self._update(action, stored.value, mapping)
                return mapping, updates, replace(tally, updated=tally.updated + 1)
            case Delete():
                mapping, row = await self._delete(action, mapping)
                return mapping, [row], replace(tally, deleted=tally.deleted + 1)
            case Create():
                await self._create_again(action, stored, wedsync)
                return mapping, [], replace(tally, created=tally.created + 1)
            case OpenConflict():
                row = await self._open(action, mapping)
                if action.use is None:
                    return mapping, [row], replace(tally, conflicts=tally.conflicts + 1)
            case Apply() | Supersede():
                if self.refusal is None:  # else the choice has not been carried out
                    await self._close(action)
            case Unlink() | Hide() | End():
                kind = ChangeKind.UNLINKED
                side = action.side if isinstance(action, Unlink) else Side.WEDSYNC
                row = self.ends.journal.change(mapping, side=side, kind=kind, trace=self.trace, rule=action.rule)
                row = replace(row, pair=stored.value)
                return mapping, [row], replace(tally, noted=tally.noted + 1)
        return mapping, [], tally

    async def _update(
        self, action: Update, seen: EventMapping, mapping: EventMapping
    ) -> tuple[EventMapping, list[SyncChange]]:
        """Write it; where the content is refused, each field by itself, so that one holds back no other."""
        if self.torn:
            action = replace(action, fields=action.fields - self.torn, settles=action.settles - self.torn)
        if not action.fields:
            return mapping, []
        try:
            return await self._write(action, seen, mapping)
        except Rejected as refusal:
            if refusal.status not in CONTENT_REFUSED:
                raise
            return await self._write_singly(action, seen, mapping, refusal)

    async def _write_singly(
        self, action: Update, seen: EventMapping, mapping: EventMapping, refusal: Rejected
    ) -> tuple[EventMapping, list[SyncChange]]:
        refused, rows = list[Field](), list[SyncChange]()
        for which in sorted(action.fields):
            try:
                if len(action.fields) == 1:
                    raise refusal
                mapping, more = await self._write(action.only(which), seen, mapping)
            except Rejected as fault:
                refusal = fault
                refused.append(which)
                continue
            rows += more
            action = replace(action, version=mapping.w_version, etag=mapping.o_etag)
        if refused:
            self.refusal = _naming(refusal, refused)
            self.torn = self.both_ways & set(refused)
        if self.torn and seen.base_w and seen.base_o:
            base_w = advance(mapping.base_w or seen.base_w, seen.base_w, self.torn)
            mapping = replace(
                mapping, base_w=base_w, base_o=advance(mapping.base_o or seen.base_o, seen.base_o, self.torn)
            )
        return mapping, rows

    async def _write(
        self, action: Update, seen: EventMapping, mapping: EventMapping
    ) -> tuple[EventMapping, list[SyncChange]]:
        returned: WedSyncState | OutlookState
        if action.side is Side.WEDSYNC:
            returned = await self.ends.wedsync.update(
                self.integration.user_id,
                event_id=str(mapping.wedsync_id),
                version=action.version,
                fields=action.fields,
                content=action.content,
            )
        else:
            returned = await self.ends.outlook.update(
                self.integration.integration_id,
                event_id=str(mapping.outlook_id),
                etag=action.etag,
                patch=OutlookPatch(fields=action.fields, content=action.content, title=action.title),
            )
        after, rows = after_update(
            self.ends.journal, mapping, action, returned, at=self.ends.clock.now(), trace=self.trace
        )
        # A field that is written to both sides is settled by both writes, not by the first.
        alone = replace(action, fields=action.fields - self.both_ways)
        self.partial = settled_alone(self.partial or seen, alone, returned)
        return after, rows

    async def _delete(self, action: Delete, mapping: EventMapping) -> tuple[EventMapping, SyncChange]:
        found = True
        try:
            if action.side is Side.WEDSYNC:
                await self.ends.wedsync.delete(
                    self.integration.user_id, event_id=str(mapping.wedsync_id), version=action.version
                )
            else:
                await self.ends.outlook.delete(
                    self.integration.integration_id, event_id=str(mapping.outlook_id), etag=action.etag
                )
        except EventGone:
            found = False
        return after_delete(self.ends.journal, mapping, action, found=found, at=self.ends.clock.now(), trace=self.trace)

    async def _create_again(self, action: Create, stored: Stored[EventMapping], view: View) -> None:
        """Bring a copy back: a new generation of the same mapping, stored as an intent before it is sent."""
        if not isinstance(view, Present):
            view = await self.ends.look.at(self.integration, stored.value, Side.WEDSYNC)
        if not isinstance(view, Present) or not isinstance(view.state, WedSyncState) or view.state.deleted:
            raise EventGone("wedsync")
        intent = self.ends.create.intend_outlook(self.integration, view.state, action, again=stored.value)
        kept = await self.ends.journal.save(stored, intent)
        trace = replace(self.trace, rule=self.trace.rule or action.rule)
        await self.ends.intents.run(self.integration, kept, trace)

    async def _open(self, action: OpenConflict, mapping: EventMapping) -> SyncChange:
        conflict = conflict_of(action, mapping, now=self.ends.clock.now())
        await self.ends.conflicts.ask(conflict)
        self.conflicts = (*self.conflicts, conflict)
        return self.ends.journal.change(
            mapping, side=Side.OUTLOOK, kind=ChangeKind.CONFLICT, trace=self.trace, rule=action.rule
        )

    async def _close(self, action: Apply | Supersede) -> None:
        end = applied if isinstance(action, Apply) else superseded
        for conflict in self.conflicts:
            if conflict.conflict_id in action.conflict_ids:
                await self.ends.conflicts.move(end(conflict, at=self.ends.clock.now()))


def _naming(refusal: Rejected, fields: Sequence[Field]) -> Rejected:
    """Return the refusal with the fields that it is about; they are names, no content."""
    code = f"{refusal.code}: {', '.join(fields)}"
    return Rejected(refusal.service, status=refusal.status, code=code, request_id=refusal.request_id)
