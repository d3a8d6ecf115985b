"""``docs/crash-matrix.md``: every point and what came of it, compactly."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tests.crash.matrix import Mark, Result
from tests.crash.scenarios import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "crash-matrix.md"

HEAD = """# Killed at every I/O

Made by `make crash-matrix`. The service runs in a process of its own, with the real clients and stores; both
calendars, tables, queues, vault and Entra are outside of it. At I/O number k the process ends by `os._exit`, so that no
handler and no `finally` runs: once just before the request is sent, once when its answer arrives and nothing has been
done with it. What it had sent besides is still carried out. Then a new process starts and works until nothing is left,
and both simulated calendars are read: equal, nothing twice, no edit lost, no guest mailed, queues empty, no intent
open, no message poisoned, no job failed.

A letter that the dead process was reading is sent again by Graph or WedSync; a queue message is visible again ten
minutes later, as in Azure. Time is virtual. The outcomes:

- `.` clean once the new process has worked off what was left
- `u` clean once the user has repeated the request that got no answer
- `t` clean once the timers have fired, within 16 minutes
- `X` not clean

The two marks of an I/O stand together: before it is sent, after it is answered.

"""


def page(names: dict[str, list[str]], found: dict[str, list[Result]]) -> str:
    """Return the page."""
    lines = ["| scenario | what happens | I/O | points | `.` | `u` | `t` | `X` |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    for scenario in SCENARIOS:
        results = found[scenario.name]
        counts = [sum(result.mark is mark for result in results) for mark in Mark]
        cells = " | ".join(str(count) for count in counts)
        lines.append(f"| {scenario.name} | {scenario.title} | {len(names[scenario.name])} | {len(results)} | {cells} |")
    parts = [HEAD + "\n".join(lines) + "\n"]
    parts += [_of_one(scenario.name, names[scenario.name], found[scenario.name]) for scenario in SCENARIOS]
    return "\n".join(parts)


def _of_one(title: str, names: list[str], results: Sequence[Result]) -> str:
    """Return the table of one scenario; I/Os of the same name and outcome that follow one another share a row."""
    marks = {(result.point.io, result.point.sent): result.mark for result in results}
    rows = [
        (plain(name), f"{marks[number, False]}{marks[number, True]}", number) for number, name in enumerate(names, 1)
    ]
    lines = [f"## {title}", "", "| k | I/O | outcome |", "|--:|---|---|"]
    for (name, outcome), group in groupby(rows, key=lambda row: row[:2]):
        numbers = [row[2] for row in group]
        span = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
        lines.append(f"| {span} | `{name}` | `{outcome}` |")
    dirty = [result for result in results if result.mark is Mark.DIRTY]
    lines += [f"\nk {result.point.io}, {result.at}: {'; '.join(result.findings)}" for result in dirty]
    return "\n".join(lines) + "\n"


def plain(name: str) -> str:
    """Return the I/O without the ids in it."""
    return re.sub(r"/(calendars|events|users|subscriptions)/[^/]+", r"/\1/{id}", name)
