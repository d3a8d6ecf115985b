"""Let simulators and engine go wrong on purpose, and demand that the named test sees it: ``python -m tests.mutants``.

With names, only these: ``python -m tests.mutants NAME …``.

Every worker has a copy of the checkout of its own and changes one file at a time in it. A lie is caught when the test
fails by what it was answered, twice in a row, so that no test is taken for sharp-eyed that was merely late; a test, a
simulator or an engine that breaks otherwise (an import, a fixture, a crash) shows nothing. The emptiest lie, an empty
200 to everything, must be caught by the whole suite. Writes ``docs/mutants.md``; exit code 1 when a lie gets through.
"""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.local.test_hollow import SUITES
from tests.mutants.listed import HOLLOW, MUTANTS
from tests.mutants.mutant import Mutant, Outdated
from tests.mutants.page import CAUGHT, ROOT, Result, pages
from tests.mutants.verdict import last_words, seen_through, still_failing

COPIED = ("local", "tests", "shared", "pyproject.toml", "function_app.py", "host.json", "docs", "package.json")
_LONGEST, _LONGEST_OF_MANY = 180.0, 1200.0
_WORKERS = max(2, os.cpu_count() or 1)


def main() -> None:
    """Run all mutants, or those whose names are given; only a full run writes the pages."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args()
    if unknown := set(given.names) - {mutant.name for mutant in (*MUTANTS, HOLLOW)}:
        sys.exit(f"there is no mutant {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in MUTANTS if not given.names or mutant.name in given.names]
    try:
        for mutant in chosen:
            mutant.mutated(ROOT)
    except Outdated as error:
        sys.exit(f"the list is out of date: {error}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        bench = Bench(Path(folder))
        bench.require_green(chosen)
        results = bench.run(chosen)
        if not given.names or HOLLOW.name in given.names:
            results.append(bench.run_hollow())
    if not given.names:
        for path, text in pages(results).items():
            path.write_text(text)
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
        """Tell the lie, run the named test until it passes, twice at most, take the lie back."""
        file = self.root / mutant.file
        honest, times = file.read_text(), file.stat()
        file.write_text(mutant.mutated(self.root))
        try:
            answer = self.test(mutant.test)
            if answer.returncode == 1 and seen_through(answer.stdout):
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
    _free: queue.Queue[Copy] = field(init=False, default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.copies = [Copy(root=_copied(self.folder / str(number))) for number in range(_WORKERS)]
        for copy in self.copies:
            self._free.put(copy)

    def require_green(self, mutants: Sequence[Mutant]) -> None:
        """End with what pytest printed if a named test fails without any change: such a test catches nothing.

        What fails is tried once more by itself: some tests need requests to overlap, and a busy machine is late.
        """
        tests = list(dict.fromkeys(mutant.test for mutant in mutants))

        def check(number: int) -> str:
            share = tests[number :: len(self.copies)]
            printed = ""
            for _ in range(2):
                if share:
                    answer = self.copies[number].test(*share, longest=_LONGEST_OF_MANY)
                    printed = answer.stdout if answer.returncode else ""
                    share = still_failing(share, printed)
            return printed[-3000:]

        with ThreadPoolExecutor(len(self.copies)) as pool:
            printed = "".join(pool.map(check, range(len(self.copies))))
        if printed:
            sys.exit(f"the named tests do not pass without a lie:\n{printed}")

    def run(self, mutants: Sequence[Mutant]) -> list[Result]:
        """Judge all; results come in the order of the list."""

        def one(mutant: Mutant) -> Result:
            with self._copy() as copy:
                result = copy.judge(mutant)
            _tell(result)
            return result

        with ThreadPoolExecutor(len(self.copies)) as pool:
            return list(pool.map(one, mutants))

    def run_hollow(self) -> Result:
        """Run every conformance test against an empty 200; the files are dealt out to the workers."""
        root = self.copies[0].root
        files = sorted(str(file.relative_to(root)) for suite in SUITES for file in (root / suite).glob("test_*.py"))

        def passed(number: int) -> list[str]:
            with self._copy() as copy:
                share = files[number :: len(self.copies)]
                answer = copy.test(*share, "-m", "behaviour", "--hollow", "-rA", "--tb=no", longest=_LONGEST_OF_MANY)
            lines = answer.stdout.splitlines()
            failed = any(line.startswith(("FAILED", "ERROR")) for line in lines)
            return [line for line in lines if line.startswith("PASSED")] if failed else [last_words(answer.stdout)]

        with ThreadPoolExecutor(len(self.copies)) as pool:
            through = [line for lines in pool.map(passed, range(len(self.copies))) for line in lines]
        result = Result(mutant=HOLLOW, outcome="not caught" if through else CAUGHT, detail="; ".join(through[:5]))
        _tell(result)
        return result

    @contextmanager
    def _copy(self) -> Iterator[Copy]:
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)


def _tell(result: Result) -> None:
    print(f"{result.outcome:10} {result.mutant.name}{f': {result.detail}' if result.detail else ''}", flush=True)


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


if __name__ == "__main__":
    main()
