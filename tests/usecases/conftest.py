"""One world for each test, on a loop that never waits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.support.pair import Pair
from tests.support.patient_loop import PatientLoop
from tests.support.world import World


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"patient": PatientLoop}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made
        assert made.errors == [], "a job failed in a way that nobody foresaw"


@pytest.fixture
async def ours(world: World) -> Pair:
    """Born in WedSync."""
    event = await world.wedsync.add("Tasting", location={"name": "Mill", "address": ""}, description="Samples")
    await world.connect()
    return Pair(world, event["id"], str((await world.mapping_of(event["id"])).outlook_id))


@pytest.fixture
async def theirs(world: World) -> Pair:
    """Born in Outlook."""
    item = await world.outlook.add("Dentist")
    await world.connect()
    return Pair(world, (await world.wedsync.events())[0]["id"], item["id"])
