"""How quick and how large the stand is: ``python -m benchmarks.stand``.

Starts it on free ports, with the season as ``make run`` does and without; resets each simulator; loads Graph; reads
what each process takes. Prints Markdown; exit code 1 when a target is missed.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load import Rate, graph_load
from benchmarks.processes import Taken, machine, taken, taken_with_children
from local.children import ROOT
from local.simkit.people import ACCOUNTS, PLANNERS
from local.stand import Stand

START_SECONDS, RESET_MILLISECONDS, REQUESTS_PER_SECOND = 10.0, 100.0, 300.0
EVENTS_LOADED = 1000


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stand", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each number of clients works")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--times", type=int, default=5, help="how often each simulator is reset")
    given = parser.parse_args()
    print(f"On {machine()}.\n")
    missed = asyncio.run(measure(given))
    print("\n" + (f"Missed: {', '.join(missed)}." if missed else "Every target is met."))
    sys.exit(1 if missed else 0)


async def measure(given: argparse.Namespace) -> list[str]:
    """Take all measurements and return which targets were missed."""
    with tempfile.TemporaryDirectory(prefix="stand-") as folder:
        first, _ = await asyncio.to_thread(_up, Path(folder) / "up")
        second, whole = await asyncio.to_thread(_up, Path(folder) / "up")
        starts = {
            "`make run`: with the season, first start": first,
            "`make run`: with the season, second start": second,
        }
        began = time.perf_counter()
        async with Stand(work_folder=Path(folder) / "stand", season=False) as stand:
            starts["`Stand` in a test: without the season"] = time.perf_counter() - began
            _table("Start-up", "seconds", {name: f"{seconds:.1f}" for name, seconds in starts.items()})
            at_start = taken(stand)
            resets = await _resets(stand, given.times)
            _table("Reset, the slowest of several", "ms", {name: f"{value:.1f}" for name, value in resets.items()})
            rates = await _rates(stand, given)
            rows = {
                f"{rate.clients} clients": f"{rate.requests:.0f} | {rate.parts:.0f} | "
                f"{rate.requests / REQUESTS_PER_SECOND:.2f} | {rate.milliseconds:.2f}"
                for rate in rates
            }
            _table(
                "Graph over HTTPS, latency 0",
                "requests/s | with batch items | ratio to the target | processor ms each",
                rows,
            )
            _table(
                "Memory (RSS) of a test's stand",
                "MiB after the start, without the season | after the load",
                _memory(at_start, taken(stand)),
            )
            _table(
                "Memory (RSS) of `make run` once it is up",
                "MiB",
                {"all its processes, itself included": f"{whole:.0f}"},
            )
    return [
        *(name for name, seconds in starts.items() if seconds > START_SECONDS),
        *(f"reset of {name}" for name, value in resets.items() if value > RESET_MILLISECONDS),
        *(["requests per second"] if max(rate.requests for rate in rates) < REQUESTS_PER_SECOND else []),
    ]


def _up(folder: Path) -> tuple[float, float]:
    """Return the seconds from the command until ``make run``'s program says that the stand is up, and its MiB then."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "local.up", "--free-ports", "--work-folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("The stand is up."):
            break
    seconds = time.perf_counter() - began
    memory = taken_with_children(process.pid).rss if process.poll() is None else 0.0
    process.terminate()
    process.communicate()
    if "The stand is up.\n" not in printed:
        raise RuntimeError(f"the stand did not start:\n{''.join(printed)}")
    return seconds, memory


async def _resets(stand: Stand, times: int) -> Mapping[str, float]:
    urls = stand.urls
    found = {}
    async with httpx.AsyncClient(verify=stand.trust, trust_env=False, timeout=60) as http:
        for name, base in (("Entra", urls.entra), ("Key Vault", urls.vault)):
            found[f"{name}, as it is"] = await _reset(http, base, times)
        loaded = (("Graph", urls.graph, _load_graph), ("WedSync", urls.wedsync, _load_wedsync))
        for name, base, load in loaded:
            found[f"{name}, empty"] = await _reset(http, base, times)
            slowest = 0.0
            for _ in range(times):
                await load(stand, http)
                slowest = max(slowest, await _reset(http, base, 1))
            found[f"{name}, {EVENTS_LOADED:,} events in each calendar"] = slowest
    return found


async def _reset(http: httpx.AsyncClient, base: str, times: int) -> float:
    """Return the milliseconds of the slowest of several resets; the connection is open already."""
    await http.get(f"{base}/_control/health")
    slowest = 0.0
    for _ in range(times):
        began = time.perf_counter()
        (await http.post(f"{base}/_control/reset")).raise_for_status()
        slowest = max(slowest, (time.perf_counter() - began) * 1000)
    return slowest


async def _load_graph(stand: Stand, http: httpx.AsyncClient) -> None:
    events = [
        {"subject": f"Event {number}", "start": _zoned(number, 0), "end": _zoned(number, 1)}
        for number in range(EVENTS_LOADED)
    ]
    for account in ACCOUNTS:
        url = f"{stand.urls.graph}/_control/mailboxes/{account.upn}/events"
        _require_all((await http.put(url, json={"events": events})).raise_for_status().json())


async def _load_wedsync(stand: Stand, http: httpx.AsyncClient) -> None:
    events = [
        {
            "type": "client_meeting",
            "title": f"Event {number}",
            "start": _local(number, 0),
            "end": _local(number, 1),
            "timeZone": "Europe/London",
            "allDay": False,
        }
        for number in range(EVENTS_LOADED)
    ]
    for planner in PLANNERS:
        url = f"{stand.urls.wedsync}/_control/users/{planner.user_id}/events"
        _require_all((await http.put(url, json={"events": events})).raise_for_status().json())


def _require_all(answer: dict[str, Any]) -> None:
    if answer["loaded"] != EVENTS_LOADED:
        raise RuntimeError(f"{answer['loaded']} of {EVENTS_LOADED} events were loaded: {answer['refused'][:1]}")


def _local(number: int, hours: int) -> str:
    start = datetime(2026, 6, 1, 8, tzinfo=UTC) + timedelta(days=number // 8, hours=number % 8 + hours)
    return start.strftime("%Y-%m-%dT%H:%M:%S")


def _zoned(number: int, hours: int) -> dict[str, str]:
    return {"dateTime": _local(number, hours), "timeZone": "Europe/London"}


async def _rates(stand: Stand, given: argparse.Namespace) -> list[Rate]:
    await stand.load_season()
    async with graph_load(stand) as load:
        await load.rate(1, 1.0)
        return [await load.rate(clients, given.seconds) for clients in given.clients]


def _memory(before: Mapping[str, Taken], after: Mapping[str, Taken]) -> Mapping[str, str]:
    rows = {name: f"{before[name].rss:.0f} | {after[name].rss:.0f}" for name in before}
    sums = (sum(each.rss for each in processes.values()) for processes in (before, after))
    return rows | {"together": " | ".join(f"{total:.0f}" for total in sums)}


def _table(title: str, unit: str, rows: Mapping[str, str]) -> None:
    columns = unit.count("|") + 1
    print(f"\n| {title} | {unit} |\n|---|{'---:|' * columns}")
    for name, values in rows.items():
        print(f"| {name} | {values} |", flush=True)


if __name__ == "__main__":
    main()
