"""``docs/mutants.md``: the last full run as two tables without dates and machine, so that a diff shows what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "mutants.md"
CAUGHT = "caught"
_HEAD = """# What goes wrong on purpose is caught

Made by `make mutants`, which changes one place of a simulator or of the engine at a time and runs the one test that is
named for it. Caught means that this test fails by what it is answered, twice in a row, and not because something
crashed; the same tests pass on the unchanged source. The changes stand in `tests/mutants/`, word for word. What is not
caught is listed as such, and makes the command fail.
"""
_SIMULATORS = """
## A lying simulator

| mutant | lie | caught by | outcome |
|---|---|---|---|
"""
_ENGINE = """
## A faulty engine

At least one fault for each heading under which the rules of the sync are written down.

| rule | mutant | fault | caught by | outcome |
|---|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one mutant; ``detail`` is for the screen."""

    mutant: Mutant
    outcome: str
    detail: str = ""


def row(mutant: Mutant, outcome: str) -> str:
    """Return a mutant's line of its table."""
    where = f"[`{mutant.test_function}`](../{mutant.test_file})"
    rule = f"| {mutant.rule} " if mutant.rule else ""
    return f"{rule}| {mutant.name} | {mutant.lie} | {where} | {outcome} |"


def page(results: Iterable[Result]) -> str:
    """Return the whole page: the simulators' table, then the engine's."""
    rows = [(bool(result.mutant.rule), f"{row(result.mutant, result.outcome)}\n") for result in results]
    tables = ["".join(line for of_engine, line in rows if of_engine is wanted) for wanted in (False, True)]
    return f"{_HEAD}{_SIMULATORS}{tables[0]}{_ENGINE}{tables[1]}"
