"""Fixtures that every folder of tests may ask for."""

from collections.abc import Iterator

import pytest

from local.azurite import Azurite
from local.azurite import azurite as run_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole test run; a test takes names of its own so that none disturbs another."""
    with run_azurite() as running:
        yield running
