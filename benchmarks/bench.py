"""How quick the service is: ``make bench`` or ``python -m benchmarks.bench``, on the whole stand with a slow Graph.

Measures a push and a pull of 1,000 events against what the far ends alone would take, the same push by two libraries
that a user would take instead, and how long an edit on one side takes to be seen on the other. Prints what it finds as
it goes and writes it to ``benchmarks/RESULTS.md``; exit code 1 when a target is missed.
"""

import argparse
import asyncio
import os
import ssl
import sys
import tempfile
import warnings
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp

from benchmarks import bulk, far_ends
from benchmarks.floors import IN_FLIGHT, pull_floor, push_floor, spread
from benchmarks.load import access_token
from benchmarks.processes import machine
from benchmarks.results import Measured, Page
from benchmarks.visible import Edits, pairs
from local.simkit.people import MARCO, PLANNERS
from local.stand import Stand
from tests.journeys.loads import wedsync_events
from tests.journeys.planner import Planner

RESULTS = Path(__file__).parent / "RESULTS.md"
_POSTS = 400
_PUSH_PARTS = ("before the first `$batch`: queue, reading, planning", "in `$batch`es", "between `$batch`es", "after")
_PULL_PARTS = ("before the first POST: queue, reading, planning", "while WedSync answers", "between POSTs", "after")


def main() -> None:
    """Measure, write the page, say by the exit code whether a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="how many are pushed, and pulled")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds that Graph takes for a request")
    parser.add_argument("--edits", type=int, default=200, help="how many edits are timed in each direction")
    parser.add_argument("--idle-edits", type=int, default=100, help="how many of them come after idle time")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds of idle time")
    parser.add_argument("--alone", action="store_true", help="leave the other ways of pushing out")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    # The libraries warn of parts of themselves; that is no result.
    warnings.simplefilter("ignore", DeprecationWarning)
    page = Page()
    command = "make bench" if len(sys.argv) == 1 else f"make bench BENCH_ARGS='{' '.join(sys.argv[1:])}'"
    page.head = [
        f"`{command}` on {datetime.now(UTC):%d %B %Y}, on {machine()}. Graph takes {given.latency * 1000:g} ms"
    ]
    page.head[0] += f" for each request, and lets {IN_FLIGHT} of a mailbox in at a time."
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asyncio.run(Bench(given, page).run(Path(folder)))
    print(f"\nWritten to {given.output}.")
    sys.exit(1 if page.missed else 0)


class Bench:
    """All measurements on one stand, one after another. ``options`` are the command line's."""

    def __init__(self, options: argparse.Namespace, page: Page) -> None:
        self._options = options
        self._page = page

    async def run(self, folder: Path) -> None:
        """Take them all."""
        async with Stand(work_folder=folder, season=False) as stand:
            rose = Planner(stand, PLANNERS[0])
            try:
                await rose.connect()
                await rose.first_run_ended()
                await far_ends.be_late(rose, self._options.latency)
                others = [] if self._options.alone else await self._others(stand, rose)
                for measure in (partial(self._push, others=others), self._pull, self._visible, self._visible_meanwhile):
                    await measure(stand, rose)
                    self._write()
            finally:
                await rose.close()

    def _write(self) -> None:
        """Write what is known so far: a run takes long, and what was measured is not to be lost with the rest."""
        output: Path = self._options.output
        output.write_text(self._page.text(before=output.read_text() if output.exists() else ""))

    async def _others(self, stand: Stand, rose: Planner) -> list[Measured]:
        from benchmarks.others import WAYS, Target  # noqa: PLC0415 - msgraph-sdk takes ten seconds to import

        trust = ssl.create_default_context(cafile=str(stand.ca_file))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as http:
            token = await access_token(stand, http, MARCO)
        target = Target(graph_url=stand.urls.graph, ca_file=str(stand.ca_file), token=token)
        events, found = wedsync_events(self._options.events, "Push"), []
        for name, way in WAYS.items():
            await far_ends.empty_mailbox(rose, MARCO.upn)
            await far_ends.forget_requests(rose)
            measured = await self._measured(name, await way(target, events))
            if (there := await far_ends.events_in(rose, MARCO.upn)) != len(events):
                raise RuntimeError(f"{name}: {there} of {len(events)} events are there")
            found.append(measured)
        await far_ends.empty_mailbox(rose, MARCO.upn)
        return found

    async def _measured(self, name: str, seconds: float) -> Measured:
        floor = push_floor(self._options.events, latency=self._options.latency)
        measured = Measured(name=name, seconds=seconds, floor=floor, load=os.getloadavg()[0])
        _say(f"{name}: {seconds:.1f} s, {measured.ratio:.2f} times the floor, load {measured.load:.1f}")
        return measured

    async def _push(self, stand: Stand, rose: Planner, others: list[Measured]) -> None:
        found = await bulk.push(stand, rose, count=self._options.events, name="Pushed")
        await self._require_both(stand, rose, self._options.events)
        ours = await self._measured("this service: stored, resumable, once", found.stored)
        title = f"Push of {self._options.events:,} events"
        self._page.bulk(title, ours, others, note=_processor(found))
        self._page.where("Where the push's time went", found.parts, names=_PUSH_PARTS, floor=ours.floor)
        _say(str(found))

    async def _pull(self, stand: Stand, rose: Planner) -> None:
        count, latency = self._options.events, self._options.latency
        alone = await bulk.wedsync_post(rose, count=_POSTS, at_once=1)
        together = await bulk.wedsync_post(rose, count=_POSTS, at_once=bulk.WEDSYNC_AT_ONCE)
        found = await bulk.pull(stand, rose, count=count, name="Pulled", latency=latency)
        await self._require_both(stand, rose, 2 * count)
        floor = pull_floor(count, page=bulk.PAGE, latency=latency, post=together, at_once=bulk.WEDSYNC_AT_ONCE)
        ours = Measured(name="this service", seconds=found.stored, floor=floor, load=os.getloadavg()[0])
        bare = pull_floor(count, page=bulk.PAGE, latency=latency, post=alone, at_once=bulk.WEDSYNC_AT_ONCE)
        note = (
            f"A POST to WedSync takes {together * 1000:.1f} ms when {bulk.WEDSYNC_AT_ONCE} are under way, as many as"
            f" the service sends, and {alone * 1000:.1f} ms by itself; by the latter, which the simulator in its one"
            f" process cannot keep up, the floor would be {bare:.2f} s and the ratio {found.stored / bare:.2f}."
        )
        self._page.bulk(f"Pull of {count:,} events", ours, [], note=f"{note} {_processor(found)}")
        self._page.where("Where the pull's time went", found.parts, names=_PULL_PARTS, floor=floor)
        _say(f"pull: {found.stored:.1f} s, {ours.ratio:.2f} times the floor; {found}")

    async def _visible(self, stand: Stand, rose: Planner) -> None:
        options = self._options
        await bulk.at_rest(stand, rose)
        edits = Edits(rose, await pairs(rose))
        rows = []
        idle = await edits.series(options.idle_edits, idle=options.idle) if options.idle_edits else ([], [])
        busy = await edits.series(options.edits - options.idle_edits)
        for number, toward in enumerate(("toward Outlook", "toward WedSync")):
            rows.append((f"{toward}, all", spread(idle[number] + busy[number])))
            if idle[number]:
                rows.append((f"{toward}, after {options.idle:g} s of idle", spread(idle[number])))
            rows.append((f"{toward}, one after another", spread(busy[number])))
        self._page.visible("From an edit to its being seen on the other side", rows)
        _say("\n".join(f"{name}: {each}" for name, each in rows))

    async def _visible_meanwhile(self, stand: Stand, rose: Planner) -> None:
        options = self._options
        await bulk.at_rest(stand, rose)
        edits = Edits(rose, await pairs(rose), first=2 * options.edits + 1)
        begun = asyncio.Event()
        run = asyncio.create_task(bulk.push(stand, rose, count=options.events, name="Meanwhile", begun=begun))
        await begun.wait()
        during = await edits.while_running(run)
        found = await run
        await self._require_both(stand, rose, 3 * options.events)
        titles = [f"{toward}, meanwhile" for toward in ("toward Outlook", "toward WedSync")]
        rows = [(name, spread(seconds)) for name, seconds in zip(titles, during, strict=True)]
        title = f"The same during a push of {options.events:,}, which took {found.stored:.1f} s"
        self._page.visible(title, rows)
        _say("\n".join(f"{name}: {each}" for name, each in rows) + f"; the push: {found}")

    @staticmethod
    async def _require_both(stand: Stand, rose: Planner, count: int) -> None:
        """Both calendars hold so many events; a look beside the run may have brought some of them to their end."""
        await bulk.at_rest(stand, rose)
        there = await far_ends.events_in(rose, rose.person.account.upn), len(await rose.wedsync_events())
        if there != (count, count):
            raise RuntimeError(f"Outlook and WedSync hold {there} events, and {count} should be in each")


def _processor(found: bulk.Timed) -> str:
    each = ", ".join(f"{name} {seconds:g}" for name, seconds in found.processor.items())
    return f"The run itself says that it ended after {found.run:.1f} s. Seconds of processor time meanwhile: {each}."


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
