"""libfaketime, Debian's library that tells a process another time: what makes the stand's clock movable.

Measured on Linux (x86-64, Python 3.11, Node 20): a call of ``time()`` costs 0.07 µs without it, 0.8 µs with the offset
cached for a second, 7 µs when the file is read at each call. It is read at each call: with a cache, one process would
live in the future for a second while another still refuses its tokens. The multi-threaded build is taken because host
and Azurite are. Nothing else is faked: monotonic time drives timeouts, and file times belong to the machine.
"""

import os
import platform
from pathlib import Path

from local.simkit.clock import VARIABLE, ClockFile

LIBRARY_SETTING = "LIBFAKETIME_PATH"
_NAME = "libfaketimeMT.so.1"
_SHARED_MEMORY = Path("/dev/shm")
_LEFT_BEHIND = ("faketime_shm_", "sem.faketime_sem_")


def find_library() -> Path | None:
    """Return libfaketime's path, or None where there is none; ``LIBFAKETIME_PATH`` comes first (empty: do without)."""
    chosen = os.environ.get(LIBRARY_SETTING)
    if chosen is not None:
        return Path(chosen) if chosen else None
    if platform.system() != "Linux":
        return None
    places = [*Path("/usr").glob(f"lib*/*/faketime/{_NAME}"), *Path("/usr").glob(f"lib*/faketime/{_NAME}")]
    return next(iter(places), None)


class StandClock:
    """The clock of one stand: the file in its work folder, and what its processes are started with."""

    def __init__(self, folder: Path) -> None:
        self._library = find_library()
        self.file = ClockFile(folder / "clock")

    @property
    def movable(self) -> bool:
        """Whether the stand's time can be moved on this machine."""
        return self._library is not None

    def prepare(self) -> None:
        """Begin at real time, and clear away what killed processes of earlier stands have left."""
        self.file.path.parent.mkdir(parents=True, exist_ok=True)
        self.file.write(0)
        sweep()

    def environment(self) -> dict[str, str]:
        """Return what a process needs in its environment to live by this clock."""
        if self._library is None:
            return {VARIABLE: ""}
        return {
            VARIABLE: str(self.file.path),
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # Its name before version 0.9.9.
            "NO_FAKE_STAT": "1",
        }


def sweep() -> None:
    """Remove the shared memory of processes that are gone.

    libfaketime makes two small files for each process and removes them at a proper exit only. One that finds files of
    its own number there does not start.
    """
    for prefix in _LEFT_BEHIND:
        for file in _SHARED_MEMORY.glob(f"{prefix}*"):
            number = file.name.removeprefix(prefix)
            if number.isdigit() and not Path("/proc", number).exists():
                file.unlink(missing_ok=True)
