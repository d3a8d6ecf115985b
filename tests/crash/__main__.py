"""Every scenario, killed at every I/O: ``python -m tests.crash [SCENARIO …]``.

Writes ``docs/crash-matrix.md`` when all scenarios are run; exit code 1 when a point is not clean.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.crash.matrix import Mark, Result, all_points, names_of, run
from tests.crash.page import PAGE, page
from tests.crash.scenarios import SCENARIOS

_CHUNK = 20
"""Points that one worker takes at a time."""


def main() -> None:
    """Run everything, or the scenarios that are named; only a full run writes the page."""
    wanted = set(sys.argv[1:])
    chosen = [scenario for scenario in SCENARIOS if not wanted or scenario.name in wanted]
    found: dict[str, list[Result]] = {}
    names: dict[str, list[str]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for scenario in chosen:
            names[scenario.name] = names_of(scenario)
            points = all_points(names[scenario.name])
            chunks = [points[start : start + _CHUNK] for start in range(0, len(points), _CHUNK)]
            parts = pool.map(run, [scenario] * len(chunks), chunks)
            found[scenario.name] = [result for part in parts for result in part]
            dirty = [result for result in found[scenario.name] if result.mark is Mark.DIRTY]
            print(f"{scenario.name}: {len(points)} points, {len(dirty)} not clean", flush=True)
            for result in dirty[:10]:
                moment = "after" if result.point.sent else "before"
                print(f"  {moment} {result.point.io} ({result.at}): {'; '.join(result.findings)}")
    if not wanted:
        PAGE.write_text(page(names, found))
    sys.exit(any(result.mark is Mark.DIRTY for results in found.values() for result in results))


if __name__ == "__main__":
    main()
