"""A Python process of the stand tells the stand's time: the wall clock and the offset in the clock file.

time-machine puts other functions in the place of ``time.time``, ``datetime.now`` and the like, in C, whoever imported
them and however; the monotonic clock, sleeping and waiting stay what they are. libfaketime 0.9.10 (Debian 12) breaks
Python 3.11: ``time.sleep`` fails with EINVAL, and each wait for the interpreter lock reads the file.
"""

import mmap
import os
from pathlib import Path

import time_machine

from local.simkit.clock import LENGTH


class _Follower(time_machine.Traveller):
    """Reads the offset at each call, from memory that it shares with whoever moves the clock."""

    def __init__(self, file: Path) -> None:
        super().__init__(destination_timestamp_ns=0, destination_tzname=None, tick=True)
        handle = os.open(file, os.O_RDONLY)
        try:
            self._offset = mmap.mmap(handle, LENGTH, prot=mmap.PROT_READ)
        finally:
            os.close(handle)
        self._real = time_machine.escape_hatch.time.time_ns

    def time_ns(self) -> int:
        """Return the stand's time."""
        return self._real() + int.from_bytes(self._offset[:], "little", signed=True)


def follow(file: Path) -> None:
    """Tell the stand's time from now on, in this whole process."""
    follower = _Follower(file)
    time_machine.travel(0).start()
    time_machine.traveller_stack[-1] = follower
