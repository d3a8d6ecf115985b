"""The list of mutants fits the source and the tests as they are, and the page shows it."""

import ast
import subprocess
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from tests.mutants import engine
from tests.mutants.listed import HOLLOW, MUTANTS
from tests.mutants.mutant import Mutant, Outdated
from tests.mutants.page import CAUGHT, ENGINE_PAGE, PAGE, ROOT, Result, pages
from tests.mutants.verdict import seen_through, still_failing

ENGINE_FEWEST = 30
FEWEST = {"local/graph": 18, "local/entra": 6, "local/keyvault": 2, "local/host": 4}


@lru_cache
def functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_changes_one_place_and_names_a_test(mutant: Mutant) -> None:
    changed = mutant.mutated(ROOT)
    assert changed != (ROOT / mutant.file).read_text()
    compile(changed, mutant.file, "exec")
    assert mutant.test_function in functions(ROOT / mutant.test_file)


def test_there_are_enough_of_each_and_no_name_twice() -> None:
    counted = Counter(str(Path(mutant.file).parent) for mutant in MUTANTS)
    assert {folder: max(counted[folder], few) for folder, few in FEWEST.items()} == {f: counted[f] for f in FEWEST}
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_each_rule_of_the_engine_is_broken_by_at_least_one() -> None:
    assert {mutant.rule for mutant in engine.MUTANTS} == set(engine.RULES)
    assert len(engine.MUTANTS) >= ENGINE_FEWEST
    assert all(mutant.file.startswith("shared/") is bool(mutant.rule) for mutant in MUTANTS)


@pytest.mark.parametrize("page", [PAGE, ENGINE_PAGE], ids=lambda page: page.stem)
def test_each_page_shows_exactly_these_and_all_caught(page: Path) -> None:
    """Make them anew with ``make mutants`` after a change of the list."""
    assert page.read_text() == pages(Result(mutant=each, outcome=CAUGHT) for each in (*MUTANTS, HOLLOW))[page]


def test_an_old_text_that_is_gone_or_there_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text("a = 1\nb = 1\n")
    for old in ("c", "1"):
        mutant = Mutant(name="m", lie="l", file="source.py", old=old, new="2", test="t.py::t")
        with pytest.raises(Outdated, match="m: the old text occurs"):
            mutant.mutated(tmp_path)


@pytest.mark.parametrize(
    ("printed", "caught"),
    [
        ("FAILED tests/a.py::test_b[1] - assert 200 == 412\n", True),
        ("FAILED tests/a.py::test_b - AssertionError: no\n", True),
        ("FAILED tests/a.py::test_b - Failed: DID NOT RAISE <class 'ValueError'>\n", True),
        ("FAILED tests/a.py::test_b - KeyError: 'error'\n", True),
        ("FAILED tests/a.py::test_b - ValueError: not enough values to unpack (expected 1, got 0)\n", True),
        ("FAILED tests/a.py::test_b - ValueError: no\n", False),
        ("FAILED tests/a.py::test_b - TypeError: no\n", False),
        ("ERROR:    Exception in ASGI application\nFAILED tests/a.py::test_b - assert 500 == 412\n", False),
        (
            "Exception in ASGI application\nCancelledError: Task cancelled, timeout graceful shutdown exceeded\n"
            "= short test summary info =\nFAILED tests/a.py::test_b - assert 500 == 412\n",
            True,
        ),
        (
            "Exception in ASGI application\nKeyError: 'a'\n"
            "Exception in ASGI application\nCancelledError: Task cancelled, timeout graceful shutdown exceeded\n"
            "= short test summary info =\nFAILED tests/a.py::test_b - assert 500 == 412\n",
            False,
        ),
        ("ERROR tests/a.py - ImportError: no\n", False),
        ("FAILED tests/a.py::test_b - assert 1 == 2\nERROR tests/a.py::test_c - RuntimeError\n", False),
        ("ERROR    a.log:1 no\n= short test summary info =\nFAILED tests/a.py::test_b - assert 1 == 2\n", True),
        ("1 passed\n", False),
        (
            "tests/a.py:1: in test_b\nlocal/c.py:2: in d\nE   KeyError: 'e'\n"
            "= short test summary info =\nFAILED tests/a.py::test_b - KeyError: 'e'\n",
            False,
        ),
        (
            "tests/a.py:1: in test_b\nshared/c.py:2: in d\nE   AssertionError\n"
            "= short test summary info =\nFAILED tests/a.py::test_b - AssertionError\n",
            False,
        ),
        (
            "local/c.py:2: in d\ntests/a.py:1: in test_b\nE   assert 1 == 2\n"
            "= short test summary info =\nFAILED tests/a.py::test_b - assert 1 == 2\n",
            True,
        ),
    ],
)
def test_only_a_failure_by_what_was_answered_counts(printed: str, caught: bool) -> None:
    assert seen_through(printed) is caught


def test_only_tests_that_failed_get_a_second_look() -> None:
    tests = ["t.py::test_a", "t.py::test_ab", "t.py::test_c"]
    summary = "= short test summary info =\n"
    assert still_failing(tests, f"{summary}FAILED t.py::test_ab[1] - assert 1\n") == ["t.py::test_ab"]
    assert still_failing(tests, f"{summary}FAILED t.py::test_a - assert 1\nERROR t.py::test_c - no\n") == []
    assert still_failing(tests, "") == []


def test_a_name_that_no_mutant_has_is_refused() -> None:
    command = [sys.executable, "-m", "tests.mutants", "if-match-ignored", "five-in-fligth"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stderr.strip()) == (1, "there is no mutant five-in-fligth")
