"""Schemathesis as it comes, against the running host: https://schemathesis.readthedocs.io"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from azure.data.tables.aio import TableClient

from tests.journeys.scene import Scene

RATE_LIMITS = "OutlookRateLimits"
CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
ONLY_REDIRECTS = ("GET /integrations/outlook/auth", "GET /integrations/outlook/callback")
FEW = ("--generation-deterministic", "--max-examples", "2", "--no-shrink")
"""The same few each time, for ``make test``; ``make fuzz`` makes up many, and others each time."""
_CANCELLED_IS_THERE = ("--exclude-checks", "use_after_free")
"""It says that what was deleted must be gone. Among many calls it can meet runs, which DELETE cancels: they stay in the
history, to be looked at. Nothing else is both read and deleted by an id, and the check knows no exceptions."""


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """How a run ended, what it said, and which statuses each operation answered, by its method and path."""

    code: int
    said: str
    statuses: Mapping[str, set[int]]


def many(examples: int, seed: int) -> tuple[str, ...]:
    """Return the options for so many examples of each operation; the same seed makes up the same ones."""
    return ("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none", *_CANCELLED_IS_THERE)


async def fuzzed(scene: Scene, folder: Path, *options: str, seconds: int = 280) -> tuple[Fuzzed, Fuzzed]:
    """Fuzz what needs a connection, as users who call no faster than they may, and then what ends it."""
    tokens = {"ROSE_TOKEN": await scene.rose.token(), "MARCO_TOKEN": await scene.marco.token()}
    run = partial(fuzz, scene.rose.urls.host, await document_of(scene), tokens, seconds=seconds)
    async with unhurried(scene):
        connected = await asyncio.to_thread(run, folder / "connected", *options, "--exclude-operation-id", "disconnect")
        ended = await asyncio.to_thread(run, folder / "ended", *options, "--include-operation-id", "disconnect")
    return connected, ended


async def document_of(scene: Scene) -> str:
    """Return the API document, as the host serves it."""
    return (await scene.call("api_document")).text


def left_out(document: str, found: Mapping[str, set[int]], well: set[str]) -> set[str]:
    """Return the operations of the document that were not called, or never answered as hoped; ``well`` were before."""
    operations = {f"{method.upper()} {path}" for path, item in json.loads(document)["paths"].items() for method in item}
    hoped = dict.fromkeys(operations, range(200, 300)) | dict.fromkeys(ONLY_REDIRECTS, range(302, 303))
    return {name for name, hope in hoped.items() if name not in found or not (name in well or found[name] & set(hope))}


@asynccontextmanager
async def unhurried(scene: Scene) -> AsyncIterator[None]:
    """Let what callers have used of their rate limits be forgotten at once: what lies behind them is to be fuzzed."""
    task = asyncio.create_task(_forget(scene.stand.connection_string))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _forget(connection_string: str) -> None:
    async with TableClient.from_connection_string(connection_string, RATE_LIMITS) as table:
        while True:
            async for row in table.list_entities(select=["PartitionKey", "RowKey"]):
                await table.delete_entity(row)
            await asyncio.sleep(0.2)


def fuzz(
    host: str, document: str, tokens: Mapping[str, str], folder: Path, *options: str, seconds: int = 280
) -> Fuzzed:
    """Run every phase, with every check but what the options leave out.

    Read from the host itself, the document would not be called as an operation.
    """
    folder.mkdir(parents=True)
    (folder / "openapi.json").write_text(document)
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    program = [schemathesis, "--config-file", str(CONFIGURATION), "--no-color", "run"]
    arguments = ["openapi.json", "--url", f"{host}/api", "--checks", "all", "--continue-on-failure"]
    done = subprocess.run(
        [*program, *arguments, "--report", "ndjson", "--report-dir", ".", *options],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), **tokens},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Fuzzed(code=done.returncode, said=f"{done.stdout}\n{done.stderr}", statuses=statuses(folder))


def statuses(folder: Path) -> dict[str, set[int]]:
    """Read the report: which statuses each operation answered, wrong methods left out."""
    found: dict[str, set[int]] = {}
    for label, method, status in answers(folder):
        if label.startswith(f"{method} "):
            found.setdefault(label, set()).add(status)
    return found


def answers(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Yield scenario, method and status of each answer in the report."""
    for report in folder.glob("*.ndjson"):
        for line in report.read_text().split("\n"):
            ended = json.loads(line or "{}").get("ScenarioFinished")
            for each in (ended or {}).get("recorder", {}).get("interactions", {}).values():
                if each.get("response"):
                    yield ended["recorder"]["label"], each["request"]["method"], each["response"]["status_code"]
