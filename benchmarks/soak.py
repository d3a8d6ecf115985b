"""The stand under scripted planners for an hour: does anything grow? ``python -m benchmarks.soak --minutes 60``.

Everything runs as in ``make run``, on free ports, with the season. Each minute a row goes to ``samples.csv`` in the
work folder; at the end come what the planners did, the trends, and a verdict (``verdict.py``). Exit code 1 when
something grows that has no reason to, or when the planners could not work; 2 when it was too short to say.
"""

import argparse
import asyncio
import csv
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from benchmarks import storage
from benchmarks.processes import machine, taken
from benchmarks.script import WEIGHTS, ScriptedPlanner
from benchmarks.verdict import judge, worked
from local.simkit.people import IVY, PLANNERS
from local.simkit.people import Planner as Person
from local.stand import Stand
from tests.journeys.planner import Planner, eventually

PEOPLE = (*PLANNERS, Person(user_id="planner-ivy", name="Ivy Haven", account=IVY))


def main() -> None:
    """Run, report, say by the exit code whether anything grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two samples")
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two acts of one planner, on average")
    parser.add_argument("--stay", type=float, default=600.0, help="seconds that a planner stays connected")
    parser.add_argument("--fill", action="store_true", help="fill the request logs to their bound first")
    parser.add_argument("--planners", type=int, default=len(PEOPLE), choices=range(1, len(PEOPLE) + 1))
    parser.add_argument("--work-folder", type=Path, help="logs and samples.csv; a temporary folder by default")
    given = parser.parse_args()
    folder = given.work_folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    _say(f"{given.minutes:g} minutes on {machine()}; samples in {folder / 'samples.csv'}")
    sys.exit(asyncio.run(Soak(folder, given).run()))


class Soak:
    """One soak. ``options`` are the command line's."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder = folder
        self._options = options
        self._samples: list[dict[str, float]] = []

    async def run(self) -> int:
        """Work, sample, judge."""
        async with AsyncExitStack() as open_ones:
            stand = await open_ones.enter_async_context(Stand(work_folder=self._folder))
            planners = [Planner(stand, person) for person in PEOPLE[: self._options.planners]]
            for planner in planners:
                open_ones.push_async_callback(planner.close)
                await planner.http.put(f"{stand.urls.wedsync}/_control/users/{planner.person.user_id}")
            # Ivy's tenant leaves consent to its administrator unless told otherwise.
            turned = await planners[0].http.post(f"{stand.urls.entra}/_control/knobs", json={"adminApproval": []})
            turned.raise_for_status()
            if self._options.fill:
                await storage.fill_logs(stand, planners[0].http)
            scripts = [ScriptedPlanner(planner, seed=seed) for seed, planner in enumerate(planners)]
            began = time.monotonic()
            until = began + self._options.minutes * 60
            working = [
                asyncio.create_task(each.work(until=until, pause=self._options.pause, stay=self._options.stay))
                for each in scripts
            ]
            await self._watch(stand, planners[0].http, began=began, until=until)
            await asyncio.gather(*working)
            await eventually(lambda: _at_rest(stand), "the queues are empty", 300)
            await self._sample(stand, planners[0].http, began)
            return self._report(scripts)

    async def _watch(self, stand: Stand, http: httpx.AsyncClient, *, began: float, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(self._options.every, max(0.0, until - time.monotonic())))
            if death := stand.dead():
                raise RuntimeError(death)
            await self._sample(stand, http, began)

    async def _sample(self, stand: Stand, http: httpx.AsyncClient, began: float) -> None:
        """Add a row to the file, written through, so that a soak can be read while it runs."""
        processes = taken(stand)
        sample: dict[str, float] = {"minute": round((time.monotonic() - began) / 60, 2)}
        sample |= {f"rss.{name}": each.rss for name, each in processes.items()}
        sample |= {f"files.{name}": each.files for name, each in processes.items()}
        sample |= {f"rows.{name}": count for name, count in (await storage.rows(stand)).items()}
        sample |= {f"queue.{name}": count for name, count in (await storage.messages(stand)).items()}
        sample |= {f"kept.{name}": count for name, count in (await storage.kept(stand, http)).items()}
        self._samples.append(sample)
        with (self._folder / "samples.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self._samples[0]))
            writer.writeheader()
            writer.writerows(self._samples)
        total = sum(each.rss for each in processes.values())
        _say(f"minute {sample['minute']:6.1f}: {total:7.1f} MiB in all; {_short(processes, 'rss')}")

    def _report(self, scripts: Sequence[ScriptedPlanner]) -> int:
        done: Counter[str] = sum((each.done for each in scripts), Counter())
        refused: Counter[str] = sum((each.refused for each in scripts), Counter())
        _say("\nDone: " + ", ".join(f"{count} × {name}" for name, count in sorted(done.items())))
        often = "; ".join(f"{count} × {what}" for what, count in refused.most_common(10))
        _say("Did not work: " + (often or "nothing"))
        code, lines = judge(self._samples)
        _say("\n".join(lines))
        if code == 0 and (wrong := worked(done, refused, list(WEIGHTS))):
            _say(f"These samples show nothing: {'; '.join(wrong)}.")
            return 1
        return code


async def _at_rest(stand: Stand) -> bool:
    return not any(count for name, count in (await storage.messages(stand)).items() if not name.endswith("-poison"))


def _short(processes: Mapping[str, object], member: str) -> str:
    return ", ".join(f"{name} {getattr(each, member):.0f}" for name, each in processes.items())


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
