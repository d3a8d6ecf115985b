"""The runbook names what the code logs, measures and offers, and nothing else."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared.log import Metric
from tools import ops

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def section(title: str) -> str:
    return RUNBOOK.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def named_in(text: str) -> list[str]:
    """Return the first word of each row of a table."""
    return re.findall(r"^\| `(\w+)[^`]*` \|", text, re.MULTILINE)


def texts(node: ast.expr) -> Iterator[str]:
    """Yield what an expression may be: one text, or one of two."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)
        case _:
            raise AssertionError(f"the name of an action is not written out: {ast.unparse(node)}")


def logged() -> set[str]:
    """Return the names of all actions, as the code writes them."""
    found: set[str] = set()
    for path in sorted((ROOT / "shared").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_action":
                found |= set(texts(node.args[0]))
    return found


def test_every_action_is_listed_once_and_in_order() -> None:
    listed = named_in(section("Actions"))
    assert listed == sorted(set(listed))
    assert set(listed) == logged()


def test_every_measurement_is_listed() -> None:
    assert named_in(section("Measurements")) == [metric.value for metric in Metric]


def test_every_command_is_described() -> None:
    (commands,) = (each for each in ops.parser()._actions if isinstance(each, argparse._SubParsersAction))
    assert named_in(section("The operator's command line")) == list(commands.choices)


def test_alerts_speak_of_what_is_logged_or_measured() -> None:
    """Words of the first column of conditions that look like names are names."""
    conditions = re.findall(r"^\| [^|]+ \| ([^|]+) \|", section("Alerts"), re.MULTILINE)[2:]
    spoken = {word for condition in conditions for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", condition)}
    assert len(spoken) > 12
    assert spoken <= logged() | {metric.value for metric in Metric}


def test_every_measurement_has_an_alert() -> None:
    alerts = section("Alerts")
    assert not [metric for metric in Metric if f"`{metric.value}`" not in alerts]
