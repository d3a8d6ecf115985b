"""The last full run as two pages without dates and machine, so that a diff shows what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "mutants.md"
ENGINE_PAGE = ROOT / "docs" / "engine-mutants.md"
CAUGHT = "caught"
_HOW = """Made by `make mutants`, which changes one place of a source at a time and runs the one test that is named for
it. Caught means that this test fails by what it is answered, twice in a row, and not because something crashed; the
same tests pass on the unchanged source. The changes stand in `tests/mutants/`, word for word. What is not caught is
listed as such, and makes the command fail.
"""
_SIMULATORS = f"""# A lying simulator is caught

{_HOW}
| mutant | lie | caught by | outcome |
|---|---|---|---|
"""
_ENGINE = f"""# A faulty engine is caught

{_HOW}
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


def pages(results: Iterable[Result]) -> dict[Path, str]:
    """Return the simulators' page and the engine's."""
    rows = [(bool(result.mutant.rule), f"{row(result.mutant, result.outcome)}\n") for result in results]
    heads = {PAGE: _SIMULATORS, ENGINE_PAGE: _ENGINE}
    return {
        path: heads[path] + "".join(line for of_engine, line in rows if of_engine is (path == ENGINE_PAGE))
        for path in heads
    }
