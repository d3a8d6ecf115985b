"""``docs/mutants.md``: the last full run as a table without dates and machine, so that a diff shows what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "mutants.md"
CAUGHT = "caught"
_HEAD = """# A lying simulator is caught

Made by `make mutants`, which changes one line of a simulator at a time and runs the one conformance test that is named
for it. Caught means that this test fails by what it is answered, and not because something crashed; the same tests pass
on the unchanged simulators. The changes stand in `tests/mutants/`, word for word.

| mutant | lie | caught by | outcome |
|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one mutant; ``detail`` is for the screen."""

    mutant: Mutant
    outcome: str
    detail: str = ""


def row(mutant: Mutant, outcome: str) -> str:
    """Return a mutant's line of the table."""
    where = f"[`{mutant.test_function}`](../{mutant.test_file})"
    return f"| {mutant.name} | {mutant.lie} | {where} | {outcome} |"


def page(results: Iterable[Result]) -> str:
    """Return the whole page."""
    return _HEAD + "".join(f"{row(result.mutant, result.outcome)}\n" for result in results)
