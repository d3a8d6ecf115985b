"""A stand of its own for each journey module, and a planner at work on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.planner import Planner


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand(work_folder=tmp_path) as running:
        yield running


@pytest.fixture
async def rose(stand: Stand) -> AsyncIterator[Planner]:
    planner = Planner(stand, PLANNERS[0])
    yield planner
    await planner.close()
