"""Write ``docs/fidelity.md`` from the marks of the conformance suite: ``python -m tests.local.fidelity``.

Tests are collected, not run: a behaviour is reproduced when its tests are there, and ``make test`` runs them all.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.local.behaviours import GRAPH_AND_ENTRA, KEY_VAULT, NOT_REPRODUCED, UNCHECKED
from tests.local.host.behaviours import HOST, HOST_NOT_REPRODUCED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
INTRODUCTION = ROOT / "tests" / "local" / "fidelity.in.md"
_SUITE = ROOT / "tests" / "local"
_PLUGIN = "tests.local.fidelity"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One test of one behaviour. ``file`` is its path from the root of the project."""

    number: str
    test: str
    file: str
    grade: str
    sources: tuple[str, ...]
    knobs: tuple[str, ...]


def collected() -> list[Shown]:
    """Return every marked test of the suite once, in the order of the files; in a process of its own."""
    command = [sys.executable, "-m", "pytest", str(_SUITE), "--collect-only", "-q", "-p", _PLUGIN, "--behaviours"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    marked = [line.removeprefix("behaviour: ") for line in answer.stdout.splitlines() if line.startswith("behaviour: ")]
    if answer.returncode or not marked:
        raise RuntimeError(f"the suite could not be collected:\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}")
    return [Shown(**json.loads(line)) for line in dict.fromkeys(marked)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that prints the marks."""
    parser.addoption("--behaviours", action="store_true", help="print the marks of the conformance suite")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print each mark as a line of JSON."""
    if not session.config.getoption("--behaviours"):
        return
    for item in session.items:
        for mark in item.iter_markers("behaviour"):
            shown = Shown(
                number=mark.args[0],
                test=getattr(item, "originalname", item.name),
                file=str(item.path.relative_to(ROOT)),
                grade=str(mark.kwargs["grade"]),
                sources=tuple(mark.kwargs["sources"]),
                knobs=tuple(mark.kwargs["knobs"]),
            )
            sys.stdout.write(f"behaviour: {json.dumps(asdict(shown))}\n")


def page(shown: Iterable[Shown]) -> str:
    """Return the whole document."""
    by_number: dict[str, list[Shown]] = {}
    for item in shown:
        by_number.setdefault(item.number, []).append(item)
    parts = [INTRODUCTION.read_text(), "## Graph and Entra\n", *_table(GRAPH_AND_ENTRA, NOT_REPRODUCED, by_number)]
    parts += ["\n## Key Vault and the managed identity\n", *_table(KEY_VAULT, {}, by_number)]
    parts += ["\n## The Functions host\n", *_table(HOST, HOST_NOT_REPRODUCED, by_number)]
    parts += ["\n## What the sources leave open\n"]
    parts += [f"- {number}: {what}." for number, what in UNCHECKED.items()]
    return "\n".join(parts) + "\n"


def _table(numbers: dict[str, str], missing: dict[str, str], by_number: dict[str, list[Shown]]) -> Iterator[str]:
    yield "| number | behaviour | status | evidence | knobs | tests |"
    yield "|---|---|---|---|---|---|"
    for number, title in numbers.items():
        tests = by_number.get(number, [])
        status = f"not reproduced: {missing[number]}" if number in missing else "reproduced" if tests else "open"
        grades = ", ".join(dict.fromkeys(test.grade for test in tests))
        knobs = ", ".join(f"`{knob}`" for knob in sorted({knob for test in tests for knob in test.knobs}))
        yield f"| {number} | {title} | {status} | {grades} | {knobs} | {len(tests)} |"
    yield "\nEach test, how well what it shows is known, and where that comes from:\n"
    for number in numbers:
        for test in by_number.get(number, []):
            refs = " ".join(f"<{source}>" for source in test.sources)
            yield f"- {number} [{_words(test.test)}](../{test.file}): {test.grade}; {refs}"


def _words(test: str) -> str:
    _, _, words = test.removeprefix("test_").partition("_")
    return words.replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(page(collected()))
