"""Let each simulator tell each lie, and demand that the named test catches it: ``python -m tests.mutants [NAME …]``.

Every worker has a copy of the checkout of its own and changes one file at a time in it. A lie is caught when the test
fails by what it was answered; a test or a simulator that breaks otherwise (an import, a fixture, a crash) shows
nothing. The emptiest lie, an empty 200 to everything, must be caught by the whole suite. Writes ``docs/mutants.md``;
exit code 1 when a lie gets through.
"""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.listed import HOLLOW, MUTANTS
from tests.mutants.mutant import Mutant, Outdated
from tests.mutants.page import CAUGHT, PAGE, ROOT, Result, page
from tests.mutants.verdict import last_words, seen_through

COPIED = ("local", "tests", "shared", "pyproject.toml", "function_app.py", "host.json", "docs", "package.json")
_LONGEST = 90.0
_WORKERS = max(2, os.cpu_count() or 1)


def main() -> None:
    """Run all mutants, or those whose names are given; only a full run writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not given.names or mutant.name in given.names]
    try:
        for mutant in chosen:
            mutant.mutated(ROOT)
    except Outdated as error:
        sys.exit(f"the list is out of date: {error}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        bench = Bench(Path(folder))
        _require_green(bench.copies[0], chosen)
        results = bench.run(chosen, hollow=not given.names)
    if not given.names:
        PAGE.write_text(page(results))
    survivors = [result.mutant.name for result in results if result.outcome != CAUGHT]
    print(
        f"{len(results) - len(survivors)} of {len(results)} caught" + "".join(f"\n  NOT: {name}" for name in survivors)
    )
    sys.exit(1 if survivors else 0)


@dataclass(kw_only=True)
class Copy:
    """A copy of the checkout in which one mutant at a time is tested."""

    root: Path

    def test(self, *tests: str, longest: float = _LONGEST) -> subprocess.CompletedProcess[str]:
        """Run these tests; no byte code is written, so that none of a mutant is left behind."""
        return subprocess.run(
            [sys.executable, "-m", "pytest", *tests, "-q", "-rfE", "--tb=short", "-p", "no:cacheprovider"],
            cwd=self.root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
            timeout=longest,
        )

    def judge(self, mutant: Mutant) -> Result:
        """Tell the lie, run the named test, take the lie back."""
        file = self.root / mutant.file
        honest, times = file.read_text(), file.stat()
        file.write_text(mutant.mutated(self.root))
        try:
            answer = self.test(mutant.test)
        except subprocess.TimeoutExpired:
            return Result(mutant=mutant, outcome="the test did not end")
        finally:
            file.write_text(honest)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        if answer.returncode == 0:
            return Result(mutant=mutant, outcome="not caught")
        if answer.returncode == 1 and seen_through(answer.stdout):
            return Result(mutant=mutant, outcome=CAUGHT)
        return Result(mutant=mutant, outcome="the test broke", detail=last_words(answer.stdout))


@dataclass
class Bench:
    """As many copies as there are workers."""

    folder: Path
    copies: list[Copy] = field(init=False)

    def __post_init__(self) -> None:
        self.copies = [Copy(root=_copied(self.folder / str(number))) for number in range(_WORKERS)]

    def run(self, mutants: Sequence[Mutant], *, hollow: bool) -> list[Result]:
        """Judge all; results come in the order of the list."""
        free: queue.Queue[Copy] = queue.Queue()
        for copy in self.copies:
            free.put(copy)

        def one(mutant: Mutant) -> Result:
            copy = free.get()
            try:
                result = _hollow(copy) if mutant is HOLLOW else copy.judge(mutant)
            finally:
                free.put(copy)
            print(f"{result.outcome:10} {mutant.name}{f': {result.detail}' if result.detail else ''}", flush=True)
            return result

        with ThreadPoolExecutor(len(self.copies)) as pool:
            # The emptiest lie takes longest, so it begins first; in the list it stands last.
            last = pool.submit(one, HOLLOW) if hollow else None
            results = list(pool.map(one, mutants))
            return [*results, last.result()] if last else results


def _hollow(copy: Copy) -> Result:
    answer = copy.test(HOLLOW.test, longest=300)
    detail = "" if answer.returncode == 0 else last_words(answer.stdout)
    return Result(mutant=HOLLOW, outcome=CAUGHT if answer.returncode == 0 else "not caught", detail=detail)


def _copied(root: Path) -> Path:
    root.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, symlinks=True)
        else:
            shutil.copy2(source, root / name)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    return root


def _require_green(copy: Copy, mutants: Sequence[Mutant]) -> None:
    """A test that fails on the honest simulators catches nothing."""
    answer = copy.test(*dict.fromkeys(mutant.test for mutant in mutants), longest=300)
    if answer.returncode:
        sys.exit(f"the named tests do not pass without a lie:\n{answer.stdout[-3000:]}")


if __name__ == "__main__":
    main()
