"""Carry out what ``core.decide`` decides about one mapped pair of events.

Every write is conditional on what was decided on. Where a side has moved on meanwhile, it is read and the pair is
decided again, once at once; after that the job is handed back.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.actions import (
    Action,
    Create,
    Decision,
    Delete,
    End,
    Hide,
    Hold,
    OpenConflict,
    Policy,
    Supersede,
    Unlink,
    Update,
)
from shared.core.conflicts import applied, conflict_of, superseded
from shared.core.decide import decide
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.history import ChangeKind, Conflict, SyncChange, Tally
from shared.core.integration import Direction, Integration, OnOutlookDelete, SyncWindow
from shared.core.mapping import EventMapping
from shared.core.settle import settled, settled_alone, without_event
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Gone, Present, View, settle_view
from shared.errors import DuplicateTransaction, EventGone, Rejected, RowChanged, StoreFault, SyncFault, VersionMismatch
from shared.ports import Changes, Clock, Conflicts, Ids, Outlook, OutlookPatch, Stored, WedSync
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.recompose import composed_anew, has_moved

_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Views:
    """What is known of both sides at the start."""

    wedsync: View = UNSEEN
    outlook: View = UNSEEN

    def seen(self, side: Side, view: View) -> "Views":
        """Return the views with one of them read anew."""
        return replace(self, wedsync=view) if side is Side.WEDSYNC else replace(self, outlook=view)

    def of(self, side: Side) -> View:
        """Return the view of a side."""
        return self.wedsync if side is Side.WEDSYNC else self.outlook


def policy_of(
    integration: Integration,
    *,
    run_direction: Direction = Direction.BIDIRECTIONAL,
    window: SyncWindow | None = None,
) -> Policy:
    """Return what the user prefers, as the rules take it."""
    return Policy(
        preferences=integration.preferences,
        direction=integration.direction,
        run_direction=run_direction,
        window=window,
    )


@dataclass(frozen=True, kw_only=True)
class SettlePair:
    """Decides and acts until there is nothing more to do for a pair."""

    outlook: Outlook
    wedsync: WedSync
    conflicts: Conflicts
    changes: Changes
    look: Look
    create: CreateEvent
    journal: Journal
    ids: Ids
    clock: Clock

    async def run(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        views: Views,
        *,
        policy: Policy,
        trace: Trace,
        conflicts: Sequence[Conflict] | None = None,
    ) -> Tally:
        """Return what was done. ``VersionMismatch`` when a side would not hold still."""
        if conflicts is None:
            conflicts = await self.conflicts.open_of(integration.integration_id, stored.value.mapping_id)
        views = await self._enough(integration, stored.value, views)
        reread: set[Side] = set()
        for _ in range(_ROUNDS):
            if stored.value.state is MappingState.INTENT:
                made = await self.settle_intent(integration, stored, trace)
                if made is None:
                    return Tally(handled=1)
                views, conflicts = _since_made(stored.value, made.value, views, conflicts)
                stored = made
                continue
            if stored.value.outlook_id is None:
                views, policy = views.seen(Side.OUTLOOK, Gone(proved=True)), _asking(policy)
            decision = decide(
                stored.value, wedsync=views.wedsync, outlook=views.outlook, policy=policy, conflicts=conflicts
            )
            hold = decision.actions[0]
            if isinstance(hold, Hold) and hold.side is not None:
                views = views.seen(hold.side, await self.look.at(integration, stored.value, hold.side))
                continue
            work = _Work(pair=self, integration=integration, trace=trace, conflicts=conflicts)
            try:
                return await work.carry_out(stored, decision, views)
            except VersionMismatch as stale:
                side = Side.WEDSYNC if stale.service == "wedsync" else Side.OUTLOOK
                if side in reread:
                    raise
                reread.add(side)
                stored, conflicts = await self._again(stored)
                views = views.seen(side, await self.look.at(integration, stored.value, side))
            except EventGone as gone:
                side = Side.WEDSYNC if gone.service == "wedsync" else Side.OUTLOOK
                stored, conflicts = await self._again(stored)
                views = views.seen(side, await self.look.at(integration, stored.value, side))
        raise VersionMismatch("graph", code="unsettled")

    async def _enough(self, integration: Integration, mapping: EventMapping, views: Views) -> Views:
        """Read both sides of what was set aside: one may be as it was while the other's change still waits."""
        aside = mapping.quarantine and mapping.state is MappingState.LINKED
        for side in [side for side in Side if aside and views.of(side) == UNSEEN]:
            views = views.seen(side, await self.look.at(integration, mapping, side))
        return views

    async def _again(self, stored: Stored[EventMapping]) -> tuple[Stored[EventMapping], Sequence[Conflict]]:
        """Read the mapping and its conflicts again: a round that failed may have written a part."""
        mapping = stored.value
        fresh = await self.journal.mappings.get(mapping.integration_id, mapping.mapping_id)
        if fresh is None:
            raise RowChanged
        return fresh, await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id)

    async def carry_out(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        decision: Decision,
        *,
        views: Views,
        trace: Trace,
        conflicts: Sequence[Conflict] = (),
    ) -> Tally:
        """Carry out a decision that a person made; ``VersionMismatch`` when a side has moved on.

        ``conflicts`` are those that the decision closes before the mapping is saved, or removed.
        """
        work = _Work(pair=self, integration=integration, trace=trace, conflicts=conflicts)
        return await work.carry_out(stored, decision, views)

    async def settle_intent(
        self, integration: Integration, stored: Stored[EventMapping], trace: Trace
    ) -> Stored[EventMapping] | None:
        """Find out what became of a create that was decided earlier: send it again, with the same body.

        A body that is refused for good made nothing. It is composed anew once the event that it was made of has moved
        on, and given up with that event: then the mapping is removed, and None is returned.
        """
        try:
            linked = await self._send_again(integration, stored.value)
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
        saved = await self.journal.save(stored, replace(linked, quarantine=""))
        change = self.journal.change(
            linked, side=toward, kind=ChangeKind.CREATED, trace=trace, after=linked.base_w, rule="intent"
        )
        await self.changes.append([change])
        return saved

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
                await self.conflicts.put(applied(conflict, at=self.clock.now()))

    async def _close_all(self, mapping: EventMapping) -> None:
        for conflict in await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id):
            await self.conflicts.put(superseded(conflict, at=self.clock.now()))


def has_event(mapping: EventMapping, side: Side) -> bool:
    """Whether the id of the event on this side is known."""
    return (mapping.wedsync_id if side is Side.WEDSYNC else mapping.outlook_id) is not None


def _since_made(
    intent: EventMapping, linked: EventMapping, views: Views, conflicts: Sequence[Conflict]
) -> tuple[Views, Sequence[Conflict]]:
    """Return what still holds of what was known before the create: no absence of what was created."""
    assert intent.intent is not None
    toward = intent.intent.toward
    if isinstance(views.of(toward), Gone) or intent.wedsync_id not in (None, linked.wedsync_id):
        views = views.seen(toward, UNSEEN)
    if has_event(linked, toward):
        conflicts = [conflict for conflict in conflicts if conflict.absent is not toward]
    return views, conflicts


def _asking(policy: Policy) -> Policy:
    """Return the policy for a copy whose id was never known: without an id nothing proves that it was deleted."""
    return replace(policy, preferences=replace(policy.preferences, on_outlook_delete=OnOutlookDelete.ASK))


@dataclass(kw_only=True)
class _Work:
    """One decision being carried out; nothing of it outlives the call."""

    pair: SettlePair
    integration: Integration
    trace: Trace
    conflicts: Sequence[Conflict]
    partial: EventMapping | None = None

    async def carry_out(self, stored: Stored[EventMapping], decision: Decision, views: Views) -> Tally:
        before = stored.value
        mapping = decision.mapping
        rows: list[SyncChange] = []
        tally = Tally(handled=1)
        try:
            for action in decision.actions:
                mapping, row, tally = await self._act(action, stored, mapping, views, tally)
                rows += row
                if isinstance(action, Create):
                    return tally
        except SyncFault:
            await self._keep_what_was_done(stored, rows)
            raise
        mapping = replace(mapping, quarantine="")  # whatever kept it from syncing is over
        if mapping != before:
            if mapping.state is MappingState.ENDED:
                await self.pair.journal.mappings.remove(stored)
            else:
                await self.pair.journal.save(stored, mapping)
        if rows:
            await self.pair.changes.append(rows)
        return tally

    async def _keep_what_was_done(self, stored: Stored[EventMapping], rows: list[SyncChange]) -> None:
        """The first of two writes was answered: note that, or it would look like an edit when it is seen next."""
        if self.partial is None:
            return
        with suppress(StoreFault):  # somebody else has worked on the pair meanwhile, and looks at it as it is
            await self.pair.journal.save(stored, self.partial)
        await self.pair.changes.append(rows)

    async def _act(
        self, action: Action, stored: Stored[EventMapping], mapping: EventMapping, views: Views, tally: Tally
    ) -> tuple[EventMapping, list[SyncChange], Tally]:
        match action:
            case Update():
                mapping, row = await self._update(action, stored.value, mapping)
                return mapping, [row], replace(tally, updated=tally.updated + 1)
            case Delete():
                mapping, row = await self._delete(action, mapping)
                return mapping, [row], replace(tally, deleted=tally.deleted + 1)
            case Create():
                await self._create_again(action, stored, views)
                return mapping, [], replace(tally, created=tally.created + 1)
            case OpenConflict():
                row = await self._open(action, mapping)
                return mapping, [row], replace(tally, conflicts=tally.conflicts + 1)
            case Supersede():
                await self._close(action)
            case Unlink() | Hide() | End():
                kind = ChangeKind.UNLINKED
                side = action.side if isinstance(action, Unlink) else Side.WEDSYNC
                row = self.pair.journal.change(mapping, side=side, kind=kind, trace=self.trace, rule=action.rule)
                return mapping, [row], tally
        return mapping, [], tally

    async def _update(
        self, action: Update, seen: EventMapping, mapping: EventMapping
    ) -> tuple[EventMapping, SyncChange]:
        returned: WedSyncState | OutlookState
        if action.side is Side.WEDSYNC:
            returned = await self.pair.wedsync.update(
                self.integration.user_id,
                event_id=str(mapping.wedsync_id),
                version=action.version,
                fields=action.fields,
                content=action.content,
            )
            before = seen.base_w
        else:
            returned = await self.pair.outlook.update(
                self.integration.integration_id,
                event_id=str(mapping.outlook_id),
                etag=action.etag,
                patch=OutlookPatch(fields=action.fields, content=action.content, title=action.title),
            )
            before = seen.base_o
        row = self.pair.journal.change(
            mapping,
            side=action.side,
            kind=ChangeKind.UPDATED,
            trace=self.trace,
            fields=action.fields,
            before=before,
            after=action.content,
            rule=action.rule,
        )
        self.partial = settled_alone(self.partial or seen, action, returned)
        return settled(mapping, action, returned, at=self.pair.clock.now()), row

    async def _delete(self, action: Delete, mapping: EventMapping) -> tuple[EventMapping, SyncChange]:
        if action.side is Side.WEDSYNC:
            before = mapping.base_w
            try:
                await self.pair.wedsync.delete(
                    self.integration.user_id, event_id=str(mapping.wedsync_id), version=action.version
                )
            except EventGone:
                before = None
        else:
            before = mapping.base_o
            try:
                await self.pair.outlook.delete(
                    self.integration.integration_id, event_id=str(mapping.outlook_id), etag=action.etag
                )
            except EventGone:
                before = None
        row = self.pair.journal.change(
            mapping, side=action.side, kind=ChangeKind.DELETED, trace=self.trace, before=before, rule=action.rule
        )
        return without_event(mapping, action, at=self.pair.clock.now()), row

    async def _create_again(self, action: Create, stored: Stored[EventMapping], views: Views) -> None:
        """Bring a copy back: a new generation of the same mapping, stored as an intent before it is sent."""
        view = views.wedsync
        if not isinstance(view, Present):
            view = await self.pair.look.at(self.integration, stored.value, Side.WEDSYNC)
        if not isinstance(view, Present) or not isinstance(view.state, WedSyncState) or view.state.deleted:
            raise EventGone("wedsync")
        intent = self.pair.create.intend_outlook(self.integration, view.state, action, again=stored.value)
        kept = await self.pair.journal.save(stored, intent)
        await self.pair.settle_intent(self.integration, kept, self.trace)

    async def _open(self, action: OpenConflict, mapping: EventMapping) -> SyncChange:
        conflict = conflict_of(action, mapping, now=self.pair.clock.now())
        await self.pair.conflicts.put(conflict)
        return self.pair.journal.change(
            mapping, side=Side.OUTLOOK, kind=ChangeKind.CONFLICT, trace=self.trace, rule=action.rule
        )

    async def _close(self, action: Supersede) -> None:
        for conflict in self.conflicts:
            if conflict.conflict_id in action.conflict_ids:
                await self.pair.conflicts.put(superseded(conflict, at=self.pair.clock.now()))
