"""What was done, what is half done, and what of it is removed in time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.core.history import AskedSync, SyncChange, SyncRun
from shared.core.pulled import Pulled
from shared.ports.basics import Stored


class Pruned(Protocol):
    """History that is kept for so long, and what is open however long."""

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what ended before then, ``limit`` at the most; return how many. Fewer than that: nothing is left."""
        ...


class Runs(Pruned, Protocol):
    """The sync history, newest first, and what callers' keys stand for. Table ``OutlookSyncHistory``.

    ``forget_before`` counts the keys that it forgets among the runs.
    """

    async def insert(self, run: SyncRun) -> Stored[SyncRun]:
        """Insert; ``RowExists``."""
        ...

    async def get(self, integration_id: str, run_id: str) -> Stored[SyncRun] | None:
        """Return the run."""
        ...

    async def save(self, stored: Stored[SyncRun]) -> Stored[SyncRun]:
        """Replace; ``RowChanged``."""
        ...

    async def recent(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest runs that were queued, newest first: no ``RunPurpose.EVENT``, of which there are many."""
        ...

    async def history(self, integration_id: str, limit: int = 20) -> tuple[Stored[SyncRun], ...]:
        """Return the newest ``limit`` that were queued and the newest ``limit`` others together, newest first.

        One busy minute brings more of ``RunPurpose.EVENT`` than a month does of all others, and shall not hide them.
        """
        ...

    async def ask(self, asked: AskedSync) -> AskedSync:
        """Remember what the key stands for, and return it: what was remembered first, if something was."""
        ...

    async def asked(self, integration_id: str, key_id: str) -> AskedSync | None:
        """Return what the key stands for."""
        ...


class RunItems(Protocol):
    """What an interrupted run has read and not done yet. Table ``OutlookRunItems``; written under the run's lease."""

    async def put(self, integration_id: str, run_id: str, pulled: Pulled) -> None:
        """Keep, in place of what was kept before; all of it, or nothing."""
        ...

    async def get(self, integration_id: str, run_id: str) -> Pulled | None:
        """Return what was kept last, or None."""
        ...

    async def forget(self, integration_id: str, run_id: str) -> None:
        """Remove what a run has kept; quiet when there is nothing."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...


class Changes(Pruned, Protocol):
    """The applied changes. Table ``OutlookChanges``."""

    async def append(self, changes: Sequence[SyncChange]) -> None:
        """Add rows; a repeated ``change_id`` is quiet."""
        ...

    async def of_mapping(self, integration_id: str, mapping_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one mapping, oldest first."""
        ...

    async def of_run(self, integration_id: str, run_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one run, oldest first."""
        ...
