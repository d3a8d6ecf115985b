"""Undo a whole run: asked for over HTTP, carried out as a run of its own, answered with what stays and why."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.history import ChangeKind, SyncChange, SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunJob, RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.recovered import tally_of
from shared.core.states import RunState
from shared.core.undo import Effect, Kept, effects, undo_run_id, undoing_id
from shared.errors import EventGone, NotFound, RowChanged, RowExists, StateConflict, VersionMismatch
from shared.ports import Changes, Clock, Integrations, JobQueue, Mappings, Ports, Runs
from shared.usecases.connect_state import connection_of
from shared.usecases.find_run import FindRun
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.make_again import MakeAgain
from shared.usecases.refusals import is_refusal
from shared.usecases.run_record import LIVING, Done, RunRecord
from shared.usecases.settle_intent import SettleIntent
from shared.usecases.undo_event import UndoEvent
from shared.usecases.undo_pair import UndoPair

_TRIES = 3
_ATTEMPTS = 100
_LATER = 30.0
"""Seconds after which the queue carries on with an undo that the request itself could not finish."""

_FINAL = (RunPurpose.DISCONNECT, RunPurpose.MOVE_CALENDAR)
"""What has nothing to go back to: the mappings are forgotten, or the copies are in another calendar."""


@dataclass(frozen=True, kw_only=True)
class KeptEvent:
    """An event that stays as the run left it, in whole or in part."""

    event_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What became of an undo so far. ``undone`` counts events."""

    run: SyncRun
    undone: int
    kept: tuple[KeptEvent, ...]


@dataclass(frozen=True, kw_only=True)
class UndoRun:
    """The ``RunWork`` of ``RunPurpose.UNDO``: pair by pair, each noted when it is done, so that none is done twice."""

    changes: Changes
    pair: UndoPair
    journal: Journal

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Undo what the run ``subject`` changed."""
        del last_try  # nothing is left out: what cannot be reached is tried until it can
        integration_id, wanted = integration.integration_id, record.run.request.subject
        todo = effects(await self.changes.of_run(integration_id, wanted))
        rows = await self.changes.of_run(integration_id, record.run.run_id)
        noted = {row.mapping_id for row in rows}
        tally = replace(tally_of(rows), total=len(todo), handled=len(noted))
        for effect in todo:
            if effect.mapping_id in noted:
                continue
            if record.spent:
                return Done(continued=True)
            await self._one(integration, effect, trace)
            tally = replace(tally, handled=tally.handled + 1)
            await record.progress(tally)
        rows = await self.changes.of_run(integration_id, record.run.run_id)
        return Done(tally=replace(tally_of(rows), total=len(todo), handled=len(todo)))

    async def _one(self, integration: Integration, effect: Effect, trace: Trace) -> None:
        rows, kept = await self._settled(integration, effect, trace)
        stays = [self._staying(integration, effect, why, trace) for why in kept]
        await self.changes.append([*rows, *stays])

    async def _settled(
        self, integration: Integration, effect: Effect, trace: Trace
    ) -> tuple[Sequence[SyncChange], Sequence[Kept]]:
        """Undo one effect; what will not hold still is being worked on, and stays."""
        for _ in range(_TRIES):
            with suppress(VersionMismatch, EventGone, RowChanged, RowExists):
                try:
                    return await self.pair.run(integration, effect, trace=trace)
                except Exception as fault:
                    if not is_refusal(fault):
                        raise
                    return (), (Kept.REFUSED,)
        return (), (Kept.CHANGED_SINCE,)

    def _staying(self, integration: Integration, effect: Effect, why: Kept, trace: Trace) -> SyncChange:
        change_id = undoing_id(trace.run_id, effect.mapping_id, f"kept:{why}")
        changes = (effect.created, effect.deleted, effect.parted, effect.joined)
        sides = [each.side for each in (*effect.rewrites, *changes) if each is not None]
        return SyncChange(
            change_id=change_id,
            integration_id=integration.integration_id,
            run_id=trace.run_id,
            mapping_id=effect.mapping_id,
            side=sides[0],
            kind=ChangeKind.SKIPPED,
            at=self.journal.clock.now(),
            rule=why,
            correlation=trace.correlation,
        )


@dataclass(frozen=True, kw_only=True)
class UndoSync:
    """Takes a user's wish to undo a run."""

    integrations: Integrations
    mappings: Mappings
    runs: Runs
    find: FindRun
    changes: Changes
    jobs: JobQueue
    clock: Clock

    async def run(self, user_id: str, run_id: str, *, carry_on: Callable[[RunJob], Awaitable[None]]) -> Undone:
        """Have ``carry_on`` undo as much as it has time for; the rest goes on as a job. ``NotFound``, or 409."""
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        known = await self.find.run(integration, run_id)
        if known is None:
            raise NotFound("sync_not_found", "There is no such sync.")
        _undoable(known.value)
        undoing = await self._queued(integration, known.value)
        job = RunJob(integration_id=integration.integration_id, run_id=undoing.run_id, correlation=undoing.run_id)
        await self.jobs.put(job, delay_seconds=_LATER)
        await carry_on(job)
        return await self._outcome(integration, undoing.run_id)

    async def _queued(self, integration: Integration, run: SyncRun) -> SyncRun:
        """Return the run that undoes this one: a new one, or one that is under way. One that is done is enough."""
        for number in range(_ATTEMPTS):
            undo_id = undo_run_id(run.run_id, number)
            known = await self.runs.get(integration.integration_id, undo_id)
            if known is None:
                return await self._insert(integration, run, undo_id)
            if known.value.state in LIVING:
                return known.value
            if known.value.state is RunState.COMPLETED:
                raise StateConflict("already_undone", "This sync has been undone already.")
        raise StateConflict("not_undoable", "This sync could not be undone however often it was tried.")

    async def _insert(self, integration: Integration, run: SyncRun, undo_id: str) -> SyncRun:
        single = run.request.kind in (RunKind.SINGLE, RunKind.WEBHOOK)
        undoing = SyncRun(
            run_id=undo_id,
            integration_id=integration.integration_id,
            request=RunRequest(
                kind=RunKind.SINGLE if single else RunKind.INCREMENTAL,
                triggered_by=TriggeredBy.MANUAL,
                direction=integration.direction,
                purpose=RunPurpose.UNDO,
                subject=run.run_id,
            ),
            state=RunState.QUEUED,
            queued_at=self.clock.now(),
        )
        with suppress(RowExists):  # the same request came twice at once
            await self.runs.insert(undoing)
        return undoing

    async def _outcome(self, integration: Integration, undo_id: str) -> Undone:
        stored = await self.runs.get(integration.integration_id, undo_id)
        assert stored is not None
        rows = await self.changes.of_run(integration.integration_id, undo_id)
        names: dict[str, str] = {}
        for row in rows:
            if row.kind is ChangeKind.SKIPPED and row.mapping_id not in names:
                names[row.mapping_id] = await self._event_id(integration, stored.value, row.mapping_id)
        return Undone(
            run=stored.value,
            undone=len({row.mapping_id for row in rows if row.kind is not ChangeKind.SKIPPED}),
            kept=tuple(
                KeptEvent(event_id=names[row.mapping_id], reason=row.rule)
                for row in rows
                if row.kind is ChangeKind.SKIPPED
            ),
        )

    async def _event_id(self, integration: Integration, undoing: SyncRun, mapping_id: str) -> str:
        """Return the name by which the user knows the event, also of a pair that is not there any more."""
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        if stored is not None:
            return stored.value.wedsync_id or mapping_id
        changes = await self.changes.of_run(integration.integration_id, undoing.request.subject)
        pairs = [change.pair for change in changes if change.mapping_id == mapping_id and change.pair]
        return next((pair.wedsync_id for pair in pairs if pair.wedsync_id), mapping_id)


def _undoable(run: SyncRun) -> None:
    """Raise unless the run is over and is of a kind that can be undone."""
    if run.state in LIVING:
        raise StateConflict("sync_in_progress", "The sync is not finished yet.")
    if run.request.purpose in _FINAL or run.stage == "disconnect":
        raise StateConflict("not_undoable", "A sync of this kind cannot be undone.")


def undo_work(ports: Ports, *, look: Look, intents: SettleIntent) -> UndoRun:
    """Return the work of undoing a run, put together on the ports."""
    journal = intents.journal
    again = MakeAgain(create=intents.create, intents=intents, journal=journal)
    event = UndoEvent(
        outlook=ports.outlook,
        wedsync=ports.wedsync,
        conflicts=ports.conflicts,
        look=look,
        again=again,
        journal=journal,
        clock=ports.clock,
    )
    pair = UndoPair(
        outlook=ports.outlook,
        wedsync=ports.wedsync,
        conflicts=ports.conflicts,
        look=look,
        event=event,
        journal=journal,
        clock=ports.clock,
    )
    return UndoRun(changes=ports.changes, pair=pair, journal=journal)


def undoing(ports: Ports) -> UndoSync:
    """Return the use case, put together on the ports."""
    return UndoSync(
        integrations=ports.integrations,
        mappings=ports.mappings,
        runs=ports.runs,
        find=FindRun(runs=ports.runs, changes=ports.changes, clock=ports.clock),
        changes=ports.changes,
        jobs=ports.jobs,
        clock=ports.clock,
    )
