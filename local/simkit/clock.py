"""The stand's clock: one for all of its processes, or an offset of a simulator's own.

``STAND_CLOCK`` in the environment names the file that libfaketime reads in every process of the stand; whoever writes
it moves them all. Empty, it says that this stand's clock cannot be moved (no libfaketime on this machine). Without it,
as in tests that run a simulator in their own process, the clock keeps an offset for itself.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.simkit.pauses import pause

VARIABLE = "STAND_CLOCK"


class Immovable(RuntimeError):
    """The clock of this stand cannot be moved."""


class ClockFile:
    """The offset that libfaketime adds to the wall clock of every process that was started with this file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> float:
        """Return the offset in seconds."""
        try:
            return float(self.path.read_text())
        except FileNotFoundError:
            return 0.0

    def write(self, seconds: float) -> None:
        """Set the offset in one step: a reader that found half a file would fall back to real time."""
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(f"{seconds:+.3f}\n")
        draft.replace(self.path)

    def add(self, seconds: float) -> None:
        """Add to the offset, one writer at a time."""
        with self._alone():
            self.write(self.read() + seconds)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Clock:
    """Tells a simulator the time, in UTC."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get(VARIABLE)
        self._file = ClockFile(Path(name)) if name else None
        self._fixed = name == ""
        self._own = timedelta()

    @property
    def shared(self) -> bool:
        """Whether the clock is the whole stand's."""
        return self._file is not None

    @property
    def offset(self) -> timedelta:
        """How far the clock is from real time."""
        return timedelta(seconds=self._file.read()) if self._file else self._own

    def now(self) -> datetime:
        """Return the moved time as an aware UTC datetime."""
        return datetime.now(UTC) + self._own

    def timestamp(self) -> float:
        """Return the moved time as seconds since the epoch."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``; a negative number moves it back."""
        if self._fixed:
            raise Immovable("this stand runs without libfaketime: its clock cannot be moved")
        if self._file:
            self._file.add(seconds)
        else:
            self._own += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Return to real time."""
        if self._file:
            self._file.write(0)
        self._own = timedelta()

    def reset_own(self) -> None:
        """Return to real time unless the clock is the stand's: one simulator's reset must not move the others."""
        self._own = timedelta()

    async def sleep(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed, by themselves or because the clock was moved."""
        await pause(seconds, now=self.timestamp)
