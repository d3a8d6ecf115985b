"""A run in work: its row in the history, its time budget, and what a kind of run has to offer to be carried out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.history import EventFailure, SyncRun, Tally
from shared.core.integration import Integration, LastSyncStatus
from shared.core.pulled import Pulled
from shared.core.states import RUN_MOVES, RunState, move
from shared.errors import RowChanged, SyncFault
from shared.log import log_action
from shared.ports import Clock, Runs, Stored
from shared.usecases.journal import Trace

LIVING = (RunState.QUEUED, RunState.IN_PROGRESS)
CONTINUED = "continued"
"""The stage of a run that has kept what is left of it, to go on in a further message."""

_SHOWN_EVERY = timedelta(seconds=1)


def _no_requests() -> int:
    return 0


class RunCancelled(Exception):
    """The user has cancelled the run; what was done so far stays done."""


@dataclass(kw_only=True)
class RunRecord:
    """The row of one run while its process works on it: beats, progress and its end go through here, one at a time.

    ``until`` is when the time budget of this message ends; a run that is not done by then goes on in a further one.
    ``requests`` tells how many requests to Graph this message has taken so far. ``before`` is what was done before the
    present step: by earlier messages of the run, and by a step that came first.
    """

    runs: Runs
    clock: Clock
    stored: Stored[SyncRun]
    until: datetime
    requests: Callable[[], int] = _no_requests
    before: Tally = field(init=False)
    _since: datetime = field(init=False)
    _tally: Tally | None = field(default=None, init=False)
    _requests_before: int = field(default=0, init=False)
    _shown_at: datetime | None = field(default=None, init=False)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self._since = self.clock.now()
        self.before = self.run.tally if self.run.stage == CONTINUED else Tally()

    @property
    def run(self) -> SyncRun:
        """The run as it was last written or read."""
        return self.stored.value

    @property
    def spent(self) -> bool:
        """Whether the time budget of this message is used up."""
        return self.clock.now() >= self.until

    @property
    def cancelled(self) -> bool:
        """Whether the run is to stop, by what was last read of its row."""
        return self.run.cancel_requested or self.run.state not in LIVING

    @property
    def half_spent(self) -> bool:
        """Whether half of the time budget is used up."""
        return self.clock.now() >= self._since + (self.until - self._since) / 2

    async def begin(self, *, at: datetime) -> None:
        """Note that the run is in work, and its first beat."""
        self._requests_before = self.run.tally.graph_requests
        run = replace(self.run, heartbeat_at=at)
        if run.state is RunState.QUEUED:
            run = replace(run, state=move(RUN_MOVES, run.state, RunState.IN_PROGRESS), started_at=self.clock.now())
        self.stored = await self.runs.save(Stored(value=run, tag=self.stored.tag))

    async def beat(self, at: datetime) -> None:
        """Note a beat; ``at`` is when the lease was renewed, so that the row falls silent when the lease runs out."""
        await self._write(heartbeat_at=at)

    async def progress(self, tally: Tally) -> None:
        """Show how far the run is, at most once a second; raise ``RunCancelled`` once its user has cancelled it."""
        await self.show(tally)
        self.check()

    async def show(self, tally: Tally) -> None:
        """Show how far the run is, at most once a second."""
        self._tally = tally
        now = self.clock.now()
        if self._shown_at is None or now - self._shown_at >= _SHOWN_EVERY:
            self._shown_at = now
            await self._write(tally=self._counted(tally))

    def check(self) -> None:
        """Raise ``RunCancelled`` if the run was cancelled, by what was last read of its row."""
        if self.cancelled:
            raise RunCancelled

    async def carry_over(self, tally: Tally, failures: tuple[EventFailure, ...], *, rest: float = 0) -> None:
        """Note that what is left was kept and goes on in a further message, which may come after so many seconds."""
        self._tally = tally
        beat = self.clock.now() + timedelta(seconds=rest)
        await self._write(tally=self._counted(tally), failures=failures, stage=CONTINUED, heartbeat_at=beat)

    async def end(
        self,
        state: RunState,
        tally: Tally | None = None,
        *,
        outcome: str = "",
        failures: tuple[EventFailure, ...] = (),
    ) -> None:
        """End the run, unless somebody else has. Without a ``tally`` the one that was shown last counts."""
        written = await self._write(
            state=state,
            completed_at=self.clock.now(),
            tally=self._counted(tally or self._tally or self.run.tally),
            outcome=outcome,
            failures=failures or self.run.failures,
        )
        if written:
            _log_end(self.run)

    def _counted(self, tally: Tally) -> Tally:
        return replace(tally, graph_requests=self._requests_before + self.requests())

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

    ``continued``: the run goes on in a further message, at once or, with a ``fault``, when that says; ``progressed``
    tells whether this message has brought it any further. ``pulled``: from where the next run continues, None where the
    cursors stay. ``status`` is noted with the connection, unless it is None.
    ``integration`` is what was read, where that is not the connection as it was when the run began.
    """

    tally: Tally = field(default_factory=Tally)
    failures: tuple[EventFailure, ...] = ()
    continued: bool = False
    fault: SyncFault | None = None
    progressed: bool = True
    pulled: Pulled | None = None
    status: LastSyncStatus | None = None
    outcome: str = ""
    integration: Integration | None = None


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
