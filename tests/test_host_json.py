"""What host.json lets through to Application Insights: alerts rest on single lines, so none of ours may be lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import functions

ROOT = Path(__file__).parent.parent
LOGGING: dict[str, Any] = json.loads((ROOT / "host.json").read_text())["logging"]
BUSY = ("event_jobs", "run_jobs", "upkeep_jobs", "safety_sync")
"""What runs again and again for every connection, or every minute."""


def level_of(category: str) -> str:
    """Return the least level that is written in a category: the longest name that it begins with decides.

    https://learn.microsoft.com/azure/azure-functions/configure-monitoring#configure-log-levels
    """
    levels: dict[str, str] = LOGGING["logLevel"]
    named = [name for name in levels if category == name or category.startswith(f"{name}.")]
    return levels[max(named, key=len, default="default")]


def test_no_line_and_no_exception_is_sampled() -> None:
    """What is named here is sent whole, and what is not named is sampled.

    https://learn.microsoft.com/azure/azure-functions/functions-host-json#applicationinsightssamplingsettings
    """
    sampling = LOGGING["applicationInsights"]["samplingSettings"]
    assert set(sampling["excludedTypes"].split(";")) == {"Trace", "Exception"}
    assert "includedTypes" not in sampling
    assert sampling["isEnabled"] is True, "requests and dependencies are many, and no alert rests on one of them"


@pytest.mark.parametrize("function", sorted(functions()))
def test_what_we_log_is_written_whatever_the_function(function: str) -> None:
    assert level_of(f"Function.{function}.User") == "Information"


@pytest.mark.parametrize("function", BUSY)
def test_the_hosts_own_lines_about_what_runs_all_the_time_are_not_written(function: str) -> None:
    """That it begins, what triggers it, that it has ended: three lines an execution that say nothing new."""
    assert function in functions()
    assert level_of(f"Function.{function}") == "Warning"


def test_a_name_in_the_levels_is_a_functions() -> None:
    """A function that is renamed would be written about again, and one that is left out would be silent."""
    named = {name.split(".")[1] for name in LOGGING["logLevel"] if name.startswith("Function.")}
    assert named == set(BUSY)


def test_what_became_of_each_execution_is_written() -> None:
    assert level_of("Host.Results") == "Information"
