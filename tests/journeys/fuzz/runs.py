"""Schemathesis as it comes, against the running host: https://schemathesis.readthedocs.io"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """How a run ended, what it said, and which statuses each operation answered, by its method and path."""

    code: int
    said: str
    statuses: Mapping[str, set[int]]


def fuzz(host: str, document: str, tokens: Mapping[str, str], folder: Path, *options: str) -> Fuzzed:
    """Run every phase with every check. Read from the host itself, the document would not be called as an operation."""
    folder.mkdir()
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
        timeout=280,
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
