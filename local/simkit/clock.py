"""The stand's clock: one for all of its processes, or an offset of a simulator's own.

``STAND_CLOCK`` in the environment names the file that every process of the stand adds to the wall clock (``moved`` for
Python, ``moved_date.cjs`` for Node.js); whoever writes it moves them all at once. Without it, as in tests that run a
simulator in their own process, the clock keeps an offset for itself.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.simkit.pauses import pause

VARIABLE = "STAND_CLOCK"
LENGTH = 8
_NANOSECONDS = 1_000_000_000


class ClockFile:
    """The offset of all processes from the wall clock: nanoseconds, eight bytes, signed, little-endian.

    It is written and read in one piece and in place, so that nobody ever sees half of it and a mapped file follows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> float:
        """Return the offset in seconds; a stand that was not started has none."""
        try:
            return int.from_bytes(self.path.read_bytes(), "little", signed=True) / _NANOSECONDS
        except FileNotFoundError:
            return 0.0

    def write(self, seconds: float) -> None:
        """Set the offset; whoever is adding to it meanwhile comes before or after."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._write(seconds)

    def _write(self, seconds: float) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, round(seconds * _NANOSECONDS).to_bytes(LENGTH, "little", signed=True), 0)
        finally:
            os.close(handle)

    def add(self, seconds: float) -> None:
        """Add to the offset, one writer at a time."""
        with self._alone():
            self._write(self.read() + seconds)

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
