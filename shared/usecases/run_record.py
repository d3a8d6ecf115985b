"""A run in work: its row in the history, its time budget, and what a kind of run has to offer to be carried out."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.history import EventFailure, SyncRun, Tally
from shared.core.integration import Integration, LastSyncStatus
from shared.core.states import RUN_MOVES, RunState, move
from shared.errors import RowChanged
from shared.log import log_action
from shared.ports import Clock, Runs, Stored
from shared.usecases.journal import Trace
from shared.usecases.pull_sides import Pulled

LIVING = (RunState.QUEUED, RunState.IN_PROGRESS)
_SHOWN_EVERY = timedelta(seconds=1)


class RunCancelled(Exception):
    """The user has cancelled the run; what was done so far stays done."""


@dataclass(kw_only=True)
class RunRecord:
    """The row of one run while its process works on it: beats, progress and its end go through here, one at a time.

    ``until`` is when the time budget of this message ends; a run that is not done by then goes on in a further one.
    """

    runs: Runs
    clock: Clock
    stored: Stored[SyncRun]
    until: datetime
    _shown_at: datetime | None = field(default=None, init=False)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def run(self) -> SyncRun:
        """The run as it was last written or read."""
        return self.stored.value

    @property
    def spent(self) -> bool:
        """Whether the time budget of this message is used up."""
        return self.clock.now() >= self.until

    async def begin(self, *, at: datetime) -> None:
        """Note that the run is in work, and its first beat."""
        run = replace(self.run, heartbeat_at=at)
        if run.state is RunState.QUEUED:
            run = replace(run, state=move(RUN_MOVES, run.state, RunState.IN_PROGRESS), started_at=self.clock.now())
        self.stored = await self.runs.save(Stored(value=run, tag=self.stored.tag))

    async def beat(self, at: datetime) -> None:
        """Note a beat; ``at`` is when the lease was renewed, so that the row falls silent when the lease runs out."""
        await self._write(heartbeat_at=at)

    async def progress(self, tally: Tally) -> None:
        """Show how far the run is, at most once a second; raise ``RunCancelled`` once its user has cancelled it."""
        now = self.clock.now()
        if self._shown_at is None or now - self._shown_at >= _SHOWN_EVERY:
            self._shown_at = now
            await self._write(tally=tally)
        self.check()

    def check(self) -> None:
        """Raise ``RunCancelled`` if the run was cancelled, by what was last read of its row."""
        if self.run.cancel_requested or self.run.state not in LIVING:
            raise RunCancelled

    async def end(
        self,
        state: RunState,
        tally: Tally | None = None,
        *,
        outcome: str = "",
        failures: tuple[EventFailure, ...] = (),
    ) -> None:
        """End the run, unless somebody else has."""
        written = await self._write(
            state=state,
            completed_at=self.clock.now(),
            tally=tally or self.run.tally,
            outcome=outcome,
            failures=failures,
        )
        if written:
            _log_end(self.run)

    async def _write(self, *, state: RunState | None = None, **members: object) -> bool:
        """Write members of the living row; somebody else (who cancels, say) may have written since it was read."""
        async with self._one_at_a_time:
            while self.run.state in LIVING:
                run = replace(self.run, **members)  # type: ignore[arg-type]
                if state is not None:
                    run = replace(run, state=move(RUN_MOVES, run.state, state))
                try:
                    self.stored = await self.runs.save(Stored(value=run, tag=self.stored.tag))
                    return True
                except RowChanged:
                    present = await self.runs.get(run.integration_id, run.run_id)
                    if present is None:
                        return False
                    self.stored = present
            return False


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of a run in this message.

    ``continued``: the time budget ended first; the run goes on in a further message. ``pulled``: from where the next
    run continues, None where the cursors stay. ``status`` is noted with the connection, unless it is None.
    """

    tally: Tally = field(default_factory=Tally)
    failures: tuple[EventFailure, ...] = ()
    continued: bool = False
    pulled: Pulled | None = None
    status: LastSyncStatus | None = None
    outcome: str = ""


class RunWork(Protocol):
    """What a run of one ``RunPurpose`` does, under the lease of its integration."""

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Do it, or a part of it; may be called again with the same run, also after a crash at any point.

        Calls ``record.progress`` often. Without ``last_try``, ``Unavailable`` hands the run back to be tried later.
        """
        ...


def _log_end(run: SyncRun) -> None:
    tally = run.tally
    log_action(
        "sync_run_ended",
        integration=run.integration_id,
        run=run.run_id,
        state=run.state.value,
        handled=tally.handled,
        created=tally.created,
        updated=tally.updated,
        deleted=tally.deleted,
        conflicts=tally.conflicts,
        errors=tally.errors,
    )
