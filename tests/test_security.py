"""docs/security.md names a test for each threat, and every table with how long its rows stay."""

import ast
import re
from pathlib import Path

import pytest

from local.provision import TABLES
from shared.store.rows import Table

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "security.md").read_text()


def rows_of(first_column: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called so, without its head."""
    (table,) = (part for part in DOCUMENT.split("\n\n") if part.startswith(f"| {first_column} |"))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


THREATS = rows_of("threat")


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_each_threat_is_tried_by_tests_that_are_there(row: list[str]) -> None:
    threat, answer, tests = row
    assert threat
    assert answer
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert named
    assert len(named) == tests.count("`") // 2
    for module, function in named:
        tree = ast.parse((ROOT / module).read_text())
        assert function in {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }, f"{module}::{function}"


def test_the_threats_of_the_design_are_there() -> None:
    told = " ".join(threat.lower() for threat, *_ in THREATS)
    for word in (
        "forged",
        "redirect",
        "ssrf",
        "log",
        "too large",
        "too deep",
        "again",
        "mails",
        "open endpoints",
        "flood",
    ):
        assert word in told, word


def test_every_table_is_named_with_how_long_its_rows_stay() -> None:
    named = {name: row for row in rows_of("where") for name in re.findall(r"`(Outlook\w+)`", row[0])}
    assert named.keys() == {table.value for table in Table} == set(TABLES)
    assert all(len(row) == 3 and row[1] and row[2] for row in named.values())
