"""One world for each test, on a loop that never waits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.support.patient_loop import PatientLoop
from tests.support.world import World


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"patient": PatientLoop}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made
