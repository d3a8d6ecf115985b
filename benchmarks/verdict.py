"""What an hour's samples say: ``python -m benchmarks.verdict samples.csv`` judges those of an earlier soak again.

A column that may grow is excused by name, with the reason, and no further than the reason goes: a log no further than
its bound, a process no further than what it keeps by design, which is taken off in a column of its own.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.growth import Trend, trends

LEAST = {"rss": 4.0, "files": 5.0, "rows": 20.0, "queue": 5.0, "kept": 20.0, "rss.azurite but rows": 24.0}
"""The smallest rise that counts as growth at all: MiB, open files, rows, messages, entries.

Node.js lets 30 MiB and more pile up before it collects them; a rise under that cannot be told from the next collection.
"""
SHORTEST = 15.0
"""Minutes under which nothing is said about growth: what remains after the warm-up is too little."""
MOST_REFUSED = 0.1
"""The part of all acts that may fail; with more the planners did not do the work that the samples are to be about."""
DELETED_EVENT_KIB = 4.2
"""What the simulated Graph keeps of a deleted event, by tracemalloc over a thousand of them."""
ROW_KIB = 1.5
"""What Azurite keeps of such a row: 1.2 and 1.6 in runs that added 9,000 and 14,000 of them an hour."""
BOUNDS = {
    "kept.graph requests": 10_000,
    "kept.wedsync requests": 10_000,
    "kept.entra requests": 10_000,
    "kept.vault requests": 10_000,
    "kept.graph notifications": 1_000,
    "kept.graph outbox": 10_000,
    "kept.wedsync webhooks": 20_000,
}
"""Logs, and how far they may fill."""
BY_DESIGN = {
    "rss.graph": "deleted events are kept: delta has to tell them, and a second DELETE is 400; judged without them",
    "kept.graph deleted events": "the recoverable items, kept until a reset or a purge",
    "rss.azurite": "it keeps the tables in memory, and these rows for 90 days; judged without them",
    "rows.OutlookSyncHistory": "one row for each run, kept for 90 days",
    "rows.OutlookChanges": "one row for each applied change, kept for 90 days",
    "rows.OutlookConflicts": "each conflict stays readable after it was resolved, for 90 days",
}
"""What may grow for an hour, and why."""
_ROWS_KEPT = ("rows.OutlookSyncHistory", "rows.OutlookChanges", "rows.OutlookConflicts")


def judge(samples: Sequence[Mapping[str, float]]) -> tuple[int, list[str]]:
    """Return the exit code (0: no growth, 1: growth, 2: too short to say) and the report."""
    if samples[-1]["minute"] < SHORTEST:
        return 2, [f"\nUnder {SHORTEST:g} minutes: nothing can be said about growth."]
    found = trends([sample | _without_what_is_kept(sample) for sample in map(dict, samples)], least=LEAST)
    lines = [f"\n{'after the first third':36} {'from':>10} {'to':>10} {'slope':>12}"]
    lines += [each.line() + _excuse(each) for each in found if each.last or each.slope]
    growing = [each.name for each in found if each.grows and not _excuse(each)]
    over = [name for name, bound in BOUNDS.items() if samples[-1].get(name, 0) > bound]
    if growing or over:
        lines.append(f"\nGROWTH in {', '.join(dict.fromkeys([*growing, *over]))}")
        return 1, lines
    return 0, [*lines, "\nNo growth but what is kept by design."]


def worked(done: Mapping[str, int], refused: Mapping[str, int], expected: Sequence[str]) -> list[str]:
    """Return why the planners' work was not what the samples are to be about; nothing if it was."""
    wrong = [f"nobody ever did '{name}'" for name in expected if not done.get(name)]
    total = sum(done.values()) + sum(refused.values())
    if sum(refused.values()) > MOST_REFUSED * total:
        wrong.append(f"{sum(refused.values())} of {total} acts did not work")
    return wrong


def _without_what_is_kept(sample: Mapping[str, float]) -> dict[str, float]:
    found = {}
    if "kept.graph deleted events" in sample:
        deleted = sample["kept.graph deleted events"] * DELETED_EVENT_KIB / 1024
        found["rss.graph but deleted"] = round(sample["rss.graph"] - deleted, 1)
    if "rss.azurite" in sample:
        kept = sum(sample.get(name, 0.0) for name in _ROWS_KEPT) * ROW_KIB / 1024
        found["rss.azurite but rows"] = round(sample["rss.azurite"] - kept, 1)
    return found


def _excuse(each: Trend) -> str:
    if not each.grows:
        return ""
    if each.name in BOUNDS:
        bound = BOUNDS[each.name]
        return f" (a log with a bound of {bound:,})" if each.last <= bound else ""
    return f" ({BY_DESIGN[each.name]})" if each.name in BY_DESIGN else ""


def main() -> None:
    """Judge a file of samples."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Path(sys.argv[1]).open(newline="") as file:
        samples = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    code, lines = judge(samples)
    print("\n".join(lines))
    sys.exit(code)


if __name__ == "__main__":
    main()
