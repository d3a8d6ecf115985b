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
calendars, tables, queues, vault and Entra are outside of it. The process ends by `os._exit` as it is about to send I/O
number k, so that no handler and no `finally` runs; what it had sent before is carried out, answered or not. To die when
an answer arrives is to die before the next I/O is sent; the last row of each table is the arrival of the last answer.
Then a new process starts and works until nothing is left, and both simulated calendars are read: equal, nothing twice,
no edit lost, no guest mailed, queues empty, no intent open, no message poisoned, no job failed.

A letter that the dead process was reading is sent again by Graph or WedSync; a queue message is visible again ten
minutes later, as in Azure. Time is virtual. The outcomes:

- `.` clean once the new process has worked off what was left
- `u` clean once the user has repeated the request that got no answer
- `t` clean once the timers have fired, within 16 minutes
- `X` not clean

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
    rows = [
        ("the end" if result.point.sent else plain(names[result.point.io - 1]), result.mark, number)
        for number, result in enumerate(results, 1)
    ]
    lines = [f"## {title}", "", "| k | dies before | outcome |", "|--:|---|---|"]
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
