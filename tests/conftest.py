"""Fixtures that every folder of tests may ask for."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from local.azurite import Azurite
from local.azurite import azurite as run_azurite

# So that the world's own assertions say what they found; before any test imports it.
pytest.register_assert_rewrite("tests.support.world")

# The same examples at every run: a red build is about the change. `HYPOTHESIS_PROFILE=search` looks for new ones.
# How fast a machine draws and runs says nothing of the rules: no test asserts a wall-clock time.
_ANY_SPEED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("steady", derandomize=True, print_blob=True, **_ANY_SPEED)
settings.register_profile("search", max_examples=1000, print_blob=True, **_ANY_SPEED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that shows which conformance tests would pass against nothing."""
    parser.addoption("--hollow", action="store_true", help="simulators answer an empty 200 outside their control API")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the machine (``tests/machine``) has come upon."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()):
                if name == "machine" and getattr(report, "when", "") == "call":
                    terminalreporter.section("what the machine has come upon")
                    terminalreporter.line(counts)


@pytest.fixture(scope="session")
def hollow(request: pytest.FixtureRequest) -> bool:
    """Whether simulators answer an empty 200 to everything outside their control API (``tests.local.hollow``)."""
    return bool(request.config.getoption("--hollow"))


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole test run; a test takes names of its own so that none disturbs another."""
    with run_azurite() as running:
        yield running
