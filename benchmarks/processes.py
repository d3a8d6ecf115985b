"""What a process of the stand takes: memory and open files, read from /proc (Linux alone)."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.stand import Stand

MIB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """``rss`` in MiB: what lies in memory, libraries shared with other processes included."""

    rss: float
    files: int


def taken_by(pid: int) -> Taken:
    """Read one process."""
    folder = Path("/proc") / str(pid)
    pages = int((folder / "statm").read_text().split()[1])
    return Taken(rss=round(pages * _PAGE / MIB, 1), files=len(list((folder / "fd").iterdir())))


def taken(stand: Stand) -> Mapping[str, Taken]:
    """Read every process of the stand by its name, with those that it started: the host runs the app in a worker."""
    return {name: taken_with_children(pid) for name, pid in sorted(stand.pids().items())}


def taken_with_children(pid: int) -> Taken:
    """Read a process and all that it started, together; one that ends meanwhile takes nothing."""
    each = []
    for own in family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            each.append(taken_by(own))
    return Taken(rss=round(sum(one.rss for one in each), 1), files=sum(one.files for one in each))


def family(pid: int) -> list[int]:
    """Return a process and all that it started, itself first."""
    found = [pid]
    for file in (Path("/proc") / str(pid) / "task").glob("*/children"):
        for child in file.read_text().split():
            found += family(int(child))
    return found


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process so far: unlike wall time, it does not depend on who else is at work."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def machine() -> str:
    """Say in a few words what the figures were measured on."""
    busy = os.getloadavg()[0]
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    return f"{os.cpu_count()} cores ({model}), load average {busy:.1f} at the start"
