"""Fuzz the API for long, with other requests each time: ``make fuzz``, ``make fuzz EXAMPLES=500 SEED=7``."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.journeys.fuzz.guided import guided
from tests.journeys.fuzz.runs import answers, document_of, fuzzed, left_out, many
from tests.journeys.scene import open_scene

LONGEST_SECONDS = 4 * 60 * 60


async def run(examples: int, seed: int, folder: Path) -> int:
    """Bring a stand up and fuzz it; return how many faults there were of the two kinds, and say what they are."""
    async with open_scene(folder / "stand") as scene:
        well = await guided(scene)
        runs = await fuzzed(scene, folder, *many(examples, seed), seconds=LONGEST_SECONDS)
        document = await document_of(scene)
    for each in runs:
        print(each.said)
    found = {label: statuses for each in runs for label, statuses in each.statuses.items()}
    for label, statuses in sorted(found.items()):
        print(f"{label}: {sorted(statuses)}")
    requests = Counter(status for name in ("connected", "ended") for _, _, status in answers(folder / name))
    print(f"{requests.total()} requests: {dict(sorted(requests.items()))}")
    missed = left_out(document, found, well)
    if missed:
        print(f"never answered as hoped: {sorted(missed)}")
    return sum(each.code != 0 for each in runs) + len(missed)


def main() -> int:
    """Read the command line, and say how to repeat what it does."""
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="how many of each operation and phase")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="what they are made from")
    wanted = parser.parse_args()
    print(f"to repeat: make fuzz EXAMPLES={wanted.examples} SEED={wanted.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        faults = asyncio.run(run(wanted.examples, wanted.seed, Path(folder)))
    print("FAILED" if faults else "no fault was found", f"with EXAMPLES={wanted.examples} SEED={wanted.seed}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
